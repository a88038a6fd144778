package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// settleEvery is how often a node repeats what it asks of the leader.
const settleEvery = 200 * time.Millisecond

// settleIn asks of the leader what this node still needs: that its addresses are known, and the
// vote it joined for. It ends when all is done.
func (g *group) settleIn() {
	ticker := time.NewTicker(settleEvery)
	defer ticker.Stop()
	for {
		if g.settled() {
			return
		}
		select {
		case <-ticker.C:
		case <-g.ctx.Done():
			return
		}
	}
}

// settled takes the next step and reports whether it was the last.
func (g *group) settled() bool {
	n := g.node
	id := n.dir.identity()
	if id.ClusterAddr != n.addr || id.ClientAddr != n.options.ClientAddr {
		if !g.petition(memberAnnounce) {
			return false
		}
		g.remember(func(id *identity) { id.ClusterAddr, id.ClientAddr = n.addr, n.options.ClientAddr })
	}
	if own := n.options.LeaseTimeout.Milliseconds(); id.LeaseMS > own {
		if !g.transport.promises.speaks() {
			return false
		}
		g.remember(func(id *identity) { id.LeaseMS = own })
	}
	if !id.Joining {
		return true
	}
	self, ok := g.server(n.id)
	if ok && (n.options.Replica || self.Suffrage == raft.Voter) {
		g.remember(func(id *identity) { id.Joining = false })
		return true
	}
	if ok {
		g.petition(memberPromote)
	}
	return false
}

// remember writes a change of node.json. Without it the next start would merely ask once more.
func (g *group) remember(change func(*identity)) {
	if err := g.node.dir.save(change); err != nil {
		g.log.Warn("node.json cannot be written", "error", err)
	}
}

// petition asks something of the leader, this node itself or another. Who does not know the leader
// asks the other members: after it has moved, none of them may be able to reach it.
func (g *group) petition(what string) bool {
	ctx, cancel := context.WithTimeout(g.ctx, proposalLimit)
	defer cancel()
	ask := g.node.memberAsk(what, g.progress.index())
	if g.office.Load() != nil {
		reply := g.admit(ctx, ask)
		return g.heeded(what, reply, nil)
	}
	var targets []string
	if addr, _ := g.leader(); addr != "" {
		targets = append(targets, addr)
	} else {
		for _, s := range g.servers() {
			if s.ID != g.node.raftID() {
				targets = append(targets, string(s.Address))
			}
		}
	}
	for _, addr := range targets {
		reply, err := g.node.askMember(ctx, addr, ask)
		if g.heeded(what, reply, err) {
			return true
		}
	}
	return false
}

// heeded reports whether a petition was granted, and says in the log if it never will be.
func (g *group) heeded(what string, reply *memberReply, err error) bool {
	if err == nil && reply.Refused != "" {
		err = errors.New(reply.Refused)
		if reply.Final {
			err = &refusal{reply.Refused}
		}
	}
	if final := finalRefusal(err); final != nil {
		g.node.fatal(fmt.Errorf("%s: %w", what, final))
		return false
	}
	if err != nil {
		g.log.Debug("the leader has not heeded this node", "what", what, "error", err)
		return false
	}
	return reply.Leader == nil
}
