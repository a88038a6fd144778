package hll

import "math"

// histogram counts registers by value.
type histogram [1 << registerBits]int

// Count estimates how many distinct elements a sketch has taken in.
func Count(b []byte) (uint64, error) {
	var h histogram
	if IsDense(b) {
		for i := range Registers {
			h[register(b, i)]++
		}
		return h.estimate(), nil
	}
	err := runs(b, func(_ int, r run) { h[r.value] += r.length })
	return h.estimate(), err
}

// Count estimates how many distinct elements the sketches have taken in together.
func (u *Union) Count() uint64 {
	var h histogram
	for _, n := range u {
		h[n]++
	}
	return h.estimate()
}

// estimate is the improved estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog
// sketches" (arXiv:1702.01284), algorithm 6. Each operation is rounded by itself, in the order in which
// Redis has them: the result is part of the sketch, so it has to be the same to the last bit everywhere.
func (h *histogram) estimate() uint64 {
	const (
		alpha = 0.721347520444481703680 // 1 / (2 ln 2)
		m     = float64(Registers)
	)
	z := m * tau((m-float64(h[hashBits+1]))/m)
	for n := hashBits; n >= 1; n-- {
		z = float64(z+float64(h[n])) * 0.5
	}
	z += float64(m * sigma(float64(h[0])/m))
	e := math.Round(float64(float64(alpha*m)*m) / z)
	if !(e < 1<<63) {
		return 1 << 63 // all registers are full, which no elements do to them
	}
	return uint64(e)
}

// sigma is x + x²·1 + x⁴·2 + x⁸·4 + …, for x from 0 to 1.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	sum, factor := x, 1.0
	for before := math.NaN(); before != sum; factor += factor {
		x *= x
		before = sum
		sum += float64(x * factor)
	}
	return sum
}

// tau is (1 - x - (1-√x)²/2 - (1-⁴√x)²/4 - …) / 3, for x from 0 to 1.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	sum, factor := 1-x, 1.0
	for before := math.NaN(); before != sum; {
		x = math.Sqrt(x)
		before = sum
		factor *= 0.5
		sum -= float64(float64((1-x)*(1-x)) * factor)
	}
	return sum / 3
}
