package value

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// numerals are texts at the edges of what is a number.
var numerals = []string{
	"", "0", "-0", "-0.0", "00", "+5", "-+5", "5.", ".5", ".", "-.", "1e5", "1e", "1e+", "1E5", "e5", "1e5.0",
	" 1", "1 ", "1\x00", "1_0", "0x_1", "0x", "0x.", "0x1", "0x10", "-0x1p3", "0x1p", "0x.8", "0x8.", "0X1P+2", "0x1.8p-1",
	"0x1e5", "0xg", "0b1", "0o7", "inf", "-inf", "+INF", "infinity", "Infinit", "infinityy", "nan", "-nan", "nan(1)",
	"1e308", "-1e308", "1.7976931348623157e308", "1.7976931348623159e308", "1e309", "1e-20", "5.0e3", "3.0e3",
	"5e-324", "2e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400", "4.9e-324", "2.2250738585072011e-308",
	"1e4932", "1.18973149535723176502e4932", "1.18973149535723176506e4932", "1.19e4932", "1e4933", "1e-4940", "1e-4951",
	"3.6e-4951", "1e99999999999", "1e-99999999999", "0e99999999999", "0x1p16383", "0x1p16384", "0x1p-16445", "0x1p-16446",
	"0x1.fffffffffffffffep16383", "0x1.ffffffffffffffffp16383",
	"18446744073709551615", "18446744073709551616", "18446744073709551617", "18446744073709551618", "18446744073709551619",
	"18446744073709551617.0000000000000000000000000000000000000000000000000000000000000000000000",
	"18446744073709551617.0000000000000000000000000000000000000000000000000000000000000000000001",
	"9223372036854775807", "-9223372036854775808", "0.000000000000000005", "0.0000000000000000049999", "-0.000000000000000005",
	"0x1p-58", "0x1p-59", "0x3p-58", "0x1p-61", "0x.0000000000000000000001p90", "123456789012345678901234567890",
	"0.1", "0.2", "1.1", "3.14159265358979323846", "100000000000000000000000.5", "17179869184.00000001",
}

// anyNumeral returns the text of a number, of the kinds above, of a plain one, of one with random
// digits and exponent, or of one on or near the middle between two neighbours.
func anyNumeral(r *rand.Rand) string {
	sign := []string{"", "-", "+"}[r.IntN(3)]
	switch r.IntN(9) {
	case 0:
		return numerals[r.IntN(len(numerals))]
	case 1:
		return strconv.FormatInt(int64(r.Uint64())>>r.IntN(64), 10)
	case 2:
		return strconv.FormatFloat(r.NormFloat64()*1000, 'f', r.IntN(12), 64)
	case 3:
		return strconv.FormatFloat(math.Float64frombits(r.Uint64()), 'g', 1+r.IntN(25), 64)
	case 4:
		return fmt.Sprintf("%s%d.%020de%d", sign, r.IntN(100), r.Uint64(), r.IntN(60)-30)
	case 5:
		return fmt.Sprintf("%s0x%x.%xp%d", sign, r.Uint64()>>r.IntN(64), r.Uint64()>>r.IntN(64), r.IntN(200)-140)
	case 6: // 65 significant bits: a tie for a long double
		return fmt.Sprintf("%s0x1%016xp%d", sign, r.Uint64()|1, r.IntN(60)-100) + "0"[:r.IntN(2)]
	case 7:
		return sign + digits(r, 1+r.IntN(40)) + "." + digits(r, r.IntN(60)) + fmt.Sprintf("e%d", r.IntN(12000)-6000)
	}
	return sign + digits(r, 1+r.IntN(30)) + "." + digits(r, r.IntN(30))
}

func digits(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + r.IntN(10))
	}
	return string(b)
}

