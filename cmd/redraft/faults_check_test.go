package main

import (
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// script makes events of lines "from-to level command > answer", times in ms; an answer ? is an
// unknown outcome, ! a refusal, and a level that ends with a digit is one of another connection.
func script(lines string) []*event {
	var events []*event
	for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		asked, answer, _ := strings.Cut(strings.TrimSpace(line), " > ")
		words := strings.Fields(asked)
		from, to, _ := strings.Cut(words[0], "-")
		e := &event{Level: strings.TrimRight(words[1], "12"), Words: words[2:], Answer: answer, Outcome: acknowledged}
		e.Conn = len(words[1]) - len(e.Level)
		e.Called, _ = time.ParseDuration(from + "ms")
		e.Returned, _ = time.ParseDuration(to + "ms")
		switch answer {
		case "?":
			e.Outcome, e.Returned = unknown, 0
		case "!":
			e.Outcome = notApplied
		}
		e.Settled = e.Called >= time.Minute
		events = append(events, e)
	}
	return events
}

// TestFaultsModel: the model of a key takes what can be and refuses what cannot.
func TestFaultsModel(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		right       bool
	}{
		{"a value", "1-2 stale SET text:1 5 > OK\n3-4 linearizable GET text:1 > 5", true},
		{"an older value", "1-2 stale SET text:1 5 > OK\n3-4 linearizable GET text:1 > nil", false},
		{"an older value, at a level that allows it", "1-2 stale SET text:1 5 > OK\n3-4 session GET text:1 > nil", true},
		{"at the same time", "1-9 stale SET text:1 5 > OK\n3-4 linearizable GET text:1 > nil", true},
		{"back again", "1-9 stale SET text:1 5 > OK\n2-3 linearizable GET text:1 > 5\n4-5 linearizable GET text:1 > nil", false},
		{"done late", "1-0 stale SET text:1 5 > ?\n30-40 linearizable GET text:1 > nil\n50-60 linearizable GET text:1 > 5", true},
		{"done twice", "1-0 stale INCR text:1 > ?\n30-40 linearizable GET text:1 > 2", false},
		{"refused and done", "1-2 stale SET text:1 5 > !\n3-4 linearizable GET text:1 > 5", false},
		{"gone before its time", "1-2 stale SET text:1 5 PX 1000 > OK\n800-850 linearizable GET text:1 > nil", false},
		{"gone when due", "1-2 stale SET text:1 5 PX 1000 > OK\n800-1010 linearizable GET text:1 > nil", true},
		{"late to go", "1-2 stale SET text:1 5 PX 1000 > OK\n9000-9001 linearizable GET text:1 > 5", true},
		{"never gone", "1-2 stale SET text:1 5 PX 1000 > OK\n60000-60001 linearizable GET text:1 > 5", false},
		{"gone and back", "1-2 stale SET text:1 5 PX 10 > OK\n30-31 linearizable GET text:1 > nil\n32-33 linearizable GET text:1 > 5", false},
		{"kept", "1-2 stale SET text:1 5 PX 10 > OK\n3-4 stale GETEX text:1 PERSIST > 5\n60000-60001 linearizable GET text:1 > nil", false},
		{"no number", "1-2 stale APPEND text:1 a; > 2\n3-4 stale INCR text:1 > ERR value is not an integer or out of range", true},
		{"a hash", "1-2 stale HSET hash:1 a 1 > 1\n3-4 stale HINCRBY hash:1 a 1 > 2\n5-6 linearizable HGETALL hash:1 > a=2", true},
		{"a field lost", "1-2 stale HSET hash:1 a 1 > 1\n3-4 stale HSET hash:1 b 1 > 1\n5-6 linearizable HLEN hash:1 > 1", false},
	} {
		got := porcupine.CheckOperations(keyModel{steady}.model(), operations(script(c.lines)))
		if got != c.right {
			t.Errorf("%s: it is called right: %v", c.name, got)
		}
	}
}

// TestFaultsGrowing: each level of reading is held to its word, and each write to its fate.
func TestFaultsGrowing(t *testing.T) {
	const writes = "1-2 stale APPEND log:1 a; > 2\n3-4 stale APPEND log:1 b; > 4\n"
	for _, c := range []struct {
		name, lines, final, fault string
	}{
		{"right", writes + "5-6 linearizable GET log:1 > a;b;", "a;b;", ""},
		{"lost", writes, "a;", "0 times there"},
		{"twice", writes, "a;b;a;", "2 times there"},
		{"elsewhere", writes, "b;a;", "it ends at"},
		{"open and there", "1-0 stale APPEND log:1 a; > ?", "a;", ""},
		{"open and not there", "1-0 stale APPEND log:1 a; > ?", "", ""},
		{"open and twice", "1-0 stale APPEND log:1 a; > ?", "a;a;", "2 times there"},
		{"refused", "1-2 stale APPEND log:1 a; > !", "a;", "1 times there"},
		{"from nowhere", writes, "a;b;c;", "nobody wrote"},
		{"what never was", writes + "5-6 stale GET log:1 > b;", "a;b;", "what never was"},
		{"an old state, linearizable", writes + "5-6 linearizable-strict GET log:1 > a;", "a;b;", "was told at"},
		{"an old state, bounded", writes + "5-6 bounded:150 GET log:1 > a;", "a;b;", ""},
		{"too old, bounded", writes + "200-201 bounded:150 GET log:1 > a;", "a;b;", "was told at"},
		{"an old state, stale", writes + "9000-9001 stale GET log:1 > nil", "a;b;", ""},
		{"an old state, session", writes + "9-10 session2 GET log:1 > a;", "a;b;", ""},
		{"back, session", "1-2 session2 APPEND log:1 a; > 2\n3-4 session2 GET log:1 > nil", "a;", "its own connection"},
		{"a counter", "1-2 stale INCR count:1 > 1\n3-4 linearizable GET count:1 > 1", "1", ""},
		{"a count lost", "1-2 stale INCR count:1 > 1\n3-4 stale INCR count:1 > 2", "1", "in the end"},
		{"two of a kind", "1-9 stale INCR count:1 > 1\n3-8 stale INCR count:1 > 1", "2", "two increments"},
	} {
		events := script(c.lines)
		faults := (&growing{key: events[0].key(), events: events, final: c.final}).check()
		if all := strings.Join(faults, "\n"); c.fault == "" && all != "" || !strings.Contains(all, c.fault) {
			t.Errorf("%s: want %q, got %q", c.name, c.fault, all)
		}
	}
}
