package server

import "testing"

// TestPfcountKeepsItsCount has a read leave something to an entry: once, on a node that leads, and so that
// the next command of the same pipeline finds it.
func TestPfcountKeepsItsCount(t *testing.T) {
	n := start(t)
	c := n.dial()
	c.expect("pfadd h a b c", ":1")
	c.expect("getrange h 15 15", "\x80")
	before := n.cluster.index
	c.send("pfcount h", "getrange h 15 15", "pfcount h")
	for _, want := range []string{":3", "\x00", ":3"} {
		if got := c.read(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	if got := n.cluster.index - before; got != 1 {
		t.Errorf("%d entries", got)
	}
	c.expect("pfadd h d", ":1")
	n.cluster.follows.Store(true)
	before = n.cluster.index
	c.expect("raft consistency stale", "+OK")
	c.expect("pfcount h", ":4")
	c.expect("getrange h 15 15", "\x80")
	if n.cluster.index != before {
		t.Error("a node that does not lead has proposed something")
	}
}
