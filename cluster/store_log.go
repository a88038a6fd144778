package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// closableLog is what both log stores are.
type closableLog interface {
	raft.LogStore
	Close() error
}

// logStore stands between raft and the log on disk.
//
//   - A failure to write is fatal, see disk: the library would only step down and try again.
//   - An entry over storedLimit is refused.
//   - Recent entries are kept in memory, bounded by number and by bytes: the library reads each
//     entry back once for every follower, and once more to apply it on a follower.
//   - A leader's disk writes beside those of its followers, see ahead.
//
// The library calls it from several goroutines; writes come one at a time.
type logStore struct {
	ahead
	closableLog
	dir       string
	monotonic bool
	disk      *disk
	recent    *recentLog
	stored    func(took time.Duration) // of each write of entries
	// removed is the last index that was removed from the front.
	removed atomic.Uint64
}

// openLogStore opens or creates the log of a kind in dir.
func openLogStore(kind, dir string, log *raftLog, disk *disk) (*logStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &logStore{dir: dir, disk: disk, recent: newRecentLog(), stored: func(time.Duration) {}}
	s.leads = func() bool { return false }
	var err error
	if kind == logBolt {
		s.closableLog, err = openBolt(filepath.Join(dir, "log.db"))
	} else {
		s.monotonic = true
		s.closableLog, err = openWAL(dir, walSegment, log, disk)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the log in %s: %w", dir, err)
	}
	first, err := s.FirstIndex()
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("opening the log in %s: %w", dir, err)
	}
	last, err := s.LastIndex()
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("opening the log in %s: %w", dir, err)
	}
	s.removed.Store(max(first, 1) - 1)
	s.durable.Store(last)
	return s, nil
}

// openBolt opens a bolt file with the options that keep its writes fast when the log is long.
func openBolt(path string) (*raftboltdb.BoltStore, error) {
	return raftboltdb.New(raftboltdb.Options{Path: path, BoltOptions: &bbolt.Options{
		Timeout:        time.Second,
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
	}})
}

// IsMonotonic tells raft to empty the log after installing a snapshot, for a store that takes no
// gaps.
func (s *logStore) IsMonotonic() bool { return s.monotonic }

// GetLog reads an entry. The entry's bytes are shared and must not be changed.
//
// raft-wal still finds entries that were removed from the front of the segment it writes to; here
// they are gone.
func (s *logStore) GetLog(index uint64, log *raft.Log) error {
	if index > s.durable.Load() {
		if s.leads() && s.recent.get(index, log) {
			return nil
		}
		s.settle()
	}
	if s.recent.get(index, log) {
		return nil
	}
	if index <= s.removed.Load() {
		return raft.ErrLogNotFound
	}
	return s.closableLog.GetLog(index, log)
}

// LastIndex is the last entry's.
func (s *logStore) LastIndex() (uint64, error) {
	s.settle()
	return s.closableLog.LastIndex()
}

// StoreLog writes one entry.
func (s *logStore) StoreLog(log *raft.Log) error { return s.StoreLogs([]*raft.Log{log}) }

// StoreLogs writes entries and returns when they are on disk, or runs ahead of it.
func (s *logStore) StoreLogs(logs []*raft.Log) error {
	for _, l := range logs {
		if len(l.Data) > storedLimit {
			return s.disk.fail(fmt.Errorf("entry %d: %d bytes, the log takes %d", l.Index, len(l.Data), storedLimit))
		}
	}
	s.settle()
	if s.mayRun(logs) && !s.disk.hasFailed() {
		s.recent.add(logs)
		s.run(func() { _ = s.store(logs) }) // an error is fatal
		return nil
	}
	if err := s.store(logs); err != nil {
		return err
	}
	s.recent.add(logs)
	return nil
}

// store writes entries to the disk.
func (s *logStore) store(logs []*raft.Log) error {
	started := time.Now()
	if err := s.disk.write(func() error { return s.closableLog.StoreLogs(logs) }); err != nil {
		return s.disk.fail(fmt.Errorf("writing entry %d to the log: %w", logs[0].Index, err))
	}
	s.stored(time.Since(started))
	if before := logs[0].Index - 1; before < s.removed.Load() {
		s.removed.Store(before) // the log was emptied and begins earlier now
	}
	s.durable.Store(logs[len(logs)-1].Index)
	return nil
}

// DeleteRange removes the entries min to max, either end of the log.
func (s *logStore) DeleteRange(min, max uint64) error {
	s.settle()
	s.recent.remove(min, max)
	first, err := s.FirstIndex()
	if err == nil {
		err = s.disk.write(func() error { return s.closableLog.DeleteRange(min, max) })
	}
	if err != nil {
		return s.disk.fail(fmt.Errorf("removing entries %d to %d from the log: %w", min, max, err))
	}
	if min <= first {
		s.removed.Store(max)
	}
	if max >= s.durable.Load() {
		s.durable.Store(min - 1)
	}
	return nil
}

// Close closes the log.
func (s *logStore) Close() error {
	s.settle()
	return s.closableLog.Close()
}

// size is how many bytes the log's files have; a file that is removed meanwhile has none.
func (s *logStore) size() int64 {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return 0
	}
	var bytes int64
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// term is the term of the entry at index, 0 if the log does not have it.
func (s *logStore) term(index uint64) uint64 {
	var l raft.Log
	if err := s.GetLog(index, &l); err != nil {
		return 0
	}
	return l.Term
}

// lastCommand is the newest command in the log; false: there is none. It reads back to there, over
// whatever else the library put in the log.
func (s *logStore) lastCommand() (l raft.Log, ok bool, err error) {
	first, err := s.FirstIndex()
	if err != nil {
		return l, false, err
	}
	last, err := s.LastIndex()
	if err != nil {
		return l, false, err
	}
	for i := last; i >= max(first, 1); i-- {
		if err := s.GetLog(i, &l); err != nil {
			return l, false, err
		}
		if l.Type == raft.LogCommand {
			return l, true, nil
		}
	}
	return l, false, nil
}
