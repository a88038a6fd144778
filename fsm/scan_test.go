package fsm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
)

// TestScanFindsWhatStays goes through a database, and a hash, whose other contents grow and shrink a
// hundredfold between the calls, while databases change places and come and go. What is there
// from beginning to end is returned, on whichever machine the scan goes on.
func TestScanFindsWhatStays(t *testing.T) {
	for _, name := range []string{"keys", "keys of one slot", "fields"} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rnd := rand.New(rand.NewPCG(seed, 4))
			l := newLog(t)
			w := &scanned{testLog: l, fields: name == "fields"}
			if name == "keys of one slot" {
				w.prefix = "{slot}"
			}
			w.add("stays", 0, 500)
			w.add("goes", 0, rnd.IntN(3000))
			seen, cursor := map[string]bool{}, "0"
			for calls := 0; ; calls++ {
				cursor = w.step(cursor, 1+rnd.IntN(30), seen)
				if cursor == "0" {
					break
				}
				w.disturb(rnd)
			}
			for i := range 500 {
				if key := w.prefix + "stays" + strconv.Itoa(i); !seen[key] {
					t.Errorf("%s was there all the time and not returned", key)
				}
			}
			w.check()
		})
	}
}

// scanned is a machine with names, of keys or of a hash's fields, that a scan looks for.
type scanned struct {
	*testLog
	fields bool
	prefix string
}

func (w *scanned) add(name string, from, to int) {
	var items [][]byte
	for i := from; i < to; i++ {
		name := []byte(w.prefix + name + strconv.Itoa(i))
		args := [][]byte{[]byte("SET"), name, []byte("value")}
		if w.fields {
			args = [][]byte{[]byte("HSET"), []byte("hash"), name, []byte("value")}
		}
		items = append(items, AppendItem(nil, w.db, args))
	}
	w.apply(nil, items...)
}

func (w *scanned) step(cursor string, count int, seen map[string]bool) string {
	words, together := []string{"SCAN", cursor, "COUNT", strconv.Itoa(count)}, 1
	if w.fields {
		words, together = []string{"HSCAN", "hash", cursor, "COUNT", strconv.Itoa(count)}, 2
	}
	lines := strings.SplitN(w.ask(words...), "\n", 3)
	for _, part := range elements(lines[2], together) {
		name, _ := unquote(strings.SplitN(part, "\n", 2)[0])
		seen[name] = true
	}
	next, _ := unquote(lines[1])
	return next
}

func (w *scanned) disturb(rnd *rand.Rand) {
	switch rnd.IntN(12) {
	case 0:
		w.add("goes", 0, rnd.IntN(3000))
	case 1, 2:
		words := []string{"DEL"}
		if w.fields {
			words = []string{"HDEL", "hash"}
		}
		for i := rnd.IntN(3000); i < 3000; i++ {
			words = append(words, w.prefix+"goes"+strconv.Itoa(i))
		}
		w.ask(append(words, "one")...)
	case 3:
		w.ask("SWAPDB", "0", "3")
		w.ask("SET", "other", "value")
		w.ask("FLUSHDB")
		w.ask("SWAPDB", "3", "0")
	case 4:
		w.restart()
	case 5:
		if _, release, err := w.m.Snapshot(); err == nil {
			w.add("goes", 100, 200)
			release()
		}
	}
}

// TestScanAfterFlush goes on with a cursor where there is nothing left, and where there are other keys.
func TestScanAfterFlush(t *testing.T) {
	l := newLog(t)
	w := &scanned{testLog: l}
	w.add("a", 0, 1000)
	cursor := w.step("0", 500, map[string]bool{})
	l.ask("FLUSHDB")
	if got := w.step(cursor, 10, map[string]bool{}); got != "0" {
		t.Errorf("a scan of nothing goes on at %s", got)
	}
	w.add("b", 0, 5)
	for _, cursor := range []string{cursor, "18446744073709551615", "4294967295", "70368744177663", "70368744177664"} {
		seen := map[string]bool{}
		for range 20 {
			if cursor = w.step(cursor, 1, seen); cursor == "0" {
				break
			}
		}
		if cursor != "0" {
			t.Errorf("a scan of %d keys does not end", len(seen))
		}
	}
}

// TestScanCursorAfterRestore scans where keys have been, on a machine that had them and on one that
// was restored when they had gone. The cursors are the same: in a transaction they are replies of Apply.
func TestScanCursorAfterRestore(t *testing.T) {
	l := newLog(t)
	w := &scanned{testLog: l}
	w.add("goes", 0, 1000)
	w.add("stays", 0, 100)
	for i := range 1000 {
		l.ask("DEL", "goes"+strconv.Itoa(i))
	}
	restored := newLog(t)
	if err := restored.m.Restore(bytes.NewReader(l.image())); err != nil {
		t.Fatal(err)
	}
	for cursor, ended := "0", false; !ended; ended = cursor == "0" {
		a, b := l.ask("SCAN", cursor, "COUNT", "1"), restored.ask("SCAN", cursor, "COUNT", "1")
		if a != b {
			t.Fatalf("SCAN %s: %s, and after a restore %s", cursor, a, b)
		}
		cursor, _ = unquote(strings.SplitN(a, "\n", 3)[1])
	}
}

// TestRandomKeyIsUniform draws keys that lie unevenly among the slots. The draws depend on the seed
// alone, so the test's outcome does not change from run to run.
func TestRandomKeyIsUniform(t *testing.T) {
	l := newLog(t)
	const keys, draws = 200, 100_000
	for i := range keys {
		key := fmt.Sprintf("%d", i)
		if i%4 != 0 {
			key = "{one slot}" + key
		}
		l.ask("SET", key, "")
	}
	spec := l.m.table.Named("randomkey")
	counts := map[string]int{}
	for i := range draws {
		var out reply.Recorder
		l.m.Read(0, uint64(i), []Call{{Spec: spec, Args: [][]byte{[]byte("RANDOMKEY")}, Out: &out}})
		counts[out.String()]++
	}
	chi := 0.0
	for _, n := range counts {
		d := float64(n) - draws/keys
		chi += d * d / (draws / keys)
	}
	t.Logf("chi-square %.0f of %d degrees of freedom", chi, keys-1)
	if len(counts) != keys || chi > 280 { // passed by one fair generator in 10,000
		t.Errorf("%d keys of %d were drawn, chi-square %.0f", len(counts), keys, chi)
	}
}
