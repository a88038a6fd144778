package cluster

import (
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// TestOverlookedLeader: only a leader that was not heard for long is overlooked, and only by a
// follower.
func TestOverlookedLeader(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	leader, f := c.leased(), c.followers()[0]
	for _, c := range []struct {
		name     string
		node     *testNode
		patience time.Duration
		want     bool
	}{
		{"heard", f, time.Hour, false},
		{"not heard", f, 1, true},
		{"the leader itself", leader, 1, false},
	} {
		tr := &transport{patience: c.patience, began: time.Now().Add(-time.Minute)}
		tr.raft.Store(c.node.groups()[0].raft)
		time.Sleep(time.Millisecond) // some silence
		vote, pre := &raft.RequestVoteRequest{}, &raft.RequestPreVoteRequest{}
		tr.overlook(vote)
		tr.overlook(pre)
		if vote.LeadershipTransfer != c.want || (string(pre.RPCHeader.Addr) == leader.Addr()) != c.want {
			t.Errorf("%s: %+v, %+v", c.name, vote, pre)
		}
	}
	term := leader.Status(0).Term
	c.net.cut(f.Addr()) // it stands, again and again, and nobody hears it
	eventually(t, "it to stand", func() bool { return f.Status(0).Role == "candidate" })
	c.net.heal(f.Addr())
	eventually(t, "it to follow", func() bool { return f.Status(0).LeaderID == leader.ID() })
	if s := leader.Status(0); s.Term != term || !s.Ready {
		t.Errorf("%s in term %d: a node that was cut off has deposed the leader of %d", s.Role, s.Term, term)
	}
}

// TestBehindCandidate: a node that lacks entries and notices first does not hold up the election of
// the one that has them.
func TestBehindCandidate(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	for range 3 {
		old, behind := c.leased(), c.followers()[0]
		c.net.cut(behind.Addr())
		eventually(t, "it to stand", func() bool { return behind.Status(0).Role == "candidate" })
		old.put("a=1")
		c.net.heal(behind.Addr())
		old.kill()
		began := time.Now()
		next := c.leader(old)
		took := time.Since(began)
		t.Logf("a leader after %v", took)
		if next == behind && next.machine.get("a") != "1" {
			t.Error("who lacks an acknowledged write leads")
		}
		if took > 1500*time.Millisecond {
			t.Errorf("a leader only after %v", took)
		}
		c.restart(old, nil)
		c.checkEqual()
	}
}
