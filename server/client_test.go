package server

import (
	"bufio"
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

func TestClientList(t *testing.T) {
	n := start(t)
	a, b := n.dial(), n.dial()
	a.expect("client setname alice", "+OK")
	b.expect("hello 3 setname bob", "{server redis version 7.0.15 proto :3 id :2 mode standalone role master modules []}")
	b.expect("select 4", "+OK")
	b.expect("client setinfo lib-name golang", "+OK")
	b.expect("client setinfo foo x", "-ERR Unrecognized option 'foo'")
	b.expect("client no-evict on", "+OK")
	line := `^id=1 addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:\d+ fd=\S* name=alice age=\d+ idle=\d+ flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=\d+ argv-mem=10 multi-mem=0 rbs=\d+ rbp=\d+ obl=0 oll=0 omem=0 tot-mem=\d+ events=r cmd=client\|list user=default redir=-1 resp=2 lib-name= lib-ver=\n` +
		`id=2 .* name=bob .* flags=e db=4 .* cmd=client\|no-evict user=default redir=-1 resp=3 lib-name=golang lib-ver=\n$`
	if got := a.do("client list"); !regexp.MustCompile(line).MatchString(got) {
		t.Errorf("CLIENT LIST:\n%s", got)
	}
	if got := a.do("client list id 2"); !strings.HasPrefix(got, "id=2 ") || strings.Count(got, "\n") != 1 {
		t.Errorf("CLIENT LIST ID 2:\n%s", got)
	}
	if got := b.do("client info"); !strings.Contains(got, "cmd=client|info ") {
		t.Errorf("CLIENT INFO:\n%s", got)
	}
	for line, want := range map[string]string{
		"client list type pubsub": "", "client list type foo": "-ERR Unknown client type 'foo'", "client list id": "-ERR syntax error",
		"client list id a": "-ERR Invalid client ID", "client list foo": "-ERR syntax error", "client list id 7 8": "",
		"client kill foo": "-ERR No such client", "client kill id 99": ":0", "client kill id a": "-ERR client-id should be greater than 0",
		"client kill foo bar": "-ERR syntax error", "client kill type foo": "-ERR Unknown client type 'foo'",
		"client kill user nosuch": "-ERR No such user 'nosuch'", "client kill skipme foo": "-ERR syntax error",
		"client kill addr 1.2.3.4:5 skipme": "-ERR syntax error", "client kill type pubsub": ":0",
	} {
		a.expect(line, want)
	}
	a.expect("client kill id 2", ":1")
	b.closed()
	a.expect("client kill id 1 skipme no", ":1")
	a.closed()
	c := n.dial()
	c.send("client kill " + c.conn.LocalAddr().String())
	if got := c.read(); got != "+OK" {
		t.Error(got)
	}
	c.closed()
}

func TestMaxclients(t *testing.T) {
	n := start(t, "maxclients", "1")
	a := n.dial()
	a.expect("ping", "+PONG")
	b := n.dial()
	if got := b.read(); got != "-"+errMaxClients {
		t.Error(got)
	}
	b.closed()
	if got := a.info("stats")["rejected_connections"]; got != "1" {
		t.Errorf("rejected_connections:%s", got)
	}
	a.expect("config set maxclients 2", "+OK")
	n.dial().expect("ping", "+PONG")
}

func TestIdleClientsAreClosed(t *testing.T) {
	n := start(t, "timeout", "1")
	c := n.dial()
	c.expect("ping", "+PONG")
	started := time.Now()
	c.closed()
	if d := time.Since(started); d < 900*time.Millisecond {
		t.Errorf("closed after %v", d)
	}
}

// TestTimeoutSpares those who wait for something, as Redis does: what they do not send is no sign that they are gone.
func TestTimeoutSpares(t *testing.T) {
	n := start(t, "timeout", "1")
	subscriber, blocked, idle := n.dial(), n.dial(), n.dial()
	subscriber.expect("subscribe news", "[subscribe news :1]")
	blocked.send("blpop list 0")
	n.parked(1)
	idle.expect("ping", "+PONG")
	idle.closed()
	other := n.dial()
	other.expect("publish news hello", ":1")
	if got := subscriber.read(); got != "[message news hello]" {
		t.Error(got)
	}
	other.expect("rpush list a", ":1")
	if got := blocked.read(); got != "[list a]" {
		t.Error(got)
	}
}

// abroad is a connection from another machine.
type abroad struct{ net.Conn }

func (abroad) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(203, 0, 113, 9), Port: 4711} }

// foreign is a listener whose clients all come from another machine.
type foreign struct{ net.Listener }

