package fsm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
)

// TestViewOfStreams changes streams in every way, one change to each piece of a view that is written at the
// time. The view is what was there when it was taken, and the machine becomes what it becomes without one.
// Under the race detector it shows too that the copies of trees share nothing that is written.
func TestViewOfStreams(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 22))
	for round := range 4 {
		l, plain := newLog(t), newLog(t)
		for _, l := range []*testLog{l, plain} {
			r := rand.New(rand.NewPCG(seed, uint64(round)))
			for i := range 6 {
				longStream(l, r, fmt.Sprintf("s%d", i), 1000)
			}
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
			for range 50 {
				line := changeOfStream(rnd)
				if a, b := l.ask(line...), plain.ask(line...); a != b {
					t.Fatalf("%.100q: %s beside a view, %s without", line, a, b)
				}
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
	}
}

// changeOfStream makes up a change of a long stream.
func changeOfStream(rnd *rand.Rand) []string {
	key, group := fmt.Sprintf("s%d", rnd.IntN(6)), string("ab"[rnd.IntN(2)])
	consumer := "c" + strconv.Itoa(rnd.IntN(6))
	all := [][]string{
		{"XADD", key, "*", "f", "v"}, {"XADD", key, "MAXLEN", "900", "*", "f0", "v", "n", "1"}, {"XTRIM", key, "MAXLEN", "~", "800"},
		{"XREADGROUP", "GROUP", group, consumer, "COUNT", "50", "STREAMS", key, ">"},
		{"XREADGROUP", "GROUP", group, consumer, "COUNT", "50", "STREAMS", key, "0"},
		{"XAUTOCLAIM", key, group, consumer, "0", "-", "COUNT", "20", "JUSTID"}, {"XGROUP", "DELCONSUMER", key, group, consumer},
		{"XGROUP", "SETID", key, group, "0"}, {"XGROUP", "CREATE", key, "new", "0"}, {"XGROUP", "DESTROY", key, "new"},
		{"COPY", key, "copy"}, {"DEL", "copy"}, {"RENAME", key, "other"}, {"RENAME", "other", key},
	}
	return all[rnd.IntN(len(all))]
}

// TestViewOfPendingIsNoCopy changes a group with very much that is pending while a view sees it: the index is
// copied node by node and not as a whole.
func TestViewOfPendingIsNoCopy(t *testing.T) {
	const entries = 200_000
	l := newLog(t)
	l.ask("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
	for range entries / 1000 {
		var items [][]byte
		for range 1000 {
			items = append(items, AppendItem(nil, 0, [][]byte{[]byte("XADD"), []byte("s"), []byte("*"), []byte("f"), []byte("v")}))
		}
		l.apply(nil, items...)
	}
	l.ask("XREADGROUP", "GROUP", "g", "c", "COUNT", strconv.Itoa(entries-1), "STREAMS", "s", ">")
	_, release, err := l.m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l.ask("XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", "s", ">")
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 256<<10 {
		t.Errorf("%d bytes were allocated for one entry beside a view", n)
	}
}
