package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeCluster is a cluster of one that applies at once, or does what a test tells it to.
type fakeCluster struct {
	m       *fsm.Machine
	follows atomic.Bool
	kept    atomic.Int64   // what KeepLog was told
	peer    *Server        // the leader's server, for Forward
	others  []*fsm.Machine // of followers: they apply what this one applies
	catchUp func()         // what WaitApplied waits for, if that takes doing

	mu        sync.Mutex
	index     uint64
	entries   [][][]byte    // what was proposed
	propose   error         // what Propose answers instead
	takes     time.Duration // the log, before an entry is applied
	apply     bool          // …after applying all the same
	forward   error
	readIndex error
	read      []string // what reads waited for
	status    Status
	members   []Member
	admin     error
	done      []string
}

func newFakeCluster(m *fsm.Machine) *fakeCluster {
	return &fakeCluster{m: m, status: Status{NodeID: "n1", ClusterID: "c1", Incarnate: 7, Joined: true, Voter: true, State: "leader", LeaderID: "n1"}}
}

func (f *fakeCluster) Leads(int) bool { return !f.follows.Load() }

func (f *fakeCluster) Propose(_ context.Context, _ int, items [][]byte, local []any) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var copied [][]byte
	for _, it := range items {
		copied = append(copied, append([]byte(nil), it...))
	}
	if f.propose != nil && !f.apply {
		return 0, f.propose
	}
	time.Sleep(f.takes)
	if len(f.entries) < 1000 {
		f.entries = append(f.entries, copied)
	}
	f.index++
	f.applyLocked(copied, local)
	return f.index, f.propose
}

// applyLocked applies an entry everywhere.
func (f *fakeCluster) applyLocked(items [][]byte, local []any) {
	stamp := time.Now().UnixMilli()
	f.m.Apply(f.index, f.term(), stamp, f.index, items, local)
	for _, m := range f.others {
		m.Apply(f.index, f.term(), stamp, f.index, items, nil)
	}
}

func (f *fakeCluster) term() uint64 { return max(1, f.status.Term) }

func (f *fakeCluster) ReadIndex(_ context.Context, _ int, strict bool) error {
	return f.waited(fmt.Sprintf("ReadIndex strict=%v", strict))
}

func (f *fakeCluster) WaitApplied(_ context.Context, _ int, index uint64) error {
	if f.catchUp != nil {
		f.catchUp()
	}
	return f.waited(fmt.Sprintf("WaitApplied %d", index))
}

func (f *fakeCluster) Bounded(_ context.Context, _ int, d time.Duration) error {
	return f.waited("Bounded " + d.String())
}

func (f *fakeCluster) waited(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = append(f.read, what)
	return f.readIndex
}

func (f *fakeCluster) Forward(ctx context.Context, group int, frame []byte) ([]byte, error) {
	f.mu.Lock()
	err, peer, node := f.forward, f.peer, f.status.NodeID
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return peer.HandleForward(ctx, group, node, frame), nil
}

func (f *fakeCluster) Elapsed(int) int64 { return max(0, time.Now().UnixMilli()-f.m.Clock()) }

func (f *fakeCluster) Status(int) Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := f.status
	st.Applied = f.index
	return st
}

func (f *fakeCluster) KeepLog(bytes int64) { f.kept.Store(bytes) }

func (f *fakeCluster) LogBytes(int) int64 { return 4711 }

func (f *fakeCluster) Members(int) []Member { return f.members }

func (f *fakeCluster) administer(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, what)
	return f.admin
}

func (f *fakeCluster) Add(_ context.Context, _ int, id, addr string) error {
	return f.administer("add " + id + " " + addr)
}
func (f *fakeCluster) Remove(_ context.Context, _ int, id string) error {
	return f.administer("remove " + id)
}
func (f *fakeCluster) Promote(_ context.Context, _ int, id string) error {
	return f.administer("promote " + id)
}
func (f *fakeCluster) Demote(_ context.Context, _ int, id string) error {
	return f.administer("demote " + id)
}
func (f *fakeCluster) Transfer(_ context.Context, _ int, id string) error {
	return f.administer("transfer " + id)
}
func (f *fakeCluster) Snapshot(context.Context, int) error { return f.administer("snapshot") }

