package fsm

import (
	"bytes"
	"runtime"
	"strconv"
	"testing"
)

// TestBitsInPlace changes bits and integers of a long string. That costs memory for the commands and none
// for the string, but for one copy of it while there is a view.
func TestBitsInPlace(t *testing.T) {
	const size = 32 << 20
	l := newLog(t)
	l.ask("SETBIT", "bits", strconv.Itoa(8*size-1), "1")
	change := func() {
		for i := range 200 {
			l.ask("SETBIT", "bits", strconv.Itoa(i*1_000_003), strconv.Itoa(i%2))
			l.ask("BITFIELD", "bits", "INCRBY", "i17", strconv.Itoa(i*999_983), "123", "SET", "u63", strconv.Itoa(i*777_777), "1")
		}
	}
	if n := allocated(change); n > 1<<20 {
		t.Errorf("400 changes in place allocate %d bytes", n)
	}
	want := l.ask("GET", "bits")
	write := l.view()
	if n := allocated(change); n < size || n > 2*size+size/2+1<<20 {
		t.Errorf("400 changes beside a view allocate %d bytes", n)
	}
	old := newLog(t)
	if err := old.m.Restore(bytes.NewReader(write())); err != nil {
		t.Fatal(err)
	}
	if old.ask("GET", "bits") != want {
		t.Error("the view has changed")
	}
	l.check()
}

// allocated is how many bytes a function takes from the heap.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
