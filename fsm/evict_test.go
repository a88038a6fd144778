package fsm

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
)

// evict has about so many bytes of keys evicted, and returns how many were.
func (l *testLog) evict(ev *Eviction, seed uint64, need int64) (keys int) {
	l.t.Helper()
	for need > 0 {
		victims := l.m.Choose(ev, 0, seed, need)
		if len(victims) == 0 {
			return keys
		}
		before := l.m.Used()
		for _, v := range victims {
			l.apply(nil, Evict(v.DB, [][]byte{v.Key}))
			need -= v.Bytes
			keys++
		}
		ev.Done(victims)
		given := int64(0)
		for _, v := range victims {
			given += v.Bytes
		}
		if got := before - l.m.Used(); got != given {
			l.t.Fatalf("%d victims were to give %d bytes, and gave %d", len(victims), given, got)
		}
		seed++
	}
	return keys
}

func (l *testLog) config(name, value string) {
	l.t.Helper()
	var out reply.Recorder
	l.apply([]reply.Sink{&out}, SetParameters(Setting{name, value}))
	if out.String() != "+OK\n" {
		l.t.Fatalf("%s %s: %s", name, value, &out)
	}
}

// TestEvictionPolicies fills two databases with keys of which half have a deadline and a quarter are used again and
// again, has half of the memory evicted under each policy, and looks at what is left.
func TestEvictionPolicies(t *testing.T) {
	for _, name := range policyNames() {
		t.Run(name, func(t *testing.T) {
			const keys, dbs = 2000, 2
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rnd := rand.New(rand.NewPCG(seed, 1))
			l := newLog(t)
			l.config(ParamPolicy, name)
			p := policyOf(name)
			key := func(i int) string { return fmt.Sprintf("key:%d", i) }
			hot := func(i int) bool { return i%4 < 2 && i%8 < 4 } // with a deadline and without
			for _, i := range rnd.Perm(keys) {
				for l.db = range dbs {
					l.stamp += 10
					if i%2 == 0 {
						l.ask("SET", key(i), strings.Repeat("v", 64), "PXAT", strconv.Itoa(2_000_000_000_000+i*1000))
					} else {
						l.ask("SET", key(i), strings.Repeat("v", 64))
					}
				}
			}
			for range 20 {
				l.stamp += 60_000
				for i := range keys {
					for l.db = range dbs {
						if hot(i) {
							l.ask("GET", key(i))
						}
					}
				}
			}
			l.stamp += 60_000
			share := int64(2)
			if p.volatile() {
				share = 4 // half of those that may go
			}
			evicted := l.evict(new(Eviction), seed, (l.m.Used()-dbs*tablesSize)/share)
			left, hotLeft := 0, 0
			for i := range keys {
				for l.db = range dbs {
					there := l.ask("EXISTS", key(i)) == ":1\n"
					if !there && p.volatile() && i%2 == 1 {
						t.Fatalf("%s is gone, which has no deadline", key(i))
					}
					if there {
						left++
						if hot(i) {
							hotLeft++
						}
					}
				}
			}
			if left+evicted != keys*dbs || int(l.m.Stats().Evicted) != evicted {
				t.Errorf("%d keys are left of %d, %d were evicted, %d counted", left, keys*dbs, evicted, l.m.Stats().Evicted)
			}
			if (evicted == 0) != (p == noEviction) {
				t.Errorf("%d keys were evicted", evicted)
			}
			t.Logf("%d of %d hot keys are left", hotLeft, keys*dbs/4)
			if (p.counts() || p == volatileLRU || p == allkeysLRU) && hotLeft < keys*dbs/4*95/100 {
				t.Errorf("%d of %d hot keys are left", hotLeft, keys*dbs/4)
			}
			if p == volatileTTL {
				l.checkSoonestGone(keys, dbs, key)
			}
			l.db = 0
			l.check()
		})
	}
}

// checkSoonestGone checks that of the keys with deadlines none is left that falls due before one that is gone.
func (l *testLog) checkSoonestGone(keys, dbs int, key func(int) string) {
	l.t.Helper()
	there := false
	for i := 0; i < keys; i += 2 {
		for l.db = range dbs {
			now := l.ask("EXISTS", key(i)) == ":1\n"
			if there && !now {
				l.t.Fatalf("%s is gone in database %d, and one is left that falls due before", key(i), l.db)
			}
			there = now
		}
	}
}

// TestEvictionTakesAll finds that eviction comes to an end when nothing is left that may go.
func TestEvictionTakesAll(t *testing.T) {
	for _, name := range policyNames() {
		l := newLog(t)
		l.config(ParamPolicy, name)
		for i := range 300 {
			l.db = i % 3
			l.ask("SET", strconv.Itoa(i), "v")
			if i%2 == 0 {
				l.ask("PEXPIRE", strconv.Itoa(i), "100000")
			}
			l.ask("SADD", "set"+strconv.Itoa(i), "a", strings.Repeat("b", 100), "c")
		}
		want := map[bool]int{true: 150, false: 600}[policyOf(name).volatile()]
		if policyOf(name) == noEviction {
			want = 0
		}
		if got := l.evict(new(Eviction), 1, 1<<40); got != want {
			t.Errorf("%s: %d keys were evicted, not %d", name, got, want)
		}
		l.check()
	}
}

// TestEvictionIsLogged evicts on one machine and applies the same items to another, which has seen none of the reads.
// A key that has lost its deadline meanwhile stays, and the other items go on.
func TestEvictionIsLogged(t *testing.T) {
	a, b := newLog(t), newLog(t)
	both := func(item []byte) {
		a.apply(nil, item)
		b.apply(nil, item)
	}
	line := func(words ...string) []byte { return item(words...) }
	both(SetParameters(Setting{ParamPolicy, "volatile-lru"}))
	for i := range 100 {
		both(line("SET", strconv.Itoa(i), "v", "EX", "1000"))
	}
	a.ask("GET", "1")
	var events []string
	b.m.Observe(func(class EventClass, event string, db int, key []byte) {
		events = append(events, fmt.Sprintf("%c %s %d %s", class, event, db, key))
	})
	both(line("PERSIST", "7"))
	events = nil
	both(Evict(0, [][]byte{[]byte("7"), []byte("8"), []byte("no such key"), []byte("9")}))
	if want := "[e evicted 0 8 e evicted 0 9]"; fmt.Sprint(events) != want {
		t.Errorf("%v, want %s", events, want)
	}
	compare(t, a, b)
	b.restart()
	compare(t, a, b)
	if n := b.m.Stats().Evicted; n != 2 {
		t.Errorf("%d keys are counted as evicted after a restore", n)
	}
}

// TestEvictionAbortsWatch finds that eviction aborts a transaction that watches the key.
func TestEvictionAbortsWatch(t *testing.T) {
	l := newLog(t)
	l.config(ParamPolicy, "allkeys-lru")
	l.ask("SET", "k", "v")
	var w Watcher
	l.m.Watch(&w, 0, [][]byte{[]byte("k")})
	defer l.m.Unwatch(&w)
	l.apply(nil, Evict(0, [][]byte{[]byte("k")}))
	if _, same := l.m.Vouch(&w); same {
		t.Error("a watched key was evicted, and nobody noticed")
	}
}
