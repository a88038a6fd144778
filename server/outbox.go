package server

import (
	"slices"
	"sync"
	"sync/atomic"
)

// An outbox holds what a session is sent unasked: messages, invalidations, what MONITOR sees. Anybody may push
// into it, under the machine's lock as well: it takes no time.
//
// What is pushed goes out between replies, never inside of one, and never before a reply that was made before
// it: an invalidation must not overtake the value it invalidates. So a session that works on a batch holds its
// outbox, puts what came before a command in front of its reply (collect), and sends what came later behind
// the batch (release). Where a reply is made under the machine's lock, that is where the line is drawn between
// before and later: overtake, fence. While it does not work a goroutine sends, for as long as there is something.
type outbox struct {
	writing sync.Mutex // held while bytes of either kind go out

	size atomic.Int64 // of pending

	mu      sync.Mutex
	pending []byte
	fenced  bool // a reply is on its way, and
	before  int  // so many bytes of what is pending were pushed before it was made
	resp3   bool // the protocol of what is pushed
	held    bool // the session sends it
	sending bool // a goroutine does
	closed  bool // nobody reads any more
}

// push sends bytes, whole messages in the session's protocol, as soon as it may be. A client that lets too many
// wait is cut off.
func (s *session) push(b []byte) {
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	s.pushLocked(b)
}

// pushMessage is push of a message, in the protocol that the session speaks by then.
func (s *session) pushMessage(m *message) {
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	s.pushLocked(m.in(o.resp3))
}

// pushLocked is push with the outbox locked.
func (s *session) pushLocked(b []byte) {
	o := &s.outbox
	if o.closed {
		return
	}
	s.listens.Store(true) // one that others redirect to did not expect it
	o.pending = append(o.pending, b...)
	o.size.Store(int64(len(o.pending)))
	if s.overLimit(s.waiting()) {
		o.empty()
		o.closed = true
		go s.cutOff() // which may take longer than whoever pushes can wait
		return
	}
	s.startSending()
}

// empty forgets what is pending, and the room it takes. The outbox is locked.
func (o *outbox) empty() {
	o.pending, o.before, o.fenced = nil, 0, false
	o.size.Store(0)
}

// take takes out what goes in front of the next reply. The outbox is locked.
func (o *outbox) take() []byte {
	b := o.pending
	if o.fenced && o.before < len(b) {
		b, o.pending = b[:o.before:o.before], b[o.before:]
		o.before, o.fenced = 0, false
		o.size.Store(int64(len(o.pending)))
		return b
	}
	o.empty()
	return b
}

// startSending has what is pending sent, unless somebody does that already. The outbox is locked.
func (s *session) startSending() {
	o := &s.outbox
	if len(o.pending) > 0 && !o.held && !o.sending {
		o.sending = true
		go s.sendPending()
	}
}

// sendPending sends what was pushed until there is no more, or the session sees to it.
func (s *session) sendPending() {
	o := &s.outbox
	o.writing.Lock()
	defer o.writing.Unlock()
	for {
		o.mu.Lock()
		b := o.pending
		if len(b) == 0 || o.held {
			o.sending = false
			o.mu.Unlock()
			return
		}
		o.empty()
		o.mu.Unlock()
		_, _ = s.conn.Write(b) // the reading side meets the same error, and ends the session
	}
}

// listen makes the session one that may be pushed to. It stays one.
func (s *session) listen() {
	s.listens.Store(true)
	s.hold()
}

// speak makes the session speak a version of the protocol. What was pushed in the one before goes out first.
func (s *session) speak(version int) {
	s.outbox.mu.Lock()
	if !s.inMulti { // else it waits, since a message cannot stand in the middle of a reply
		s.out.raw(s.outbox.take())
	}
	s.outbox.resp3 = version == 3
	s.outbox.mu.Unlock()
	if !s.inMulti && s.listens.Load() {
		s.flush()
	}
	s.out.setProtocol(version)
}

// hold keeps what is pushed from now on until collect or release.
func (s *session) hold() {
	if !s.listens.Load() {
		return
	}
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held = true
}

// collect puts what was pushed so far in front of the next reply; if that has been made, what was pushed before.
func (s *session) collect() {
	if !s.listens.Load() {
		return
	}
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	s.out.raw(o.take())
	s.mark = len(s.out.buf)
}

// overtake puts what was pushed so far in front of the replies since mark. It is called under the machine's lock,
// by the session's goroutine.
func (s *session) overtake() {
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.take()
	s.out.buf = slices.Insert(s.out.buf, s.mark, b...)
	s.mark += len(b)
}

// fence has what is pushed from now on go out behind the reply that has just been made for the session, which waits
// for it. It is called under the machine's lock, by whoever made the reply.
func (s *session) fence() {
	if !s.listens.Load() {
		return
	}
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held, o.fenced, o.before = true, true, len(o.pending)
}

// release lets what is pushed go out as it comes. The replies have been sent.
func (s *session) release() {
	if !s.listens.Load() {
		return
	}
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held = false
	s.startSending()
}

// close ends the outbox of a session whose connection is closed, and waits for whoever sends.
func (o *outbox) close() {
	o.mu.Lock()
	o.empty()
	o.closed = true
	o.mu.Unlock()
	o.writing.Lock()
	defer o.writing.Unlock()
}
