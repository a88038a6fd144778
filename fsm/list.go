package fsm

import (
	"github.com/redraftdb/redraft/fsm/value"
	"github.com/redraftdb/redraft/snapshot"
)

func listType() dataType {
	return dataType{name: "list", write: writeList, read: (*state).readList, digest: digestList, row: listRow}
}

// listOf is the list that a stored value is.
func (db *database) listOf(s stored, limits value.ListLimits) value.List {
	if s.large != nil {
		return value.LargeList(&db.mem, s.large.(*value.Quicklist), limits)
	}
	return value.SmallList(&db.mem, value.Listpack(s.bytes), limits)
}

// putList makes a list that was changed, or made, the value of key.
func (db *database) putList(key []byte, l value.List, deadline int64) {
	db.putAggregate(key, &l, kindList, kindList, deadline)
}

// list is the list under a key, for reading or writing as the run does; in writes a new one where
// there is no key. If the key has another type the command has been answered, and ok is false.
func (r *run) list(key []byte) (l value.List, e entry, ok bool) {
	e, found, ok := r.typed(key, typeList)
	switch limits := r.state.parameters.listLimits(); {
	case !ok:
	case found:
		l = r.db.listOf(r.load(e), limits)
	default:
		e.cell = nil
		if r.writing {
			l = value.NewList(&r.db.mem, limits)
		}
	}
	return l, e, ok
}

// listLimits say how elements are divided among the nodes of a list.
func (p *parameters) listLimits() value.ListLimits {
	return value.ListLimits{Fill: p.listFill, Packed: p.listPacked}
}

// readList reads a list of a snapshot.
func (st *state) readList(rd *snapshot.Reader, db *database, e snapshot.Entry, deadline int64) error {
	l, err := value.DecodeList(rd, e.Type, &db.mem, st.parameters.listLimits())
	if err == nil {
		db.putList(e.Key, l, deadline)
	}
	return err
}

func writeList(out *snapshot.Writer, key []byte, s stored, _ value.Cells) {
	out.Key(snapshot.TypeListQuicklist2, key)
	if s.large == nil {
		value.EncodeSmallList(out, s.bytes)
		return
	}
	s.large.(*value.Quicklist).Encode(out)
}

func digestList(db *database, s stored, into *sum) {
	l := db.listOf(s, value.ListLimits{})
	l.Each(0, false, func(v value.Value) bool {
		into.mix(v.Bytes(nil))
		return true
	})
}

// pushEvent and popEvent are the keyspace events of either end.
func pushEvent(front bool) string {
	if front {
		return "lpush"
	}
	return "rpush"
}

func popEvent(front bool) string {
	if front {
		return "lpop"
	}
	return "rpop"
}

// popList takes up to count elements off the front of the list under a key, or else off its back, and
// answers with them, after announce has been told how many they are. Without such a list it does
// nothing; popped is false, and ok is too if the key has another type and the command has been answered.
func (r *run) popList(key []byte, front bool, count int, announce func(n int)) (popped, ok bool) {
	l, e, ok := r.list(key)
	if !ok || !e.found() {
		return false, ok
	}
	size := l.Len()
	n := min(count, size)
	announce(n)
	first := size - 1
	if front {
		first = 0
	}
	left := n
	l.Each(first, !front, func(v value.Value) bool {
		r.out.Bulk(v.Bytes(r.digits[:]))
		left--
		return left > 0
	})
	r.dropEnd(key, l, e, front, n)
	return true, true
}

// dropEnd takes n elements off an end of the list l, which list returned with e.
func (r *run) dropEnd(key []byte, l value.List, e entry, front bool, n int) {
	if front {
		l.Delete(0, n)
	} else {
		l.Delete(l.Len()-n, n)
	}
	r.db.putList(key, l, e.until())
	r.touchedTimes(key, n)
	r.event(EventList, popEvent(front), key)
	r.emptied(key, l.Len())
}

// emptied tells of the end of a key whose value has no elements left.
func (r *run) emptied(key []byte, length int) {
	if length == 0 {
		r.event(EventGeneric, "del", key)
	}
}

// touchedTimes is touched of a command whose changes of a key Redis counts as n. If that is none the
// key has been written all the same.
func (r *run) touchedTimes(key []byte, n int) {
	r.touched(key)
	r.changes += uint64(n) - 1
}

// moveList takes an element off an end of one list, puts it at an end of another, or the same, and
// answers with it. moved and ok are as popList has them.
func (r *run) moveList(from, to []byte, fromFront, toFront bool) (moved, ok bool) {
	l, e, ok := r.list(from)
	if !ok || !e.found() {
		return false, ok
	}
	target, into, ok := r.list(to)
	if !ok {
		return false, false
	}
	at := l.Len() - 1
	if fromFront {
		at = 0
	}
	v, _ := l.At(at)
	r.scratch = v.AppendValue(r.scratch[:0])
	r.out.Bulk(r.scratch)
	if into.found() && into.ref == e.ref {
		l.Delete(at, 1)
		l.Push(r.scratch, toFront)
		r.db.putList(from, l, e.until())
	} else {
		target.Push(r.scratch, toFront)
		r.db.putList(to, target, into.until())
		l, e, _ = r.list(from)
		l.Delete(at, 1)
		r.db.putList(from, l, e.until())
	}
	r.touched(to)
	r.event(EventList, pushEvent(toFront), to)
	r.touchedTimes(from, 0)
	r.event(EventList, popEvent(fromFront), from)
	r.emptied(from, l.Len())
	return true, true
}
