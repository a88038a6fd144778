package value

import (
	"math/big"
	"slices"
)

// LongDouble is a number of x86's 80-bit extended format, in which Redis computes INCRBYFLOAT
// and HINCRBYFLOAT: 64 bits of precision, results rounded to the nearest, halves to even. It is
// computed in software, so that every machine of a cluster gets the same digits. It is never NaN.
//
// The format's gradual loss of precision below 2^-16382 is not followed: Append, which shows 17
// decimals, cannot tell.
type LongDouble struct {
	f big.Float
}

const (
	longPrecision = 64
	longMax       = 16384  // every finite number is less than 2^longMax
	longMin       = -16446 // what is not greater than 2^longMin rounds to zero

	// longText is the size of Redis' buffer for the text of a number. Longer text is refused.
	longText = 5 * 1024
)

// LongInt returns the number n.
func LongInt(n int64) *LongDouble {
	x := newLong()
	x.f.SetInt64(n)
	return x
}

// ParseLongDouble reads a number as C's strtold does, with the same text accepted and refused as
// in ParseFloat, but for text of 5 KiB or more, which is refused too.
func ParseLongDouble(b []byte) (x *LongDouble, ok bool) {
	if len(b) >= longText {
		return nil, false
	}
	n, ok := scanNumeral(b)
	if !ok {
		return nil, false
	}
	x = newLong()
	switch {
	case n.infinite:
		x.f.SetInf(n.negative)
		return x, true
	case n.zero():
		return x, true
	case !n.plausible():
		return nil, false
	}
	n.round(&x.f)
	if n.negative {
		x.f.Neg(&x.f)
	}
	return x, !x.overflows() && !x.vanishes()
}

// Add returns x + y. ok is false when the sum is infinite or not a number.
func (x *LongDouble) Add(y *LongDouble) (sum *LongDouble, ok bool) {
	if x.IsInf() || y.IsInf() {
		return nil, false
	}
	sum = newLong()
	sum.f.Add(&x.f, &y.f)
	return sum, !sum.overflows()
}

// IsInf reports whether x is infinite.
func (x *LongDouble) IsInf() bool { return x.f.IsInf() }

// Append appends x as INCRBYFLOAT answers and stores it: rounded to 17 decimals, without zeros
// at the end and never with an exponent; "inf" or "-inf".
func (x *LongDouble) Append(dst []byte) []byte {
	switch {
	case x.IsInf() && x.f.Signbit():
		return append(dst, "-inf"...)
	case x.IsInf():
		return append(dst, "inf"...)
	case x.f.MantExp(nil) < -60: // less than half of the last decimal, and slow to write out
		return append(dst, '0')
	}
	begin := len(dst)
	dst = x.f.Append(dst, 'f', 17)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	if string(dst[begin:]) == "-0" {
		dst = append(dst[:begin], '0')
	}
	return dst
}

func newLong() *LongDouble {
	x := new(LongDouble)
	x.f.SetPrec(longPrecision).SetMode(big.ToNearestEven)
	return x
}

func (x *LongDouble) overflows() bool { return x.f.MantExp(nil) > longMax }

func (x *LongDouble) vanishes() bool {
	limit := new(big.Float).SetMantExp(big.NewFloat(1), longMin)
	return x.f.MantExp(nil) <= longMin+1 && new(big.Float).Abs(&x.f).Cmp(limit) <= 0
}

// plausible reports whether a numeral that is not zero is near enough to the range of a
// LongDouble to be worth computing.
func (n *numeral) plausible() bool {
	digits := len(n.whole) + len(n.fraction)
	size, limit := n.exponent, 3*longText
	if n.hex {
		limit = 6 * longText
		digits *= 4
	}
	return size+digits > -limit && size-digits < limit
}

// round sets z, which has its precision, to the absolute value of the numeral, rounded once.
func (n *numeral) round(z *big.Float) {
	base, exponent := 10, n.exponent-len(n.fraction)
	if n.hex {
		base, exponent = 16, n.exponent-4*len(n.fraction)
	}
	m, _ := new(big.Int).SetString(string(slices.Concat(n.whole, n.fraction)), base)
	exact := new(big.Float).SetInt(m) // with as many bits as it takes
	if n.hex {
		z.SetMantExp(z.Set(exact), exponent)
		return
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil)
	scale := new(big.Float).SetInt(power)
	if exponent < 0 {
		z.Quo(exact, scale)
	} else {
		z.Mul(exact, scale)
	}
}
