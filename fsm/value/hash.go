package value

import (
	"errors"
	"fmt"

	"github.com/redraftdb/redraft/snapshot"
)

// ErrEmpty is returned for a value in a snapshot that has no elements; no such value exists.
var ErrEmpty = errors.New("a value without elements")

// HashLimits say up to where a hash is kept as a listpack: hash-max-listpack-entries and
// hash-max-listpack-value. Every replica has the same.
type HashLimits struct {
	Entries int // fields
	Value   int // bytes of a field or a value
}

// Hash is a hash in either of its forms, as a command handler works on it: fields and values in
// turn in a listpack, or a Dict. It becomes large as soon as a Set exceeds the limits, and never
// small again.
//
// A Hash stands for no key and nothing is stored by changing it. Whoever changes one puts Pack or
// Dict, whichever it then has, in the place of the old value: a changed Pack lies in the Memory's
// scratch, where the second next change of another Hash of that Memory writes over it, and a
// changed Dict may be another than before. The methods that only read may run beside others that
// do. The zero Hash is of no use.
type Hash struct {
	m    *Memory
	pack Listpack // nil: dict holds the fields
	dict *Dict

	timed     *Timed // what dict is part of, where there is room for deadlines
	timedPack bool   // the pack has deadlines
	now       int64  // 0, or what At was told where there is something due
}

// NewHash returns an empty small hash.
func NewHash(m *Memory) Hash {
	h := Hash{m: m}
	h.rebuilt(New(m.spare(nil, 0)))
	return h
}

// SmallHash returns the hash that a well-formed listpack of fields and values holds.
func SmallHash(m *Memory, pack Listpack) Hash { return Hash{m: m, pack: pack} }

// LargeHash returns the hash that a Dict holds.
func LargeHash(m *Memory, d *Dict) Hash { return Hash{m: m, dict: d} }

// Pack returns the listpack of a small hash; nil when the hash is large.
func (h *Hash) Pack() Listpack { return h.pack }

// Dict returns the Dict of a large hash; nil when the hash is small.
func (h *Hash) Dict() *Dict { return h.dict }

// Small returns the bytes of a small hash; nil when the hash is large.
func (h *Hash) Small() []byte { return h.pack }

// Large returns the structure of a large hash; nil when the hash is small.
func (h *Hash) Large() Large {
	switch {
	case h.timed != nil:
		return h.timed
	case h.dict != nil:
		return h.dict
	}
	return nil // and no interface around a nil Dict
}

// Encoding returns the word of OBJECT ENCODING.
func (h *Hash) Encoding() string {
	if h.dict != nil {
		return "hashtable"
	}
	if h.timedPack {
		return "listpackex"
	}
	return "listpack"
}

// Bytes returns about how much memory the hash takes.
func (h *Hash) Bytes() int64 {
	if l := h.Large(); l != nil {
		return l.Bytes()
	}
	return int64(len(h.pack))
}

// Len returns the number of fields.
func (h *Hash) Len() int {
	if h.dict != nil {
		return h.dict.Len()
	}
	return h.pack.Count() / h.stride()
}

// Get returns a field's value.
func (h *Hash) Get(field []byte) (v Value, ok bool) {
	if h.now != 0 && h.hides(h.deadlineOf(field)) {
		return Value{}, false
	}
	if h.dict != nil {
		b, ok := h.dict.Get(h.m, field)
		return Text(b), ok
	}
	e, ok := h.pack.Find(field, h.stride()-1)
	if !ok {
		return Value{}, false
	}
	return h.pack.element(e.end).Value, true
}

// Exists reports whether there is such a field.
func (h *Hash) Exists(field []byte) bool {
	_, ok := h.Get(field)
	return ok
}

// Each visits the fields until visit says false: of a small hash in the order in which they were
// added, of a large one in the Dict's canonical order.
func (h *Hash) Each(visit func(field, v Value) bool) {
	if h.dict != nil {
		h.dict.Each(h.m.Arena, func(field, v []byte) bool {
			return h.now != 0 && h.hides(h.deadlineOf(field)) || visit(Text(field), Text(v))
		})
		return
	}
	if h.timedPack {
		eachTriple(h.pack, func(field, v, d Element) bool { return h.hides(d.number) || visit(field.Value, v.Value) })
		return
	}
	for e, ok := h.pack.First(); ok; e, ok = h.pack.Next(e) {
		field := e
		e, _ = h.pack.Next(e)
		if !visit(field.Value, e.Value) {
			return
		}
	}
}

