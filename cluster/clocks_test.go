package cluster

import (
	"sync/atomic"
	"testing"
	"time"
)

// newClockCluster is a cluster whose wall clocks the test sets, in the order of the nodes.
func newClockCluster(t *testing.T, n int) (*testCluster, map[*testNode]*atomic.Int64) {
	var offsets []*atomic.Int64
	c := newTestCluster(t, n, func(o *Options) {
		offset := &atomic.Int64{}
		offsets = append(offsets, offset)
		o.Wall = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	})
	of := map[*testNode]*atomic.Int64{}
	for i, node := range c.nodes {
		of[node] = offsets[i]
	}
	return c, of
}

// ahead is by how much a node's Machine is ahead of the real time, after a write.
func (c *testCluster) ahead(leader *testNode) time.Duration {
	leader.put("a=1")
	return time.Duration(leader.machine.Clock()-time.Now().UnixMilli()) * time.Millisecond
}

// TestLeaderWithAnotherClock: a new leader whose clock is an hour ahead of the others', or behind
// them, does not take the cluster along, and the stamps never go back.
func TestLeaderWithAnotherClock(t *testing.T) {
	c, offsets := newClockCluster(t, 3)
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		old, next := c.leader(), c.followers()[0]
		offsets[old].Store(0)
		if got := c.ahead(old); got.Abs() > time.Minute {
			t.Fatalf("%v ahead to begin with", got)
		}
		clock := old.machine.Clock()
		offsets[next].Store(int64(off))
		if err := old.Transfer(testContext(t), 0, next.ID()); err != nil {
			t.Fatal(err)
		}
		next = c.leader(old)
		if got := c.ahead(next); got.Abs() > time.Minute {
			t.Errorf("a clock off by %v: %v ahead", off, got)
		}
		if got := next.machine.Clock(); got < clock {
			t.Errorf("stamp %d after %d", got, clock)
		}
	}
}

// TestLeaderThatHearsNobody: who cannot ask the others for their clocks goes on from where the last
// leader's stamps would be by now.
func TestLeaderThatHearsNobody(t *testing.T) {
	c, offsets := newClockCluster(t, 3)
	leader, f := c.leader(), c.followers()[0]
	index := leader.put("a=1")
	if err := f.WaitApplied(testContext(t), 0, index); err != nil {
		t.Fatal(err)
	}
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		offsets[f].Store(int64(off))
		c.net.cut(f.Addr())
		o := newOffice(f.options.Wall)
		began := time.Now()
		clocks := f.groups()[0].voterClocks(o)
		if len(clocks) != 3 || time.Since(began) > testWait/2 {
			t.Errorf("%d clocks after %v", len(clocks), time.Since(began))
		}
		o.take(f.machine.Clock(), clocks)
		base := time.Duration(o.stamp()-time.Now().UnixMilli()) * time.Millisecond
		if base.Abs() > time.Minute {
			t.Errorf("%v off: begins %v ahead", off, base)
		}
		c.net.heal(f.Addr())
	}
}

// TestClocksAreAskedFor: a new leader that can ask knows every voter's clock, and does not wait for
// one that is gone for longer than it has to.
func TestClocksAreAskedFor(t *testing.T) {
	c, offsets := newClockCluster(t, 3)
	leader := c.leader()
	for i, f := range c.followers() {
		offsets[f].Store(int64(time.Duration(i+1) * time.Hour))
	}
	o := newOffice(leader.options.Wall)
	eventually(t, "an answer of everybody", func() bool { // who is late counts as when asked last
		seen := map[int64]bool{}
		for _, clock := range leader.groups()[0].voterClocks(o) {
			seen[(clock-time.Now().UnixMilli()+1000)/time.Hour.Milliseconds()] = true
		}
		return seen[0] && seen[1] && seen[2]
	})
	close(o.over)
	c.net.cut(c.followers()[0].Addr())
	if n := len(leader.groups()[0].voterClocks(o)); n != 3 {
		t.Errorf("%d clocks", n)
	}
}
