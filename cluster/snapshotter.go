package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Bounds of how many entries stay in the log behind a snapshot, for followers that lag.
const (
	trailingLeast = 1024
	trailingMost  = 1 << 20
	trailingBytes = 64 << 20 // unless KeepLog says another; or twice the size of the snapshot, if that is more
)

const (
	// snapshotPatience is how long the snapshotter waits after a failure.
	snapshotPatience = 10 * time.Second
	// snapshotUrgent is by how many times the bound in bytes has to be exceeded for a snapshot to
	// be made although one is being sent.
	snapshotUrgent = 4
)

// snapshotter makes snapshots when enough was applied since the last one. The library has no
// bound in bytes, so its own trigger is off.
//
// While a snapshot is on its way to a follower no new one is made: the log would be cut behind
// the new one, and the follower, when it is done, would need that one, and so on for as long as
// installing takes longer than the time between two snapshots. Only a log that grows far beyond
// its bound overrules this.
type snapshotter struct {
	group *group
	wake  chan struct{}
	// making is held while a snapshot is made, or one from the leader installed.
	making sync.Mutex

	mu      sync.Mutex // guards history
	history snapshotHistory
}

// snapshotHistory is what became of the snapshots that were to be made here since the start,
// whoever wanted them.
type snapshotHistory struct {
	running int       // attempts under way or waiting for one that is
	began   time.Time // of the attempt under way, if there is one
	count   uint64    // that succeeded
	tried   bool      // an attempt has ended; the rest is about the last one
	failed  bool
	took    time.Duration
}

func newSnapshotter(g *group) *snapshotter {
	return &snapshotter{group: g, wake: make(chan struct{}, 1)}
}

// rouse makes run look whether a snapshot is due.
func (s *snapshotter) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// retry makes run look again after a snapshot was put off.
func (s *snapshotter) retry() {
	if s.due() {
		s.rouse()
	}
}

// run makes snapshots until the group stops.
func (s *snapshotter) run() {
	for {
		select {
		case <-s.wake:
		case <-s.group.ctx.Done():
			return
		}
		if !s.due() {
			continue
		}
		if err := s.make(s.group.ctx); err != nil && s.group.ctx.Err() == nil {
			s.group.log.Warn("no snapshot could be made, the log goes on growing", "error", err)
			select {
			case <-time.After(snapshotPatience):
			case <-s.group.ctx.Done():
				return
			}
		}
	}
}

// due reports whether enough was applied, and nothing speaks against a snapshot now.
func (s *snapshotter) due() bool {
	g, o := s.group, &s.group.node.options
	entries, bytes := g.applier.since.entries.Load(), g.applier.since.bytes.Load()
	if entries < o.SnapshotEntries && bytes < o.SnapshotBytes {
		return false
	}
	return g.transport.installing.Load() == 0 || bytes >= snapshotUrgent*o.SnapshotBytes
}

// make makes a snapshot now, and notes what became of it.
func (s *snapshotter) make(ctx context.Context) error {
	began := time.Now()
	s.note(func(h *snapshotHistory) {
		if h.running++; h.running == 1 {
			h.began = began
		}
	})
	err := s.attempt(ctx)
	s.note(func(h *snapshotHistory) {
		h.running--
		h.tried, h.failed, h.took = true, err != nil, time.Since(began)
		if err == nil {
			h.count++
		}
	})
	return err
}

func (s *snapshotter) note(change func(*snapshotHistory)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.history)
}

// attempt makes a snapshot, with an entry of its own if need be.
func (s *snapshotter) attempt(ctx context.Context) error {
	err := s.beside(ctx)
	if !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return err
	}
	// The library refuses when it has applied nothing since its start. An empty entry helps.
	if err := s.group.nudge(ctx); err != nil {
		return fmt.Errorf("nothing was written since this node started, and the leader cannot be asked to: %w", err)
	}
	return s.beside(ctx)
}

// besideChanges is how many changes of the membership, one after the other, an attempt outlasts.
const besideChanges = 5

// beside makes a snapshot beside a change of the membership: the library makes none between the
// commit of a change and its arrival at the Machine. Its error does not tell that from others.
func (s *snapshotter) beside(ctx context.Context) error {
	g := s.group
	for range besideChanges {
		before := g.progress.index()
		err := s.try()
		if err == nil || g.raft.CommitIndex() <= before {
			return err
		}
		soon, cancel := context.WithTimeout(ctx, time.Second)
		arrived := g.progress.wait(soon, before+1)
		cancel()
		if arrived != nil {
			return err // it was something else, or a no-op
		}
	}
	return s.try()
}

// try asks the library for a snapshot.
func (s *snapshotter) try() error {
	s.making.Lock()
	defer s.making.Unlock()
	if err := s.group.adjust(func(c *raft.ReloadableConfig) { c.TrailingLogs = s.trailing() }); err != nil {
		return err
	}
	return s.group.raft.Snapshot().Error()
}

// KeepLog has about so many bytes of each group's log stay behind a snapshot, for nodes that come back; where twice the
// snapshot's size is more, that many. It counts from the next snapshot on.
func (n *Node) KeepLog(bytes int64) { n.trailing.Store(bytes) }

// trailing is how many entries are to stay in the log behind the snapshot: about so many bytes,
// or twice what sending the snapshot would cost.
func (s *snapshotter) trailing() uint64 {
	entries := s.group.applier.since.entries.Load()
	bytes := s.group.applier.since.bytes.Load()
	if entries == 0 || bytes <= 0 {
		return trailingLeast
	}
	each := max(1, uint64(bytes)/entries)
	room := uint64(max(s.group.node.trailing.Load(), 2*s.group.snapshots.last().size))
	return min(max(room/each, trailingLeast), trailingMost)
}

// nudge puts an empty entry in the log, through the leader, and waits for something to be applied
// here.
func (g *group) nudge(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, proposalLimit)
	defer cancel()
	from := g.progress.index()
	if g.office.Load() != nil {
		_, err := g.proposer.propose(ctx, nil, nil)
		return err
	}
	addr, _ := g.leader()
	if addr == "" {
		return g.notLeader()
	}
	if _, err := g.call(ctx, addr, callNudge, nil); err != nil {
		return err
	}
	return g.progress.wait(ctx, from+1)
}
