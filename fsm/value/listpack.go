package value

import "encoding/binary"

// Listpack is a sequence of strings in one slice of bytes, in the format of Redis' listpack.c,
// so that a snapshot can hold it as it is:
//
//	total bytes u32 | count u16 | element … | 0xFF
//
// Both numbers are little-endian; a count of 65535 means that the elements have to be counted.
// An element is its encoding byte or bytes, its data, and the length of these two once more,
// written so that it can be read from its last byte backwards:
//
//	0xxxxxxx                      an integer, 0 to 127
//	10xxxxxx data                 a string of up to 63 bytes
//	110xxxxx x                    an integer of 13 bits
//	1110xxxx x data               a string of up to 4095 bytes
//	11110000 xxxx data            a longer string, its length in 32 bits
//	11110001 … 11110100           an integer of 16, 24, 32 or 64 bits follows
//
// The two split fields (13 and 12 bits) have their high bits first, all other numbers are
// little-endian; integers are in two's complement. A string that is an integer's canonical
// decimal form is always stored as the integer, in the narrowest encoding.
//
// A Listpack is well-formed (see Valid) and is never changed in place: the methods that change
// one build the result elsewhere.
type Listpack []byte

const (
	packHeader = 6    // bytes in front of the first element
	packEnd    = 0xFF // the byte behind the last element

	packUncounted = 65535 // the header's count when there are more elements than it can say

	packText6  = 0x80
	packInt13  = 0xC0
	packText12 = 0xE0
	packText32 = 0xF0
	packInt16  = 0xF1
	packInt24  = 0xF2
	packInt32  = 0xF3
	packInt64  = 0xF4
)

// MaxListpack is the largest listpack in bytes, as in Redis. Whoever adds elements keeps below
// it (see Listpack.Fits).
const MaxListpack = 1 << 30

// Element is one element of a listpack: its value, and where it lies.
type Element struct {
	Value
	At  int // offset of the element in the listpack
	end int // offset of what follows it
}

// Count returns the number of elements. It takes constant time unless there are 65535 or more.
func (lp Listpack) Count() int {
	if n := binary.LittleEndian.Uint16(lp[4:]); n != packUncounted {
		return int(n)
	}
	n := 0
	for at := packHeader; lp[at] != packEnd; at = lp.skip(at) {
		n++
	}
	return n
}

// Bytes returns the listpack as it is stored.
func (lp Listpack) Bytes() []byte { return lp }

// Fits reports whether values of altogether n bytes can be added to the listpack.
func (lp Listpack) Fits(n int) bool { return len(lp)+n <= MaxListpack }

// First returns the first element; ok is false when the listpack is empty.
func (lp Listpack) First() (e Element, ok bool) { return lp.from(packHeader) }

// Last returns the last element; ok is false when the listpack is empty.
func (lp Listpack) Last() (e Element, ok bool) { return lp.before(len(lp) - 1) }

// Next returns the element behind e; ok is false when e is the last.
func (lp Listpack) Next(e Element) (next Element, ok bool) { return lp.from(e.end) }

// Prev returns the element in front of e; ok is false when e is the first.
func (lp Listpack) Prev(e Element) (prev Element, ok bool) { return lp.before(e.At) }

// Index returns the element at position i, counted from 0; a negative i counts from the end, -1
// being the last. ok is false when there is no such element. It walks from the nearer end.
func (lp Listpack) Index(i int) (e Element, ok bool) {
	n := lp.Count()
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return Element{}, false
	}
	if i <= n/2 {
		at := packHeader
		for ; i > 0; i-- {
			at = lp.skip(at)
		}
		return lp.element(at), true
	}
	at := len(lp) - 1
	for i = n - i; i > 0; i-- {
		at = lp.back(at)
	}
	return lp.element(at), true
}

// Find returns the first element equal to v, comparing an element and passing over the next
// skip ones, in turn. With skip 1 it looks at the fields of a sequence of fields and values.
func (lp Listpack) Find(v []byte, skip int) (e Element, ok bool) {
	number, numeric := ParseInt(v)
	// A short string is told apart by its encoding byte, which has the length, and its last byte;
	// of an empty one that is the encoding byte itself.
	short, last := 0, byte(packText6)
	if len(v) < 64 {
		short = packText6 | len(v)
	}
	if len(v) > 0 {
		last = v[len(v)-1]
	}
	for at := packHeader; ; {
		b := lp[at]
		if b&0xC0 == packText6 {
			end := at + 1 + int(b&0x3F)
			if int(b) == short && lp[end-1] == last && string(lp[at+1:end]) == string(v) {
				return Element{Value{text: lp[at+1 : end : end]}, at, end + 1}, true
			}
			at = end + 1
		} else if b == packEnd {
			return Element{}, false
		} else {
			e := lp.element(at)
			if e.same(v, number, numeric) {
				return e, true
			}
			at = e.end
		}
		for pass := skip; pass > 0; pass-- {
			if lp[at] == packEnd {
				return Element{}, false
			}
			at = lp.skip(at)
		}
	}
}

