package fsm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// ledger is a tracker that notes what it is told.
type ledger struct {
	changed map[string]bool
	flushed bool
	lines   []string
}

func (l *ledger) Changed(author *Origin, key []byte) {
	l.changed[string(key)] = true
	l.note("changed", author, string(key))
}

func (l *ledger) Flushed(author *Origin) {
	l.flushed = true
	l.note("flushed", author)
}

func (l *ledger) Read(author *Origin, spec *command.Spec, args [][]byte) {
	l.note("read", author, spec.Name, string(args[1]))
}

func (l *ledger) Applied() { l.note("applied", nil) }

func (l *ledger) note(what string, author *Origin, words ...string) {
	line := strings.Join(append([]string{what}, words...), " ")
	if author != nil {
		line += fmt.Sprintf(" by %s/%d", author.Node, author.Session)
	}
	l.lines = append(l.lines, line)
}

// TestTrackerHearsEveryChange applies random commands, lets time pass, and checks that no key is another, or gone,
// or there, of which the tracker was not told.
func TestTrackerHearsEveryChange(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	d := &differential{T: t, log: newLog(t), commands: rand.New(rand.NewPCG(seed, 0))}
	heard := &ledger{changed: map[string]bool{}}
	d.log.m.Track(heard)
	specs := dataCommands(d.log.m.table)
	before := d.everyKey()
	for range 1500 {
		words := d.command(specs)
		if d.commands.IntN(5) == 0 {
			words = []string{"PEXPIRE", string(randomKeyOf(d.commands, "generic")), fmt.Sprint(d.commands.IntN(60_000))}
		}
		if d.accepted(words) == nil {
			continue
		}
		d.log.db = d.commands.IntN(differentialDatabases)
		d.log.do(reply.Discard, words...)
		d.log.stamp += d.commands.Int64N(20_000)
		now := d.everyKey()
		for _, key := range differing(before, now) {
			if _, name, _ := strings.Cut(key, " "); !heard.flushed && !heard.changed[name] {
				t.Fatalf("%q has changed with %.200q, and nobody was told", key, words)
			}
		}
		before, heard.flushed, heard.lines = now, false, nil
		clear(heard.changed)
	}
}

// everyKey is what there is under each key of each database: its type, value and deadline. What is due is absent.
func (d *differential) everyKey() map[string]string {
	all := map[string]string{}
	st := d.log.m.state
	for i, db := range st.databases[:differentialDatabases] {
		db.each(func(c cell) {
			if !st.isDue(c) {
				all[fmt.Sprintf("%d %s", i, db.keyOf(c))] = fmt.Sprintf("%x %d", db.sumOf(c), c.deadline())
			}
		})
	}
	return all
}

func differing(a, b map[string]string) (keys []string) {
	for key, was := range a {
		if now, there := b[key]; !there || now != was {
			keys = append(keys, key)
		}
	}
	for key := range b {
		if _, there := a[key]; !there {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// TestTrackerAuthors checks who is said to have changed and read what.
func TestTrackerAuthors(t *testing.T) {
	l, heard := newLog(t), &ledger{changed: map[string]bool{}}
	l.m.Track(heard)
	me, other := &Origin{Node: "me", Session: 1}, Origin{Node: "other", Session: 2, Request: 3}
	line := func(s string) [][]byte {
		var args [][]byte
		for _, w := range strings.Fields(s) {
			args = append(args, []byte(w))
		}
		return args
	}
	get := AppendItemOf(nil, nil, true, 0, line("get k"))
	for _, c := range []struct {
		name  string
		items [][]byte
		want  string
	}{
		{"nobody's", [][]byte{AppendItem(nil, 0, line("set k v"))}, "changed k, applied"},
		{"an author's", [][]byte{AppendItemOf(nil, me, false, 0, line("set k v")), AppendItem(nil, 0, line("del k"))},
			"changed k by me/1, changed k, applied"},
		{"a read", [][]byte{AppendItemOf(nil, me, true, 0, line("get k"))}, "read get k by me/1, applied"},
		{"a read that nobody remembers", [][]byte{AppendItemOf(nil, me, false, 0, line("get k"))}, "applied"},
		{"a transaction", [][]byte{TransactionOf(me, nil, [][]byte{AppendItem(nil, 0, line("set k v")), get, AppendItem(nil, 0, line("get j"))}),
			AppendItem(nil, 0, line("del k"))}, "changed k by me/1, read get k by me/1, changed k, applied"},
		{"a transaction of nobody's", [][]byte{Transaction(nil, [][]byte{get})}, "applied"},
		{"what waits", [][]byte{Blocking(other, 0, line("blmove from to left left 0"))}, "applied"},
		{"what is served", [][]byte{AppendItemOf(nil, me, false, 0, line("rpush from x"))},
			"changed from by me/1, changed to by other/2, changed from by other/2, applied"},
		{"what does not have to wait", [][]byte{Blocking(other, 0, line("blpop to 0"))}, "changed to by other/2, applied"},
		{"a deadline", [][]byte{AppendItem(nil, 0, line("set k v px 1"))}, "changed k, applied"},
		{"its coming", [][]byte{AppendItemOf(nil, me, false, 0, line("incr n"))}, "changed k, changed n by me/1, applied"},
		{"all keys", [][]byte{AppendItemOf(nil, me, false, 0, line("flushdb"))}, "flushed by me/1, applied"},
		{"two databases", [][]byte{AppendItem(nil, 0, line("swapdb 0 1"))}, "flushed, applied"},
	} {
		heard.lines = nil
		l.stamp += 10
		l.apply(nil, c.items...)
		got := strings.Join(slices.Compact(heard.lines), ", ")
		if got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
	l.m.Track(nil)
	heard.lines = nil
	l.apply(nil, AppendItem(nil, 0, line("set k v")))
	if len(heard.lines) > 0 {
		t.Errorf("told of %s in the end", heard.lines)
	}
}
