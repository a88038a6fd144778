package fsm

import (
	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/fsm/value"
)

// sparseSlack is how many bytes of a database's memory may lie idle before cells are moved together.
const sparseSlack = 4 << 20

// sweep is how far the walk has come that moves cells out of slabs that are nearly empty.
type sweep struct {
	place         // of the key to go on with
	inside uint32 // of the large value there: the fragment to go on with
}

// holes reports whether so much memory lies idle that cells are moved together.
func (db *database) holes() bool {
	st := db.mem.Arena.Stats()
	return !db.mem.Frozen && st.Mapped >= st.Live+st.Live/4+sparseSlack
}

// evacuate moves cells together after deletions have left holes, looking at about limit of them at a
// time, so that the arena can give slabs back. Where a cell lies shows nowhere. What a view sees
// stays where it is.
func (db *database) evacuate(limit int) {
	if !db.holes() {
		return
	}
	for looked := 0; looked < limit && len(db.slots) > 0; looked++ {
		s := &db.sweep
		if db.slots[s.slot].Len() == 0 {
			db.sweep = sweep{place: place{slot: (s.slot + 1) % slotCount}}
			continue
		}
		looked += db.evacuateSlot(limit - looked)
	}
}

// evacuateSlot goes on with the sweep in its slot and returns how many cells it looked at.
func (db *database) evacuateSlot(limit int) int {
	var room [evacuateAnEntry]entry
	found := room[:0]
	looked := 0
	next, more := db.slots[db.sweep.slot].Scan(db.sweep.frag, func(frag, ref uint32) bool {
		looked++
		r := arena.Ref(ref)
		found = append(found, entry{place{db.sweep.slot, frag}, r, db.cellAt(r)})
		return looked < limit
	})
	for _, e := range found {
		if looked += db.evacuateInside(e, limit); db.sweep.inside != 0 {
			return looked // the value has more; the sweep stays at its key
		}
		if db.mem.Private(e.born()) && db.mem.Arena.Sparse(e.ref) {
			db.move(e)
		}
	}
	if db.sweep.frag = next; !more {
		db.sweep = sweep{place: place{slot: (db.sweep.slot + 1) % slotCount}}
	}
	return looked
}

// evacuateInside goes on with the sweep in the cells of a large value.
func (db *database) evacuateInside(e entry, limit int) int {
	if !e.has(flagOutside) {
		return 0
	}
	l, ok := db.objects.items[e.object()].value.(value.Large)
	if !ok {
		return 0
	}
	next, more := l.Evacuate(&db.mem, db.sweep.inside, limit)
	if db.sweep.inside = next; !more {
		db.sweep.inside = 0
		return min(limit, l.Len())
	}
	db.sweep.frag = e.frag
	return limit
}

// move copies the cell at e to another one and frees it.
func (db *database) move(e entry) {
	ref := db.mem.Arena.Alloc(len(e.cell))
	copy(db.cellAt(ref), e.cell)
	db.tableFor(e.slot).Replace(e.frag, uint32(e.ref), uint32(ref), db.mem.Epoch)
	if at := e.deadline(); at != 0 {
		db.due.Delete(deadline{at, e.place, e.ref})
		db.due.Set(deadline{at, e.place, ref})
	}
	db.fields.move(e.place, e.ref, ref)
	db.mem.Arena.Free(e.ref)
}
