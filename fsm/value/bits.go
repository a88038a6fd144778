package value

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Bits of a string are counted from its first byte's highest bit on, which is bit 0. What lies behind
// the string's end is zero.

// Bit is the bit of b at a position, 0 or 1.
func Bit(b []byte, at uint64) uint64 {
	if at>>3 >= uint64(len(b)) {
		return 0
	}
	return uint64(b[at>>3]>>(7-at&7)) & 1
}

// setBit makes the bit at a position inside of b what v's lowest bit is.
func setBit(b []byte, at, v uint64) {
	mask := byte(1) << (7 - at&7)
	b[at>>3] &^= mask
	if v&1 != 0 {
		b[at>>3] |= mask
	}
}

// CountBits counts the ones of b between two positions inside of it, the second excluded.
func CountBits(b []byte, from, to uint64) int {
	if from >= to {
		return 0
	}
	b, head, tail := bitRange(b, from, to)
	n := -bits.OnesCount8(b[0]&^head) - bits.OnesCount8(b[len(b)-1]&^tail)
	for ; len(b) >= 8; b = b[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(b))
	}
	for _, c := range b {
		n += bits.OnesCount8(c)
	}
	return n
}

// bitRange is the bytes of b that have the bits between two positions, which are not the same, and which
// bits of the first byte and of the last one are among them.
func bitRange(b []byte, from, to uint64) (part []byte, head, tail byte) {
	return b[from>>3 : (to+7)>>3], 0xff >> (from & 7), 0xff << (-to & 7)
}

// FindBit is the position of the first bit of b that is want, 0 or 1, between two positions inside of it,
// the second excluded; ok is false if there is none.
func FindBit(b []byte, want byte, from, to uint64) (at uint64, ok bool) {
	if from >= to {
		return 0, false
	}
	part, mask, tail := bitRange(b, from, to)
	none := ^(byte(0) - want) // a byte without what is wanted
	for i := 0; i < len(part); i++ {
		if mask == 0xff {
			i += leading(part[i:len(part)-1], none)
		}
		if i == len(part)-1 {
			mask &= tail
		}
		if found := (part[i] ^ none) & mask; found != 0 {
			return from&^7 + uint64(i)<<3 + uint64(bits.LeadingZeros8(found)), true
		}
		mask = 0xff
	}
	return 0, false
}

// leading counts the bytes that are c at the beginning of b, eight at a time: the result may be up to seven less.
func leading(b []byte, c byte) (n int) {
	eight := uint64(c) * 0x0101010101010101
	for ; n+8 <= len(b) && binary.LittleEndian.Uint64(b[n:]) == eight; n += 8 {
	}
	return n
}

// A BitOp is an operation on the bits of strings, byte by byte.
type BitOp int

// The operations of BITOP.
const (
	BitAnd BitOp = iota
	BitOr
	BitXor
	BitNot // of one string
)

// Combine is what an operation makes of strings, at least one. It is as long as the longest of them; the others
// go on with zeros.
func (op BitOp) Combine(sources [][]byte) []byte {
	longest := 0
	for _, s := range sources {
		longest = max(longest, len(s))
	}
	out := make([]byte, longest)
	copy(out, sources[0])
	if op == BitNot {
		for i := range out {
			out[i] = ^out[i]
		}
		return out
	}
	for _, s := range sources[1:] {
		op.into(out, s)
	}
	return out
}

// into combines s, which is not longer, with out.
func (op BitOp) into(out, s []byte) {
	word := binary.LittleEndian
	i := 0
	for ; i+8 <= len(s); i += 8 {
		word.PutUint64(out[i:], op.words(word.Uint64(out[i:]), word.Uint64(s[i:])))
	}
	for ; i < len(s); i++ {
		out[i] = byte(op.words(uint64(out[i]), uint64(s[i])))
	}
	if op == BitAnd {
		clear(out[i:])
	}
}

func (op BitOp) words(a, b uint64) uint64 {
	switch op {
	case BitAnd:
		return a & b
	case BitOr:
		return a | b
	default:
		return a ^ b
	}
}

// An Overflow says what becomes of an integer that does not fit into its field.
type Overflow int

// The ways of OVERFLOW.
const (
	Wrap     Overflow = iota // the lowest bits are kept
	Saturate                 // it becomes the largest or the smallest that fits
	Fail                     // nothing is written
)

// A BitField is an integer of some bits in a string: 1 to 64 bits with a sign, 1 to 63 without. Its first
// bit is the highest.
type BitField struct {
	Signed bool
	Bits   uint64
}

// ParseBitField reads a field's kind as BITFIELD spells it, as i8 or u63.
func ParseBitField(b []byte) (f BitField, ok bool) {
	if len(b) == 0 || b[0] != 'i' && b[0] != 'u' {
		return f, false
	}
	f.Signed = b[0] == 'i'
	n, ok := ParseInt(b[1:])
	f.Bits = uint64(n)
	return f, ok && n >= 1 && (n <= 63 || n == 64 && f.Signed)
}

// Span is the bytes that a field at an offset, in bits, has bits in: the first, and the one behind the last.
func (f BitField) Span(offset uint64) (first, end uint64) {
	return offset >> 3, (offset + f.Bits + 7) >> 3
}

// Get reads the field at an offset, in bits, of b.
func (f BitField) Get(b []byte, offset uint64) int64 {
	var n uint64
	for i := range f.Bits {
		n = n<<1 | Bit(b, offset+i)
	}
	return f.fold(n)
}

// fold is the integer that the lowest bits of n are as a field.
func (f BitField) fold(n uint64) int64 {
	unused := 64 - f.Bits
	if f.Signed {
		return int64(n<<unused) >> unused
	}
	return int64(n << unused >> unused)
}

// Put writes the lowest bits of n into the field at an offset, in bits, which lies inside of b.
func (f BitField) Put(b []byte, offset uint64, n int64) {
	for i := range f.Bits {
		setBit(b, offset+i, uint64(n)>>(f.Bits-1-i))
	}
}

// Fit is what becomes of n, an integer of this field or any other, when by is added to it and the sum
// is put into the field; fits is false if it does not fit. With Fail there is nothing then.
func (f BitField) Fit(n, by int64, how Overflow) (result int64, fits bool) {
	least, most := int64(0), int64(math.MaxInt64)>>(63-f.Bits)
	if f.Signed {
		most = math.MaxInt64 >> (64 - f.Bits)
		least = -most - 1
	}
	over, under := f.beyond(n, by, least, most)
	switch {
	case !over && !under:
		return n + by, true
	case how == Wrap:
		return f.fold(uint64(n) + uint64(by)), false
	case over:
		return most, false
	default:
		return least, false
	}
}

// beyond reports whether n + by is over most or under least. As in Redis the differences may wrap around: an n
// that lies more than 2^63 below most is taken to be over it.
func (f BitField) beyond(n, by, least, most int64) (over, under bool) {
	up, down := most-n, least-n
	if !f.Signed {
		over = uint64(n) > uint64(most) || by > 0 && by > up
		return over, !over && by < 0 && by < down
	}
	over = n > most || f.Bits != 64 && by > up || n >= 0 && by > 0 && by > up
	return over, !over && (n < least || f.Bits != 64 && by < down || n < 0 && by < 0 && by < down)
}
