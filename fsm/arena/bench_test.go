package arena

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkAllocFree(b *testing.B) {
	a := New()
	keep := a.Alloc(100)
	for b.Loop() {
		a.Free(a.Alloc(100))
	}
	a.Free(keep)
}

// Churn replaces random cells of a million by cells of another size.
func BenchmarkChurn(b *testing.B) {
	a := New()
	r := rand.New(rand.NewPCG(1, 2))
	refs := make([]Ref, 1<<20)
	for i := range refs {
		refs[i] = a.Alloc(65 + r.IntN(64))
	}
	for b.Loop() {
		i := r.Uint32() % (1 << 20)
		a.Free(refs[i])
		refs[i] = a.Alloc(65 + int(i%64))
	}
	s := a.Stats()
	b.ReportMetric(float64(s.Mapped)/float64(s.Live), "mapped/live")
}

func BenchmarkFill(b *testing.B) {
	a := New()
	n := 0
	for b.Loop() {
		if n++; n == 2<<20 {
			a, n = New(), 0
		}
		a.Alloc(100)
	}
}

func BenchmarkBytes(b *testing.B) {
	a := New()
	r := rand.New(rand.NewPCG(1, 2))
	refs := make([]Ref, 1<<16)
	for i := range refs {
		refs[i] = a.Alloc(100)
	}
	r.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
	sum, i := 0, 0
	for b.Loop() {
		sum += int(a.Bytes(refs[i&(1<<16-1)])[0])
		i++
	}
	_ = sum
}
