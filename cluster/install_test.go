package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// compact makes a snapshot on a node and leaves as little of the log behind it as there may be.
func (n *testNode) compact() error {
	n.groups()[0].applier.since.bytes.Store(1 << 40)
	return n.Snapshot(testContext(n.t), 0)
}

// bulk puts many small entries in the log, without a wait for each, and makes a snapshot. It reports
// whether the node led all the time.
func (n *testNode) bulk() bool {
	g := n.groups()[0]
	var last raft.ApplyFuture
	for i := range trailingLeast {
		last = g.raft.Apply(appendEntry(nil, entryHead{}, [][]byte{fmt.Appendf(nil, "bulk%d=1", i)}), testWait)
	}
	return last.Error() == nil && n.compact() == nil
}

// leaveBehind cuts a node off until the others' logs no longer begin where the node's ends.
func (c *testCluster) leaveBehind(f *testNode) {
	c.t.Helper()
	c.net.cut(f.Addr())
	eventually(c.t, "the log to be cut", func() bool {
		for _, n := range c.nodes {
			if n != f && n.Status(0).First <= f.Status(0).Last+1 {
				_ = c.leader(f).bulk()
				_ = n.compact()
				return false
			}
		}
		return true
	})
}

// sending reports whether a snapshot is on its way to some node.
func (c *testCluster) sending() bool {
	for _, n := range c.nodes {
		if !n.dead && n.groups()[0].transport.installing.Load() > 0 {
			return true
		}
	}
	return false
}

// TestInstallWhileTheLeaderCompacts: a follower gets a snapshot while the leader, under load, makes
// new ones and cuts its log again and again. It catches up with a leader that goes on writing.
func TestInstallWhileTheLeaderCompacts(t *testing.T) {
	c := newTestCluster(t, 3, func(o *Options) { calm(o); o.SnapshotBytes = 1 << 50 })
	f := c.followers()[0]
	c.leaveBehind(f)
	leader := c.leader(f)
	l := newLoad(c, 4)
	stop := make(chan struct{})
	var compacting sync.WaitGroup
	compacting.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			leader.bulk()
		}
	})
	f.machine.restoring.Lock()
	c.net.heal(f.Addr())
	eventually(t, "a snapshot on its way", c.sending)
	from := leader.Status(0).First
	eventually(t, "the log to be cut meanwhile", func() bool { return leader.Status(0).First > from+2*trailingLeast })
	f.machine.restoring.Unlock()
	eventually(t, "the follower to be close", func() bool {
		s := leader.Status(0)
		return f.Status(0).Applied+memberClose > s.Applied
	})
	close(stop)
	close(l.stop)
	compacting.Wait()
	l.all.Wait()
	c.checkEqual()
	if got := f.fatals(); len(got) > 0 {
		t.Errorf("fatal: %v", got)
	}
}

// TestInterruptedInstalls: the connection breaks in the middle of a snapshot, several times, and the
// node that it is for is restarted in the middle of another. What was half there is never used.
func TestInterruptedInstalls(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	c := newTestCluster(t, 3, func(o *Options) { calm(o); o.SnapshotBytes = 1 << 50 })
	leader, f := c.leader(), c.followers()[0]
	for _, n := range c.nodes {
		n.machine.setForgetful()
	}
	for i := range 4 {
		leader.put(fmt.Sprintf("large%d=%s", i, strings.Repeat("x", 1<<18)))
	}
	c.leaveBehind(f)
	c.net.slowDown(f.Addr(), 32*time.Millisecond) // a MiB: a good half second
	for range 4 {
		c.net.heal(f.Addr())
		eventually(t, "a snapshot on its way", c.sending)
		time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
		c.net.cut(f.Addr())
		eventually(t, "its end", func() bool { return !c.sending() })
	}
	c.net.heal(f.Addr())
	eventually(t, "a snapshot on its way", c.sending)
	f.kill()
	c.restart(f, func(o *Options) {
		m := newTestMachine()
		m.setForgetful()
		o.Machine = m
	})
	c.net.slowDown(f.Addr(), 0)
	c.checkEqual()
	if s := f.Status(0); s.Snapshot == 0 || len(f.fatals()) > 0 {
		t.Errorf("snapshot of %d, fatal: %v", s.Snapshot, f.fatals())
	}
}

// TestInstallDeposesNobody: with two of three nodes up, one of which takes long to install a
// snapshot, the leader stays the leader.
func TestInstallDeposesNobody(t *testing.T) {
	c := newTestCluster(t, 3, func(o *Options) { calm(o); o.SnapshotBytes = 1 << 50 })
	f := c.followers()[0]
	c.leaveBehind(f)
	leader := c.leader(f)
	eventually(t, "it to stand", func() bool { return f.Status(0).Role == "candidate" })
	third := c.nodes[slices.IndexFunc(c.nodes, func(n *testNode) bool { return n != f && n != leader })]
	term := leader.Status(0).Term
	f.machine.restoring.Lock()
	c.net.heal(f.Addr())
	eventually(t, "a snapshot on its way", c.sending)
	third.kill()
	began := time.Now()
	written := make(chan struct{})
	go func() {
		defer close(written)
		leader.put("a=1") // needs the node that installs
	}()
	eventually(t, "several time-outs to pass", func() bool { return time.Since(began) > 3*calmTimeout })
	if s := leader.Status(0); s.Role != "leader" || s.Term != term {
		t.Errorf("the leader is a %s in term %d, was leader in %d", s.Role, s.Term, term)
	}
	if !leader.holds() {
		t.Error("no lease: the follower that installs makes no promises")
	}
	f.machine.restoring.Unlock()
	<-written
	if got := leader.Status(0).Term; got != term {
		t.Errorf("term %d, was %d", got, term)
	}
	c.restart(third, nil)
	c.checkEqual()
}

// TestSecondInstallEndsTheNode: two snapshots of one index in a row leave the library with a wrong
// idea of its log; only a start from the disk mends that.
func TestSecondInstallEndsTheNode(t *testing.T) {
	for name, c := range map[string]struct {
		installs []uint64 // indexes; 0: one that fails
		ends     bool
	}{
		"one":                 {[]uint64{5}, false},
		"two":                 {[]uint64{5, 6}, false},
		"twice":               {[]uint64{5, 5}, true},
		"again after a fault": {[]uint64{5, 0, 5}, true},
		"a fault first":       {[]uint64{0, 5}, false},
	} {
		var f fatals
		var making sync.Mutex
		tr := &transport{fatal: f.add, snapshot: &making, out: make(chan raft.RPC), stop: make(chan struct{})}
		for _, index := range c.installs {
			go func() {
				rpc := <-tr.out
				if _, beat := rpc.Command.(*raft.AppendEntriesRequest); beat {
					rpc.Respond(&raft.AppendEntriesResponse{}, nil)
					rpc = <-tr.out
				}
				var err error
				if index == 0 {
					err = errors.New("a fault")
				}
				rpc.Respond(&raft.InstallSnapshotResponse{Success: err == nil}, err)
			}()
			answer := make(chan raft.RPCResponse, 1)
			tr.install(raft.RPC{Command: &raft.InstallSnapshotRequest{LastLogIndex: index}, RespChan: answer})
			<-answer
		}
		if ended := len(f.errs) > 0; ended != c.ends {
			t.Errorf("%s: ended %v", name, f.errs)
		}
		var again interface{ StartAgain() bool }
		if c.ends && !errors.As(f.errs[0], &again) {
			t.Errorf("%s: %v does not ask for a start", name, f.errs[0])
		}
	}
}
