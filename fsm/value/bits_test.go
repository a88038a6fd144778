package value

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// binary writes bytes as ones and zeros.
func binaryOf(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		for i := 7; i >= 0; i-- {
			s.WriteByte('0' + c>>i&1)
		}
	}
	return s.String()
}

// sparseBytes are random bytes, long rows of which are all zeros or all ones.
func sparseBytes(rnd *rand.Rand, n int) []byte {
	b := bytes.Repeat([]byte{byte(-rnd.IntN(2))}, n)
	for range rnd.IntN(4) {
		if n > 0 {
			b[rnd.IntN(n)] = byte(rnd.Uint32())
		}
	}
	return b
}

// TestBits counts and finds bits beside text of ones and zeros.
func TestBits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		b := sparseBytes(rnd, rnd.IntN(60))
		text := binaryOf(b)
		from := rnd.IntN(len(text) + 1)
		to := from + rnd.IntN(len(text)-from+1)
		if got, want := CountBits(b, uint64(from), uint64(to)), strings.Count(text[from:to], "1"); got != want {
			t.Fatalf("%s, %d to %d: counted %d, there are %d", text, from, to, got, want)
		}
		bit := rnd.IntN(2)
		want := strings.IndexByte(text[from:to], '0'+byte(bit))
		got, ok := FindBit(b, byte(bit), uint64(from), uint64(to))
		if ok != (want >= 0) || ok && int(got) != from+want {
			t.Fatalf("%s, %d to %d: found %d at %d, %v; it is at %d", text, from, to, bit, got, ok, from+want)
		}
		if at := uint64(rnd.IntN(len(text) + 20)); at < uint64(len(text)) && Bit(b, at) != uint64(text[at]-'0') ||
			at >= uint64(len(text)) && Bit(b, at) != 0 {
			t.Fatalf("%s: bit %d is %d", text, at, Bit(b, at))
		}
	}
}

// TestCombine compares operations with what they are for each bit.
func TestCombine(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		op := BitOp(rnd.IntN(4))
		n := 1 + rnd.IntN(4)
		if op == BitNot {
			n = 1
		}
		var sources [][]byte
		longest := 0
		for range n {
			s := sparseBytes(rnd, rnd.IntN(40))
			sources = append(sources, s)
			longest = max(longest, len(s))
		}
		got := op.Combine(sources)
		if len(got) != longest {
			t.Fatalf("%d bytes, not %d", len(got), longest)
		}
		for at := range uint64(len(got)) * 8 {
			want := Bit(sources[0], at)
			for _, s := range sources[1:] {
				want = map[BitOp]uint64{BitAnd: want & Bit(s, at), BitOr: want | Bit(s, at), BitXor: want ^ Bit(s, at)}[op]
			}
			if op == BitNot {
				want ^= 1
			}
			if Bit(got, at) != want {
				t.Fatalf("operation %d of %x: bit %d of %x is not %d", op, sources, at, got, want)
			}
		}
	}
}

// TestBitField puts integers into fields and reads them again; what is around a field stays.
func TestBitField(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 20000 {
		f := randomField(rnd)
		b := sparseBytes(rnd, 20)
		offset := uint64(rnd.IntN(160 - int(f.Bits) + 1))
		before := binaryOf(b)
		first, end := f.Span(offset)
		if first != offset/8 || end != (offset+f.Bits+7)/8 {
			t.Fatalf("%v at %d spans %d to %d", f, offset, first, end)
		}
		n := int64(rnd.Uint64())
		f.Put(b, offset, n)
		after := binaryOf(b)
		if after[:offset] != before[:offset] || after[offset+f.Bits:] != before[offset+f.Bits:] {
			t.Fatalf("%v at %d: %s became %s", f, offset, before, after)
		}
		want, _ := new(big.Int).SetString(after[offset:offset+f.Bits], 2)
		if f.Signed && after[offset] == '1' {
			want.Sub(want, new(big.Int).Lsh(big.NewInt(1), uint(f.Bits)))
		}
		got := f.Get(b, offset)
		if want.Cmp(big.NewInt(got)) != 0 {
			t.Fatalf("%v of %s at %d is %d, not %v", f, after, offset, got, want)
		}
		if diff := uint64(got) ^ uint64(n); diff<<(64-f.Bits) != 0 {
			t.Fatalf("%v: %x became %x", f, n, got)
		}
	}
}

func randomField(rnd *rand.Rand) BitField {
	f := BitField{Signed: rnd.IntN(2) == 0, Bits: uint64(1 + rnd.IntN(64))}
	if !f.Signed {
		f.Bits = min(f.Bits, 63)
	}
	return f
}

// TestFit adds to integers of all fields, beside numbers without bounds.
func TestFit(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 100000 {
		f := randomField(rnd)
		n, by := f.fold(rnd.Uint64()>>rnd.IntN(64)), int64(rnd.Uint64())>>rnd.IntN(64)
		least, most := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(f.Bits))
		if f.Signed {
			most.Rsh(most, 1)
			least.Neg(most)
		}
		most.Sub(most, big.NewInt(1))
		sum := new(big.Int).Add(big.NewInt(n), big.NewInt(by))
		inside := sum.Cmp(least) >= 0 && sum.Cmp(most) <= 0
		saturated := sum
		switch {
		case sum.Cmp(least) < 0:
			saturated = least
		case sum.Cmp(most) > 0:
			saturated = most
		}
		got, fits := f.Fit(n, by, Saturate)
		if fits != inside || saturated.Cmp(big.NewInt(got)) != 0 {
			t.Fatalf("%v: %d and %d saturate at %d, fits %v, want %v", f, n, by, got, fits, saturated)
		}
		got, fits = f.Fit(n, by, Wrap)
		if fits != inside || got != f.fold(uint64(n)+uint64(by)) {
			t.Fatalf("%v: %d and %d wrap to %d, fits %v", f, n, by, got, fits)
		}
		if _, fits = f.Fit(n, by, Fail); fits != inside {
			t.Fatalf("%v: %d and %d fit: %v", f, n, by, fits)
		}
	}
}