// Nth returns the field with n others before it in the order of Each, 0 ≤ n < Len(), absent ones included.
func (h *Hash) Nth(n int) (field, v Value) {
	if h.dict != nil {
		f, b := h.dict.Nth(h.m, n)
		return Text(f), Text(b)
	}
	e, ok := h.pack.Index(h.stride() * n)
	if !ok {
		panic("value: there is no such field")
	}
	next, _ := h.pack.Next(e)
	return e.Value, next.Value
}

// Scan visits about count fields from where a cursor points on and returns the cursor to go on
// from; 0 begins and means the end. A small hash is visited as a whole, whatever the cursor.
func (h *Hash) Scan(cursor uint32, count int, visit func(field, v Value)) (next uint32) {
	if h.dict != nil {
		return h.dict.Scan(h.m, cursor, count, func(field, v []byte) {
			if h.now == 0 || !h.hides(h.deadlineOf(field)) {
				visit(Text(field), Text(v))
			}
		})
	}
	h.Each(func(field, v Value) bool {
		visit(field, v)
		return true
	})
	return 0
}

// Set gives a field a value and takes its deadline, if it had one. It reports whether the field is new. The
// bytes are copied; they may be views of the hash's value as it was before its first change.
func (h *Hash) Set(field, v []byte, limits HashLimits) (added bool) {
	if !h.Timed() {
		return h.put(field, v, limits)
	}
	at := h.deadlineOf(field)
	added = h.put(field, v, limits)
	if at != 0 {
		h.SetDeadline(field, 0)
	}
	return added || h.hides(at)
}

// Update is Set, but the field keeps its deadline unless it is due.
func (h *Hash) Update(field, v []byte, limits HashLimits) (added bool) {
	if h.now != 0 && h.hides(h.deadlineOf(field)) {
		return h.Set(field, v, limits)
	}
	return h.put(field, v, limits)
}

// own makes the structure of a large hash one that may be changed.
func (h *Hash) own() {
	if h.timed == nil {
		h.dict = h.dict.Writable(h.m)
		return
	}
	h.timed = h.timed.writable(h.m)
	h.dict = h.timed.dict
}

// put gives a field a value, whatever its deadline, and reports whether the field is new.
func (h *Hash) put(field, v []byte, limits HashLimits) (added bool) {
	if h.dict == nil && (max(len(field), len(v)) > limits.Value || !h.pack.Fits(room(field)+room(v)+room(nil))) {
		h.enlarge()
	}
	if h.dict != nil {
		h.own()
		return h.dict.Set(h.m, field, v)
	}
	elements := [...][]byte{field, v, {'0'}} // the last is no deadline
	e, found := h.pack.Find(field, h.stride()-1)
	switch {
	case found:
		e, _ = h.pack.Next(e)
		h.rebuilt(h.pack.Replace(h.m.spare(h.pack, len(h.pack)+len(v)), e.At, v))
	case h.m.latest(h.pack):
		h.pack = h.pack.Append(h.pack, elements[:h.stride()]...)
		h.m.grew(h.pack)
	default:
		h.rebuilt(h.pack.Append(h.m.spare(h.pack, len(h.pack)+len(field)+len(v)), elements[:h.stride()]...))
	}
	if h.Len() > limits.Entries {
		h.enlarge()
	}
	return !found
}

// Delete removes a field and reports whether it was there. A hash without fields is left to the
// caller to remove.
func (h *Hash) Delete(field []byte) bool {
	if h.now != 0 && h.hides(h.deadlineOf(field)) {
		return false
	}
	if h.dict != nil {
		if _, ok := h.dict.Get(h.m, field); !ok {
			return false // and no clone is made that the caller would have to store
		}
		h.own()
		if h.timed != nil {
			h.timed.delete(h.m, field)
			return true
		}
		return h.dict.Delete(h.m, field)
	}
	e, ok := h.pack.Find(field, h.stride()-1)
	if ok {
		h.rebuilt(h.pack.Delete(h.m.spare(h.pack, len(h.pack)), e.At, h.stride()))
	}
	return ok
}

