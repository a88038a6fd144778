// Package value holds the data types as algorithms over bytes: the packed form of a small
// aggregate, the table of a large one, and the numbers that strings stand for.
//
// It knows no keys, no commands and no replies. Whoever owns the keyspace decides where a
// value's bytes lie and who may see them; what is needed for that (the arena, the epoch, what
// to do with a cell that a snapshot still reads) is handed in as a Memory. Nothing here reads a
// clock, draws a random number or starts a goroutine, and every order that a client can
// observe is a function of the contents and of the cluster's hash seed alone.
package value

import "strconv"

// Value is one string of a value, seen where it lies. A string that is the canonical decimal
// form of a 64-bit integer may be held as that integer, so a Value is either a view of bytes or
// a number; both stand for the same text. A view dies with the lock under which it was taken
// and with the next change of what it was taken from. The zero Value is the number 0.
type Value struct {
	text   []byte // nil: the value is num
	number int64
}

// Text returns a Value that views b.
func Text(b []byte) Value {
	if b == nil {
		b = []byte{}
	}
	return Value{text: b}
}

// Number returns the Value of n's decimal form.
func Number(n int64) Value { return Value{number: n} }

// Int returns the integer the value is held as; ok is false when it is held as bytes, even if
// these bytes are digits.
func (v Value) Int() (n int64, ok bool) { return v.number, v.text == nil }

// Bytes returns the value's text: the view itself, or a number's digits written to scratch[:0].
// With 20 bytes of room in scratch it does not allocate.
func (v Value) Bytes(scratch []byte) []byte {
	if v.text != nil {
		return v.text
	}
	return strconv.AppendInt(scratch[:0], v.number, 10)
}

// AppendValue appends the value's text to dst.
func (v Value) AppendValue(dst []byte) []byte {
	if v.text != nil {
		return append(dst, v.text...)
	}
	return strconv.AppendInt(dst, v.number, 10)
}

// String returns a copy of the value's text.
func (v Value) String() string {
	if v.text != nil {
		return string(v.text)
	}
	return strconv.FormatInt(v.number, 10)
}

// Len returns the length of the value's text in bytes.
func (v Value) Len() int {
	if v.text != nil {
		return len(v.text)
	}
	n, u := 1, uint64(v.number)
	if v.number < 0 {
		n, u = 2, -u
	}
	for ; u >= 10; u /= 10 {
		n++
	}
	return n
}

// Matcher returns what Equal is with b, for many values.
func Matcher(b []byte) func(v Value) bool {
	n, ok := ParseInt(b)
	return func(v Value) bool { return v.same(b, n, ok) }
}

// Equal reports whether the value's text is b.
func (v Value) Equal(b []byte) bool {
	if v.text != nil {
		return string(v.text) == string(b)
	}
	n, ok := ParseInt(b)
	return ok && n == v.number
}
