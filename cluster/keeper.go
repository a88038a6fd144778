package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// keepEvery is how often the keeper looks at deadlines.
	keepEvery = 50 * time.Millisecond
	// askEvery is how often the leader asks the others how far they are, and a node without a
	// leader whether it is still a member.
	askEvery = time.Second
)

// keep looks after what nobody else waits for: the deadlines of proposals, a disk that hangs,
// news of the other nodes, and whether this one still belongs to the cluster.
func (g *group) keep() {
	ticker := time.NewTicker(keepEvery)
	defer ticker.Stop()
	var asked time.Time
	for {
		select {
		case <-ticker.C:
		case <-g.ctx.Done():
			return
		}
		now := time.Now()
		g.proposer.expire(now)
		g.snapshotter.retry()
		g.transport.pipelines.breakStuck(pipelinePatience)
		if d := max(g.logs.disk.hanging(), g.stable.disk.hanging()); d > g.node.options.stuck {
			g.node.fatal(fmt.Errorf("a write of the log, a term or a vote has been hanging for %v: the disk does not answer",
				d.Round(time.Millisecond)))
		}
		if now.Sub(asked) >= askEvery {
			asked = now
			g.askAround()
			g.logs.recent.rest()
		}
	}
}

// askAround asks the other members how far they are, if this node leads or knows no leader. One
// question to each is on its way at most.
func (g *group) askAround() {
	leads := g.office.Load() != nil
	if _, id := g.leader(); !leads && id != "" {
		return
	}
	for _, s := range g.servers() {
		if s.ID == g.node.raftID() || !g.peers.begin(string(s.ID)) {
			continue
		}
		g.running.Go(func() {
			defer g.peers.end(string(s.ID))
			ctx, cancel := context.WithTimeout(g.ctx, askEvery)
			defer cancel()
			a, err := g.ask(ctx, s)
			if err == nil && !leads {
				g.heardFromMember(a)
			}
		})
	}
}

// heardFromMember draws the conclusion from a leader that does not count this node as a member. A
// removed node is sent nothing any more, so it may never see the entry that removed it.
func (g *group) heardFromMember(a answer) {
	if a.leads && !a.member && a.term >= g.raft.CurrentTerm() && !g.node.dir.identity().Joining {
		g.noteRemoved()
	}
}

// membersApplied looks at a membership that has come out of the log. An old one, which a node that
// starts applies again, may not have it in yet: the newest counts.
func (g *group) membersApplied(members raft.Configuration) {
	for _, s := range members.Servers {
		if s.ID == g.node.raftID() {
			g.member.Store(true)
			g.removed.Store(false)
			return
		}
	}
	if _, still := g.server(g.node.id); !still && g.member.Load() {
		g.noteRemoved()
	}
}

// noteRemoved notes that this node is no longer a member.
func (g *group) noteRemoved() {
	if !g.removed.Swap(true) {
		g.log.Error("this node was removed from the cluster: it gets no writes any more; " +
			"to let it join again, stop it and empty its directory")
	}
}
