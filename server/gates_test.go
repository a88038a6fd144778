package server

import (
	"io"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm"
)

func TestTexts(t *testing.T) {
	c := start(t).dial()
	for _, step := range []struct{ line, want string }{
		{"FOO bar baz", "-ERR unknown command 'FOO', with args beginning with: 'bar' 'baz' "},
		{"foo", "-ERR unknown command 'foo', with args beginning with: "},
		{"redraft.digest", "-ERR unknown command 'redraft.digest', with args beginning with: "},
		{"config foo", "-ERR unknown subcommand 'foo'. Try CONFIG HELP."},
		{"config", "-ERR wrong number of arguments for 'config' command"},
		{"config get", "-ERR wrong number of arguments for 'config|get' command"},
		{"client id x", "-ERR wrong number of arguments for 'client|id' command"},
		{"get", "-ERR wrong number of arguments for 'get' command"},
		{"auth a", "-" + errNoPassword},
		{"auth a b", "-" + errWrongPass},
		{"auth default whatever", "+OK"},
		{"auth a b c", "-ERR syntax error"},
		{"hello a", "-" + errProtover},
		{"hello 4", "-" + errNoProto},
		{"hello 3 setname", "-ERR Syntax error in HELLO option 'setname'"},
		{"hello 3 auth a", "-ERR Syntax error in HELLO option 'auth'"},
		{`hello 3 setname "a b"`, "-" + errClientName},
		{"hello", "[server redis version 7.0.15 proto :2 id :1 mode standalone role master modules []]"},
		{"hello 3 setname me", "{server redis version 7.0.15 proto :3 id :1 mode standalone role master modules []}"},
		{"client getname", "me"},
		{"hello 2", "[server redis version 7.0.15 proto :2 id :1 mode standalone role master modules []]"},
		{"select a", "-ERR value is not an integer or out of range"},
		{"select 99", "-ERR DB index is out of range"},
		{"select 3", "+OK"},
		{"set k v", "+OK"},
		{"reset", "+RESET"},
		{"get k", "(nil)"},
		{"client getname", "(nil)"},
		{"echo x", "x"},
		{"ping x", "x"},
		{"debug sleep 0", "-" + errDebug},
		{"debug nonsense", "-" + errDebug},
		{"function flush", "+OK"},
		{"function flush async", "+OK"},
		{"function flush foo", "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option"},
		{"function flush async sync", "-ERR unknown subcommand or wrong number of arguments for 'flush'. Try FUNCTION HELP."},
		{"readonly", "+OK"},
		{"shutdown abort", "-ERR No shutdown in progress."},
		{"shutdown foo", "-ERR syntax error"},
		{"bgsave foo", "-ERR syntax error"},
		{"wait 0 0", ":0"},
		{"wait 1 x", "-ERR timeout is not an integer or out of range"},
		{"wait 1 -1", "-ERR timeout is negative"},
		{"wait 1 5", ":0"},
		{"raft consistency", "linearizable"},
		{"raft consistency bounded:20", "+OK"},
		{"raft consistency", "bounded:20"},
		{"raft consistency sometimes", "-ERR " + errLevel.Error()},
		{"command getkeys mset a 1 b 2", "[a b]"},
		{"command getkeys foo a", "-ERR Invalid command specified"},
		{"command getkeys ping x", "-ERR The command has no key arguments"},
		{"command getkeysandflags set a b", "[[a [+OW +update]]]"},
		{"command info nosuch", "[(nil)]"},
		{"command list filterby pattern config|*", "[config|get config|set config|resetstat config|rewrite config|help]"},
		{"command list filterby foo bar", "-ERR syntax error"},
		{"command docs nosuch", "[]"},
		{"quit", "+OK"},
	} {
		c.expect(step.line, step.want)
	}
	c.closed()
}

