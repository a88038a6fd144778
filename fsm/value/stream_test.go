package value

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/snapshot"
)

// modelEntry is an entry of the plain slice that a stream stands for.
type modelEntry struct {
	id    StreamID
	pairs []string
}

func flatten(e *StreamEntry) []string {
	var pairs []string
	e.Each(func(field, v Value) { pairs = append(pairs, field.String(), v.String()) })
	return pairs
}

// checkStream compares a stream with the entries that it should hold, and with itself written and read.
func checkStream(t testing.TB, m *Memory, s *Stream, want []modelEntry) {
	t.Helper()
	for _, reverse := range []bool{false, true} {
		var got []modelEntry
		s.Range(StreamID{}, MaxStreamID(), reverse, func(e *StreamEntry) bool {
			got = append(got, modelEntry{e.ID, flatten(e)})
			return true
		})
		if reverse {
			slices.Reverse(got)
		}
		if !slices.EqualFunc(got, want, func(a, b modelEntry) bool { return a.id == b.id && slices.Equal(a.pairs, b.pairs) }) {
			t.Fatalf("reverse %v: has %v, want %v", reverse, got, want)
		}
	}
	newest, any := s.Newest()
	if s.Len() != len(want) || any != (len(want) > 0) || any && (newest != want[len(want)-1].id || s.First != want[0].id) {
		t.Fatalf("%d entries from %v to %v, want %d", s.Len(), s.First, newest, len(want))
	}
	packed := int64(0)
	s.nodes.Scan(func(n *streamNode) bool {
		if !Valid(n.pack) {
			t.Fatalf("node %v is no listpack", n.id)
		}
		packed += int64(len(n.pack))
		return true
	})
	if packed != s.packed {
		t.Fatalf("%d bytes of listpacks counted as %d", packed, s.packed)
	}
	checkGroups(t, s)
	image := encoded(t, s)
	back, err := DecodeStream(snapshot.NewReader(bytes.NewReader(image), snapshot.Limits{}), snapshot.TypeStreamListpacks2, m)
	if err != nil {
		t.Fatal(err)
	}
	if again := encoded(t, back); !bytes.Equal(again, image) || back.Bytes() != s.Bytes() {
		t.Fatalf("written, read and written again it is another")
	}
}

// checkGroups checks that what is pending in each group is pending for exactly one of its consumers.
func checkGroups(t testing.TB, s *Stream) {
	t.Helper()
	s.EachGroup(func(g *Group) {
		owned := 0
		g.EachConsumer(func(c *Consumer) {
			g.EachPending(c, StreamID{}, func(p Pending) bool {
				owned++
				if p.owner != c.name {
					t.Fatalf("group %q: %v is pending for %q and %q", g.name, p.ID, *c.name, *p.owner)
				}
				return true
			})
		})
		if owned != g.Pending() {
			t.Fatalf("group %q: %d entries pending, consumers have %d", g.name, g.Pending(), owned)
		}
	})
}

func encoded(t testing.TB, s *Stream) []byte {
	t.Helper()
	var b bytes.Buffer
	w := snapshot.NewWriter(&b)
	s.Encode(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// randomPairs makes up fields and values; most have the same fields.
func randomPairs(rnd *rand.Rand) (pairs [][]byte, text []string) {
	for i := range 1 + rnd.IntN(3) {
		field := fmt.Sprintf("f%d", i)
		if rnd.IntN(5) == 0 {
			field = fmt.Sprint(rnd.IntN(300))
		}
		v := fmt.Sprint(rnd.Uint64() >> rnd.IntN(64))
		if rnd.IntN(10) == 0 {
			v = string(bytes.Repeat([]byte("x"), rnd.IntN(10000)))
		}
		pairs = append(pairs, []byte(field), []byte(v))
		text = append(text, field, v)
	}
	return pairs, text
}

// TestStreamModel changes streams at random, with views taken in between, and compares each with a slice.
func TestStreamModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 20))
	for range 20 {
		m := NewMemory(arena.New(), 1)
		s := NewStream(&m)
		limits := StreamLimits{Bytes: []int{0, 300, 4096}[rnd.IntN(3)], Entries: []int64{0, 1, 10, 200}[rnd.IntN(4)]}
		var want []modelEntry
		var view *Stream
		var image []byte
		for step := range 600 {
			s = s.Writable(&m)
			want = changeStream(t, rnd, &m, s, want, limits)
			if step%50 == 0 {
				checkStream(t, &m, s, want)
				if view != nil {
					if !bytes.Equal(encoded(t, view), image) {
						t.Fatal("a view has changed")
					}
					m.Release(1)
				}
				m.Freeze()
				view, image = s, encoded(t, s)
			}
		}
		checkStream(t, &m, s, want)
		checkStream(t, &m, s.CopyTo(&m, nil).(*Stream), want)
	}
}

