package fsm

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestSortAndRedis sorts lists, sets and sorted sets of random elements in all ways, here and in redis-server. What BY
// leads to is another number for each element, since redis-server orders what compares equal by chance.
func TestSortAndRedis(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 30))
	c := dialRedis(t, startRedis(t, t.TempDir()))
	l := newLog(t)
	both := func(words ...string) {
		t.Helper()
		if a, b := l.ask(words...), c.ask(words...); a != b {
			t.Fatalf("%q: %s, redis-server %s", words, a, b)
		}
	}
	weights := rnd.Perm(200)
	for i, w := range weights {
		both("SET", fmt.Sprintf("w:%d", i), fmt.Sprint(w))
		if i%3 > 0 {
			both("HSET", fmt.Sprintf("h:%d", i), "f", fmt.Sprintf("%d.5", w), "g", "text")
		}
	}
	for round := range 600 {
		key := fmt.Sprintf("key:%d", round)
		add := [][]string{{"RPUSH", key}, {"SADD", key}, {"ZADD", key}}[round%3]
		for range rnd.IntN(40) {
			if round%3 == 2 {
				add = append(add, fmt.Sprint(rnd.IntN(50)))
			}
			add = append(add, fmt.Sprint(rnd.IntN(200)))
		}
		if len(add) > 2 {
			both(add...)
		}
		for range 10 {
			words := []string{"SORT", key}
			option := func(chance int, more ...string) {
				if rnd.IntN(chance) == 0 {
					words = append(words, more...)
				}
			}
			option(2, "LIMIT", fmt.Sprint(rnd.IntN(30)-5), fmt.Sprint(rnd.IntN(40)-3))
			option(2, "DESC")
			option(3, "ALPHA")
			option(3, "GET", []string{"#", "w:*", "h:*->f", "h:*->none", "none"}[rnd.IntN(5)])
			option(3, "GET", "#")
			if round%3 == 1 { // the order of a set is a server's own
				option(2, "BY", "w:*")
			} else {
				option(2, "BY", []string{"w:*", "none"}[rnd.IntN(2)])
			}
			option(5, "STORE", "stored")
			both(words...)
		}
		both("LRANGE", "stored", "0", "-1")
	}
	l.check()
}
