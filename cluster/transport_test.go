package cluster

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func TestBoundEntries(t *testing.T) {
	for name, c := range map[string]struct {
		prev, commit, durable uint64
		sizes                 []int
		left                  int
		wantCommit            uint64
	}{
		"heartbeat":         {0, 0, 50, nil, 0, 0},
		"commit ahead":      {10, 50, 50, nil, 0, 10},
		"commit behind":     {10, 5, 50, nil, 0, 5},
		"small":             {10, 50, 50, []int{1, 1, 1}, 3, 13},
		"disk behind":       {10, 50, 12, []int{1, 1, 1}, 3, 12},
		"too many bytes":    {10, 50, 50, []int{rpcBytes / 2, rpcBytes / 2, 1}, 2, 12},
		"one is too large":  {10, 50, 50, []int{3 * rpcBytes, 1}, 1, 11},
		"the last too many": {10, 12, 50, []int{1, 1, rpcBytes}, 2, 12},
	} {
		args := &raft.AppendEntriesRequest{PrevLogEntry: c.prev, LeaderCommitIndex: c.commit}
		for i, size := range c.sizes {
			args.Entries = append(args.Entries, &raft.Log{Index: c.prev + uint64(i) + 1, Data: make([]byte, size)})
		}
		boundEntries(args, c.durable)
		if len(args.Entries) != c.left || args.LeaderCommitIndex != c.wantCommit {
			t.Errorf("%s: %d entries, commit %d, want %d and %d", name,
				len(args.Entries), args.LeaderCommitIndex, c.left, c.wantCommit)
		}
	}
}

// stuckPipeline takes no message until it is closed.
type stuckPipeline struct {
	raft.AppendPipeline
	closed chan struct{}
	once   sync.Once
}

func (p *stuckPipeline) AppendEntries(*raft.AppendEntriesRequest, *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	<-p.closed
	return nil, raft.ErrPipelineShutdown
}

func (p *stuckPipeline) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// TestStuckPipeline: a message that waits in vain for its place in a pipeline comes back.
func TestStuckPipeline(t *testing.T) {
	for name, free := range map[string]func(*pipelines){
		"watched":  func(l *pipelines) { l.breakStuck(5 * time.Millisecond) },
		"shutdown": func(l *pipelines) { l.breakAll() },
	} {
		tr := &transport{stop: make(chan struct{}), durable: new(atomic.Uint64)}
		p := &pipeline{AppendPipeline: &stuckPipeline{closed: make(chan struct{})}, transport: tr}
		tr.pipelines.add(p)
		back := make(chan error, 1)
		go func() {
			_, err := p.AppendEntries(&raft.AppendEntriesRequest{}, nil)
			back <- err
		}()
		eventually(t, "it to wait", func() bool { return p.stuck(5 * time.Millisecond) })
		tr.pipelines.breakStuck(testWait)
		if len(back) > 0 {
			t.Errorf("%s: back too early", name)
		}
		free(&tr.pipelines)
		if err := <-back; err == nil {
			t.Errorf("%s: sent", name)
		}
		if err := p.Close(); err != nil || len(tr.pipelines.open) != 0 {
			t.Errorf("%s: %v, %d left", name, err, len(tr.pipelines.open))
		}
	}
}
