package value

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/snapshot"
)

// checkZSet compares a sorted set with what it should hold.
func checkZSet(t testing.TB, m *Memory, z *ZSet, want rankedModel) {
	t.Helper()
	order := want.order()
	if z.Len() != len(order) {
		t.Fatalf("%d members, want %d", z.Len(), len(order))
	}
	for _, reverse := range []bool{false, true} {
		from, to := len(order)/4, len(order)-len(order)/5
		i := from
		z.Range(from, to, reverse, func(member Value, score float64) bool {
			at := i
			if reverse {
				at = from + to - 1 - i
			}
			if member.String() != order[at] || score != want[order[at]] {
				t.Fatalf("rank %d is %q with %g, want %q with %g", at, member.String(), score, order[at], want[order[at]])
			}
			i++
			return true
		})
		if i != max(from, to) {
			t.Fatalf("%d members visited of %d", i-from, to-from)
		}
	}
	for i, member := range order {
		rank, ok := z.Rank([]byte(member))
		got, score := z.Nth(i)
		if s, found := z.Score([]byte(member)); !ok || rank != i || got.String() != member || !found || s != score || s != want[member] {
			t.Fatalf("%q has the rank %d and the score %g, want %d and %g", member, rank, s, i, want[member])
		}
	}
	if _, ok := z.Rank([]byte("no such member")); ok {
		t.Fatal("a member that is not there")
	}
	seen := map[string]bool{}
	for cursor, first := uint32(0), true; cursor != 0 || first; first = false {
		cursor = z.Scan(cursor, 3, func(member, score Value) {
			if f, ok := ParseFloat(score.Bytes(nil)); !ok || f != want[member.String()] {
				t.Fatalf("Scan: the score of %q is %q", member.String(), score.String())
			}
			seen[member.String()] = true
		})
	}
	if len(seen) != len(want) {
		t.Fatalf("Scan visited %d members of %d", len(seen), len(want))
	}
	checkZSetCoding(t, m, z)
}

