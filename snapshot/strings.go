package snapshot

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
)

// maxDigits is the length of the longest decimal number that is an int64.
const maxDigits = len("-9223372036854775808")

// Length reads a count of elements. One over Limits.Elements is an ErrLimit.
func (r *Reader) Length() (uint64, error) {
	return r.number(r.limits.Elements)
}

// number reads a length that is at most limit.
func (r *Reader) number(limit uint64) (uint64, error) {
	n, kind, err := r.length()
	if err != nil {
		return 0, err
	}
	if kind == lengthSpecial {
		return 0, r.corrupt("a string where a length belongs")
	}
	if n > limit {
		return 0, r.over(n, limit)
	}
	return n, nil
}

func (r *Reader) over(n, limit uint64) error {
	return r.fail(fmt.Errorf("%w at byte %d: %d, and the limit is %d", ErrLimit, r.offset(), n, limit))
}

// length reads a length or what stands in its place before a string of a special form, whose
// number it then returns. kind is the value of the first byte's two top bits.
func (r *Reader) length() (n uint64, kind int, err error) {
	first, err := r.byte()
	if err != nil {
		return 0, 0, err
	}
	kind, n = int(first>>6), uint64(first&0x3f)
	switch {
	case kind == length14Bit:
		var low byte
		low, err = r.byte()
		n = n<<8 | uint64(low)
	case first == length32Bit:
		var b []byte
		b, err = r.take(4)
		n = uint64(binary.BigEndian.Uint32(b))
	case first == length64Bit:
		var b []byte
		b, err = r.take(8)
		n = binary.BigEndian.Uint64(b)
	case kind == lengthOwn:
		err = r.corrupt("no length begins with byte %#x", first)
	}
	return n, kind, err
}

// String reads a string. The bytes are valid until the next call of any method of the Reader,
// except that Entry.Key stays. A caller that wants bytes of its own uses AppendString.
func (r *Reader) String() ([]byte, Form, error) {
	return r.scratch(&r.value)
}

// scratch reads a string into *buf, or, a long one, into memory that it leaves to the caller.
func (r *Reader) scratch(buf *[]byte) ([]byte, Form, error) {
	b, form, err := r.AppendString((*buf)[:0])
	if cap(b) <= chunk {
		*buf = b
	}
	return b, form, err
}

// AppendString reads a string and appends it to dst. One over Limits.String is an ErrLimit.
func (r *Reader) AppendString(dst []byte) ([]byte, Form, error) {
	n, kind, err := r.length()
	if err != nil {
		return dst, 0, err
	}
	if kind == lengthSpecial {
		if n == specialLZF {
			dst, err = r.appendLZF(dst)
			return dst, FormLZF, err
		}
		dst, err = r.appendInt(dst, n)
		return dst, FormInt, err
	}
	if n > r.limits.String {
		return dst, 0, r.over(n, r.limits.String)
	}
	begin := len(dst)
	dst, err = r.append(dst, n)
	return dst, formOf(kind, dst[begin:]), err
}

// formOf returns the form of a string that was announced by a length of that kind.
func formOf(kind int, b []byte) Form {
	switch kind {
	case length6Bit:
		return FormShort
	case length14Bit:
		return FormWide
	}
	if len(b) > 0 && len(b) <= maxDigits && isDecimal(b) {
		return FormInt
	}
	return FormLong
}

// isDecimal reports whether b is an int64 in the digits that strconv gives it.
func isDecimal(b []byte) bool {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return false
	}
	var digits [maxDigits]byte
	return string(strconv.AppendInt(digits[:0], n, 10)) == string(b)
}

// appendInt reads the integer of a special form and appends its digits.
func (r *Reader) appendInt(dst []byte, special uint64) ([]byte, error) {
	if special > specialInt32 {
		return dst, r.corrupt("no string has form %d", special)
	}
	b, err := r.take(1 << special)
	if err != nil {
		return dst, err
	}
	return strconv.AppendInt(dst, littleInt(b), 10), nil
}

// littleInt returns the signed little-endian number of 1 to 8 bytes.
func littleInt(b []byte) int64 {
	var n uint64
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	unused := 64 - 8*len(b)
	return int64(n<<unused) >> unused
}

// appendLZF reads a compressed string and appends it in plain.
func (r *Reader) appendLZF(dst []byte) ([]byte, error) {
	packed, err := r.number(r.limits.String)
	if err != nil {
		return dst, err
	}
	size, err := r.number(r.limits.String)
	if err != nil {
		return dst, err
	}
	src, err := r.append(r.packed[:0], packed)
	if cap(src) <= chunk {
		r.packed = src
	}
	if err != nil {
		return dst, err
	}
	if got, ok := lzfSize(src); !ok || uint64(got) != size {
		return dst, r.corrupt("a compressed string that does not expand to its length, %d", size)
	}
	return lzfExpand(slices.Grow(dst, int(size)), src), nil
}
