package cluster

import (
	"sync"

	"github.com/hashicorp/raft"
)

// Bounds of recentLog, which keeps whatever stays within both.
const (
	recentEntries = 512
	recentBytes   = 8 << 20
)

// recentLog keeps the newest entries of the log. Entry i is in slot i modulo the number of slots.
type recentLog struct {
	mu    sync.RWMutex
	slots [recentEntries]*raft.Log
	bytes int
	low   uint64 // the oldest index that may still be there
	added bool   // something, since the last rest
}

func newRecentLog() *recentLog { return &recentLog{} }

func (r *recentLog) get(index uint64, log *raft.Log) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	l := r.slots[index%recentEntries]
	if l == nil || l.Index != index {
		return false
	}
	*log = *l
	return true
}

func (r *recentLog) add(logs []*raft.Log) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.added = true
	for _, l := range logs {
		r.drop(l.Index % recentEntries)
		kept := *l
		r.slots[l.Index%recentEntries] = &kept
		r.bytes += len(l.Data)
		if r.low == 0 || r.low > l.Index || l.Index-r.low >= recentEntries {
			r.low = l.Index - min(l.Index, recentEntries-1)
		}
		for ; r.bytes > recentBytes && r.low <= l.Index; r.low++ {
			if old := r.slots[r.low%recentEntries]; old != nil && old.Index == r.low {
				r.drop(r.low % recentEntries)
			}
		}
	}
}

// rest forgets everything if nothing was added since it was called last: who still wants an old entry by then reads
// it from the disk.
func (r *recentLog) rest() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for slot := range r.slots {
		if !r.added {
			r.drop(uint64(slot))
		}
	}
	r.added = false
}

// remove forgets the entries min to max.
func (r *recentLog) remove(min, max uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for slot, l := range r.slots {
		if l != nil && l.Index >= min && l.Index <= max {
			r.drop(uint64(slot))
		}
	}
}

func (r *recentLog) drop(slot uint64) {
	if l := r.slots[slot]; l != nil {
		r.bytes -= len(l.Data)
		r.slots[slot] = nil
	}
}
