package fsm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// TestExpiryIsBounded lets many keys fall due at once. Each entry removes a thousand of them in
// the order of deadlines, on two machines alike, one of which is restored in between.
func TestExpiryIsBounded(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 5))
	a, b := newLog(t), newLog(t)
	const keys = 2*expireAnEntry + 500
	order := rnd.Perm(keys)
	for _, i := range order {
		db := 0
		if i%5 == 0 {
			db = 1
		}
		at := strconv.FormatInt(a.stamp+1000+int64(i/7), 10)
		item := AppendItem(nil, db, [][]byte{[]byte("SET"), []byte(strconv.Itoa(i)), []byte("v"), []byte("PXAT"), []byte(at)})
		a.apply(nil, item)
		b.apply(nil, item)
	}
	if got, want := a.m.Due(), a.stamp+1000; got != want {
		t.Errorf("the earliest deadline is %d, not %d", got, want)
	}
	a.stamp += 1_000_000
	b.stamp = a.stamp
	left := [2]int{keys - keys/5, keys / 5}
	for range 4 {
		b.restart()
		a.apply(nil)
		b.apply(nil)
		compare(t, a, b)
		budget := expireAnEntry
		for i := range left {
			n := min(left[i], budget)
			left[i] -= n
			budget -= n
			db := a.m.state.databases[i]
			if db.keys != left[i] {
				t.Fatalf("database %d has %d keys after an entry, not %d", i, db.keys, left[i])
			}
		}
	}
	if s := a.m.Stats(); s.Expired != keys || b.m.Stats().Expired != keys || a.m.Due() != 0 {
		t.Errorf("%d and %d keys have expired, of %d; next deadline %d", s.Expired, b.m.Stats().Expired, keys, a.m.Due())
	}
	a.check()
	b.check()
}

// TestExpiryOrder finds that the keys which an entry leaves for the next are those due last.
func TestExpiryOrder(t *testing.T) {
	l := newLog(t)
	const keys = expireAnEntry + 100
	for _, i := range rand.New(rand.NewPCG(2, 5)).Perm(keys) {
		l.ask("SET", strconv.Itoa(i), "v", "PXAT", strconv.FormatInt(l.stamp+10_000+int64(i), 10))
	}
	l.stamp += 1_000_000
	l.apply(nil)
	db := l.m.state.databases[0]
	for i := range keys {
		if _, ok := db.find([]byte(strconv.Itoa(i))); ok != (i >= expireAnEntry) {
			t.Fatalf("key %d is there: %v", i, ok)
		}
	}
}

