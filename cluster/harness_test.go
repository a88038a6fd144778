package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// testWait is how long a test waits for something that has to happen.
const testWait = 20 * time.Second

// testNode is a node with its machine.
type testNode struct {
	*Node
	t       testing.TB
	machine *testMachine
	options Options
	dead    bool
	ends    *testEnds
}

// testEnds is what a node gave as the reasons for its end.
type testEnds struct {
	mu   sync.Mutex
	errs []error
}

func (n *testNode) fatals() []error {
	n.ends.mu.Lock()
	defer n.ends.mu.Unlock()
	return append([]error(nil), n.ends.errs...)
}

// testCluster is a cluster of nodes in this process.
type testCluster struct {
	t     testing.TB
	net   *testNet
	nodes []*testNode
	tune  func(*Options) // changes every node's options
}

// newTestCluster starts a cluster of n voters, and stops it with the test.
func newTestCluster(t testing.TB, n int, tune func(*Options)) *testCluster {
	t.Helper()
	t.TempDir() // asked for first, it is removed last: when the nodes have ended
	leaks := goleak.IgnoreCurrent()
	c := &testCluster{t: t, net: newTestNet(), tune: tune}
	t.Cleanup(func() {
		c.close()
		goleak.VerifyNone(t, leaks)
	})
	for range n {
		c.add(nil)
	}
	for _, node := range c.nodes {
		eventually(t, "a vote for everybody", func() bool { return node.Status(0).Voter })
	}
	return c
}

// testLog shows the nodes' lines with REDRAFT_TEST_LOG set.
func testLog() *slog.Logger {
	if os.Getenv("REDRAFT_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// testOptions are those of a node of its own.
func testOptions(t testing.TB) Options {
	return Options{
		Dir:    t.TempDir(),
		Listen: "127.0.0.1:0",
		Secret: []byte("secret"),
		Log:    testLog(),
	}
}

// calmTimeout is a heartbeat timeout for tests in which nobody may be elected, on a machine that has
// much else to do.
const calmTimeout = 3 * heartbeatDefault

func calm(o *Options) { o.HeartbeatTimeout = calmTimeout }

// openTestNode starts a node with options.
func openTestNode(t testing.TB, network *testNet, o Options) (*testNode, error) {
	t.Helper()
	n := &testNode{t: t, machine: newTestMachine(), ends: &testEnds{}}
	if m, ok := o.Machine.(*testMachine); ok {
		n.machine = m
	}
	o.Machine = n.machine
	o.Fatal = func(err error) {
		n.ends.mu.Lock()
		defer n.ends.mu.Unlock()
		n.ends.errs = append(n.ends.errs, err)
	}
	if network != nil {
		var addr string
		o.dial = network.dialer(func() string { return addr })
		o.bound = func(a string) { addr = a }
	}
	n.options = o
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	var err error
	n.Node, err = Open(ctx, o)
	return n, err
}

// add starts a further node that joins the first one that lives, or founds the cluster.
func (c *testCluster) add(tune func(*Options)) *testNode {
	c.t.Helper()
	o := testOptions(c.t)
	o.ClientAddr = fmt.Sprintf("client-%d:6379", len(c.nodes))
	if len(c.nodes) > 0 {
		o.Join = c.joinAddr
	}
	if c.tune != nil {
		c.tune(&o)
	}
	if tune != nil {
		tune(&o)
	}
	n, err := openTestNode(c.t, c.net, o)
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes = append(c.nodes, n)
	return n
}

func (c *testCluster) joinAddr(context.Context) (string, error) {
	for _, n := range c.nodes {
		if !n.dead {
			return n.Addr(), nil
		}
	}
	return "", fmt.Errorf("nobody to join")
}

// restart starts a node again on its directory and address, with an empty machine.
func (c *testCluster) restart(n *testNode, tune func(*Options)) {
	c.t.Helper()
	o := n.options
	o.Listen = n.Addr()
	o.Machine = nil
	o.Join = nil
	if tune != nil {
		tune(&o)
	}
	again, err := openTestNode(c.t, c.net, o)
	if err != nil {
		c.t.Fatal(err)
	}
	n.Node, n.machine, n.dead = again.Node, again.machine, false
	n.options, n.ends = again.options, again.ends
}

// kill stops a node without a word to the others.
func (n *testNode) kill() {
	n.t.Helper()
	n.dead = true
	n.link.close()
	if err := n.stop(); err != nil {
		n.t.Error(err)
	}
}

func (c *testCluster) close() {
	for _, n := range c.nodes {
		if !n.dead {
			n.dead = true
			if err := n.stop(); err != nil {
				c.t.Error(err)
			}
		}
	}
}

// leader waits for a leader that is ready, among the nodes that live.
func (c *testCluster) leader(but ...*testNode) *testNode {
	c.t.Helper()
	var found *testNode
	eventually(c.t, "a leader", func() bool {
		for _, n := range c.nodes {
			found = n
			for _, b := range but {
				if b == n {
					found = nil
				}
			}
			if found != nil && !n.dead && n.Status(0).Ready {
				return true
			}
		}
		return false
	})
	return found
}

// followers are the nodes that live and do not lead.
func (c *testCluster) followers() []*testNode {
	c.t.Helper()
	leader := c.leader()
	var out []*testNode
	for _, n := range c.nodes {
		if n != leader && !n.dead {
			out = append(out, n)
		}
	}
	return out
}

// put proposes an item on a node and fails the test if it does not work.
func (n *testNode) put(item string) uint64 {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	index, err := n.Propose(ctx, 0, [][]byte{[]byte(item)}, nil)
	if err != nil {
		n.t.Fatalf("proposing %s: %v", item, err)
	}
	return index
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(testWait); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// testContext ends before the test's patience does.
func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	t.Cleanup(cancel)
	return ctx
}
