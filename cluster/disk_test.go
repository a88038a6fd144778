package cluster

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/types"
)

// testDisk is the log of a node whose writes can be held up or made to fail.
type testDisk struct {
	closableLog
	hold   sync.RWMutex // locked: writes wait
	held   atomic.Bool
	broken atomic.Bool
}

// hang lets writes wait from now on, goOn no longer.
func (d *testDisk) hang() {
	d.hold.Lock()
	d.held.Store(true)
}

func (d *testDisk) goOn() {
	if d.held.CompareAndSwap(true, false) {
		d.hold.Unlock()
	}
}

func (d *testDisk) StoreLogs(logs []*raft.Log) error {
	d.hold.RLock()
	defer d.hold.RUnlock()
	if d.broken.Load() {
		return errors.New("input/output error")
	}
	return d.closableLog.StoreLogs(logs)
}

// newDiskCluster is a cluster whose disks the test has in its hands, in the order of the nodes.
func newDiskCluster(t *testing.T, n int, tune func(*Options)) (*testCluster, map[*testNode]*testDisk) {
	var disks []*testDisk
	c := newTestCluster(t, n, func(o *Options) {
		if tune != nil {
			tune(o)
		}
		d := &testDisk{}
		disks = append(disks, d)
		o.disk = func(l closableLog) closableLog {
			d.closableLog = l
			return d
		}
	})
	t.Cleanup(func() { // or nodes would not end
		for _, d := range disks {
			d.goOn()
		}
	})
	of := map[*testNode]*testDisk{}
	for i, node := range c.nodes {
		of[node] = disks[i]
	}
	return c, of
}

// A follower whose main loop hangs in its disk still answers heartbeats.
func TestSlowFollowerDoesNotDeposeTheLeader(t *testing.T) {
	c, disks := newDiskCluster(t, 3, calm)
	leader, f := c.leader(), c.followers()
	c.net.cut(f[0].Addr())
	slow := disks[f[1]]
	slow.hang()
	done := make(chan struct{})
	go func() {
		defer close(done)
		leader.put("a=1")
	}()
	term := leader.Status(0).Term
	hanging := f[1].groups()[0].logs.disk
	eventually(t, "a write to hang for several timeouts", func() bool {
		return hanging.hanging() > 3*calmTimeout
	})
	if s := leader.Status(0); s.Role != "leader" || s.Term != term {
		t.Errorf("the leader is a %s in term %d, was leader in %d", s.Role, s.Term, term)
	}
	slow.goOn()
	<-done
	if got := leader.Status(0).Term; got != term {
		t.Errorf("term %d, was %d", got, term)
	}
}

func TestBrokenDiskIsFatal(t *testing.T) {
	c, disks := newDiskCluster(t, 3, nil)
	leader := c.leader()
	disks[leader].broken.Store(true)
	_, err := leader.Propose(testContext(t), 0, [][]byte{[]byte("a=1")}, nil)
	if err == nil {
		t.Error("a write was acknowledged by a broken disk")
	}
	eventually(t, "the end", func() bool { return len(leader.fatals()) > 0 })
	if got := leader.fatals()[0].Error(); !strings.Contains(got, "writing entry") || !strings.Contains(got, "input/output error") {
		t.Errorf("fatal: %s", got)
	}
}

// TestStuckWrite: a leader whose disk does not answer leads no longer, and its process is told to end.
func TestStuckWrite(t *testing.T) {
	c, disks := newDiskCluster(t, 3, func(o *Options) { o.stuck = 4 * heartbeatDefault })
	old := c.leased()
	old.put("a=1")
	disks[old].hang()
	outcome := make(chan error, 1)
	go func() {
		_, err := old.Propose(testContext(t), 0, [][]byte{[]byte("a=2")}, nil)
		outcome <- err
	}()
	eventually(t, "the end", func() bool { return len(old.fatals()) > 0 })
	if got := old.fatals()[0].Error(); !strings.Contains(got, "hanging") {
		t.Errorf("fatal: %s", got)
	}
	if old.holds() {
		t.Error("a lease in spite of the disk")
	}
	c.leader(old).put("b=1")
	disks[old].goOn()
	err, a := <-outcome, c.leader(old).machine.get("a")
	if un := (*unknown)(nil); !errors.As(err, &un) && (err == nil) != (a == "2") {
		t.Errorf("the write that hung: %v, and a is %s", err, a)
	}
}

// A write of the term or of a vote that hangs is noticed as well.
func TestStuckVoteIsNoticed(t *testing.T) {
	var f fatals
	d := newDisk(f.add)
	if d.hanging() != 0 {
		t.Error("no write, and it hangs")
	}
	s := &stableStore{disk: d}
	s.bolt, _ = openBolt(t.TempDir() + "/stable.db")
	hold, began, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() { done <- d.write(func() error { close(began); <-hold; return s.write([]byte("k"), nil) }) }()
	<-began
	eventually(t, "a while to pass", func() bool { return d.hanging() > 10*time.Millisecond })
	close(hold)
	if err := <-done; err != nil || d.hanging() != 0 || len(f.errs) != 0 {
		t.Errorf("%v, hanging for %v, %v", err, d.hanging(), f.errs)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// TestFailedSync: after an fsync that failed nothing of the leader's disk is relied on any more,
// even if the next one works, as it does on a real one.
func TestFailedSync(t *testing.T) {
	files := &brokenFiles{}
	c := newTestCluster(t, 3, nil)
	n := c.leader()
	n.kill()
	c.restart(n, func(o *Options) {
		o.files = func(real types.VFS) types.VFS { files.VFS = real; return files }
	})
	c.leader()
	eventually(t, "the node to lead", func() bool {
		_ = c.leader().Transfer(testContext(t), 0, n.ID())
		return n.Status(0).Ready
	})
	n.put("a=1")
	files.failSyncs.Store(1)
	if _, err := n.Propose(testContext(t), 0, [][]byte{[]byte("a=2")}, nil); err == nil {
		t.Error("acknowledged")
	}
	eventually(t, "the end", func() bool { return len(n.fatals()) > 0 })
	if got := n.fatals()[0].Error(); !strings.Contains(got, "syncing the log") || !strings.Contains(got, "input/output error") {
		t.Errorf("fatal: %s", got)
	}
	g := n.groups()[0]
	last := g.raft.LastIndex()
	if err := g.logs.StoreLogs(testLogs(last+1, last+1, 1)); !errors.Is(err, errDiskFailed) {
		t.Errorf("the next write: %v", err)
	}
	c.leader(n).put("b=1")
	n.kill()
	c.restart(n, func(o *Options) { o.files = nil })
	c.checkEqual()
}
