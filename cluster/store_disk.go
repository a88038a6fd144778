package cluster

import (
	"errors"
	"sync"
	"time"

	walfs "github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/types"
)

var errDiskFailed = errors.New("a write to this disk has failed before")

// disk stands behind a store: the log, or term and vote. It knows for how long a write has been
// hanging, and it lets none begin after one has failed: nobody knows what the disk holds then, and
// the library, which tries again, must not be told that an entry behind a lost one is safe. The
// process ends, but that may take a moment.
type disk struct {
	files types.VFS // raft-wal's file system
	fatal func(error)

	mu     sync.Mutex
	failed bool
	writes map[uint64]time.Time // under way, and since when
	number uint64               // of the last one that began
}

func newDisk(fatal func(error)) *disk {
	return &disk{files: walfs.New(), fatal: fatal, writes: map[uint64]time.Time{}}
}

// write does a write. Its error is not reported: the caller says what it was, to fail.
func (d *disk) write(do func() error) error {
	number, err := d.begin()
	if err != nil {
		return err
	}
	defer d.end(number)
	return do()
}

func (d *disk) begin() (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed {
		return 0, errDiskFailed
	}
	d.number++
	d.writes[d.number] = time.Now()
	return d.number, nil
}

func (d *disk) end(number uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.writes, number)
}

// fail ends all writing and reports err, which it returns.
func (d *disk) fail(err error) error {
	d.mu.Lock()
	d.failed = true
	d.mu.Unlock()
	d.fatal(err)
	return err
}

// hasFailed reports whether a write has failed.
func (d *disk) hasFailed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// hanging is how long the oldest write under way has taken, 0 if there is none.
func (d *disk) hanging() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var longest time.Duration
	for _, since := range d.writes {
		longest = max(longest, time.Since(since))
	}
	return longest
}
