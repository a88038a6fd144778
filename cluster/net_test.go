package cluster

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// testNet is the network between test nodes: it can be cut between a node and everybody else, hold
// up what is on its way to and from a node, and be slow for one.
type testNet struct {
	mu     sync.Mutex
	change sync.Cond
	alone  map[string]bool          // by cluster address
	frozen map[string]hold          // likewise
	slow   map[string]time.Duration // likewise: for 64 KiB
	conns  map[*testConn]struct{}
}

// hold says what of a node's traffic is held up.
type hold int

const (
	holdNothing hold = iota
	holdAnswers      // what comes back on its own connections
	holdAll
)

type testConn struct {
	net.Conn
	net      *testNet
	from, to string

	// Guarded by net.mu.
	closed bool
	admits int // reads that are not held up
	writes int
}

func newTestNet() *testNet {
	n := &testNet{alone: map[string]bool{}, frozen: map[string]hold{}, slow: map[string]time.Duration{},
		conns: map[*testConn]struct{}{}}
	n.change.L = &n.mu
	return n
}

// dialer is the way out of the node at from.
func (n *testNet) dialer(from func() string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		n.mu.Lock()
		cut := n.alone[addr] || n.alone[from()]
		n.mu.Unlock()
		if cut {
			return nil, fmt.Errorf("the test has cut the way to %s", addr)
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		c := &testConn{Conn: conn, net: n, from: from(), to: addr}
		n.mu.Lock()
		n.conns[c] = struct{}{}
		n.mu.Unlock()
		return c, nil
	}
}

func (c *testConn) Close() error {
	c.net.mu.Lock()
	delete(c.net.conns, c)
	c.closed = true
	c.net.change.Broadcast()
	c.net.mu.Unlock()
	return c.Conn.Close()
}

// pass waits while the connection is frozen, and says how long 64 KiB take.
func (c *testConn) pass(read bool) time.Duration {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	for !c.closed && c.held(read) {
		if read && c.admits > 0 {
			c.admits--
			break
		}
		c.net.change.Wait()
	}
	return max(c.net.slow[c.from], c.net.slow[c.to])
}

// held reports whether the connection's reads or writes are held up. The caller holds net.mu.
func (c *testConn) held(read bool) bool {
	from, to := c.net.frozen[c.from], c.net.frozen[c.to]
	return from == holdAll || to == holdAll || (read && from == holdAnswers)
}

// Read hands on what has arrived, unless that is held up.
func (c *testConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.pass(true)
	return n, err
}

func (c *testConn) Write(b []byte) (int, error) {
	for done := 0; ; {
		pause := c.pass(false)
		piece := b[done:min(len(b), done+64<<10)]
		c.net.mu.Lock()
		c.writes++
		c.net.mu.Unlock()
		n, err := c.Conn.Write(piece)
		if done += n; err != nil || done == len(b) {
			return done, err
		}
		time.Sleep(pause)
	}
}

// freeze holds up what is on its way to or from the node at addr, until it is holdNothing.
func (n *testNet) freeze(addr string, what hold) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen[addr] = what
	n.change.Broadcast()
}

// admitBusiest lets one answer through on the busiest connection from the node at addr to each other.
func (n *testNet) admitBusiest(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	busiest := map[string]*testConn{}
	for c := range n.conns {
		if b := busiest[c.to]; c.from == addr && (b == nil || b.writes < c.writes) {
			busiest[c.to] = c
		}
	}
	for _, c := range busiest {
		c.admits = 1
	}
	n.change.Broadcast()
}

// slowDown makes each 64 KiB to or from the node at addr take as long.
func (n *testNet) slowDown(addr string, pause time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.slow[addr] = pause
}

// cut isolates the node at addr.
func (n *testNet) cut(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.alone[addr] = true
	for c := range n.conns {
		if c.from == addr || c.to == addr {
			_ = c.Conn.Close()
		}
	}
}

// heal lets the node at addr talk again.
func (n *testNet) heal(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.alone, addr)
}
