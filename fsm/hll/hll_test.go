package hll

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"testing"
)

// TestForms raises random registers of a sparse sketch, of a dense one, and of an array. All three are the
// same after each step.
func TestForms(t *testing.T) {
	for round := range uint64(20) {
		rnd := rand.New(rand.NewPCG(round, 1))
		most := []int{40, 3000, 20000}[round%3]
		var model Union
		s := New()
		d, err := Dense(New())
		if err != nil {
			t.Fatal(err)
		}
		spread := []int{30, Registers}[rnd.IntN(2)]
		for step := range 4000 {
			i := (Registers - 10 + rnd.IntN(spread)) % Registers
			n := byte(1 + rnd.IntN(4))
			if rnd.IntN(2000) == 0 {
				n = 33
			}
			want := n > model[i]
			model[i] = max(model[i], n)
			was, changed := s, false
			if s, changed, err = Raise(s, i, n, most); err != nil || changed != want {
				t.Fatalf("round %d, step %d: changed %v, not %v: %v", round, step, changed, want, err)
			}
			if _, changed, err = Raise(d, i, n, most); err != nil || changed != want {
				t.Fatalf("round %d, step %d: the dense one changed %v, not %v: %v", round, step, changed, want, err)
			}
			if _, cached := Cached(s); want && cached && !IsDense(s) {
				t.Fatal("a changed sketch has a count")
			}
			if !IsDense(s) && len(s) > max(most, len(was)) {
				t.Fatalf("a sparse sketch of %d bytes", len(s))
			}
			if step%500 == 0 {
				sameRegisters(t, &model, s, d)
			}
		}
		sameRegisters(t, &model, s, d)
	}
}

func sameRegisters(t *testing.T, want *Union, sketches ...[]byte) {
	t.Helper()
	for _, b := range sketches {
		var got Union
		if err := got.Merge(b); err != nil {
			t.Fatal(err)
		}
		if got != *want {
			t.Fatal("registers differ")
		}
		full, err := Dense(bytes.Clone(b))
		if err != nil || !bytes.Equal(Values(full), want[:]) {
			t.Fatalf("the dense form differs: %v", err)
		}
		if n, err := Count(b); err != nil || n != want.Count() {
			t.Fatalf("counts %d and %d: %v", n, want.Count(), err)
		}
	}
}

// TestCount counts distinct elements; each counts once.
func TestCount(t *testing.T) {
	b := New()
	for i := range 100_000 {
		var err error
		if b, _, err = Add(b, strconv.AppendInt(nil, int64(i%50_000), 10), 3000); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := Count(b); err != nil || n < 48_500 || n > 51_500 {
		t.Errorf("50000 elements count as %d: %v", n, err)
	}
	full, _ := Dense(New())
	for i := range Registers {
		raiseDense(full, i, hashBits+1)
	}
	if n, _ := Count(full); n != 1<<63 {
		t.Errorf("a sketch that is full counts %d", n)
	}
	if n, _ := Count(New()); n != 0 {
		t.Errorf("an empty sketch counts %d", n)
	}
}

// TestSelfTest runs what PFSELFTEST runs, and finds it sensitive to a wrong form.
func TestSelfTest(t *testing.T) {
	if testing.Short() {
		t.Skip("counts ten million elements")
	}
	if err := SelfTest(7, 3000); err != nil {
		t.Error(err)
	}
}

// FuzzSketch does everything to bytes that pass for a sketch. Nothing panics, what is sound stays so, and
// what is not is said to be corrupt.
func FuzzSketch(f *testing.F) {
	f.Add(New(), uint16(0), byte(1))
	short := New()
	f.Add(short[:len(short)-1], uint16(16383), byte(3))
	s, _, _ := Raise(New(), 77, 5, 3000)
	f.Add(s, uint16(76), byte(5))
	f.Add(append(s, 0x80, 0x81), uint16(78), byte(40))
	d, _ := Dense(s)
	f.Add(d, uint16(16383), byte(60))
	f.Fuzz(func(t *testing.T, b []byte, index uint16, n byte) {
		if !IsSketch(b) {
			return
		}
		var u Union
		bad := u.Merge(b)
		if _, err := Count(b); (err == nil) != (bad == nil) {
			t.Fatalf("Count says %v, Merge %v", err, bad)
		}
		if _, err := Dense(b); (err == nil) != (bad == nil) {
			t.Fatalf("Dense says %v, Merge %v", err, bad)
		}
		if !IsDense(b) {
			_ = Decode(b)
		}
		i, v := int(index)%Registers, n%50+1
		out, _, err := Raise(bytes.Clone(b), i, v, 3000)
		if err != nil || bad != nil {
			return
		}
		u[i] = max(u[i], v)
		var got Union
		if err := got.Merge(out); err != nil || got != u {
			t.Fatalf("a sound sketch has become another: %v", err)
		}
	})
}
