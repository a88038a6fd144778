package fsm

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestEvacuation deletes three keys of four, at random, and fields of a large hash likewise, and finds
// the memory given back after some more entries, with every key that is left in its place.
func TestEvacuation(t *testing.T) {
	const keys = 100_000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	l := newLog(t)
	value := fmt.Sprintf("%064d", 7)
	for i := range keys {
		key := fmt.Sprintf("key:%d", i)
		if i%10 == 0 {
			l.ask("SET", key, value, "EX", "100000")
		} else {
			l.ask("SET", key, value)
		}
		if i%4 == 0 {
			l.ask("HSET", "hash", key, value)
		}
	}
	for i := range keys {
		if rnd.IntN(4) > 0 {
			l.ask("DEL", fmt.Sprintf("key:%d", i))
			l.ask("HDEL", "hash", fmt.Sprintf("key:%d", i))
		}
	}
	digest := l.m.DebugDigest()
	for range 20_000 {
		l.apply(nil)
	}
	if d := l.m.DebugDigest(); d != digest {
		t.Errorf("digest %s before, %s after", digest, d)
	}
	if s := l.m.Stats(); s.Mapped > s.Live+s.Live/4+sparseSlack {
		t.Errorf("%d bytes mapped for %d in use", s.Mapped, s.Live)
	}
	l.check()
}