// rebuilt makes a listpack that was built in the Memory's spare scratch the hash's.
func (h *Hash) rebuilt(pack Listpack) {
	h.m.wrote(pack)
	h.pack = pack
}

// enlarge makes a small hash large.
func (h *Hash) enlarge() {
	d := NewDict(h.m)
	var a, b [20]byte
	if h.timedPack {
		t := newTimed(h.m, d)
		eachTriple(h.pack, func(field, v, at Element) bool {
			d.Set(h.m, field.Bytes(a[:]), v.Bytes(b[:]))
			t.setDeadline(h.m, field.Bytes(a[:]), at.number)
			return true
		})
		h.timed, h.timedPack = t, false
	} else {
		h.Each(func(field, v Value) bool {
			d.Set(h.m, field.Bytes(a[:]), v.Bytes(b[:]))
			return true
		})
	}
	h.dict, h.pack = d, nil
}

// Fit gives a hash that was just read from another server's file the form that this server gives it: what is
// within the limits is small, and a listpack of more fields is not left one.
func (h *Hash) Fit(limits HashLimits) {
	switch {
	case h.dict == nil && h.Len() > limits.Entries:
		h.enlarge()
	case h.dict != nil && h.Len() <= limits.Entries:
		h.shrink(limits)
	}
}

// shrink makes a large hash small unless one of its strings is too long.
func (h *Hash) shrink(limits HashLimits) {
	d := h.dict
	small, size := true, 0
	d.Each(h.m.Arena, func(field, v []byte) bool {
		size += room(field) + room(v)
		small = max(len(field), len(v)) <= limits.Value
		return small
	})
	if !small || !New(nil).Fits(size) {
		return
	}
	pack := New(h.m.spare(nil, size))
	d.Each(h.m.Arena, func(field, v []byte) bool {
		pack = pack.Append(pack, field, v)
		return true
	})
	h.dict = nil
	h.rebuilt(pack)
	d.Free(h.m)
}

// Type returns the type that the hash has in a snapshot; it names the form too.
func (h *Hash) Type() snapshot.Type {
	if h.dict != nil {
		return snapshot.TypeHash
	}
	return snapshot.TypeHashListpack
}

// Encode writes the hash as the value of a key of Type, without deadlines.
func (h *Hash) Encode(w *snapshot.Writer) {
	switch {
	case h.dict != nil:
		h.dict.Encode(w, h.m.Arena)
	case h.timedPack:
		w.String(PackPairs(h.pack))
	default:
		w.String(h.pack)
	}
}

// Encode writes the Dict as the value of a key of type snapshot.TypeHash: the number of fields,
// then fields and values in turn, in canonical order. A view's goroutine may call it, with the
// view's cells.
func (d *Dict) Encode(w *snapshot.Writer, cells Cells) {
	w.Length(uint64(d.Len()))
	d.Each(cells, func(field, v []byte) bool {
		w.String(field)
		w.String(v)
		return true
	})
}

// DecodeHash reads the value of a key of one of the hash types. The type decides the form: a Dict
// for snapshot.TypeHash, whatever its size, and a listpack for snapshot.TypeHashListpack. The
// forms that older servers wrote become what Set makes of them within the limits. A listpack is a
// view of the Reader's buffer or of the Memory's scratch, valid until the next use of either.
// Errors are the Reader's, ErrEmpty, or snapshot.ErrFormat for a field that comes twice.
func DecodeHash(r *snapshot.Reader, t snapshot.Type, m *Memory, limits HashLimits) (Hash, error) {
	if t == snapshot.TypeHashListpack {
		pack, err := r.PairListpack()
		return SmallHash(m, pack), err
	}
	h := LargeHash(m, NewDict(m))
	if t != snapshot.TypeHash {
		h = NewHash(m)
	}
	err := r.Hash(t, func(field, v []byte) error {
		if !h.Set(field, v, limits) {
			return fmt.Errorf("%w: a hash with a field twice", snapshot.ErrFormat)
		}
		return nil
	})
	if err == nil && h.Len() == 0 {
		err = ErrEmpty
	}
	if err != nil && h.dict != nil {
		h.dict.Free(m)
	}
	return h, err
}
