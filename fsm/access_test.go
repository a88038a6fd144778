package fsm

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// at is ask for a read, some ms after the last entry.
func (l *testLog) at(elapsed int64, words ...string) string {
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	spec, _ := l.m.table.Lookup(args)
	var out reply.Recorder
	l.m.Read(elapsed, 1, []Call{{Spec: spec, DB: l.db, Args: args, Out: &out}})
	return out.String()
}

func TestIdleTime(t *testing.T) {
	l := newLog(t)
	idle := func(elapsed int64, want int) {
		t.Helper()
		if got := l.at(elapsed, "OBJECT", "IDLETIME", "k"); got != fmt.Sprintf(":%d\n", want) {
			t.Errorf("idle for %s, want %d", got, want)
		}
	}
	l.ask("SET", "k", "v")
	idle(10_100, 10)
	for _, asking := range []string{"EXISTS k", "TYPE k", "TTL k", "PTTL k", "EXPIRETIME k", "PEXPIRETIME k", "OBJECT ENCODING k",
		"OBJECT REFCOUNT k", "MEMORY USAGE k", "RANDOMKEY", "KEYS *", "SCAN 0"} {
		l.at(10_000, strings.Fields(asking)...)
		idle(20_100, 20)
	}
	for i, using := range []string{"GET k", "STRLEN k", "TOUCH k", "MGET k", "DUMP k", "GETRANGE k 0 1", "GETBIT k 1"} {
		now := int64(i+3) * 10_000
		l.at(now, strings.Fields(using)...)
		idle(now+5100, 5)
	}
	l.ask("APPEND", "k", "v")
	for _, writing := range []string{"APPEND k v", "SET k v", "SETRANGE k 0 x", "SETEX k 1000 v", "EXPIRE k 2000", "PERSIST k", "GETSET k v", "MSET k v",
		"SET k " + strings.Repeat("v", 100), "SET k " + strings.Repeat("v", 10_000), "APPEND k v", "EXPIRE k 2000", "RENAME k k2", "RENAME k2 k", "GETEX k"} {
		l.stamp += 100_100
		l.apply(nil)
		if writing != "RENAME k2 k" {
			idle(0, 100)
		}
		l.ask(strings.Fields(writing)...)
		if !strings.HasPrefix(writing, "RENAME k k2") {
			idle(3100, 3)
		} else {
			l.stamp -= 100_100
		}
	}
	l.stamp += 50_100
	l.restart()
	l.apply(nil)
	idle(0, 50) // a restored key was used when the snapshot was taken, for all that is known
	unseen := []Call{{Spec: mustFind(l, "GET"), Args: [][]byte{[]byte("GET"), []byte("k")}, Out: reply.Discard, Unseen: true}}
	l.m.Read(0, 1, unseen)
	idle(0, 50)
	if got := l.ask("EVAL", "return redis.call('OBJECT','IDLETIME',KEYS[1])", "1", "k"); got != ":0\n" { // nor would others agree
		t.Error(got)
	}
	if got := l.at(0, "OBJECT", "FREQ", "k"); got != "-"+errNotCounted+"\n" {
		t.Error(got)
	}
	l.config(ParamPolicy, "volatile-lfu")
	if got := l.at(0, "OBJECT", "IDLETIME", "k"); got != "-"+errNotTimed+"\n" {
		t.Error(got)
	}
}

func mustFind(l *testLog, name string) (spec *command.Spec) {
	spec, _ = l.m.table.Lookup([][]byte{[]byte(name)})
	return spec
}

