package value

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/redraftdb/redraft/snapshot"
)

// The deadlines of a hash's fields, in ms since the epoch. A hash has room for them from the first one on and
// for good: a small one then is a listpack of field, value and deadline in turn, 0 for none, and a large one a
// Timed. A hash that never had one pays nothing.

const (
	pairOf   = 2 // elements of a field in a listpack without deadlines
	tripleOf = 3 // and in one with deadlines

	// MaxDeadline is the latest deadline that a field may have, as in Redis.
	MaxDeadline = 1<<46 - 1
)

// TimedPack returns the hash that a well-formed listpack of fields, values and deadlines holds.
func TimedPack(m *Memory, pack Listpack) Hash { return Hash{m: m, pack: pack, timedPack: true} }

// TimedHash returns the hash that a Timed holds.
func TimedHash(m *Memory, t *Timed) Hash { return Hash{m: m, dict: t.dict, timed: t} }

// Timed reports whether the hash has room for deadlines.
func (h *Hash) Timed() bool { return h.timedPack || h.timed != nil }

// stride is the number of a field's elements in the listpack.
func (h *Hash) stride() int {
	if h.timedPack {
		return tripleOf
	}
	return pairOf
}

// At makes the methods that read take fields which are due at now for absent; all but Len, which counts them.
func (h *Hash) At(now int64) {
	if next := h.NextDue(0); next != 0 && next <= now {
		h.now = now
	}
}

// hides reports whether a field with that deadline is one that At made absent.
func (h *Hash) hides(at int64) bool { return at != 0 && at <= h.now }

// Live returns the number of fields that are not absent.
func (h *Hash) Live() int {
	switch n := h.Len(); {
	case h.now == 0:
		return n
	case h.timed != nil:
		return n - h.timed.countDue(h.now)
	default:
		eachTriple(h.pack, func(_, _, d Element) bool {
			if h.hides(d.number) {
				n--
			}
			return true
		})
		return n
	}
}

// NextDue returns the earliest deadline of a field that is later than a time, 0 if there is none.
func (h *Hash) NextDue(after int64) (next int64) {
	switch {
	case h.timed != nil:
		return h.timed.next(h.m, after)
	case h.timedPack:
		eachTriple(h.pack, func(_, _, d Element) bool {
			if d.number > after && (next == 0 || d.number < next) {
				next = d.number
			}
			return true
		})
	}
	return next
}

// Deadline returns a field's deadline, 0 if it has none; ok is false when there is no such field.
func (h *Hash) Deadline(field []byte) (at int64, ok bool) {
	if _, ok = h.Get(field); ok {
		at = h.deadlineOf(field)
	}
	return at, ok
}

// deadlineOf returns the deadline of a field even if it is absent by At; 0 where there is none.
func (h *Hash) deadlineOf(field []byte) int64 {
	switch {
	case h.timed != nil:
		return h.timed.deadline(h.m, field)
	case h.timedPack:
		if e, ok := h.pack.Find(field, tripleOf-1); ok {
			return h.third(e).number
		}
	}
	return 0
}

// third is the deadline behind a field's element and its value's.
func (h *Hash) third(field Element) Element { return h.pack.element(h.pack.skip(field.end)) }

// SetDeadline lets a field that is there fall due, or never with 0. Whoever calls it puts the hash in the place
// of the old value.
func (h *Hash) SetDeadline(field []byte, at int64) {
	if at == 0 && !h.Timed() {
		return
	}
	h.makeTimed(nil)
	if h.timed != nil {
		h.own()
		h.timed.setDeadline(h.m, field, at)
		return
	}
	e, _ := h.pack.Find(field, tripleOf-1)
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], at, 10)
	h.rebuilt(h.pack.Replace(h.m.spare(h.pack, len(h.pack)+len(text)), h.third(e).At, text))
}

// makeTimed makes room for deadlines. A small hash gets those of all, which are in the order of its fields.
func (h *Hash) makeTimed(all []FieldDeadline) {
	if h.pack != nil && !h.pack.Fits(room(nil)*h.Len()) {
		h.enlarge()
	}
	switch {
	case h.Timed():
	case h.dict != nil:
		h.timed = newTimed(h.m, h.dict.Clone(h.m)) // the old one is given up when the value is replaced
		h.dict = h.timed.dict
	default:
		h.widen(all)
	}
}

