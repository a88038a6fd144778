package cluster

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// applier is the Machine as raft sees it. raft calls it from one goroutine, and from another at
// its start, before that one runs.
//
// The library has no index of its own to go by: its AppliedIndex is what was sent here, its
// no-ops never come here, and Restore is not told an index. So the Machine keeps the index, moved
// by commands and by configurations, and part of its snapshots.
type applier struct {
	group   *group
	machine Machine

	broken  atomic.Bool // nothing is applied any more
	started atomic.Bool // raft runs: a snapshot that does not load is fatal
	items   [][]byte    // room for the items of one entry
	nobody  []any       // sinks of an entry of others

	clockAt atomic.Pointer[stampAt] // the last stamp applied, and when
	since   logMeter                // applied since the last snapshot
}

// logMeter counts what was applied since the last snapshot.
type logMeter struct {
	entries atomic.Uint64
	bytes   atomic.Int64
}

var (
	_ raft.FSM                = (*applier)(nil)
	_ raft.ConfigurationStore = (*applier)(nil)
)

// Apply runs a committed entry on the Machine and gives its flight, if it is one of ours, its
// fate.
func (a *applier) Apply(l *raft.Log) any {
	if a.broken.Load() {
		return nil
	}
	if !a.group.logs.reaches(l.Index) { // the disk has failed
		a.broken.Store(true)
		a.group.node.fatal(fmt.Errorf("entry %d is committed and not on this disk", l.Index))
		return nil
	}
	var f *flight
	defer func() {
		if cause := recover(); cause != nil {
			a.fail(l.Index, cause, f)
		}
	}()
	head, items, err := decodeEntry(l.Data, a.items[:0])
	if err != nil {
		panic(err)
	}
	p := a.group.proposer
	f = p.claim(head, l.Index)
	// A proposer that was held up between stamping and proposing, while others led, may be late.
	head.stamp = max(head.stamp, a.machine.Clock())
	a.machine.Apply(l.Index, l.Term, head.stamp, head.seed, items, a.sinks(f, len(items)))
	clear(items)
	a.items = items
	a.clockAt.Store(&stampAt{stamp: head.stamp, at: time.Now()})
	a.moved(l.Index, len(l.Data))
	if f != nil {
		if f.opens != nil {
			f.opens.prove(l.Term)
		}
		p.applied(f, l.Index, nil)
	}
	return nil
}

// sinks are those of an entry's items: the flight's, or nobody's.
func (a *applier) sinks(f *flight, n int) []any {
	if f != nil {
		return f.local
	}
	if n > len(a.nobody) {
		a.nobody = make([]any, n)
	}
	return a.nobody[:n]
}

// fail stops this node: the state would no longer be that of the others.
func (a *applier) fail(index uint64, cause any, f *flight) {
	a.broken.Store(true)
	err := fmt.Errorf("entry %d: %v", index, cause)
	a.group.log.Error("an entry cannot be applied, this node stops", "index", index, "cause", cause,
		"stack", string(debug.Stack()))
	if f != nil {
		a.group.proposer.applied(f, 0, &unknown{err})
	}
	a.group.node.fatal(err)
}

// moved publishes how far the Machine has come.
func (a *applier) moved(index uint64, bytes int) {
	a.group.progress.advance(index)
	entries := a.since.entries.Add(1)
	size := a.since.bytes.Add(int64(bytes))
	o := &a.group.node.options
	if entries >= o.SnapshotEntries || size >= o.SnapshotBytes {
		a.group.snapshotter.rouse()
	}
}

// StoreConfiguration takes note of a committed change of the membership.
func (a *applier) StoreConfiguration(index uint64, members raft.Configuration) {
	if a.broken.Load() {
		return
	}
	defer func() {
		if cause := recover(); cause != nil {
			a.fail(index, cause, nil)
		}
	}()
	term := a.group.logs.term(index)
	if _, last := a.machine.Applied(); term < last {
		term = last
	}
	a.machine.Skip(index, term)
	a.group.proposer.passed(index)
	a.moved(index, 0)
	a.group.membersApplied(members)
}

// Snapshot freezes the Machine's state.
func (a *applier) Snapshot() (raft.FSMSnapshot, error) {
	if a.broken.Load() {
		return nil, errors.New("this node has stopped applying entries")
	}
	write, release, err := a.machine.Snapshot()
	if err != nil {
		return nil, err
	}
	return &frozen{
		write:   write,
		release: release,
		since:   &a.since,
		entries: a.since.entries.Load(),
		bytes:   a.since.bytes.Load(),
	}, nil
}

// Restore replaces the Machine's state by a snapshot's.
func (a *applier) Restore(source io.ReadCloser) (err error) {
	if a.broken.Load() {
		return errors.New("this node has stopped applying entries")
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("restoring a snapshot: %v", cause)
			a.group.log.Error("a snapshot cannot be restored", "cause", cause, "stack", string(debug.Stack()))
		}
		if err != nil && a.started.Load() {
			// The old state is gone and the new one is not there.
			a.broken.Store(true)
			a.group.node.fatal(fmt.Errorf("restoring a snapshot: %w", err))
		}
	}()
	if err := a.machine.Restore(source); err != nil {
		return err
	}
	index, _ := a.machine.Applied()
	a.since.entries.Store(0)
	a.since.bytes.Store(0)
	a.clockAt.Store(&stampAt{stamp: a.machine.Clock(), at: time.Now()})
	a.group.proposer.replaced(index)
	a.group.progress.advance(index)
	return nil
}

// frozen is a snapshot that may be written while entries are applied.
type frozen struct {
	write   func(io.Writer) error
	release func()
	since   *logMeter
	entries uint64 // applied before it, since the snapshot before
	bytes   int64
}

// Persist writes the snapshot. The library closes the sink.
func (f *frozen) Persist(sink raft.SnapshotSink) error {
	if err := f.write(sink); err != nil {
		return err
	}
	f.since.entries.Add(-f.entries)
	f.since.bytes.Add(-f.bytes)
	return nil
}

// Release lets the Machine recycle what the snapshot held.
func (f *frozen) Release() { f.release() }
