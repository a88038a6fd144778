package cluster

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// linkServed is the answering end of a connection for calls.
//
// Its reader, the goroutine that greeted the peer, starts a goroutine for each request, at most
// linkWindow of them and of answers not yet given to the kernel; a peer that sends more is not
// read from. The writer is fed by them. Whoever finds the connection broken calls fail; the
// handlers' context ends with it, and the reader waits for the writer and all handlers.
type linkServed struct {
	link   *link
	from   string // the peer's node id
	conn   net.Conn
	writer linkWriter
	ctx    context.Context
	cancel context.CancelFunc
	places chan struct{} // one for each request without an answer
	heard  atomic.Bool   // something arrived since the last beat
	silent int           // beats without; belongs to the watch
	taken  []linkFrame   // answers being encoded; belongs to the writer, as does
	spare  []linkFrame   // the memory that taken was cut from

	mu      sync.Mutex
	answers []linkFrame // to be sent
	pong    bool        // a ping is to be answered
	writing bool        // the writer is awake or has been kicked
	broken  bool
}

// serve answers the requests of a proven peer until the connection breaks.
func (l *link) serve(conn net.Conn, from string) {
	s := &linkServed{link: l, from: from, conn: conn, places: make(chan struct{}, linkWindow)}
	s.ctx, s.cancel = context.WithCancel(l.ctx)
	s.writer = newLinkWriter(conn, &s.heard, s.fill)
	tracked := l.track(s)
	l.untrack(conn) // s closes it from here on
	if !tracked {
		s.fail()
	}
	var running sync.WaitGroup
	running.Go(func() {
		_ = s.writer.run() // the peer learns of it by the connection's end
		s.fail()
	})
	if err := s.read(&running); l.ctx.Err() == nil {
		l.options.log.Debug("cluster connection ended", "node", from, "reason", err)
	}
	s.fail()
	running.Wait()
	l.untrack(s)
}

// read takes requests until the connection breaks.
func (s *linkServed) read(running *sync.WaitGroup) error {
	r := bufio.NewReaderSize(linkEar{s.conn, &s.heard}, linkBuffer)
	for {
		frame, err := readLinkFrame(r, s.link.options.maxFrame)
		if err != nil {
			return err
		}
		if frame.number == 0 {
			s.enqueue(linkFrame{})
			continue
		}
		select {
		case s.places <- struct{}{}:
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
		running.Go(func() { s.handle(frame) })
	}
}

// handle runs the handler of one request.
func (s *linkServed) handle(request linkFrame) {
	o := &s.link.options
	body, err := o.handle(s.ctx, s.from, request.kind, int(request.group), request.body)
	answer := linkFrame{number: request.number, kind: linkAnswer, body: body}
	if err == nil && answer.size() > o.maxFrame {
		err = fmt.Errorf("the answer: %w", errLinkTooLarge)
	}
	if err != nil {
		answer.kind, answer.body = linkFailed, []byte(err.Error())
		answer.body = answer.body[:min(len(answer.body), o.maxFrame-linkFrameHead)]
	}
	s.enqueue(answer)
}

// enqueue gives an answer to the writer; number 0 is that to a ping.
func (s *linkServed) enqueue(answer linkFrame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer.number == 0 {
		s.pong = true
	} else {
		s.answers = append(s.answers, answer)
	}
	if !s.writing {
		s.writing = true
		s.writer.kick()
	}
}

// fill feeds the writer.
func (s *linkServed) fill(dst []byte) []byte {
	if len(s.taken) == 0 {
		dst = s.take(dst)
	}
	for len(dst) < linkBatch && len(s.taken) > 0 {
		dst = s.taken[0].append(dst)
		s.taken[0] = linkFrame{}
		s.taken = s.taken[1:]
		<-s.places
	}
	return dst
}

// take moves the waiting answers to the writer.
func (s *linkServed) take(dst []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken { // what handlers say after their context ended is no answer
		return dst
	}
	if s.pong {
		s.pong = false
		dst = (&linkFrame{}).append(dst)
	}
	s.spare, s.taken, s.answers = s.answers[:0], s.answers, s.spare
	s.writing = len(dst) > 0 || len(s.taken) > 0
	return dst
}

// fail breaks the connection.
func (s *linkServed) fail() {
	s.mu.Lock()
	first := !s.broken
	s.broken = true
	s.mu.Unlock()
	if first {
		s.cancel()
		close(s.writer.quit)
		_ = s.conn.Close()
	}
}

// Close breaks the connection because the link is closed.
func (s *linkServed) Close() error {
	s.fail()
	return nil
}

// beat gives up a peer that has been silent for too long. A living one pings. The watch calls it.
func (s *linkServed) beat() {
	if s.heard.Swap(false) {
		s.silent = 0
		return
	}
	if s.silent++; s.silent > s.link.linkBeats(s.link.options.times.idle) {
		s.fail()
	}
}
