package fsm

import (
	"encoding/binary"

	"github.com/redraftdb/redraft/fsm/arena"
)

// Looking up a key waits three times for memory that is in no cache: for its table, for its place in
// there, and for its cell. A batch of lookups would wait for one key after the other; the processor
// can wait for many at once if nothing in between depends on what comes. So the keys of a batch are
// looked for together first, step by step, and what is found is forgotten: the commands then find it
// in the cache (BenchmarkRead, BenchmarkApply).

// warmKeys is how many keys are looked for together, and warmLeast from how many on it is worth it.
const (
	warmKeys  = 16
	warmLeast = 4
)

// warmth is a few keys of a batch.
type warmth struct {
	places [warmKeys]place
	refs   [warmKeys]uint32
	n      int
	sum    int // of what was read, so that it is read
}

// add takes a key in. It need not be there, nor be a key.
func (w *warmth) add(db *database, key []byte) {
	w.places[w.n] = db.place(key)
	w.n++
}

// touch reads what the keys' lookups will.
func (w *warmth) touch(db *database) {
	places, refs := w.places[:w.n], w.refs[:w.n]
	w.n = 0
	if db.keys == 0 {
		return
	}
	for _, p := range places {
		w.sum += db.slots[p.slot].Len()
	}
	for i, p := range places {
		refs[i] = db.slots[p.slot].First(p.frag)
	}
	for _, ref := range refs {
		if ref != 0 {
			w.sum += int(db.cellAt(arena.Ref(ref))[0])
		}
	}
}

// warmCalls warms the keys of the calls ahead, most of which read the database db.
func (w *warmth) warmCalls(db *database, calls []Call) {
	for i := range calls {
		if args := calls[i].Args; len(args) > 1 {
			w.add(db, args[1])
		}
	}
	w.touch(db)
}

// warmItems does the same for items. Those of another database than db are looked for in vain.
func (w *warmth) warmItems(db *database, items [][]byte) {
	for _, item := range items {
		if key := secondWord(item); key != nil {
			w.add(db, key)
		}
	}
	w.touch(db)
}

// secondWord is the second argument of an item, nil if there is none.
func secondWord(item []byte) []byte {
	_, item, _ = cutUvarint(item)
	n, item, _ := cutUvarint(item)
	name, item, _ := cutUvarint(item)
	if n < 2 || name > uint64(len(item)) {
		return nil
	}
	size, k := binary.Uvarint(item[name:])
	if item = item[name:]; k <= 0 || size > uint64(len(item)-k) {
		return nil
	}
	return item[k : k+int(size)]
}
