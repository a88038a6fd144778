package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	walfs "github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/types"
)

// TestWALAfterCrashes crashes a log with small segments at every write and behind every sync, and
// opens what the disk has then: every entry whose batch was on disk is there, and the log takes more.
func TestWALAfterCrashes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	crashing := &crashFiles{VFS: walfs.New(), t: t, rnd: rnd, dir: dir, crashes: t.TempDir()}
	log := openCrashed(t, dir, crashing)
	for last, batch := uint64(0), 0; batch < 60; batch++ {
		entries := crashEntries(rnd, last+1)
		last += uint64(len(entries))
		crashing.acknowledged, crashing.storing = entries[0].Index-1, last
		if err := log.StoreLogs(entries); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	stuck := 0
	for _, c := range crashing.all {
		if c.check(t, rnd) {
			stuck++
		}
	}
	if t.Logf("%d crashes, %d of them fatal to raft-wal alone", len(crashing.all), stuck); stuck < 5 {
		t.Error("too few of them")
	}
}

// crashSegment is the size of segments in these tests.
const crashSegment = 4 << 10

func openCrashed(t *testing.T, dir string, files types.VFS) *wal.WAL {
	t.Helper()
	disk := newDisk(func(err error) { t.Error(err) })
	disk.files = files
	log, err := openWAL(dir, crashSegment, newRaftLog(testLog(), "wal"), disk)
	if err != nil {
		t.Fatalf("opening %s: %v", dir, err)
	}
	return log
}

// crashEntries is a batch from an index on.
func crashEntries(rnd *rand.Rand, from uint64) []*raft.Log {
	var entries []*raft.Log
	for i := range uint64(1 + rnd.IntN(5)) {
		entries = append(entries, &raft.Log{Index: from + i, Data: crashData(from+i, 1+rnd.IntN(600))})
	}
	return entries
}

func crashData(index uint64, size int) []byte {
	return bytes.Repeat([]byte{byte(index) | 1}, size)
}

// crash is what a disk holds after one.
type crash struct {
	dir          string
	acknowledged uint64 // the last entry that must be there
}

// crashFiles is a file system that keeps copies of its directory as crashes would leave it.
type crashFiles struct {
	types.VFS
	t            *testing.T
	rnd          *rand.Rand
	dir, crashes string
	acknowledged uint64 // the last entry that was on disk before this batch
	storing      uint64 // the last of this batch
	all          []crash
}

func (c *crashFiles) Create(dir, name string, size uint64) (types.WritableFile, error) {
	f, err := c.VFS.Create(dir, name, size)
	return &crashFile{WritableFile: f, files: c, name: name}, err
}

// crashFile is a file that may lose any of the sectors of a write that was not synced.
type crashFile struct {
	types.WritableFile
	files *crashFiles
	name  string
}

func (f *crashFile) WriteAt(p []byte, offset int64) (int, error) {
	const sector = 512
	torn := f.files.crash(f.files.acknowledged)
	out, err := os.OpenFile(filepath.Join(torn.dir, f.name), os.O_RDWR, 0)
	if err != nil {
		f.files.t.Fatal(err)
	}
	defer out.Close()
	prefix := f.files.rnd.IntN(2) == 0 // as a full disk leaves it, or as a power cut does
	until := int64(f.files.rnd.IntN(min(len(p), 2*crashSegment) + 1))
	for at := int64(0); at < int64(len(p)); {
		to := min((offset+at)/sector*sector+sector-offset, int64(len(p)))
		if prefix {
			to = min(to, until)
		}
		if prefix || f.files.rnd.IntN(4) > 0 {
			if _, err := out.WriteAt(p[at:to], offset+at); err != nil {
				f.files.t.Fatal(err)
			}
		}
		if at = to; prefix && at == until {
			break
		}
	}
	return f.WritableFile.WriteAt(p, offset)
}

func (f *crashFile) Sync() error {
	if err := f.WritableFile.Sync(); err != nil {
		return err
	}
	f.files.crash(f.files.storing)
	return nil
}

// crash copies the directory.
func (c *crashFiles) crash(acknowledged uint64) crash {
	made := crash{dir: filepath.Join(c.crashes, fmt.Sprint(len(c.all))), acknowledged: acknowledged}
	if err := os.CopyFS(made.dir, os.DirFS(c.dir)); err != nil {
		c.t.Fatal(err)
	}
	c.all = append(c.all, made)
	return made
}

// check opens what a crash left, twice, with more entries between. It reports whether raft-wal by
// itself would take none.
func (c crash) check(t *testing.T, rnd *rand.Rand) (stuck bool) {
	t.Helper()
	alone := c.dir + "-alone"
	if err := os.CopyFS(alone, os.DirFS(c.dir)); err != nil {
		t.Fatal(err)
	}
	lib, err := wal.Open(alone, wal.WithSegmentSize(crashSegment))
	if err != nil {
		t.Fatal(err)
	}
	want := c.last(t, lib)
	stuck = errors.Is(lib.StoreLogs(crashEntries(rnd, want+1)), types.ErrSealed)
	_ = lib.Close()

	log := openCrashed(t, c.dir, walfs.New())
	last := c.last(t, log)
	if last != want {
		t.Fatalf("%s: the last entry is %d, raft-wal finds %d", c.dir, last, want)
	}
	for range 1 + rnd.IntN(20) {
		entries := crashEntries(rnd, last+1)
		if err := log.StoreLogs(entries); err != nil {
			t.Fatalf("%s: storing entry %d: %v", c.dir, last+1, err)
		}
		last += uint64(len(entries))
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	log = openCrashed(t, c.dir, walfs.New())
	if found := c.last(t, log); found != last {
		t.Fatalf("%s: %d entries, then %d", c.dir, last, found)
	}
	_ = log.Close()
	return stuck
}

// last is the log's last entry, which all that must be there reach up to.
func (c crash) last(t *testing.T, log *wal.WAL) uint64 {
	t.Helper()
	last, err := log.LastIndex()
	if err != nil || last < c.acknowledged {
		t.Fatalf("%s: the last entry is %d (%v), %d is acknowledged", c.dir, last, err, c.acknowledged)
	}
	for i := uint64(1); i <= last; i++ {
		var l raft.Log
		if err := log.GetLog(i, &l); err != nil || l.Index != i || !bytes.Equal(l.Data, crashData(i, len(l.Data))) {
			t.Fatalf("%s: entry %d of %d is %v, %v", c.dir, i, last, l, err)
		}
	}
	return last
}
