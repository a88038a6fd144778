package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// receive waits for bytes and appends them to the buffer.
func (g *guard) receive() error {
	if g.ended != nil {
		return g.ended
	}
	if int64(len(g.buf)-g.frame.start) > g.options.limits.Load().query {
		return g.giveUp(guardOverfull, "the query buffer limit was reached", g.buf[g.frame.start:])
	}
	for {
		g.room(g.burst)
		large := len(g.buf) == 0 && cap(g.buf) > guardSmall
		g.deadline.arm(large)
		g.queued.Store(int64(len(g.buf) - g.frame.start))
		g.spare.Store(int64(cap(g.buf) - len(g.buf)))
		err := g.fill()
		if err == nil || !large || !g.deadline.idle(err) {
			return err
		}
		g.burst, g.lean = guardSmall, 0
	}
}

// fill reads from the socket once. An error that came with bytes is kept for the next time.
func (g *guard) fill() error {
	space := g.buf[len(g.buf):cap(g.buf)]
	n, err := g.Conn.Read(space)
	g.buf = g.buf[:len(g.buf)+n]
	if n > 0 {
		if g.options.received != nil {
			g.options.received.Add(int64(n))
		}
		g.adapt(n, len(space))
	}
	if err == nil || isTimeout(err) {
		if n > 0 {
			return nil
		}
		return err
	}
	g.ended = err
	if n > 0 {
		return nil
	}
	return err
}

// adapt fits the size of the buffer to the pipelines that come: up at once, down slowly.
func (g *guard) adapt(n, space int) {
	switch {
	case n == space:
		g.lean = 0
		if g.burst < guardBurst && g.authenticated.Load() {
			g.burst *= 2
		}
	case n > g.burst/4:
		g.lean = 0
	case g.burst > guardSmall:
		if g.lean++; g.lean == 16 {
			g.burst, g.lean = g.burst/2, 0
		}
	}
}

// room makes room for at least one more byte. What is not handed on moves to the buffer's beginning,
// and the buffer doubles if that fills it. A buffer much larger than needed is replaced, and so is
// one in which commands are lent out and that is full.
func (g *guard) room(burst int) {
	live := len(g.buf) - g.frame.start
	if len(g.buf) < cap(g.buf) && (g.lent || live > 0 && g.frame.start == 0) {
		return
	}
	if len(g.ready) == 0 && cap(g.typed) > guardSmall {
		g.typed = nil
	}
	size := burst
	if live >= size {
		size = 2 * live
	}
	most := 2 * size
	if live == 0 {
		most = size
	}
	to := g.buf[:0]
	if g.lent || cap(g.buf) < size || cap(g.buf) > most {
		to, g.lent = make([]byte, 0, size), false
	}
	g.buf = append(to, g.buf[g.frame.start:]...)
	g.frame.shift()
}

// whileWaiting reads on from the socket while the session that owns the connection waits for
// something else, so that it learns when the client hangs up: gone is closed then. What arrives is
// kept for next, at most about a MiB; a client that sends more in advance is not watched
// any further. Between the call and the return of stop nothing else may read; the session must call
// stop before it reads on or ends, and may call it more than once. stop interrupts the reading and
// waits for its end.
func (g *guard) whileWaiting() (gone <-chan struct{}, stop func()) {
	hungUp := make(chan struct{})
	if g.ended != nil || g.refusal.Load() != nil {
		close(hungUp)
		return hungUp, func() {}
	}
	g.deadline.suspend()
	var stopping atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for len(g.buf)-g.frame.start < guardAhead {
			g.room(guardSmall)
			err := g.fill()
			if stopping.Load() && (err == nil || isTimeout(err)) {
				return
			}
			if err != nil {
				g.ended = err
				close(hungUp)
				return
			}
		}
	}()
	var once sync.Once
	return hungUp, func() {
		once.Do(func() {
			stopping.Store(true)
			g.deadline.interrupt()
			<-done
			g.deadline.resume()
		})
	}
}

// SetReadDeadline implements net.Conn.
func (g *guard) SetReadDeadline(t time.Time) error { return g.deadline.set(t) }

// SetDeadline implements net.Conn. The guard sets write deadlines of its own, so it holds for
// reading only.
func (g *guard) SetDeadline(t time.Time) error { return g.deadline.set(t) }

// isTimeout reports whether a deadline has passed.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// guardDeadline shares the socket's one read deadline between whoever asked for one from outside
// and the guard, which needs it to notice idleness and to interrupt a read.
type guardDeadline struct {
	conn      net.Conn
	mu        sync.Mutex
	asked     time.Time // from outside; zero: none
	own       bool      // the socket has one that was not asked for
	suspended bool      // a session waits: what is asked for counts later
}

// set takes a deadline from outside.
func (d *guardDeadline) set(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = t
	if d.suspended {
		return nil
	}
	d.own = false
	return d.conn.SetReadDeadline(t)
}

// arm prepares the socket for a read: with large, it ends after guardIdle at the latest.
func (d *guardDeadline) arm(large bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	soon := time.Time{}
	if large {
		soon = time.Now().Add(guardIdle)
	}
	if large && (d.asked.IsZero() || d.asked.After(soon)) {
		d.own = d.conn.SetReadDeadline(soon) == nil
	} else if d.own {
		d.own = d.conn.SetReadDeadline(d.asked) != nil
	}
}

// idle reports whether err is the end of the time that arm gave, and nothing worse.
func (d *guardDeadline) idle(err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return isTimeout(err) && d.own
}

// suspend takes all deadlines off.
func (d *guardDeadline) suspend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suspended = true
	_ = d.conn.SetReadDeadline(time.Time{}) // fails on a closed connection only, which the read will tell
}

// interrupt ends the read in progress.
func (d *guardDeadline) interrupt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.conn.SetReadDeadline(time.Unix(1, 0)) // as above
}

// resume undoes suspend and interrupt.
func (d *guardDeadline) resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suspended, d.own = false, false
	_ = d.conn.SetReadDeadline(d.asked) // as above
}
