package cluster

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// pipelinePatience is how long a message may wait for its place in a pipeline. Answers have
// rpcPatience, so a longer wait is one for nobody.
const pipelinePatience = rpcPatience + time.Second

// pipelines are the ones that are open. In the library, who takes the answers of a pipeline leaves
// at the first bad one, and who sends may then wait for ever for a place behind answers that
// nobody takes: the follower would get nothing any more, and raft could not be shut down. Closing
// the pipeline frees it.
type pipelines struct {
	mu   sync.Mutex
	open map[*pipeline]struct{}
}

func (l *pipelines) add(p *pipeline) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[*pipeline]struct{}{}
	}
	l.open[p] = struct{}{}
}

func (l *pipelines) remove(p *pipeline) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, p)
}

// breakAll closes every pipeline, breakStuck those in which a message has been waiting for longer
// than d.
func (l *pipelines) breakAll() { l.breakIf(func(*pipeline) bool { return true }) }

func (l *pipelines) breakStuck(d time.Duration) {
	l.breakIf(func(p *pipeline) bool { return p.stuck(d) })
}

func (l *pipelines) breakIf(wanted func(*pipeline) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.open {
		if wanted(p) {
			_ = p.AppendPipeline.Close() // the sender closes it once more, and is told why
		}
	}
}

// pipeline is AppendEntries without waiting for each answer.
type pipeline struct {
	raft.AppendPipeline
	transport *transport

	mu      sync.Mutex
	waiting time.Time // when the message that is being sent came; zero: none is
}

// AppendEntriesPipeline starts sending entries without waiting for each answer.
func (t *transport) AppendEntriesPipeline(id raft.ServerID, target raft.ServerAddress) (raft.AppendPipeline, error) {
	if t.silent.Load() {
		return nil, errSilenced
	}
	inner, err := t.NetworkTransport.AppendEntriesPipeline(id, target)
	if err != nil {
		return nil, err
	}
	p := &pipeline{AppendPipeline: inner, transport: t}
	t.pipelines.add(p)
	select {
	case <-t.stop: // it may have been too late for Close to see it
		_ = p.Close()
		return nil, errTransportShut
	default:
		return p, nil
	}
}

// AppendEntries sends entries.
func (p *pipeline) AppendEntries(args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	if p.transport.silent.Load() {
		return nil, errSilenced
	}
	boundEntries(args, p.transport.durable.Load())
	p.waits(time.Now())
	defer p.waits(time.Time{})
	return p.AppendPipeline.AppendEntries(args, resp)
}

func (p *pipeline) waits(since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = since
}

// stuck reports whether a message has been waiting for longer than d.
func (p *pipeline) stuck(d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.waiting.IsZero() && time.Since(p.waiting) > d
}

// Close ends the pipeline.
func (p *pipeline) Close() error {
	p.transport.pipelines.remove(p)
	return p.AppendPipeline.Close()
}