// TestFrequency lets keys be read, and finds that the counts grow as Redis' do: by the logarithm, more slowly the greater
// the factor, and down with the minutes.
func TestFrequency(t *testing.T) {
	l := newLog(t)
	l.config(ParamPolicy, "allkeys-lfu")
	freq := func(elapsed int64) int {
		t.Helper()
		n, err := strconv.Atoi(strings.Trim(l.at(elapsed, "OBJECT", "FREQ", "k"), ":\n"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// What redis.conf's table says, within what chance does to it.
	for _, step := range []struct{ factor, hits, least, most int }{
		{0, 100, 104, 106}, {0, 1000, 255, 255}, {1, 100, 12, 26}, {1, 1000, 38, 65}, {10, 100, 7, 15}, {10, 1000, 13, 25}, {10, 100_000, 120, 165}, {100, 1000, 6, 14},
	} {
		l.config(paramLFUFactor, strconv.Itoa(step.factor))
		l.ask("DEL", "k")
		l.ask("SET", "k", "v")
		if n := freq(0); n != countAtFirst {
			t.Errorf("a new key counts %d", n)
		}
		calls := make([]Call, step.hits)
		for i := range calls {
			calls[i] = Call{Spec: mustFind(l, "GET"), Args: [][]byte{[]byte("GET"), []byte("k")}, Out: reply.Discard}
		}
		l.m.Read(0, uint64(step.factor), calls)
		if n := freq(0); n < step.least || n > step.most {
			t.Errorf("after %d reads with factor %d: %d, want %d to %d", step.hits, step.factor, n, step.least, step.most)
		}
	}
	before := freq(0)
	if n := freq(3 * 60_000); n != max(0, before-3) {
		t.Errorf("%d after three minutes, %d before", n, before)
	}
	l.config(paramLFUDecay, "0")
	if n := freq(1000 * 60_000); n != before {
		t.Errorf("%d after a thousand minutes without decay, %d before", n, before)
	}
	for _, rewrite := range []string{"SET k w", "SET k " + strings.Repeat("x", 1000), "APPEND k y", "EXPIRE k 1000", "MSET k v", "SETEX k 100 v", "RENAME k j", "RENAME j k"} {
		l.ask(strings.Fields(rewrite)...)
		if strings.HasPrefix(rewrite, "RENAME k") {
			continue
		}
		if n := freq(0); n < before || n > before+8 {
			t.Errorf("%d after %s, %d before", n, rewrite[:6], before)
		}
	}
}

// TestRestoreAccess restores keys with IDLETIME and FREQ, each of which counts under its policies.
func TestRestoreAccess(t *testing.T) {
	l := newLog(t)
	l.ask("SET", "k", "v")
	e, _ := l.m.state.databases[0].find([]byte("k"))
	payload := string(l.m.state.databases[0].appendPayload(nil, e.cell))
	for _, step := range []struct{ policy, option, value, asked, want string }{
		{"allkeys-lru", "IDLETIME", "1000", "IDLETIME", ":1000\n"},
		{"allkeys-lru", "FREQ", "100", "IDLETIME", ":0\n"},
		{"noeviction", "IDLETIME", "7", "IDLETIME", ":7\n"},
		{"allkeys-lfu", "FREQ", "100", "FREQ", ":100\n"},
		{"allkeys-lfu", "IDLETIME", "1000", "FREQ", ":5\n"},
	} {
		l.config(ParamPolicy, step.policy)
		if got := l.ask("RESTORE", "r", "0", payload, "REPLACE", step.option, step.value); got != "+OK\n" {
			t.Fatal(got)
		}
		if got := l.at(0, "OBJECT", step.asked, "r"); got != step.want {
			t.Errorf("%+v: %s", step, got)
		}
	}
}

// TestAccessBesideReads has readers touch keys beside each other and beside a snapshot, for the race detector, and finds
// that nothing of it shows in the snapshot.
func TestAccessBesideReads(t *testing.T) {
	for _, policy := range []string{"allkeys-lru", "allkeys-lfu"} {
		l := newLog(t)
		l.config(ParamPolicy, policy)
		for i := range 100 {
			l.ask("SET", strconv.Itoa(i), "v")
		}
		want := l.view()
		image := string(want())
		write, release, err := l.m.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for n := range 4 {
			all.Go(func() {
				for i := range 2000 {
					l.at(int64(i*n), "GET", strconv.Itoa(i%100))
				}
			})
		}
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		release()
		if b.String() != image {
			t.Error("reads show in a snapshot")
		}
	}
}
