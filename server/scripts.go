package server

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
)

// scripts are the scripts and functions that run on this node at present, as reads of its sessions or as part of
// an entry. Whoever runs one owns it; the rest of the server looks on.
type scripts struct {
	mu     sync.Mutex
	all    map[*script]struct{}
	oldest atomic.Pointer[script] // the one that began first, nil for none
	logged *script                // the one of an entry
	habits habits
}

// script is one that runs.
type script struct {
	began    time.Time
	function bool     // one of a library, which FUNCTION KILL stops
	logged   bool     // part of an entry: it is not stopped
	args     [][]byte // the command that runs it, for as long as it runs
	killed   atomic.Bool
}

// begin takes note of a script that begins.
func (l *scripts) begin(function, logged bool, args [][]byte) *script {
	r := &script{began: time.Now(), function: function, logged: logged, args: args}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[*script]struct{}{}
	}
	l.all[r] = struct{}{}
	l.oldest.CompareAndSwap(nil, r)
	return r
}

// end takes note that it has ended.
func (l *scripts) end(r *script) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, r)
	if l.oldest.Load() != r {
		return
	}
	var oldest *script
	for o := range l.all {
		if oldest == nil || o.began.Before(oldest.began) {
			oldest = o
		}
	}
	l.oldest.Store(oldest)
}

// runningFunction is the function that has been running for longest: the words of its FCALL, and since when; nil
// for none.
func (l *scripts) runningFunction() (words []string, began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var oldest *script
	for r := range l.all {
		if r.function && (oldest == nil || r.began.Before(oldest.began)) {
			oldest = r
		}
	}
	if oldest == nil {
		return nil, began
	}
	for _, a := range oldest.args {
		words = append(words, string(a))
	}
	return words, oldest.began
}

// serveScripts has the machine tell of the scripts in entries, and of what scripts log.
func (s *Server) serveScripts() {
	l := &s.scripts
	s.machine.ServeScripts(fsm.ScriptHooks{
		Log:   s.logScript,
		Began: func(function bool, args [][]byte) { l.logged = l.begin(function, true, args) },
		Ended: func() { l.end(l.logged) },

		Called:   s.countCall,
		Denied:   s.deniedScript,
		Repeated: s.stats.errors.forget,
	})
}

// countCall counts a command that a script has called, and shows it to those who monitor.
func (s *Server) countCall(spec *command.Spec, db int, args [][]byte, rejected bool, failed string) {
	if failed != "" {
		s.stats.errors.add(failed)
	}
	e := s.commands.bySpec[spec]
	switch {
	case e == nil:
	case rejected:
		e.stats.rejected.Add(1)
	default:
		s.monitors.called(spec, db, args)
		e.stats.calls.Add(1)
		if failed != "" {
			e.stats.failed.Add(1)
		}
	}
}

// logScript writes a line of redis.log.
func (s *Server) logScript(level int, text string) {
	levels := [...]slog.Level{slog.LevelDebug, slog.LevelInfo - 1, slog.LevelInfo, slog.LevelWarn}
	s.log.Log(context.Background(), levels[level], text)
}

// overdue is the script that has been running for longer than busy-reply-threshold, nil if there is none.
func (s *Server) overdue() *script {
	oldest := s.scripts.oldest.Load()
	if oldest == nil {
		return nil
	}
	if limit := s.busyAfter.Load(); limit == 0 || time.Since(oldest.began) < time.Duration(limit)*time.Millisecond {
		return nil
	}
	return oldest
}

func (s *Server) applyBusyAfter(value string) error {
	ms, err := strconv.ParseInt(value, 10, 64)
	s.busyAfter.Store(ms)
	return err
}

// kill stops the scripts, or functions, that are overdue. It returns the error that the client is told.
func (s *Server) killScripts(functions bool) string {
	oldest := s.overdue()
	switch {
	case oldest == nil:
		return errNotBusy
	case oldest.logged:
		return errUnkillable
	case oldest.function != functions:
		return busyText(oldest)
	}
	s.scripts.mu.Lock()
	defer s.scripts.mu.Unlock()
	limit := time.Duration(s.busyAfter.Load()) * time.Millisecond
	for r := range s.scripts.all {
		if r.function == functions && !r.logged && time.Since(r.began) >= limit {
			r.killed.Store(true)
		}
	}
	return ""
}

// interrupted is whether a script that reads is to stop: it was killed, or the server ends.
func (s *Server) interrupted(r *script) func() bool {
	return func() bool { return r.killed.Load() || s.ctx.Err() != nil }
}

// habits is what is known of scripts that were tried as reads: one that mostly comes to a write goes straight
// into the log. It is a guess that costs time when it is wrong, and nothing else.
type habits struct {
	mu    sync.Mutex
	known map[string]int // by what EVAL or EVALSHA named it: how often it wrote, less how often it did not
}

const (
	habitsMost = 1024 // scripts
	habitLimit = 4
	tryAgain   = 64 // times that a script goes straight into the log before it is tried again
)

// writes reports whether the script is taken for one that writes.
func (h *habits) writes(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.known[name]
	if n < habitLimit {
		return false
	}
	h.known[name] = n + 1
	if n == habitLimit+tryAgain {
		h.known[name] = habitLimit - 1
	}
	return true
}

// tried takes note of what became of a script that was run as a read.
func (h *habits) tried(name string, wrote bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known == nil || len(h.known) >= habitsMost {
		h.known = map[string]int{}
	}
	if wrote {
		h.known[name] = min(h.known[name]+1, habitLimit)
	} else {
		h.known[name] = max(h.known[name]-1, -habitLimit)
	}
}
