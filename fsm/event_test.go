package fsm

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
	"github.com/redraftdb/redraft/fsm/transcript"
)

// TestEvents has redis-server tell of the keyspace events of whole transcripts, and wants the same ones
// from the machine, in the same order.
func TestEvents(t *testing.T) {
	socket := startRedis(t, t.TempDir())
	c, told := dialRedis(t, socket), dialRedis(t, socket)
	c.ask("CONFIG", "SET", "notify-keyspace-events", "KEAnm")
	told.ask("PSUBSCRIBE", "__keyevent@*__:*", "end")
	for _, family := range []string{"list", "set", "zset", "geo", "hash", "string", "generic", "bitmap", "hyperloglog", "stream", "dump", "sort"} {
		t.Run(family, func(t *testing.T) {
			f, err := os.Open("testdata/" + family + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			steps, err := transcript.Parse(f)
			if err != nil {
				t.Fatal(err)
			}
			c.ask("FLUSHALL")
			l, ours := newLog(t), ""
			l.m.Observe(func(_ EventClass, event string, db int, key []byte) {
				ours += fmt.Sprintf("__keyevent@%d__:%s %s\n", db, event, key)
			})
			for _, s := range steps {
				if s.Args == nil {
					continue
				}
				ours = ""
				l.ask(s.Args...)
				c.ask(s.Args...)
				c.ask("PUBLISH", "end", "")
				theirs := told.events()
				if strings.EqualFold(s.Args[0], "XREAD") { // which looks twice for what is not there
					theirs = strings.Join(slices.Compact(strings.SplitAfter(theirs, "\n")), "")
				}
				if groupOf(l, s.Args) == groupIn(family) && ours != theirs {
					t.Errorf("line %d, %q: redis-server tells of\n%sthe machine of\n%s", s.Line, s.Args, theirs, ours)
				}
			}
		})
	}
}

// groupOf is the group of a command.
func groupOf(l *testLog, words []string) string {
	spec, _ := l.m.table.Lookup([][]byte{[]byte(words[0]), nil})
	return spec.Group
}

// groupIn is the group of commands that a transcript is about.
func groupIn(family string) string {
	switch family {
	case "zset":
		return "sorted-set"
	case "dump", "sort":
		return "generic"
	}
	return family
}

// events reads what a subscriber is told up to the message on the channel end.
func (r *redisClient) events() (all string) {
	r.t.Helper()
	for {
		var out reply.Recorder
		r.receive(&out)
		lines := strings.Split(out.String(), "\n")
		if len(lines) < 5 || !strings.Contains(lines[1], "pmessage") {
			continue // the answer to PSUBSCRIBE
		}
		channel, _ := unquote(lines[3])
		if channel == "end" {
			return all
		}
		if strings.HasSuffix(channel, "__:expired") {
			continue // when it is told depends on that server's clock; see TestEventsByThemselves
		}
		key, _ := unquote(lines[4])
		all += channel + " " + key + "\n"
	}
}

// What happens without a command of its own is told of too: removal for being due, wherever it is noticed, and
// what those are served who wait.
func TestEventsByThemselves(t *testing.T) {
	l, told := newLog(t), ""
	l.m.Observe(func(class EventClass, event string, db int, key []byte) {
		told += fmt.Sprintf("%c %s %d %s\n", class, event, db, key)
	})
	expect := func(want string) {
		t.Helper()
		if told != want {
			t.Errorf("told of\n%swant\n%s", told, want)
		}
		told = ""
	}
	l.db = 2
	l.ask("SET", "k", "v", "PX", "10")
	expect("n new 2 k\n$ set 2 k\ng expire 2 k\n")
	l.stamp += 10
	l.apply(nil)
	expect("x expired 2 k\n")
	l.ask("SET", "k", "v")
	l.ask("MOVE", "k", "3")
	expect("n new 2 k\n$ set 2 k\nn new 3 k\ng move_from 2 k\ng move_to 3 k\n")
	l.client(1).ask("BLPOP", "list", "0")
	l.client(2).ask("BLMOVE", "list", "other", "LEFT", "RIGHT", "0")
	l.ask("RPUSH", "list", "1", "2")
	expect("n new 2 list\nl rpush 2 list\nl lpop 2 list\nn new 2 other\nl rpush 2 other\nl lpop 2 list\ng del 2 list\n")
}
