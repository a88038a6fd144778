package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// call sends body to the node at addr and waits for the answer of its handler for kind. body may
// be reused once call has returned. The calls to an address share a connection (see linkOptions.express)
// and may overtake each other.
//
// Errors are a *linkError: errNotSent if the peer surely has not seen the request, errRemote if
// its handler answered with an error, errBroken if nobody can know, because the connection broke
// or ctx ended after the request was handed to the network.
func (l *link) call(ctx context.Context, addr string, kind byte, group int, body []byte) ([]byte, error) {
	if group < 0 || group > linkGroupMax {
		return nil, &linkError{fate: errNotSent, addr: addr, why: errLinkGroupID}
	}
	if linkFrameHead+len(body) > l.options.maxFrame {
		return nil, &linkError{fate: errNotSent, addr: addr, why: errLinkTooLarge}
	}
	if err := ctx.Err(); err != nil {
		return nil, &linkError{fate: errNotSent, addr: addr, why: err}
	}
	peer := l.peer(linkRoute{addr, l.options.express(kind)})
	call := l.calls.Get().(*linkCall)
	call.frame = linkFrame{kind: kind, group: uint16(group), body: body}
	for retry := false; ; retry = true {
		caller, err := peer.caller(ctx)
		if err != nil {
			l.recycle(call)
			return nil, &linkError{fate: errNotSent, addr: addr, why: err}
		}
		broken := caller.enqueue(call)
		if broken == nil {
			return caller.await(ctx, call)
		}
		// It broke a moment ago and has taken nothing of the call. A fresh one gets a chance.
		if retry {
			l.recycle(call)
			return nil, &linkError{fate: errNotSent, addr: addr, why: broken}
		}
	}
}

// linkCall is one call. Its fields belong to whoever holds the mutex of the linkCaller it was
// given to; after ready has fired, or a call was withdrawn, to the goroutine that made the call.
type linkCall struct {
	frame      linkFrame
	state      linkState
	start      int64     // place of its first byte in what was sent on the connection
	prev, next *linkCall // neighbours in the queue

	ready  chan struct{} // one place; fires when the call is settled
	answer []byte
	fate   error // nil, errNotSent, errBroken or errRemote
	why    error
}

type linkState byte

const (
	linkQueued    linkState = iota // not a byte of it has left
	linkSent                       // given to the writer
	linkSettled                    // the outcome is in it, ready fires
	linkAbandoned                  // sent, but nobody waits for its answer any more
)

// linkCaller is the asking end of a connection for calls.
//
// Its writer is fed by enqueue; its reader settles calls. Whoever finds the connection broken
// calls fail; both goroutines then end, and the reader, last, settles what is left.
type linkCaller struct {
	link   *link
	addr   string
	conn   net.Conn
	writer linkWriter
	heard  atomic.Bool // something arrived since the last beat
	down   atomic.Bool // broken, readable without the mutex
	silent int         // beats without a sign of life; belongs to the watch

	mu      sync.Mutex
	queue   linkQueue            // waiting to be sent, in order
	sent    map[uint64]*linkCall // without an answer
	weight  int                  // bytes of the requests in sent
	number  uint64               // of the latest request
	offset  int64                // bytes given to the writer
	ping    bool                 // one is due
	writing bool                 // the writer is awake or has been kicked
	broken  error                // why; set once
}

// newLinkCaller starts the goroutines of a proven connection. It closes conn if the link is
// closed.
func (l *link) newLinkCaller(route linkRoute, conn net.Conn) (*linkCaller, error) {
	c := &linkCaller{link: l, addr: route.addr, conn: conn, sent: map[uint64]*linkCall{}}
	c.writer = newLinkWriter(conn, &c.heard, c.fill)
	c.writer.eager = route.express
	if !l.track(c) {
		_ = conn.Close()
		return nil, errLinkClosed
	}
	written := make(chan struct{})
	if !l.spawn(func() { c.run(written) }) {
		_ = conn.Close()
		l.untrack(c)
		return nil, errLinkClosed
	}
	return c, nil
}

// run is the reader; it owns the writer too.
func (c *linkCaller) run(written chan struct{}) {
	go func() {
		defer close(written)
		if err := c.writer.run(); err != nil {
			c.fail(err)
		}
	}()
	c.fail(c.read())
	<-written
	c.settle()
	c.link.untrack(c)
}

// read takes answers until the connection breaks.
func (c *linkCaller) read() error {
	r := bufio.NewReaderSize(linkEar{c.conn, &c.heard}, linkBuffer)
	for {
		frame, err := readLinkFrame(r, c.link.options.maxFrame)
		if err != nil {
			return err
		}
		if frame.number == 0 {
			continue
		}
		if !c.settleOne(frame) {
			return fmt.Errorf("an answer to request %d, which is not open: %w", frame.number, errLinkHello)
		}
	}
}

// fail breaks the connection for the reason err. The first reason stays.
func (c *linkCaller) fail(err error) {
	c.mu.Lock()
	first := c.broken == nil
	if first {
		c.broken = err
		c.down.Store(true)
		close(c.writer.quit)
	}
	c.mu.Unlock()
	if first {
		_ = c.conn.Close()
	}
}

