package geo

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// bigSin is the sine of x by Taylor's series in 300 bits.
func bigSin(x *big.Float) *big.Float {
	sum, term := new(big.Float).SetPrec(300), new(big.Float).SetPrec(300).Set(x)
	square := new(big.Float).SetPrec(300).Mul(x, x)
	for n := 1; n < 120; n += 2 {
		sum.Add(sum, term)
		term.Mul(term, square)
		term.Quo(term, big.NewFloat(float64(-(n+1)*(n+2))))
	}
	return sum
}

func bigOf(x float64) *big.Float { return new(big.Float).SetPrec(300).SetFloat64(x) }

// halfPi is a right angle in 300 bits: where the sine of its double is 1.
func halfPi() *big.Float {
	const digits = "1.570796326794896619231321691639751442098584699687552910487472296153908203143104499314017412671058533991074"
	f, _, err := big.ParseFloat(digits, 10, 300, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	return f
}

func anyAngle(r *rand.Rand) float64 {
	switch r.IntN(4) {
	case 0:
		return r.NormFloat64() * math.Pow10(-r.IntN(12))
	case 1:
		return float64(r.IntN(9)-4)*math.Pi/4 + r.NormFloat64()*math.Pow10(-r.IntN(16))
	}
	return (r.Float64()*2 - 1) * math.Pi
}

func TestSinesAreRoundedOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 5000 {
		x := anyAngle(r)
		if want, _ := bigSin(bigOf(x)).Float64(); sin(x) != want {
			t.Fatalf("sin(%v) = %v, want %v", x, sin(x), want)
		}
		if want, _ := bigSin(new(big.Float).SetPrec(300).Sub(halfPi(), bigOf(x))).Float64(); cos(x) != want {
			t.Fatalf("cos(%v) = %v, want %v", x, cos(x), want)
		}
	}
}

// TestArcSineIsRoundedOnce wants x between the sines of what lies half a unit beside its arc sine.
func TestArcSineIsRoundedOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	for range 5000 {
		x := r.Float64()
		switch r.IntN(4) {
		case 0:
			x = math.Pow10(-r.IntN(12)) * r.Float64()
		case 1:
			x = 1 - math.Pow10(-r.IntN(16))*r.Float64()
		}
		y := asin(x)
		half := func(to float64) *big.Float {
			s := new(big.Float).SetPrec(300).Add(bigOf(y), bigOf(math.Nextafter(y, to)))
			return s.Quo(s, bigOf(2))
		}
		if above := half(4); above.Cmp(halfPi()) < 0 && bigSin(above).Cmp(bigOf(x)) < 0 || bigSin(half(-4)).Cmp(bigOf(x)) > 0 {
			t.Fatalf("asin(%v) = %v, which is not the nearest", x, y)
		}
	}
	if asin(1) != math.Pi/2 || asin(1.5) != math.Pi/2 || asin(0) != 0 {
		t.Error("the ends")
	}
}

func BenchmarkDistance(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	places := make([]Place, 1024)
	for i := range places {
		places[i] = Place{r.Float64()*360 - 180, r.Float64()*170 - 85}
	}
	for i := 0; b.Loop(); i++ {
		Distance(places[i&1023], places[(i+1)&1023])
	}
}
