package fsm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// TestSearchesAgainstRedis searches among members of which many share a place, near the poles and the date
// line as well, by all shapes and with counts. Results and their order are redis-server's.
func TestSearchesAgainstRedis(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 22))
	c := dialRedis(t, startRedis(t, t.TempDir()))
	for round := range 12 {
		l := newLog(t)
		c.ask("FLUSHALL")
		if round%3 == 0 {
			l.apply(nil, SetParameters(Setting{paramZSetEntries, "1000"}))
		}
		step := []float64{0.001, 0.1, 5, 30}[round%4] // how far the places are from each other, in degrees
		words := []string{"GEOADD", "g"}
		degrees := func(most float64) string {
			x := step * 20 * (rnd.Float64()*2 - 1)
			return strconv.FormatFloat(max(-most, min(most, x)), 'f', -1, 64)
		}
		var places [60][2]string
		for i := range places {
			places[i] = [2]string{degrees(180), degrees(85)}
		}
		for i := range 300 {
			p := places[rnd.IntN(len(places))]
			words = append(words, p[0], p[1], "m"+strconv.Itoa(i))
		}
		l.ask(words...)
		c.ask(words...)
		units := []string{"m", "km", "ft", "mi"}
		size := func() string { return fmt.Sprintf("%.2f", step*200_000*math.Pow10(rnd.IntN(6)-3)*rnd.Float64()) }
		for range 300 {
			words := []string{"GEOSEARCH", "g"}
			if rnd.IntN(2) == 0 {
				words = append(words, "FROMMEMBER", "m"+strconv.Itoa(rnd.IntN(300)))
			} else {
				words = append(words, "FROMLONLAT", degrees(180), degrees(85))
			}
			if rnd.IntN(2) == 0 {
				words = append(words, "BYRADIUS", size())
			} else {
				words = append(words, "BYBOX", size(), size())
			}
			words = append(words, units[rnd.IntN(4)])
			for _, option := range [][]string{{"ASC"}, {"DESC"}, {"COUNT", strconv.Itoa(1 + rnd.IntN(60))}, {"WITHDIST"}, {"WITHCOORD"}, {"WITHHASH"}} {
				if rnd.IntN(3) == 0 {
					words = append(words, option...)
				}
			}
			if strings.Contains(strings.Join(words, " "), "COUNT") && rnd.IntN(3) == 0 {
				words = append(words, "ANY")
			}
			if a, b := l.ask(words...), c.ask(words...); a != b {
				t.Fatalf("%q: the machine answered\n%.2000s\nredis-server\n%.2000s", words, a, b)
			}
		}
	}
}

// TestStoredDistances stores distances and compares them with redis-server's. Its sines come from C's
// library, which now and then rounds to the other side; the last of 17 digits may differ by that.
func TestStoredDistances(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 23))
	c, l := dialRedis(t, startRedis(t, t.TempDir())), newLog(t)
	words := []string{"GEOADD", "g"}
	for i := range 3000 {
		words = append(words, fmt.Sprint(rnd.Float64()*360-180), fmt.Sprint(rnd.Float64()*170-85), "m"+strconv.Itoa(i))
	}
	store := []string{"GEORADIUS", "g", "10", "20", "30000", "km", "STOREDIST", "d"}
	l.ask(words...)
	c.ask(words...)
	if a, b := l.ask(store...), c.ask(store...); a != b || a != ":3000\n" {
		t.Fatalf("%s stored, by redis-server %s", a, b)
	}
	differ := 0
	for i := range 3000 {
		member := "m" + strconv.Itoa(i)
		a, errA := strconv.ParseFloat(strings.Trim(l.ask("ZSCORE", "d", member), ",\n"), 64)
		b, errB := strconv.ParseFloat(strings.Trim(c.ask("ZSCORE", "d", member), "\"\n"), 64)
		if errA != nil || errB != nil || math.Abs(a-b) > 4e-15*b {
			t.Fatalf("%s: %v, redis-server %v", member, a, b)
		}
		if a != b {
			differ++
		}
	}
	if differ > 30 {
		t.Errorf("%d of 3000 distances differ in the last digits", differ)
	}
}
