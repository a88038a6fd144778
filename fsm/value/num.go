package value

import (
	"bytes"
	"math"
	"strconv"
)

// ParseInt reads the canonical decimal form of a 64-bit integer: an optional minus sign, digits
// without a leading zero, nothing else. ok is false for any other text ("+1", "01", "-0", " 1",
// ""), so that an integer and the text it was read from can always stand for each other.
func ParseInt(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	digits, negative := b, b[0] == '-'
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || digits[0]-'1' > 8 {
		return 0, len(b) == 1 && b[0] == '0'
	}
	var u uint64
	for _, c := range digits {
		d := uint64(c - '0')
		if d > 9 || u > (math.MaxUint64-9)/10 {
			return 0, false
		}
		u = u*10 + d
	}
	switch {
	case !negative && u <= math.MaxInt64:
		return int64(u), true
	case negative && u <= 1<<63:
		return -int64(u), true
	}
	return 0, false
}

// AppendInt appends the canonical decimal form of n to dst.
func AppendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// ParseFloat reads a double as Redis reads a score: everything that C's strtod takes as a whole,
// so decimal and hexadecimal numbers with or without exponent and "inf" or "infinity" in any
// case, but no space in front and no NaN. A number too large for a double is refused, and one so
// small that it would become zero.
func ParseFloat(b []byte) (f float64, ok bool) {
	n, ok := scanNumeral(b)
	if !ok {
		return 0, false
	}
	f, err := n.double(b)
	return f, err == nil && (f != 0 || n.zero())
}

// parseStrtod reads a double as Redis reads the bound of a range: as ParseFloat, but with the eyes of C's
// strtod, so that a string ends at a zero byte, nothing at all is 0, spaces may stand in front, and what is
// too large is infinite.
func parseStrtod(b []byte) (f float64, ok bool) {
	b, _, _ = bytes.Cut(b, []byte{0})
	if len(b) == 0 {
		return 0, true
	}
	b = bytes.TrimLeft(b, " \t\n\v\f\r")
	n, ok := scanNumeral(b)
	if !ok {
		return 0, false
	}
	f, _ = n.double(b)
	return f, true
}

// AppendFloat appends f as C's "%.17g" writes it, which is how Redis 7.0 shows a score: up to 17
// digits that read back as the same number ("0.10000000000000001"), "inf" or "-inf".
func AppendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, f, 'g', 17, 64)
}

// numeral is the text of a number in C's syntax, taken apart.
type numeral struct {
	negative bool
	infinite bool   // nothing below applies
	hex      bool   // digits are hexadecimal and exponent is a power of 2, not of 10
	scaled   bool   // an exponent was written
	whole    []byte // digits in front of the point
	fraction []byte // digits behind it
	exponent int    // at most ±maxExponent: far beyond what any format holds
}

const maxExponent = 1 << 20

// double is the double nearest to the numeral, whose text is b; infinite, with an error, if it is too large.
func (n *numeral) double(b []byte) (float64, error) {
	if n.infinite {
		return n.signed(math.Inf(1)), nil
	}
	text := string(b)
	if n.hex && !n.scaled {
		text += "p0" // C may leave it off, Go may not
	}
	return strconv.ParseFloat(text, 64)
}

func (n *numeral) signed(f float64) float64 {
	if n.negative {
		return -f
	}
	return f
}

// zero reports whether all digits are zeros.
func (n *numeral) zero() bool {
	return len(bytes.TrimLeft(n.whole, "0")) == 0 && len(bytes.TrimLeft(n.fraction, "0")) == 0
}

// scanNumeral takes b apart if all of it is one number.
func scanNumeral(b []byte) (n numeral, ok bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		n.negative = b[0] == '-'
		b = b[1:]
	}
	if len(b) == 3 && bytes.EqualFold(b, []byte("inf")) || len(b) == 8 && bytes.EqualFold(b, []byte("infinity")) {
		n.infinite = true
		return n, true
	}
	mark := byte('e')
	if len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' {
		n.hex, mark, b = true, 'p', b[2:]
	}
	n.whole, b = n.digits(b)
	if len(b) > 0 && b[0] == '.' {
		n.fraction, b = n.digits(b[1:])
	}
	if len(n.whole)+len(n.fraction) == 0 {
		return n, false
	}
	if len(b) > 0 && b[0]|0x20 == mark {
		n.scaled = true
		n.exponent, b, ok = scanExponent(b[1:])
		return n, ok && len(b) == 0
	}
	return n, len(b) == 0
}

// digits splits the digits off that b begins with.
func (n *numeral) digits(b []byte) (digits, rest []byte) {
	i := 0
	for i < len(b) && (b[i]-'0' <= 9 || n.hex && b[i]|0x20-'a' <= 5) {
		i++
	}
	return b[:i], b[i:]
}

// scanExponent reads the exponent that b begins with; ok is false when there is none.
func scanExponent(b []byte) (exponent int, rest []byte, ok bool) {
	negative := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative, b = b[0] == '-', b[1:]
	}
	for ; len(b) > 0 && b[0]-'0' <= 9; b = b[1:] {
		exponent = min(exponent*10+int(b[0]-'0'), maxExponent)
		ok = true
	}
	if negative {
		exponent = -exponent
	}
	return exponent, b, ok
}
