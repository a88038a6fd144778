package fsm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// gate is a writer that waits at each piece for leave to go on.
type gate struct {
	bytes.Buffer
	pass chan struct{}
}

func (g *gate) Write(b []byte) (int, error) {
	<-g.pass
	return g.Buffer.Write(b)
}

// TestViewOfLargeValues changes large hashes, lists, sets and sorted sets in every way, one change to each
// piece of a view that is written at the time. The view is what was there when it was taken, and the machine becomes
// what it becomes without one.
func TestViewOfLargeValues(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 8))
	for round := range 6 {
		l, plain := newLog(t), newLog(t)
		for _, l := range []*testLog{l, plain} {
			r := rand.New(rand.NewPCG(seed, uint64(round)))
			fillHashes(l, r)
			fillListsAndSets(l, r)
			fillZSets(l, r)
		}
		want := l.image()
		write, release, err := l.m.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		out := &gate{pass: make(chan struct{})}
		done := make(chan error, 1)
		go func() { done <- write(out) }()
		for ended := false; !ended; {
			db, line := rnd.IntN(2), changeOfLarge(rnd)
			l.db, plain.db = db, db
			if a, b := l.ask(line...), plain.ask(line...); a != b {
				t.Fatalf("%.100q: %s beside a view, %s without", line, a, b)
			}
			select {
			case out.pass <- struct{}{}:
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				ended = true
			}
		}
		release()
		if !bytes.Equal(out.Bytes(), want) {
			t.Fatal("the view is not what was there")
		}
		compare(t, l, plain)
		l.check()
		l.apply(nil)
		if again := l.view()(); bytes.Equal(again, want) {
			t.Fatal("nothing has changed")
		}
	}
}

// fillHashes makes hashes of which some are several pieces of a view.
func fillHashes(l *testLog, rnd *rand.Rand) {
	for i := range 10 {
		words := []string{"HSET", fmt.Sprintf("h%d", i)}
		for f := range []int{3, 600, 3000}[i%3] {
			words = append(words, strconv.Itoa(f), string(randomBytes(rnd, rnd.IntN(60))))
		}
		l.db = i % 2
		l.ask(append(words, "long", strings.Repeat("x", 20000))...)
		if i%2 == 0 {
			l.ask("HEXPIRE", words[1], "1000", "FIELDS", "4", words[2], words[4], words[6], "long")
		}
		l.ask("SET", fmt.Sprintf("s%d", i), string(randomBytes(rnd, 30000)))
	}
}

// fillListsAndSets makes lists and sets, some of them large.
func fillListsAndSets(l *testLog, rnd *rand.Rand) {
	for i := range 10 {
		list, set := []string{"RPUSH", fmt.Sprintf("l%d", i)}, []string{"SADD", fmt.Sprintf("t%d", i)}
		for f := range []int{3, 600, 3000}[i%3] {
			list = append(list, string(randomBytes(rnd, rnd.IntN(60))))
			set = append(set, strconv.Itoa(f))
		}
		l.db = i % 2
		l.ask(append(list, strings.Repeat("x", 20000))...)
		l.ask(set...)
	}
}

// changeOfLarge makes up a change that touches a large value.
func changeOfLarge(rnd *rand.Rand) []string {
	switch rnd.IntN(3) {
	case 0:
		return changeOfListOrSet(rnd)
	case 1:
		return changeOfZSet(rnd)
	}
	key := func() string { return fmt.Sprintf("%c%d", "hhhsltz"[rnd.IntN(7)], rnd.IntN(10)) }
	field := func() string { return strconv.Itoa(rnd.IntN(3500)) }
	all := [][]string{
		{"SWAPDB", "0", "1"}, {"MOVE", key(), "1"}, {"MOVE", key(), "0"}, {"COPY", key(), key(), "REPLACE"},
		{"COPY", key(), key(), "DB", "1", "REPLACE"}, {"RENAME", key(), key()}, {"RENAMENX", key(), "new"}, {"DEL", key()},
		{"EXPIRE", key(), "100"}, {"PERSIST", key()}, {"HSET", key(), field(), "v", field(), "w"}, {"HSET", key(), "long", "short"},
		{"HSET", key(), field(), strings.Repeat("y", 10000)}, {"HDEL", key(), field(), field(), "long"}, {"HINCRBY", key(), "n", "1"},
		{"APPEND", key(), "tail"}, {"SETRANGE", key(), "5", "middle"}, {"SET", key(), "short"}, {"GETDEL", key()}, {"EXPIRE", key(), "0"},
		{"HSET", key(), field(), "1"}, {"HINCRBYFLOAT", key(), field(), "1.5"},
		{"HEXPIRE", key(), "100", "FIELDS", "3", field(), field(), "long"}, {"HPERSIST", key(), "FIELDS", "2", field(), field()},
		{"HGETEX", key(), "EXAT", "1", "FIELDS", "1", field()}, {"HSETEX", key(), "EX", "50", "FIELDS", "2", field(), "v", field(), "w"},
	}
	if rnd.IntN(30) == 0 {
		return []string{[]string{"FLUSHALL", "FLUSHDB"}[rnd.IntN(2)]}
	}
	return all[rnd.IntN(len(all))]
}

