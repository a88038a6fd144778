package fsm

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPartialSort compares the part that was asked for with that of a whole sort, and finds all elements.
func TestPartialSort(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 21))
	compare := func(a, b *int) int { return cmp.Compare(*a, *b) }
	for range 3000 {
		s := make([]int, 1+rnd.IntN(200))
		for i := range s {
			s[i] = rnd.IntN(1 + rnd.IntN(300))
		}
		if rnd.IntN(8) == 0 {
			slices.Sort(s)
		}
		want := slices.Sorted(slices.Values(s))
		first := rnd.IntN(len(s))
		last := first + rnd.IntN(len(s)-first)
		partialSort(s, compare, first, last)
		if !slices.Equal(s[first:last+1], want[first:last+1]) {
			t.Fatalf("places %d to %d: %v, want %v", first, last, s[first:last+1], want[first:last+1])
		}
		if slices.Sort(s); !slices.Equal(s, want) {
			t.Fatal("other elements than before")
		}
	}
}
