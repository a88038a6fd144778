package value

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/snapshot"
)

// smallText returns short strings, integers among them, and now and then a longer one.
func smallText(n, long int) []byte {
	if n%29 == 0 {
		return bytes.Repeat([]byte("L"), long)
	}
	if n%3 == 0 {
		return strconv.AppendInt(nil, int64(n)-50, 10)
	}
	return strconv.AppendInt([]byte("f"), int64(n), 10)
}

// checkHash compares a hash with the fields it should hold, in the order of a small one.
func checkHash(t testing.TB, m *Memory, h *Hash, order []string, want map[string]string) {
	t.Helper()
	got, i := map[string]string{}, 0
	h.Each(func(field, v Value) bool {
		if h.Dict() == nil && field.String() != order[i] {
			t.Fatalf("field %d is %q, want %q", i, field.String(), order[i])
		}
		if f, w := h.Nth(i); f.String() != field.String() || w.String() != v.String() {
			t.Fatalf("Nth(%d) is %q, want %q", i, f.String(), field.String())
		}
		got[field.String()] = v.String()
		i++
		return true
	})
	if !maps.Equal(got, want) || h.Len() != len(want) || i != len(want) {
		t.Fatalf("has %q, want %q", got, want)
	}
	for field, v := range want {
		if got, ok := h.Get([]byte(field)); !ok || got.String() != v || !h.Exists([]byte(field)) {
			t.Fatalf("Get(%q) = %q, %v", field, got.String(), ok)
		}
	}
	if h.Exists([]byte("no such field")) {
		t.Fatal("a field that is not there")
	}
	seen := map[string]string{}
	for cursor, first := uint32(0), true; cursor != 0 || first; first = false {
		cursor = h.Scan(cursor, 3, func(field, v Value) { seen[field.String()] = v.String() })
	}
	if !maps.Equal(seen, want) {
		t.Fatalf("Scan gave %q, want %q", seen, want)
	}
	if h.Bytes() <= 0 {
		t.Fatal("no bytes")
	}
	checkCoding(t, m, h)
}

