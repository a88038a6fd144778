package cluster

import (
	"context"
	"sync"
	"sync/atomic"
)

// progress is how far the Machine has come, and who waits for it to come further. The applier
// alone moves it.
type progress struct {
	applied atomic.Uint64
	waiting atomic.Int32 // len(waiters), read without the mutex

	mu      sync.Mutex
	waiters map[*progressWaiter]struct{}
}

// progressWaiter is one who waits; reached is closed when the Machine has come to index.
type progressWaiter struct {
	index   uint64
	reached chan struct{}
}

func newProgress() *progress {
	return &progress{waiters: map[*progressWaiter]struct{}{}}
}

// index is the index of the last entry that the Machine has applied or skipped.
func (p *progress) index() uint64 { return p.applied.Load() }

// advance notes that index has been applied. Without anybody waiting it costs two atomic
// operations.
func (p *progress) advance(index uint64) {
	p.applied.Store(index)
	if p.waiting.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.waiters {
		if w.index <= index {
			close(w.reached)
			p.remove(w)
		}
	}
}

func (p *progress) remove(w *progressWaiter) {
	delete(p.waiters, w)
	p.waiting.Store(int32(len(p.waiters)))
}

// wait returns when index has been applied, or with ctx's error. It costs one atomic load if that
// is so already.
func (p *progress) wait(ctx context.Context, index uint64) error {
	if p.applied.Load() >= index {
		return nil
	}
	w := &progressWaiter{index: index, reached: make(chan struct{})}
	p.mu.Lock()
	p.waiters[w] = struct{}{}
	p.waiting.Store(int32(len(p.waiters)))
	// advance stores the index before it looks at waiting, so one of the two sees the other.
	if p.applied.Load() >= index {
		p.remove(w)
		p.mu.Unlock()
		return nil
	}
	p.mu.Unlock()
	select {
	case <-w.reached:
		return nil
	case <-ctx.Done():
		p.mu.Lock()
		p.remove(w)
		p.mu.Unlock()
		return ctx.Err()
	}
}
