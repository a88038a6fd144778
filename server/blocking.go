package server

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// A blockage is what others see of a session that waits: what its command is called in the log, if it is
// parked there, and how to end the waiting from here.
type blockage struct {
	origin *fsm.Origin // nil for a command that waits on this node alone
	end    chan ending // holds one; nil: only what it waits for ends it
	timed  bool        // it ends by itself
}

// ending is how a session's waiting ends.
type ending byte

const (
	endDone    ending = iota // what it waits for has come
	endTimeout               // its time is up, or CLIENT UNBLOCK says so
	endError                 // CLIENT UNBLOCK … ERROR
	endLost                  // there has been no leader for too long
	endGone                  // the client has gone, or is made to
)

func (b *blockage) finish(why ending) {
	select {
	case b.end <- why:
	default: // somebody else has
	}
}

// waitable is the handler of a command that the machine may park.
func waitable(e *entry) handler {
	return func(s *session, args [][]byte, out reply.Sink) {
		if text := s.refusesWrite(e, args); text != "" {
			out.Error(text)
			return
		}
		s.block(args)
	}
}

// block has a blocking command applied and waits for its answer, which this node's machine gives, whoever
// leads: when it applies the command, or when the ticket is served, falls due or is dropped.
func (s *session) block(args [][]byte) {
	m := s.srv.machine
	s.request++
	answer := newOutput(s.out.protocol(), nil)
	done := make(chan struct{})
	w := &fsm.Waiter{
		Origin: fsm.Origin{Node: s.srv.nodeID, Incarnation: s.srv.incarnation, Session: s.id, Request: s.request},
		Out:    answer,
		Wake:   func() { s.fence(); close(done) },
	}
	m.Await(w)
	_, text := s.proposeItem(fsm.Blocking(w.Origin, s.db, args))
	if text == "" {
		m.Sent(w, s.wroteAt)
		text = s.awaitAnswer(w, done)
	}
	switch answered := m.Leave(w); {
	case answered:
		s.collect()
		s.out.raw(answer.buf)
		s.out.errors += answer.errors
		return
	case text == errUncertain || s.closing:
		s.srv.insist(fsm.Unblock(w.Origin, fsm.UnblockTimeout))
	}
	s.out.Error(text)
}

// awaitAnswer waits until a waiter has been answered, or returns the error that it will not be. To a client
// that has gone nobody says anything.
func (s *session) awaitAnswer(w *fsm.Waiter, done <-chan struct{}) string {
	select {
	case <-done:
		return ""
	default:
	}
	switch s.wait(&blockage{origin: &w.Origin, end: make(chan ending, 1)}, math.MaxInt64, done, nil) {
	case endDone:
		return ""
	default:
		return errUncertain
	}
}

// wait waits until done is closed or, where there is a poll, that is true; or until the time is up, the
// blockage is ended, or the client has gone; then the session is closing. What was answered so far is sent
// first.
func (s *session) wait(b *blockage, limit time.Duration, done <-chan struct{}, poll func() bool) (why ending) {
	s.flush()
	s.release()
	defer s.hold()
	started := time.Now()
	defer func() { s.away += time.Since(started) }()
	ctx := s.patience.begin(limit)
	defer s.patience.end()
	gone, stop := s.conn.whileWaiting()
	defer stop()
	b.timed = limit < math.MaxInt64
	s.blocked.Store(b)
	s.srv.blocked.Add(1)
	defer func() {
		s.blocked.Store(nil)
		s.srv.blocked.Add(-1)
		s.closing = s.closing || why == endGone
	}()
	var again <-chan time.Time
	if poll != nil {
		ticker := time.NewTicker(waitPoll)
		defer ticker.Stop()
		again = ticker.C
	}
	for {
		select {
		case <-done:
			return endDone
		case <-again:
			if poll() {
				return endDone
			}
		case why := <-b.end:
			return why
		case <-gone:
			return endGone
		case <-ctx.Done():
			if ctx.Err() == context.Canceled {
				return endGone
			}
			return endTimeout
		}
	}
}

// deadlines is how many sessions wait for no longer than they said.
func (s *Server) deadlines() int {
	n := s.machine.Deadlines(s.nodeID)
	for _, ss := range s.sessions.all() {
		if b := ss.blocked.Load(); b != nil && b.timed {
			n++
		}
	}
	return n
}

// wantsToWait reports whether XREAD has its option BLOCK.
func wantsToWait(args [][]byte) bool {
	for _, a := range args[1:] {
		switch {
		case command.IsWord(a, "BLOCK"):
			return true
		case command.IsWord(a, "STREAMS"):
			return false
		}
	}
	return false
}

