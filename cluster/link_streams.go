package cluster

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// linkStreamsWaiting is how many incoming streams may wait for Raft to accept them. More are
// closed; their dialers try again.
const linkStreamsWaiting = 16

// linkStreams is the byte streams of one group, as hashicorp/raft's network transport wants them.
// It owns every connection it gave out: Close breaks those that the transport left open, so the
// transport's goroutines end with it.
type linkStreams struct {
	link     *link
	group    int
	incoming chan net.Conn
	done     chan struct{} // closed by Close

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
}

var _ raft.StreamLayer = (*linkStreams)(nil)

// streams opens the stream layer of a group. Peers that dial a group without one are refused and
// try again. There is one at a time: opening another closes the first. That of a closed link
// accepts and dials nothing.
func (l *link) streams(group int) raft.StreamLayer {
	s := &linkStreams{
		link:     l,
		group:    group,
		incoming: make(chan net.Conn, linkStreamsWaiting),
		done:     make(chan struct{}),
		conns:    map[net.Conn]struct{}{},
	}
	l.mu.Lock()
	former := l.layers[group]
	l.layers[group] = s
	l.mu.Unlock()
	if former != nil {
		_ = former.Close()
	}
	if !l.track(s) {
		_ = s.Close()
	}
	return s
}

// layer is the open stream layer of a group, or nil.
func (l *link) layer(group int) *linkStreams {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.layers[group]
}

// Accept waits for a proven peer's stream.
func (s *linkStreams) Accept() (net.Conn, error) {
	select {
	case conn := <-s.incoming:
		return conn, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Addr is the address other nodes reach this one at.
func (s *linkStreams) Addr() net.Addr { return s.link.address }

// Dial opens a stream to the same group of the node at address. timeout covers the proofs too;
// 0 leaves them linkTimes.hello.
func (s *linkStreams) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	if s.group < 0 || s.group > linkGroupMax {
		return nil, errLinkGroupID
	}
	ctx := s.link.ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	addr := string(address)
	conn, err := s.link.connect(ctx, addr, linkRaft, s.group)
	if err != nil {
		return nil, &linkError{fate: errNotSent, addr: addr, why: err}
	}
	stream, ok := s.adopt(conn)
	if !ok {
		return nil, &linkError{fate: errNotSent, addr: addr, why: errLinkClosed}
	}
	return stream, nil
}

// Close refuses further streams and breaks those that are open.
func (s *linkStreams) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	if !first {
		return nil
	}
	close(s.done)
	for conn := range conns {
		_ = conn.Close()
	}
	l := s.link
	l.untrack(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.layers[s.group] == s {
		delete(l.layers, s.group)
	}
	return nil
}

// deliver hands an incoming stream to Accept.
func (s *linkStreams) deliver(conn net.Conn) {
	stream, ok := s.adopt(conn)
	if !ok {
		return
	}
	select {
	case s.incoming <- stream:
	default:
		_ = stream.Close()
	}
}

// adopt makes conn one of the streams that Close breaks. It closes conn and reports false if the
// layer is closed.
func (s *linkStreams) adopt(conn net.Conn) (net.Conn, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return nil, false
	}
	s.conns[conn] = struct{}{}
	return &linkStream{Conn: conn, owner: s}, true
}

// linkStream is one stream. Closing it takes it off its layer's list.
type linkStream struct {
	net.Conn
	owner *linkStreams
}

func (c *linkStream) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.conns, c.Conn)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}
