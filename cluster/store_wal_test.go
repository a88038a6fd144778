package cluster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	walfs "github.com/hashicorp/raft-wal/fs"
)

// A segment holds what was written to it, and zeros behind.
func TestWALFilePads(t *testing.T) {
	dir := t.TempDir()
	files := &walFiles{VFS: walfs.New(), disk: newDisk(func(err error) { t.Error(err) })}
	const size = 3*walAhead + 100
	f, err := files.Create(dir, "x", size)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, size)
	at := 0
	write := func(n int) {
		t.Helper()
		p := bytes.Repeat([]byte{byte(at + 1)}, n)
		copy(want[at:], p)
		if k, err := f.WriteAt(p, int64(at)); k != n || err != nil {
			t.Fatalf("writing %d bytes at %d: %d, %v", n, at, k, err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		at += n
	}
	for _, n := range []int{10, walAhead - 10, 1, 2*walAhead + 9, 5} {
		write(n)
	}
	_ = f.Close()
	if f, err = files.OpenWriter(dir, "x"); err != nil {
		t.Fatal(err)
	}
	at -= 3 // a write that was torn is written again
	write(20)
	_ = f.Close()
	got, err := os.ReadFile(filepath.Join(dir, "x"))
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, want %d, or other ones; %v", len(got), len(want), err)
	}
}

// BenchmarkWALFile is an entry's write and sync, with zeros ahead of it and without.
func BenchmarkWALFile(b *testing.B) {
	for _, entry := range []int{200, 3000, 64 << 10} {
		for _, ahead := range []bool{true, false} {
			b.Run(fmt.Sprintf("%d/ahead=%v", entry, ahead), func(b *testing.B) {
				files := &walFiles{VFS: walfs.New(), disk: newDisk(func(err error) { b.Error(err) })}
				const size = 64 << 20
				f, err := files.Create(b.TempDir(), "x", size)
				if err != nil {
					b.Fatal(err)
				}
				defer f.Close()
				p, at := bytes.Repeat([]byte{1}, entry), int64(0)
				for b.Loop() {
					if !ahead {
						f.(*walFile).size = 0
					}
					_, _ = f.WriteAt(p, at)
					_ = f.Sync()
					at = (at + int64(entry)) % (size - 2*walAhead)
				}
			})
		}
	}
}
