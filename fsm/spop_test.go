package fsm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// TestSpop takes members out of sets, beside a view or not. None comes twice, what is left is what did
// not come, in the encoding that redis-server gives it, and no memory is lost.
func TestSpop(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 16))
	l := newLog(t)
	for range 300 {
		all, words := []string{}, []string{"SADD", "set"}
		for i := range 1 + rnd.IntN(700) {
			all = append(all, "  "+strconv.Quote(strconv.Itoa(i)))
			words = append(words, strconv.Itoa(i))
		}
		text := rnd.IntN(2) == 0
		if text {
			all, words = append(all, `  "text"`), append(words, "text")
		}
		slices.Sort(all)
		l.ask(words...)
		before := l.ask("OBJECT", "ENCODING", "set")
		release := func() {}
		if rnd.IntN(2) == 0 {
			_, end, err := l.m.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			release = end
		}
		n := min(1+rnd.IntN(len(all)+5), len(all))
		if rnd.IntN(3) == 0 {
			n = max(len(all)-1-rnd.IntN(3), 1)
		}
		taken := elements(l.ask("SPOP", "set", strconv.Itoa(n)), 1)
		left := elements(l.ask("SMEMBERS", "set"), 1)
		if len(taken) != n || !slices.Equal(slices.Sorted(slices.Values(append(taken, left...))), all) {
			t.Fatalf("%d of %d members taken, %d left", len(taken), len(all), len(left))
		}
		want := before
		switch {
		case len(left) == 0:
			want = "_\n"
		case len(left)*5 <= n && len(left) <= 512 && !slices.Contains(left, `  "text"`):
			want = fmt.Sprintf("%q\n", "intset")
		}
		if got := l.ask("OBJECT", "ENCODING", "set"); got != want {
			t.Fatalf("%d of %d taken: what was %s is %s, not %s", n, len(all), before, got, want)
		}
		l.check()
		l.ask("DEL", "set")
		release()
		for range 10 {
			l.apply(nil)
		}
		if cells := l.m.state.databases[0].mem.Arena.Stats().Cells; cells != 0 {
			t.Fatalf("%d cells are left", cells)
		}
	}
}