// changeStream makes one change of a stream and of what it should hold.
func changeStream(t *testing.T, rnd *rand.Rand, m *Memory, s *Stream, want []modelEntry, limits StreamLimits) []modelEntry {
	pick := func() StreamID {
		if len(want) == 0 || rnd.IntN(10) == 0 {
			return StreamID{MS: uint64(rnd.IntN(2000))}
		}
		return want[rnd.IntN(len(want))].id
	}
	switch rnd.IntN(12) {
	case 0:
		id := pick()
		i := slices.IndexFunc(want, func(e modelEntry) bool { return e.id == id })
		if s.Delete(m, id) != (i >= 0) {
			t.Fatalf("Delete of %v, which is entry %d", id, i)
		}
		if i >= 0 {
			return slices.Delete(want, i, i+1)
		}
	case 1:
		trim := StreamTrim{Max: int64(len(want) - rnd.IntN(len(want)/4+1))}
		if n := s.Trim(m, trim); n != int64(len(want))-trim.Max {
			t.Fatalf("trimmed %d of %d entries to %d", n, len(want), trim.Max)
		}
		return want[int64(len(want))-trim.Max:]
	case 2:
		trim := StreamTrim{ByID: rnd.IntN(2) == 0, Min: pick(), Max: int64(rnd.IntN(len(want) + 1)), Approx: true}
		n := s.Trim(m, trim)
		if n > int64(len(want)) || !trim.ByID && n > int64(len(want))-trim.Max {
			t.Fatalf("trimmed %d of %d entries: %+v", n, len(want), trim)
		}
		return want[n:]
	case 3:
		from, to, limit := pick(), pick(), rnd.IntN(20)
		n := 0
		for _, e := range want {
			if e.id.Compare(from) >= 0 && e.id.Compare(to) <= 0 && (limit == 0 || n < limit) {
				n++
			}
		}
		if got := s.Count(from, to, limit); got != n {
			t.Fatalf("%d entries from %v to %v, up to %d, counted as %d", n, from, to, limit, got)
		}
	case 4:
		changeGroups(rnd, m, s, pick)
	case 5:
		switch newest, any := s.Newest(); {
		case !any:
			s.SetLast(pick())
		case rnd.IntN(4) == 0:
			s.SetLast(newest)
		case rnd.IntN(4) == 0: // a node stays, in which all is deleted
			s.Delete(m, newest)
			return want[s.Trim(m, StreamTrim{ByID: true, Min: newest}) : len(want)-1]
		}
	default:
		id, ok := s.NextID(int64(s.Last.MS) + rnd.Int64N(3))
		pairs, text := randomPairs(rnd)
		if !ok {
			t.Fatal("no id left")
		}
		if err := s.Add(m, s.Last, pairs, limits); !errors.Is(err, ErrStreamID) {
			t.Fatalf("an id twice: %v", err)
		}
		if err := s.Add(m, id, pairs, limits); err != nil {
			t.Fatal(err)
		}
		return append(want, modelEntry{id, text})
	}
	return want
}

// changeGroups makes a change of the groups.
func changeGroups(rnd *rand.Rand, m *Memory, s *Stream, pick func() StreamID) {
	name := fmt.Appendf(nil, "g%d", rnd.IntN(3))
	s.CreateGroup(m, name, pick(), ReadUnknown)
	g := s.Change(m, name)
	consumer := fmt.Appendf(nil, "c%d", rnd.IntN(4))
	switch rnd.IntN(12) {
	case 0:
		s.DestroyGroup(name)
	case 1:
		g.DeleteConsumer(m, consumer)
	case 2, 3, 4:
		g.Ack(m, pick())
	default:
		for range 5 {
			c, _ := g.Member(m, consumer, 5)
			g.Assign(m, c, Pending{ID: pick(), Delivered: 7, Count: 1})
		}
	}
}
