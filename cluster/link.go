package cluster

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Figures of the link that both ends of a connection have to agree on, or that no user needs to
// change. The times are in linkTimes.
const (
	// linkFrameMax is the largest frame in bytes unless linkOptions.maxFrame says otherwise.
	linkFrameMax = 64 << 20
	// linkWindow is how many requests of one connection may be unanswered. The side that asks
	// holds further ones back, so the side that answers never has to stop reading, and a ping is
	// answered however slow the handlers are.
	linkWindow = 1024
	// linkStrangers is how many incoming connections may be unproven at a time.
	linkStrangers = 128
)

// linkTimes are the patience and the rhythms of a link. Tests shorten them.
type linkTimes struct {
	hello  time.Duration // for the whole of handshake and exchange of proofs on an incoming connection
	dial   time.Duration // for connecting, handshake and exchange of proofs on an outgoing connection for calls
	beat   time.Duration // how often the watch looks at every connection for calls
	answer time.Duration // a ping unanswered for this long breaks the connection
	idle   time.Duration // an incoming connection for calls is broken after this long without a byte
	pause  time.Duration // after a failed dial nobody dials again for this long, doubling …
	pauses time.Duration // … up to this
}

func linkTimesDefault() linkTimes {
	return linkTimes{
		hello:  5 * time.Second,
		dial:   time.Second,
		beat:   500 * time.Millisecond,
		answer: 3 * time.Second,
		idle:   10 * time.Second,
		pause:  50 * time.Millisecond,
		pauses: time.Second,
	}
}

// linkOptions is what a link is told at its start. Nothing in it changes afterwards.
type linkOptions struct {
	// listen is the TCP address to bind, host:port.
	listen string
	// advertise is the address other nodes reach this one at; empty: the bound address.
	advertise string
	// nodeID is this node's id, 1 to 255 bytes.
	nodeID string
	// clusterID says which cluster this node belongs to, at most 64 bytes; empty: not known yet.
	// It is asked anew for each connection. nil: never known.
	clusterID func() string
	// secret is the key of the proofs. Empty is a key like any other: everybody knows it.
	secret []byte
	// maxFrame bounds a frame in bytes, and with it the unanswered requests of one connection
	// taken together. 0: linkFrameMax. All nodes of a cluster need the same figure.
	maxFrame int
	// handle answers a request of a proven peer, whose node id is from. Each request has a
	// goroutine of its own and body belongs to it. ctx ends with the connection or the link, and
	// handle has to return then: close waits for it. An error crosses as its text.
	handle func(ctx context.Context, from string, kind byte, group int, body []byte) ([]byte, error)
	// expect names the node that is believed to live at an address; empty or nil: not known. A
	// dialed peer with another id is refused, because the acknowledgements of a node that took
	// over another's address must not be counted as that other's.
	expect func(addr string) string
	// express picks the kinds of calls that travel on a connection of their own, with a window of
	// its own, so that small urgent questions never wait behind large frames or slow handlers.
	// nil: none.
	express func(kind byte) bool
	// secure gives the configurations of TLS for incoming and outgoing connections, which it is asked
	// for with each. nil, or what gives nil: without TLS.
	secure func() (listen, dial *tls.Config)
	// socket is given each connection before anything else and gives what is used in its place.
	socket func(net.Conn) net.Conn
	// log takes what an operator should see. nil: nothing is logged.
	log *slog.Logger

	times    linkTimes                                                // zero: linkTimesDefault
	listener net.Listener                                             // instead of listen, in tests
	dial     func(ctx context.Context, addr string) (net.Conn, error) // instead of TCP, in tests
}

// link is a node's end of all wires between nodes: one listener for Raft's streams of every
// group and for calls, and one pooled connection for calls to each peer that was called
// (two if some kinds go by express).
//
// A connection starts with the handshake of TLS, if the link has that (link_tls.go), and an exchange in
// which both ends prove that they know the cluster's secret (link_proof.go); until then nothing else of
// it is read. Afterwards it is either a byte
// stream handed to Raft (link_streams.go) or carries numbered requests one way and their answers
// the other (link_call.go, link_serve.go). docs/formats/link.md has the bytes.
//
// Goroutines of a link; close stops all of them and waits:
//   - accept: owns the listener's Accept. Ends when the listener is closed.
//   - watch: ticks every linkTimes.beat, sends pings, breaks silent connections.
//   - greet, one for each incoming connection: runs handshake and exchange of proofs, at most
//     linkTimes.hello, then either hands the connection to Raft and ends, or goes on as the
//     reader of requests until the connection breaks.
//   - one dial for each connection for calls that is being made, at most linkTimes.dial.
//   - a reader and a writer for each outgoing connection for calls, a writer and the running
//     handlers for each incoming one. They end when their connection breaks.
type link struct {
	options   linkOptions
	listener  net.Listener
	address   linkAddr
	strangers linkCrowd
	ctx       context.Context // ends with close
	cancel    context.CancelFunc
	running   sync.WaitGroup
	calls     sync.Pool // of *linkCall
	peers     sync.Map  // linkRoute → *linkPeer

	mu         sync.Mutex
	closed     bool
	open       map[io.Closer]struct{} // what close has to close
	layers     map[int]*linkStreams   // Raft's stream layers by group
	complained time.Time              // when the log last heard of a refused connection
}