// checkZSetCoding writes a sorted set, reads it back and wants the same, in the same bytes.
func checkZSetCoding(t testing.TB, m *Memory, z *ZSet) {
	t.Helper()
	if z.Len() == 0 {
		return
	}
	write := func(z *ZSet) []byte {
		var b bytes.Buffer
		w := snapshot.NewWriter(&b)
		z.Encode(w)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	file := write(z)
	other := NewMemory(arena.New(), m.Seed)
	again, err := DecodeZSet(snapshot.NewReader(bytes.NewReader(file), snapshot.Limits{}), z.Type(), &other, ZSetLimits{})
	if err != nil {
		t.Fatal(err)
	}
	if again.Encoding() != z.Encoding() || !bytes.Equal(write(&again), file) {
		t.Fatal("reads back as another sorted set")
	}
}

// keepZSet does what a keyspace does with a changed sorted set: it puts a listpack into memory of its own.
func keepZSet(m *Memory, z ZSet) ZSet {
	if z.Large() != nil {
		return z
	}
	return SmallZSet(m, slices.Clone(z.Small()))
}

func TestZSetModel(t *testing.T) {
	r := newRand(t)
	for range 60 {
		limits := ZSetLimits{Entries: r.IntN(40), Value: 10 + r.IntN(30)}
		m := NewMemory(arena.New(), testSeed)
		z, model := keepZSet(&m, NewZSet(&m)), rankedModel{}
		for range 12 {
			if r.IntN(3) == 0 && !m.Frozen {
				m.Freeze()
			}
			before, old, large := slices.Clone(z.Small()), z, z.Large() != nil
			for range r.IntN(8) {
				member := smallText(r.IntN(60), 25)
				_, had := model[string(member)]
				if r.IntN(4) == 0 {
					if z.Delete(member) != had {
						t.Fatalf("Delete(%q) is wrong", member)
					}
					delete(model, string(member))
					continue
				}
				score := anyScore(r)
				if z.Set(member, score, limits) == had {
					t.Fatalf("Set(%q) is wrong", member)
				}
				model[string(member)] = score
				large = large || !had && (len(model) > limits.Entries || len(member) > limits.Value)
			}
			if r.IntN(3) == 0 {
				order := model.order()
				from := r.IntN(len(order) + 1)
				to := from + r.IntN(len(order)-from+1)
				z.DeleteRange(from, to)
				for _, member := range order[from:to] {
					delete(model, member)
				}
				large = large && len(model) > 0
			}
			if (z.Large() != nil) != large && len(model) > 0 {
				t.Fatalf("encoding %s with %d members, limits %v", z.Encoding(), len(model), limits)
			}
			if !bytes.Equal(old.Small(), before) {
				t.Fatal("a change wrote into the old value")
			}
			z = keepZSet(&m, z)
			checkZSet(t, &m, &z, model)
			for !m.Frozen && m.Release(10) {
				continue
			}
		}
	}
}

func TestZSetFind(t *testing.T) {
	r := newRand(t)
	for _, entries := range []int{0, 1000} {
		m := NewMemory(arena.New(), testSeed)
		scored, lex := NewZSet(&m), NewZSet(&m)
		model, names := rankedModel{}, rankedModel{}
		for range 400 {
			member := smallText(r.IntN(400), 25)
			model[string(member)], names[string(member)] = anyScore(r), 7
		}
		for member, score := range model {
			scored = keepZSet(&m, scored)
			scored.Set([]byte(member), score, ZSetLimits{entries, 100})
			lex = keepZSet(&m, lex)
			lex.Set([]byte(member), 7, ZSetLimits{entries, 100})
		}
		count := func(z *ZSet, in Interval) (from, to int) {
			i := 0
			z.Each(func(member Value, score float64) bool {
				if in.Above(member.Bytes(nil), score) {
					from++
				}
				if !in.Below(member.Bytes(nil), score) {
					to++
				}
				i++
				return true
			})
			return from, max(from, to)
		}
		for range 2000 {
			in := ScoreInterval{anyScore(r), anyScore(r), r.IntN(2) == 0, r.IntN(2) == 0}
			from, to := scored.Find(in)
			if wantFrom, wantTo := count(&scored, in); to-from != wantTo-wantFrom || to > from && from != wantFrom {
				t.Fatalf("%v: ranks %d to %d, want %d to %d", in, from, to, wantFrom, wantTo)
			}
			bound := func() []byte {
				if b := smallText(r.IntN(400), 3); r.IntN(5) > 0 {
					return append([]byte{"[("[r.IntN(2)]}, b...)
				}
				return []byte{"-+"[r.IntN(2)]}
			}
			byName, ok := ParseLexInterval(bound(), bound())
			if !ok {
				t.Fatal("bounds that are none")
			}
			from, to = lex.Find(byName)
			if wantFrom, wantTo := count(&lex, byName); to-from != wantTo-wantFrom || to > from && from != wantFrom {
				t.Fatalf("%v: ranks %d to %d, want %d to %d", byName, from, to, wantFrom, wantTo)
			}
		}
	}
}

func TestScoreBoundsAgainstRedis(t *testing.T) {
	server := startRedis(t)
	server.do("ZADD", "z", "1", "m")
	r := newRand(t)
	odd := []string{"", "(", "((1", " 1", "\t\n1", "1 ", "( 1", "\x00", "1\x00x", "x\x00", "1e400", "-1e400", "(1e400", "nan", "(nan", "+inf",
		"-Infinity", "0x", "0x1p-2", "1e", "e1", ".", "+", "-", "--1", "1_0", "1e-400", "infinit", "(inf"}
	for i := range 3000 {
		s := anyNumeral(r)
		if i < len(odd) {
			s = odd[i]
		}
		// How many of the scores -inf, -1 … 1, inf lie above the bound tells where it is.
		_, ok := ParseScoreInterval([]byte(s), []byte("+inf"))
		if got := server.do("ZCOUNT", "z", s, "+inf"); (got[0] != '-') != ok {
			t.Fatalf("%q: redis says %s, this %v", s, got, ok)
		}
		in, ok := ParseScoreInterval([]byte(s), []byte(s))
		if !ok {
			continue
		}
		server.do("DEL", "y")
		server.do("ZADD", "y", strconv.FormatFloat(in.Min, 'g', -1, 64), "m")
		want := "1"
		if in.MinOpen {
			want = "0"
		}
		if got := server.do("ZCOUNT", "y", s, s); got != want {
			t.Fatalf("%q, read as %v: redis counts %s", s, in, got)
		}
	}
}

func TestZSetAgainstRedis(t *testing.T) {
	server := startRedis(t)
	r := newRand(t)
	for range 60 {
		limits := ZSetLimits{Entries: 5 + r.IntN(30), Value: 20 + r.IntN(10)}
		server.do("CONFIG", "SET", "zset-max-listpack-entries", strconv.Itoa(limits.Entries),
			"zset-max-listpack-value", strconv.Itoa(limits.Value))
		server.do("DEL", "z")
		m := NewMemory(arena.New(), testSeed)
		z := NewZSet(&m)
		for range 60 {
			member, score := smallText(r.IntN(50), 25), anyScore(r)
			if r.IntN(3) > 0 || z.Len() < 2 {
				added := z.Set(member, score, limits)
				if got := server.do("ZADD", "z", string(AppendFloat(nil, score)), string(member)); (got == "1") != added {
					t.Fatalf("ZADD %q: redis %s, this %v", member, got, added)
				}
			} else {
				gone := z.Delete(member)
				if got := server.do("ZREM", "z", string(member)); (got == "1") != gone {
					t.Fatalf("ZREM %q: redis %s, this %v", member, got, gone)
				}
			}
			if want := server.do("OBJECT", "ENCODING", "z"); want != z.Encoding() {
				t.Fatalf("redis %s, this %s", want, z.Encoding())
			}
			var b bytes.Buffer
			w := snapshot.NewWriter(&b)
			z.Encode(w)
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			typ, body := server.dump("z")
			if typ != byte(z.Type()) || z.Large() == nil && !bytes.Equal(body, b.Bytes()) ||
				z.Large() != nil && !slices.Equal(pairsOf(t, body), pairsOf(t, b.Bytes())) {
				t.Fatalf("type %d, this %d: redis writes\n%x, this\n%x", typ, z.Type(), body, b.Bytes())
			}
		}
	}
}

// pairsOf reads members and scores in the order of a file.
func pairsOf(t *testing.T, body []byte) (all []string) {
	t.Helper()
	r := snapshot.NewReader(bytes.NewReader(body), snapshot.Limits{})
	if err := r.ZSet(snapshot.TypeZSet2, func(member []byte, score float64) error {
		all = append(all, string(member), string(AppendFloat(nil, score)))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDecodeZSet(t *testing.T) {
	pack := func(texts ...string) string {
		lp := New(nil)
		for _, s := range texts {
			lp = lp.Append(nil, []byte(s))
		}
		return string(rune(len(lp))) + string(lp)
	}
	binary := func(f float64) string {
		var b [8]byte
		for i := range b {
			b[i] = byte(math.Float64bits(f) >> (8 * i))
		}
		return string(b[:])
	}
	many := ZSetLimits{8, 8}
	for _, c := range []struct {
		name, file string
		typ        snapshot.Type
		limits     ZSetLimits
		want       string // the encoding; empty for an error
		err        error
	}{
		{"text", "\x02\x03foo\x031.5\x01a\xfe", snapshot.TypeZSet, many, "listpack", nil},
		{"text of long members", "\x01\x03foo\x031.5", snapshot.TypeZSet, ZSetLimits{8, 2}, "skiplist", nil},
		{"infinite text", "\x02\x03foo\xff\x01a\xfe", snapshot.TypeZSet, ZSetLimits{0, 2}, "skiplist", nil},
		{"text that is no number", "\x01\x03foo\x031.x", snapshot.TypeZSet, many, "", snapshot.ErrFormat},
		{"text NaN", "\x01\x03foo\xfd", snapshot.TypeZSet, many, "", snapshot.ErrFormat},
		{"binary", "\x01\x03foo" + binary(1.5), snapshot.TypeZSet2, many, "skiplist", nil},
		{"binary NaN", "\x01\x03foo" + binary(math.NaN()), snapshot.TypeZSet2, many, "", snapshot.ErrFormat},
		{"no members", "\x00", snapshot.TypeZSet2, many, "", ErrEmpty},
		{"twice", "\x02\x03foo" + binary(1) + "\x03foo" + binary(2), snapshot.TypeZSet2, many, "", snapshot.ErrFormat},
		{"cut short", "\x02\x03foo" + binary(1) + "\x03f", snapshot.TypeZSet2, many, "", snapshot.ErrFormat},
		{"listpack", pack("a", "1", "foo", "2.5"), snapshot.TypeZSetListpack, ZSetLimits{}, "listpack", nil},
		{"listpack out of order", pack("foo", "2.5", "a", "1"), snapshot.TypeZSetListpack, many, "", snapshot.ErrFormat},
		{"listpack out of the order of members", pack("foo", "1", "a", "1"), snapshot.TypeZSetListpack, many, "", snapshot.ErrFormat},
		{"listpack with a member twice", pack("foo", "1", "foo", "2"), snapshot.TypeZSetListpack, many, "", snapshot.ErrFormat},
		{"listpack with no number", pack("foo", "x"), snapshot.TypeZSetListpack, many, "", snapshot.ErrFormat},
		{"listpack with NaN", pack("foo", "nan"), snapshot.TypeZSetListpack, many, "", snapshot.ErrFormat},
		{"half a pair", pack("foo"), snapshot.TypeZSetListpack, many, "", snapshot.ErrFormat},
		{"empty listpack", pack(), snapshot.TypeZSetListpack, many, "", snapshot.ErrFormat},
		{"of another type", "\x03foo", snapshot.TypeList, many, "", snapshot.ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewMemory(arena.New(), testSeed)
			z, err := DecodeZSet(snapshot.NewReader(bytes.NewReader([]byte(c.file)), snapshot.Limits{}), c.typ, &m, c.limits)
			if c.want == "" {
				if !errors.Is(err, c.err) || m.Arena.Stats().Cells != 0 {
					t.Fatalf("error %v, %d cells left", err, m.Arena.Stats().Cells)
				}
				return
			}
			if err != nil || z.Encoding() != c.want {
				t.Fatalf("%s, error %v", z.Encoding(), err)
			}
			if _, ok := z.Score([]byte("foo")); !ok {
				t.Fatal("foo is missing")
			}
		})
	}
}

func TestZSetNoAllocation(t *testing.T) {
	m, limits := NewMemory(arena.New(), testSeed), ZSetLimits{128, 64}
	kept := NewZSet(&m)
	for i := range 20 {
		kept.Set(strconv.AppendInt([]byte("m"), int64(i), 10), float64(i)/4, limits)
		kept = keepZSet(&m, kept)
	}
	z, member, other := kept, []byte("m10"), []byte("another")
	if n := testing.AllocsPerRun(100, func() {
		z = kept
		z.Set(member, 0.3, limits)
		z.Set(other, 17, limits)
		z.Delete(member)
		z.Score(member)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
