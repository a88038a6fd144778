package value

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/snapshot"
)

// anyMember is an integer as a rule, of any width.
func anyMember(r *rand.Rand, texts bool) []byte {
	switch r.IntN(8) {
	case 0:
		if texts {
			return []byte([]string{"a", "", "007", "-0", "9223372036854775808", "+1"}[r.IntN(6)])
		}
	case 1:
		return strconv.AppendInt(nil, []int64{math.MinInt64, math.MaxInt64, math.MinInt32, math.MaxInt32, -1 << 15, 1 << 15}[r.IntN(6)], 10)
	case 2:
		return strconv.AppendInt(nil, 40000+int64(r.IntN(5)), 10)
	}
	return strconv.AppendInt(nil, int64(r.IntN(60))-30, 10)
}

func keepSet(m *Memory, s Set) Set {
	if s.dict != nil {
		return LargeSet(m, s.dict, s.limit)
	}
	return SmallSet(m, slices.Clone(s.ints), s.limit)
}

func membersOf(s *Set) (all []string) {
	s.Each(func(v Value) bool {
		all = append(all, v.String())
		return true
	})
	return all
}

// checkSet compares a set with the members it should have.
func checkSet(t testing.TB, m *Memory, s *Set, want map[string]bool) {
	t.Helper()
	all := membersOf(s)
	if s.Len() != len(want) || len(all) != len(want) {
		t.Fatalf("%d members, %d seen, want %d", s.Len(), len(all), len(want))
	}
	last := int64(math.MinInt64)
	for i, member := range all {
		if !want[member] || !s.Has(Text([]byte(member))) {
			t.Fatalf("has member %q", member)
		}
		if got := s.Nth(i); got.String() != member {
			t.Fatalf("member %d is %q, want %q", i, got.String(), member)
		}
		if n, ok := s.Nth(i).integer(); s.dict == nil && (!ok || i > 0 && n <= last) {
			t.Fatalf("%d comes behind %d", n, last)
		} else {
			last = n
		}
	}
	if s.Has(Text([]byte("none"))) || s.Has(Number(12345)) {
		t.Fatal("has what it has not")
	}
	seen := map[string]bool{}
	for cursor, first := uint32(0), true; cursor != 0 || first; first = false {
		cursor = s.Scan(cursor, 3, func(v Value) { seen[v.String()] = true })
	}
	if !maps.Equal(seen, want) {
		t.Fatalf("Scan gave %v, want %v", seen, want)
	}
	if len(want) > 0 {
		checkSetCoding(t, m, s)
	}
}

