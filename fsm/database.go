package fsm

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/tidwall/btree"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/table"
	"github.com/redraftdb/redraft/fsm/value"
)

const (
	slotCount  = 1 << 14
	slotsBlock = 1 << 7 // slots counted together, to find the n-th key
)

// A database is one of the numbered keyspaces: an ordered table of cells for each hash slot, the
// arena they lie in, the objects of values that do not, and the deadlines. All of it goes when
// the database does, which is what FLUSHDB is: another database in its place.
//
// A snapshot's view shares everything with it. What a view can see is never written and never
// recycled: mem tells which cells those are, and the tables see to it themselves.
type database struct {
	mem     value.Memory
	slots   []table.Table // by hash slot; none before the first key
	blocks  [slotCount / slotsBlock]int
	keys    int
	objects objects
	due     *btree.BTreeG[deadline]
	fields  schedule // of hashes with deadlines of fields

	doomed      []value.Large // deleted, their cells still to be freed, a few at a time
	doomedCells int           // how many these are, at most
	doomedBytes int64         // of these cells, about
	stamp       uint32        // the access word of a cell that is new
	sweep       sweep

	added func(key []byte) // is told of each key that is added; nil if nobody is
}

// place is where the order of all keys has a key: by slot, then by the hash's upper half, then by
// the key's bytes. It is the same on every node of a cluster.
type place struct {
	slot uint16
	frag uint32
}

// entry is a key that was found. It is valid until the database changes.
type entry struct {
	place
	ref arena.Ref
	cell
}

func newDatabase(seed uint64) *database {
	db := new(database)
	db.mem = value.NewMemory(arena.New(), seed)
	db.due = btree.NewBTreeGOptions(db.sooner, btree.Options{NoLocks: true})
	db.fields = newSchedule(db)
	return db
}

func (db *database) place(key []byte) place {
	return place{command.Slot(key), db.mem.Fragment(key)}
}

func (db *database) cellAt(ref arena.Ref) cell { return cell(db.mem.Arena.Bytes(ref)) }

// keyOf is the key of a cell, wherever it lies.
func (db *database) keyOf(c cell) []byte { return db.objects.keyOf(c) }

// find finds a key, whether it is due or not.
func (db *database) find(key []byte) (entry, bool) {
	e := entry{place: db.place(key)}
	if db.keys == 0 {
		return e, false
	}
	ref, ok := db.slots[e.slot].Find(e.frag, func(ref uint32) bool {
		return bytes.Equal(db.keyOf(db.cellAt(arena.Ref(ref))), key)
	})
	if ok {
		e.ref = arena.Ref(ref)
		e.cell = db.cellAt(e.ref)
	}
	return e, ok
}

// tableFor is the table of a slot for a change.
func (db *database) tableFor(n uint16) *table.Table {
	if db.slots == nil {
		db.slots = make([]table.Table, slotCount)
	}
	return &db.slots[n]
}

// put makes v, in the encoding of k, the value of key. It falls due at deadline, ms since the
// epoch, 0 for never. v may be part of the value that it replaces.
func (db *database) put(key []byte, k kind, v []byte, deadline int64) {
	e, found := db.find(key)
	if !fits(key, len(v)) {
		db.putOutside(e, found, key, k, object{value: slices.Clone(v)}, deadline)
		return
	}
	if found && db.overwrite(e, k, v, deadline) {
		return
	}
	ref := db.mem.Arena.Alloc(cellSize(len(key), len(v), deadline != 0))
	c := db.cellAt(ref)
	copy(c.form(db.mem.Epoch, k, 0, key, len(v), deadline), v)
	db.link(e, found, key, ref)
}

// give is put of a v that is the database's from now on.
func (db *database) give(key []byte, k kind, v []byte, deadline int64) {
	if fits(key, len(v)) {
		db.put(key, k, v, deadline)
		return
	}
	db.putObject(key, k, v, deadline)
}

// putObject makes obj the value of key.
func (db *database) putObject(key []byte, k kind, obj any, deadline int64) {
	e, found := db.find(key)
	db.putOutside(e, found, key, k, object{value: obj}, deadline)
}

