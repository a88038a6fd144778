package server

import (
	"os"
	"strings"
	"testing"
)

// TestPubsubTranscript holds redraft and redis-server to the same conversation.
func TestPubsubTranscript(t *testing.T) {
	t.Run("redraft", func(t *testing.T) { followTranscript(t, start(t).addr) })
	t.Run("redis-server", func(t *testing.T) { followTranscript(t, guardRedis(t)) })
}

// followTranscript has the conversation of testdata/pubsub.txt with a server.
func followTranscript(t *testing.T, addr string) {
	text, err := os.ReadFile("testdata/pubsub.txt")
	if err != nil {
		t.Fatal(err)
	}
	connections := map[string]*client{}
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest := line[:1], line[2:]
		c := connections[name]
		if c == nil {
			c = dialAddr(t, addr)
			connections[name] = c
		}
		switch rest = strings.TrimPrefix(rest, " "); line[1] {
		case '>':
			c.send(rest)
		case '<':
			got, err := readReply(c.in)
			if err != nil {
				t.Fatalf("line %d, %s: %v", i+1, line, err)
			}
			if !fits(got, rest) {
				t.Fatalf("line %d, %s:\n got %s", i+1, line, got)
			}
		default:
			t.Fatalf("line %d is neither sent nor received: %s", i+1, line)
		}
	}
}

// fits reports whether a reply is the one wanted, in which … stands for anything.
func fits(got, want string) bool {
	parts := strings.Split(want, "…")
	last := len(parts) - 1
	got, ok := strings.CutPrefix(got, parts[0])
	if !ok || last == 0 {
		return ok && got == ""
	}
	for _, part := range parts[1:last] {
		if _, got, ok = strings.Cut(got, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(got, parts[last])
}
