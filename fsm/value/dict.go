package value

import (
	"bytes"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/fsm/table"
)

// Dict is the large form of a hash, and of a set as fields without values: an ordered table of
// cells in the keyspace's arena, one a field.
//
// Its canonical order is that of the fields' hashes, and of the fields' bytes where the fragments
// of the hashes are equal. The order depends on the fields and on the cluster's seed alone, not on
// how the Dict came about, so every node has the same, and a restored one too.
//
// A Dict that a view can see is left to the view: Writable or Clone make another one for the
// changes. All methods take the Memory the Dict was made in. The slices handed out or to visit
// are views that end with the lock or the next change of the Dict.
type Dict struct {
	table table.Table
	long  longParts
	cells int64  // bytes of the cells
	born  uint32 // the epoch of the Dict itself; its segments and cells have their own

	// What the owner of a view's Dict may write while the view reads the rest:

	swept uint32 // the fragment that FreeSome goes on from
	spent bool   // the cells are freed, or a clone's
}

// NewDict returns an empty Dict.
func NewDict(m *Memory) *Dict { return &Dict{born: m.Epoch} }

// Len returns the number of fields.
func (d *Dict) Len() int { return d.table.Len() }

// Bytes returns about how much memory the Dict takes. It depends on the contents alone, so that all
// nodes say the same: places in the table are counted at what they take on the average.
func (d *Dict) Bytes() int64 {
	const itself, place = 160, 11
	return itself + d.cells + place*int64(d.Len()) + d.long.bytes
}

// Cells returns the bytes of the cells, 0 once they are freed or a clone's.
func (d *Dict) Cells() int64 {
	if d.spent {
		return 0
	}
	return d.cells
}

// Private reports whether the Dict may be changed: no view sees it.
func (d *Dict) Private(m *Memory) bool { return m.Private(d.born) }

// Writable returns the Dict itself if it may be changed, else a Clone.
func (d *Dict) Writable(m *Memory) *Dict {
	if d.Private(m) {
		return d
	}
	return d.Clone(m)
}

// Clone returns a Dict with the same contents for its owner to go on with, and leaves d to a view
// that sees it. Nothing is copied but a few words: both share segments and cells, and a change of
// the clone copies what it is about to touch. The clone takes the cells over, so freeing d does
// nothing from now on. A Dict that may be changed has no need for it, nor room: for a second Dict
// that lives on beside the first there is Copy.
func (d *Dict) Clone(m *Memory) *Dict {
	c := *d
	c.born = m.Epoch
	d.spent = true
	return &c
}

// Copy returns a Dict of its own in another Memory, or the same, with the contents of d, whose
// cells are read from those given.
func (d *Dict) Copy(cells Cells, to *Memory) *Dict {
	c := NewDict(to)
	d.Each(cells, func(field, v []byte) bool {
		c.Set(to, field, v)
		return true
	})
	return c
}

// Get returns a field's value.
func (d *Dict) Get(m *Memory, field []byte) (v []byte, ok bool) {
	ref, ok := d.find(m, m.Fragment(field), field)
	if !ok {
		return nil, false
	}
	_, v = d.pair(m.Arena.Bytes(ref))
	return v, true
}

// Set gives a field a value and reports whether the field is new. Both are copied, and may be views
// of the Dict itself.
func (d *Dict) Set(m *Memory, field, v []byte) (added bool) {
	_, added = d.set(m, field, v)
	return added
}

// set is Set, and returns the field's cell.
func (d *Dict) set(m *Memory, field, v []byte) (ref arena.Ref, added bool) {
	d.change(m)
	frag := m.Fragment(field)
	old, found := d.find(m, frag, field)
	if found && d.overwrite(m, old, v) {
		return old, false
	}
	ref = d.newCell(m, field, v)
	if found {
		d.table.Replace(frag, uint32(old), uint32(ref), m.Epoch)
		d.dispose(m, old)
		return ref, false
	}
	d.table.Insert(frag, uint32(ref), func(other uint32) bool {
		return bytes.Compare(field, d.field(m.Arena.Bytes(arena.Ref(other)))) < 0
	}, m.Epoch)
	return ref, true
}

// Delete removes a field and reports whether it was there.
func (d *Dict) Delete(m *Memory, field []byte) bool {
	d.change(m)
	frag := m.Fragment(field)
	ref, ok := d.find(m, frag, field)
	if !ok {
		return false
	}
	d.table.Delete(frag, uint32(ref), m.Epoch)
	d.dispose(m, ref)
	return true
}

