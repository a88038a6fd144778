package cluster

import (
	"fmt"
	"os"
	"syscall"

	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
	"golang.org/x/sys/unix"
)

// walSegment is how large a segment of the log is.
const walSegment = 64 << 20

// openWAL opens a write-ahead log. raft-wal merely logs that it could not start a new segment, so
// its file system and its meta store report their failures too.
func openWAL(dir string, segmentSize int, log *raftLog, disk *disk) (*wal.WAL, error) {
	return wal.Open(dir,
		wal.WithSegmentSize(segmentSize),
		wal.WithLogger(log.Named("wal")),
		wal.WithSegmentFiler(segment.NewFiler(dir, &walFiles{VFS: disk.files, disk: disk})),
		wal.WithMetaStore(&walMeta{MetaStore: &metadb.BoltMetaDB{}, disk: disk}))
}

// walFiles is raft-wal's file system; a failure to create, write or sync a file is fatal.
type walFiles struct {
	types.VFS
	disk *disk
}

// Create makes a new segment.
func (w *walFiles) Create(dir, name string, size uint64) (types.WritableFile, error) {
	f, err := w.VFS.Create(dir, name, size)
	if err != nil {
		return nil, w.disk.fail(fmt.Errorf("creating %s for the log: %w", name, err))
	}
	return newWALFile(f, int64(size), w.disk), nil
}

// OpenWriter opens the last segment. The node may have ended before a first sync made the file's name
// durable, and raft-wal does that only for files that it created itself.
func (w *walFiles) OpenWriter(dir, name string) (types.WritableFile, error) {
	f, err := w.VFS.OpenWriter(dir, name)
	if err != nil {
		return nil, err // a missing one is created
	}
	if err := syncDirectory(dir); err != nil {
		_ = f.Close()
		return nil, w.disk.fail(fmt.Errorf("syncing the log's directory: %w", err))
	}
	size := int64(0)
	if file, ok := f.(interface{ Stat() (os.FileInfo, error) }); ok {
		if info, err := file.Stat(); err == nil {
			size = info.Size()
		}
	}
	return newWALFile(f, size, w.disk), nil
}

// walAhead is in how large steps a segment is filled with zeros ahead of the log.
const walAhead = 256 << 10

// walFile is a segment that is being written. raft-wal only ever appends to it.
//
// raft-wal reserves a segment's room, but a file system notes for each block that has never been
// written that it reads as zeros, and to change that note costs a sync as much as the data do. So
// a write that leaves what has been written goes on with zeros up to the next step; the writes after
// it then change nothing but data (BenchmarkWALFile).
type walFile struct {
	types.WritableFile
	disk    *disk
	size    int64 // what is reserved
	written int64 // how far zeros or the log reach
	padded  []byte
	synced  bool            // for the first time, which also makes the file's name durable
	raw     syscall.RawConn // nil if Sync is all there is
}

func newWALFile(f types.WritableFile, size int64, disk *disk) *walFile {
	w := &walFile{WritableFile: f, disk: disk, size: size}
	if file, ok := f.(syscall.Conn); ok {
		w.raw, _ = file.SyscallConn() // without one there is Sync
	}
	return w
}

// WriteAt writes to the segment.
func (f *walFile) WriteAt(p []byte, offset int64) (int, error) {
	n, err := f.WritableFile.WriteAt(f.pad(p, offset), offset)
	if err != nil {
		err = f.disk.fail(fmt.Errorf("writing the log: %w", err))
	}
	return min(n, len(p)), err
}

// pad returns p, with zeros behind it if it reaches further than anything before and is not so long
// that its own blocks are most of what it costs.
func (f *walFile) pad(p []byte, offset int64) []byte {
	end := offset + int64(len(p))
	if end <= f.written {
		return p
	}
	f.written = end
	to := (end + walAhead - 1) / walAhead * walAhead
	if to > f.size || len(p) > walAhead {
		return p
	}
	f.written = to
	f.padded = append(f.padded[:0], p...)
	f.padded = append(f.padded, make([]byte, to-end)...)
	return f.padded
}

// Sync makes the segment durable. From the second time on nothing but what was written has to be,
// not the time of it.
func (f *walFile) Sync() (err error) {
	if f.synced && f.raw != nil {
		err = f.syncData()
	} else {
		err = f.WritableFile.Sync()
	}
	if err != nil {
		return f.disk.fail(fmt.Errorf("syncing the log: %w", err))
	}
	f.synced = true
	return nil
}

func (f *walFile) syncData() error {
	var failed error
	err := f.raw.Control(func(fd uintptr) {
		for failed = unix.EINTR; failed == unix.EINTR; {
			failed = unix.Fdatasync(int(fd))
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// walMeta is raft-wal's list of segments.
type walMeta struct {
	types.MetaStore
	disk *disk
}

// Load reads the list, and readies the last segment in it.
func (m *walMeta) Load(dir string) (types.PersistentState, error) {
	list, err := m.MetaStore.Load(dir)
	if err != nil {
		return list, err
	}
	list, changed, err := settleWAL(dir, m.disk.files, list)
	if err != nil || !changed {
		return list, err
	}
	return list, m.CommitState(list)
}

// CommitState writes the list.
func (m *walMeta) CommitState(state types.PersistentState) error {
	err := m.MetaStore.CommitState(state)
	if err != nil {
		return m.disk.fail(fmt.Errorf("writing the log's list of segments: %w", err))
	}
	return nil
}