// same reports whether the value's text is v, which has been parsed to number if it is numeric.
func (v Value) same(text []byte, number int64, numeric bool) bool {
	if v.text != nil {
		return string(v.text) == string(text)
	}
	return numeric && v.number == number
}

func (lp Listpack) from(at int) (Element, bool) {
	if lp[at] == packEnd {
		return Element{}, false
	}
	return lp.element(at), true
}

func (lp Listpack) before(at int) (Element, bool) {
	if at == packHeader {
		return Element{}, false
	}
	return lp.element(lp.back(at)), true
}

// element reads the element at offset at, which is one.
func (lp Listpack) element(at int) Element {
	b := lp[at]
	switch {
	case b < packText6:
		return Element{Value{number: int64(b)}, at, at + 2}
	case b < packInt13:
		end := at + 1 + int(b&0x3F)
		return Element{Value{text: lp[at+1 : end : end]}, at, end + 1}
	case b < packText12:
		n := int16(uint16(b)<<11|uint16(lp[at+1])<<3) >> 3
		return Element{Value{number: int64(n)}, at, at + 3}
	case b < packText32:
		return lp.text(at, at+2, int(b&0x0F)<<8|int(lp[at+1]))
	}
	return lp.wide(at)
}

// wide reads an element whose encoding byte says nothing but its kind.
func (lp Listpack) wide(at int) Element {
	p := lp[at+1:]
	switch lp[at] {
	case packText32:
		return lp.text(at, at+5, int(binary.LittleEndian.Uint32(p)))
	case packInt16:
		return Element{Value{number: int64(int16(binary.LittleEndian.Uint16(p)))}, at, at + 4}
	case packInt24:
		n := int32(uint32(p[0])<<8|uint32(p[1])<<16|uint32(p[2])<<24) >> 8
		return Element{Value{number: int64(n)}, at, at + 5}
	case packInt32:
		return Element{Value{number: int64(int32(binary.LittleEndian.Uint32(p)))}, at, at + 6}
	case packInt64:
		return Element{Value{number: int64(binary.LittleEndian.Uint64(p))}, at, at + 10}
	}
	panic("value: not an element of a listpack")
}

// text is the element at offset at that is a string of n bytes beginning at data.
func (lp Listpack) text(at, data, n int) Element {
	end := data + n
	return Element{Value{text: lp[data:end:end]}, at, end + backSize(end-at)}
}

// skip returns the offset behind the element at offset at.
func (lp Listpack) skip(at int) int {
	b := lp[at]
	switch {
	case b < packText6:
		return at + 2
	case b < packInt13:
		return at + 2 + int(b&0x3F)
	}
	return lp.element(at).end
}

// back returns the offset of the element that ends where at begins.
func (lp Listpack) back(at int) int {
	size := 0
	for shift := 0; ; shift += 7 {
		at--
		size |= int(lp[at]&0x7F) << shift
		if lp[at] < 0x80 {
			return at - size
		}
	}
}

// backSize returns how many bytes the backward length of an element of size bytes takes. The
// bounds from two bytes on are one less than seven bits a byte could hold; Redis has them so.
func backSize(size int) int {
	switch {
	case size <= 127:
		return 1
	case size < 1<<14-1:
		return 2
	case size < 1<<21-1:
		return 3
	case size < 1<<28-1:
		return 4
	}
	return 5
}

// Valid reports whether b is a well-formed listpack, in every byte that reading one relies on:
// the header's numbers, each element's bounds and its backward length, the end mark. It does not
// ask that integers be in their narrowest encoding.
func Valid(b []byte) bool {
	if len(b) <= packHeader || len(b) > MaxListpack ||
		binary.LittleEndian.Uint32(b) != uint32(len(b)) || b[len(b)-1] != packEnd {
		return false
	}
	at, n := packHeader, 0
	for ; at < len(b)-1; n++ {
		size := elementSize(b[at : len(b)-1])
		if size < 0 || size > len(b)-1-at {
			return false
		}
		end := at + size + backSize(size)
		if end > len(b)-1 || !hasBack(b[at+size:end], size) {
			return false
		}
		at = end
	}
	counted := int(binary.LittleEndian.Uint16(b[4:]))
	return counted == packUncounted || counted == n
}

// hasBack reports whether p is the backward length of an element of size bytes.
func hasBack(p []byte, size int) bool {
	var want [5]byte
	return string(p) == string(appendBack(want[:0], size))
}

// elementSize returns the size of the encoding and data of the element that begins p, without
// regard to whether p is long enough for the data; -1 when p is too short to tell or has no
// such encoding.
func elementSize(p []byte) int {
	b := p[0]
	switch {
	case b < packText6:
		return 1
	case b < packInt13:
		return 1 + int(b&0x3F)
	case b < packText12:
		return 2
	case b < packText32 && len(p) >= 2:
		return 2 + (int(b&0x0F)<<8 | int(p[1]))
	case b == packText32 && len(p) >= 5:
		return 5 + int(binary.LittleEndian.Uint32(p[1:]))
	case b == packInt16:
		return 3
	case b == packInt24:
		return 4
	case b == packInt32:
		return 5
	case b == packInt64:
		return 9
	}
	return -1
}
