package value

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

// newRand returns a random source and logs the seed that makes it again.
func newRand(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// anyText returns a string of the kinds that listpacks treat differently: integers near the
// edges of each encoding, almost-integers, strings near the edges of each length.
func anyText(r *rand.Rand) []byte {
	switch r.IntN(8) {
	case 0:
		return strconv.AppendInt(nil, int64(r.IntN(300)-150), 10)
	case 1:
		edge := int64(1) << []int{7, 12, 15, 23, 31, 63}[r.IntN(6)]
		if r.IntN(2) == 0 {
			edge = -edge
		}
		return strconv.AppendInt(nil, edge+int64(r.IntN(5)-2), 10)
	case 2:
		return strconv.AppendInt(nil, int64(r.Uint64()), 10)
	case 3:
		odd := []string{"", "-", "-0", "+1", "01", " 1", "1 ", "00", "-01", "9223372036854775808",
			"-9223372036854775809", "18446744073709551616", "1.0", "\x00", "1\x00"}
		return []byte(odd[r.IntN(len(odd))])
	case 4:
		return randomBytes(r, []int{61, 63, 64, 65, 125, 126, 127, 128, 4094, 4095, 4096, 4097}[r.IntN(12)])
	case 5:
		return randomBytes(r, 16375+r.IntN(10))
	}
	return randomBytes(r, r.IntN(12))
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func texts(lp Listpack) [][]byte {
	out := [][]byte{}
	for e, ok := lp.First(); ok; e, ok = lp.Next(e) {
		out = append(out, e.AppendValue(nil))
	}
	return out
}

// checkPack compares a listpack with the strings it should hold, read in every way there is.
func checkPack(t testing.TB, lp Listpack, want [][]byte) {
	t.Helper()
	if !Valid(lp) {
		t.Fatalf("not valid: %x", []byte(lp))
	}
	if lp.Count() != len(want) {
		t.Fatalf("count %d, want %d", lp.Count(), len(want))
	}
	if got := texts(lp); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Fatalf("got %q, want %q", got, want)
	}
	i := len(want)
	for e, ok := lp.Last(); ok; e, ok = lp.Prev(e) {
		i--
		if !e.Equal(want[i]) || e.Len() != len(want[i]) || string(e.Bytes(nil)) != string(want[i]) || e.String() != string(want[i]) {
			t.Fatalf("backwards, element %d is %q, want %q", i, e.String(), want[i])
		}
	}
	if i != 0 {
		t.Fatalf("backwards, %d elements missing", i)
	}
	for i := range want {
		e, ok := lp.Index(i)
		f, ok2 := lp.Index(i - len(want))
		if !ok || !ok2 || e.At != f.At || !e.Equal(want[i]) {
			t.Fatalf("element %d is %q, want %q", i, e.String(), want[i])
		}
	}
	if _, ok := lp.Index(len(want)); ok {
		t.Fatal("an element behind the last")
	}
	if _, ok := lp.Index(-len(want) - 1); ok {
		t.Fatal("an element in front of the first")
	}
}

func TestListpackModel(t *testing.T) {
	r := newRand(t)
	for range 60 {
		lp, model := New(nil), [][]byte{}
		var spare []byte
		for range 60 {
			before, copied := slices.Clone(lp), lp
			lp, model = randomEdit(r, spare, lp, model)
			if !bytes.Equal(copied, before) {
				t.Fatal("a change wrote into its input")
			}
			if &lp[0] != &copied[0] {
				spare = copied
			}
			checkPack(t, lp, model)
			checkFind(t, r, lp, model)
		}
	}
}

// randomEdit makes the same random change to a listpack and to its model.
func randomEdit(r *rand.Rand, dst []byte, lp Listpack, model [][]byte) (Listpack, [][]byte) {
	model = slices.Clone(model)
	v, w := anyText(r), anyText(r)
	i := 0
	if len(model) > 0 {
		i = r.IntN(len(model))
	}
	e, ok := lp.Index(i)
	switch op := r.IntN(6); {
	case op == 0:
		own := slices.Clone(lp)
		return own.Append(own, v, w), append(model, v, w)
	case op == 1 || !ok:
		return lp.Append(dst, v), append(model, v)
	case op == 2:
		return lp.Insert(dst, e.At, v, w), slices.Insert(model, i, v, w)
	case op == 3 || op == 4 && len(model) < 5:
		return lp.Replace(dst, e.At, v), slices.Replace(model, i, i+1, v)
	default:
		n := r.IntN(4)
		return lp.Delete(dst, e.At, n), slices.Delete(model, i, min(i+n, len(model)))
	}
}

func checkFind(t *testing.T, r *rand.Rand, lp Listpack, model [][]byte) {
	t.Helper()
	for range 3 {
		v, skip := anyText(r), r.IntN(3)
		if len(model) > 0 && r.IntN(4) > 0 {
			v = model[r.IntN(len(model))]
		}
		want := -1
		for i := 0; i < len(model) && want < 0; i += skip + 1 {
			if bytes.Equal(model[i], v) {
				want = i
			}
		}
		e, ok := lp.Find(v, skip)
		if ok != (want >= 0) {
			t.Fatalf("Find(%q, %d) = %v, want position %d", v, skip, ok, want)
		}
		if f, _ := lp.Index(want); ok && f.At != e.At {
			t.Fatalf("Find(%q, %d) is at %d, want %d", v, skip, e.At, f.At)
		}
	}
}

// goldenPack is the listpack that redis-server 7.0.15 dumps for a hash with these elements.
type goldenPack struct {
	elements []string
	want     string
}

func goldenPacks() []goldenPack {
	return []goldenPack{
		{nil, "\x07\x00\x00\x00\x00\x00\xff"},
		{[]string{"f", "0", "", "127"}, "\x10\x00\x00\x00\x04\x00\x81f\x02\x00\x01\x80\x01\x7f\x01\xff"},
		{[]string{"128", "-1", "4095", "-4096"}, "\x13\x00\x00\x00\x04\x00\xc0\x80\x02\xdf\xff\x02\xcf\xff\x02\xd0\x00\x02\xff"},
		{[]string{"4096", "-4097", "32767", "-32768"},
			"\x17\x00\x00\x00\x04\x00\xf1\x00\x10\x03\xf1\xff\xef\x03\xf1\xff\x7f\x03\xf1\x00\x80\x03\xff"},
		{[]string{"32768", "-8388608"}, "\x11\x00\x00\x00\x02\x00\xf2\x00\x80\x00\x04\xf2\x00\x00\x80\x04\xff"},
		{[]string{"8388608", "-2147483648"}, "\x13\x00\x00\x00\x02\x00\xf3\x00\x00\x80\x00\x05\xf3\x00\x00\x00\x80\x05\xff"},
		{[]string{"2147483648", "-9223372036854775808"}, "\x1b\x00\x00\x00\x02\x00" +
			"\xf4\x00\x00\x00\x80\x00\x00\x00\x00\x09\xf4\x00\x00\x00\x00\x00\x00\x00\x80\x09\xff"},
		{[]string{"-0", "01"}, "\x0f\x00\x00\x00\x02\x00\x82-0\x03\x8201\x03\xff"},
	}
}

func TestListpackGolden(t *testing.T) {
	for _, c := range goldenPacks() {
		lp := New(nil)
		for _, e := range c.elements {
			lp = lp.Append(nil, []byte(e))
		}
		if string(lp) != c.want {
			t.Errorf("%q: got %x, want %x", c.elements, []byte(lp), c.want)
		}
	}
}

func TestListpackManyElements(t *testing.T) {
	lp, one := New(nil), []byte("1")
	for n := 1; n <= 65540; n++ {
		lp = lp.Append(lp, one)
		if n > 65530 && lp.Count() != n {
			t.Fatalf("count %d, want %d", lp.Count(), n)
		}
	}
	if lp.header() != packUncounted || !Valid(lp) {
		t.Fatal("a count that should not be in the header")
	}
	for n := 65539; n > 65530; n-- {
		lp = lp.Delete(nil, packHeader, 1)
		if lp.Count() != n || lp.header() != min(n, packUncounted) || !Valid(lp) {
			t.Fatalf("count %d, header %d, want %d", lp.Count(), lp.header(), n)
		}
	}
}

func TestListpackNoAllocation(t *testing.T) {
	lp := tenFields()
	dst, field, v := make([]byte, 0, 4096), []byte("field:5"), []byte("value")
	e, _ := lp.Find(field, 1)
	if n := testing.AllocsPerRun(100, func() {
		got := lp.Replace(dst, e.At, v)
		got = got.Append(got, field, v)
		lp.Insert(dst, e.At, v, field)
		lp.Delete(dst, e.At, 2)
		for e, ok := got.First(); ok; e, ok = got.Next(e) {
			_ = e.Equal(v)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestValidRejects(t *testing.T) {
	good := New(nil).Append(nil, []byte("abc"), []byte("70000"), bytes.Repeat([]byte("x"), 200))
	if !Valid(good) {
		t.Fatal("not valid")
	}
	for n := range good {
		if Valid(good[:n]) {
			t.Errorf("valid though cut to %d bytes", n)
		}
	}
	for _, at := range []int{0, 1, 2, 3, 4, 5, 6, 10, 11, 15, len(good) - 2, len(good) - 3, len(good) - 1} {
		bad := slices.Clone(good)
		bad[at] ^= 0x81
		if Valid(bad) {
			t.Errorf("valid though byte %d is wrong", at)
		}
	}
}

func FuzzValid(f *testing.F) {
	f.Add([]byte(New(nil)))
	f.Add([]byte(tenFields()))
	f.Add([]byte(New(nil).Append(nil, bytes.Repeat([]byte("x"), 200), []byte("-70000"), []byte("3000000000"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if !Valid(b) {
			return
		}
		lp := Listpack(b)
		all := texts(lp)
		checkPack(t, lp, all)
		again := New(nil).Append(nil, all...)
		if len(again) > len(lp) {
			t.Fatalf("encoding again takes %d bytes, not %d", len(again), len(lp))
		}
		checkPack(t, again, all)
	})
}

func FuzzListpack(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := rand.New(rand.NewPCG(a, b))
		lp, model := New(nil), [][]byte{}
		for range 20 {
			lp, model = randomEdit(r, nil, lp, model)
			checkPack(t, lp, model)
		}
	})
}

func TestParseInt(t *testing.T) {
	r := newRand(t)
	for range 20000 {
		s := string(anyText(r))
		want, err := strconv.ParseInt(s, 10, 64)
		canonical := err == nil && strconv.FormatInt(want, 10) == s
		if n, ok := ParseInt([]byte(s)); ok != canonical || ok && n != want {
			t.Fatalf("ParseInt(%q) = %d, %v", s, n, ok)
		}
	}
	for _, n := range []int64{0, -1, math.MaxInt64, math.MinInt64} {
		if v := Number(n); v.Len() != len(v.String()) {
			t.Errorf("%d: length %d", n, v.Len())
		}
	}
}

func tenFields() Listpack {
	lp := New(nil)
	for i := range 10 {
		lp = lp.Append(lp, fmt.Appendf(nil, "field:%d", i), fmt.Appendf(nil, "value of %d", i*i*i))
	}
	return lp
}

func BenchmarkListpackFind(b *testing.B) {
	lp := tenFields()
	var fields [10][]byte
	for i := range fields {
		fields[i] = fmt.Appendf(nil, "field:%d", i)
	}
	i := 0
	for b.Loop() {
		if i++; i == 10 {
			i = 0
		}
		e, ok := lp.Find(fields[i], 1)
		if v, _ := lp.Next(e); !ok || v.Len() == 0 {
			b.Fatal("not found")
		}
	}
}

func BenchmarkListpackReplace(b *testing.B) {
	lp, dst, v := tenFields(), make([]byte, 0, 512), []byte("another value")
	e, _ := lp.Find([]byte("field:5"), 1)
	e, _ = lp.Next(e)
	for b.Loop() {
		lp.Replace(dst, e.At, v)
	}
}
