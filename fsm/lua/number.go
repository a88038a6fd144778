package lua

import (
	"math"
	"strconv"
	"strings"
)

// formatNumber writes a number as Lua does: %.14g in C.
func formatNumber(f float64) string {
	const whole = 1e14
	if f == math.Trunc(f) && -whole < f && f < whole && (f != 0 || !math.Signbit(f)) {
		return strconv.FormatInt(int64(f), 10)
	}
	return formatG(f, 14)
}

// formatG is %.<digits>g in C. All that is not a number is "-nan", which is what processors make of 0/0: the sign
// of others is an accident.
func formatG(f float64, digits int) string {
	switch {
	case math.IsNaN(f):
		return "-nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'g', digits, 64)
}

// parseDigits reads a whole number of a base, with white space around it, as strtoul does.
func parseDigits(s string, base int) (float64, bool) {
	s = strings.Trim(s, " \t\n\v\f\r")
	digits, negative := strings.CutPrefix(s, "-")
	if !negative {
		digits = strings.TrimPrefix(s, "+")
	}
	if base == 16 && len(digits) > 2 && (digits[:2] == "0x" || digits[:2] == "0X") {
		digits = digits[2:]
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil && n != math.MaxUint64 || strings.Contains(digits, "_") {
		return 0, false
	}
	if negative {
		n = -n
	}
	return float64(n), true
}
