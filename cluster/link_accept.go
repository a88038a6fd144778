package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// linkCrowd holds the incoming connections that have proved nothing yet. When it is full the one
// that has been there longest has to go: a peer needs two round trips to get out of the crowd,
// so strangers who fill it shut nobody out unless they come faster than that.
type linkCrowd struct {
	limit int

	mu    sync.Mutex
	conns []net.Conn // in order of arrival
}

// enter adds conn and closes the oldest if there are too many.
func (c *linkCrowd) enter(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	if len(c.conns) > c.limit {
		_ = c.conns[0].Close()
		c.conns = slices.Delete(c.conns, 0, 1)
	}
}

// leave removes conn and reports whether it was still there, that is, not pushed out.
func (c *linkCrowd) leave(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.conns, conn)
	if i < 0 {
		return false
	}
	c.conns = slices.Delete(c.conns, i, i+1)
	return true
}

// size is the number of connections in the crowd.
func (c *linkCrowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)
}

// accept takes connections until the listener is closed. An error that does not go away, such as
// a lack of file descriptors, is waited out.
func (l *link) accept() {
	pause := time.Duration(0)
	for {
		conn, err := l.listener.Accept()
		if err == nil {
			pause = 0
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetKeepAliveConfig(linkKeepAlive())
			}
			conn = l.guarded(l.options.socket(conn))
			l.strangers.enter(conn)
			if !l.spawn(func() { l.greet(conn) }) {
				_ = conn.Close()
			}
			continue
		}
		if l.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		l.options.log.Error("cluster port cannot accept a connection", "error", err, "retry in", pause)
		select {
		case <-time.After(pause):
		case <-l.ctx.Done():
			return
		}
	}
}

// greet makes an incoming connection, one of the crowd, prove itself and brings it to where it
// belongs.
func (l *link) greet(conn net.Conn) {
	if !l.track(conn) {
		_ = conn.Close()
		return
	}
	_ = conn.SetDeadline(time.Now().Add(l.options.times.hello))
	var peer linkGuest
	err := linkHandshake(conn)
	if err == nil {
		peer, err = l.admit(conn)
	}
	stayed := l.strangers.leave(conn)
	if err == nil && !stayed {
		err = errLinkCrowded
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		l.untrack(conn)
		l.complain(conn, err)
		return
	}
	if peer.purpose == linkRaft {
		peer.streams.deliver(conn)
		l.untrack(conn)
		return
	}
	l.serve(conn, peer.node)
}

// complain tells the log why a connection was refused: at most once a second, or strangers could
// fill the disk with it. What does not even begin like a peer is not worth a line.
func (l *link) complain(conn net.Conn, why error) {
	var refusal *linkRefusal
	if !errors.As(why, &refusal) || l.ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	now := time.Now()
	quiet := now.Sub(l.complained) < time.Second
	if !quiet {
		l.complained = now
	}
	l.mu.Unlock()
	if !quiet {
		l.options.log.Warn("cluster port refused a connection",
			"from", conn.RemoteAddr().String(), "reason", refusal.Error())
	}
}

// connect dials addr for a purpose and goes through handshake and exchange of proofs. It gives up when ctx
// or the link ends.
func (l *link) connect(ctx context.Context, addr string, purpose linkPurpose, group int) (net.Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(l.ctx, func() { cancel(errLinkClosed) })()
	conn, err := l.options.dial(ctx, addr)
	if err != nil {
		if l.ctx.Err() != nil {
			err = errLinkClosed
		}
		return nil, err
	}
	conn = l.guardedOut(l.options.socket(conn))
	deadline := time.Now().Add(l.options.times.hello)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	_ = conn.SetDeadline(deadline)
	cut := context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err = linkHandshake(conn); err == nil {
		if err = l.introduce(conn, addr, purpose, group); err != nil {
			err = fmt.Errorf("exchange of proofs: %w", err)
		}
	}
	if !cut() && (err == nil || l.ctx.Err() != nil) {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
