package server

import (
	"context"
	"sync"
	"time"
)

// A patience is the context of a session's requests to the cluster: one timer and one channel for
// all of them, where a context of its own for each would cost more than some requests do.
//
// begin and end belong to the session's goroutine and enclose one request; cancel ends the
// present request and all later ones at once and may be called by anybody. No one may go on using
// the context when the request has returned.
type patience struct {
	timer *time.Timer

	mu     sync.Mutex
	done   chan struct{}
	err    error
	until  time.Time // the deadline of the present request
	fires  time.Time // when the timer does; zero: not set
	idle   bool      // there is no request
	killed bool
}

func newPatience() *patience {
	p := &patience{done: make(chan struct{}), idle: true}
	p.timer = time.AfterFunc(time.Hour, p.expire)
	p.timer.Stop()
	return p
}

// begin starts a request that may take d. The timer may be set from an earlier request that ended
// in time: it looks, when it fires, how long it has to wait now, so most requests do not touch it.
func (p *patience) begin(d time.Duration) context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil && !p.killed {
		p.done, p.err = make(chan struct{}), nil
	}
	p.idle, p.until = false, time.Now().Add(d)
	if p.fires.IsZero() || p.fires.After(p.until) {
		p.fires = p.until
		p.timer.Reset(d)
	}
	return p
}

// end ends it.
func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = true
}

// expire is the timer's.
func (p *patience) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fires = time.Time{}
	switch left := time.Until(p.until); {
	case p.idle || p.err != nil:
	case left > 0:
		p.fires = p.until
		p.timer.Reset(left)
	default:
		p.err = context.DeadlineExceeded
		close(p.done)
	}
}

func (p *patience) cancel() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		close(p.done)
	}
	p.err, p.killed = context.Canceled, true
}

// Deadline is when the present request's patience ends.
func (p *patience) Deadline() (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until, true
}

// Done is closed when it has ended.
func (p *patience) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// Err says why Done is closed.
func (p *patience) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Value has nothing.
func (p *patience) Value(any) any { return nil }