// putOutside makes an object the value of key, which find found at e or did not.
func (db *database) putOutside(e entry, found bool, key []byte, k kind, o object, deadline int64) {
	if len(key) > maxKeyHere {
		o.key = bytes.Clone(key)
	}
	n := db.objects.add(o)
	keyLen := len(key)
	if o.key != nil {
		keyLen = keyOutside
	}
	ref := db.mem.Arena.Alloc(cellSize(keyLen, 4, deadline != 0))
	c := db.cellAt(ref)
	putUint32(c.form(db.mem.Epoch, k, flagOutside, key, 4, deadline), n)
	db.link(e, found, key, ref)
}

// putCopy makes key's value a copy of a cell's, which lies in a database, the same or another; the
// deadline is copied too.
func (db *database) putCopy(key []byte, from *database, c cell) {
	s := loadValue(c, &from.objects)
	if s.large != nil {
		db.putObject(key, s.kind, s.large.CopyTo(&db.mem, from.mem.Arena), c.deadline())
		return
	}
	db.put(key, s.kind, s.bytes, c.deadline())
}

// putText makes a string the value of key, encoded as SET does: as an integer where it is one.
func (db *database) putText(key, v []byte, deadline int64) {
	if n, ok := value.ParseInt(v); ok {
		db.putInt(key, n, deadline)
		return
	}
	k := kindRaw
	if len(v) <= embstrMax {
		k = kindEmbstr
	}
	db.put(key, k, v, deadline)
}

// putInt makes an integer the value of key.
func (db *database) putInt(key []byte, n, deadline int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	db.put(key, kindInt, b[:], deadline)
}

// overwrite changes a cell in place, where nobody else sees it and the new value takes a cell
// of the same size.
func (db *database) overwrite(e entry, k kind, v []byte, at int64) bool {
	c := e.cell
	if c.has(flagOutside) || c.has(flagDeadline) != (at != 0) || !db.mem.Private(c.born()) ||
		arena.ClassSize(c.valueAt()+len(v)) != len(c) {
		return false
	}
	copy(c[c.valueAt():], v)
	c.setKind(k)
	c.setValueLen(len(v))
	db.inherit(c, c)
	if at != c.deadline() {
		db.setDue(e, at)
	}
	db.scheduleFields(e)
	return true
}

// ownBytes is the bytes of a string where it lies, if nobody else sees them.
func (db *database) ownBytes(e entry) (b []byte, ok bool) {
	switch {
	case !db.mem.Private(e.born()) || e.kind() == kindInt:
		return nil, false
	case e.has(flagOutside):
		return db.objects.items[e.object()].value.([]byte), true
	}
	return e.inline(), true
}

// spliceInPlace writes v into a string that nobody else sees, or does nothing: one in a cell does not grow.
func (db *database) spliceInPlace(e entry, offset int, v []byte) bool {
	b, ok := db.ownBytes(e)
	if !ok || !e.has(flagOutside) && offset+len(v) > len(b) {
		return false
	}
	if b = overlay(b, offset, v); e.has(flagOutside) {
		db.objects.replace(e.object(), b)
	}
	e.setKind(kindRaw)
	return true
}

// link puts a new cell where e was found, or would have been.
func (db *database) link(e entry, found bool, key []byte, ref arena.Ref) {
	t := db.tableFor(e.slot)
	fresh := entry{e.place, ref, db.cellAt(ref)}
	if found {
		t.Replace(e.frag, uint32(e.ref), uint32(ref), db.mem.Epoch)
		db.inherit(fresh.cell, e.cell)
		db.dispose(e)
	} else {
		fresh.setAccess(db.stamp)
		t.Insert(e.frag, uint32(ref), func(other uint32) bool {
			return bytes.Compare(key, db.keyOf(db.cellAt(arena.Ref(other)))) < 0
		}, db.mem.Epoch)
		db.blocks[e.slot/slotsBlock]++
		db.keys++
		if db.added != nil {
			db.added(key)
		}
	}
	if at := fresh.deadline(); at != 0 {
		db.due.Set(deadline{at, fresh.place, ref})
	}
	db.scheduleFields(fresh)
}

// remove deletes the key at e.
func (db *database) remove(e entry) {
	db.tableFor(e.slot).Delete(e.frag, uint32(e.ref), db.mem.Epoch)
	db.blocks[e.slot/slotsBlock]--
	db.keys--
	db.dispose(e)
}

