package fsm

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
)

// exec applies a transaction that sets a key and reports whether it was carried out. watched is what some node
// has vouched for.
func (l *testLog) exec(watched []byte) bool {
	l.t.Helper()
	return replies(l, [][]byte{Transaction(watched, [][]byte{l.itemOf("SET", "done", "1")})}) == "*1\n  +OK\n"
}

// vouch watches a key as it is now and returns what EXEC would carry, which the machine itself may not hold
// for true any more when it is used.
func (l *testLog) vouch(keys ...string) []byte {
	l.t.Helper()
	var w Watcher
	l.m.Watch(&w, l.db, bytesOf(keys))
	defer l.m.Unwatch(&w)
	watched, same := l.m.Vouch(&w)
	if !same {
		l.t.Fatal("changed as soon as it is watched")
	}
	return watched
}

// TestWatchGap looks at what happens between the index that a node vouches for and the transaction's entry,
// as when another node has become the leader meanwhile.
func TestWatchGap(t *testing.T) {
	for _, c := range []struct {
		before, between []string
		fails           bool
	}{
		{nil, nil, false},
		{nil, []string{"SET other 1"}, false},
		{nil, []string{"SET k 1"}, true},
		{nil, []string{"SET k 1", "DEL k"}, true},
		{[]string{"SET k 1"}, []string{"DEL k"}, true},
		{[]string{"SET k 1"}, []string{"GETEX k"}, false},
		{[]string{"SET k 1"}, []string{"FLUSHDB"}, true},
		{[]string{"SET other 1"}, []string{"FLUSHALL"}, false},
		{[]string{"SET other 1"}, []string{"SWAPDB 0 1"}, true},
		{nil, []string{"SWAPDB 1 2"}, false},
		{[]string{"SET k 1 PX 100"}, []string{"wait"}, true},
		{[]string{"SET k 1 PX 100"}, []string{"SET other 1"}, false},
		{nil, []string{"COPY other k"}, false},
	} {
		l := newLog(t)
		for _, line := range c.before {
			l.line(line)
		}
		watched := l.vouch("k", "unrelated")
		for _, line := range c.between {
			l.line(line)
		}
		if done := l.exec(watched); done == c.fails {
			t.Errorf("%q, watched, %q: done is %v", c.before, c.between, done)
		}
	}
}

func (l *testLog) line(line string) {
	if line == "wait" {
		l.stamp += 100
		return
	}
	l.ask(commandWords(line)...)
}

// A key that was due when it was watched may go, and must not come back.
func TestWatchStale(t *testing.T) {
	for _, between := range []string{"", "DEL k", "FLUSHALL", "SET k 1"} {
		l := newLog(t)
		full := [][]byte{}
		for i := range expireAnEntry + 1 { // more than an entry removes: the last one in order stays
			full = append(full, l.itemOf("SET", fmt.Sprint("k", i), "v", "PX", "10"))
		}
		l.apply(nil, full...)
		l.stamp += 10
		l.apply(nil)
		left := ""
		for i := range expireAnEntry + 1 {
			if _, found := l.m.state.databases[0].find(fmt.Append(nil, "k", i)); found {
				left = fmt.Sprint("k", i)
			}
		}
		watched := l.vouch(left)
		var w Watcher
		l.m.Watch(&w, 0, bytesOf([]string{left}))
		if between != "" {
			l.line(string(bytes.Replace([]byte(between), []byte("k"), []byte(left), 1)))
		}
		fails := between == "SET k 1"
		if l.m.Marked(&w) != fails || l.exec(watched) == fails {
			t.Errorf("%q: marked %v", between, l.m.Marked(&w))
		}
	}
}

// The ring forgets: what is older aborts.
func TestWatchOlderThanTheRing(t *testing.T) {
	l := newLog(t)
	watched := l.vouch("k")
	var items [][]byte
	for range recentCapacity {
		items = append(items, l.itemOf("SET", "other", "1"))
	}
	l.apply(nil, items...)
	if !l.exec(watched) {
		t.Fatal("aborted although the ring remembers everything")
	}
	now := l.vouch("k")
	if l.exec(watched) {
		t.Fatal("done although the ring has forgotten")
	}
	l.restart()
	if !l.exec(now) || l.exec(watched) {
		t.Fatal("a restored machine remembers otherwise")
	}
	if n := len(l.m.state.recent.ring); n != recentCapacity {
		t.Fatalf("%d changes are remembered", n)
	}
	restored := recent{}
	if err := restored.read(l.m.state.recent.append(nil)); err != nil {
		t.Fatal(err)
	}
	for i := range restored.ring {
		if restored.at(i) != l.m.state.recent.at(i) {
			t.Fatalf("change %d differs", i)
		}
	}
}

// A node that is sent a snapshot marks those whose keys have changed, and nobody else.
func TestWatchAcrossARestore(t *testing.T) {
	leader, node := newLog(t), newLog(t)
	leader.ask("SET", "a", "1")
	leader.ask("SET", "b", "1")
	if err := node.m.Restore(bytes.NewReader(leader.image())); err != nil {
		t.Fatal(err)
	}
	var a, b, both, none Watcher
	node.m.Watch(&a, 0, bytesOf([]string{"a"}))
	node.m.Watch(&b, 0, bytesOf([]string{"b"}))
	node.m.Watch(&both, 0, bytesOf([]string{"b", "a"}))
	leader.ask("SET", "a", "2")
	leader.ask("SET", "c", "2")
	if err := node.m.Restore(bytes.NewReader(leader.image())); err != nil {
		t.Fatal(err)
	}
	if !node.m.Marked(&a) || node.m.Marked(&b) || !node.m.Marked(&both) || node.m.Marked(&none) {
		t.Errorf("marked: %v %v %v %v", node.m.Marked(&a), node.m.Marked(&b), node.m.Marked(&both), node.m.Marked(&none))
	}
	if _, same := node.m.Vouch(&a); same {
		t.Error("vouched for")
	}
	node.m.Unwatch(&a)
	node.m.Unwatch(&b)
	node.m.Unwatch(&both)
	if len(node.m.watchers.all) != 0 || len(node.m.watchers.byKey) != 0 {
		t.Error("somebody is left")
	}
}

// A transaction of reads sees one state, or nothing if a watched key has changed.
func TestConsistentReads(t *testing.T) {
	l := newLog(t)
	var w Watcher
	l.m.Watch(&w, 0, bytesOf([]string{"k"}))
	get, _ := l.m.table.Lookup(bytesOf([]string{"GET", "k"}))
	read := func() string {
		var out reply.Recorder
		if !l.m.Consistent(&w, 0, 1, []Call{{Spec: get, Args: bytesOf([]string{"GET", "k"}), Out: &out}}) {
			return "changed"
		}
		return out.String()
	}
	if got := read(); got != "_\n" {
		t.Error(got)
	}
	l.ask("SET", "k", "1")
	if got := read(); got != "changed" {
		t.Error(got)
	}
}
