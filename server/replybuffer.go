package server

import (
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/reply"
)

const (
	replyLeast       = 1 << 10 // bytes of a reply buffer that is not in use
	replyIdleDefault = 5000    // ms
)

// A turn says who may touch what is a session's own: its goroutine while it works on a batch, the server's clock
// for a moment in between.
type turn struct{ who atomic.Int32 }

const (
	turnNobody int32 = iota
	turnSession
	turnClock
)

// begin is the session's. It waits for the clock, which is quick.
func (t *turn) begin() {
	for !t.who.CompareAndSwap(turnNobody, turnSession) {
		runtime.Gosched()
	}
}

func (t *turn) end() { t.who.Store(turnNobody) }

// borrow has the clock do something, unless the session works.
func (t *turn) borrow(do func()) {
	if t.who.CompareAndSwap(turnNobody, turnClock) {
		do()
		t.who.Store(turnNobody)
	}
}

// busy reports whether the session works on a batch.
func (t *turn) busy() bool { return t.who.Load() == turnSession }

// fitReplies notes, at the end of a batch, how large the reply buffer is.
func (s *session) fitReplies() {
	if cap(s.out.buf) < replyLeast {
		s.out.buf = make([]byte, 0, replyLeast)
	}
	if room := int64(cap(s.out.buf)); room != s.replyRoom.Load() {
		if room > s.replyRoom.Swap(room) {
			s.srv.stats.expanded.Add(1)
		}
	}
}

// trimReplies gives the reply buffer of a session back that has been idle for long.
func (s *session) trimReplies(now time.Time) {
	idle := s.srv.replyIdle.Load()
	if idle < 0 || s.replyRoom.Load() <= replyLeast || now.UnixMilli()-s.active.Load() < idle {
		return
	}
	s.turn.borrow(func() {
		s.out.buf = make([]byte, 0, replyLeast)
		s.replyRoom.Store(replyLeast)
		s.replyPeak.Store(0)
		s.srv.stats.shrunk.Add(1)
	})
}

// debugReplyBuffer chooses when reply buffers are given back.
func debugReplyBuffer(s *session, args [][]byte, out reply.Sink) {
	value := strings.ToLower(string(args[3]))
	switch strings.ToLower(string(args[2])) {
	case "peak-reset-time":
		ms, ok := fsm.ParseInt(args[3])
		switch {
		case value == "never":
			ms = -1
		case value == "reset":
			ms = replyIdleDefault
		case !ok:
			out.Error(errNotInteger)
			return
		}
		s.srv.replyIdle.Store(ms)
	case "resizing":
		if n, _ := strconv.Atoi(value); n == 0 {
			s.srv.replyIdle.Store(-1)
		} else {
			s.srv.replyIdle.Store(replyIdleDefault)
		}
	default:
		out.Error("ERR unknown subcommand or wrong number of arguments for '" + string(args[1]) + "'. Try DEBUG HELP.")
		return
	}
	out.Status("OK")
}

// debugPauseCron stops what the server does now and then: INFO's samples, the ends of idle clients, snapshots by
// save points.
func debugPauseCron(s *session, args [][]byte, out reply.Sink) {
	n, _ := strconv.Atoi(string(args[2]))
	s.srv.cronPaused.Store(n != 0)
	out.Status("OK")
}
