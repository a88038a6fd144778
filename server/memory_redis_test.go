package server

import (
	"os"
	"strings"
	"testing"
)

// TestOutOfMemory has redraft, on the leader and through a follower, and redis-server answer to the same commands as their
// memory is full and is not. Through a follower nothing is refused before the leader sees it, so there a transaction
// is refused as a whole, when it is executed.
func TestOutOfMemory(t *testing.T) {
	theirs := guardRedis(t)
	lines, err := os.ReadFile("testdata/memory.txt") // of two connections: each line's is in front of it
	if err != nil {
		t.Fatal(err)
	}
	for _, follows := range []bool{false, true} {
		leader := start(t)
		n := leader
		if follows {
			n = leader.follower()
		}
		var us, them [2]*client
		for i := range us {
			us[i] = n.dial()
			them[i] = dialAddr(t, theirs)
		}
		them[0].do("FLUSHALL")
		queueing, refused := false, false
		for _, line := range strings.Split(strings.TrimSpace(string(lines)), "\n") {
			who, line := line[0]-'0', line[2:]
			got, want := us[who].do(line), them[who].do(line)
			switch {
			case line == "MULTI":
				queueing, refused = true, false
			case line == "EXEC" || line == "DISCARD":
				queueing = false
			case who == 0 && queueing && follows && want == "-"+errOOM:
				refused = true
				want = "+QUEUED"
			}
			if follows && refused && line == "EXEC" {
				continue // what was queued decides
			}
			if got != want {
				t.Errorf("follower %v: %d %s: %s, want %s", follows, who, line, got, want)
			}
		}
	}
}
