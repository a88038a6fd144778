package cluster

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// The data directory:
//
//	LOCK              locked by the process that uses the directory
//	node.json         identity, below
//	group-N/log       the log of group N
//	group-N/stable.db its term and vote
//	group-N/snapshots its snapshots
const (
	lockFile     = "LOCK"
	identityFile = "node.json"
	// identityFormat is the version of the directory's layout that this program writes, and the
	// newest that it reads.
	identityFormat = 1
)

// The kinds of log store.
const (
	logWAL  = "wal"
	logBolt = "boltdb"
)

// identity is who a node is, kept in node.json.
type identity struct {
	Format int    `json:"format"`
	NodeID string `json:"node_id"`
	// ClusterID is empty until the node has become a member of a cluster.
	ClusterID string `json:"cluster_id,omitempty"`
	LogStore  string `json:"log_store"`
	// ClusterAddr and ClientAddr are the addresses of this node that the cluster has last been told.
	ClusterAddr string `json:"cluster_addr,omitempty"`
	ClientAddr  string `json:"client_addr,omitempty"`
	// Founding: the first log of a new cluster has not been written yet.
	Founding bool `json:"founding,omitempty"`
	// Joining: the cluster has taken this node in, but its own log does not say so yet, or not yet
	// that it is the voter it wants to be.
	Joining bool `json:"joining,omitempty"`
	// LeaseMS is the longest promise in ms that the node may have given and not kept to the end yet.
	LeaseMS int64 `json:"lease_ms,omitempty"`
}

// directory is a locked data directory.
type directory struct {
	path string
	lock *os.File

	mu sync.Mutex
	id identity // what node.json holds, or will
}

// openDirectory locks the directory of the options and reads or draws the identity. Nothing is
// written until save.
func openDirectory(o *Options) (*directory, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	d := &directory{path: o.Dir}
	if err := d.acquire(); err != nil {
		return nil, err
	}
	if err := d.load(o); err != nil {
		d.close()
		return nil, fmt.Errorf("directory %s %w", o.Dir, err)
	}
	return d, nil
}

// acquire locks the directory against other processes. The lock goes with the process.
func (d *directory) acquire() error {
	lock, err := os.OpenFile(filepath.Join(d.path, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("directory %s %w", d.path, errDirInUse)
		}
		return fmt.Errorf("locking directory %s: %w", d.path, err)
	}
	d.lock = lock
	return nil
}

// load reads node.json, or makes an identity up for an empty directory.
func (d *directory) load(o *Options) error {
	raw, err := os.ReadFile(filepath.Join(d.path, identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		d.id = identity{Format: identityFormat, NodeID: o.NodeID, LogStore: o.LogStore}
		if d.id.NodeID == "" {
			d.id.NodeID = randomID()
		}
		if d.id.LogStore == "" {
			d.id.LogStore = logWAL
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &d.id); err != nil {
		return fmt.Errorf("has a damaged %s: %w", identityFile, err)
	}
	switch {
	case d.id.Format > identityFormat:
		return fmt.Errorf("%w (its format is %d, this program knows %d)", errDirNewer, d.id.Format, identityFormat)
	case d.id.Format < 1 || d.id.NodeID == "":
		return fmt.Errorf("has a damaged %s", identityFile)
	case o.NodeID != "" && o.NodeID != d.id.NodeID:
		return fmt.Errorf("%w (it is of node %s, not %s)", errDirNode, d.id.NodeID, o.NodeID)
	case o.LogStore != "" && o.LogStore != d.id.LogStore:
		return fmt.Errorf("%w (it is %s, not %s)", errDirStore, d.id.LogStore, o.LogStore)
	}
	return nil
}

// identity is a copy of what is known.
func (d *directory) identity() identity {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.id
}

// save changes the identity and writes it, so that a crash leaves either the old file or the new.
func (d *directory) save(change func(*identity)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := d.id
	change(&id)
	raw, err := json.MarshalIndent(&id, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFileAtomically(filepath.Join(d.path, identityFile), append(raw, '\n')); err != nil {
		return err
	}
	d.id = id
	return nil
}

// group is the directory of a group's stores.
func (d *directory) group(number int) string {
	return filepath.Join(d.path, "group-"+strconv.Itoa(number))
}

// close lets others use the directory.
func (d *directory) close() { _ = d.lock.Close() }

// writeFileAtomically replaces a file so that after a crash it has the old content or the new.
func writeFileAtomically(path string, content []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDirectory(filepath.Dir(path))
	}
	return err
}

// syncDirectory makes the names in a directory survive a crash.
func syncDirectory(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// randomID draws an id of 40 hex digits, as Redis' node ids have.
func randomID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
