package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/types"
)

// fatals counts what a store reports as the end.
type fatals struct{ errs []error }

func (f *fatals) add(err error) { f.errs = append(f.errs, err) }

func testRaftLog() *raftLog { return newRaftLog(testLog(), "raft") }

func testLogs(from, to uint64, size int) []*raft.Log {
	var logs []*raft.Log
	for i := from; i <= to; i++ {
		logs = append(logs, &raft.Log{Index: i, Term: 1, Data: make([]byte, size)})
	}
	return logs
}

func TestLogStores(t *testing.T) {
	for _, kind := range []string{logWAL, logBolt} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			var f fatals
			s, err := openLogStore(kind, dir, testRaftLog(), newDisk(f.add))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			if err := s.StoreLogs(testLogs(1, 2000, 10)); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := s.lastCommand(); !ok || err != nil {
				t.Error("no command found", err)
			}
			for _, i := range []uint64{1, 1000, 2000} { // from disk and from memory
				var l raft.Log
				if err := s.GetLog(i, &l); err != nil || l.Index != i {
					t.Errorf("entry %d: %+v, %v", i, l, err)
				}
			}
			if err := s.DeleteRange(1990, 2000); err != nil {
				t.Fatal(err)
			}
			if err := s.GetLog(1995, &raft.Log{}); !errors.Is(err, raft.ErrLogNotFound) {
				t.Errorf("a removed entry: %v", err)
			}
			if err := s.DeleteRange(1, 100); err != nil {
				t.Fatal(err)
			}
			if err := s.GetLog(100, &raft.Log{}); !errors.Is(err, raft.ErrLogNotFound) {
				t.Errorf("an entry removed from the front: %v", err)
			}
			if err := s.GetLog(101, &raft.Log{}); err != nil {
				t.Error(err)
			}
			if len(f.errs) != 0 {
				t.Error(f.errs)
			}
			if err := s.StoreLogs(testLogs(1990, 1990, storedLimit+1)); err == nil || len(f.errs) != 1 {
				t.Errorf("an entry over the limit: %v, %v", err, f.errs)
			}
		})
	}
}

// brokenFiles fails to create, write or sync files as often as told to.
type brokenFiles struct {
	types.VFS
	failCreates, failWrites, failSyncs atomic.Int32
}

type brokenFile struct {
	types.WritableFile
	files *brokenFiles
}

// once uses up one of the failures.
func once(failures *atomic.Int32) error {
	if failures.Add(-1) >= 0 {
		return syscall.EIO
	}
	failures.Store(0)
	return nil
}

func (b *brokenFiles) Create(dir, name string, size uint64) (types.WritableFile, error) {
	if err := once(&b.failCreates); err != nil {
		return nil, err
	}
	f, err := b.VFS.Create(dir, name, size)
	return &brokenFile{f, b}, err
}

func (b *brokenFiles) OpenWriter(dir, name string) (types.WritableFile, error) {
	f, err := b.VFS.OpenWriter(dir, name)
	return &brokenFile{f, b}, err
}

func (f *brokenFile) WriteAt(p []byte, offset int64) (int, error) {
	if err := once(&f.files.failWrites); err != nil {
		return 0, err
	}
	return f.WritableFile.WriteAt(p, offset)
}

func (f *brokenFile) Sync() error {
	if err := once(&f.files.failSyncs); err != nil {
		return err
	}
	return f.WritableFile.Sync()
}

// brokenMeta fails to write the list of segments.
type brokenMeta struct{ types.MetaStore }

func (brokenMeta) CommitState(types.PersistentState) error { return syscall.EIO }