func TestAuthentication(t *testing.T) {
	n := start(t)
	before := n.dial()
	before.expect("config set requirepass sesame", "+OK")
	before.expect("set a 1", "+OK") // who was in before stays in
	c := n.dial()
	for _, step := range []struct{ line, want string }{
		{"ping", "-" + errNoAuth},
		{"foo", "-ERR unknown command 'foo', with args beginning with: "},
		{"get", "-ERR wrong number of arguments for 'get' command"},
		{"get a", "-" + errNoAuth},
		{"hello", "-" + errHelloNoAuth},
		{"hello 3", "-" + errHelloNoAuth},
		{"hello 3 auth default wrong", "-" + errWrongPass},
		{"auth wrong", "-" + errWrongPass},
		{"auth other sesame", "-" + errWrongPass},
		{"auth sesame", "+OK"},
		{"get a", "1"},
		{"reset", "+RESET"},
		{"get a", "-" + errNoAuth},
		{"auth default sesame", "+OK"},
		{"config get requirepass", "[requirepass sesame]"},
		{"reset", "+RESET"},
	} {
		c.expect(step.line, step.want)
	}
	before.expect(`config set requirepass ""`, "+OK")
	c.expect("get a", "1")
}

func TestLoading(t *testing.T) {
	n := startLoading(t)
	c := n.dial()
	c.expect("get a", "-"+errLoading)
	c.expect("ping", "-"+errLoading)
	c.expect("echo x", "x")
	if got := c.do("info replication"); got == "" {
		t.Error("no answer to INFO")
	}
	c.expect("role", "[slave ? :0 connect :0]")
	c.expect("raft members", "-"+errNotJoined)
	c.expect("config set requirepass x", "-"+errNotJoined)
	c.expect("bgsave", "-"+errLoading)
	if f := c.info("persistence"); f["loading"] != "1" || f["rdb_last_bgsave_time_sec"] != "-1" {
		t.Errorf("a node that has not joined says %v", f)
	}
}

// starting is a node that has what its disk held, and has not caught up.
func starting(t *testing.T, settings ...string) *node {
	n := startLoading(t, settings...)
	n.cluster.m.Apply(1, 1, 1, 1, [][]byte{fsm.AppendItem(nil, 0, [][]byte{[]byte("set"), []byte("a"), []byte("old")})}, nil)
	n.cluster.index = 1
	n.cluster.follows.Store(true)
	n.cluster.set(func(f *fakeCluster) { f.status.State, f.status.LeaderID, f.status.Joined = "follower", "", false })
	n.srv.Attach(n.cluster)
	return n
}

// Without a leader a node that has not caught up serves stale reads, and says no to the rest at once.
func TestStartWithoutALeader(t *testing.T) {
	n := starting(t)
	c := n.dial()
	for _, step := range []struct{ line, want string }{
		{"ping", "+PONG"},
		{"get a", "-" + errNoLeader},
		{"set a 1", "-" + errNoLeader},
		{"raft remove n2", "-" + errNoLeader},
		{"raft digest", "-" + errNoLeader},
		{"config set requirepass x", "-" + errNoLeader},
		{"bgsave", "-" + errNoLeader},
		{"role", "[slave ? :0 connect :1]"},
		{"raft consistency stale", "+OK"},
		{"get a", "old"},
		{"set a 1", "-" + errNoLeader},
		{"raft consistency linearizable", "+OK"},
		{"get a", "-" + errNoLeader},
	} {
		c.expect(step.line, step.want)
	}
	f := c.info("all")
	if f["loading"] != "0" || f["raft_joined"] != "0" || f["role"] != "slave" || f["master_link_status"] != "down" {
		t.Errorf("INFO says %v", f)
	}
	starting(t, "read-consistency", "stale").dial().expect("get a", "old")
}

// With a leader commands wait until the node has caught up, for a while.
func TestStartWithALeader(t *testing.T) {
	n := starting(t)
	n.cluster.set(func(f *fakeCluster) { f.status.LeaderID = "n1" })
	c := n.dial()
	n.srv.requestTimeout.Store(10)
	c.expect("get a", "-"+errCatchingUp)
	c.expect("set a 1", "-"+errCatchingUp)
	n.srv.requestTimeout.Store(10000)
	c.send("get a", "set b 1", "get b")
	eventually(t, "a session that waits", func() bool {
		return strings.Contains(n.dial().do("client list"), "id=1 ") && n.srv.sessions.list()[0].turn.busy()
	})
	n.cluster.follows.Store(false)
	n.cluster.set(func(f *fakeCluster) { f.status.State, f.status.Joined = "leader", true })
	n.srv.Ready()
	for _, want := range []string{"old", "+OK", "1"} {
		if got := c.read(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The password that counts is the cluster's, as soon as the node knows it: whoever came in before
// has to have given that one.
func TestStartWithoutAPassword(t *testing.T) {
	n := starting(t)
	n.cluster.set(func(f *fakeCluster) { f.status.LeaderID = "n1" })
	password := func(word string) {
		item := fsm.SetParameters(fsm.Setting{Name: fsm.ParamRequirePass, Value: word})
		n.cluster.set(func(f *fakeCluster) {
			f.index++
			f.m.Apply(f.index, 1, 1, 1, [][]byte{item}, nil)
		})
	}
	early, waits, sets := n.dial(), n.dial(), n.dial()
	early.expect("ping", "+PONG")
	waits.send("set a 1")
	sets.send("config set requirepass mine")
	eventually(t, "two sessions that wait", func() bool {
		busy := 0
		for _, s := range n.srv.sessions.all() {
			if s.turn.busy() {
				busy++
			}
		}
		return busy == 2
	})
	password("former")
	former, right := n.dial(), n.dial()
	early.expect("ping", "-"+errNoAuth)
	former.expect("auth former", "+OK")
	right.expect("auth former", "+OK")
	right.expect("auth sesame", "-"+errWrongPass)
	former.expect("ping", "+PONG")
	password("sesame")
	former.expect("ping", "-"+errNoAuth)
	right.expect("auth sesame", "+OK")
	n.srv.Ready()
	for _, c := range []*client{waits, sets} {
		if got := c.read(); got != "-"+errNoAuth {
			t.Errorf("who waited was answered %q", got)
		}
	}
	early.expect("ping", "-"+errNoAuth)
	former.expect("ping", "-"+errNoAuth)
	right.expect("ping", "+PONG")
	password("later")
	right.expect("ping", "+PONG") // who is in stays in, as in Redis
}

func TestDebug(t *testing.T) {
	c := start(t, "enable-debug-command", "local").dial()
	c.expect("debug sleep 0.01", "+OK")
	c.expect("debug sleep", "-ERR unknown subcommand or wrong number of arguments for 'sleep'. Try DEBUG HELP.")
	c.expect("debug error 'OOPS it broke'", "-OOPS it broke")
	c.expect("debug digest", "+0000000000000000000000000000000000000000")
	c.expect("debug protocol map", "[:0 :0 :1 :1 :2 :0]")
	c.expect("debug protocol push", "-ERR RESP2 is not supported by this command")
	c.expect("debug protocol attrib", "Some real reply following the attribute")
	c.expect("set a 1", "+OK")
	if one := c.do("debug digest"); one == "+0000000000000000000000000000000000000000" {
		t.Error("the digest of something is that of nothing")
	}
}

func TestDebugAttribute(t *testing.T) {
	c := start(t, "enable-debug-command", "local").dial()
	c.do("hello 3")
	c.send("debug protocol attrib", "ping")
	const want = "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$39\r\nSome real reply following the attribute\r\n+PONG\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.in, got); err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
}

// A client's table has every command of the machine that is not a node's own.
func TestTableIsComplete(t *testing.T) {
	n := start(t)
	for _, spec := range fsm.Commands() {
		if n.srv.commands.table.Named(spec.Name) == nil && spec.Group != "" && spec.Name[0] != 'r' {
			t.Errorf("%s is missing", spec.Name)
		}
	}
	for _, e := range n.srv.commands.all {
		if e.route == onSession && e.run == nil && !e.spec.Container() {
			t.Errorf("%s has no handler", e.name)
		}
		if e.route == asRead && !e.spec.IsRead() && !e.spec.Container() && e.spec.Group != "scripting" {
			t.Errorf("%s neither reads nor writes, and is not the session's", e.name)
		}
	}
}
