package fsm

import (
	"encoding/binary"
	"errors"

	"github.com/tidwall/btree"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/fsm/value"
	"github.com/redraftdb/redraft/snapshot"
)

// A schedule is a database's index of hashes with deadlines of fields: of each the earliest one. Its order is
// that of the keys' deadlines. What belongs to a hash is found by its cell, for the value may have changed by
// the time it is asked for.
type schedule struct {
	order *btree.BTreeG[deadline]
	at    map[arena.Ref]int64 // as order has it; never walked
}

func newSchedule(db *database) schedule {
	return schedule{btree.NewBTreeGOptions(db.sooner, btree.Options{NoLocks: true}), map[arena.Ref]int64{}}
}

// set gives the cell at ref a time, 0 for none.
func (s *schedule) set(p place, ref arena.Ref, at int64) {
	s.drop(p, ref)
	if at != 0 {
		s.order.Set(deadline{at, p, ref})
		s.at[ref] = at
	}
}

// drop takes the cell at ref out. It has not been freed yet.
func (s *schedule) drop(p place, ref arena.Ref) {
	if at := s.of(ref); at != 0 {
		s.order.Delete(deadline{at, p, ref})
		delete(s.at, ref)
	}
}

// of is the time of the cell at ref, 0 if it has none.
func (s *schedule) of(ref arena.Ref) int64 {
	if len(s.at) == 0 {
		return 0
	}
	return s.at[ref]
}

// move takes note that a cell was copied to another place, which takes over from it.
func (s *schedule) move(p place, from, to arena.Ref) {
	if at := s.of(from); at != 0 {
		s.drop(p, from)
		s.set(p, to, at)
	}
}

// scheduleFields puts a value that is new or has changed into the index if it is a hash with deadlines of
// fields, or takes it out.
func (db *database) scheduleFields(e entry) {
	db.fields.set(e.place, e.ref, db.nextFieldDue(e.cell, 0))
}

// nextFieldDue is the earliest deadline of a field of the value in a cell that is later than a time, 0 if there is
// none.
func (db *database) nextFieldDue(c cell, after int64) int64 {
	if !c.kind().timed() {
		return 0
	}
	h := db.hashOf(loadValue(c, &db.objects))
	return h.NextDue(after)
}

// fieldDueAfter is the first deadline of a field that is later than now, 0 if there is none.
func (db *database) fieldDueAfter(now int64) (at int64) {
	db.fields.order.Scan(func(d deadline) bool {
		next := d.at
		if next <= now {
			next = db.nextFieldDue(db.cellAt(d.ref), now)
		}
		if next != 0 && (at == 0 || next < at) {
			at = next
		}
		return d.at <= now
	})
	return at
}

// expireFields removes fields that are due, at most limit of them; the next entry goes on.
func (m *Machine) expireFields(limit int) {
	for i, db := range m.state.databases {
		limit -= db.expireFields(m.state.clock, limit, func(key []byte, gone bool) {
			m.changed(i, key)
			m.event(EventHash, "hexpired", i, key)
			if gone {
				m.event(EventGeneric, "del", i, key)
			}
		})
	}
}

// expireFields removes fields that are due at now, at most limit of them, hash by hash. It tells of each hash that
// has changed, and whether its key is gone for want of fields, and returns how many fields it removed.
func (db *database) expireFields(now int64, limit int, tell func(key []byte, gone bool)) int {
	n := 0
	for n < limit {
		d, ok := db.fields.order.Min()
		if !ok || d.at > now {
			break
		}
		c := db.cellAt(d.ref)
		key := append([]byte(nil), db.keyOf(c)...)
		h := db.hashOf(loadValue(c, &db.objects))
		n += h.RemoveDue(now, limit-n)
		db.putHash(key, h, c.deadline())
		tell(key, h.Len() == 0)
	}
	return n
}

// fieldsChunk is about how many bytes of deadlines one field of a snapshot has.
const fieldsChunk = 32 << 10

// writeFieldDeadlines writes the deadlines of a hash's fields, behind the hash: of each field that has one the
// deadline in ms since the epoch, a uvarint, the length of the field, a uvarint, and the field. Those of a large
// hash may be several fields of the snapshot.
func writeFieldDeadlines(out *snapshot.Writer, s stored, cells value.Cells) {
	var b []byte
	written := false
	add := func(field []byte, at int64) bool {
		if s.large != nil && len(b) > 0 && len(b)+len(field) > fieldsChunk {
			out.Aux(auxFields, b)
			b, written = b[:0], true
		}
		b = binary.AppendUvarint(b, uint64(at))
		b = binary.AppendUvarint(b, uint64(len(field)))
		b = append(b, field...)
		return true
	}
	if s.large != nil {
		s.large.(*value.Timed).EachDeadline(cells, add)
	} else {
		value.EachPackDeadline(s.bytes, add)
	}
	if len(b) > 0 || !written { // a hash with room for deadlines may have none
		out.Aux(auxFields, b)
	}
}

var errFieldDeadlines = errors.New("it is not a list of deadlines behind a hash")

// readFieldDeadlines gives fields of the hash that was read last the deadlines that writeFieldDeadlines wrote.
func (db *database) readFieldDeadlines(key, b []byte) error {
	e, found := db.find(key)
	if !found || e.typ() != typeHash {
		return errFieldDeadlines
	}
	var all []value.FieldDeadline
	for len(b) > 0 {
		at, rest, ok := cutUvarint(b)
		size, rest, ok2 := cutUvarint(rest)
		if !ok || !ok2 || at > value.MaxDeadline || size > uint64(len(rest)) {
			return errFieldDeadlines
		}
		all = append(all, value.FieldDeadline{Field: rest[:size:size], At: int64(at)})
		b = rest[size:]
	}
	h := db.hashOf(loadValue(e.cell, &db.objects))
	err := h.SetDeadlines(all)
	if err == nil {
		db.putHash(key, h, e.deadline())
	}
	return err
}