// tail is the handler of a reading command that waits, on this node alone, for something to read.
func tail(s *session, args [][]byte, out reply.Sink) {
	if text := s.apart(s.awaitLevel); text != "" {
		out.Error(text)
		return
	}
	m := s.srv.machine
	answer, done := newOutput(s.out.protocol(), nil), make(chan struct{})
	s.overtaken = false
	t := &fsm.Tail{Call: fsm.Call{Spec: s.lastEntry.spec, DB: s.db, Args: args, Out: answer, Then: s.then(s.remembers())},
		Wake: func() { s.fence(); close(done) }}
	ms, waits := m.Follow(t, s.srv.cluster().Elapsed(group), rand.Uint64())
	if !waits {
		s.out.raw(answer.buf)
		s.out.errors += answer.errors
		return
	}
	limit := time.Duration(math.MaxInt64)
	if ms > 0 && ms < math.MaxInt64/int64(time.Millisecond) {
		limit = time.Duration(ms) * time.Millisecond
	}
	why := s.wait(&blockage{end: make(chan ending, 1)}, limit, done, nil)
	switch answered := m.Unfollow(t); {
	case answered:
		s.collect()
		s.out.raw(answer.buf)
	case why == endError:
		out.Error(errUnblocked)
	default:
		out.NullArray()
	}
}

// insist has an item applied, however long that takes: what it undoes would otherwise go on without anybody
// knowing. It is tried once even while the server ends.
func (s *Server) insist(item []byte) {
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		for !s.tryItem(item) {
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(insistPause):
			}
		}
	}()
}

const insistPause = 200 * time.Millisecond

// tryItem reports whether an item was applied.
func (s *Server) tryItem(item []byte) bool {
	c := s.cluster()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(s.requestTimeout.Load())*time.Millisecond)
	defer cancel()
	if c.Leads(group) {
		_, err := c.Propose(ctx, group, [][]byte{item}, nil)
		return err == nil
	}
	f := frame{group: group, node: s.nodeID, incarnate: s.incarnation, user: acl.Default, judged: math.MaxUint64, protocol: 2,
		items: [][]byte{item}} // the node's own: no user has to be judged
	b, err := c.Forward(ctx, group, f.append(nil))
	var a answer
	return err == nil && a.decode(b) == nil && a.outcome == applied
}

// silence counts seconds in a row.
type silence struct {
	leaderless int            // without a leader
	members    map[string]int // for each member, without an answer to this node, which leads
}

const (
	silentContact = 2 * time.Second // how old a member's last answer is in a second without one
	silentLimit   = 5               // seconds after which a node takes nothing any more
)

// lookAfterWaiting ends the waiting of those who will never come back for it: of sessions of this node before
// its start, and, on the leader, of nodes that are not heard of. Sessions here that wait are told when
// there has been no leader for longer than a request may take. It is called every second.
func (s *Server) lookAfterWaiting(quiet *silence) {
	c := s.cluster()
	if c == nil || !s.ready.Load() {
		return
	}
	s.dropWaiting(s.nodeID, s.incarnation)
	quiet.leaderless++
	if c.Status(group).LeaderID != "" {
		quiet.leaderless = 0
	} else if int64(quiet.leaderless)*1000 > s.requestTimeout.Load() {
		s.endWaiting(endLost)
	}
	if !c.Leads(group) {
		quiet.members = nil
		return
	}
	if quiet.members == nil {
		quiet.members = map[string]int{}
	}
	for _, m := range c.Members(group) {
		quiet.members[m.ID]++
		if m.ID == s.nodeID || m.Known && m.Contact < silentContact {
			quiet.members[m.ID] = 0
		} else if quiet.members[m.ID] >= silentLimit {
			s.dropWaiting(m.ID, 0)
		}
	}
}

// dropWaiting tries to end the waiting of a node's sessions, but for those of an incarnation, if there are any.
func (s *Server) dropWaiting(node string, but uint64) {
	if !s.machine.Waits(node, but) || !s.dropping.CompareAndSwap(false, true) {
		return
	}
	s.log.Warn("what clients of a node waited for is theirs no longer: it does not answer, or was started anew", "node", node)
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		defer s.dropping.Store(false)
		s.tryItem(fsm.DropWaiting(node, but))
	}()
}

// endWaiting ends the waiting of all sessions of this node that wait in the log.
func (s *Server) endWaiting(why ending) {
	for _, ss := range s.sessions.all() {
		if b := ss.blocked.Load(); b != nil && b.origin != nil {
			b.finish(why)
		}
	}
}
