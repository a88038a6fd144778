package fsm

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/zeebo/xxh3"
)

// recentCapacity is how many changes the machine remembers. It is a constant of the format: nodes that
// remember more or less would not agree on what a transaction does.
const recentCapacity = 1 << 16

// A recentChange is what happened to a key, or to a whole database, in the entry at an index.
type recentChange struct {
	index uint64
	what  uint64 // a kind in the low two bits; above them a key's hash or a database's number
}

// The kinds of changes.
const (
	changedKey      = iota // a command changed the key
	expiredKey             // the key was removed because it was due
	flushedDatabase        // all keys of the database were removed
	swappedDatabase        // the database's keys are those of another
	changeKinds     = 4
)

// recent is the last changes, in the order in which they happened: what tells, some entries after a
// session's node has last looked, whether a watched key is still as it was. It is replicated state.
type recent struct {
	ring   []recentChange
	oldest int    // where it lies, once the ring is full
	lost   uint64 // index of the newest change that is no longer in the ring
}

func (c *recent) add(index, what uint64) {
	if len(c.ring) < recentCapacity {
		c.ring = append(c.ring, recentChange{index, what})
		return
	}
	old := &c.ring[c.oldest]
	c.lost = old.index
	*old = recentChange{index, what}
	c.oldest = (c.oldest + 1) % recentCapacity
}

// at is the i-th change, the oldest first.
func (c *recent) at(i int) recentChange { return c.ring[(c.oldest+i)%len(c.ring)] }

// since visits what has changed after the entry at index, the newest first, until visit returns false.
func (c *recent) since(index uint64, visit func(what uint64) bool) {
	for i := len(c.ring) - 1; i >= 0; i-- {
		if change := c.at(i); change.index <= index || !visit(change.what) {
			return
		}
	}
}

// clone is what a view keeps.
func (c *recent) clone() recent {
	return recent{slices.Clone(c.ring), c.oldest, c.lost}
}

// append appends the changes in the form that snapshots have:
//
//	uvarint   index of the newest change that is forgotten
//	for each  uvarint, its index less that of the one before (the first: less the number above); u64, little-endian
func (c *recent) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, c.lost)
	last := c.lost
	for i := range c.ring {
		change := c.at(i)
		dst = binary.AppendUvarint(dst, change.index-last)
		dst = binary.LittleEndian.AppendUint64(dst, change.what)
		last = change.index
	}
	return dst
}

var errRecent = errors.New("it does not hold recent changes in the form that this version writes")

// read reads what append has written.
func (c *recent) read(b []byte) error {
	lost, b, ok := cutUvarint(b)
	if !ok {
		return errRecent
	}
	*c = recent{lost: lost}
	for last := lost; len(b) > 0; {
		var delta uint64
		if delta, b, ok = cutUvarint(b); !ok || len(b) < 8 || len(c.ring) == recentCapacity {
			return errRecent
		}
		last += delta
		c.ring = append(c.ring, recentChange{last, binary.LittleEndian.Uint64(b)})
		b = b[8:]
	}
	return nil
}

// hashOf is what the ring knows a key by. Two keys that share a hash make a transaction abort that need
// not; that is as likely as it sounds, and no harm.
func (st *state) hashOf(db int, key []byte) uint64 {
	return (xxh3.HashSeed(key, st.seed) + uint64(db)) &^ (changeKinds - 1)
}

// note remembers a change of a key.
func (st *state) note(kind uint64, db int, key []byte) {
	st.recent.add(st.index, st.hashOf(db, key)|kind)
}

// noteDatabase remembers a change of a whole database.
func (st *state) noteDatabase(kind uint64, db int) {
	st.recent.add(st.index, uint64(db)*changeKinds|kind)
}
