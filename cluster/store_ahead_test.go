package cluster

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// aheadLog is a log whose writes can be held up, and whether its node leads.
func aheadLog(t *testing.T) (*logStore, *testDisk, *bool) {
	t.Helper()
	var f fatals
	s, err := openLogStore(logWAL, t.TempDir(), testRaftLog(), newDisk(f.add))
	if err != nil {
		t.Fatal(err)
	}
	d := &testDisk{closableLog: s.closableLog}
	s.closableLog = d
	leads := true
	s.leads = func() bool { return leads }
	t.Cleanup(func() {
		d.goOn()
		if err := s.Close(); err != nil || len(f.errs) > 0 {
			t.Error(err, f.errs)
		}
	})
	return s, d, &leads
}

// A leader's commands are in its log before they are on its disk, and nobody but the leader sees them.
func TestLogAhead(t *testing.T) {
	s, d, leads := aheadLog(t)
	store := func(kind raft.LogType, index uint64) error {
		return s.StoreLogs([]*raft.Log{{Index: index, Type: kind}})
	}
	if err := store(raft.LogNoop, 1); err != nil || s.durable.Load() != 1 {
		t.Fatalf("on disk up to %d, %v", s.durable.Load(), err)
	}
	d.hang()
	if err := store(raft.LogCommand, 2); err != nil || s.durable.Load() != 1 {
		t.Errorf("on disk up to %d, %v", s.durable.Load(), err)
	}
	var l raft.Log
	if err := s.GetLog(2, &l); err != nil || l.Index != 2 {
		t.Errorf("entry %d, %v", l.Index, err)
	}
	*leads = false // the next waits
	for name, c := range map[string]struct {
		do   func() error
		last uint64 // on disk behind it
	}{
		"read":               {func() error { return s.GetLog(2, new(raft.Log)) }, 2},
		"last index":         {func() error { _, err := s.LastIndex(); return err }, 2},
		"applied":            {func() error { s.reaches(2); return nil }, 2},
		"another write":      {func() error { return store(raft.LogCommand, 3) }, 3},
		"what others act on": {func() error { *leads = true; return store(raft.LogConfiguration, 3) }, 3},
		"removed":            {func() error { return s.DeleteRange(2, 2) }, 1},
	} {
		done := make(chan error, 1)
		go func() { done <- c.do() }()
		select {
		case err := <-done:
			t.Errorf("%s: did not wait: %v", name, err)
			continue
		case <-time.After(10 * time.Millisecond): // nothing shows that it waits
		}
		d.goOn()
		if err := <-done; err != nil || s.durable.Load() != c.last {
			t.Errorf("%s: on disk up to %d, want %d, %v", name, s.durable.Load(), c.last, err)
		}
		*leads = true
		if c.last > 1 {
			if err := s.DeleteRange(2, c.last); err != nil || s.durable.Load() != 1 {
				t.Errorf("%s: on disk up to %d, %v", name, s.durable.Load(), err)
			}
		}
		d.hang()
		if err := store(raft.LogCommand, 2); err != nil {
			t.Error(err)
		}
		*leads = false
	}
	d.goOn()
}

// withheld waits until an entry is in the logs of nodes, and then that none applies it.
func withheld(t *testing.T, index uint64, stored, all []*testNode) {
	t.Helper()
	for _, n := range stored {
		eventually(t, "the entry to arrive", func() bool { return n.groups()[0].raft.LastIndex() >= index })
	}
	for range 20 { // nothing shows that there is nothing
		for _, n := range all {
			if n.Status(0).Applied >= index {
				t.Fatalf("applied before it was on the leader's disk")
			}
		}
		time.Sleep(commitDefault)
	}
}

// proposeHeld proposes an item on a leader whose disk is held up, and returns its index and where its
// outcome will be.
func (n *testNode) proposeHeld(item string) (index uint64, outcome chan error) {
	outcome = make(chan error, 1)
	index = n.groups()[0].raft.LastIndex() + 1
	go func() {
		_, err := n.Propose(testContext(n.t), 0, [][]byte{[]byte(item)}, nil)
		outcome <- err
	}()
	return index, outcome
}

// TestLeaderDiskCounts: what all the followers have is neither answered nor applied before the leader
// has it; and if the leader never gets it, the others still do.
func TestLeaderDiskCounts(t *testing.T) {
	c, disks := newDiskCluster(t, 3, calm)
	old, followers := c.leader(), c.followers()
	old.put("a=0")
	disks[old].hang()
	index, outcome := old.proposeHeld("a=1")
	withheld(t, index, followers, c.nodes)
	select {
	case err := <-outcome:
		t.Errorf("answered: %v", err)
	default:
	}
	disks[old].broken.Store(true)
	disks[old].goOn()
	var un *unknown
	if err := <-outcome; !errors.As(err, &un) {
		t.Errorf("the outcome: %v", err)
	}
	eventually(t, "the end", func() bool { return len(old.fatals()) > 0 })
	old.kill()
	leader := c.leader(old)
	leader.put("b=1")
	if got := leader.machine.get("a"); got != "1" {
		t.Errorf("a is %s", got)
	}
	disks[old].broken.Store(false)
	c.restart(old, nil)
	c.checkEqual()
}

// TestEntryLostWithTheLeader: an entry that a leader and one follower had, but not the leader's disk,
// is replaced after the leader has crashed. The follower must not have applied it.
func TestEntryLostWithTheLeader(t *testing.T) {
	c, disks := newDiskCluster(t, 3, calm)
	old, followers := c.leader(), c.followers()
	has, lacks := followers[0], followers[1]
	old.put("a=0")
	c.net.cut(lacks.Addr())
	disks[old].hang()
	index, outcome := old.proposeHeld("a=1")
	withheld(t, index, []*testNode{has}, c.nodes)
	c.net.cut(has.Addr())
	disks[old].broken.Store(true)
	disks[old].goOn()
	var un *unknown
	if err := <-outcome; !errors.As(err, &un) {
		t.Errorf("the outcome: %v", err)
	}
	old.kill()
	disks[old].broken.Store(false)
	c.restart(old, nil)
	c.net.heal(lacks.Addr())
	leader := c.leader(has)
	leader.put("a=2")
	c.net.heal(has.Addr())
	c.checkEqual()
	for _, n := range c.nodes {
		if got := n.machine.get("a"); got != "2" {
			t.Errorf("a is %s", got)
		}
	}
}
