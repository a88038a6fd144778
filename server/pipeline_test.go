package server

import (
	"fmt"
	"strings"
	"testing"
)

func TestPipelineKeepsOrder(t *testing.T) {
	n := start(t)
	c := n.dial()
	c.send("SET a 1", "SET b 2", "GET a", "GET b", "nosuch x", "INCR a", "PING", "GET a", "get", "HSET a f v", "ECHO bye")
	want := []string{"+OK", "+OK", "1", "2", "-ERR unknown command 'nosuch', with args beginning with: 'x' ", ":2", "+PONG", "2",
		"-ERR wrong number of arguments for 'get' command",
		"-WRONGTYPE Operation against a key holding the wrong kind of value", "bye"}
	for i, w := range want {
		if got := c.read(); got != w {
			t.Errorf("reply %d: %q, want %q", i, got, w)
		}
	}
}

func TestNeighbouringWritesAreOneEntry(t *testing.T) {
	n := start(t)
	c := n.dial()
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf("SET k%d %d", i, i))
	}
	c.send(lines...)
	for range lines {
		if got := c.read(); got != "+OK" {
			t.Fatal(got)
		}
	}
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	items := 0
	for _, e := range n.cluster.entries {
		items += len(e)
		if len(e) > runCommands {
			t.Errorf("an entry of %d items", len(e))
		}
	}
	if items != 300 || len(n.cluster.entries) > 100 {
		t.Errorf("%d items in %d entries", items, len(n.cluster.entries))
	}
}

func TestLargeRepliesAndItems(t *testing.T) {
	n := start(t, "max-item-bytes", "2mb")
	c := n.dial()
	big := strings.Repeat("x", 900_000)
	c.expect("SET k "+big, "+OK")
	c.send("GET k", "GET k", "GET k", "GET k", "PING")
	for range 4 {
		if got := c.read(); got != big {
			t.Fatalf("%d bytes", len(got))
		}
	}
	if got := c.read(); got != "+PONG" {
		t.Fatal(got)
	}
	c.expect("SET k "+big+big+big, "-"+errItemLength)
	c.expect("STRLEN k", ":900000")
	c.send("SET a "+big, "SET b "+big, "STRLEN b")
	for _, want := range []string{"+OK", "+OK", ":900000"} {
		if got := c.read(); got != want {
			t.Fatal(got)
		}
	}
}

func TestClientReply(t *testing.T) {
	n := start(t)
	c := n.dial()
	c.send("CLIENT REPLY OFF", "SET a 1", "GET a", "nosuch", "PING", "CLIENT REPLY ON", "GET a",
		"CLIENT REPLY SKIP", "INCR a", "GET a", "CLIENT REPLY SKIP", "GET a", "CLIENT REPLY SKIP", "PING", "ECHO end")
	for _, want := range []string{"+OK", "1", "2", "end"} {
		if got := c.read(); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
}

func TestReplyEnd(t *testing.T) {
	for _, r := range []string{"+OK\r\n", "-ERR x\r\n", ":1\r\n", "$3\r\na\r\n\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "_\r\n",
		"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "%1\r\n+a\r\n~2\r\n#t\r\n,1.5\r\n", "=7\r\ntxt:a\r\n\r\n", ">1\r\n(123\r\n"} {
		if n := replyEnd([]byte(r + "+next\r\n")); n != len(r) {
			t.Errorf("%q ends at %d, not %d", r, n, len(r))
		}
	}
	if n := errorsIn([]byte("+OK\r\n-ERR a\r\n*1\r\n-ERR b\r\n-X\r\n")); n != 2 {
		t.Errorf("%d errors", n)
	}
}
