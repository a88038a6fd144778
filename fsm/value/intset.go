package value

import (
	"encoding/binary"
	"math"
	"slices"
	"sort"
)

// Intset is a set of 64-bit integers in one slice of bytes, in the format of Redis' intset.c, so that a
// snapshot can hold it as it is:
//
//	bytes of an integer u32, 2, 4 or 8 | count u32 | integers in increasing order
//
// All numbers are little-endian. The integers are as wide as the widest that there has been needs. An
// Intset is never changed in place.
type Intset []byte

const intsetHeader = 8

// NewIntset returns an empty set built in dst[:0].
func NewIntset(dst []byte) Intset { return append(dst[:0], 2, 0, 0, 0, 0, 0, 0, 0) }

func (s Intset) width() int { return int(binary.LittleEndian.Uint32(s)) }

// Len returns the number of integers.
func (s Intset) Len() int { return int(binary.LittleEndian.Uint32(s[4:])) }

// At returns the integer with i smaller ones, 0 ≤ i < Len().
func (s Intset) At(i int) int64 {
	switch p := s[intsetHeader+i*s.width():]; s.width() {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(p)))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(p)))
	default:
		return int64(binary.LittleEndian.Uint64(p))
	}
}

// Find returns how many integers are smaller than n, and whether n is among them.
func (s Intset) Find(n int64) (i int, found bool) {
	count := s.Len()
	i = sort.Search(count, func(i int) bool { return s.At(i) >= n })
	return i, i < count && s.At(i) == n
}

// Insert adds n, which is not in the set, at its place i. The result is built in dst[:0], which shares
// no memory with the set.
func (s Intset) Insert(dst []byte, i int, n int64) Intset {
	width := max(s.width(), intWidth(n))
	dst = slices.Grow(dst[:0], intsetHeader+(s.Len()+1)*width)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(width))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(s.Len()+1))
	if at := intsetHeader + i*width; width == s.width() {
		dst = appendInt(append(dst, s[intsetHeader:at]...), n, width)
		return append(dst, s[at:]...)
	}
	for k := range s.Len() + 1 {
		switch {
		case k < i:
			dst = appendInt(dst, s.At(k), width)
		case k == i:
			dst = appendInt(dst, n, width)
		default:
			dst = appendInt(dst, s.At(k-1), width)
		}
	}
	return dst
}

// Delete takes out the integer with i smaller ones. The result is built in dst[:0], which shares no
// memory with the set.
func (s Intset) Delete(dst []byte, i int) Intset {
	at, next := intsetHeader+i*s.width(), intsetHeader+(i+1)*s.width()
	dst = append(append(slices.Grow(dst[:0], len(s)), s[:at]...), s[next:]...)
	binary.LittleEndian.PutUint32(dst[4:], uint32(s.Len()-1))
	return dst
}

// intWidth returns how many bytes an integer of a set takes.
func intWidth(n int64) int {
	switch {
	case n >= math.MinInt16 && n <= math.MaxInt16:
		return 2
	case n >= math.MinInt32 && n <= math.MaxInt32:
		return 4
	}
	return 8
}

func appendInt(dst []byte, n int64, width int) []byte {
	switch width {
	case 2:
		return binary.LittleEndian.AppendUint16(dst, uint16(n))
	case 4:
		return binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	return binary.LittleEndian.AppendUint64(dst, uint64(n))
}
