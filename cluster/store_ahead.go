package cluster

import (
	"slices"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// ahead is how a leader's log runs ahead of its disk, so that the disks of the followers write beside
// the leader's and not behind it (Ongaro, Consensus: Bridging Theory and Practice, 10.2.1).
//
// hashicorp/raft counts the leader's own disk when StoreLogs returns. If that is before the entries
// are on it, the library may hold an entry for committed which one disk less than a majority has. As
// long as this process lives that is as good as true: the node votes and replicates as one that has
// the entry. What must not be relied upon without the disk is what outlives the process, so:
//
//   - The machine applies nothing that is not on this disk: nothing is answered, read or put in a
//     snapshot (applier.Apply).
//   - No follower is told that an entry is committed which is not on this disk, so none applies it
//     either (boundEntries).
//   - Who leads no longer finds in its log only what is on disk (GetLog). A follower looks into its
//     log before it says that it has an entry which it was sent before.
//   - Only commands run ahead: the library acts at once upon a membership that it holds for committed.
//   - One write runs ahead at most. Whatever else is done to the log waits for it.
//
// A write that fails ends the process, as every other does.
type ahead struct {
	durable atomic.Uint64                 // the last index that is on disk
	running atomic.Pointer[chan struct{}] // of the last write that ran ahead; closed when it has ended
	// leads reports whether this node leads others: for sure if raft's main loop asks, which alone
	// begins and ends that.
	leads func() bool
}

// mayRun reports whether the write of entries may run ahead.
func (a *ahead) mayRun(logs []*raft.Log) bool {
	return a.leads() && !slices.ContainsFunc(logs, func(l *raft.Log) bool { return l.Type != raft.LogCommand })
}

// run does a write beside the caller.
func (a *ahead) run(write func()) {
	ended := make(chan struct{})
	a.running.Store(&ended)
	go func() {
		defer close(ended)
		write()
	}()
}

// settle waits until no write runs ahead.
func (a *ahead) settle() {
	if ended := a.running.Load(); ended != nil {
		<-*ended
	}
}

// reaches waits until the entry at index, which was stored, is on disk, and reports whether it is.
func (a *ahead) reaches(index uint64) bool {
	if a.durable.Load() < index {
		a.settle()
	}
	return a.durable.Load() >= index
}