// widen makes a listpack of pairs one of triples.
func (h *Hash) widen(all []FieldDeadline) {
	pack := New(h.m.spare(h.pack, len(h.pack)+room(nil)*h.Len()))
	var a, b, digits [20]byte
	h.Each(func(field, v Value) bool {
		at := int64(0)
		if len(all) > 0 && field.Equal(all[0].Field) {
			at, all = all[0].At, all[1:]
		}
		pack = pack.Append(pack, field.Bytes(a[:]), v.Bytes(b[:]), strconv.AppendInt(digits[:0], at, 10))
		return true
	})
	h.rebuilt(pack)
	h.timedPack = true
}

// RemoveDue removes fields that are due at now, at most limit of them, and returns how many it removed. Like
// Delete it leaves a hash without fields to the caller.
func (h *Hash) RemoveDue(now int64, limit int) (removed int) {
	if h.timed != nil {
		h.own()
		return h.timed.removeDue(h.m, now, limit)
	}
	var gone []Element
	eachTriple(h.pack, func(field, v, d Element) bool {
		if d.number != 0 && d.number <= now {
			gone = append(gone, field, v, d)
		}
		return len(gone) < tripleOf*limit
	})
	if len(gone) > 0 {
		h.rebuilt(Listpack(append(h.m.spare(h.pack, len(h.pack)), h.pack...)).without(gone))
	}
	return len(gone) / tripleOf
}

// eachTriple visits the fields of a listpack with deadlines until visit says false.
func eachTriple(pack Listpack, visit func(field, v, deadline Element) bool) {
	for field, ok := pack.First(); ok; {
		v, _ := pack.Next(field)
		d, _ := pack.Next(v)
		if !visit(field, v, d) {
			return
		}
		field, ok = pack.Next(d)
	}
}

// PackPairs returns the fields and values of a listpack with deadlines as a listpack without.
func PackPairs(pack Listpack) Listpack {
	var thirds []Element
	eachTriple(pack, func(_, _, d Element) bool {
		thirds = append(thirds, d)
		return true
	})
	return slices.Clone(pack).without(thirds)
}

// EachPackDeadline visits the fields of a listpack with deadlines that have one, in its order.
func EachPackDeadline(pack Listpack, visit func(field []byte, at int64) bool) {
	var digits [20]byte
	eachTriple(pack, func(field, _, d Element) bool {
		return d.number == 0 || visit(field.Bytes(digits[:]), d.number)
	})
}

// FieldDeadline is a field with its deadline.
type FieldDeadline struct {
	Field []byte
	At    int64
}

// SetDeadlines gives fields of a hash that was read from a snapshot the deadlines they had: of a small hash all of
// them, in the order of its fields. It makes room for deadlines even if there are none. The error is
// snapshot.ErrFormat where they cannot be the hash's.
func (h *Hash) SetDeadlines(all []FieldDeadline) error {
	wrong := func(what string, f FieldDeadline) error {
		return fmt.Errorf("%w: a deadline of field %.64q %s", snapshot.ErrFormat, f.Field, what)
	}
	for _, f := range all {
		if f.At < 1 || f.At > MaxDeadline {
			return wrong("is out of range", f)
		}
	}
	if h.timedPack {
		return fmt.Errorf("%w: the deadlines of a small hash come twice", snapshot.ErrFormat)
	}
	if h.pack != nil {
		rest := all
		h.Each(func(field, _ Value) bool {
			if len(rest) > 0 && field.Equal(rest[0].Field) {
				rest = rest[1:]
			}
			return true
		})
		if len(rest) > 0 {
			return wrong("is not in the order of the fields", rest[0])
		}
	}
	if h.makeTimed(all); h.timed == nil {
		return nil
	}
	for _, f := range all {
		switch at, ok := h.Deadline(f.Field); {
		case !ok:
			return wrong("that is not there", f)
		case at != 0:
			return wrong("comes twice", f)
		}
		h.SetDeadline(f.Field, f.At)
	}
	return nil
}
