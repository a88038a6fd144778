package value

import (
	"fmt"

	"github.com/redraftdb/redraft/snapshot"
)

// maxIntset bounds the integers of an intset, whatever the limit.
const maxIntset = 1 << 30

// Set is a set in either of its forms, as a command handler works on it: an Intset, or a Dict of fields
// without values. It becomes a Dict as soon as an Add exceeds the limit or adds what is no integer, and
// never an Intset again.
//
// What Hash says of changes holds for a Set as well: whoever changes one puts Small or Large, whichever
// it then has, in the place of the old value.
type Set struct {
	m     *Memory
	limit int    // set-max-intset-entries: integers up to which the set is an intset
	ints  Intset // nil: dict holds the members
	dict  *Dict
}

// NewSet returns an empty small set.
func NewSet(m *Memory, limit int) Set {
	s := Set{m: m, limit: limit}
	s.rebuilt(NewIntset(m.spare(nil, 0)))
	return s
}

// SmallSet returns the set that a well-formed Intset holds.
func SmallSet(m *Memory, ints Intset, limit int) Set { return Set{m: m, ints: ints, limit: limit} }

// LargeSet returns the set that a Dict holds.
func LargeSet(m *Memory, d *Dict, limit int) Set { return Set{m: m, dict: d, limit: limit} }

// Small returns the bytes of a small set; nil when the set is large.
func (s *Set) Small() []byte { return s.ints }

// Large returns the structure of a large set; nil when the set is small.
func (s *Set) Large() Large {
	if s.dict == nil {
		return nil // and no interface around a nil Dict
	}
	return s.dict
}

// Len returns the number of members.
func (s *Set) Len() int {
	if s.dict != nil {
		return s.dict.Len()
	}
	return s.ints.Len()
}

// Has reports whether v is a member.
func (s *Set) Has(v Value) bool {
	if s.dict != nil {
		var digits [20]byte
		_, ok := s.dict.Get(s.m, v.Bytes(digits[:]))
		return ok
	}
	n, ok := v.integer()
	if ok {
		_, ok = s.ints.Find(n)
	}
	return ok
}

// integer returns the integer whose canonical form the value is.
func (v Value) integer() (n int64, ok bool) {
	if v.text == nil {
		return v.number, true
	}
	return ParseInt(v.text)
}

// Each visits the members until visit says false: of a small set in increasing order, of a large one in
// the Dict's canonical order.
func (s *Set) Each(visit func(v Value) bool) {
	if s.dict != nil {
		s.dict.Each(s.m.Arena, func(member, _ []byte) bool { return visit(Text(member)) })
		return
	}
	for i := range s.ints.Len() {
		if !visit(Number(s.ints.At(i))) {
			return
		}
	}
}

// Nth returns the member with n others before it in the order of Each, 0 ≤ n < Len().
func (s *Set) Nth(n int) Value {
	if s.dict != nil {
		member, _ := s.dict.Nth(s.m, n)
		return Text(member)
	}
	return Number(s.ints.At(n))
}

// Scan visits about count members from where a cursor points on and returns the cursor to go on from; 0
// begins and means the end. A small set is visited as a whole, whatever the cursor.
func (s *Set) Scan(cursor uint32, count int, visit func(v Value)) (next uint32) {
	if s.dict != nil {
		return s.dict.Scan(s.m, cursor, count, func(member, _ []byte) { visit(Text(member)) })
	}
	s.Each(func(v Value) bool {
		visit(v)
		return true
	})
	return 0
}

// Add adds a member and reports whether it is new. The bytes are copied; they may be views of the set's
// value as it was before its first change.
func (s *Set) Add(v Value) (added bool) {
	if s.dict == nil {
		n, ok := v.integer()
		if ok {
			return s.addInt(n)
		}
		s.enlarge()
	}
	if s.Has(v) {
		return false // and no clone is made that the caller would have to store
	}
	var digits [20]byte
	s.dict = s.dict.Writable(s.m)
	return s.dict.Set(s.m, v.Bytes(digits[:]), nil)
}

func (s *Set) addInt(n int64) bool {
	i, found := s.ints.Find(n)
	if found {
		return false
	}
	s.rebuilt(s.ints.Insert(s.m.spare(s.ints, len(s.ints)+8), i, n))
	if s.ints.Len() > min(s.limit, maxIntset) {
		s.enlarge()
	}
	return true
}

// Remove takes out a member and reports whether it was there. A set without members is left to the
// caller to remove.
func (s *Set) Remove(v Value) bool {
	if s.dict != nil {
		if !s.Has(v) {
			return false // and no clone is made that the caller would have to store
		}
		var digits [20]byte
		s.dict = s.dict.Writable(s.m)
		return s.dict.Delete(s.m, v.Bytes(digits[:]))
	}
	n, ok := v.integer()
	if !ok {
		return false
	}
	i, ok := s.ints.Find(n)
	if ok {
		s.rebuilt(s.ints.Delete(s.m.spare(s.ints, len(s.ints)), i))
	}
	return ok
}

// rebuilt makes an Intset that was built in the Memory's spare scratch the set's.
func (s *Set) rebuilt(ints Intset) {
	s.m.wrote(ints)
	s.ints = ints
}

// enlarge makes a small set large.
func (s *Set) enlarge() {
	d := NewDict(s.m)
	var digits [20]byte
	s.Each(func(v Value) bool {
		d.Set(s.m, v.Bytes(digits[:]), nil)
		return true
	})
	s.dict, s.ints = d, nil
}

// EncodeSet writes a large set as the value of a key of type snapshot.TypeSet: the number of members,
// then these in canonical order. A view's goroutine may call it, with the view's cells.
func (d *Dict) EncodeSet(w *snapshot.Writer, cells Cells) {
	w.Length(uint64(d.Len()))
	d.Each(cells, func(member, _ []byte) bool {
		w.String(member)
		return true
	})
}

// DecodeSet reads the value of a key of one of the set types. The type decides the form: a Dict for
// snapshot.TypeSet, whatever its members, and an Intset for snapshot.TypeSetIntset, valid until the next
// use of the Reader. Errors are the Reader's, ErrEmpty, or snapshot.ErrFormat for a member that comes
// twice.
func DecodeSet(r *snapshot.Reader, t snapshot.Type, m *Memory, limit int) (Set, error) {
	if t == snapshot.TypeSetIntset {
		ints, err := r.Intset()
		return SmallSet(m, ints, limit), err
	}
	d := NewDict(m)
	err := r.Set(func(member []byte) error {
		if !d.Set(m, member, nil) {
			return fmt.Errorf("%w: a set with a member twice", snapshot.ErrFormat)
		}
		return nil
	})
	if err == nil && d.Len() == 0 {
		err = ErrEmpty
	}
	if err != nil {
		d.Free(m)
	}
	return LargeSet(m, d, limit), err
}
