package snapshot

import (
	"hash/crc64"
	"math/rand/v2"
	"testing"
)

func TestChecksum(t *testing.T) {
	if got := Checksum(0, []byte("123456789")); got != 0xe9c6d914c4b8d9ca {
		t.Errorf("the check value is %016x", got)
	}
	if got := Checksum(5, nil); got != 5 {
		t.Errorf("nothing more changes 5 to %016x", got)
	}
	// The standard library's CRC inverts its input and output, RDB's does not.
	table := crc64.MakeTable(jones)
	r := rand.New(rand.NewPCG(1, 2))
	p := make([]byte, 300)
	for n := range p {
		p[n] = byte(r.Uint32())
		start := r.Uint64()
		want := ^crc64.Update(^start, table, p[:n])
		if got := Checksum(start, p[:n]); got != want {
			t.Fatalf("%d bytes: %016x, want %016x", n, got, want)
		}
		cut := r.IntN(n + 1)
		if got := Checksum(Checksum(start, p[:cut]), p[cut:n]); got != want {
			t.Fatalf("%d bytes in two parts: %016x, want %016x", n, got, want)
		}
	}
}

func BenchmarkChecksum(b *testing.B) {
	p := make([]byte, chunk)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		Checksum(0, p)
	}
}