func (f foreign) Accept() (net.Conn, error) {
	c, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return abroad{c}, nil
}

func TestProtectedMode(t *testing.T) {
	n := start(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.srv.Serve(foreign{l})
	home, far := n.dial(), &node{t: t, addr: l.Addr().String()}
	c := far.dial()
	if got := c.read(); got != "-"+errDenied {
		t.Error(got)
	}
	c.closed()
	home.expect("config set requirepass x", "+OK")
	far.dial().expect("ping", "-"+errNoAuth)
	home.expect("config set requirepass ''", "+OK")
	home.expect("config set protected-mode no", "+OK")
	far.dial().expect("ping", "+PONG")
}

// A client that sends and does not read is disconnected, and holds nobody up meanwhile.
func TestClientThatDoesNotRead(t *testing.T) {
	n := start(t, "client-output-buffer-limit", "normal 0 200kb 1")
	c := n.dial()
	big := strings.Repeat("x", 1<<20)
	c.expect("set k "+big, "+OK")
	mute := n.dial()
	for range 64 {
		mute.send("get k")
	}
	c.expect("strlen k", ":1048576")
	eventually(t, "the end of the mute client", func() bool { return n.srv.sessions.count() == 1 })
	c.expect("config set client-output-buffer-limit 'normal 500kb 0 0'", "+OK")
	c.send("get k")
	c.closed()
}

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	config := NewConfig()
	for name, value := range map[string]string{"port": "0", "unixsocket": path, "unixsocketperm": "700"} {
		if err := config.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	srv, err := New(Options{Machine: fsm.New(), Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Listen(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: conn, in: bufio.NewReader(conn)}
	c.expect("echo hi", "hi")
	if got := c.do("client info"); !strings.Contains(got, "addr="+path+":0 laddr="+path+":0 ") {
		t.Error(got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := srv.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := srv.Close(ctx); err != nil {
		t.Error(err)
	}
	c.closed()
}

func TestBindLeavesOutOptionalAddresses(t *testing.T) {
	foreign := place{network: "tcp", address: "203.0.113.9:0"}
	optional := foreign
	optional.optional = true
	open, err := bindAll([]place{{network: "tcp", address: "127.0.0.1:0"}, optional}, 0)
	if err != nil || len(open) != 1 {
		t.Fatalf("%d listeners, %v", len(open), err)
	}
	_ = open[0].Close()
	if open, err = bindAll([]place{foreign}, 0); err == nil {
		_ = open[0].Close()
		t.Error("bound somebody else's address")
	}
}

func TestShutdown(t *testing.T) {
	asked := make(chan [2]bool, 1)
	n := start(t)
	n.srv.shutdown = func(save, now bool) error { asked <- [2]bool{save, now}; return nil }
	c := n.dial()
	c.send("shutdown save now")
	c.closed()
	if got := <-asked; got != [2]bool{true, true} {
		t.Errorf("asked for %v", got)
	}
}

func TestPatience(t *testing.T) {
	p := newPatience()
	ctx := p.begin(time.Millisecond)
	<-ctx.Done()
	if ctx.Err() != context.DeadlineExceeded {
		t.Error(ctx.Err())
	}
	p.end()
	ctx = p.begin(time.Hour)
	if ctx.Err() != nil {
		t.Error("a new request begins with no time left")
	}
	derived, cancel := context.WithCancel(ctx)
	defer cancel()
	p.end()
	p.cancel()
	<-derived.Done()
	if ctx = p.begin(time.Hour); ctx.Err() != context.Canceled {
		t.Error("a request after the end")
	}
	p.end()
}

// A client that touches no keys leaves no mark in what it reads, but for TOUCH.
func TestClientNoTouch(t *testing.T) {
	c := start(t).dial()
	for _, step := range [][2]string{
		{"config set maxmemory-policy allkeys-lfu lfu-log-factor 0", "+OK"}, // every access counts
		{"set k v", "+OK"},
		{"get k", "v"},
		{"object freq k", ":6"},
		{"client no-touch maybe", "-ERR syntax error"},
		{"client no-touch on", "+OK"},
		{"get k", "v"},
		{"eval_ro \"return redis.call('get','k')\" 1 k", "v"},
		{"object freq k", ":6"},
		{"touch k", ":1"},
		{"object freq k", ":7"},
		{"client no-touch off", "+OK"},
		{"eval_ro \"return redis.call('get','k')\" 1 k", "v"},
		{"object freq k", ":8"},
	} {
		c.expect(step[0], step[1])
	}
	c.expect("client no-touch on", "+OK")
	if info := c.do("client info"); !strings.Contains(info, " flags=T ") {
		t.Error(info)
	}
}
