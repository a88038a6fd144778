package server

import (
	"strings"
	"testing"
	"time"
)

// TestDebugData stores, looks at and reloads data by way of DEBUG.
func TestDebugData(t *testing.T) {
	c := start(t, "enable-debug-command", "yes").dial()
	c.expect("debug populate 1000", "+OK")
	c.expect("debug populate 3 other 20", "+OK")
	c.expect("debug populate -1", "-ERR value is out of range, must be positive")
	c.expect("dbsize", ":1003")
	c.expect("get key:999", "value:999")
	c.expect("strlen other:2", ":20")
	c.expect("set key:999 mine", "+OK")
	c.expect("debug populate 1000", "+OK")
	c.expect("get key:999", "mine")
	digest := c.do("debug digest")
	value := c.do("debug digest-value key:999 none")
	if !strings.Contains(value, strings.Repeat("0", 40)) || strings.Contains(value, digest[1:]) {
		t.Errorf("digests of values: %s", value)
	}
	c.expect("debug reload", "+OK")
	c.expect("debug loadaof", "+OK")
	c.expect("debug digest", digest)
	c.expect("debug digest-value key:999 none", value)
	c.expect("debug object none", "-ERR no such key")
	if text := c.do("debug object key:999"); !strings.Contains(text, "encoding:embstr serializedlength:5") {
		t.Errorf("DEBUG OBJECT: %s", text)
	}
}

// A reload waits for a snapshot that is being written.
func TestReloadBesideASnapshot(t *testing.T) {
	n := start(t, "enable-debug-command", "yes")
	c := n.dial()
	c.expect("set k v", "+OK")
	_, release, err := n.srv.machine.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	c.send("debug reload", "get k")
	_ = c.conn.SetReadDeadline(time.Now().Add(10 * waitPoll))
	if b, err := c.in.Peek(1); err == nil {
		t.Errorf("an answer begins with %q while the snapshot is being written", b)
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	release()
	for _, want := range []string{"+OK", "v"} {
		if got := c.read(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestActiveExpire turns the removal of what is due off. It is counted until a command comes upon it.
func TestActiveExpire(t *testing.T) {
	c := start(t, "enable-debug-command", "yes").dial()
	c.expect("debug set-active-expire 0", "+OK")
	c.expect("set other value", "+OK")
	c.expect("psetex b 1 v", "+OK")
	c.expect("psetex c 1 v", "+OK")
	c.expect("psetex a 1 v", "+OK") // the last to fall due
	for c.do("exists a") == ":1" {
		c.do("set other value") // time goes by with entries
	}
	c.expect("mget b none", "[(nil) (nil)]")
	if n := c.do("dbsize"); n != ":2" { // c and other
		t.Errorf("%s keys, not what was not looked at", n)
	}
	c.do("scan 0")
	c.expect("dbsize", ":1")
}

// TestRestoreIsJudged keeps a payload that is not sound out of the log, and answers what Redis answers.
func TestRestoreIsJudged(t *testing.T) {
	h := start(t)
	c := h.dial()
	c.expect("set key value", "+OK")
	before := h.cluster.index
	c.expect("restore key 0 nonsense", "-BUSYKEY Target key name already exists.")
	c.expect("restore other 0 nonsense", "-ERR DUMP payload version or checksum are wrong")
	c.expect("restore key 0 nonsense replace", "-ERR DUMP payload version or checksum are wrong")
	c.expect("get key", "value")
	if h.cluster.index != before {
		t.Errorf("%d entries", h.cluster.index-before)
	}
}
