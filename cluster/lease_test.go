package cluster

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func (n *testNode) leases() *leases { return n.groups()[0].leases }

func (n *testNode) holds() bool {
	o := n.groups()[0].office.Load()
	return o != nil && n.leases().valid(o)
}

// leased waits for a leader with a lease.
func (c *testCluster) leased() *testNode {
	c.t.Helper()
	leader := c.leader()
	eventually(c.t, "a lease", leader.holds)
	return leader
}

// countRounds counts the leader's questions from now on. Nobody may be reading.
func (n *testNode) countRounds() *atomic.Int64 {
	var count atomic.Int64
	r := &n.groups()[0].reads.proofs
	eventually(n.t, "rest", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return !r.busy })
	r.mu.Lock()
	defer r.mu.Unlock()
	ask := r.ask
	r.ask = func(ctx context.Context) (uint64, error) { count.Add(1); return ask(ctx) }
	return &count
}

func TestLeaseSparesRounds(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	leader := c.leased()
	rounds := leader.countRounds()
	const reads = 20_000
	for range reads {
		if err := leader.ReadIndex(testContext(t), 0, false); err != nil {
			t.Fatal(err)
		}
	}
	if got := rounds.Load(); got > reads/100 {
		t.Errorf("%d rounds for %d reads", got, reads)
	}
	before := rounds.Load()
	for _, n := range c.nodes { // followers too
		if err := n.ReadIndex(testContext(t), 0, true); err != nil {
			t.Fatal(err)
		}
	}
	if got := rounds.Load() - before; got != 3 {
		t.Errorf("%d rounds for 3 strict reads", got)
	}
}

// TestLeaseOfDeposedLeader: a read of a leader that is cut off never misses a write that another
// leader had acknowledged before it began, and it gets none after its lease.
func TestLeaseOfDeposedLeader(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	c := newTestCluster(t, 3, calm)
	for range 4 {
		old := c.leased()
		var written atomic.Int64
		written.Store(int64(old.put("a=1")))
		var readers sync.WaitGroup
		var answered atomic.Int64
		stop := make(chan struct{})
		for range 2 {
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					least := written.Load()
					ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
					err := old.ReadIndex(ctx, 0, false)
					cancel()
					if applied, _ := old.machine.Applied(); err == nil && int64(applied) < least {
						t.Errorf("a read at %d after a write at %d was acknowledged", applied, least)
					}
					if err == nil {
						answered.Add(1)
					}
				}
			})
		}
		for range random.IntN(20) {
			written.Store(int64(old.put("a=2")))
		}
		c.net.cut(old.Addr())
		fresh := c.leader(old)
		if old.holds() {
			t.Error("two leaders, and the old one has a lease")
		}
		for range 20 + random.IntN(50) {
			written.Store(int64(fresh.put("a=3")))
		}
		before := answered.Load()
		for range 20 {
			fresh.put("a=4")
		}
		if got := answered.Load(); got != before {
			t.Errorf("%d reads were answered without a lease", got-before)
		}
		close(stop)
		readers.Wait()
		c.net.heal(old.Addr())
		eventually(t, "the old leader to follow", func() bool { return old.Status(0).LeaderID == fresh.ID() })
	}
}

// TestBoundVoterRefuses: a question that carries the flag of a transfer does not pass a promise.
func TestBoundVoterRefuses(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	leader := c.leased()
	followers := c.followers()
	voter, rival := followers[0].groups()[0], followers[1].groups()[0]
	eventually(t, "a promise", func() bool { return voter.transport.promises.bound(voter.node.raftID()) > leaseDefault/2 })
	term := voter.raft.CurrentTerm()
	answer := make(chan raft.RPCResponse, 1)
	voter.transport.vote(raft.RPC{RespChan: answer, Command: &raft.RequestVoteRequest{
		RPCHeader: rival.transport.header(), Term: term + 1, LastLogIndex: 1 << 40, LastLogTerm: term, LeadershipTransfer: true,
	}}, []byte(rival.node.id), refuseVote)
	got := (<-answer).Response.(*raft.RequestVoteResponse)
	if got.Granted || got.Term != term || voter.raft.CurrentTerm() != term || !leader.Status(0).Ready {
		t.Errorf("%+v in term %d", got, term)
	}
}

func TestLeaseAndTransfer(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	for range 3 {
		old := c.leased()
		start := time.Now()
		if err := old.Transfer(testContext(t), 0, ""); err != nil {
			t.Fatal(err)
		}
		fresh := c.leader(old)
		if took := time.Since(start); took > time.Second {
			t.Errorf("a transfer took %v", took)
		}
		if old.holds() {
			t.Error("the old leader has a lease")
		}
		fresh.put("a=1")
	}
	c.leased()
}

// TestLeaseAfterFailedTransfer: the lease comes back when leadership could not be handed on.
func TestLeaseAfterFailedTransfer(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	leader := c.leased()
	target := c.followers()[0]
	c.net.cut(target.Addr())
	if err := leader.Transfer(testContext(t), 0, target.ID()); err == nil {
		t.Error("leadership went to a node that is cut off")
	}
	eventually(t, "a lease", leader.holds)
	c.net.heal(target.Addr())
}

func TestLeaseAndMembership(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	leader := c.leased()
	follower := c.followers()[0]
	l := leader.leases()
	before := l.generation.Load()
	held := l.current.Load()
	if err := leader.Demote(testContext(t), 0, follower.ID()); err != nil {
		t.Fatal(err)
	}
	if got := l.generation.Load(); got != before+2 || l.current.Load() == held {
		t.Errorf("generation %d after %d", got, before)
	}
	l.take(held)
	if l.current.Load() == held {
		t.Error("an ask from before the change counts")
	}
	eventually(t, "a lease", leader.holds)
	l.pause()
	late := *held
	late.generation, late.end = l.generation.Load(), held.end+time.Hour
	if l.take(&late); leader.holds() {
		t.Error("a lease during a change")
	}
	l.resume()
	if err := leader.Promote(testContext(t), 0, follower.ID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a lease", leader.holds)
}

func TestRestartedVoterIsSilent(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	c.leased()
	voter := c.followers()[0]
	voter.kill()
	before := bootTime()
	c.restart(voter, nil)
	p := voter.groups()[0].transport.promises
	for p.bound(voter.raftID()) > leaseDefault/2 { // of the silence, or a promise that followed it
		if bootTime()-before < leaseDefault && p.admit("somebody") {
			t.Fatal("a vote right after the start")
		}
	}
	if p.silent < before+leaseDefault {
		t.Errorf("silent until %v, started at %v", p.silent, before)
	}
	c.leased()
}

func TestFailoverWithPromises(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	for range 3 {
		old := c.leased()
		old.kill()
		start := time.Now()
		c.leader(old).put("a=1")
		took := time.Since(start)
		t.Logf("writes again after %v", took)
		if took > 1500*time.Millisecond {
			t.Errorf("writes again only after %v", took)
		}
		c.restart(old, nil)
		eventually(t, "the old leader to follow", func() bool { return old.Status(0).LeaderID != "" })
	}
}