// listen binds the listener and starts serving. The caller has to close the link.
func listen(o linkOptions) (*link, error) {
	if err := o.settle(); err != nil {
		return nil, err
	}
	listener := o.listener
	if listener == nil {
		var err error
		if listener, err = net.Listen("tcp", o.listen); err != nil {
			return nil, err
		}
	}
	l := &link{
		options:   o,
		listener:  listener,
		address:   linkAddr(o.advertise),
		strangers: linkCrowd{limit: linkStrangers},
		open:      map[io.Closer]struct{}{listener: {}},
		layers:    map[int]*linkStreams{},
	}
	if l.address == "" {
		l.address = linkAddr(listener.Addr().String())
	}
	l.calls.New = func() any { return &linkCall{ready: make(chan struct{}, 1)} }
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.spawn(l.accept)
	l.spawn(l.watch)
	return l, nil
}

// settle checks the options and puts the defaults in.
func (o *linkOptions) settle() error {
	if len(o.nodeID) == 0 || len(o.nodeID) > linkNameMax {
		return errLinkNodeID
	}
	if o.clusterID == nil {
		o.clusterID = func() string { return "" }
	}
	if len(o.clusterID()) > linkClusterMax {
		return errLinkClusterID
	}
	if o.expect == nil {
		o.expect = func(string) string { return "" }
	}
	if o.express == nil {
		o.express = func(byte) bool { return false }
	}
	if o.secure == nil {
		o.secure = func() (listen, dial *tls.Config) { return nil, nil }
	}
	if o.socket == nil {
		o.socket = func(conn net.Conn) net.Conn { return conn }
	}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	if o.maxFrame == 0 {
		o.maxFrame = linkFrameMax
	}
	if o.times == (linkTimes{}) {
		o.times = linkTimesDefault()
	}
	if o.dial == nil {
		dialer := &net.Dialer{KeepAliveConfig: linkKeepAlive()}
		o.dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", addr)
		}
	}
	return nil
}

// linkKeepAlive lets the kernel notice a dead peer of a connection that nothing of ours watches,
// in about 15 s.
func linkKeepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 6 * time.Second, Interval: 3 * time.Second, Count: 3}
}

// addr is the address other nodes reach this one at.
func (l *link) addr() string { return string(l.address) }

// close stops listening, breaks every connection and returns when all goroutines of the link
// have ended. Calls under way fail with the class they deserve.
func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	open := make([]io.Closer, 0, len(l.open))
	for c := range l.open {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
	l.cancel() // not before: a handler that is told to give up must not have its excuse sent
	l.running.Wait()
}

// spawn runs f on a goroutine that close waits for. It reports false, and runs nothing, once the
// link is closed.
func (l *link) spawn(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.running.Go(f)
	return true
}

// track puts c among the things that close closes. It reports false once the link is closed.
func (l *link) track(c io.Closer) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.open[c] = struct{}{}
	return true
}

func (l *link) untrack(c io.Closer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// linkPulse is a connection that the watch looks after.
type linkPulse interface{ beat() }

// watch makes every connection for calls look whether its peer is still there.
func (l *link) watch() {
	ticker := time.NewTicker(l.options.times.beat)
	defer ticker.Stop()
	var pulses []linkPulse
	for {
		select {
		case <-ticker.C:
		case <-l.ctx.Done():
			return
		}
		pulses = pulses[:0]
		l.mu.Lock()
		for c := range l.open {
			if p, ok := c.(linkPulse); ok {
				pulses = append(pulses, p)
			}
		}
		l.mu.Unlock()
		for _, p := range pulses {
			p.beat()
		}
		clear(pulses)
	}
}

// linkBeats is how many beats make up the time d, at least one.
func (l *link) linkBeats(d time.Duration) int {
	beat := l.options.times.beat
	return max(1, int((d+beat-1)/beat))
}

// linkAddr is a TCP address in text, as the net package wants it.
type linkAddr string

func (linkAddr) Network() string  { return "tcp" }
func (a linkAddr) String() string { return string(a) }