// checkCoding writes a hash, reads it back and wants the same, in the same bytes.
func checkCoding(t testing.TB, m *Memory, h *Hash) {
	t.Helper()
	if h.Len() == 0 {
		return
	}
	write := func(h *Hash) []byte {
		var b bytes.Buffer
		w := snapshot.NewWriter(&b)
		h.Encode(w)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	file := write(h)
	other := NewMemory(arena.New(), m.Seed)
	again, err := DecodeHash(snapshot.NewReader(bytes.NewReader(file), snapshot.Limits{}), h.Type(), &other, HashLimits{})
	if err != nil {
		t.Fatal(err)
	}
	if again.Encoding() != h.Encoding() || !bytes.Equal(write(&again), file) {
		t.Fatal("reads back as another hash")
	}
}

// keep does what a keyspace does with a changed hash: it puts a listpack into memory of its own.
func keep(m *Memory, h Hash) Hash {
	if h.Dict() != nil {
		return LargeHash(m, h.Dict())
	}
	return SmallHash(m, slices.Clone(h.Pack()))
}

func TestHashModel(t *testing.T) {
	r := newRand(t)
	for range 60 {
		limits := HashLimits{Entries: r.IntN(40), Value: 10 + r.IntN(30)}
		m := NewMemory(arena.New(), testSeed)
		h, order, model := keep(&m, NewHash(&m)), []string{}, map[string]string{}
		for range 12 {
			if r.IntN(3) == 0 && !m.Frozen {
				m.Freeze()
			}
			before := slices.Clone(h.Pack())
			old := h
			large := h.Dict() != nil
			for range r.IntN(8) {
				field, v := smallText(r.IntN(60), 25), smallText(r.IntN(200), 25)
				_, had := model[string(field)]
				if r.IntN(4) == 0 {
					if h.Delete(field) != had {
						t.Fatalf("Delete(%q) is wrong", field)
					}
					delete(model, string(field))
					order = slices.DeleteFunc(order, func(s string) bool { return s == string(field) })
					continue
				}
				if h.Set(field, v, limits) == had {
					t.Fatalf("Set(%q) is wrong", field)
				}
				model[string(field)] = string(v)
				if !had {
					order = append(order, string(field))
				}
				large = large || len(model) > limits.Entries || max(len(field), len(v)) > limits.Value
			}
			if (h.Dict() != nil) != large {
				t.Fatalf("encoding %s with %d fields, limits %v", h.Encoding(), len(model), limits)
			}
			if !bytes.Equal(old.Pack(), before) {
				t.Fatal("a change wrote into the old value")
			}
			h = keep(&m, h)
			checkHash(t, &m, &h, order, model)
			for m.Frozen && r.IntN(3) == 0 && m.Release(10) {
				continue
			}
			for !m.Frozen && m.Release(10) {
				continue
			}
		}
	}
}

// TestHashesChangedInTurn changes two hashes of one Memory alternately, each of which must survive
// the other's next change.
func TestHashesChangedInTurn(t *testing.T) {
	m, limits := NewMemory(arena.New(), testSeed), HashLimits{100, 100}
	a, b := NewHash(&m), NewHash(&m)
	for i := range 50 {
		n := strconv.AppendInt(nil, int64(i%20), 10)
		a.Set(n, append([]byte("a"), n...), limits)
		b.Set(n, append([]byte("b"), n...), limits)
		for _, h := range []*Hash{&a, &b} {
			if !Valid(h.Pack()) || h.Len() != min(i+1, 20) {
				t.Fatalf("after %d changes: %x", i, []byte(h.Pack()))
			}
		}
		if v, _ := a.Get(n); v.String() != "a"+string(n) {
			t.Fatalf("got %q", v.String())
		}
	}
}

func TestHashNoAllocation(t *testing.T) {
	m, limits := NewMemory(arena.New(), testSeed), HashLimits{128, 64}
	pack, field, v := tenFields(), []byte("field:5"), []byte("another value")
	h := SmallHash(&m, pack)
	if n := testing.AllocsPerRun(100, func() {
		h = SmallHash(&m, pack)
		h.Set(field, v, limits)
		h.Set(v, field, limits)
		h.Delete(field)
		h.Get(field)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDecodeHash(t *testing.T) {
	zipmap := "\x0b\x01\x03foo\x03\x00bar\xff"
	for _, c := range []struct {
		name, file string
		typ        snapshot.Type
		limits     HashLimits
		want       string // the encoding; empty for an error
		err        error
	}{
		{"zipmap within the limits", zipmap, snapshot.TypeHashZipmap, HashLimits{8, 8}, "listpack", nil},
		{"zipmap with long values", zipmap, snapshot.TypeHashZipmap, HashLimits{8, 2}, "hashtable", nil},
		{"pairs", "\x01\x03foo\x03bar", snapshot.TypeHash, HashLimits{8, 8}, "hashtable", nil},
		{"no pairs", "\x00", snapshot.TypeHash, HashLimits{8, 8}, "", ErrEmpty},
		{"pairs with a field twice", "\x02\x03foo\x03bar\x03foo\x01x", snapshot.TypeHash, HashLimits{8, 8}, "", snapshot.ErrFormat},
		{"cut short", "\x02\x03foo\x03bar\x03fo", snapshot.TypeHash, HashLimits{8, 8}, "", snapshot.ErrFormat},
		{"no listpack", "\x03foo", snapshot.TypeHashListpack, HashLimits{8, 8}, "", snapshot.ErrFormat},
		{"of another type", "\x03foo", snapshot.TypeList, HashLimits{8, 8}, "", snapshot.ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewMemory(arena.New(), testSeed)
			h, err := DecodeHash(snapshot.NewReader(bytes.NewReader([]byte(c.file)), snapshot.Limits{}), c.typ, &m, c.limits)
			if c.want == "" {
				if !errors.Is(err, c.err) || m.Arena.Stats().Cells != 0 {
					t.Fatalf("error %v, %d cells left", err, m.Arena.Stats().Cells)
				}
				return
			}
			if err != nil || h.Encoding() != c.want {
				t.Fatalf("%s, error %v", h.Encoding(), err)
			}
			if v, _ := h.Get([]byte("foo")); v.String() != "bar" {
				t.Fatalf("got %q", v.String())
			}
		})
	}
}

func TestHashAgainstRedis(t *testing.T) {
	server := startRedis(t)
	r := newRand(t)
	for range 60 {
		limits := HashLimits{Entries: 5 + r.IntN(30), Value: 20 + r.IntN(10)}
		server.do("CONFIG", "SET", "hash-max-listpack-entries", strconv.Itoa(limits.Entries),
			"hash-max-listpack-value", strconv.Itoa(limits.Value))
		server.do("DEL", "h")
		m := NewMemory(arena.New(), testSeed)
		h := NewHash(&m)
		for range 60 {
			field, v := smallText(r.IntN(50), 25), smallText(r.IntN(500), 25)
			if r.IntN(3) > 0 || h.Len() < 2 {
				added := h.Set(field, v, limits)
				if got := server.do("HSET", "h", string(field), string(v)); (got == "1") != added {
					t.Fatalf("HSET %q: redis %s, this %v", field, got, added)
				}
			} else {
				gone := h.Delete(field)
				if got := server.do("HDEL", "h", string(field)); (got == "1") != gone {
					t.Fatalf("HDEL %q: redis %s, this %v", field, got, gone)
				}
			}
			if h.Len() == 0 {
				continue
			}
			if want := server.do("OBJECT", "ENCODING", "h"); want != h.Encoding() {
				t.Fatalf("redis %s, this %s", want, h.Encoding())
			}
			compareDump(t, server, &h)
		}
	}
}

// compareDump compares a hash with what redis dumps: the listpack, or the pairs in any order.
func compareDump(t *testing.T, server *redis, h *Hash) {
	t.Helper()
	typ, body := server.dump("h")
	if typ != byte(h.Type()) {
		t.Fatalf("type %d, this %d", typ, h.Type())
	}
	m := NewMemory(arena.New(), testSeed)
	other, err := DecodeHash(snapshot.NewReader(bytes.NewReader(body), snapshot.Limits{}), snapshot.Type(typ), &m, HashLimits{})
	if err != nil {
		t.Fatal(err)
	}
	if h.Dict() == nil && !bytes.Equal(other.Pack(), h.Pack()) {
		t.Fatalf("redis %x, this %x", []byte(other.Pack()), []byte(h.Pack()))
	}
	pairs := func(h *Hash) (out []string) {
		h.Each(func(field, v Value) bool {
			out = append(out, field.String(), v.String())
			return true
		})
		return out
	}
	if !slices.Equal(pairs(&other), pairs(h)) {
		t.Fatalf("redis %q, this %q", pairs(&other), pairs(h))
	}
}

func BenchmarkHashGet(b *testing.B) {
	m := NewMemory(arena.New(), testSeed)
	pack := tenFields()
	field := []byte("field:4")
	for b.Loop() {
		h := SmallHash(&m, pack)
		if v, ok := h.Get(field); !ok || v.Len() == 0 {
			b.Fatal("not found")
		}
	}
}

func BenchmarkHashSet(b *testing.B) {
	m, limits := NewMemory(arena.New(), testSeed), HashLimits{128, 64}
	pack := tenFields()
	field, v := []byte("field:4"), []byte("another value")
	for b.Loop() {
		h := SmallHash(&m, pack)
		h.Set(field, v, limits)
	}
}
