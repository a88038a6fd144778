package lua

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// directive is one of string.format's: %, flags, width, precision, and a letter.
type directive struct {
	minus, plus, space, alternate, zero bool
	width                               int
	precision                           int // -1 for none
	letter                              byte
}

func stringFormat(e *Engine, L *lua.LState) int {
	format := text(L, 1)
	var out strings.Builder
	arg := 1
	for {
		plain, rest, more := strings.Cut(format, "%")
		e.draft(L, 2*len(plain))
		out.WriteString(plain)
		if !more {
			break
		}
		if strings.HasPrefix(rest, "%") {
			out.WriteByte('%')
			format = rest[1:]
			continue
		}
		d, n := e.parseDirective(L, rest)
		format = rest[n:]
		arg++
		if arg > L.GetTop() {
			badArgument(L, arg, "no value")
		}
		s := e.formatValue(L, d, arg)
		e.draft(L, 2*len(s))
		out.WriteString(s)
	}
	return e.push(L, out.String())
}

// parseDirective reads what is behind a %, and how long that is.
func (e *Engine) parseDirective(L *lua.LState, s string) (d directive, n int) {
	for ; n < len(s) && strings.IndexByte("-+ #0", s[n]) >= 0; n++ {
		switch s[n] {
		case '-':
			d.minus = true
		case '+':
			d.plus = true
		case ' ':
			d.space = true
		case '#':
			d.alternate = true
		case '0':
			d.zero = true
		}
	}
	if n > 5 {
		e.fail(L, "invalid format (repeated flags)")
	}
	digits := func() (value int) {
		for i := 0; i < 2 && n < len(s) && isDigit(s[n]); i++ {
			value = value*10 + int(s[n]-'0')
			n++
		}
		return value
	}
	d.width, d.precision = digits(), -1
	if n < len(s) && s[n] == '.' {
		n++
		d.precision = digits()
	}
	if n < len(s) && isDigit(s[n]) {
		e.fail(L, "invalid format (width or precision too long)")
	}
	if n < len(s) {
		d.letter = s[n]
		n++
	}
	return d, n
}

func (e *Engine) formatValue(L *lua.LState, d directive, arg int) string {
	switch d.letter {
	case 'c':
		return d.pad(string([]byte{byte(whole(L, arg))}))
	case 'd', 'i':
		return d.integer(integer(number(L, arg)))
	case 'o', 'u', 'x', 'X':
		return d.unsigned(unsigned(number(L, arg)))
	case 'e', 'E', 'f', 'g', 'G':
		return d.float(number(L, arg))
	case 'q':
		return quote(text(L, arg))
	case 's':
		s := text(L, arg)
		if d.precision >= 0 && len(s) > d.precision {
			s = s[:d.precision]
		}
		return d.pad(s)
	}
	e.fail(L, "invalid option '%%%s' to 'format'", string(d.letter))
	return ""
}

// pad fills a text up to the width with spaces.
func (d directive) pad(s string) string {
	fill := strings.Repeat(" ", max(0, d.width-len(s)))
	if d.minus {
		return s + fill
	}
	return fill + s
}

// padNumber fills up a number, whose sign or 0x is the prefix, with zeros if these are wanted.
func (d directive) padNumber(prefix, digits string, zero bool) string {
	if zero && !d.minus {
		digits = strings.Repeat("0", max(0, d.width-len(prefix)-len(digits))) + digits
	}
	return d.pad(prefix + digits)
}

func (d directive) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case d.plus:
		return "+"
	case d.space:
		return " "
	}
	return ""
}

func (d directive) integer(n int64) string {
	size := uint64(n)
	if n < 0 {
		size = -size
	}
	return d.padNumber(d.sign(n < 0), d.atLeast(strconv.FormatUint(size, 10)), d.zero && d.precision < 0)
}

// atLeast puts zeros in front of digits up to the precision. Zero with a precision of zero has no digits.
func (d directive) atLeast(digits string) string {
	if d.precision == 0 && digits == "0" {
		return ""
	}
	return strings.Repeat("0", max(0, d.precision-len(digits))) + digits
}

// unsigned is a number as C makes it unsigned.
func unsigned(f float64) uint64 {
	if f >= math.Exp2(63) && f < math.Exp2(64) {
		return uint64(f)
	}
	return uint64(integer(f))
}

func (d directive) unsigned(n uint64) string {
	base := map[byte]int{'o': 8, 'u': 10, 'x': 16, 'X': 16}[d.letter]
	digits, prefix := d.atLeast(strconv.FormatUint(n, base)), ""
	switch {
	case !d.alternate || d.letter == 'u' || n == 0 && d.letter != 'o':
	case d.letter == 'o' && !strings.HasPrefix(digits, "0"):
		digits = "0" + digits
	case d.letter != 'o':
		prefix = "0x"
	}
	if d.letter == 'X' {
		digits, prefix = strings.ToUpper(digits), strings.ToUpper(prefix)
	}
	return d.padNumber(prefix, digits, d.zero && d.precision < 0)
}

func (d directive) float(f float64) string {
	negative := math.Signbit(f)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		word := "inf"
		if math.IsNaN(f) {
			word, negative = "nan", true // see formatG
		}
		if d.letter < 'a' {
			word = strings.ToUpper(word)
		}
		return d.padNumber(d.sign(negative), word, false)
	}
	precision := d.precision
	if precision < 0 {
		precision = 6
	}
	var digits string
	if lower(d.letter) == 'g' {
		digits = formatAlternateG(math.Abs(f), max(1, precision), d.alternate)
	} else {
		digits = strconv.FormatFloat(math.Abs(f), lower(d.letter), precision, 64)
		if d.alternate && precision == 0 {
			mantissa, exponent, has := strings.Cut(digits, "e")
			digits = mantissa + "."
			if has {
				digits += "e" + exponent
			}
		}
	}
	if d.letter < 'a' {
		digits = strings.ToUpper(digits)
	}
	return d.padNumber(d.sign(negative), digits, d.zero)
}

// formatAlternateG is %g of what is not negative, or %#g, which keeps zeros at the end.
func formatAlternateG(f float64, digits int, alternate bool) string {
	if !alternate {
		return strconv.FormatFloat(f, 'g', digits, 64)
	}
	scientific := strconv.FormatFloat(f, 'e', digits-1, 64)
	mantissa, exponent, _ := strings.Cut(scientific, "e")
	x, _ := strconv.Atoi(exponent)
	if x < -4 || x >= digits {
		if !strings.Contains(mantissa, ".") {
			mantissa += "."
		}
		return mantissa + "e" + exponent
	}
	s := strconv.FormatFloat(f, 'f', digits-1-x, 64)
	if !strings.Contains(s, ".") {
		s += "."
	}
	return s
}

// quote writes a string so that Lua reads it back.
func quote(s string) string {
	return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\n", "\\\n", "\r", `\r`, "\x00", `\000`).Replace(s) + `"`
}
