package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// snapshotsKept is how many snapshots stay on disk: the newest, and one to fall back on.
	snapshotsKept = 2
	snapshotsDir  = "snapshots"
	// snapshotState is the file of a snapshot that holds the state.
	snapshotState = "state.bin"
	// snapshotUnfinished ends the name of a snapshot that is being written.
	snapshotUnfinished = ".tmp"
)

// snapshotStore keeps a group's snapshots as files, whose checksums are verified when they are
// opened.
//
// A snapshot that is older than the newest is refused: one that was begun before a snapshot from
// the leader came would otherwise make the library forget the newer one.
type snapshotStore struct {
	*raft.FileSnapshotStore
	dir string

	completing sync.Mutex // one snapshot is completed at a time
	newest     atomic.Pointer[snapshotFacts]
}

// snapshotFacts is what is known of the newest complete snapshot; all zero if there is none.
type snapshotFacts struct {
	index uint64
	size  int64     // bytes
	at    time.Time // when it was complete
}

// openSnapshotStore opens the snapshots below dir and clears away what a crash left unfinished.
func openSnapshotStore(dir string, log *raftLog) (*snapshotStore, error) {
	unfinished, err := filepath.Glob(filepath.Join(dir, snapshotsDir, "*"+snapshotUnfinished))
	if err != nil {
		return nil, err
	}
	for _, path := range unfinished {
		if err := os.RemoveAll(path); err != nil {
			return nil, err
		}
	}
	files, err := raft.NewFileSnapshotStoreWithLogger(dir, snapshotsKept, log.Named("snapshot"))
	if err != nil {
		return nil, err
	}
	s := &snapshotStore{FileSnapshotStore: files, dir: filepath.Join(dir, snapshotsDir)}
	kept, err := s.List()
	if err != nil {
		return nil, err
	}
	newest := snapshotFacts{}
	for _, meta := range kept {
		if meta.Index <= newest.index {
			continue
		}
		newest = snapshotFacts{index: meta.Index, size: meta.Size}
		if info, err := os.Stat(filepath.Join(s.dir, meta.ID, snapshotState)); err == nil {
			newest.at = info.ModTime()
		}
	}
	s.newest.Store(&newest)
	return s, nil
}

// Create begins a snapshot.
func (s *snapshotStore) Create(version raft.SnapshotVersion, index, term uint64, members raft.Configuration,
	membersIndex uint64, transport raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.FileSnapshotStore.Create(version, index, term, members, membersIndex, transport)
	if err != nil {
		return nil, err
	}
	return &snapshotSink{SnapshotSink: sink, store: s, index: index}, nil
}

// last is the newest snapshot, made here or sent by a leader.
func (s *snapshotStore) last() snapshotFacts { return *s.newest.Load() }

// snapshotSink is a snapshot being written.
type snapshotSink struct {
	raft.SnapshotSink
	store *snapshotStore
	index uint64
	size  int64 // bytes so far
	done  bool
}

// Write appends to the snapshot.
func (s *snapshotSink) Write(p []byte) (int, error) {
	n, err := s.SnapshotSink.Write(p)
	s.size += int64(n)
	return n, err
}

// Close completes the snapshot, or throws it away if a newer one has come in the meantime.
func (s *snapshotSink) Close() error {
	if s.done {
		return nil
	}
	s.done = true
	s.store.completing.Lock()
	defer s.store.completing.Unlock()
	if newest := s.store.last().index; s.index < newest {
		_ = s.SnapshotSink.Cancel()
		return fmt.Errorf("a snapshot of index %d is of no use: there is one of %d", s.index, newest)
	}
	// The library syncs the files and the directory above, but not the directory they are in.
	path := filepath.Join(s.store.dir, s.ID()+snapshotUnfinished)
	if err := syncDirectory(path); err != nil {
		_ = s.SnapshotSink.Cancel()
		return err
	}
	if err := s.SnapshotSink.Close(); err != nil {
		return err
	}
	s.store.newest.Store(&snapshotFacts{index: s.index, size: s.size, at: time.Now()})
	return nil
}

// Cancel throws the snapshot away.
func (s *snapshotSink) Cancel() error {
	if s.done {
		return nil
	}
	s.done = true
	return s.SnapshotSink.Cancel()
}
