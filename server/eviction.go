package server

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

// An evictor keeps the memory of a leader within maxmemory. Whoever is about to write over it chooses victims
// (makeRoom), for as long as a write may take for that, and hands them to the evictor's goroutine, which has them
// removed by an item of the log: it goes out with the same entry as the writes, or with the one before. What is
// chosen counts as removed, so that many writers do not choose for the same want.
type evictor struct {
	srv  *Server
	wake chan struct{} // holds one

	mu     sync.Mutex
	chosen fsm.Eviction
	queue  []fsm.Victim  // chosen, and not proposed yet
	bytes  int64         // of all that is chosen and not removed yet
	landed chan struct{} // closed when some of it has been, or will not be
	behind time.Time     // since when memory has been over the limit; zero: it is not
	total  time.Duration // for how long it has been before
}

func newEvictor(s *Server) *evictor {
	return &evictor{srv: s, wake: make(chan struct{}, 1), landed: make(chan struct{})}
}

// mostChosen is how many bytes may be chosen and not removed yet before writers wait: about as much as memory may be over
// its limit by, and several entries' worth.
func (ev *evictor) mostChosen() int64 { return max(256<<10, ev.srv.machine.MaxMemory()>>8) }

// makeRoom chooses what to evict for the memory to be within its limit again, and reports false if there is
// nothing that would make it so. If there is, but it takes longer than a write may wait, the goroutine goes on.
func (ev *evictor) makeRoom(ctx context.Context) bool {
	for started := time.Now(); ; {
		ev.mu.Lock()
		enough := ev.choose(started, ev.patience())
		bytes, landed := ev.bytes, ev.landed
		ev.mu.Unlock()
		switch {
		case enough && bytes <= ev.mostChosen():
			return true
		case bytes == 0:
			return false
		}
		select { // what is on its way may be enough
		case <-landed:
		case <-ctx.Done():
			return enough
		}
	}
}

// settle makes room, and waits until what is chosen has been removed.
func (ev *evictor) settle(ctx context.Context) {
	ev.makeRoom(ctx)
	for {
		ev.mu.Lock()
		bytes, landed := ev.bytes, ev.landed
		ev.mu.Unlock()
		if bytes == 0 {
			return
		}
		select {
		case <-landed:
		case <-ctx.Done():
			return
		}
	}
}

// patience is how long a write may look for what to evict: the curve of Redis' maxmemory-eviction-tenacity.
func (ev *evictor) patience() time.Duration {
	switch t := ev.srv.machine.Tenacity(); {
	case t <= 10:
		return time.Duration(t) * 50 * time.Microsecond
	case t < 100:
		return time.Duration(500 * math.Pow(1.15, float64(t-10)) * float64(time.Microsecond))
	}
	return math.MaxInt64
}

// excess is how many bytes have to be evicted beyond those that are. The evictor is locked.
func (ev *evictor) excess() int64 {
	limit := ev.srv.machine.MaxMemory()
	if limit == 0 {
		return 0
	}
	return ev.srv.usedMemory() - ev.bytes - limit
}

// choose chooses victims until they are enough, or the time since started is up, and reports whether either is so.
// The evictor is locked.
func (ev *evictor) choose(started time.Time, limit time.Duration) bool {
	for {
		need := ev.excess()
		if need <= 0 {
			return true
		}
		victims := ev.srv.machine.Choose(&ev.chosen, ev.srv.elapsed(), rand.Uint64(), need)
		if len(victims) == 0 {
			return false
		}
		for _, v := range victims {
			ev.bytes += v.Bytes
		}
		ev.queue = append(ev.queue, victims...)
		ev.rouse()
		if time.Since(started) >= limit {
			return true
		}
	}
}

// rouse has the goroutine look at the state of things.
func (ev *evictor) rouse() {
	select {
	case ev.wake <- struct{}{}:
	default:
	}
}

// run has removed what was chosen, and chooses on as long as memory is over its limit.
func (ev *evictor) run() {
	defer ev.srv.done.Done()
	for {
		select {
		case <-ev.srv.ctx.Done():
			return
		case <-ev.wake:
		}
		for ev.srv.ctx.Err() == nil {
			victims := ev.take()
			if len(victims) == 0 {
				break
			}
			err := ev.remove(victims)
			ev.land(victims)
			if err != nil {
				break
			}
		}
	}
}

// take is the victims to remove next: those that were chosen, or some more if need be.
func (ev *evictor) take() []fsm.Victim {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	c := ev.srv.cluster()
	if c == nil || !c.Leads(group) {
		victims := ev.queue
		ev.queue = nil
		ev.forget(victims)
		return nil
	}
	if len(ev.queue) == 0 {
		ev.choose(time.Now(), 0)
	}
	n := min(len(ev.queue), evictAtOnce)
	victims := ev.queue[:n:n]
	if ev.queue = ev.queue[n:]; len(ev.queue) == 0 {
		ev.queue = nil
	}
	return victims
}

// evictAtOnce is how many keys one proposal removes at most, so that the entry holds nobody up.
const evictAtOnce = 512

// remove has victims removed, all of them by one entry.
func (ev *evictor) remove(victims []fsm.Victim) error {
	byDB := map[int][][]byte{}
	var order []int
	for _, v := range victims {
		if byDB[v.DB] == nil {
			order = append(order, v.DB)
		}
		byDB[v.DB] = append(byDB[v.DB], v.Key)
	}
	items := make([][]byte, 0, len(order))
	for _, db := range order {
		items = append(items, fsm.Evict(db, byDB[db]))
	}
	ctx, cancel := context.WithTimeout(ev.srv.ctx, time.Duration(ev.srv.requestTimeout.Load())*time.Millisecond)
	defer cancel()
	_, err := ev.srv.cluster().Propose(ctx, group, items, nil)
	return err
}

// land takes note that victims are removed, or will not be.
func (ev *evictor) land(victims []fsm.Victim) {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	ev.forget(victims)
}

// forget is land. The evictor is locked.
func (ev *evictor) forget(victims []fsm.Victim) {
	for _, v := range victims {
		ev.bytes -= v.Bytes
	}
	ev.chosen.Done(victims)
	close(ev.landed)
	ev.landed = make(chan struct{})
}

// look has the goroutine evict if memory is over its limit without anybody writing, as after CONFIG SET, and keeps the
// time that it has been. The clock calls it.
func (ev *evictor) look(now time.Time) {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	switch over := ev.srv.overMemory(); {
	case over && ev.behind.IsZero():
		ev.behind = now
	case !over && !ev.behind.IsZero():
		ev.total += now.Sub(ev.behind)
		ev.behind = time.Time{}
	}
	if !ev.behind.IsZero() {
		ev.rouse()
	}
}

// exceeded is for how long memory has been over its limit, all in all and at present.
func (ev *evictor) exceeded(now time.Time) (total, present time.Duration) {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	if !ev.behind.IsZero() {
		present = now.Sub(ev.behind)
	}
	return ev.total + present, present
}
