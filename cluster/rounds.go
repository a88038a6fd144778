package cluster

import (
	"context"
	"sync"
	"time"
)

// round is one question to other nodes that answers everybody who waits for it.
type round struct {
	done chan struct{} // closed when the rest is final

	asked time.Time // a moment before the question was put
	index uint64    // everything acknowledged before asked is at or below this index
	err   error
}

// rounds puts one question at a time. Whoever joins while one is on its way gets the next one, so
// an answer was always asked for after its reader had come, and under load many readers share
// one question.
//
// Its goroutine runs while there is a question to put.
type rounds struct {
	group *group
	ask   func(ctx context.Context) (index uint64, err error)

	mu   sync.Mutex
	next *round // not asked yet; nil: nobody waits
	busy bool   // the goroutine runs
}

// join waits for the answer to a question that is put from now on.
func (r *rounds) join(ctx context.Context) (*round, error) {
	r.mu.Lock()
	if r.next == nil {
		r.next = &round{done: make(chan struct{})}
	}
	mine := r.next
	if !r.busy {
		r.busy = r.group.spawn(r.run)
	}
	running := r.busy
	r.mu.Unlock()
	if !running {
		return nil, r.group.notLeader()
	}
	select {
	case <-mine.done:
		return mine, mine.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// run puts questions until nobody waits.
func (r *rounds) run() {
	for {
		r.mu.Lock()
		current := r.next
		r.next = nil
		r.busy = current != nil
		r.mu.Unlock()
		if current == nil {
			return
		}
		current.asked = time.Now()
		current.index, current.err = r.ask(r.group.ctx)
		close(current.done)
	}
}
