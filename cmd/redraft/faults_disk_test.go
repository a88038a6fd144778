package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// filler is the file that takes what is left of a disk.
const filler = "filler"

// mountDisk makes dir a disk in memory, with options as mount takes them for a tmpfs, until the test
// ends. Where that is not allowed the test is left out, or fails in CI.
func mountDisk(t *testing.T, dir, options string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	switch err := syscall.Mount("redraft-faults", dir, "tmpfs", 0, options); {
	case errors.Is(err, syscall.EPERM) && os.Getenv("REDRAFT_CI") == "1":
		t.Fatal("a full disk needs root to mount a tmpfs, and CI must not leave this test out")
	case errors.Is(err, syscall.EPERM):
		t.Skip("left out: a full disk needs root to mount a tmpfs")
	case err != nil:
		t.Fatalf("mounting a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
}

// fillDisk leaves no byte of the node's disk free.
func (n *faultNode) fillDisk() {
	n.t.Helper()
	f, err := os.OpenFile(filepath.Join(n.dir(), filler), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		n.t.Fatal(err)
	}
	defer f.Close()
	piece := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(piece)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		n.t.Fatalf("filling the disk: %v", err)
	}
}

// freeDisk gives the space back.
func (n *faultNode) freeDisk() {
	n.t.Helper()
	if err := os.Remove(filepath.Join(n.dir(), filler)); err != nil && !errors.Is(err, os.ErrNotExist) {
		n.t.Fatal(err)
	}
}

// fillLog writes large values until the end, so that the nodes' logs need room.
func fillLog(nodes []string, end *atomic.Bool) {
	value := strings.Repeat("x", 192<<10)
	for i := 0; !end.Load(); i++ {
		conn, err := connect(nodes[i%len(nodes)])
		if err != nil {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		_ = conn.conn.SetDeadline(time.Now().Add(2 * time.Second))
		for n := 0; err == nil && n < 50 && !end.Load(); n++ {
			_, err = conn.do("SET", "ballast:"+strconv.Itoa(n%4), value)
			time.Sleep(20 * time.Millisecond)
		}
		conn.close()
	}
}
