package cluster

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// The schedules that have broken systems like this one, forced.

// TestSlowAnswersProveNothing is the schedule in which the library's own VerifyLeader approves of a
// stale read. The leader hangs in its disk and is cut off, and answers of the others to it are
// late. The others elect a leader, who acknowledges a write. Then an answer to an append arrives,
// so that the old leader believes in its own lease; its disk goes on, so that it takes note of the
// read; and an answer to a heartbeat arrives, which it takes for one that was put for the read.
func TestSlowAnswersProveNothing(t *testing.T) {
	const most = 10
	fooled := 0
	for round := 0; round < 3 || (fooled == 0 && round < most); round++ {
		if staleSchedule(t) == nil {
			fooled++
		}
	}
	t.Logf("VerifyLeader approved of %d", fooled)
	if fooled == 0 {
		t.Errorf("VerifyLeader has seen through it %d times: this is not the schedule it was", most)
	}
}

// staleSchedule runs the schedule once, with reads of ours, and returns VerifyLeader's verdict.
func staleSchedule(t *testing.T) error {
	c, disks := newDiskCluster(t, 3, nil)
	old := c.leased()
	g := old.groups()[0]
	old.put("a=1")
	disks[old].hang()
	var hung sync.WaitGroup
	hung.Go(func() { // it hangs, and raft's main loop with it: this is no write that runs ahead
		_ = g.raft.Barrier(2 * time.Second).Error()
	})
	eventually(t, "the disk to hang", func() bool { return g.logs.disk.hanging() > heartbeatDefault/3 })
	c.net.freeze(old.Addr(), holdAnswers)
	time.Sleep(heartbeatDefault / 10) // so that more is asked and answered: nothing shows when
	c.net.freeze(old.Addr(), holdAll)
	c.leader(old).put("a=2")
	if g.raft.State() != raft.Leader {
		t.Fatal("the old leader knows that it was deposed")
	}
	type read struct {
		value string
		err   error
	}
	answers := make(chan read, 20)
	for i := range cap(answers) {
		hung.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			err := old.ReadIndex(ctx, 0, i%2 == 0)
			answers <- read{old.machine.get("a"), err}
		})
	}
	verified := g.raft.VerifyLeader()
	eventually(t, "the reads to wait", func() bool {
		g.reads.proofs.mu.Lock()
		defer g.reads.proofs.mu.Unlock()
		return g.reads.proofs.busy
	})
	c.net.admitBusiest(old.Addr())
	time.Sleep(5 * time.Millisecond) // for the answer to be read: likewise
	disks[old].goOn()
	eventually(t, "the disk to go on", func() bool { return g.logs.disk.hanging() == 0 })
	time.Sleep(5 * time.Millisecond) // likewise
	c.net.freeze(old.Addr(), holdNothing)
	for range cap(answers) {
		if a := <-answers; a.err == nil && a.value != "2" {
			t.Errorf("read %q after 2 was acknowledged", a.value)
		}
	}
	hung.Wait()
	err := verified.Error()
	c.checkEqual()
	c.close()
	return err
}

// TestNothingBeforeTheOwnTerm: a leader that has been elected, but has not applied a command of its
// term, answers no read and holds no lease; what was acknowledged before may not be applied yet.
func TestNothingBeforeTheOwnTerm(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	old := c.leased()
	followers := c.followers()
	index := old.put("a=1")
	for _, f := range followers {
		if err := f.WaitApplied(testContext(t), 0, index); err != nil {
			t.Fatal(err)
		}
		f.machine.applying.Lock()
	}
	old.put("a=2") // committed and acknowledged, but not applied by the others
	old.kill()
	var next *testNode
	eventually(t, "an election", func() bool {
		for _, f := range followers {
			if f.groups()[0].office.Load() != nil {
				next = f
			}
		}
		return next != nil
	})
	for _, strict := range []bool{false, true} {
		ctx, cancel := context.WithTimeout(context.Background(), heartbeatDefault)
		if err := next.ReadIndex(ctx, 0, strict); err == nil {
			t.Errorf("a read of a=%s was answered, strict %v", next.machine.get("a"), strict)
		}
		cancel()
	}
	if next.holds() || next.Status(0).Ready || next.Leads(0) {
		t.Error("a leader before it has applied anything")
	}
	for _, f := range followers {
		f.machine.applying.Unlock()
	}
	c.leader(old)
	if err := next.ReadIndex(testContext(t), 0, true); err != nil || next.machine.get("a") != "2" {
		t.Errorf("a = %s, %v", next.machine.get("a"), err)
	}
}

