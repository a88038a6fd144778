package server

import (
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// pauseKind says which commands a pause has wait.
type pauseKind int32

const (
	pauseNone   pauseKind = iota
	pauseWrites           // what changes the data, or may have to reach the other nodes
	pauseAll
)

// A pause has the commands of this node's clients wait until its time is up or it is called off. What other
// nodes' clients send, and what comes out of the log, goes on. The zero pause is none.
type pause struct {
	kind atomic.Int32 // a pauseKind; every command looks at it

	mu    sync.Mutex
	until time.Time
	ended chan struct{} // closed when it ends
}

// begin starts a pause. One that is in force already becomes the longer and the stricter of the two.
func (p *pause) begin(kind pauseKind, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := pauseKind(p.kind.Load()); old == pauseNone {
		p.until, p.ended = until, make(chan struct{})
		p.kind.Store(int32(kind))
	} else {
		p.kind.Store(int32(max(old, kind)))
		if until.After(p.until) {
			p.until = until
		}
	}
}

// end calls it off.
func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endLocked()
}

func (p *pause) endLocked() {
	if pauseKind(p.kind.Load()) != pauseNone {
		p.kind.Store(int32(pauseNone))
		close(p.ended)
	}
}

// holds is what a command has to wait for that a pause of the kind least or a stricter one holds back: the end
// of the pause, which comes after remains unless it is called off or made longer. A nil channel is no reason to wait.
func (p *pause) holds(least pauseKind) (ended <-chan struct{}, remains time.Duration) {
	if p.kind.Load() < int32(least) {
		return nil, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if remains = time.Until(p.until); remains <= 0 {
		p.endLocked()
	}
	if p.kind.Load() < int32(least) {
		return nil, 0
	}
	return p.ended, remains
}

// heldBack waits while a pause holds the command back, and reports whether it did: then what was true of the
// command before may not be any more.
func (s *session) heldBack(e *entry, args [][]byte) bool {
	if s.srv.paused.kind.Load() == int32(pauseNone) && s.srv.asleep.kind.Load() == int32(pauseNone) || s.monitors {
		return false
	}
	least := pauseAll
	if s.mayReplicate(e, args) {
		least = pauseWrites
	}
	held := false
	for _, p := range [...]*pause{&s.srv.asleep, &s.srv.paused} {
		for !s.closing {
			ended, left := p.holds(least)
			if ended == nil {
				break
			}
			held = true
			s.settle()
			s.wait(&blockage{}, left, ended, nil)
		}
	}
	return held
}

// mayReplicate reports whether a command may change the data or have to reach the other nodes: it waits for the
// end of a pause of writes.
func (s *session) mayReplicate(e *entry, args [][]byte) bool {
	switch {
	case e.name == "exec":
		return slices.ContainsFunc(s.multi.queue, func(q queued) bool { return s.mayReplicate(q.entry, q.args) })
	case e.route == asScript:
		return !s.srv.machine.HintScript(e.spec, args).ReadsOnly
	case e.spec.Is(command.Write):
		return s.routeOf(e, args) != asRead
	}
	return e.spec.Is(command.MayReplicate) && e.spec.Parent() == nil // SCRIPT changes no data
}

func clientPause(s *session, args [][]byte, out reply.Sink) {
	kind := pauseAll
	switch {
	case len(args) > 4:
		out.Error("ERR unknown subcommand or wrong number of arguments for '" + string(args[1]) + "'. Try CLIENT HELP.")
		return
	case len(args) == 4 && strings.EqualFold(string(args[3]), "write"):
		kind = pauseWrites
	case len(args) == 4 && !strings.EqualFold(string(args[3]), "all"):
		out.Error("ERR CLIENT PAUSE mode must be WRITE or ALL")
		return
	}
	ms, text := parseTimeout(args[2])
	if text != "" {
		out.Error(text)
		return
	}
	if ms > 0 {
		s.srv.paused.begin(kind, time.Now().Add(duration(ms)))
	}
	out.Status("OK")
}

func clientUnpause(s *session, _ [][]byte, out reply.Sink) {
	s.srv.paused.end()
	out.Status("OK")
}

// parseTimeout reads a time-out in ms, or returns the error.
func parseTimeout(arg []byte) (ms int64, text string) {
	ms, ok := fsm.ParseInt(arg)
	switch {
	case !ok:
		return 0, errTimeout
	case ms < 0:
		return 0, errTimeoutNegative
	case ms > math.MaxInt64-time.Now().UnixMilli():
		return 0, errTimeoutRange
	}
	return ms, ""
}

// duration is a number of ms, cut off at what a Duration can hold.
func duration(ms int64) time.Duration {
	return time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}
