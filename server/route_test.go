package server

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm"
)

func (f *fakeCluster) set(change func(f *fakeCluster)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func TestOutcomes(t *testing.T) {
	n := start(t, "replica-writes", "readonly")
	c := n.dial()
	c.expect("set a 1", "+OK")
	for _, step := range []struct {
		err  fakeError
		want string
	}{
		{fakeError{open: true}, errUncertain},
		{fakeError{full: true}, errMovingOn},
		{fakeError{large: true}, errItemLength},
		{fakeError{lead: true}, errReadOnly},
	} {
		n.cluster.set(func(f *fakeCluster) { f.propose = &step.err })
		c.send("get a", "set a 2", "incr a", "ping")
		for _, want := range []string{"1", "-" + step.want, "-" + step.want, "+PONG"} {
			if got := c.read(); got != want {
				t.Errorf("%+v: %q, want %q", step.err, got, want)
			}
		}
	}
	n.cluster.set(func(f *fakeCluster) { f.propose = nil })
	c.expect("get a", "1")
	n.cluster.set(func(f *fakeCluster) { f.readIndex = &fakeError{lead: true} })
	c.expect("get a", "-"+errNoLeader)
	n.cluster.set(func(f *fakeCluster) { f.readIndex = &fakeError{open: true} })
	c.expect("get a", "-"+errReadWait)
}

// A run whose fate is unknown keeps its output and its items: what its entry writes later reaches
// nobody.
func TestUncertainRunIsAbandoned(t *testing.T) {
	n := start(t)
	c := n.dial()
	n.cluster.set(func(f *fakeCluster) { f.propose, f.apply = &fakeError{open: true}, true })
	c.send("echo first", "set a 1", "set b 2", "echo last")
	for _, want := range []string{"first", "-" + errUncertain, "-" + errUncertain, "last"} {
		if got := c.read(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	n.cluster.set(func(f *fakeCluster) { f.propose, f.apply = nil, false })
	c.send("mget a b", "set a 3", "get a")
	for _, want := range []string{"[1 2]", "+OK", "3"} {
		if got := c.read(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// follower starts a node that follows another.
func follower(t *testing.T, settings ...string) (leader, follows *node) {
	leader = start(t)
	leader.dial().expect("ping", "+PONG")
	follows = start(t, settings...)
	follows.cluster.follows.Store(true)
	follows.cluster.set(func(f *fakeCluster) {
		f.peer = leader.srv
		f.status.NodeID, f.status.State, f.status.LeaderID = "n1", "follower", "n1"
	})
	// The follower applies what names the leader, as it would from the log.
	for i, it := range [][]byte{fsm.SetNode("n1", "127.0.0.1:7001")} {
		follows.cluster.m.Apply(uint64(i+1), 1, 1, 1, [][]byte{it}, nil)
	}
	follows.srv.nodeID = "n1"
	return leader, follows
}

func TestForwardedWrites(t *testing.T) {
	leader, f := follower(t)
	c := f.dial()
	c.send("set a 1", "incr a", "hset a f v", "select 2", "set b 3", "nosuch")
	for _, want := range []string{"+OK", ":2", "-WRONGTYPE Operation against a key holding the wrong kind of value", "+OK", "+OK",
		"-ERR unknown command 'nosuch', with args beginning with: "} {
		if got := c.read(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	l := leader.dial()
	l.expect("get a", "2")
	l.send("select 2", "get b")
	if l.read(); l.read() != "3" {
		t.Error("the database was lost on the way")
	}
	c.do("get a")
	f.cluster.mu.Lock()
	if len(f.cluster.read) != 1 || f.cluster.read[0] != "WaitApplied 2" {
		t.Errorf("the read after the writes waited for %q", f.cluster.read)
	}
	f.cluster.mu.Unlock()
	c.do("get a")
	f.cluster.mu.Lock()
	if len(f.cluster.read) != 1 {
		t.Errorf("the read after that waited for %q", f.cluster.read[1:])
	}
	f.cluster.mu.Unlock()
	if got := c.do("info commandstats"); !strings.Contains(got, "cmdstat_hset:calls=1,") || !strings.Contains(got, "rejected_calls=0,failed_calls=1") {
		t.Errorf("the failure was not counted:\n%s", got)
	}
	leader.cluster.set(func(f *fakeCluster) { f.propose = &fakeError{full: true} })
	c.expect("set a 1", "-"+errMovingOn)
	leader.cluster.set(func(f *fakeCluster) { f.propose = &fakeError{lead: true} })
	c.expect("set a 1", "-"+errNoLeader)
	leader.cluster.set(func(f *fakeCluster) { f.propose = &fakeError{open: true} })
	c.expect("set a 1", "-"+errUncertain)
	f.cluster.set(func(f *fakeCluster) { f.forward = &fakeError{lead: true} })
	c.expect("set a 1", "-"+errNoLeader)
	f.cluster.set(func(f *fakeCluster) { f.forward = &fakeError{open: true} })
	c.expect("set a 1", "-"+errUncertain)
}

func TestForwardedConfigSet(t *testing.T) {
	leader, f := follower(t)
	c := f.dial()
	c.expect("config set hash-max-ziplist-entries 7", "+OK")
	leader.dial().expect("config get hash-max-listpack-entries", "[hash-max-listpack-entries 7]")
}

func TestReplicaWrites(t *testing.T) {
	_, f := follower(t, "replica-writes", "moved")
	c := f.dial()
	c.send("set a 1", "set b 1", "flushall")
	for _, want := range []string{"-MOVED 15495 127.0.0.1:7001", "-MOVED 3300 127.0.0.1:7001", "-MOVED 0 127.0.0.1:7001"} {
		if got := c.read(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	c.expect("config set replica-writes readonly", "+OK")
	c.expect("set a 1", "-"+errReadOnly)
	c.expect("config set replica-writes forward", "+OK")
	c.expect("set a 1", "+OK")
}

func TestReadLevels(t *testing.T) {
	_, f := follower(t)
	c := f.dial()
	for _, step := range []struct{ level, waits string }{
		{"stale", ""},
		{"bounded:250", "Bounded 250ms"},
		{"session", ""},
		{"linearizable", "ReadIndex strict=false"},
		{"linearizable-strict", "ReadIndex strict=true"},
	} {
		c.expect("raft consistency "+step.level, "+OK")
		f.cluster.set(func(f *fakeCluster) { f.read = nil })
		c.send("get a", "get b", "mget a b")
		for range 3 {
			c.read()
		}
		f.cluster.set(func(f *fakeCluster) {
			if got := strings.Join(f.read, ","); got != step.waits && !strings.HasPrefix(got, step.waits+","+step.waits) {
				t.Errorf("%s waited for %q", step.level, got)
			}
		})
	}
	c.expect("raft consistency default", "+OK")
	c.expect("raft consistency", "session")
	c.expect("config set read-consistency bounded:5", "+OK")
	c.expect("raft consistency", "bounded:5")
	c.expect("config set read-consistency bounded:x", "-ERR CONFIG SET failed (possibly related to argument 'read-consistency') - "+errLevel.Error())
}

// A key that is due by the leader's clock is gone for a linearizable read, though nothing else was
// written since.
func TestDueKeyIsGone(t *testing.T) {
	c := start(t).dial()
	c.expect("set a 1 px 20", "+OK")
	eventually(t, "the key's end", func() bool { return c.do("get a") == "(nil)" })
	c.expect("dbsize", ":0")
}

func TestFrameRoundTrip(t *testing.T) {
	f := frame{group: 0, request: 300, node: "n1", incarnate: 1 << 63, client: 9, user: "default", protocol: 3,
		items: [][]byte{[]byte("one"), {}, bytes.Repeat([]byte{0xff}, 200)}}
	b := f.append(nil)
	var g frame
	if err := g.decode(b); err != nil {
		t.Fatal(err)
	}
	if again := g.append(nil); !bytes.Equal(again, b) || g.incarnate != f.incarnate || len(g.items) != 3 {
		t.Errorf("%+v came back as %+v", f, g)
	}
	for i := range b {
		if err := new(frame).decode(b[:i]); err == nil {
			t.Errorf("the first %d bytes are taken for a frame", i)
		}
	}
	if err := g.decode(append(b, 0)); err == nil {
		t.Error("a frame with a byte left over is taken")
	}
	a := answer{outcome: applied, request: 300, index: 1 << 40, laps: commandTimes{5, 300}, replies: []byte("+OK\r\n")}
	b = a.append(nil)
	var back answer
	if err := back.decode(b); err != nil || back.index != a.index || string(back.replies) != "+OK\r\n" || !slices.Equal(back.laps, a.laps) {
		t.Errorf("%+v came back as %+v, %v", a, back, err)
	}
	want := []byte{2, 0, 0xac, 0x02, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 2, 5, 0xac, 0x02, 5, '+', 'O', 'K', '\r', '\n'}
	if !bytes.Equal(b, want) {
		t.Errorf("the answer's bytes are % x", b)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add((&frame{node: "n", user: "default", protocol: 2, items: [][]byte{[]byte("x")}}).append(nil))
	f.Add((&answer{index: 5, replies: []byte("+OK\r\n")}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var fr frame
		if fr.decode(b) == nil {
			var again frame
			if err := again.decode(fr.append(nil)); err != nil || len(again.items) != len(fr.items) {
				t.Errorf("a frame does not come back: %v", err)
			}
		}
		var a answer
		if a.decode(b) == nil {
			if err := new(answer).decode(a.append(nil)); err != nil {
				t.Errorf("an answer does not come back: %v", err)
			}
		}
	})
}

func TestHandleForwardRefuses(t *testing.T) {
	n := start(t)
	good := frame{node: "n2", user: "default", protocol: 2, request: 5, items: [][]byte{fsm.AppendItem(nil, 0, [][]byte{[]byte("set"), []byte("a"), []byte("1")})}}
	for name, call := range map[string]func() []byte{
		"garbage":       func() []byte { return n.srv.HandleForward(t.Context(), 0, "n2", []byte("garbage")) },
		"another group": func() []byte { return n.srv.HandleForward(t.Context(), 1, "n2", good.append(nil)) },
		"another node":  func() []byte { return n.srv.HandleForward(t.Context(), 0, "n3", good.append(nil)) },
	} {
		var a answer
		if err := a.decode(call()); err != nil || a.outcome != notApplied {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	var a answer
	if err := a.decode(n.srv.HandleForward(t.Context(), 0, "n2", good.append(nil))); err != nil || a.outcome != applied || a.request != 5 || string(a.replies) != "+OK\r\n" {
		t.Errorf("a good frame: %+v, %v", a, err)
	}
}
