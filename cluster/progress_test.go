package cluster

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func TestProgressWait(t *testing.T) {
	p := newProgress()
	var all sync.WaitGroup
	for i := range uint64(200) {
		all.Go(func() {
			if err := p.wait(testContext(t), i); err != nil {
				t.Error(err)
			}
			if p.index() < i {
				t.Errorf("woken at %d, waited for %d", p.index(), i)
			}
		})
	}
	for i := range uint64(200) {
		p.advance(i)
	}
	all.Wait()
	if n := len(p.waiters); n != 0 || p.waiting.Load() != 0 {
		t.Errorf("%d waiters are left", n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.wait(ctx, 1000); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := testing.AllocsPerRun(10, func() { _ = p.wait(ctx, 10) }); n != 0 {
		t.Errorf("not waiting allocates %v times", n)
	}
}
