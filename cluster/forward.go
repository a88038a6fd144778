package cluster

import (
	"context"
	"errors"
)

// Forward hands a frame to the leader of a group and returns the answer of its Options.Handle. It
// is sent once and to one node: a receiver that does not lead says who does.
//
// An error with NotLeader() means that nothing was done, one with Unknown() that nobody can tell.
// If this node leads itself, the frame is handled here.
func (n *Node) Forward(ctx context.Context, number int, frame []byte) ([]byte, error) {
	g, err := n.group(number)
	if err != nil {
		return nil, err
	}
	addr, id := g.leader()
	if addr == "" {
		return nil, g.notLeader()
	}
	var b []byte
	if id == n.id {
		b = g.serveForward(ctx, n.id, frame)
	} else if b, err = g.call(ctx, addr, callForward, frame); err != nil {
		if errors.Is(err, errNotSent) || errors.Is(err, errRemote) {
			return nil, &notLeader{id: id, addr: addr}
		}
		return nil, &unknown{err}
	}
	if len(b) == 0 || b[0] != answerYes {
		return nil, redirected(b)
	}
	return b[1:], nil
}

// serveForward answers a frame on the leader.
func (g *group) serveForward(ctx context.Context, from string, frame []byte) []byte {
	if g.office.Load() == nil || g.node.options.Handle == nil {
		return g.redirect()
	}
	return append([]byte{answerYes}, g.node.options.Handle(ctx, g.number, from, frame)...)
}
