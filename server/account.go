package server

import (
	"math"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

// What is counted of each command is how long it ran, not how long it waited: for the log and the other nodes, for
// what its level promises, or for an element to come. What waits for the cluster has events of its own in LATENCY.

// commandTimes is what a row of commands took, each in ns.
type commandTimes []int64

// padded is as many as there are commands: of one that did not run, or was not measured, nothing was taken.
func (t commandTimes) padded(n int) commandTimes {
	for len(t) < n {
		t = append(t, 0)
	}
	return t[:n]
}

func (t commandTimes) sum() (d time.Duration) {
	for _, ns := range t {
		d += time.Duration(ns)
	}
	return d
}

// reads appends what each of the calls took, which took d together: what was measured of it, or its share of
// the rest.
func (t commandTimes) reads(calls []fsm.Call, d time.Duration) commandTimes {
	others := 0
	for i := range calls {
		if calls[i].Took == 0 {
			others++
		}
		d -= time.Duration(calls[i].Took)
	}
	for i := range calls {
		if took := calls[i].Took; took > 0 {
			t = append(t, took)
		} else {
			t = append(t, int64(max(0, d))/int64(others))
		}
	}
	return t
}

// slowest is how long a command may run before somebody wants to hear of it, in ns.
func (s *Server) slowest() int64 {
	least := int64(math.MaxInt64)
	if micros := s.slowlog.slower.Load(); micros >= 0 && micros < math.MaxInt64/1000 {
		least = micros * 1000
	}
	if ms := s.latencies.threshold.Load(); ms > 0 {
		least = min(least, ms*int64(time.Millisecond))
	}
	return least
}

// note counts a call of a command that ran so long.
func (s *session) note(e *entry, args [][]byte, ns int64) {
	s.executed++
	e.stats.calls.Add(1)
	e.stats.nanos.Add(uint64(ns))
	s.srv.spread(e, ns)
	if ns >= s.srv.slowest() {
		s.noteSlow(e, args, ns)
	}
}

// noteRow counts a row of commands and what each took; args(i) are the i-th's arguments. Neighbours that are the
// same are counted together.
func (s *session) noteRow(entries []*entry, args func(i int) [][]byte, took commandTimes) {
	slowest := s.srv.slowest()
	for i := 0; i < len(entries); {
		e, from, sum := entries[i], i, int64(0)
		for ; i < len(entries) && entries[i] == e; i++ {
			sum += took[i]
			s.srv.spread(e, took[i])
			if took[i] >= slowest {
				s.noteSlow(e, args(i), took[i])
			}
		}
		s.executed += i - from
		e.stats.calls.Add(uint64(i - from))
		e.stats.nanos.Add(uint64(sum))
	}
}

// spread counts a duration in the command's histogram, if latency-tracking is on.
func (s *Server) spread(e *entry, ns int64) {
	if !s.tracksLatency.Load() {
		return
	}
	h := e.stats.histogram.Load()
	if h == nil {
		e.stats.histogram.CompareAndSwap(nil, &histogram{})
		if h = e.stats.histogram.Load(); h == nil {
			return // CONFIG RESETSTAT came in between
		}
	}
	h.add(ns, 1)
}

// noteSlow tells whoever wants to hear of it that a command ran for long.
func (s *session) noteSlow(e *entry, args [][]byte, ns int64) {
	event := eventCommand
	if e.fast() {
		event = eventFast
	}
	s.srv.latencies.add(event, time.Duration(ns))
	l := &s.srv.slowlog
	if slower := l.slower.Load(); slower >= 0 && ns/1000 >= slower && e.logsSlow() {
		l.add(ns/1000, s.srv.redacted(e, args), s.conn.remote, s.profile().name)
	}
}

// apart runs what the session waits for, which does not count as its command's time.
func (s *session) apart(wait func() string) string {
	started := time.Now()
	text := wait()
	s.away += time.Since(started)
	return text
}