// TestDueKeysAreAbsent looks at keys that are due and have not been removed: no reader finds them,
// DBSIZE counts them, snapshots keep them, and a write takes them as missing.
func TestDueKeysAreAbsent(t *testing.T) {
	l := newLog(t)
	const extra = expireAnEntry + 50
	for i := range expireAnEntry + extra {
		kind := []string{"SET", "HSET"}[i%2]
		words := []string{kind, fmt.Sprintf("k%d", i), "f", "v"}[:3+i%2]
		l.ask(words...)
		l.ask("PEXPIRE", words[1], "1000")
	}
	l.stamp += 5000
	l.apply(nil)
	db := func() *database { return l.m.state.databases[0] }
	var key, hash string
	db().each(func(c cell) {
		if c.typ() == typeHash {
			hash = string(db().keyOf(c))
		} else {
			key = string(db().keyOf(c))
		}
	})
	reads := func(when string) {
		for line, want := range map[string]string{
			"GET " + key: "_", "EXISTS " + key: ":0", "TYPE " + key: "+none", "TTL " + key: ":-2", "PTTL " + key: ":-2",
			"EXPIRETIME " + key: ":-2", "OBJECT ENCODING " + key: "_", "STRLEN " + key: ":0", "MGET " + key: "*1\n  _",
			"GETRANGE " + key + " 0 -1": `""`, "LCS " + key + " " + key: `""`, "TOUCH " + key: ":0", "GET " + hash: "_",
			"HGET " + hash + " f": "_", "HGETALL " + hash: "%0", "HLEN " + hash: ":0", "HRANDFIELD " + hash: "_",
			"HSCAN " + hash + " 0": "*2\n  \"0\"\n  *0", "SCAN 0 COUNT 10000": "*2\n  \"0\"\n  *0", "KEYS *": "*0",
			"RANDOMKEY": "_", "DBSIZE": fmt.Sprintf(":%d", extra),
		} {
			if got := l.ask(strings.Fields(line)...); got != want+"\n" {
				t.Errorf("%s: %s: %s, not %s", when, line, got, want)
			}
		}
	}
	reads("before")
	l.restart()
	reads("after a restore")
	// The next entry removes a thousand before its items run, and not the last ones.
	for line, want := range map[string]string{
		"SETNX " + key + " new": ":1", "HSETNX " + hash + " g w": ":1", "HSET " + key + " f v": ":1", "APPEND " + hash + " x": ":1",
		"SET " + key + " v XX": "_", "DEL " + key + " " + hash: ":0", "PERSIST " + key: ":0",
		"GETDEL " + hash: "_", "EXPIRE " + key + " 100": ":0", "INCR " + hash: ":1", "SET " + hash + " v GET": "_",
		"MSETNX " + key + " 1 " + hash + " 2": ":1", "COPY " + key + " other": ":0", "MOVE " + key + " 1": ":0", "RENAME " + hash + " other": "-ERR no such key",
		"SET " + key + " v KEEPTTL": "+OK", "HDEL " + hash + " f": ":0", "HINCRBY " + hash + " f 3": ":3", "GETEX " + key + " PERSIST": "_",
		"HINCRBYFLOAT " + hash + " f 3": `"3"`, "SETRANGE " + key + " 1 x": ":2", "GETSET " + key + " v": "_",
	} {
		due := &testLog{t: t, m: New(), index: l.index, stamp: l.stamp + 1}
		if err := due.m.Restore(bytes.NewReader(l.image())); err != nil {
			t.Fatal(err)
		}
		words := strings.Fields(line)
		if got := due.ask(words...); got != want+"\n" {
			t.Errorf("%s: %s, not %s", line, got, want)
		}
		for _, k := range words[1:] {
			if e, found := due.m.state.databases[0].find([]byte(k)); found && e.deadline() != 0 {
				t.Errorf("%s: %s still falls due at %d", line, k, e.deadline())
			}
		}
		due.check()
	}
}

// TestExpiryTurnedOff lets keys fall due while none is removed by itself: they are absent, and stay until a
// command comes upon them. Deadlines that have passed ask for no entry, those to come do.
func TestExpiryTurnedOff(t *testing.T) {
	l := newLog(t)
	l.apply(nil, SetParameters(Setting{ParamActiveExpire, "0"}))
	l.ask("SET", "a", "v", "PX", "10")
	l.ask("SET", "b", "v", "PX", "20")
	l.ask("SET", "c", "v", "PX", "20")
	first := l.stamp + 10
	if got := l.m.Due(); got != first {
		t.Fatalf("due at %d, not %d", got, first)
	}
	l.stamp = first
	l.apply(nil)
	if got := l.m.Due(); got != first+10 {
		t.Fatalf("then due at %d, not %d", got, first+10)
	}
	l.stamp += 100
	l.apply(nil)
	if got := l.m.Due(); got != 0 {
		t.Fatalf("due at %d, though nothing is to come", got)
	}
	if got := l.ask("DBSIZE"); got != ":3\n" {
		t.Fatalf("%s keys", got)
	}
	if got := l.ask("MGET", "a", "b"); got != "*2\n  _\n  _\n" {
		t.Fatalf("MGET: %s", got)
	}
	if got := l.ask("DBSIZE"); got != ":1\n" {
		t.Fatalf("%s keys behind MGET", got)
	}
	l.restart()
	l.apply(nil, SetParameters(Setting{ParamActiveExpire, "1"}))
	l.apply(nil)
	if got := l.ask("DBSIZE"); got != ":0\n" {
		t.Fatalf("%s keys when expiry is on again", got)
	}
	l.check()
}