func encodeSet(t testing.TB, m *Memory, s *Set) (snapshot.Type, []byte) {
	t.Helper()
	var b bytes.Buffer
	w, typ := snapshot.NewWriter(&b), snapshot.TypeSet
	if s.dict != nil {
		s.dict.EncodeSet(w, m.Arena)
	} else {
		typ = snapshot.TypeSetIntset
		w.String(s.ints)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return typ, b.Bytes()
}

func checkSetCoding(t testing.TB, m *Memory, s *Set) {
	t.Helper()
	typ, file := encodeSet(t, m, s)
	other := NewMemory(arena.New(), m.Seed)
	again, err := DecodeSet(snapshot.NewReader(bytes.NewReader(file), snapshot.Limits{}), typ, &other, s.limit)
	if err != nil {
		t.Fatal(err)
	}
	if typ2, file2 := encodeSet(t, &other, &again); typ2 != typ || !bytes.Equal(file2, file) {
		t.Fatal("reads back as another set")
	}
}

func TestSetModel(t *testing.T) {
	r := newRand(t)
	for range 60 {
		m := NewMemory(arena.New(), testSeed)
		limit, texts := r.IntN(50), r.IntN(2) == 0
		s, model, large := keepSet(&m, NewSet(&m, limit)), map[string]bool{}, false
		for range 12 {
			if r.IntN(3) == 0 && !m.Frozen {
				m.Freeze()
			}
			old, before := s, slices.Clone(s.ints)
			for range r.IntN(12) {
				member := anyMember(r, texts)
				had := model[string(member)]
				if r.IntN(4) == 0 {
					if s.Remove(Text(member)) != had {
						t.Fatalf("Remove(%q) is wrong", member)
					}
					delete(model, string(member))
					continue
				}
				if s.Add(Text(member)) == had {
					t.Fatalf("Add(%q) is wrong", member)
				}
				model[string(member)] = true
				_, number := ParseInt(member)
				large = large || !number || len(model) > limit
			}
			if (s.dict != nil) != large {
				t.Fatalf("large is %v with %d members, limit %d", !large, len(model), limit)
			}
			if !bytes.Equal(old.ints, before) {
				t.Fatal("a change wrote into the old value")
			}
			s = keepSet(&m, s)
			checkSet(t, &m, &s, model)
			for m.Frozen && r.IntN(3) == 0 && m.Release(10) {
				continue
			}
			for !m.Frozen && m.Release(10) {
				continue
			}
		}
	}
}

// FuzzIntset adds integers to a set of them, and takes them out again.
func FuzzIntset(f *testing.F) {
	f.Add(int64(0), int64(-1), int64(70000), int64(1)<<40)
	f.Add(int64(math.MinInt64), int64(math.MaxInt64), int64(-1<<15), int64(-1<<15-1))
	f.Fuzz(func(t *testing.T, a, b, c, d int64) {
		s, all := NewIntset(nil), []int64{}
		for _, n := range []int64{a, b, c, d} {
			i, found := s.Find(n)
			if want, had := slices.BinarySearch(all, n); i != want || found != had {
				t.Fatalf("%d is at %d, %v, among %d", n, i, found, all)
			}
			if !found {
				s, all = s.Insert(nil, i, n), slices.Insert(all, i, n)
			}
			for i, n := range all {
				if s.At(i) != n {
					t.Fatalf("%x for %d", []byte(s), all)
				}
			}
		}
		for range all {
			s = s.Delete(nil, s.Len()/2)
		}
		if s.Len() != 0 || len(s) != intsetHeader {
			t.Fatalf("%x is left", []byte(s))
		}
	})
}

// TestSetAgainstRedis makes the same changes here and in redis-server and wants the same bytes of
// intsets, and the same members and encoding of others.
func TestSetAgainstRedis(t *testing.T) {
	server := startRedis(t)
	r := newRand(t)
	for range 60 {
		limit, texts := 5+r.IntN(60), r.IntN(3) == 0
		server.do("CONFIG", "SET", "set-max-intset-entries", strconv.Itoa(limit))
		server.do("DEL", "s")
		m := NewMemory(arena.New(), testSeed)
		s := NewSet(&m, limit)
		for range 80 {
			member, words := anyMember(r, texts), []string{"SADD", "s"}
			changed := false
			if r.IntN(3) > 0 || s.Len() < 2 {
				changed = s.Add(Text(member))
			} else {
				words[0], changed = "SREM", s.Remove(Text(member))
			}
			if got := server.do(append(words, string(member))...); (got == "1") != changed {
				t.Fatalf("%s %q: redis %s, this %v", words[0], member, got, changed)
			}
			if s.Len() == 0 {
				continue
			}
			typ, body := server.dump("s")
			ours, file := encodeSet(t, &m, &s)
			if typ != byte(ours) || s.dict == nil && !bytes.Equal(file, body) {
				t.Fatalf("redis has type %d, %x, this %d, %x", typ, body, ours, file)
			}
			theirs, err := DecodeSet(snapshot.NewReader(bytes.NewReader(body), snapshot.Limits{}), snapshot.Type(typ), &m, limit)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := membersOf(&s), membersOf(&theirs); !slices.Equal(a, b) {
				t.Fatalf("redis has %q, this %q", b, a)
			}
			if theirs.dict != nil {
				theirs.dict.Free(&m)
			}
		}
	}
}

func TestDecodeSet(t *testing.T) {
	for _, c := range []struct {
		name, file string
		typ        snapshot.Type
		want       string
		err        error
	}{
		{"members", "\x02\x03foo\x017", snapshot.TypeSet, "[7 foo]", nil},
		{"integers", "\x0c\x02\x00\x00\x00\x02\x00\x00\x00\xff\xff\x07\x00", snapshot.TypeSetIntset, "[-1 7]", nil},
		{"no members", "\x00", snapshot.TypeSet, "", ErrEmpty},
		{"no integers", "\x08\x02\x00\x00\x00\x00\x00\x00\x00", snapshot.TypeSetIntset, "", snapshot.ErrFormat},
		{"a member twice", "\x03\x03foo\x01x\x03foo", snapshot.TypeSet, "", snapshot.ErrFormat},
		{"an integer twice", "\x0c\x02\x00\x00\x00\x02\x00\x00\x00\x07\x00\x07\x00", snapshot.TypeSetIntset, "", snapshot.ErrFormat},
		{"integers of no width", "\x0c\x03\x00\x00\x00\x02\x00\x00\x00\x07\x00\x08\x00", snapshot.TypeSetIntset, "", snapshot.ErrFormat},
		{"too few integers", "\x0a\x02\x00\x00\x00\x02\x00\x00\x00\x07\x00", snapshot.TypeSetIntset, "", snapshot.ErrFormat},
		{"cut short", "\x02\x03foo\x02x", snapshot.TypeSet, "", snapshot.ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewMemory(arena.New(), testSeed)
			s, err := DecodeSet(snapshot.NewReader(bytes.NewReader([]byte(c.file)), snapshot.Limits{}), c.typ, &m, 8)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err != nil {
				if m.Arena.Stats().Cells != 0 {
					t.Fatal("cells are left")
				}
				return
			}
			all := membersOf(&s)
			slices.Sort(all)
			if got := fmt.Sprint(all); got != c.want {
				t.Fatalf("got %s", got)
			}
		})
	}
}