// fakeError is an error that behaves as told.
type fakeError struct{ lead, full, large, open bool }

func (e *fakeError) Error() string     { return "as the test wants" }
func (e *fakeError) Unknown() bool     { return e.open }
func (e *fakeError) QueueFull() bool   { return e.full }
func (e *fakeError) TooLarge() bool    { return e.large }
func (e *fakeError) NotLeader() string { return "" }

// node is a server with its fake cluster.
type node struct {
	t       testing.TB
	srv     *Server
	cluster *fakeCluster
	addr    string
}

// start starts a server whose parameters are given as name, value, …
func start(t testing.TB, settings ...string) *node {
	t.Helper()
	n := startLoading(t, settings...)
	n.srv.Attach(n.cluster)
	n.srv.Ready()
	return n
}

func startLoading(t testing.TB, settings ...string) *node {
	t.Helper()
	config := NewConfig()
	for i := 0; i < len(settings); i += 2 {
		if err := config.Set(settings[i], settings[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	m := fsm.New()
	srv, err := New(Options{Machine: m, Config: config, Version: "1.2.3", RunID: strings.Repeat("a", 40)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv.Serve(l)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return &node{t: t, srv: srv, cluster: newFakeCluster(m), addr: l.Addr().String()}
}

// slow has the log take so long.
func (n *node) slow(d time.Duration) { n.cluster.set(func(f *fakeCluster) { f.takes = d }) }

// client is a connection that speaks RESP.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

func (n *node) dial() *client {
	n.t.Helper()
	return dialAddr(n.t, n.addr)
}

func dialAddr(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	return &client{t: t, conn: conn, in: bufio.NewReader(conn)}
}

// request is a command on the wire.
func request(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

// words splits a line as the tests write commands.
func words(line string) []string {
	split, ok := command.SplitLine([]byte(line))
	if !ok {
		panic("the quotes of " + line)
	}
	var words []string
	for _, w := range split {
		words = append(words, string(w))
	}
	return words
}

func (c *client) send(lines ...string) {
	c.t.Helper()
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(request(words(l)...))
	}
	if _, err := io.WriteString(c.conn, b.String()); err != nil {
		c.t.Fatal(err)
	}
}

// do sends a command and returns its reply in one line; see read.
func (c *client) do(line string) string {
	c.t.Helper()
	c.send(line)
	return c.read()
}

// expect sends a command and checks its reply.
func (c *client) expect(line, want string) {
	c.t.Helper()
	if got := c.do(line); got != want {
		c.t.Errorf("%s:\n got %s\nwant %s", line, got, want)
	}
}

// read reads a reply: +OK, -ERR …, :1, bulk strings bare, (nil), aggregates as [a b], {k v}, ~[…].
func (c *client) read() string {
	c.t.Helper()
	s, err := readReply(c.in)
	if err != nil {
		c.t.Fatalf("reading a reply: %v", err)
	}
	return s
}

// closed waits until the server has closed the connection.
func (c *client) closed() {
	c.t.Helper()
	if _, err := c.in.ReadByte(); err == nil {
		c.t.Fatal("a byte came where the connection should have ended")
	} else if errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "timeout") {
		c.t.Fatalf("the connection was not closed: %v", err)
	}
}

func readReply(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, text := line[0], strings.TrimSuffix(line[1:], "\r\n")
	n, _ := strconv.Atoi(text)
	switch kind {
	case '$', '=':
		if n < 0 {
			return "(nil)", nil
		}
		b := make([]byte, n+2)
		_, err := io.ReadFull(in, b)
		return string(b[:n]), err
	case '_':
		return "(nil)", nil
	case '*', '~', '>', '%':
		if n < 0 {
			return "(nil)", nil
		}
		open, end := "[", "]"
		if kind == '%' {
			n, open, end = 2*n, "{", "}"
		} else if kind != '*' {
			open = string(kind) + open
		}
		var parts []string
		for range n {
			p, err := readReply(in)
			if err != nil {
				return "", err
			}
			parts = append(parts, p)
		}
		return open + strings.Join(parts, " ") + end, nil
	}
	return string(kind) + text, nil
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not come: %s", what)
		}
	}
}
