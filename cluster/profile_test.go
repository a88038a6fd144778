package cluster

import (
	"context"
	"strings"
	"testing"
)

// slowTimes are other time-outs than the default ones.
func slowTimes(o *Options) {
	o.HeartbeatTimeout, o.ElectionTimeout, o.LeaseTimeout = 4*heartbeatDefault, 4*heartbeatDefault, 3*heartbeatDefault
}

// TestPromisesOfLongerTimes: a node that is started with shorter time-outs keeps silent for as long
// as a promise of before may last, if it is killed meanwhile once more; and no longer after that.
func TestPromisesOfLongerTimes(t *testing.T) {
	c := newTestCluster(t, 3, slowTimes)
	c.leased()
	f := c.followers()[0]
	const longest = 3 * heartbeatDefault
	for range 2 {
		f.kill()
		before := bootTime()
		c.restart(f, func(o *Options) { o.HeartbeatTimeout, o.ElectionTimeout, o.LeaseTimeout = 0, 0, 0 })
		p := f.groups()[0].transport.promises
		if p.silent < before+longest {
			t.Errorf("silent until %v, started at %v", p.silent, before)
		}
		if f.dir.identity().LeaseMS < longest.Milliseconds() && bootTime() < before+longest {
			t.Error("the longer promises were forgotten too early")
		}
	}
	eventually(t, "the longer promises to be over", func() bool {
		return f.dir.identity().LeaseMS == leaseDefault.Milliseconds()
	})
}

// TestMixedTimes: a leader with longer time-outs than its voters gets no lease, and its reads are
// proved by rounds; one with shorter ones gets it.
func TestMixedTimes(t *testing.T) {
	c := newTestCluster(t, 3, slowTimes)
	leader := c.leader()
	for _, f := range c.followers() {
		f.kill()
		c.restart(f, func(o *Options) { o.HeartbeatTimeout, o.ElectionTimeout, o.LeaseTimeout = 0, 0, 0 })
	}
	isSlow := func() bool { leader = c.leader(); return leader.leases().lasts > leaseDefault }
	if !isSlow() {
		t.Skip("an election has come in between")
	}
	leader.put("a=1")
	began := leader.leases().number.Load()
	eventually(t, "some asks", func() bool { return leader.leases().number.Load() > began+2 })
	if leader.holds() && isSlow() {
		t.Error("a lease that the voters cannot have promised")
	}
	if err := leader.ReadIndex(testContext(t), 0, false); err != nil {
		t.Error(err)
	}
	eventually(t, "a leader with the shorter times", func() bool {
		l := c.leader()
		return l.leases().lasts == leaseDefault || l.Transfer(testContext(t), 0, "") == nil
	})
	c.leased()
}

// TestJoinWithOtherTimes: who joins has the cluster's time-outs, or is refused for good.
func TestJoinWithOtherTimes(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	o := testOptions(t)
	o.Join = c.joinAddr
	slowTimes(&o)
	o.Machine = newTestMachine()
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	n, err := Open(ctx, o)
	if err == nil {
		_ = n.stop()
		t.Fatal("a node with other time-outs has joined")
	}
	if !strings.Contains(err.Error(), errMemberTimes.Error()) || ctx.Err() != nil {
		t.Error(err)
	}
	if got := c.nodes[0].Members(0); len(got) != 1 {
		t.Errorf("members: %v", got)
	}
}
