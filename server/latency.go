package server

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The events whose latencies are kept, besides those that the cluster names.
const (
	eventCommand   = "command"      // a command that is not always fast ran for long
	eventFast      = "fast-command" // one that should be
	eventExpire    = "expire-cycle" // an entry removed what was due
	eventCommit    = "log-commit"   // a write waited long for the log, until it was applied
	eventReadIndex = "read-index"   // a read waited long until it might see what its level promises

	// EventLogSync is one write to the log on this node's disk, sync included.
	EventLogSync = "aof-fsync-always"
)

const latencySamples = 160 // kept of each event

// latencies are the events of this node that took longer than latency-monitor-threshold.
type latencies struct {
	threshold atomic.Int64 // ms; 0 for none

	mu     sync.Mutex
	series map[string]*latencySeries
}

// latencySeries are the samples of one event, at most one a second.
type latencySeries struct {
	samples []latencySample // oldest first
	highest int64           // ms, of all that have been
}

type latencySample struct{ at, ms int64 } // s since the epoch

// add takes in an event if it took long enough.
func (l *latencies) add(event string, d time.Duration) {
	ms := d.Milliseconds()
	if least := l.threshold.Load(); least == 0 || ms < least {
		return
	}
	now := time.Now().Unix()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.series == nil {
		l.series = map[string]*latencySeries{}
	}
	s := l.series[event]
	if s == nil {
		s = &latencySeries{}
		l.series[event] = s
	}
	s.highest = max(s.highest, ms)
	if n := len(s.samples); n > 0 && s.samples[n-1].at == now {
		s.samples[n-1].ms = max(s.samples[n-1].ms, ms)
		return
	}
	if len(s.samples) == latencySamples {
		s.samples = slices.Delete(s.samples, 0, 1)
	}
	s.samples = append(s.samples, latencySample{now, ms})
}

// start is when an event begins that since ends, or no time at all if nobody wants to know how long it takes.
func (l *latencies) start() time.Time {
	if l.threshold.Load() == 0 {
		return time.Time{}
	}
	return time.Now()
}

func (l *latencies) since(event string, started time.Time) {
	if !started.IsZero() {
		l.add(event, time.Since(started))
	}
}

// get is a copy of an event's series, nil if there is none.
func (l *latencies) get(event string) *latencySeries {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.series[event]; s != nil {
		return &latencySeries{slices.Clone(s.samples), s.highest}
	}
	return nil
}

// events are those that there are samples of, in the order of their names.
func (l *latencies) events() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name := range l.series {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// reset forgets the events that match, and returns how many those were.
func (l *latencies) reset(match func(event string) bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for name := range l.series {
		if match(name) {
			delete(l.series, name)
			n++
		}
	}
	return n
}

// Took tells the server of an event that may have taken long enough for LATENCY to show it.
func (s *Server) Took(event string, d time.Duration) { s.latencies.add(event, d) }

// latencyFigures are what LATENCY DOCTOR tells of a series.
type latencyFigures struct {
	samples                   int
	least, most, mean, spread int64 // ms; spread is the mean deviation
	period                    int64 // s since the oldest
}

func (s *latencySeries) figures(now time.Time) (f latencyFigures) {
	f.samples = len(s.samples)
	if f.samples == 0 {
		return f
	}
	f.least, f.most = s.samples[0].ms, s.samples[0].ms
	for _, x := range s.samples {
		f.least, f.most, f.mean = min(f.least, x.ms), max(f.most, x.ms), f.mean+x.ms
	}
	f.mean /= int64(f.samples)
	for _, x := range s.samples {
		f.spread += max(f.mean-x.ms, x.ms-f.mean)
	}
	f.spread /= int64(f.samples)
	f.period = max(1, now.Unix()-s.samples[0].at)
	return f
}

func (s *Server) applyLatencyThreshold(value string) error {
	ms, err := strconv.ParseInt(value, 10, 64)
	s.latencies.threshold.Store(ms)
	return err
}

func (s *Server) applyLatencyTracking(value string) error {
	s.tracksLatency.Store(value == "yes")
	return nil
}
