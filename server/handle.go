package server

import (
	"context"
	"errors"
	"sync"
	"time"
)

// forwarded is what serving one frame needs. It is used again unless its entry's fate is unknown.
type forwarded struct {
	frame frame
	out   *output
	local []any
}

// forwardedPool keeps what frames were served with. It belongs to the server and hands each to one
// goroutine at a time.
type forwardedPool struct{ pool sync.Pool }

func (p *forwardedPool) get() *forwarded {
	if f, ok := p.pool.Get().(*forwarded); ok {
		return f
	}
	return &forwarded{out: newOutput(2, nil)}
}

func (p *forwardedPool) put(f *forwarded) {
	clear(f.frame.items)
	f.frame.items, f.local = f.frame.items[:0], f.local[:0]
	f.out.reset()
	f.out.errors, f.out.laps = 0, f.out.laps[:0]
	p.pool.Put(f)
}

// HandleForward serves a frame that a node has sent because it believes that this one leads: it
// proposes the items and returns the answer. It never forwards again. from is the sending node as
// the connection has proved it; the frame's bytes belong to the call, and to the entry if its
// outcome is unknown.
func (s *Server) HandleForward(ctx context.Context, number int, from string, b []byte) []byte {
	f := s.forwards.get()
	a := answer{outcome: notApplied}
	if err := s.readFrame(&f.frame, b, number, from); err != nil {
		s.log.Warn("a forwarded frame was refused", "from", from, "error", err)
		a.request = f.frame.request
		s.forwards.put(f)
		return a.append(nil)
	}
	a.request = f.frame.request
	if changed := s.machine.Access().Index; changed > f.frame.judged {
		a.outcome, a.index = judgedEarly, changed
		s.forwards.put(f)
		return a.append(nil)
	}
	f.out.setProtocol(int(f.frame.protocol))
	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.requestTimeout.Load())*time.Millisecond)
	defer cancel()
	items, refused := s.ration(ctx, f.frame.items)
	for range items {
		f.local = append(f.local, f.out)
	}
	switch {
	case s.tooFewReplicas() && s.asksReplicas(f.frame.items):
		a.outcome = refusedAlone
	case len(items) == 0:
		a.outcome = refusedPoor
	default:
		index, err := s.cluster().Propose(ctx, number, items, f.local)
		a.index, a.outcome = index, outcomeOf(err)
	}
	if a.outcome == uncertain {
		return a.append(nil) // f is the entry's
	}
	if a.outcome == applied {
		a.laps, a.replies = f.out.laps, withRefusals(f.out.buf, refused)
	}
	answer := a.append(make([]byte, 0, len(a.replies)+32))
	s.forwards.put(f)
	return answer
}

var (
	errFrameFrom = errors.New("its origin is not the node that sent it, or its group not the one asked for")
	errNotReady  = errors.New("this node is still loading")
)

// readFrame decodes a frame and checks it, down to its items: one that cannot be applied would stop
// every node.
func (s *Server) readFrame(f *frame, b []byte, number int, from string) error {
	if err := f.decode(b); err != nil {
		return err
	}
	if f.group != number || f.node != from {
		return errFrameFrom
	}
	if !s.ready.Load() {
		return errNotReady
	}
	for _, item := range f.items {
		if err := s.machine.CheckItem(item); err != nil {
			return err
		}
	}
	return nil
}
