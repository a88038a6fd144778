package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// A stopwatch measures how long commands run, for whoever asked for them. It is the one thing here that looks at
// a clock, one that it is handed: what it reads goes to sinks and calls of this node, and nothing that is
// replicated depends on it.
type stopwatch struct {
	now    func() int64 // ns since some moment; nil: nothing is measured
	lapped int64        // when the last lap ended
	stale  bool         // something that was not measured has run since
	event  func(name string, ns int64)
}

// Timed is a sink that is told how long each item ran that it was the answer of, in ns, after its answer. A
// transaction's sink is told so of each of its commands, and then of what remains.
type Timed interface{ Took(ns int64) }

// Time has what runs measured by a clock, which counts ns since any moment. event is told, under the machine's lock,
// what else took how long: "expire-cycle" is an entry's removing what is due.
func (m *Machine) Time(now func() int64, event func(name string, ns int64)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.timing = stopwatch{now: now, event: event, stale: true}
}

// start begins an item that answers to out.
func (w *stopwatch) start(out reply.Sink) {
	if w.now == nil {
		return
	}
	if _, timed := out.(Timed); !timed {
		w.stale = true
	} else if w.stale {
		w.lapped, w.stale = w.now(), false
	}
}

// lap tells out how long its item ran: since the item before it ended.
func (w *stopwatch) lap(out reply.Sink) {
	if w.now == nil {
		return
	}
	if t, timed := out.(Timed); timed {
		now := w.now()
		t.Took(now - w.lapped)
		w.lapped = now
	}
}

// removing runs what removes what is due, and measures it. It returns how long it took, in ns.
func (w *stopwatch) removing(expire func()) int64 {
	if w.now == nil {
		expire()
		return 0
	}
	from := w.now()
	expire()
	took := w.now() - from
	w.event("expire-cycle", took)
	return took
}

// measures reports whether a read is worth two looks at the clock.
func (w *stopwatch) measures(spec *command.Spec) bool { return w.now != nil && !spec.Is(command.Fast) }
