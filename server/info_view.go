package server

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

// view is what one INFO tells from, looked at once so that its lines agree.
type view struct {
	srv         *Server
	now         time.Time
	replication replication
	attached    bool  // there is a cluster: the node has what its disk held
	logBytes    int64 // of the log on disk
	machine     fsm.Stats
	libraries   int
	functions   int
	since       fsm.Stats // its counters since the start or the last CONFIG RESETSTAT
	usage       syscall.Rusage
	memory      memory
	buffers     bufferSizes
	rates       [3]float64
	tracking    trackingFigures

	exceededTotal, exceededNow time.Duration // for how long memory has been over maxmemory
}

func (s *Server) view() *view {
	v := &view{srv: s, now: time.Now(), replication: s.replication(), machine: s.machine.Stats(),
		rates:   s.stats.rates.perSecond(),
		buffers: s.stats.buffers.most(), tracking: s.tracking.figures()}
	v.libraries, v.functions = s.machine.FunctionCounts()
	if c := s.cluster(); c != nil {
		v.attached, v.logBytes = true, c.LogBytes(group)
	}
	v.since = s.stats.sinceReset(v.machine)
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &v.usage)
	v.memory = s.readMemory(v.machine)
	v.exceededTotal, v.exceededNow = s.eviction.exceeded(v.now)
	return v
}

func raise(a *atomic.Int64, to int64) {
	for old := a.Load(); to > old && !a.CompareAndSwap(old, to); {
		old = a.Load()
	}
}

func yesNo(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func okErr(failed bool) string {
	if failed {
		return "err"
	}
	return "ok"
}

func decimalOf[T int | int64 | uint64](n T) string { return fmt.Sprint(n) }

// human is a number of bytes as INFO's _human fields write it.
func human(bytes int64) string {
	n := uint64(max(0, bytes))
	for i, unit := range []string{"K", "M", "G", "T", "P"} {
		if n < 1<<(10*(i+2)) {
			if n < 1024 {
				return fmt.Sprintf("%dB", n)
			}
			return fmt.Sprintf("%.2f%s", float64(n)/float64(uint64(1)<<(10*(i+1))), unit)
		}
	}
	return fmt.Sprintf("%dB", n)
}

func seconds(t syscall.Timeval) string { return fmt.Sprintf("%d.%06d", t.Sec, t.Usec) }

func kilobytes(perSecond float64) string { return fmt.Sprintf("%.2f", perSecond/1024) }

// fraction is a / b, 0 of nothing.
func fraction(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
