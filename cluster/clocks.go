package cluster

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
)

// clocksPatience is how long a new leader waits for the wall clocks of the voters beyond those of
// a majority. It waits beside raft, which brings the new term's first entry to the disks.
const clocksPatience = 20 * time.Millisecond

// voterClocks is what the wall clocks of all voters show now, in ms, for the first stamp of an
// office. The voters are asked. Of one who does not answer, the last answer counts, moved on by the
// time that has passed; of one who has never answered, the Machine's clock, moved on likewise. So a
// leader that can reach nobody begins where the last one's stamps would be by now, and comes to
// its own clock from there.
func (g *group) voterClocks(o *office) []int64 {
	voters := g.voters()
	g.askClocks(o, voters)
	clocks := make([]int64, 0, len(voters))
	for _, v := range voters {
		clocks = append(clocks, g.clockOf(v.ID))
	}
	return clocks
}

// clockOf is what a voter's wall clock shows now, as far as this node can tell.
func (g *group) clockOf(id raft.ServerID) int64 {
	if id == g.node.raftID() {
		return g.node.options.Wall().UnixMilli()
	}
	if news, ok := g.peers.last(string(id)); ok {
		return news.wall + time.Since(news.at).Milliseconds()
	}
	clock := g.machine.Clock()
	if last := g.applier.clockAt.Load(); last != nil {
		clock += time.Since(last.at).Milliseconds()
	}
	return clock
}

// askClocks asks the voters how they are, and waits for all of them, or a little beyond a majority;
// at most the election timeout, and not beyond the office.
func (g *group) askClocks(o *office, voters []raft.Server) {
	ctx, cancel := context.WithTimeout(g.ctx, g.node.options.ElectionTimeout)
	defer cancel()
	answers := make(chan bool, len(voters))
	missing, need := 0, len(voters)/2+1
	for _, v := range voters {
		if v.ID == g.node.raftID() {
			need--
			continue
		}
		missing++
		g.running.Go(func() {
			_, err := g.ask(ctx, v)
			answers <- err == nil
		})
	}
	enough := time.NewTimer(clocksPatience)
	defer enough.Stop()
	waited := false
	for missing > 0 && (need > 0 || !waited) {
		select {
		case yes := <-answers:
			missing--
			if yes {
				need--
			}
		case <-enough.C:
			waited = true
		case <-o.over:
			return
		case <-ctx.Done():
			return
		}
	}
}
