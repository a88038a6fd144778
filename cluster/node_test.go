package cluster

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func TestSingleNode(t *testing.T) {
	c := newTestCluster(t, 1, func(o *Options) {
		o.First = func() [][]byte { return [][]byte{[]byte("first=1")} }
		o.NodeItem = func(id, client string) []byte { return []byte("node=" + client) }
	})
	n := c.leader()
	sink := &testSink{}
	index, err := n.Propose(testContext(t), 0, [][]byte{[]byte("a=1"), []byte("b=2"), []byte("c=3")}, []any{nil, sink})
	if err != nil {
		t.Fatal(err)
	}
	if got := sink.heard(); len(got) != 1 || got[0] != "b=2" {
		t.Errorf("the sink was told %v", got)
	}
	if err := n.ReadIndex(testContext(t), 0, true); err != nil {
		t.Error(err)
	}
	if err := n.Bounded(testContext(t), 0, time.Millisecond); err != nil {
		t.Error(err)
	}
	want := []string{"first=1", "node=client-0:6379", "a=1", "b=2", "c=3"}
	checkHistory(t, n, want)

	// The same again from the log; the beginning is not repeated.
	n.kill()
	c.restart(n, nil)
	c.leader()
	if err := n.WaitApplied(testContext(t), 0, index+1); err != nil {
		t.Fatal(err)
	}
	checkHistory(t, n, want)
	s := n.Status(0)
	if s.Role != "leader" || !s.Voter || s.LeaderID != n.ID() || s.Applied < index || s.Applied > s.Last {
		t.Errorf("%+v", s)
	}
}

func checkHistory(t *testing.T, n *testNode, want []string) {
	t.Helper()
	var got []string
	for _, e := range n.machine.history() {
		got = append(got, e.Item)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("history %v, want %v", got, want)
	}
}

func TestBoltLog(t *testing.T) {
	c := newTestCluster(t, 1, func(o *Options) { o.LogStore = logBolt })
	n := c.leader()
	n.put("a=1")
	n.kill()
	c.restart(n, nil)
	c.leader()
	if got := n.machine.get("a"); got != "1" {
		t.Errorf("a = %q", got)
	}
}

func TestTicks(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	n := c.leader()
	n.put("a=1")
	before := n.Status(0).Applied
	n.machine.setDue(n.machine.Clock() + 30)
	n.put("b=1") // the proposer looks at the machine's wish after each entry
	eventually(t, "a tick", func() bool { return n.machine.Due() == 0 })
	if after := n.Status(0).Applied; after > before+3 {
		t.Errorf("%d entries for one tick", after-before)
	}
	if e := n.Elapsed(0); e < 0 || e > testWait.Milliseconds() {
		t.Errorf("elapsed %d ms", e)
	}
}

func TestTooLarge(t *testing.T) {
	c := newTestCluster(t, 1, func(o *Options) { o.MaxItemBytes = 1 << 20 })
	n := c.leader()
	var large interface{ TooLarge() bool }
	_, err := n.Propose(testContext(t), 0, [][]byte{make([]byte, 1<<20+1)}, nil)
	if !errors.As(err, &large) || !large.TooLarge() {
		t.Errorf("%v", err)
	}
	if _, err := n.Propose(testContext(t), 0, [][]byte{append([]byte("k="), make([]byte, 1<<20-2)...)}, nil); err != nil {
		t.Errorf("an item of just the limit: %v", err)
	}
}

func TestPanicStopsTheNode(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	n := c.leader()
	sink := &testSink{}
	_, err := n.Propose(testContext(t), 0, [][]byte{[]byte("!boom")}, []any{sink})
	var un interface{ Unknown() bool }
	if !errors.As(err, &un) || !un.Unknown() {
		t.Errorf("the proposal that broke the machine: %v", err)
	}
	eventually(t, "the end", func() bool { return len(n.fatals()) > 0 })
	if got := n.fatals(); len(got) != 1 || !strings.Contains(got[0].Error(), "entry ") || !strings.Contains(got[0].Error(), "boom") {
		t.Errorf("fatal: %v", got)
	}
	applied, _ := n.machine.Applied()
	_, _ = n.Propose(testContext(t), 0, [][]byte{[]byte("after=1")}, nil)
	if again, _ := n.machine.Applied(); again != applied || n.machine.get("after") != "" {
		t.Error("the node went on applying")
	}
}

func TestDamagedEntryStopsTheNode(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	n := c.leader()
	index := n.put("a=1")
	n.put("b=2")
	n.kill()
	rewrite(t, n, index, func(data []byte) { data[len(data)-entrySumSize-1] ^= 1 })
	c.restart(n, nil)
	eventually(t, "the end", func() bool { return n.groups()[0].applier.broken.Load() })
	if got := n.machine.get("b"); got != "" {
		t.Error("the entry behind the damaged one was applied")
	}
}

