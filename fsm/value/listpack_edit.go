package value

import (
	"encoding/binary"
	"math"
	"slices"
)

// The methods below build a changed listpack in dst[:0], growing it when it is short of room,
// and return it; nothing is allocated when dst has the room. The listpack they are called on is
// left as it is, for a snapshot may be reading it. dst shares memory neither with it (but see
// Append) nor with the new values.

// New returns an empty listpack built in dst[:0].
func New(dst []byte) Listpack {
	return append(dst[:0], packHeader+1, 0, 0, 0, 0, 0, packEnd)
}

// Append adds values behind the last element. A caller that owns the listpack's memory alone may
// pass the listpack itself as dst; it then grows where it is.
func (lp Listpack) Append(dst []byte, vs ...[]byte) Listpack {
	end, count := len(lp)-1, lp.header()
	if sameMemory(dst, lp) {
		dst = lp[:end]
	} else {
		dst = append(slices.Grow(dst[:0], len(lp)+roomFor(vs)), lp[:end]...)
	}
	for _, v := range vs {
		dst = appendElement(dst, v)
	}
	return seal(append(dst, packEnd), count, len(vs))
}

// Insert adds values in front of the element at offset at.
func (lp Listpack) Insert(dst []byte, at int, vs ...[]byte) Listpack {
	return lp.splice(dst, at, at, len(vs), vs)
}

// Replace puts v in the place of the element at offset at.
func (lp Listpack) Replace(dst []byte, at int, v []byte) Listpack {
	end := lp.skip(at)
	dst = append(slices.Grow(dst[:0], len(lp)+room(v)), lp[:at]...)
	dst = append(appendElement(dst, v), lp[end:]...)
	return seal(dst, lp.header(), 0)
}

// Delete removes n elements, or as many as there are, the first of them at offset at.
func (lp Listpack) Delete(dst []byte, at, n int) Listpack {
	end, gone := at, 0
	for ; gone < n && lp[end] != packEnd; gone++ {
		end = lp.skip(end)
	}
	return lp.splice(dst, at, end, -gone, nil)
}

// splice puts values in the place of the bytes from one element's offset up to another's.
func (lp Listpack) splice(dst []byte, from, to, change int, vs [][]byte) Listpack {
	dst = append(slices.Grow(dst[:0], len(lp)+roomFor(vs)), lp[:from]...)
	for _, v := range vs {
		dst = appendElement(dst, v)
	}
	return seal(append(dst, lp[to:]...), lp.header(), change)
}

// header returns the count the header has, which may be packUncounted.
func (lp Listpack) header() int { return int(binary.LittleEndian.Uint16(lp[4:])) }

// seal writes the header of a listpack that is complete otherwise and whose count, count by the
// header it was built from, has changed by change. Elements that could not be counted by the
// header are counted again when there are fewer of them.
func seal(b []byte, count, change int) Listpack {
	lp := Listpack(b)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	switch {
	case count != packUncounted:
		count = min(count+change, packUncounted)
	case change < 0:
		binary.LittleEndian.PutUint16(b[4:], packUncounted)
		count = min(lp.Count(), packUncounted)
	}
	binary.LittleEndian.PutUint16(b[4:], uint16(count))
	return lp
}

// room is the most that an element holding v takes.
func room(v []byte) int { return len(v) + 10 }

func roomFor(vs [][]byte) int {
	n := 0
	for _, v := range vs {
		n += room(v)
	}
	return n
}

// appendElement appends a whole element that holds v.
func appendElement(dst, v []byte) []byte {
	if n, ok := ParseInt(v); ok {
		return appendNumber(dst, n)
	}
	n := len(v)
	switch {
	case n < 1<<6:
		dst = append(dst, packText6|byte(n))
		return append(append(dst, v...), byte(n+1))
	case n < 1<<12:
		dst = append(dst, packText12|byte(n>>8), byte(n))
		return appendBack(append(dst, v...), n+2)
	}
	dst = binary.LittleEndian.AppendUint32(append(dst, packText32), uint32(n))
	return appendBack(append(dst, v...), n+5)
}

func appendNumber(dst []byte, n int64) []byte {
	switch {
	case n >= 0 && n < 1<<7:
		return append(dst, byte(n), 1)
	case n >= -1<<12 && n < 1<<12:
		return append(dst, packInt13|byte(n>>8)&0x1F, byte(n), 2)
	case n >= math.MinInt16 && n <= math.MaxInt16:
		return append(dst, packInt16, byte(n), byte(n>>8), 3)
	case n >= -1<<23 && n < 1<<23:
		return append(dst, packInt24, byte(n), byte(n>>8), byte(n>>16), 4)
	case n >= math.MinInt32 && n <= math.MaxInt32:
		dst = binary.LittleEndian.AppendUint32(append(dst, packInt32), uint32(n))
		return append(dst, 5)
	}
	dst = binary.LittleEndian.AppendUint64(append(dst, packInt64), uint64(n))
	return append(dst, 9)
}

// appendBack appends an element's size so that it can be read backwards: seven bits a byte, the
// high ones first, and the top bit set in all bytes but the first.
func appendBack(dst []byte, size int) []byte {
	last := backSize(size) - 1
	dst = append(dst, byte(size>>(7*last))&0x7F)
	for i := last - 1; i >= 0; i-- {
		dst = append(dst, byte(size>>(7*i))|0x80)
	}
	return dst
}
