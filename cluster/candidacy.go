package cluster

import (
	"math/rand/v2"
	"time"

	"github.com/hashicorp/raft"
)

// This file is about when a node that follows stands for election. The library looks at the
// leader's silence only every one to two heartbeat timeouts, so it may take three to notice. Here
// it is made to look when the time-out has passed and a short random time more, so that one
// of the voters is first; transport.overlook sees to it that the others then vote.

// Shares of the heartbeat timeout.
const (
	standSpread = 3 // the random time is up to a third of the heartbeat timeout
	standYield  = 4 // who has just been asked whether it would vote for another waits a quarter
)

// watchLeader makes raft look for a new leader soon after the old one has become silent.
func (g *group) watchLeader() {
	timer := time.NewTimer(g.node.options.HeartbeatTimeout)
	defer timer.Stop()
	spread := g.standSpread()
	for {
		select {
		case <-timer.C:
		case <-g.ctx.Done():
			return
		}
		wait := g.mayStand(spread)
		if wait <= 0 {
			if err := g.hasten(); err != nil {
				g.log.Warn("raft does not take a time-out", "error", err)
			}
			spread = g.standSpread()
			wait = g.node.options.HeartbeatTimeout
		}
		timer.Reset(wait)
	}
}

// standSpread draws a random time.
func (g *group) standSpread() time.Duration {
	return rand.N(g.node.options.HeartbeatTimeout / standSpread)
}

// mayStand is how long this node has to wait, at least, before it may stand for election.
func (g *group) mayStand(spread time.Duration) time.Duration {
	t, patience := g.transport, g.node.options.HeartbeatTimeout
	if g.raft.State() != raft.Follower {
		return patience / standSpread // a candidate has raft's own timer
	}
	wait := max(patience+spread-t.quiet(), t.promises.bound(t.id))
	if yielded := t.yielded.Load(); yielded > 0 {
		wait = max(wait, patience/standYield-(time.Since(t.began)-time.Duration(yielded)))
	}
	return wait
}

// hasten makes raft look now at how long its leader has been silent. It does so when its heartbeat
// timeout becomes shorter.
func (g *group) hasten() error {
	usual := g.node.options.HeartbeatTimeout
	if err := g.adjust(func(c *raft.ReloadableConfig) { c.HeartbeatTimeout = usual }); err != nil {
		return err
	}
	return g.adjust(func(c *raft.ReloadableConfig) { c.HeartbeatTimeout = usual - time.Millisecond })
}

// adjust changes raft's settings.
func (g *group) adjust(change func(*raft.ReloadableConfig)) error {
	g.settings.Lock()
	defer g.settings.Unlock()
	c := g.raft.ReloadableConfig()
	change(&c)
	return g.raft.ReloadConfig(c)
}
