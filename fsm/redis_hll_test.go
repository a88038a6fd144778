package fsm

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// TestSketchesInRedis lets HyperLogLogs grow to a hundred thousand elements here and in redis-server. Their bytes and
// their counts are the same all the way, through both forms.
func TestSketchesInRedis(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 20))
	c := dialRedis(t, startRedis(t, t.TempDir()))
	l := newLog(t)
	both := func(words ...string) {
		t.Helper()
		if a, b := l.ask(words...), c.ask(words...); a != b {
			t.Fatalf("%.60q: %.200s, redis-server %.200s", words, a, b)
		}
	}
	for batch := 1; batch < 2000; batch += 1 + batch/10 {
		key := strconv.Itoa(batch % 3)
		words := []string{"PFADD", key}
		for range batch {
			words = append(words, strconv.Itoa(rnd.IntN(1e6)))
		}
		both(words...)
		both("GET", key)
		both("PFCOUNT", key)
		both("GET", key)
		both("PFCOUNT", "0", "1", "2")
		if rnd.IntN(4) == 0 {
			both("PFMERGE", strconv.Itoa(rnd.IntN(4)), strconv.Itoa(rnd.IntN(4)))
			both("GET", "3")
		}
	}
}
