package lua

import (
	"math"
	"strconv"
	"strings"
)

// Numbers between Lua and C. The libraries' answers are those of C programs on x86-64, so the
// conversions that C leaves undefined are spelt out here as that processor does them, and every
// node gives the same.

// toUint64 is C's conversion of a double to an unsigned 64-bit integer.
func toUint64(f float64) uint64 {
	if f >= 1<<63 {
		return uint64(integer(f-1<<63)) ^ 1<<63
	}
	return uint64(integer(f))
}

// toInt32 is C's conversion of a double to a signed 32-bit integer.
func toInt32(f float64) int32 {
	if f > -1<<31-1 && f < 1<<31 {
		return int32(f)
	}
	return math.MinInt32
}

// parseNumber is the number that a whole string says, as Lua 5.1 converts one: space may stand
// around it, a NUL ends it, and C's hexadecimal, infinite and undefined numbers count.
func parseNumber(s string) (float64, bool) {
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	f, n := scanNumber(s)
	return f, n > 0 && skipSpace(s[n:]) == len(s)-n
}

// scanNumber reads the longest number at the head of s as C's strtod does, and returns how many
// bytes of s it took: none if there is no number.
func scanNumber(s string) (float64, int) {
	start := skipSpace(s)
	p := start
	negative := p < len(s) && s[p] == '-'
	if p < len(s) && (s[p] == '-' || s[p] == '+') {
		p++
	}
	rest := s[p:]
	f, n := scanWord(rest)
	if n == 0 {
		f, n = scanHex(rest)
	}
	if n == 0 {
		f, n = scanDecimal(rest)
	}
	if n == 0 {
		return 0, 0
	}
	if negative {
		f = math.Copysign(f, -1)
	}
	return f, p + n
}

// scanWord reads inf, infinity, nan or nan(…), in any case.
func scanWord(s string) (float64, int) {
	switch {
	case hasWord(s, "infinity"):
		return math.Inf(1), len("infinity")
	case hasWord(s, "inf"):
		return math.Inf(1), len("inf")
	case !hasWord(s, "nan"):
		return 0, 0
	}
	n := len("nan")
	if n < len(s) && s[n] == '(' {
		end := n + 1
		for end < len(s) && (isAlnum(s[end]) || s[end] == '_') {
			end++
		}
		if end < len(s) && s[end] == ')' {
			n = end + 1
		}
	}
	return math.Float64frombits(0x7ff8 << 48), n
}

// scanHex reads 0x, hexadecimal digits with or without a point, and an exponent of two that may
// be missing.
func scanHex(s string) (float64, int) {
	if len(s) < 3 || s[0] != '0' || s[1]|0x20 != 'x' {
		return 0, 0
	}
	n := 2 + scanDigits(s[2:], isHexDigit)
	if n == 2 {
		return 0, 0
	}
	if e := scanExponent(s[n:], 'p'); e > 0 {
		f, _ := strconv.ParseFloat(s[:n+e], 64) // out of range gives the infinity or zero that C gives
		return f, n + e
	}
	f, _ := strconv.ParseFloat(s[:n]+"p0", 64)
	return f, n
}

// scanDecimal reads decimal digits with or without a point, and an exponent of ten that may be
// missing.
func scanDecimal(s string) (float64, int) {
	n := scanDigits(s, isDigit)
	if n == 0 {
		return 0, 0
	}
	n += scanExponent(s[n:], 'e')
	f, _ := strconv.ParseFloat(s[:n], 64)
	return f, n
}

// scanDigits counts the bytes of digits with at most one point among them; a point alone is none.
func scanDigits(s string, digit func(byte) bool) int {
	n, digits, point := 0, 0, false
	for ; n < len(s); n++ {
		if digit(s[n]) {
			digits++
		} else if s[n] == '.' && !point {
			point = true
		} else {
			break
		}
	}
	if digits == 0 {
		return 0
	}
	return n
}

// scanExponent counts the bytes of an exponent: its letter, perhaps a sign, and digits.
func scanExponent(s string, letter byte) int {
	if len(s) < 2 || s[0]|0x20 != letter {
		return 0
	}
	n := 1
	if s[n] == '-' || s[n] == '+' {
		n++
	}
	first := n
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n == first {
		return 0
	}
	return n
}

// hasWord reports whether s begins with a word of small letters, in any case.
func hasWord(s, word string) bool {
	return len(s) >= len(word) && strings.EqualFold(s[:len(word)], word)
}

// skipSpace counts the bytes of white space at the head of s.
func skipSpace(s string) int {
	n := 0
	for n < len(s) && (s[n] == ' ' || '\t' <= s[n] && s[n] <= '\r') {
		n++
	}
	return n
}

func isHexDigit(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isAlnum(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }
