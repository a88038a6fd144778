package fsm

import "github.com/redraftdb/redraft/fsm/arena"

// When a key was used last, or how often, stands in its cell as the access word. It is this node's own: its
// reads leave their mark there as well as the log's writes, so it is part of no digest and no snapshot, and
// nothing that a command changes depends on it. A leader chooses by it what to evict, and logs the choice.
//
// The word has two forms, for the policies that need either:
//
//	recency    bit 31 is 0, the rest is the time of the last access in steps of 64 ms since the epoch,
//	           which come round after four years
//	frequency  bit 31 is 1, then 23 bits are the minutes since the epoch at which the count was last
//	           aged, and 8 bits the count
//
// A count grows more slowly the larger it is, so that 255 stands for a million accesses, and is aged by the
// minutes that have passed: Redis' Morris counter, with its constants. The zero word is an access at the beginning of time.
const (
	accessAt = 12 // where the word is in a cell

	frequencyForm = 1 << 31
	recencyShift  = 6 // from ms to the steps of recency
	recencyMask   = 1<<31 - 1
	minuteMask    = 1<<23 - 1
	countMask     = 1<<8 - 1

	countAtFirst = 5 // of a new key, which has to have a chance to be used
)

// accessTime is the word of an access at a time, ms since the epoch: of a key that is new, if accesses are
// counted.
func (p *parameters) accessTime(ms int64) uint32 {
	if p.policy.counts() {
		return frequencyForm | uint32(ms/60_000)&minuteMask<<8 | countAtFirst
	}
	return uint32(ms>>recencyShift) & recencyMask
}

// access is the access word of a cell.
func (c cell) access() uint32 { return arena.LoadWord(c, accessAt) }

// setAccess sets it. Readers may do so beside each other.
func (c cell) setAccess(word uint32) { arena.StoreWord(c, accessAt, word) }

// touch takes note that the run uses a key.
func (r *run) touch(c cell) {
	was := c.access()
	word := r.stamp
	if word&frequencyForm != 0 {
		word = r.state.parameters.counted(was, word, &r.luck)
	}
	if word != was && !r.unseen {
		c.setAccess(word)
	}
}

// replaces takes note that the run sets a key without having looked whether it is there, where accesses are counted;
// where they are timed whatever is put there says so.
func (r *run) replaces(key []byte) {
	if r.stamp&frequencyForm != 0 {
		r.lookupWrite(key)
	}
}

// counted is a word with one access more, at the time of stamp.
func (p *parameters) counted(was, stamp uint32, luck *random) uint32 {
	n := p.agedCount(was, stamp)
	if n < countMask {
		const scale = 1 << 20
		over := uint64(max(0, int64(n)-countAtFirst))
		if luck.next()%scale*(over*uint64(p.lfuFactor)+1) < scale {
			n++
		}
	}
	return stamp&^countMask | n
}

// agedCount is the count of a word at the time of stamp.
func (p *parameters) agedCount(was, stamp uint32) uint32 {
	if was&frequencyForm == 0 {
		return countAtFirst // it is of the time before accesses were counted
	}
	n := was & countMask
	if p.lfuDecay == 0 {
		return n
	}
	passed := (stamp>>8 - was>>8) & minuteMask
	return n - min(n, uint32(min(int64(passed)/p.lfuDecay, countMask)))
}

// idleTime is for how many ms a key has not been used by the time of ms.
func (c cell) idleTime(ms int64) int64 {
	was := c.access()
	if was&frequencyForm != 0 {
		return int64((uint32(ms/60_000)-was>>8)&minuteMask) * 60_000
	}
	return int64((uint32(ms>>recencyShift)-was)&recencyMask) << recencyShift
}

// inherit gives a cell that takes another's place its access word: as of now, and where accesses are counted
// those of the other count on.
func (db *database) inherit(c, from cell) {
	word := db.stamp
	if was := from.access(); word&frequencyForm != 0 && was&frequencyForm != 0 {
		word = was
	}
	c.setAccess(word)
}

// restamp makes the present time that of accesses.
func (st *state) restamp() {
	st.stamp = st.parameters.accessTime(st.clock)
	for _, db := range st.databases {
		db.stamp = st.stamp
	}
}
