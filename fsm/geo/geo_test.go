package geo

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func newRand(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 3))
}

// TestGolden has what redis-server 7.0.15 makes of some places.
func TestGolden(t *testing.T) {
	palermo, catania := Place{13.361389, 38.115556}, Place{15.087269, 37.502669}
	for _, c := range []struct {
		place Place
		bits  uint64
		hash  string
		back  Place
	}{
		{palermo, 3479099956230698, "sqc8b49rny0", Place{13.36138933897018433, 38.11555639549629859}},
		{catania, 3479447370796909, "sqdtr74hyu0", Place{15.08726745843887329, 37.50266842333162032}},
		{Place{180, MaxLatitude}, 13510798882111488, "xxxxxxxxxx0", Place{180, MaxLatitude}},
		{Place{-180, -MaxLatitude}, 0, "00bh0hbj200", Place{-179.99999731779098511, -85.05112751263942528}},
	} {
		if got := Encode(c.place); got != c.bits {
			t.Errorf("%v is %d, want %d", c.place, got, c.bits)
		}
		back := Decode(c.bits)
		if back != c.back {
			t.Errorf("%d is %v, want %v", c.bits, back, c.back)
		}
		if got := Hash(back); got != c.hash && c.place.Longitude < 180 {
			t.Errorf("%v has the hash %s, want %s", back, got, c.hash)
		}
	}
	if d := Distance(Decode(3479099956230698), Decode(3479447370796909)); math.Abs(d-166274.1516) > 0.0001 {
		t.Errorf("%f meters", d)
	}
}

func anyPlace(r *rand.Rand) Place {
	return Place{(r.Float64()*2 - 1) * MaxLongitude, (r.Float64()*2 - 1) * MaxLatitude}
}

func TestDecodeIsNear(t *testing.T) {
	r := newRand(t)
	for range 10000 {
		p := anyPlace(r)
		bits := Encode(p)
		back := Decode(bits)
		if math.Abs(back.Longitude-p.Longitude) > 360.0/(1<<26) || math.Abs(back.Latitude-p.Latitude) > 180.0/(1<<26) {
			t.Fatalf("%v becomes %v", p, back)
		}
		if Encode(back) != bits || bits >= 1<<52 {
			t.Fatalf("%v is %d, which is %v, which is %d", p, bits, back, Encode(back))
		}
		if score := float64(bits); BitsOf(score) != bits {
			t.Fatalf("the score of %d stands for %d", bits, BitsOf(score))
		}
	}
}

func TestBitsOfOddScores(t *testing.T) {
	for score, want := range map[float64]uint64{
		0.9: 0, -0.9: 0, -1: math.MaxUint64, 1 << 63: 1 << 63, 3 << 62: 3 << 62, 1 << 64: 0, math.Inf(1): 0,
		-(1 << 63): 1 << 63, -1e300: 1 << 63, math.Inf(-1): 1 << 63,
	} {
		if got := BitsOf(score); got != want {
			t.Errorf("%g stands for %#x, want %#x", score, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	r := newRand(t)
	for range 3000 {
		a, b := anyPlace(r), anyPlace(r)
		d := Distance(a, b)
		if back := Distance(b, a); math.Abs(back-d) > 1e-6 || d < 0 || d > earthRadius*math.Pi+1e-6 || Distance(a, a) != 0 {
			t.Fatalf("%v and %v: %f there, %f back", a, b, d, back)
		}
		// The same by the angle between the two vectors.
		vector := func(p Place) [3]float64 {
			lon, lat := p.Longitude*math.Pi/180, p.Latitude*math.Pi/180
			return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
		}
		v, w := vector(a), vector(b)
		chord := math.Sqrt((v[0]-w[0])*(v[0]-w[0]) + (v[1]-w[1])*(v[1]-w[1]) + (v[2]-w[2])*(v[2]-w[2]))
		if want := 2 * earthRadius * math.Asin(min(1, chord/2)); math.Abs(want-d) > 1 {
			t.Fatalf("%v and %v: %f meters, want %f", a, b, d, want)
		}
	}
}

// TestRangesCover draws shapes that reach neither a pole nor the date line, and finds every place in them in
// one of the ranges, and no two ranges that overlap.
func TestRangesCover(t *testing.T) {
	r := newRand(t)
	inside := 0
	for range 3000 {
		s := Shape{Center: Place{r.Float64()*200 - 100, r.Float64()*100 - 50}, Unit: []float64{1, 1000, 0.3048}[r.IntN(3)]}
		size := math.Pow(10, r.Float64()*6.2) / s.Unit
		s.Radius, s.Box, s.Width, s.Height = size, r.IntN(2) == 0, size*(0.5+r.Float64()), size*(0.5+r.Float64())
		ranges := s.Ranges()
		if len(ranges) == 0 || len(ranges) > 9 {
			t.Fatalf("%d ranges", len(ranges))
		}
		degrees := 2 * size * s.Unit / 111000
		for range 50 {
			p := Place{
				clamp(s.Center.Longitude+(r.Float64()*2-1)*degrees, MaxLongitude),
				clamp(s.Center.Latitude+(r.Float64()*2-1)*degrees, MaxLatitude),
			}
			bits := Encode(p)
			p = Decode(bits)
			if _, ok := s.Contains(p); !ok {
				continue
			}
			inside++
			if !slices.ContainsFunc(ranges, func(r Range) bool { return r.Low <= bits && bits < r.High }) {
				t.Fatalf("%v lies in %+v, in none of %v", p, s, ranges)
			}
		}
		for i, a := range ranges {
			for _, b := range ranges[:i] {
				if a.Low < b.High && b.Low < a.High {
					t.Fatalf("%+v: ranges overlap: %v", s, ranges)
				}
			}
		}
	}
	if inside < 10000 {
		t.Errorf("only %d places lay in a shape", inside)
	}
}

// FuzzShape takes any numbers for a shape and a score. Nothing panics, nor goes on for ever.
func FuzzShape(f *testing.F) {
	f.Add(180.0, 85.05, 1e300, 5e-324, 1609.34, true, -1e300)
	f.Add(0.0, 0.0, math.Inf(1), 0.0, 1.0, false, 1e17)
	f.Fuzz(func(t *testing.T, lon, lat, width, height, unit float64, box bool, score float64) {
		if math.IsNaN(score) {
			return
		}
		s := Shape{Center: Place{lon, lat}, Radius: width, Box: box, Width: width, Height: height, Unit: unit}
		if !s.Center.Valid() || !(width >= 0) || !(height >= 0) || !(unit > 0) {
			return
		}
		p := Decode(BitsOf(score))
		if !p.Valid() {
			t.Fatalf("%g is %v", score, p)
		}
		s.Contains(p)
		if n := len(s.Ranges()); n < 1 || n > 9 {
			t.Fatalf("%d ranges", n)
		}
		if len(Hash(p)) != 11 {
			t.Fatal("a hash of another length")
		}
	})
}
