package fsm

import (
	"github.com/redraftdb/redraft/fsm/value"
	"github.com/redraftdb/redraft/snapshot"
)

func setType() dataType {
	return dataType{name: "set", write: writeSet, read: (*state).readSet, digest: digestSet, row: setRow}
}

// setOf is the set that a stored value is.
func (db *database) setOf(s stored, limit int) value.Set {
	if s.large != nil {
		return value.LargeSet(&db.mem, s.large.(*value.Dict), limit)
	}
	return value.SmallSet(&db.mem, value.Intset(s.bytes), limit)
}

// putSet makes a set that was changed, or made, the value of key.
func (db *database) putSet(key []byte, s value.Set, deadline int64) {
	db.putAggregate(key, &s, kindIntset, kindSet, deadline)
}

// set is the set under a key, for reading or writing as the run does; in writes a new one where there is
// no key. If the key has another type the command has been answered, and ok is false.
func (r *run) set(key []byte) (s value.Set, e entry, ok bool) {
	return r.setAt(r.typed(key, typeSet))
}

// sourceSet is set for a key that the command only reads.
func (r *run) sourceSet(key []byte) (s value.Set, e entry, ok bool) {
	return r.setAt(r.source(key, typeSet))
}

func (r *run) setAt(e entry, found, ok bool) (value.Set, entry, bool) {
	var s value.Set
	switch limit := r.state.parameters.intsetEntries; {
	case !ok:
	case found:
		s = r.db.setOf(r.load(e), limit)
	default:
		e.cell = nil
		if r.writing {
			s = value.NewSet(&r.db.mem, limit)
		}
	}
	return s, e, ok
}

// readSet reads a set of a snapshot.
func (st *state) readSet(rd *snapshot.Reader, db *database, e snapshot.Entry, deadline int64) error {
	s, err := value.DecodeSet(rd, e.Type, &db.mem, st.parameters.intsetEntries)
	if err == nil {
		db.putSet(e.Key, s, deadline)
	}
	return err
}

func writeSet(out *snapshot.Writer, key []byte, s stored, cells value.Cells) {
	if s.large == nil {
		out.Key(snapshot.TypeSetIntset, key)
		out.String(s.bytes)
		return
	}
	out.Key(snapshot.TypeSet, key)
	s.large.(*value.Dict).EncodeSet(out, cells)
}

func digestSet(db *database, s stored, into *sum) {
	set := db.setOf(s, 0)
	set.Each(func(v value.Value) bool {
		into.join(v.Bytes(nil))
		return true
	})
}
