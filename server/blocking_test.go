package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

// parked waits until n clients of the node wait in the log.
func (n *node) parked(want int) {
	n.t.Helper()
	eventually(n.t, fmt.Sprintf("%d clients wait", want), func() bool { return n.srv.blocked.Load() == int64(want) })
}

// tick applies an empty entry when something falls due, as a leader does.
func (n *node) tick() {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(time.Millisecond):
			}
			if due := n.cluster.m.Due(); due != 0 && due <= time.Now().UnixMilli() {
				_, _ = n.cluster.Propose(n.t.Context(), 0, nil, nil)
			}
		}
	}()
	n.t.Cleanup(func() { close(end); <-ended })
}

func TestBlockingOnLeaderAndFollower(t *testing.T) {
	leader := start(t)
	leader.tick()
	for name, n := range map[string]*node{"leader": leader, "follower": leader.follower()} {
		t.Run(name, func(t *testing.T) {
			c, other := n.dial(), leader.dial()
			other.expect("flushall", "+OK")
			c.expect("blpop list 0.01", "(nil)")
			other.expect("rpush list a", ":1")
			c.expect("blpop list 0", "[list a]")
			c.expect("blpop list x", "-ERR timeout is not a float or out of range")
			c.send("echo before", "blpop nothing list 0", "echo behind")
			if got := c.read(); got != "before" {
				t.Fatal(got)
			}
			n.parked(1)
			if line := n.dial().do("client list"); !strings.Contains(line, "flags=b ") || !strings.Contains(line, "cmd=blpop") {
				t.Errorf("CLIENT LIST: %s", line)
			}
			if info := n.dial().do("info clients"); !strings.Contains(info, "blocked_clients:1\r\n") {
				t.Errorf("INFO: %s", info)
			}
			other.expect("rpush list b", ":1")
			for _, want := range []string{"[list b]", "behind"} {
				if got := c.read(); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
			c.expect("get list", "(nil)")
			c.send("hello 3", "blmove list to left left 0.01", "client reply off", "blpop list 0.01", "client reply on")
			c.read()
			for _, want := range []string{"(nil)", "+OK"} {
				if got := c.read(); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
			n.parked(0)
		})
	}
}

// What a client that has gone waited for stays for others.
func TestBlockingClientHangsUp(t *testing.T) {
	leader := start(t)
	for name, n := range map[string]*node{"leader": leader, "follower": leader.follower()} {
		t.Run(name, func(t *testing.T) {
			other := leader.dial()
			defer func() { _ = other.conn.Close() }() // or the next would count it
			for i, leave := range []func(c *client){
				func(c *client) { c.conn.Close() },
				func(*client) {
					killer := n.dial()
					killer.expect("client kill type normal skipme yes", ":1")
					killer.conn.Close()
				},
			} {
				c := n.dial()
				c.send("blpop list 0", "set never 1")
				n.parked(1)
				if i == 1 {
					other.conn.Close()
					other = nil
					eventually(t, "only one is left", func() bool { return n.srv.sessions.count() == 1 })
				}
				leave(c)
				eventually(t, "its ticket is gone", func() bool { return !leader.cluster.m.Waits(n.srv.nodeID, 0) })
				n.parked(0)
				if other == nil {
					other = leader.dial()
				}
				other.expect("rpush list x", ":1")
				other.expect("lpop list", "x")
				other.expect("get never", "(nil)")
			}
			other.conn.Close() // or it is one too many on the leader for the next of the two
			eventually(t, "nobody is left", func() bool { return leader.srv.sessions.count() == 0 })
		})
	}
}

func TestClientUnblock(t *testing.T) {
	leader := start(t)
	leader.cluster.members = []Member{{ID: "n1", Voter: true}}
	follower := leader.follower()
	follower.cluster.members = leader.cluster.members
	for name, n := range map[string]*node{"leader": leader, "follower": follower} {
		t.Run(name, func(t *testing.T) {
			c, other := n.dial(), n.dial()
			id := strings.TrimPrefix(c.do("client id"), ":")
			for _, step := range []struct{ wait, how, counted, want string }{
				{"blpop list 0", "", ":1", "(nil)"},
				{"blpop list 0", "timeout", ":1", "(nil)"},
				{"blmove list to left left 0", "error", ":1", "-" + errUnblocked},
				{"wait 3 0", "", ":1", ":0"},
				{"wait 3 0", "error", ":1", "-" + errUnblocked},
			} {
				c.send(step.wait)
				n.parked(1)
				other.expect("client unblock "+id+" "+step.how, step.counted)
				if got := c.read(); got != step.want {
					t.Errorf("%s is answered %s", step.wait, got)
				}
				n.parked(0)
			}
			other.expect("client unblock "+id, ":0")
			other.expect("client unblock 999", ":0")
			other.expect("client unblock -1", ":0")
			other.expect("client unblock x", "-"+errNotInteger)
			other.expect("client unblock 1 foo", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		})
	}
}

// A change of leader ends all waiting, and takes nothing.
func TestBlockingAcrossTerms(t *testing.T) {
	leader := start(t)
	n := leader.follower()
	c, d := n.dial(), leader.dial()
	c.send("blpop list 0")
	d.send("blpop list 0")
	n.parked(1)
	leader.parked(1)
	leader.cluster.set(func(f *fakeCluster) { f.status.Term = 2 })
	leader.dial().expect("rpush list x", ":1")
	for _, c := range []*client{c, d} {
		if got := c.read(); !strings.HasPrefix(got, "-UNBLOCKED force unblock") {
			t.Errorf("got %s", got)
		}
	}
	c.expect("lpop list", "x")
}

// A command whose fate is unknown is answered so, and its ticket, if there is one, taken back.
func TestBlockingUncertain(t *testing.T) {
	n := start(t)
	c := n.dial()
	n.cluster.set(func(f *fakeCluster) { f.propose, f.apply = &fakeError{open: true}, true })
	c.expect("blpop list 0", "-"+errUncertain)
	n.cluster.set(func(f *fakeCluster) { f.propose, f.apply = nil, false })
	eventually(t, "its ticket is gone", func() bool { return !n.cluster.m.Waits("n1", 0) })
	n.dial().expect("rpush list x", ":1")
	n.cluster.set(func(f *fakeCluster) { f.propose, f.apply = &fakeError{open: true}, true })
	c.expect("blpop list 0", "[list x]") // the answer came all the same
	n.cluster.set(func(f *fakeCluster) { f.propose, f.apply = &fakeError{full: true}, false })
	c.expect("blpop list 0", "-"+errMovingOn)
	n.cluster.set(func(f *fakeCluster) { f.propose = nil })
	c.expect("get list", "(nil)")
}

// A node that starts anew takes back what it waited for before; so does the leader for a node that does not
// answer.
func TestNobodyComesBackForIt(t *testing.T) {
	n := start(t)
	n.cluster.set(func(f *fakeCluster) { f.members = []Member{{ID: "n1"}, {ID: "n2", Known: true, Contact: time.Hour}} })
	blpop := [][]byte{[]byte("BLPOP"), []byte("list"), []byte("0")}
	var items [][]byte
	for i, node := range []string{"n1", "n2"} {
		items = append(items, fsm.Blocking(fsm.Origin{Node: node, Incarnation: 1, Session: uint64(i)}, 0, blpop))
	}
	if _, err := n.cluster.Propose(t.Context(), 0, items, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old incarnation's is dropped", func() bool { return !n.cluster.m.Waits("n1", 0) })
	eventually(t, "the silent node's is dropped", func() bool { return !n.cluster.m.Waits("n2", 0) })
}

func TestBlockingWithoutALeader(t *testing.T) {
	n := start(t, "request-timeout", "1000")
	c := n.dial()
	c.send("blpop list 0")
	n.parked(1)
	n.cluster.set(func(f *fakeCluster) { f.status.LeaderID = "" })
	if got := c.read(); got != "-"+errUncertain {
		t.Errorf("got %s", got)
	}
}

func TestBlockingIsRefused(t *testing.T) {
	leader := start(t)
	n := leader.follower()
	c := n.dial()
	c.expect("config set replica-writes readonly", "+OK")
	c.expect("blpop list 0", "-"+errReadOnly)
	c.expect("multi", "+OK")
	c.expect("set a 1", "-"+errReadOnly)
	c.expect("exec", "-"+errExecAbort)
	c.expect("multi", "+OK")
	c.expect("get a", "+QUEUED")
	c.expect("exec", "[(nil)]")
	c.expect("config set replica-writes moved", "+OK")
	c.expect("blpop list 0", "-"+errNoLeader)
}

// XREAD waits on its node alone: no entry, and the answer as soon as this node has applied what it waits for.
func TestTail(t *testing.T) {
	leader := start(t)
	for name, n := range map[string]*node{"leader": leader, "follower": leader.follower()} {
		t.Run(name, func(t *testing.T) {
			c, other := n.dial(), leader.dial()
			other.expect("del s", ":0")
			c.expect("xread block 1 streams s $", "(nil)")
			c.expect("xread block x streams s $", "-ERR timeout is not an integer or out of range")
			c.send("echo before", "xread block 0 streams other s $ $", "echo behind")
			if got := c.read(); got != "before" {
				t.Fatal(got)
			}
			n.parked(1)
			entries := len(leader.cluster.entries)
			other.expect("xadd s 1-1 a b", "1-1")
			if len(leader.cluster.entries) != entries+1 {
				t.Error("it took an entry")
			}
			for _, want := range []string{"[[s [[1-1 [a b]]]]]", "behind"} {
				if got := c.read(); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
			c.expect("xread count 1 block 0 streams s 0", "[[s [[1-1 [a b]]]]]")
			id := strings.TrimPrefix(c.do("client id"), ":")
			c.send("xread block 0 streams s $")
			n.parked(1)
			other.expect("client unblock 999", ":0")
			n.dial().expect("client unblock "+id+" error", ":1")
			if got := c.read(); got != "-"+errUnblocked {
				t.Error(got)
			}
			for _, line := range []string{"multi", "xread block 0 streams s $"} {
				c.do(line)
			}
			c.expect("exec", "[(nil)]")
			other.expect("del s", ":1")
		})
	}
}
