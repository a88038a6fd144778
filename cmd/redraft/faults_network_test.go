package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// network is what stands between the nodes of a cluster under faults: each node announces the
// address of a proxy, and the proxy passes bytes on, later or not at all, as the nemesis wants it.
// What the bytes are is none of its business, but for the hello in which a dialer gives its name.
//
// A cut holds bytes back; nothing is lost from the middle of a stream, as nothing is with TCP. When
// the cut heals they arrive, late, unless an end has given up meanwhile.
type network struct {
	mu      sync.Mutex
	changed chan struct{}          // closed and replaced when a way changes, or a connection ends
	ways    map[[2]string]way      // from, to
	conns   map[*relay]bool        // that are open
	proxies []net.Listener         // one for each node
	over    bool                   // the run has ended
	running sync.WaitGroup         // of every goroutine
	backend func(to string) string // where a node really listens
}

// way is how bytes from one node to another fare.
type way struct {
	cut   bool
	delay time.Duration // of each piece
}

// relay is a connection that passes through a proxy.
type relay struct {
	from, to string   // who dialed whom
	in, out  net.Conn // towards from, towards to; out is nil before it is made
	half     bool     // one end was closed and the other must not notice
	gone     bool     // both ends are closed
}

func newNetwork(backend func(to string) string) *network {
	return &network{changed: make(chan struct{}), ways: map[[2]string]way{}, conns: map[*relay]bool{}, backend: backend}
}

// proxy listens at an address in front of a node, until the network is closed.
func (n *network) proxy(t *testing.T, addr, to string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.proxies = append(n.proxies, l)
	n.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			n.running.Go(func() { n.serve(conn, to) })
		}
	})
}

// close ends all connections and the proxies, and waits for what runs.
func (n *network) close() {
	n.mu.Lock()
	n.over = true
	for _, l := range n.proxies {
		_ = l.Close()
	}
	n.stirLocked()
	n.mu.Unlock()
	n.reset(func(*relay) bool { return true })
	n.running.Wait()
}

// set changes the ways from some nodes to some others.
func (n *network) set(from, to []string, w way) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range from {
		for _, b := range to {
			n.ways[[2]string{a, b}] = w
		}
	}
	n.stirLocked()
}

// heal makes all ways good.
func (n *network) heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.ways)
	n.stirLocked()
}

// reset closes the connections that which picks, both ends.
func (n *network) reset(which func(*relay) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for r := range n.conns {
		if which(r) {
			n.endLocked(r)
		}
	}
}

// halve closes the dialer's end of the connections that which picks. The other end is not told: to
// it they are open, and silent.
func (n *network) halve(which func(*relay) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for r := range n.conns {
		if which(r) && r.out != nil {
			r.half = true
			_ = r.in.Close()
		}
	}
	n.stirLocked()
}

func (n *network) stirLocked() {
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *network) endLocked(r *relay) {
	if r.gone {
		return
	}
	r.gone = true
	delete(n.conns, r)
	_ = r.in.Close()
	if r.out != nil {
		_ = r.out.Close()
	}
	n.stirLocked()
}

// serve passes a connection on to a node and ends with it.
func (n *network) serve(in net.Conn, to string) {
	r := &relay{to: to, in: in}
	n.mu.Lock()
	if n.over {
		_ = in.Close()
		n.mu.Unlock()
		return
	}
	n.conns[r] = true
	n.mu.Unlock()
	defer n.finish(r)
	hello, from, err := readHello(in)
	if err != nil {
		return
	}
	n.mu.Lock()
	r.from = from
	n.mu.Unlock()
	if !n.pass(r, from, to) {
		return
	}
	out, err := net.DialTimeout("tcp", n.backend(to), time.Second)
	if err != nil {
		return // the node is down, and its dialer is told so
	}
	n.mu.Lock()
	if r.gone {
		_ = out.Close()
	}
	r.out = out
	n.mu.Unlock()
	if _, err := out.Write(hello); err != nil {
		return
	}
	n.running.Go(func() { n.pump(r, to, from, out, in) })
	n.pump(r, from, to, in, out)
}

// piece is what was read at once, and when it may arrive.
type piece struct {
	bytes []byte
	due   time.Time
}

// pump passes bytes on one way until either end has closed. The news of that fares as the bytes do
// that come from there.
func (n *network) pump(r *relay, from, to string, src, dst net.Conn) {
	pieces := make(chan piece, 64)
	n.running.Go(func() {
		defer close(pieces)
		for {
			buf := make([]byte, 16<<10)
			size, err := src.Read(buf)
			pieces <- piece{buf[:size], time.Now().Add(n.delay(from, to))}
			if err != nil {
				return
			}
		}
	})
	open := true
	for p := range pieces { // to the end, or the reader would wait
		if !open {
			continue
		}
		time.Sleep(time.Until(p.due))
		if open = n.pass(r, from, to); !open {
			continue
		}
		if _, err := dst.Write(p.bytes); err != nil {
			open = false
			if n.pass(r, to, from) {
				n.finish(r)
			}
		}
	}
	if open {
		n.finish(r)
	}
}

// delay is how long bytes take from one node to another.
func (n *network) delay(from, to string) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ways[[2]string{from, to}].delay
}

// finish ends a connection one end of which has closed, unless the other must not notice.
func (n *network) finish(r *relay) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !r.half || n.over {
		n.endLocked(r)
	}
}

// pass waits for as long as the way from one node to another holds bytes of a connection back, and
// reports whether that is still open.
func (n *network) pass(r *relay, from, to string) bool {
	for {
		n.mu.Lock()
		w, changed, gone := n.ways[[2]string{from, to}], n.changed, r.gone || n.over
		n.mu.Unlock()
		switch {
		case gone:
			return false
		case w.cut:
			<-changed
		default:
			return true
		}
	}
}

// readHello reads the first message of a connection between nodes, and the dialer's node id in it.
// docs/formats/link.md has its layout.
func readHello(conn net.Conn) (hello []byte, from string, err error) {
	const head = 4 + 1 + 2
	hello = make([]byte, head)
	if _, err := io.ReadFull(conn, hello); err != nil {
		return nil, "", err
	}
	hello = append(hello, make([]byte, binary.BigEndian.Uint16(hello[head-2:]))...)
	if _, err := io.ReadFull(conn, hello[head:]); err != nil {
		return nil, "", err
	}
	rest := hello[head:]
	for _, skip := range []int{1 + 2, 0} { // purpose and group; then the cluster id
		if len(rest) <= skip {
			return nil, "", errors.New("a short hello")
		}
		rest = rest[skip:]
		size := int(rest[0])
		if len(rest) <= size {
			return nil, "", errors.New("a short hello")
		}
		from, rest = string(rest[1:1+size]), rest[1+size:]
	}
	return hello, from, nil
}
