package fsm

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm/reply"
)

// follow has a reading command wait on this machine. woken counts how often it was answered.
func (l *testLog) follow(out reply.Sink, words ...string) (t *Tail, woken *int) {
	l.t.Helper()
	args := bytesOf(words)
	spec, _ := l.m.table.Lookup(args)
	woken = new(int)
	t = &Tail{Call: Call{Spec: spec, DB: l.db, Args: args, Out: out}, Wake: func() { *woken++ }}
	if _, waits := l.m.Follow(t, 0, 1); !waits {
		*woken++
	}
	return t, woken
}

// TestStreamWaiters has a consumer and a reader wait for two streams on a machine and on redis-server, lets
// things happen to the streams, and compares what they are answered, if anything.
func TestStreamWaiters(t *testing.T) {
	socket := startRedis(t, t.TempDir())
	writer := dialRedis(t, socket)
	for _, lines := range [][]string{
		{"XADD s 9-1 a b"},
		{"XADD t 9-1 a b", "XADD s 9-1 a b"},
		{"DEL s"},
		{"SET s 1"},
		{"RENAME s t"},
		{"RPUSH l 1", "RENAME l s"},
		{"FLUSHALL"},
		{"FLUSHDB"},
		{"SWAPDB 0 1"},
		{"XGROUP DESTROY s g"},
		{"XGROUP SETID s g 0"},
		{"XDEL s 1-1"},
		{"XTRIM s MAXLEN 0"},
		{"UNLINK s"},
		{"MOVE s 1"},
		{"COPY other s REPLACE"},
		{"PEXPIREAT s 1"},
		{"MULTI", "DEL s", "XADD s 8-1 a b", "EXEC"},
		{"MULTI", "DEL s", "XGROUP CREATE s g $ MKSTREAM", "XADD s 8-1 a b", "EXEC"},
		{"MULTI", "DEL s", "SET s 1", "EXEC"},
		{"MULTI", "XADD s 9-1 a b", "XADD t 9-1 c d", "EXEC"},
		{"MULTI", "XADD t 9-1 c d", "XADD s 9-1 a b", "XADD s 9-2 a b", "EXEC"},
	} {
		l := newLog(t)
		writer.ask("FLUSHALL")
		for _, line := range []string{"XADD s 1-1 x y", "XGROUP CREATE s g $", "XGROUP CREATE t g $ MKSTREAM", "XADD other 5-1 p q"} {
			l.line(line)
			writer.ask(commandWords(line)...)
		}
		group, plain := dialRedis(t, socket), dialRedis(t, socket)
		groupID, plainID := clientID(group), clientID(plain)
		groupWords := commandWords("XREADGROUP GROUP g c BLOCK 0 STREAMS t s > >")
		plainWords := commandWords("XREAD BLOCK 0 STREAMS t s $ $")
		consumer := l.client(1)
		consumer.ask(groupWords...)
		var ours reply.Recorder
		_, woken := l.follow(&ours, plainWords...)
		for _, c := range []*redisClient{group, plain} {
			blocked := countBlocked(writer)
			c.queue(map[*redisClient][]string{group: groupWords, plain: plainWords}[c]...)
			c.send()
			for countBlocked(writer) == blocked {
			}
		}
		happens(l, writer, lines)
		for _, w := range []struct {
			name     string
			answered bool
			ours     string
			theirs   *redisClient
			id       string
		}{
			{"consumer", consumer.woken > 0, consumer.out.String(), group, groupID},
			{"reader", *woken > 0, ours.String(), plain, plainID},
		} {
			if !w.answered { // then redis-server has an answer only when it is made to
				writer.ask("CLIENT", "UNBLOCK", w.id)
				w.ours = "*_\n"
			}
			var out reply.Recorder
			_ = w.theirs.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			w.theirs.receive(&out)
			if got := out.String(); got != w.ours {
				t.Errorf("%q: the %s is answered\n%sby redis-server\n%s", lines, w.name, w.ours, got)
			}
		}
		l.check()
	}
}

// clientID is a connection's id.
func clientID(c *redisClient) string { return strings.Trim(c.ask("CLIENT", "ID"), ":\n") }

// happens runs lines on both sides; those between MULTI and EXEC together.
func happens(l *testLog, c *redisClient, lines []string) {
	var items [][]byte
	for _, line := range lines {
		c.ask(commandWords(line)...)
		switch {
		case line == "EXEC":
			l.apply(nil, Transaction(nil, items))
		case lines[0] == "MULTI" && line != "MULTI":
			items = append(items, l.itemOf(commandWords(line)...))
		case line != "MULTI":
			l.line(line)
		}
	}
}

func commandWords(line string) []string {
	var words []string
	for _, w := range bytes.Fields([]byte(line)) {
		words = append(words, string(w))
	}
	return words
}

// A reader that waits is answered after a snapshot that has what it waits for, once, and not when it has left.
func TestTailAcrossARestore(t *testing.T) {
	l, ahead := newLog(t), newLog(t)
	ahead.ask("XADD", "s", "1-1", "a", "b")
	if err := l.m.Restore(bytes.NewReader(ahead.image())); err != nil {
		t.Fatal(err)
	}
	var out, left reply.Recorder
	_, woken := l.follow(&out, "XREAD", "BLOCK", "0", "STREAMS", "none", "s", "$", "$")
	gone, _ := l.follow(&left, "XREAD", "BLOCK", "0", "STREAMS", "s", "$")
	if l.m.Unfollow(gone) {
		t.Error("answered")
	}
	ahead.ask("XADD", "s", "1-2", "c", "d")
	if err := l.m.Restore(bytes.NewReader(ahead.image())); err != nil {
		t.Fatal(err)
	}
	if want := "*1\n  *2\n    \"s\"\n    *1\n      *2\n        \"1-2\"\n        *2\n          \"c\"\n          \"d\"\n"; out.String() != want || *woken != 1 {
		t.Errorf("woken %d times: %s", *woken, out.String())
	}
	if left.String() != "" || len(l.m.tails.all)+len(l.m.tails.byKey) != 0 {
		t.Error("somebody is left")
	}
}

// A stream that expires ends the waiting of consumers though no item comes.
func TestStreamWaiterExpires(t *testing.T) {
	l := newLog(t)
	l.ask("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
	l.ask("PEXPIRE", "s", "10")
	c := l.client(1)
	c.ask("XREADGROUP", "GROUP", "g", "c", "BLOCK", "100", "STREAMS", "s", ">")
	l.stamp += 10
	l.reload()
	l.apply(nil)
	c.want("-" + errStreamGone + "\n")
}

// reload has the machine load its own snapshot.
func (l *testLog) reload() {
	l.t.Helper()
	image := l.image()
	if err := l.m.Restore(bytes.NewReader(image)); err != nil {
		l.t.Fatal(err)
	}
	if !slices.Equal(image, l.image()) {
		l.t.Fatal("the snapshot of the restored machine is another")
	}
}
