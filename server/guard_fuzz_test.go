package server

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
)

// FuzzGuard feeds a stream in pieces of random sizes to a guard with redcon's parser behind it, and
// compares what comes out with a plain reading of the whole.
func FuzzGuard(f *testing.F) {
	for _, c := range guardCases() {
		if len(c.in) < 1000 {
			f.Add([]byte(c.in), uint64(1), true)
		}
	}
	for _, c := range guardLockedCases() {
		if len(c.in) < 1000 {
			f.Add([]byte(c.in), uint64(2), false)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64, authenticated bool) {
		pieces := [][]byte{bytes.Clone(in)}
		if seed != 0 {
			pieces = guardCutRandom(rand.New(rand.NewPCG(seed, 2)), bytes.Clone(in))
		}
		checkAgainstReference(t, in, authenticated, pieces)
	})
}

// malformedFrame draws a frame that is broken, or may be.
func malformedFrame(r *rand.Rand, b []byte) []byte {
	const alphabet = "*$\r\n0123456789-+ \"'\\x\x00\xffPING"
	count := r.IntN(40)
	switch r.IntN(4) {
	case 0: // noise
		for range count {
			b = append(b, alphabet[r.IntN(len(alphabet))])
		}
	case 1: // a header that promises much
		b = append(b, "*1048576\r\n$536870912\r\n"...)
		for range count {
			b = append(b, byte(r.Uint32()))
		}
	default: // a command with a flaw
		b = append(b, "*2\r\n$4\r\nPING\r\n$12\r\n0123456789ab\r\n"...)
		for range 1 + r.IntN(2) {
			b[r.IntN(len(b))] = alphabet[r.IntN(len(alphabet))]
		}
	}
	return b
}

// TestGuardMalformedFrames has many connections send a broken frame each.
func TestGuardMalformedFrames(t *testing.T) {
	frames := 20_000
	if os.Getenv("REDRAFT_NIGHTLY") == "1" {
		frames = 10_000_000
	}
	r := guardSeed(t)
	options := guardTestOptions(nil)
	var frame []byte
	var most uint64
	var refused, whole int
	for i := range frames {
		frame = malformedFrame(r, frame[:0])
		c := &guardScript{pieces: [][]byte{frame}}
		g := newGuard(c, options)
		g.setAuthenticated(i%2 == 0)
		for {
			_, err := g.next()
			if err == nil {
				whole++
				continue
			}
			if errors.As(err, new(*guardRefusal)) {
				refused++
			} else if err != io.EOF {
				t.Fatalf("%q: %v", frame, err)
			}
			break
		}
		if cap(g.buf) > guardSmall {
			t.Fatalf("%q: a buffer of %d bytes", frame, cap(g.buf))
		}
		if i%100_000 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	t.Logf("%d frames: %d refused, %d reads of whole commands, at most %d KiB live", frames, refused, whole, most>>10)
	if refused == 0 || whole == 0 || most > 32<<20 {
		t.Errorf("%d refused, %d whole, %d bytes live", refused, whole, most)
	}
}