// dispose gives up the cell at e, with its object and its deadline, after the table has.
func (db *database) dispose(e entry) {
	if at := e.deadline(); at != 0 {
		db.due.Delete(deadline{at, e.place, e.ref})
	}
	db.fields.drop(e.place, e.ref)
	private := db.mem.Private(e.born())
	if e.has(flagOutside) {
		n := e.object()
		if l, ok := db.objects.items[n].value.(value.Large); ok {
			db.doomed = append(db.doomed, l)
			db.doomedCells += l.Len()
			db.doomedBytes += l.Cells()
		}
		db.objects.drop(n, private)
	}
	db.mem.Free(e.ref, e.born())
}

// own is the object of e for the owner of a new cell that replaces e's: e's own, or a copy where a
// view can see it. The old cell keeps nothing but its place among the objects.
func (db *database) own(e entry) any {
	n := e.object()
	v := db.objects.items[n].value
	if db.mem.Private(e.born()) {
		db.objects.items[n].value = nil
		return v
	}
	switch v := v.(type) {
	case []byte:
		return slices.Clone(v)
	case value.Large:
		return v.Fork(&db.mem)
	default:
		return v
	}
}

// setDeadline makes the key at e fall due at the time given, 0 for never.
func (db *database) setDeadline(e entry, at int64) {
	if (at != 0) == e.has(flagDeadline) && db.mem.Private(e.born()) {
		if at != 0 {
			db.setDue(e, at)
		}
		return
	}
	key := db.keyOf(e.cell)
	if !e.has(flagOutside) {
		db.put(key, e.kind(), e.inline(), at)
		return
	}
	db.putOutside(e, true, key, e.kind(), object{value: db.own(e)}, at)
}

// setDue moves the deadline of a cell that has one, in place.
func (db *database) setDue(e entry, at int64) {
	db.due.Delete(deadline{e.deadline(), e.place, e.ref})
	e.cell.setDeadline(at)
	db.due.Set(deadline{at, e.place, e.ref})
}

// scan visits keys in canonical order from a cursor on, until about count were visited, and
// returns the cursor to go on from, 0 at the end. A cursor is slot<<32 | fragment.
func (db *database) scan(cursor uint64, count int, visit func(cell)) uint64 {
	from := uint32(cursor)
	for s := int(cursor >> 32); s < len(db.slots); s, from = s+1, 0 {
		if s%slotsBlock == 0 && from == 0 && db.blocks[s/slotsBlock] == 0 {
			s += slotsBlock - 1
			continue
		}
		t := &db.slots[s]
		if t.Len() == 0 {
			continue
		}
		if count <= 0 {
			return uint64(s)<<32 | uint64(from)
		}
		next, more := t.Scan(from, func(_, ref uint32) bool {
			visit(db.cellAt(arena.Ref(ref)))
			count--
			return count > 0
		})
		if more {
			return uint64(s)<<32 | uint64(next)
		}
	}
	return 0
}

// each visits all keys in canonical order.
func (db *database) each(visit func(cell)) {
	db.scan(0, int(^uint(0)>>1), visit)
}

// reclaim frees a bounded part of what deletions of large values left behind: so many cells, and more
// the more there are, so that what is left stays in proportion to what deletions add. It returns how many values
// are done with that were large enough for anybody to care.
func (db *database) reclaim(cells int) (values int) {
	const worthTelling = 64 // elements: Redis frees what is smaller at once
	cells += db.doomedCells / 16
	for cells > 0 && len(db.doomed) > 0 {
		last := len(db.doomed) - 1
		l, before := db.doomed[last], db.cellBytes()
		freed, done := l.FreeSome(&db.mem, cells)
		cells -= freed + 1
		db.doomedCells -= freed
		db.doomedBytes -= before - db.cellBytes()
		if done {
			db.doomed[last] = nil
			db.doomed = db.doomed[:last]
			if l.Len() > worthTelling {
				values++
			}
		}
	}
	if len(db.doomed) == 0 {
		db.doomedCells, db.doomedBytes = 0, 0 // those of a clone were counted, and are the clone's
	}
	return values
}
