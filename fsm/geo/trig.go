package geo

import "math"

// Sine, cosine and arc sine as they should be: computed with about 80 bits and rounded once. The functions
// of package math are good to a bit or two, which differ from processor to processor and from those that C's
// library gives to Redis; in a stored distance that would show.

// pair is the sum of two numbers, the second less than half a unit in the last place of the first.
type pair struct{ hi, lo float64 }

// sum returns a + b exactly.
func sum(a, b float64) pair {
	s := a + b
	t := s - a
	return pair{s, (a - (s - t)) + (b - t)}
}

// product returns a · b exactly.
func product(a, b float64) pair {
	p := float64(a * b)
	return pair{p, math.FMA(a, b, -p)}
}

func (a pair) plus(b pair) pair {
	s := sum(a.hi, b.hi)
	return sum(s.hi, s.lo+(a.lo+b.lo))
}

func (a pair) times(b pair) pair {
	p := product(a.hi, b.hi)
	return sum(p.hi, p.lo+(float64(a.hi*b.lo)+float64(a.lo*b.hi)))
}

func (a pair) negative() pair { return pair{-a.hi, -a.lo} }

// The half of π in three parts.
const (
	halfPi1 = 1.5707963267948966
	halfPi2 = 6.123233995736766e-17
	halfPi3 = -1.4973849048591698e-33
)

// reduce returns x less so many quarters of a circle that at most half of one is left. x is at most a few
// circles.
func reduce(x float64) (rest pair, quarters int) {
	k := math.Round(x / halfPi1)
	rest = sum(x, float64(-k*halfPi1)).plus(product(-k, halfPi2))
	return rest.plus(pair{hi: float64(-k * halfPi3)}), int(k) & 3
}

// series sums the powers of x, up to the fifth with coefficients of two parts, the higher with the rest.
func series(x pair, first [5]pair, rest []float64) pair {
	tail := 0.0
	for _, c := range rest {
		tail = float64(tail*x.hi) + c
	}
	s := pair{hi: tail}
	for i := len(first) - 1; i >= 0; i-- {
		s = s.times(x).plus(first[i])
	}
	return s
}

// sinCore and cosCore are the functions from -π/4 to π/4: Taylor's series in the square of x.
func sinCore(x pair) pair {
	return x.times(series(x.times(x), [5]pair{
		{1, 0}, {-0.16666666666666666, -9.25185853854297e-18}, {0.008333333333333333, 1.1564823173178714e-19},
		{-0.0001984126984126984, -1.7209558293420705e-22}, {2.7557319223985893e-06, -1.858393274046472e-22},
	}, []float64{
		6.446950284384474e-26, -3.868170170630684e-23, 1.9572941063391263e-20, -8.22063524662433e-18,
		2.8114572543455206e-15, -7.647163731819816e-13, 1.6059043836821613e-10, -2.505210838544172e-08,
	}))
}

func cosCore(x pair) pair {
	return series(x.times(x), [5]pair{
		{1, 0}, {-0.5, 0}, {0.041666666666666664, 2.3129646346357427e-18},
		{-0.001388888888888889, 5.300543954373577e-20}, {2.48015873015873e-05, 2.1511947866775882e-23},
	}, []float64{
		1.6117375710961184e-24, -8.896791392450574e-22, 4.110317623312165e-19, -1.5619206968586225e-16,
		4.779477332387385e-14, -1.1470745597729725e-11, 2.08767569878681e-09, -2.755731922398589e-07,
	})
}

// turned returns the sine of an angle of so many quarters of a circle and x.
func turned(x pair, quarters int) pair {
	core := sinCore
	if quarters&1 != 0 {
		core = cosCore
	}
	if quarters&2 != 0 {
		return core(x).negative()
	}
	return core(x)
}

func sin(x float64) float64 {
	rest, quarters := reduce(x)
	return turned(rest, quarters).hi
}

func cos(x float64) float64 {
	rest, quarters := reduce(x)
	return turned(rest, quarters+1).hi
}

// asin is the arc sine of 0 to 1, and of a little more, which rounding makes, that of 1.
func asin(x float64) float64 {
	switch {
	case x >= 1:
		return halfPi1
	case x < 0.75:
		return asinCore(pair{hi: x}).hi
	}
	// Near 1 it is steep: there it is a right angle less twice the arc sine of √((1-x)/2).
	q := (1 - x) / 2
	root := math.Sqrt(q)
	y := asinCore(pair{root, math.FMA(-root, root, q) / (2 * root)})
	return pair{halfPi1, halfPi2}.plus(pair{-2 * y.hi, -2 * y.lo}).hi
}

// asinCore is the arc sine of 0 to 3/4: Newton's method, which from a good start needs one step.
func asinCore(x pair) pair {
	y := math.Asin(x.hi)
	rest, quarters := reduce(y)
	off := x.plus(turned(rest, quarters).negative())
	return sum(y, off.hi/turned(rest, quarters+1).hi)
}
