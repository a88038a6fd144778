package server

import (
	"io"
	"math"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm"
)

// A node that has not heard of a change of users yet lets pass what they forbid, and the leader does not: it sends
// the write back, and the node waits until it knows better.
func TestRevocationReachesFollowers(t *testing.T) {
	n := start(t)
	f := n.follower()
	n.dial().expect("acl setuser u on nopass +set +acl|whoami ~*", "+OK")
	n.dial().expect("acl setuser v on nopass +set ~*", "+OK")
	c, d := f.dial(), f.dial()
	c.expect("auth u x", "+OK")
	d.expect("auth v x", "+OK")
	c.expect("set k 1", "+OK")

	n.cluster.set(func(c *fakeCluster) { c.others = nil })
	applied := len(n.cluster.entries)
	f.cluster.set(func(c *fakeCluster) {
		c.catchUp = func() {
			n.cluster.mu.Lock()
			defer n.cluster.mu.Unlock()
			for ; applied < len(n.cluster.entries); applied++ {
				index := uint64(applied + 1)
				c.m.Apply(index, 1, 1, index, n.cluster.entries[applied], nil)
			}
		}
	})
	n.dial().expect("acl setuser u -set", "+OK")
	d.expect("set k 2", "+OK") // of another user: it goes the longer way
	c.expect("set k 3", "-NOPERM this user has no permissions to run the 'set' command")
	n.dial().expect("get k", "2")
	n.dial().expect("acl setuser u +set resetkeys ~a", "+OK")
	c.expect("set k 4", "-NOPERM this user has no permissions to run the 'set' command") // as far as this node knows
	d.expect("set k 5", "+OK")
	c.expect("set k 6", "-NOPERM this user has no permissions to access one of the keys used as arguments")
	n.dial().expect("acl setuser u resetkeys ~b", "+OK")
	c.expect("set a 7", "-"+errRights)
	c.expect("set a 7", "-NOPERM this user has no permissions to access one of the keys used as arguments")
	n.dial().expect("acl deluser u", ":1")
	n.dial().expect("acl setuser u on nopass +@all ~*", "+OK")
	_, _ = io.WriteString(c.conn, request("set", "b", "8"))
	if got, err := readReply(c.in); err == nil && got != "-"+errRights { // or the node has ended the connection by now
		t.Errorf("who was deleted is answered %s", got)
	}
	n.dial().expect("get b", "(nil)")
}

// Whoever proposes for itself, and not for a client, is not judged.
func TestOwnFramesAreNotJudged(t *testing.T) {
	n := start(t)
	n.dial().expect("acl setuser u on", "+OK")
	for judged, want := range map[uint64]outcome{0: judgedEarly, n.srv.machine.Access().Index: applied, math.MaxUint64: applied} {
		f := frame{node: "n2", user: "default", judged: judged, protocol: 2, items: [][]byte{fsm.AppendItem(nil, 0, [][]byte{[]byte("get"), []byte("a")})}}
		var a answer
		if err := a.decode(n.srv.HandleForward(t.Context(), 0, "n2", f.append(nil))); err != nil || a.outcome != want {
			t.Errorf("judged up to %d: %+v, %v", judged, a, err)
		}
	}
}

// Neither the log nor a snapshot has a password in the clear.
func TestPasswordsAreHashed(t *testing.T) {
	n := start(t)
	n.dial().expect("acl setuser u on >sesame", "+OK")
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	for _, entry := range n.cluster.entries {
		for _, item := range entry {
			if strings.Contains(string(item), "sesame") {
				t.Errorf("an item is %q", item)
			}
		}
	}
}

// A user that is deleted on one node is gone from all.
func TestDeletedUserIsDisconnectedEverywhere(t *testing.T) {
	n := start(t)
	f := n.follower()
	n.dial().expect("acl setuser u on nopass +@all", "+OK")
	c, d, other := n.dial(), f.dial(), f.dial()
	c.expect("auth u x", "+OK")
	d.expect("auth u x", "+OK")
	d.expect("ping", "+PONG")
	n.dial().expect("acl deluser u", ":1")
	c.closed()
	d.closed()
	other.expect("ping", "+PONG")
}

// A snapshot that has another user of the name disconnects, one with the same does not.
func TestSnapshotEndsUsers(t *testing.T) {
	n := start(t)
	n.dial().expect("acl setuser stays on nopass +@all", "+OK")
	n.dial().expect("acl setuser goes on nopass +@all", "+OK")
	image := n.image()
	n.dial().expect("acl deluser goes", ":1")
	n.dial().expect("acl setuser goes on nopass +@all", "+OK")
	stays, goes := n.dial(), n.dial()
	stays.expect("auth stays x", "+OK")
	goes.expect("auth goes x", "+OK")
	if err := n.srv.machine.Restore(strings.NewReader(image)); err != nil {
		t.Fatal(err)
	}
	goes.closed()
	stays.expect("ping", "+PONG")
}