// rewrite changes an entry in the log of a node that does not run.
func rewrite(t *testing.T, n *testNode, index uint64, change func([]byte)) {
	t.Helper()
	s, err := openLogStore(logWAL, filepath.Join(n.options.Dir, "group-0", "log"), testRaftLog(), newDisk(func(error) {}))
	if err != nil {
		t.Fatal(err)
	}
	last, err := s.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	var logs []*raft.Log
	for i := index; i <= last; i++ {
		l := &raft.Log{}
		if err := s.GetLog(i, l); err != nil {
			t.Fatal(err)
		}
		logs = append(logs, l)
	}
	change(logs[0].Data)
	if err := s.DeleteRange(index, last); err != nil {
		t.Fatal(err)
	}
	if err := s.StoreLogs(logs); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotAndRestart(t *testing.T) {
	c := newTestCluster(t, 1, func(o *Options) { o.SnapshotEntries = 50 })
	n := c.leader()
	for i := range 120 {
		n.put(fmt.Sprintf("k%d=%d", i, i))
	}
	eventually(t, "a snapshot", func() bool { return n.Status(0).Snapshot > 50 })
	history := len(n.machine.history())
	n.kill()
	c.restart(n, nil)
	c.leader()
	if got := len(n.machine.history()); got != history {
		t.Errorf("%d events after the restart, %d before", got, history)
	}
	if err := n.Snapshot(testContext(t), 0); err != nil { // nothing new: an empty entry makes way
		t.Error(err)
	}
}

// TestSnapshotFacts: Status tells of snapshots that the node makes by itself as of those that are
// asked for, of failures, and after a restart of the one that is on disk.
func TestSnapshotFacts(t *testing.T) {
	c := newTestCluster(t, 1, func(o *Options) { o.SnapshotEntries = 50 })
	n := c.leader()
	if s := n.Status(0); !s.SnapshotAt.IsZero() || s.Snapshots != 0 || s.SnapshotTook != -1 || s.SnapshotFailed || !s.SnapshotBegan.IsZero() {
		t.Errorf("before any: %+v", s)
	}
	began := time.Now()
	for i := range 60 {
		n.put(fmt.Sprintf("k%d=%d", i, i))
	}
	eventually(t, "an automatic snapshot", func() bool { return n.Status(0).Snapshots == 1 && n.Status(0).SnapshotBegan.IsZero() })
	s := n.Status(0)
	if s.SnapshotFailed || s.SnapshotTook < 0 || s.SnapshotAt.Before(began) || s.SnapshotBytes == 0 || n.LogBytes(0) == 0 {
		t.Errorf("after an automatic one: %+v, %d bytes of log", s, n.LogBytes(0))
	}
	n.machine.setStubborn(true)
	if err := n.Snapshot(testContext(t), 0); err == nil {
		t.Error("no error")
	}
	if got := n.Status(0); !got.SnapshotFailed || got.Snapshots != 1 || !got.SnapshotAt.Equal(s.SnapshotAt) || !got.SnapshotBegan.IsZero() {
		t.Errorf("after a failure: %+v", got)
	}
	n.machine.setStubborn(false)
	n.put("a=1")
	if err := n.Snapshot(testContext(t), 0); err != nil {
		t.Error(err)
	}
	last := n.Status(0)
	if last.SnapshotFailed || last.Snapshots != 2 || !last.SnapshotAt.After(s.SnapshotAt) {
		t.Errorf("after another: %+v", last)
	}
	n.kill()
	c.restart(n, nil)
	if got := n.Status(0); got.Snapshots != 0 || got.SnapshotTook != -1 || last.SnapshotAt.Sub(got.SnapshotAt).Abs() > time.Second ||
		got.Snapshot != last.Snapshot || got.SnapshotBytes != last.SnapshotBytes {
		t.Errorf("after a restart: %+v, before it %+v", got, last)
	}
}

func TestAbandonedProposal(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	n := c.leader()
	for _, f := range c.followers() {
		c.net.cut(f.Addr())
	}
	sink := &testSink{}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := n.Propose(ctx, 0, [][]byte{[]byte("a=1")}, []any{sink})
	var un interface{ Unknown() bool }
	if !errors.As(err, &un) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	for _, f := range c.nodes {
		c.net.heal(f.Addr())
	}
	c.leader().put("b=1")
	if got := sink.heard(); len(got) != 0 {
		t.Errorf("the abandoned sink was told %v", got)
	}
}

// TestLargestItem: an item of the most that may be configured is applied, and read back from the
// log; one of 64 MiB, which the write-ahead log would take and never give back, gets nowhere.
func TestLargestItem(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: writes 48 MB")
	}
	c := newTestCluster(t, 1, func(o *Options) { o.MaxItemBytes = itemLimitMax })
	n := c.leader()
	last := n.Status(0).Last
	var large interface{ TooLarge() bool }
	if _, err := n.Propose(testContext(t), 0, [][]byte{make([]byte, 64<<20)}, nil); !errors.As(err, &large) {
		t.Errorf("64 MiB: %v", err)
	}
	if got := n.Status(0).Last; got != last {
		t.Errorf("the log has grown to %d", got)
	}
	n.machine.setForgetful()
	value := strings.Repeat("x", itemLimitMax-2)
	n.put("k=" + value)
	n.kill()
	c.restart(n, nil)
	c.leader()
	if got := n.machine.get("k"); got != value {
		t.Errorf("%d bytes of it were read back", len(got))
	}
	if len(n.fatals()) > 0 {
		t.Error(n.fatals())
	}
}