// Nth returns the field with n others before it in canonical order, 0 ≤ n < Len(). Its time grows
// with the number of segments.
func (d *Dict) Nth(m *Memory, n int) (field, v []byte) {
	_, ref := d.table.Nth(n)
	return d.pair(m.Arena.Bytes(arena.Ref(ref)))
}

// Scan visits about count fields in canonical order, at least one if there is one, from where a
// cursor points on, and returns the cursor to go on from: 0 begins and means the end. A cursor is a
// position in the order of hashes, so it holds on every node, and a field that is there all the
// time is visited whatever is added or removed in between.
func (d *Dict) Scan(m *Memory, cursor uint32, count int, visit func(field, v []byte)) (next uint32) {
	next, more := d.table.Scan(cursor, func(_, ref uint32) bool {
		visit(d.pair(m.Arena.Bytes(arena.Ref(ref))))
		count--
		return count > 0
	})
	if !more {
		return 0
	}
	return next
}

// Each visits all fields in canonical order until visit says false, and reports whether it never
// did. A view's goroutine may call it, with the view's cells.
func (d *Dict) Each(cells Cells, visit func(field, v []byte) bool) bool {
	going := true
	_, more := d.table.Scan(0, func(_, ref uint32) bool {
		going = going && visit(d.pair(cells.Bytes(arena.Ref(ref))))
		return going
	})
	return going && !more
}

// Free gives up all cells of a Dict that nobody refers to any more, or only a view.
func (d *Dict) Free(m *Memory) {
	for done := d.spent; !done; {
		_, done = d.FreeSome(m, d.Len())
	}
}

// FreeSome is Free in parts, so that giving up a huge Dict stops nobody for long: it frees about
// limit cells, returns how many it did, and reports whether these were the last. After the first
// call the Dict is good for nothing else.
func (d *Dict) FreeSome(m *Memory, limit int) (freed int, done bool) {
	if d.spent {
		return 0, true
	}
	next, more := d.table.Scan(d.swept, func(_, ref uint32) bool {
		r := arena.Ref(ref)
		m.Free(r, bornIn(m.Arena.Bytes(r)))
		freed++
		return freed < limit
	})
	d.swept, d.spent = next, !more
	return freed, !more
}

// Evacuate moves cells out of slabs that are nearly empty, so that the arena can give these back.
// It looks at about limit fields from a fragment on and returns the fragment to go on from; more
// is false at the end. What a view sees stays where it is.
func (d *Dict) Evacuate(m *Memory, from uint32, limit int) (next uint32, more bool) {
	return d.evacuate(m, from, limit, func(_, _ arena.Ref) {})
}

// evacuate is Evacuate, and tells of each cell that has been copied before the old one is freed.
func (d *Dict) evacuate(m *Memory, from uint32, limit int, moving func(old, to arena.Ref)) (next uint32, more bool) {
	type entry struct{ frag, ref uint32 }
	var sparse []entry
	next, more = d.table.Scan(from, func(frag, ref uint32) bool {
		r := arena.Ref(ref)
		if m.Arena.Sparse(r) && m.Private(bornIn(m.Arena.Bytes(r))) {
			sparse = append(sparse, entry{frag, ref})
		}
		limit--
		return limit > 0
	})
	for _, e := range sparse {
		if !m.Arena.Sparse(arena.Ref(e.ref)) {
			continue // its slab has filled meanwhile
		}
		old := m.Arena.Bytes(arena.Ref(e.ref))
		ref := m.Arena.Alloc(len(old))
		moved := m.Arena.Bytes(ref)
		copy(moved, old)
		setBorn(moved, m.Epoch)
		d.table.Replace(e.frag, e.ref, uint32(ref), m.Epoch)
		moving(arena.Ref(e.ref), ref)
		m.Arena.Free(arena.Ref(e.ref))
	}
	return next, more
}

// change panics when the Dict may not be changed: its contents would differ from what a view, or
// the Dict that took its cells over, takes them to be.
func (d *Dict) change(m *Memory) {
	if d.spent || !d.Private(m) {
		panic("value: a change of a Dict that is a view's, or given up")
	}
}

func (d *Dict) find(m *Memory, frag uint32, field []byte) (arena.Ref, bool) {
	ref, ok := d.table.Find(frag, func(ref uint32) bool {
		return string(d.field(m.Arena.Bytes(arena.Ref(ref)))) == string(field)
	})
	return arena.Ref(ref), ok
}