func (n *node) image() string {
	n.t.Helper()
	write, release, err := n.srv.machine.Snapshot()
	if err != nil {
		n.t.Fatal(err)
	}
	defer release()
	var b strings.Builder
	if err := write(&b); err != nil {
		n.t.Fatal(err)
	}
	return b.String()
}

// Who had logged in before the node had caught up is who it was if that is still right.
func TestStartWithUsers(t *testing.T) {
	n := startLoading(t)
	apply := func(items ...[]byte) {
		n.cluster.set(func(f *fakeCluster) {
			f.index++
			f.m.Apply(f.index, 1, 1, f.index, items, nil)
		})
	}
	apply(fsm.SetUser("u", []string{"on", "nopass", "+@all"}), fsm.SetUser("v", []string{"on", "nopass", "+@all"}), fsm.SetUser("w", []string{"on", "nopass", "+@all"}))
	n.cluster.set(func(f *fakeCluster) { f.status.LeaderID = "n1" })
	n.srv.Attach(n.cluster)
	u, v, w := n.dial(), n.dial(), n.dial()
	u.expect("auth u one", "+OK")
	v.expect("auth v one", "+OK")
	w.expect("auth w one", "+OK")
	apply(fsm.SetUser("u", []string{"#" + strings.Repeat("0", 64)}), fsm.DeleteUsers("w"))
	n.srv.Ready()
	u.expect("ping", "-"+errNoAuth)
	v.expect("acl whoami", "v")
	w.closed()
	u.expect("auth default x", "+OK")
	u.expect("acl whoami", "default")
}

// A command that is proposed is judged by the users that were known when it came, the ones behind it by others.
func TestPipelineChangesItsUser(t *testing.T) {
	for name, n := range map[string]*node{"leader": start(t), "follower": start(t).follower()} {
		c := n.dial()
		c.expect("acl setuser u on nopass +@all ~*", "+OK")
		c.expect("auth u x", "+OK")
		c.send("set k 1", "set k 2", "acl setuser u -set", "set k 3", "get k", "acl setuser u -get +set", "set k 4", "get k", "acl setuser u +get", "get k")
		for _, want := range []string{"+OK", "+OK", "+OK", "-NOPERM this user has no permissions to run the 'set' command", "2", "+OK", "+OK",
			"-NOPERM this user has no permissions to run the 'get' command", "+OK", "4"} {
			if got := c.read(); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	}
}

func TestProtectedModeAndUsers(t *testing.T) {
	n := start(t)
	outside := func() string { return n.srv.protect(&clientConn{guard: &guard{Conn: abroad{}}}) }
	if text := outside(); text != errDenied {
		t.Errorf("without a password a client from outside is answered %q", text)
	}
	c := n.dial()
	c.expect("acl setuser default off", "+OK")
	if text := outside(); text != errDenied { // as in Redis
		t.Errorf("with a default user that is off: %q", text)
	}
	c.expect("acl setuser default on >x", "+OK")
	if text := outside(); text != "" {
		t.Errorf("with a password: %q", text)
	}
	c.expect("config set requirepass y", "+OK")
	c.expect("config set requirepass ''", "+OK")
	if text := outside(); text != errDenied {
		t.Errorf("without a password again: %q", text)
	}
	c.expect("config set protected-mode no", "+OK")
	if text := outside(); text != "" {
		t.Errorf("without protection: %q", text)
	}
}

// What was judged by users that have changed before it is proposed is held against them once more, where nobody
// else does: on the node that leads.
func TestJudgedBeforeAChange(t *testing.T) {
	n := start(t)
	s := newSession(n.srv, 99, nil)
	set := fsm.AppendItem(nil, 0, [][]byte{[]byte("set"), []byte("a"), []byte("1")})
	change := func(item []byte) {
		if _, err := n.cluster.Propose(t.Context(), 0, [][]byte{item}, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.rulesNow()
	change(fsm.SetUser("another", []string{"on"}))
	if _, text := s.proposeItem(set); text != "" {
		t.Errorf("after a change of another user: %s", text)
	}
	change(fsm.SetUser("default", []string{"-set"}))
	if _, text := s.proposeItem(set); text != errRights {
		t.Errorf("after a change of its own user: %q", text)
	}
}
