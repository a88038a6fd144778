package fsm

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestViewBesideWrites writes snapshots while other commands go on, and finds in each the state at
// the index at which it was taken. Under the race detector it also shows that a view is read
// without a lock for a reason.
func TestViewBesideWrites(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	l := newLog(t)
	specs := writes(l.m.table)
	entries := func(n int) {
		for range n {
			var items [][]byte
			for range 10 {
				items = append(items, AppendItem(nil, rnd.IntN(3), randomCommand(rnd, specs)))
			}
			l.stamp += int64(rnd.IntN(200))
			l.apply(nil, items...)
		}
	}
	rounds := 15
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		entries(100)
		want, digest := l.image(), l.m.DebugDigest()
		write, release, err := l.m.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		done := make(chan error)
		go func() { done <- write(&got) }()
		entries(100)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		entries(20)
		release()
		if !bytes.Equal(got.Bytes(), want) {
			t.Fatalf("a snapshot beside writes has %d bytes, one without has %d, and they differ", got.Len(), len(want))
		}
		restored := New()
		if err := restored.Restore(&got); err != nil {
			t.Fatal(err)
		}
		if d := restored.DebugDigest(); d != digest {
			t.Fatalf("digest %s before, %s after", digest, d)
		}
		l.check()
	}
}

// TestOneViewAtATime refuses a second view, and allows one after a restore and a release.
func TestOneViewAtATime(t *testing.T) {
	l := newLog(t)
	l.ask("SET", "key", "value")
	image := l.image()
	_, release, err := l.m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.m.Snapshot(); err != ErrSnapshotRunning {
		t.Fatalf("a second view: %v", err)
	}
	if err := l.m.Restore(bytes.NewReader(image)); err != nil {
		t.Fatal(err)
	}
	release()
	if got := l.image(); !bytes.Equal(got, image) {
		t.Fatal("the restored machine is another one")
	}
}