// TestLateHandOn: TimeoutNow counts in the term it was sent in, and the library's own message, which
// has none, never.
func TestLateHandOn(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	old := c.leader()
	late := old.Status(0).Term
	if err := old.Transfer(testContext(t), 0, ""); err != nil {
		t.Fatal(err)
	}
	leader := c.leader(old)
	term := leader.Status(0).Term
	for _, f := range c.followers() {
		g := f.groups()[0]
		eventually(t, "the new term", func() bool { return f.Status(0).Term == term })
		if err := g.transport.takeHandOn(late); !errors.Is(err, errHandOnLate) {
			t.Errorf("a late one: %v", err)
		}
		err := leader.groups()[0].transport.NetworkTransport.TimeoutNow(raft.ServerID(f.ID()), raft.ServerAddress(f.Addr()),
			&raft.TimeoutNowRequest{RPCHeader: leader.groups()[0].transport.header()}, &raft.TimeoutNowResponse{})
		if err == nil {
			t.Error("one of the library's own was taken")
		}
	}
	leader.put("a=1")
	if s := leader.Status(0); s.Term != term || !s.Ready {
		t.Errorf("%s in term %d, was leader in %d", s.Role, s.Term, term)
	}
}

// TestTwoMembershipChanges: two nodes get votes within one lease, and at once the two old voters
// are cut off. A majority of the three voters of before need not meet one of the five of
// now, so the old leader's lease must not have outlived the changes.
func TestTwoMembershipChanges(t *testing.T) {
	c := newTestCluster(t, 3, calm)
	for range 2 {
		c.add(func(o *Options) { o.Replica = true })
	}
	for range 2 {
		old := c.leased()
		var replicas []*testNode
		partner := false
		for _, n := range c.nodes {
			switch {
			case n == old:
			case !n.Status(0).Voter:
				replicas = append(replicas, n)
			case !partner:
				partner = true
				c.net.cut(n.Addr()) // it keeps its promise, and is not there for the election
			}
		}
		eventually(t, "a lease without the one that is cut off", old.holds)
		index := old.put("a=1")
		for _, r := range replicas {
			if err := r.WaitApplied(testContext(t), 0, index); err != nil {
				t.Fatal(err)
			}
		}
		held := old.leases().current.Load()
		for _, r := range replicas {
			if err := old.Promote(testContext(t), 0, r.ID()); err != nil {
				t.Fatal(err)
			}
		}
		if now := old.leases().current.Load(); now == held || (now != nil && now.generation == held.generation) {
			t.Error("the lease has outlived the changes")
		}
		c.net.cut(old.Addr())
		fresh := c.leader(old)
		if old.holds() {
			t.Error("two leaders, and the old one has a lease")
		}
		fresh.put("a=2")
		for _, n := range c.nodes {
			c.net.heal(n.Addr())
		}
		eventually(t, "the old leader to follow", func() bool { return old.Status(0).LeaderID == c.leader().ID() })
		for _, r := range replicas {
			eventually(t, "a vote taken back", func() bool {
				l := c.leader()
				if l == r {
					_ = l.Transfer(testContext(t), 0, old.ID())
					return false
				}
				return l.Demote(testContext(t), 0, r.ID()) == nil
			})
		}
	}
	c.checkEqual()
}