func TestParseFloat(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
	}{
		{"0x10", 16}, {"5.", 5}, {".5", 0.5}, {"-Infinity", math.Inf(-1)}, {"+5", 5}, {"0x.8", 0.5}, {"1e-5", 1e-5},
		{"0e99999999999", 0}, {"5e-324", 5e-324},
	} {
		if f, ok := ParseFloat([]byte(c.text)); !ok || f != c.want {
			t.Errorf("%q: %v, %v", c.text, f, ok)
		}
	}
	for _, text := range []string{"", " 1", "1 ", "nan", "1_0", "0x_1p0", "1e", "0x", ".", "1e309", "1e-400", "0b1", "1\x00"} {
		if f, ok := ParseFloat([]byte(text)); ok {
			t.Errorf("%q: %v", text, f)
		}
	}
}

func TestAppendFloat(t *testing.T) {
	for _, c := range []struct {
		f    float64
		want string
	}{
		{0, "0"}, {math.Copysign(0, -1), "-0"}, {0.1, "0.10000000000000001"}, {100, "100"}, {1e16, "10000000000000000"},
		{1e17, "1e+17"}, {1e-4, "0.0001"}, {1e-5, "1.0000000000000001e-05"}, {math.Inf(-1), "-inf"}, {1.5, "1.5"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
	} {
		if got := string(AppendFloat(nil, c.f)); got != c.want {
			t.Errorf("%v: %q, want %q", c.f, got, c.want)
		}
	}
}

func TestLongDouble(t *testing.T) {
	const invalid, infinite = "-ERR value is not a valid float", "-ERR increment would produce NaN or Infinity"
	for _, c := range [][3]string{
		{"0.1", "0.2", "0.3"}, {"10.50", "0.1", "10.6"}, {"5.0e3", "2.0e2", "5200"}, {"3.0e3", "0", "3000"},
		{"-0", "-0", "0"}, {"1", "1e-20", "1"}, {"1e308", "0",
			"99999999999999999996685879655845645660560099847415567207797047994921734868838061872100126921888539320446747225054013223152134749593960583597420814430196418767959100019603190778663109604507106667939153395788938914560543563061268364901618630217086589253444881623791300855757318142424510452728255046343928578048"},
		{"1", "x", invalid}, {"nan", "1", invalid}, {"1", "inf", infinite}, {"1.1e4932", "1.1e4932", infinite},
		{"1", strings.Repeat("1", longText), invalid}, {"1e-4960", "1", invalid}, {"1e-4940", "1", "1"},
	} {
		if got := incrByFloat(c[0], c[1]); got != c[2] {
			t.Errorf("%q + %q = %q, want %q", c[0], c[1], got, c[2])
		}
	}
	if got := string(LongInt(math.MinInt64).Append(nil)); got != "-9223372036854775808" {
		t.Error(got)
	}
	if x, ok := ParseLongDouble([]byte("-inf")); !ok || !x.IsInf() || string(x.Append(nil)) != "-inf" {
		t.Error("-inf")
	}
}

func FuzzNumbers(f *testing.F) {
	for _, s := range numerals {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, ok := ParseLongDouble(b)
		if ok {
			text := x.Append(nil)
			y, ok := ParseLongDouble(text)
			if !ok || string(y.Append(nil)) != string(text) {
				t.Fatalf("%q reads back as another number", text)
			}
		}
		if d, ok2 := ParseFloat(b); ok2 {
			if !ok && len(b) < longText {
				t.Fatalf("%q is a double and no long double", b)
			}
			if again, ok := ParseFloat(AppendFloat(nil, d)); !ok || again != d {
				t.Fatalf("%v reads back as %v", d, again)
			}
		}
		if n, ok := ParseInt(b); ok && string(AppendInt(nil, n)) != string(b) {
			t.Fatalf("%q is not canonical", b)
		}
	})
}

func BenchmarkLongDouble(b *testing.B) {
	a, c, dst := []byte("10.50"), []byte("0.1"), make([]byte, 0, 64)
	for b.Loop() {
		x, _ := ParseLongDouble(a)
		y, _ := ParseLongDouble(c)
		sum, _ := x.Add(y)
		sum.Append(dst)
	}
}