// fillZSets makes sorted sets, some of them large.
func fillZSets(l *testLog, rnd *rand.Rand) {
	for i := range 10 {
		words := []string{"ZADD", fmt.Sprintf("z%d", i), "7", strings.Repeat("x", 20000)}
		for f := range []int{3, 600, 3000}[i%3] {
			words = append(words, strconv.Itoa(rnd.IntN(1000)), strconv.Itoa(f))
		}
		l.db = i % 2
		l.ask(words...)
	}
}

// changeOfZSet is changeOfLarge of sorted sets.
func changeOfZSet(rnd *rand.Rand) []string {
	key := func() string { return fmt.Sprintf("z%d", rnd.IntN(10)) }
	number := func() string { return strconv.Itoa(rnd.IntN(3500)) }
	from := rnd.IntN(1000)
	low, high := strconv.Itoa(from), strconv.Itoa(from+rnd.IntN(60))
	all := [][]string{
		{"ZADD", key(), number(), number(), number(), "x" + number()}, {"ZADD", key(), "GT", number(), number()},
		{"ZADD", key(), "5", strings.Repeat("y", 10000)}, {"ZINCRBY", key(), "-1.5", number()}, {"ZREM", key(), number(), number()},
		{"ZPOPMIN", key(), "3"}, {"ZPOPMAX", key()}, {"ZREMRANGEBYSCORE", key(), low, high}, {"ZREMRANGEBYRANK", key(), low, high},
		{"ZRANGESTORE", key(), key(), low, high}, {"ZUNIONSTORE", key(), "2", key(), key()}, {"ZDIFFSTORE", key(), "2", key(), key()},
		{"ZADD", key(), "1", strings.Repeat("x", 20000)}, {"ZADD", key(), low, number(), high, number()},
	}
	return all[rnd.IntN(len(all))]
}

// changeOfListOrSet is changeOfLarge of lists and sets.
func changeOfListOrSet(rnd *rand.Rand) []string {
	list := func() string { return fmt.Sprintf("l%d", rnd.IntN(10)) }
	set := func() string { return fmt.Sprintf("t%d", rnd.IntN(10)) }
	number := func() string { return strconv.Itoa(rnd.IntN(3500)) }
	all := [][]string{
		{"LPUSH", list(), "a", "b"}, {"RPUSH", list(), "c", strings.Repeat("y", 10000)}, {"LPOP", list(), "3"}, {"RPOP", list()},
		{"LSET", list(), number(), "changed"}, {"LSET", list(), "-1", strings.Repeat("z", 9000)}, {"LINSERT", list(), "AFTER", "changed", "x"},
		{"LINSERT", list(), "BEFORE", "a", strings.Repeat("w", 5000)}, {"LREM", list(), "-2", "a"}, {"LREM", list(), "0", "x"},
		{"LTRIM", list(), "2", "-3"}, {"LTRIM", list(), number(), number()}, {"LMOVE", list(), list(), "LEFT", "RIGHT"},
		{"LMOVE", list(), list(), "RIGHT", "LEFT"}, {"SADD", set(), number(), "x"}, {"SREM", set(), number(), number()},
		{"SPOP", set()}, {"SPOP", set(), number()}, {"SMOVE", set(), set(), number()}, {"SUNIONSTORE", set(), set(), set()},
		{"SDIFFSTORE", set(), set(), set()}, {"SINTERSTORE", set(), set(), set()},
	}
	return all[rnd.IntN(len(all))]
}

// TestRestoreDuringView puts another state in the machine's place while a view of the first is
// held. The view stays what it was, and figures about changes do not run below zero.
func TestRestoreDuringView(t *testing.T) {
	l := newLog(t)
	fillHashes(l, rand.New(rand.NewPCG(1, 9)))
	other := newLog(t)
	other.ask("SET", "key", "value")
	l.db = 0
	want, changes := l.m.DebugDigest(), l.m.Stats().Changes
	write := l.view()
	if err := l.m.Restore(bytes.NewReader(other.image())); err != nil {
		t.Fatal(err)
	}
	l.ask("SET", "one", "change")
	before := New()
	if err := before.Restore(bytes.NewReader(write())); err != nil || before.DebugDigest() != want {
		t.Errorf("the view is not what was there: %v", err)
	}
	if n := l.m.Stats().Changes; n != 1 {
		t.Errorf("%d changes since the restore, not 1; before it there were %d", n, changes)
	}
	l.check()
	if l.ask("GET", "key") != "\"value\"\n" {
		t.Error("the restored key is not there")
	}
}
