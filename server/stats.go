package server

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

// stats counts what INFO tells. Sessions add to it once a batch.
type stats struct {
	started     time.Time
	connections atomic.Uint64
	rejected    atomic.Uint64
	evicted     atomic.Uint64 // clients, for the memory they took
	commands    atomic.Uint64
	netIn       atomic.Int64
	netOut      atomic.Int64
	reads       atomic.Uint64 // batches read from clients
	writes      atomic.Uint64
	errors      errorStats
	peakMemory  atomic.Int64
	rates       rates
	buffers     recentBuffers
	shrunk      atomic.Uint64 // reply buffers that were given back
	expanded    atomic.Uint64
	machineThen atomic.Pointer[fsm.Stats] // the machine's counters at the start or the last reset
}

// commandStats counts the calls of one command.
type commandStats struct {
	calls, nanos, rejected, failed atomic.Uint64
	histogram                      atomic.Pointer[histogram] // of how long each ran; nil before the first
}

func (c *commandStats) reset() {
	c.calls.Store(0)
	c.nanos.Store(0)
	c.rejected.Store(0)
	c.failed.Store(0)
	c.histogram.Store(nil)
}

const errorKinds = 128 // words in front of errors that are counted one by one

// errorStats counts error replies by their first word.
type errorStats struct {
	mu    sync.Mutex
	total uint64
	kinds map[string]uint64
}

// add counts one error by its text, which begins with the word.
func (e *errorStats) add(text string) {
	word, _, _ := strings.Cut(text, " ")
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total++
	if e.kinds == nil {
		e.kinds = map[string]uint64{}
	}
	if _, known := e.kinds[word]; known || len(e.kinds) < errorKinds {
		e.kinds[strings.Clone(word)]++
	}
}

// forget undoes one add, of an error that will be counted again as it goes out.
func (e *errorStats) forget(text string) {
	word, _, _ := strings.Cut(text, " ")
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total--
	if e.kinds[word]--; e.kinds[word] == 0 {
		delete(e.kinds, word)
	}
}

func (e *errorStats) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total, e.kinds = 0, nil
}

// each calls yield with every word and its count, in the order of the words.
func (e *errorStats) each(yield func(word string, count uint64)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	words := make([]string, 0, len(e.kinds))
	for w := range e.kinds {
		words = append(words, w)
	}
	slices.Sort(words)
	for _, w := range words {
		yield(w, e.kinds[w])
	}
}

func (e *errorStats) count() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.total
}

const rateSamples = 16 // of 100 ms, as Redis takes its instantaneous figures

// rates are the figures that INFO calls instantaneous: means over the last samples.
type rates struct {
	mu      sync.Mutex
	at      [rateSamples]time.Time
	counted [rateSamples][3]uint64 // commands, bytes in, bytes out
	next    int
}

// sample is called by the server's clock.
func (r *rates) sample(now time.Time, commands uint64, in, out int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at[r.next] = now
	r.counted[r.next] = [3]uint64{commands, uint64(in), uint64(out)}
	r.next = (r.next + 1) % rateSamples
}

// perSecond is the mean of commands, bytes in and bytes out a second.
func (r *rates) perSecond() (mean [3]float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	newest, oldest := (r.next+rateSamples-1)%rateSamples, r.next
	if r.at[oldest].IsZero() {
		oldest = 0
	}
	span := r.at[newest].Sub(r.at[oldest]).Seconds()
	if span <= 0 {
		return mean
	}
	for i := range mean {
		if a, b := r.counted[oldest][i], r.counted[newest][i]; b > a {
			mean[i] = float64(b-a) / span
		}
	}
	return mean
}

// sinceReset is what the machine has counted since the start or the last reset.
func (st *stats) sinceReset(now fsm.Stats) fsm.Stats {
	if then := st.machineThen.Load(); then != nil {
		now.Hits -= min(now.Hits, then.Hits)
		now.Misses -= min(now.Misses, then.Misses)
		now.Expired -= min(now.Expired, then.Expired)
		now.ExpireCapped -= min(now.ExpireCapped, then.ExpireCapped)
		now.ExpireNanos -= min(now.ExpireNanos, then.ExpireNanos)
		now.Evicted -= min(now.Evicted, then.Evicted)
		now.LazyFreed -= min(now.LazyFreed, then.LazyFreed)
	}
	return now
}

// reset is CONFIG RESETSTAT. machine is what the machine has counted so far.
func (st *stats) reset(table []*entry, machine fsm.Stats) {
	st.machineThen.Store(&machine)
	st.peakMemory.Store(0)
	for _, c := range []*atomic.Uint64{&st.connections, &st.rejected, &st.evicted, &st.commands, &st.reads, &st.writes, &st.shrunk, &st.expanded} {
		c.Store(0)
	}
	st.netIn.Store(0)
	st.netOut.Store(0)
	st.errors.reset()
	for _, e := range table {
		e.stats.reset()
	}
}
