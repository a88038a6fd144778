package cluster

import (
	"fmt"
	"strings"
	"testing"
)

// TestSnapshotAtAnyTime: the library refuses a snapshot right after a start and beside a change of
// the membership; here it works on every node.
func TestSnapshotAtAnyTime(t *testing.T) {
	c := newTestCluster(t, 2, nil)
	leader, f := c.leader(), c.followers()[0]
	for range 5 {
		if err := leader.Demote(testContext(t), 0, f.ID()); err != nil {
			t.Fatal(err)
		}
		if err := leader.Snapshot(testContext(t), 0); err != nil {
			t.Errorf("after a vote was taken away: %v", err)
		}
		if err := leader.Promote(testContext(t), 0, f.ID()); err != nil {
			t.Fatal(err)
		}
		if err := f.Snapshot(testContext(t), 0); err != nil {
			t.Errorf("after a vote was given: %v", err)
		}
	}
	f.kill()
	c.restart(f, nil)
	eventually(t, "the leader to be known", func() bool { return f.Status(0).LeaderID != "" })
	if err := f.Snapshot(testContext(t), 0); err != nil {
		t.Errorf("right after the start: %v", err)
	}
}

// TestSnapshotByBytes: a log that is long in bytes is cut, however few its entries are.
func TestSnapshotByBytes(t *testing.T) {
	c := newTestCluster(t, 1, func(o *Options) { o.SnapshotBytes = 1 << 20 })
	n := c.leader()
	for i := range 9 {
		n.put(fmt.Sprintf("k%d=%s", i, strings.Repeat("x", 1<<17)))
	}
	eventually(t, "a snapshot", func() bool { return n.Status(0).Snapshots == 1 })
}

// TestTrailing: how much of the log stays behind a snapshot goes by bytes and by what sending the
// snapshot would cost.
func TestTrailing(t *testing.T) {
	for _, c := range []struct {
		entries  uint64
		bytes    int64
		snapshot int64
		keep     int64 // what KeepLog was told
		want     uint64
	}{
		{0, 0, 0, trailingBytes, trailingLeast},
		{1000, 1000 << 10, 0, trailingBytes, trailingBytes >> 10},       // of a KiB each
		{1000, 1000 << 10, 1 << 30, trailingBytes, trailingMost},        // two GiB of them would be more
		{1000, 1000 << 10, 100 << 20, trailingBytes, 200 << 10},         // twice the snapshot
		{10, 10 << 20, 0, trailingBytes, trailingLeast},                 // of a MiB each
		{1 << 20, 1 << 20, 0, trailingBytes, trailingMost},              // of a byte each
		{3, 1, 0, trailingBytes, trailingMost},                          // of less
		{1000, 1000 << 12, 1 << 20, trailingBytes, trailingBytes >> 12}, // a small snapshot
		{1000, 1000 << 10, 1 << 20, 8 << 20, 8 << 10},                   // less is to stay
		{1000, 1000 << 10, 8 << 20, 1, 16 << 10},
	} {
		g := &group{node: &Node{}, applier: &applier{}, snapshots: &snapshotStore{}}
		g.node.KeepLog(c.keep)
		g.applier.since.entries.Store(c.entries)
		g.applier.since.bytes.Store(c.bytes)
		g.snapshots.newest.Store(&snapshotFacts{size: c.snapshot})
		if got := newSnapshotter(g).trailing(); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
