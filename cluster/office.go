package cluster

import (
	"sync"
	"sync/atomic"
	"time"
)

// office is one uninterrupted time of this node's leading a group. It begins and ends with raft's
// notice, and is open for reads and as a proof of leadership from the moment a command of its
// term has been applied here: only then are the Machine and the commit index known to be up to
// date, and only then is it certain which term it is.
type office struct {
	wall   func() time.Time
	began  time.Time
	opened atomic.Bool // its first entry has been sent

	ready chan struct{} // closed when term is known, or the office over
	over  chan struct{} // closed when raft leads no longer
	once  sync.Once
	term  atomic.Uint64 // 0 until a command of the term has been applied

	clock  *stamps                 // the proposer's; nil until take
	last   atomic.Pointer[stampAt] // the last stamp that was made
	ticked struct{ due, at int64 } // the proposer's: the last tick, ms
}

// stampAt is a stamp and the monotonic moment it was made.
type stampAt struct {
	stamp int64
	at    time.Time
}

func newOffice(wall func() time.Time) *office {
	return &office{wall: wall, began: time.Now(), ready: make(chan struct{}), over: make(chan struct{})}
}

// take starts the clock, from the newest stamp that the log or the Machine know of and the clocks
// of all voters.
func (o *office) take(known int64, voters []int64) {
	if o.clock == nil {
		o.clock = newStamps(officeBase(known, o.wall().UnixMilli(), voters))
		o.began = time.Now() // asking for the clocks has taken time
	}
}

// stamp makes the stamp of the next entry. Only the proposer calls it.
func (o *office) stamp() int64 {
	now := time.Now()
	stamp := o.clock.next(now.Sub(o.began), time.Duration(o.wall().UnixNano()))
	o.last.Store(&stampAt{stamp: stamp, at: now})
	return stamp
}

// now is what a stamp would be about now, without making one; 0 before the first.
func (o *office) now() int64 {
	last := o.last.Load()
	if last == nil {
		return 0
	}
	return last.stamp + time.Since(last.at).Milliseconds()
}

// tickPause is how long a tick that changed nothing is not repeated, in ms.
const tickPause = 10

// tick reports whether an entry is due although nobody has proposed one, or how long until one
// may be. due is the Machine's wish as a stamp, 0 for none. Only the proposer calls it.
func (o *office) tick(due int64) (bool, time.Duration) {
	if due == 0 {
		return false, time.Hour
	}
	now := o.now()
	wait := due - now
	if due == o.ticked.due {
		wait = max(wait, o.ticked.at+tickPause-now)
	}
	if wait > 0 {
		return false, time.Duration(min(wait, time.Hour.Milliseconds())) * time.Millisecond
	}
	o.ticked.due, o.ticked.at = due, now
	return true, 0
}

// prove notes that the office's first entry was applied in term.
func (o *office) prove(term uint64) {
	o.once.Do(func() {
		o.term.Store(term)
		close(o.ready)
	})
}

// end notes that raft leads no longer. Only the watch of leadership calls it.
func (o *office) end() {
	close(o.over)
	o.once.Do(func() { close(o.ready) })
}

// handOnWatch notices a raft that answers "transfer in progress" for longer than a transfer can
// take. The proposer and its waiters use it.
type handOnWatch struct {
	mu          sync.Mutex
	first, last time.Time
}

// refused notes such an answer and reports whether they have come in a row for too long.
func (w *handOnWatch) refused(now time.Time, electionTimeout time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.last) > electionTimeout/2 {
		w.first = now
	}
	w.last = now
	return now.Sub(w.first) > 3*electionTimeout
}
