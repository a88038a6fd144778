package fsm

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
)

// heard has a machine's publications and events written down.
func (l *testLog) heard(receivers int) *[]string {
	var lines []string
	l.m.Deliver(func(p Publication) int {
		lines = append(lines, fmt.Sprintf("%s %s %v", p.Channel, p.Message, p.Shard))
		return receivers
	})
	l.m.Observe(func(_ EventClass, event string, _ int, key []byte) { lines = append(lines, event+" "+string(key)) })
	return &lines
}

// TestPublish wants messages delivered in the order of the log and of what else it does, and the answer to be how many
// receive them.
func TestPublish(t *testing.T) {
	l := newLog(t)
	if got := l.ask("PUBLISH", "c", "nobody"); got != ":0\n" {
		t.Errorf("without anybody to deliver to: %s", got)
	}
	heard := l.heard(3)
	for _, step := range []struct{ line, want string }{
		{"PUBLISH c m", ":3\n"}, {"SET k v", "+OK\n"}, {"SPUBLISH c m", ":3\n"}, {"DEL k", ":1\n"},
	} {
		if got := l.ask(strings.Fields(step.line)...); got != step.want {
			t.Errorf("%s: %s", step.line, got)
		}
	}
	in := func(line string) []byte {
		var args [][]byte
		for _, w := range strings.Fields(line) {
			args = append(args, []byte(w))
		}
		return AppendItem(nil, 0, args)
	}
	var out reply.Recorder
	l.apply([]reply.Sink{&out}, Transaction(nil, [][]byte{in("PUBLISH t 1"), in("SET k v"), in("PUBLISH t 2")}))
	if want := "*3\n  :3\n  +OK\n  :3\n"; out.String() != want {
		t.Errorf("in a transaction: %s", out.String())
	}
	if want := []string{"c m false", "new k", "set k", "c m true", "del k", "t 1 false", "new k", "set k", "t 2 false"}; !slices.Equal(*heard, want) {
		t.Errorf("heard %q, not %q", *heard, want)
	}
	if n := l.m.Stats().Changes; n != 3 {
		t.Errorf("%d changes: messages are none", n)
	}
	l.m.Deliver(nil)
	if got := l.ask("PUBLISH", "c", "m"); got != ":0\n" {
		t.Error(got)
	}
}

// What the log held when the node started is told to nobody, nor what a snapshot brings.
func TestNothingToldFromBefore(t *testing.T) {
	l := newLog(t)
	heard := l.heard(1)
	restored := 0
	l.m.Restored(func() { restored++ })
	l.m.TellAfter(3)
	for i := range 5 {
		l.ask("PUBLISH", "c", fmt.Sprint(i+1))
	}
	l.ask("SET", "k", "v", "PX", "10")
	image := l.image()
	if want := []string{"c 4 false", "c 5 false", "new k", "set k", "expire k"}; !slices.Equal(*heard, want) {
		t.Errorf("heard %q, not %q", *heard, want)
	}
	*heard = nil
	if err := l.m.Restore(bytes.NewReader(image)); err != nil {
		t.Fatal(err)
	}
	if restored != 1 || len(*heard) != 0 {
		t.Errorf("told %d times of a restored snapshot, heard %q", restored, *heard)
	}
	if err := l.m.Restore(strings.NewReader("no snapshot")); err == nil || restored != 1 {
		t.Errorf("%v, told %d times", err, restored)
	}
	l.ask("RENAME", "k", "n") // on databases that are new to the observer
	l.stamp += 10
	l.apply(nil)
	if want := []string{"new n", "rename_from k", "rename_to n", "expired n"}; !slices.Equal(*heard, want) {
		t.Errorf("heard %q, not %q", *heard, want)
	}
}

// A new key is told of with the number that its database has by then, also where one item moves databases about.
func TestNewKeysOfDatabases(t *testing.T) {
	l, told := newLog(t), ""
	l.m.Observe(func(class EventClass, event string, db int, key []byte) {
		if class == EventNew {
			told += fmt.Sprintf("%d:%s ", db, key)
		}
	})
	for _, line := range []string{"SET a v", "SWAPDB 0 3", "SET b v", "FLUSHALL", "SET c v", "COPY c d DB 3", "SWAPDB 3 0", "MOVE d 5", "FLUSHDB", "SADD e v"} {
		l.ask(strings.Fields(line)...)
	}
	if want := "0:a 0:b 0:c 3:d 5:d 0:e "; told != want {
		t.Errorf("told of %q, not of %q", told, want)
	}
	l.m.Observe(nil)
	l.ask("SET", "f", "v")
	if strings.Contains(told, "f") {
		t.Error(told)
	}
}

// Reads tell of keys that they miss, from several goroutines at once; those of a transaction that writes too.
func TestMisses(t *testing.T) {
	l := newLog(t)
	heard := l.heard(0)
	l.ask("GET", "none")
	l.ask("MGET", "a", "b")
	l.ask("HSET", "h", "f", "v")
	l.ask("GET", "h")
	l.ask("HGET", "none", "f")
	l.ask("SETNX", "s", "v")
	l.ask("OBJECT", "ENCODING", "none")
	var out reply.Recorder
	l.apply([]reply.Sink{&out}, Transaction(nil, [][]byte{item("HLEN", "x"), item("SET", "k", "v"), item("LRANGE", "y", "0", "-1")}))
	want := []string{"keymiss none", "keymiss a", "keymiss b", "new h", "hset h", "keymiss none", "new s", "set s", "keymiss x", "new k", "set k", "keymiss y"}
	if !slices.Equal(*heard, want) {
		t.Errorf("heard %q, not %q", *heard, want)
	}
}