// Close breaks the connection because the link is closed.
func (c *linkCaller) Close() error {
	c.fail(errLinkClosed)
	return nil
}

// enqueue puts a call in the queue, or says why it cannot.
func (c *linkCaller) enqueue(call *linkCall) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return linkLost(c.broken)
	}
	call.state = linkQueued
	c.queue.push(call)
	c.kick()
	return nil
}

// kick wakes the writer unless it is awake. Under the mutex.
func (c *linkCaller) kick() {
	if !c.writing {
		c.writing = true
		c.writer.kick()
	}
}

// await waits until the call is settled or ctx ends, and takes it back.
func (c *linkCaller) await(ctx context.Context, call *linkCall) ([]byte, error) {
	select {
	case <-call.ready:
	case <-ctx.Done():
		if fate := c.withdraw(call); fate != nil {
			return nil, &linkError{fate: fate, addr: c.addr, why: context.Cause(ctx)}
		}
		<-call.ready
	}
	answer, fate, why := call.answer, call.fate, call.why
	c.link.recycle(call)
	if fate != nil {
		return nil, &linkError{fate: fate, addr: c.addr, why: why}
	}
	return answer, nil
}

// withdraw takes a call back that nobody wants to wait for any more, and gives its fate; nil: it
// was settled meanwhile.
func (c *linkCaller) withdraw(call *linkCall) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch call.state {
	case linkQueued:
		c.queue.remove(call)
		return errNotSent
	case linkSent:
		call.state = linkAbandoned // its place in the window stays taken until the answer comes
		return errBroken
	}
	return nil
}

// fill feeds the writer with what the window allows.
func (c *linkCaller) fill(dst []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return dst
	}
	if c.ping {
		c.ping = false
		dst = (&linkFrame{}).append(dst)
	}
	for len(dst) < linkBatch && c.maySend() {
		call := c.queue.head
		c.queue.remove(call)
		c.number++
		call.frame.number = c.number
		call.state = linkSent
		call.start = c.offset + int64(len(dst))
		c.sent[c.number] = call
		c.weight += call.frame.size()
		dst = call.frame.append(dst)
	}
	c.offset += int64(len(dst))
	c.writing = len(dst) > 0
	return dst
}

// maySend reports whether the first call of the queue fits in the window. Under the mutex.
func (c *linkCaller) maySend() bool {
	if c.queue.head == nil || len(c.sent) >= linkWindow {
		return false
	}
	return len(c.sent) == 0 || c.weight+c.queue.head.frame.size() <= c.link.options.maxFrame
}

// settleOne hands an answer to its call. It reports false if there is no such call.
func (c *linkCaller) settleOne(frame linkFrame) bool {
	c.mu.Lock()
	call := c.sent[frame.number]
	if call == nil {
		c.mu.Unlock()
		return false
	}
	delete(c.sent, frame.number)
	c.weight -= call.frame.size()
	if c.queue.head != nil {
		c.kick()
	}
	if frame.kind == linkAnswer {
		call.answer = frame.body
	} else {
		call.fate, call.why = errRemote, errors.New(string(frame.body))
	}
	wanted := call.state == linkSent
	call.state = linkSettled
	c.mu.Unlock()
	if wanted {
		call.ready <- struct{}{}
	}
	return true
}

// settle ends every call that is left when the connection is broken and the writer has ended.
// Those whose first byte the kernel never took are surely not sent.
func (c *linkCaller) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	why := linkLost(c.broken)
	for _, call := range c.sent {
		fate := errBroken
		if call.start >= c.writer.handed {
			fate = errNotSent
		}
		call.drop(fate, why)
	}
	clear(c.sent)
	for c.queue.head != nil {
		call := c.queue.head
		c.queue.remove(call)
		call.drop(errNotSent, why)
	}
}

// drop ends a call without an answer. Under the mutex of its linkCaller.
func (call *linkCall) drop(fate, why error) {
	wanted := call.state != linkAbandoned
	call.state = linkSettled
	call.fate, call.why = fate, why
	if wanted {
		call.ready <- struct{}{} // has a place
	}
}

// beat sends a ping after a beat of silence and gives the peer up when it is not answered. The
// watch calls it.
func (c *linkCaller) beat() {
	if c.heard.Swap(false) {
		c.silent = 0
		return
	}
	c.silent++
	if c.silent > c.link.linkBeats(c.link.options.times.answer) {
		c.fail(errLinkSilent)
		return
	}
	if c.silent == 1 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ping = true
		c.kick()
	}
}

// recycle makes a call that nobody else holds ready for the next.
func (l *link) recycle(call *linkCall) {
	*call = linkCall{ready: call.ready}
	l.calls.Put(call)
}

// linkQueue is a list of calls, linked through them.
type linkQueue struct{ head, tail *linkCall }

func (q *linkQueue) push(call *linkCall) {
	call.prev, call.next = q.tail, nil
	if q.tail == nil {
		q.head = call
	} else {
		q.tail.next = call
	}
	q.tail = call
}

func (q *linkQueue) remove(call *linkCall) {
	if call.prev == nil {
		q.head = call.next
	} else {
		call.prev.next = call.next
	}
	if call.next == nil {
		q.tail = call.prev
	} else {
		call.next.prev = call.prev
	}
	call.prev, call.next = nil, nil
}