// TestWALFailuresAreFatal: whatever part of a real write-ahead log fails, in the foreground or, as
// the start of a new segment, in the background, it is reported, and nothing is written afterwards.
func TestWALFailuresAreFatal(t *testing.T) {
	for name, c := range map[string]struct {
		fails func(*brokenFiles) *atomic.Int32
		size  int // of an entry; two are written
		want  string
	}{
		"write":       {func(b *brokenFiles) *atomic.Int32 { return &b.failWrites }, 1, "writing the log"},
		"sync":        {func(b *brokenFiles) *atomic.Int32 { return &b.failSyncs }, 1, "syncing the log"},
		"new segment": {func(b *brokenFiles) *atomic.Int32 { return &b.failCreates }, 40 << 20, "creating"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.size > 1 && testing.Short() {
				t.Skip("left out with -short: writes 80 MB")
			}
			var mu sync.Mutex
			var said []string
			d := newDisk(func(err error) { mu.Lock(); defer mu.Unlock(); said = append(said, err.Error()) })
			files := &brokenFiles{VFS: d.files}
			d.files = files
			s, err := openLogStore(logWAL, t.TempDir(), testRaftLog(), d)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			c.fails(files).Store(1)
			for i := range uint64(2) {
				_ = s.StoreLogs(testLogs(i+1, i+1, c.size))
			}
			eventually(t, "a word about it", func() bool { mu.Lock(); defer mu.Unlock(); return len(said) > 0 })
			mu.Lock()
			defer mu.Unlock()
			if !strings.Contains(said[0], c.want) || !strings.Contains(said[0], syscall.EIO.Error()) {
				t.Errorf("said %q", said)
			}
			if err := d.write(func() error { return nil }); !errors.Is(err, errDiskFailed) {
				t.Errorf("the next write: %v", err)
			}
		})
	}
	var f fatals
	meta := &walMeta{MetaStore: brokenMeta{}, disk: newDisk(f.add)}
	if err := meta.CommitState(types.PersistentState{}); err == nil || len(f.errs) != 1 {
		t.Errorf("the list of segments: %v, %v", err, f.errs)
	}
}

// failingLog is a log that takes nothing.
type failingLog struct{ closableLog }

func (failingLog) FirstIndex() (uint64, error)      { return 1, nil }
func (failingLog) StoreLogs([]*raft.Log) error      { return errors.New("the disk is full") }
func (failingLog) DeleteRange(uint64, uint64) error { return errors.New("the disk is full") }

func TestLogFailuresAreFatal(t *testing.T) {
	var f fatals
	s := &logStore{closableLog: failingLog{}, disk: newDisk(f.add), recent: newRecentLog()}
	s.leads = func() bool { return false }
	if err := s.StoreLog(testLogs(1, 1, 1)[0]); err == nil || len(f.errs) != 1 {
		t.Errorf("%v, %v", err, f.errs)
	}
	if err := s.DeleteRange(1, 2); err == nil || len(f.errs) != 2 {
		t.Errorf("%v, %v", err, f.errs)
	}
	var l raft.Log
	if s.recent.get(1, &l) {
		t.Error("an entry that was not written is read back")
	}
}

func TestRecentLogBounds(t *testing.T) {
	r := newRecentLog()
	var l raft.Log
	for i := uint64(1); i <= 3000; i++ {
		r.add(testLogs(i, i, 1<<10))
	}
	if !r.get(3000, &l) || !r.get(3000-recentEntries+1, &l) || r.get(3000-recentEntries, &l) {
		t.Error("not the newest entries")
	}
	for i := uint64(3001); i <= 3100; i++ {
		r.add(testLogs(i, i, 1<<20))
	}
	if r.bytes > recentBytes || !r.get(3100, &l) || r.get(3090, &l) {
		t.Errorf("%d bytes", r.bytes)
	}
	r.remove(3095, 3100)
	if r.get(3097, &l) || !r.get(3094, &l) {
		t.Error("not the right entries removed")
	}
	r.add(testLogs(5000, 5000, 2*recentBytes))
	r.add(testLogs(5001, 5001, 1))
	if !r.get(5001, &l) || r.bytes > recentBytes {
		t.Errorf("after an entry over the bound: %d bytes", r.bytes)
	}
}

func TestVoteIsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stable.db")
	var f fatals
	open := func() *stableStore {
		s, err := openStableStore(path, newDisk(f.add))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	vote := func(s *stableStore, term uint64, candidate string) {
		t.Helper()
		if err := s.SetUint64([]byte(stableVoteTerm), term); err != nil {
			t.Fatal(err)
		}
		if candidate == "" {
			return
		}
		if err := s.Set([]byte(stableVoteFor), []byte(candidate)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(s *stableStore, term uint64, candidate string) {
		t.Helper()
		gotTerm, err := s.GetUint64([]byte(stableVoteTerm))
		if err != nil || gotTerm != term {
			t.Errorf("term %d, %v, want %d", gotTerm, err, term)
		}
		got, err := s.Get([]byte(stableVoteFor))
		if err != nil || string(got) != candidate {
			t.Errorf("candidate %q, %v, want %q", got, err, candidate)
		}
	}
	s := open()
	if _, err := s.GetUint64([]byte(stableVoteTerm)); err == nil || err.Error() != "not found" {
		t.Errorf("no vote yet: %v", err)
	}
	vote(s, 3, "a")
	check(s, 3, "a")
	vote(s, 4, "")
	check(s, 3, "a") // half a vote is none
	if err := s.SetUint64([]byte("CurrentTerm"), 4); err != nil {
		t.Fatal(err)
	}
	_ = s.close() // a crash between the halves
	s = open()
	check(s, 3, "a")
	vote(s, 5, "b")
	_ = s.close()
	s = open()
	check(s, 5, "b")
	_ = s.close()
	if len(f.errs) != 0 {
		t.Error(f.errs)
	}
	if err := s.SetUint64([]byte("CurrentTerm"), 6); err == nil || len(f.errs) != 1 {
		t.Errorf("writing to a closed store: %v, %v", err, f.errs)
	}
}

func TestSnapshotsNeverGoBack(t *testing.T) {
	dir, began := t.TempDir(), time.Now()
	if err := os.MkdirAll(filepath.Join(dir, snapshotsDir, "9-9-9.tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := openSnapshotStore(dir, testRaftLog())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, snapshotsDir, "9-9-9.tmp")); !errors.Is(err, os.ErrNotExist) {
		t.Error("an unfinished snapshot is still there")
	}
	create := func(index uint64) raft.SnapshotSink {
		sink, err := s.Create(1, index, 1, raft.Configuration{}, 1, &transport{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sink.Write([]byte("state")); err != nil {
			t.Fatal(err)
		}
		return sink
	}
	old := create(10)
	if err := create(20).Close(); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err == nil {
		t.Error("an older snapshot was taken")
	}
	if err := old.Cancel(); err != nil {
		t.Error(err)
	}
	if last := s.last(); last.index != 20 || last.size != 5 || last.at.Before(began) {
		t.Errorf("the newest is %+v", last)
	}
	again, err := openSnapshotStore(dir, testRaftLog())
	if err != nil {
		t.Fatal(err)
	}
	if last := again.last(); last.index != 20 || last.size != 5 || last.at.Before(began.Add(-time.Second)) {
		t.Errorf("after a start: %+v", last)
	}
}

// TestRecentLogRests finds that entries are kept as long as others follow, and not for longer.
func TestRecentLogRests(t *testing.T) {
	r := newRecentLog()
	var l raft.Log
	for index := uint64(1); index <= 3; index++ {
		r.add([]*raft.Log{{Index: index, Data: make([]byte, 100)}})
		r.rest()
		if !r.get(1, &l) || !r.get(index, &l) {
			t.Fatalf("an entry is gone while others follow, after entry %d", index)
		}
	}
	r.rest()
	if r.get(1, &l) || r.get(3, &l) || r.bytes != 0 {
		t.Errorf("an entry is kept though none has followed, %d bytes in all", r.bytes)
	}
}
