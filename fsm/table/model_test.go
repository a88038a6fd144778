package table

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"
)

// model is a Table beside a sorted slice with what it must hold. Among equal fragments the order is
// that of rank, which is drawn for every entry and survives a replacement of its ref.
type model struct {
	t     testing.TB
	table Table
	want  []uint64
	rank  map[uint32]uint32
	refs  uint32
	epoch uint32
	views []view
}

// view is a clone and what it must go on holding.
type view struct {
	table *Table
	want  []uint64
}

func newModel(t testing.TB) *model {
	m := &model{t: t, rank: map[uint32]uint32{}, epoch: 1}
	return m
}

// at returns where an entry stands or belongs in want.
func (m *model) at(frag, rank uint32) int {
	return sort.Search(len(m.want), func(i int) bool {
		f := uint32(m.want[i] >> 32)
		return f > frag || f == frag && m.rank[uint32(m.want[i])] >= rank
	})
}

func (m *model) insert(frag, rank uint32) {
	i := m.at(frag, rank)
	if i < len(m.want) && uint32(m.want[i]>>32) == frag && m.rank[uint32(m.want[i])] == rank {
		return // the same entry again
	}
	m.refs++
	ref := m.refs
	m.rank[ref] = rank
	m.want = slices.Insert(m.want, i, place(frag, ref))
	m.table.Insert(frag, ref, func(other uint32) bool { return m.rank[other] > rank }, m.epoch)
}

func (m *model) remove(i int) {
	v := m.want[i]
	m.want = slices.Delete(m.want, i, i+1)
	if !m.table.Delete(uint32(v>>32), uint32(v), m.epoch) {
		m.t.Fatalf("%016x is not there to delete", v)
	}
	if m.table.Delete(uint32(v>>32), uint32(v), m.epoch) {
		m.t.Fatalf("%016x was deleted twice", v)
	}
}

func (m *model) replace(i int) {
	m.refs++
	v := m.want[i]
	m.rank[m.refs] = m.rank[uint32(v)]
	m.want[i] = place(uint32(v>>32), m.refs)
	m.table.Replace(uint32(v>>32), uint32(v), m.refs, m.epoch)
}

func (m *model) find(i int) {
	m.t.Helper()
	v := m.want[i]
	frag, ref := uint32(v>>32), uint32(v)
	if got, ok := m.table.Find(frag, func(r uint32) bool { return r == ref }); !ok || got != ref {
		m.t.Fatalf("Find(%08x) = %d, %v, want %d", frag, got, ok, ref)
	}
	first, _ := m.table.Find(frag, func(uint32) bool { return true })
	if got := m.table.First(frag); got != first {
		m.t.Fatalf("First(%08x) = %d, want %d", frag, got, first)
	}
	if got, ok := m.table.Find(frag, func(uint32) bool { return false }); ok || got != 0 {
		m.t.Fatalf("Find(%08x) = %d without a match", frag, got)
	}
	if f, r := m.table.Nth(i); f != frag || r != ref {
		m.t.Fatalf("Nth(%d) = %08x %d, want %016x", i, f, r, v)
	}
}

func (m *model) clone() {
	if len(m.views) == 3 {
		m.views = m.views[1:]
	}
	m.views = append(m.views, view{m.table.Clone(), slices.Clone(m.want)})
	m.epoch++
}

// verify compares everything, the clones included, and checks the structure.
func (m *model) verify() {
	m.t.Helper()
	check(m.t, &m.table)
	if got := dump(&m.table); !slices.Equal(got, m.want) || m.table.Len() != len(m.want) {
		m.t.Fatalf("holds %d entries that differ from the wanted %d", len(got), len(m.want))
	}
	for _, v := range m.views {
		check(m.t, v.table)
		if !slices.Equal(dump(v.table), v.want) {
			m.t.Fatal("a clone changed")
		}
	}
}

// spreads are ways to draw fragments, from those the Table is made for to the worst.
var spreads = map[string]func(r *rand.Rand) uint32{
	"even":      func(r *rand.Rand) uint32 { return r.Uint32() },
	"few":       func(r *rand.Rand) uint32 { return r.Uint32N(50) * 0x05000000 },
	"low":       func(r *rand.Rand) uint32 { return r.Uint32N(2000) },
	"high":      func(r *rand.Rand) uint32 { return ^r.Uint32N(2000) },
	"greatest":  func(r *rand.Rand) uint32 { return 1<<32 - 1 },
	"clustered": func(r *rand.Rand) uint32 { return 0x7fffff00 + r.Uint32N(1<<r.Uint32N(32)) },
}

func seeded(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func TestModel(t *testing.T) {
	for name, spread := range spreads {
		t.Run(name, func(t *testing.T) {
			r := seeded(t)
			m := newModel(t)
			t.Cleanup(m.verify)
			for range 6 {
				grow := r.IntN(100) // how often of 100 a step inserts
				for range 3000 {
					switch n := len(m.want); {
					case n == 0 || r.IntN(100) < grow:
						m.insert(spread(r), r.Uint32())
					case r.IntN(4) > 0:
						m.remove(r.IntN(n))
					case r.IntN(50) == 0:
						m.clone()
					default:
						i := r.IntN(n)
						m.find(i)
						m.replace(i)
						m.find(i)
					}
				}
				m.verify()
			}
			for len(m.want) > 0 {
				m.remove(r.IntN(len(m.want)))
			}
			if m.table.dir != nil || m.table.Bytes() != 0 {
				t.Errorf("an emptied table holds %d bytes", m.table.Bytes())
			}
		})
	}
}

// A large table splits and merges many times, under clones.
func TestGrowAndShrink(t *testing.T) {
	r := seeded(t)
	m := newModel(t)
	t.Cleanup(m.verify)
	for n := range 60000 {
		m.insert(r.Uint32(), 0)
		if n%7000 == 0 {
			m.clone()
		}
	}
	m.verify()
	if m.table.dir == nil || m.table.dir.depth < 5 {
		t.Fatal("the table did not split")
	}
	for len(m.want) > 0 {
		m.remove(r.IntN(len(m.want)))
		if len(m.want)%7000 == 0 {
			m.clone()
			m.verify()
		}
	}
	if m.table.dir != nil {
		t.Error("the table did not merge")
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte{0, 1, 0, 200, 9, 5, 1, 1, 255})
	f.Add(slices.Repeat([]byte{0, 255, 7}, 300))
	f.Add(slices.Repeat([]byte{1, 2, 3, 130, 5, 200, 251}, 100))
	f.Fuzz(func(t *testing.T, ops []byte) {
		const most = 500 // equal fragments cost as many steps as there are; thousands look like a hang
		m := newModel(t)
		for i, op := range ops[:min(len(ops), most)] {
			n := len(m.want)
			switch at := i * 0x9e3779b1; {
			case op < 128 || n == 0:
				m.insert(uint32(op)<<25|uint32(at)>>(op%30), uint32(at))
			case op < 160: // several at once, close together
				for j := range uint32(40) {
					m.insert(uint32(op)<<27+j, uint32(at))
				}
			case op < 230:
				m.remove(at % n)
			case op < 250:
				m.find(at % n)
				m.replace(at % n)
			default:
				m.clone()
			}
		}
		m.verify()
	})
}

// Two tables with the same contents, reached in different ways and now of different layout, scan
// and draw alike.
func TestOrderHasNoHistory(t *testing.T) {
	for name, spread := range spreads {
		t.Run(name, func(t *testing.T) {
			r := seeded(t)
			var keep []uint64 // the ref is the rank as well
			for ref := range uint32(3000) {
				keep = append(keep, place(spread(r), ref+1))
			}
			after := func(ref uint32) func(uint32) bool {
				return func(other uint32) bool { return other > ref }
			}
			var a, b Table
			for _, v := range keep {
				a.Insert(uint32(v>>32), uint32(v), after(uint32(v)), 1)
			}
			var passing []uint64
			for ref := range uint32(4000) {
				passing = append(passing, place(spread(r), ref+10000))
			}
			both := append(slices.Clone(keep), passing...)
			r.Shuffle(len(both), func(i, j int) { both[i], both[j] = both[j], both[i] })
			for i, v := range both {
				b.Insert(uint32(v>>32), uint32(v), after(uint32(v)), uint32(i/100))
			}
			for _, v := range passing {
				b.Delete(uint32(v>>32), uint32(v), 1000)
			}
			check(t, &a)
			check(t, &b)
			if !slices.Equal(dump(&a), dump(&b)) {
				t.Fatal("the tables scan differently")
			}
			slices.Sort(keep)
			if !slices.Equal(dump(&a), keep) {
				t.Fatal("the scan is not in order")
			}
			for n, v := range keep {
				pick := func(uint64) uint64 { return uint64(n) }
				if f, ref := b.Random(pick); place(f, ref) != v {
					t.Fatalf("entry %d is %08x %d, want %016x", n, f, ref, v)
				}
			}
		})
	}
}

func TestScanStepsBesideChanges(t *testing.T) {
	for name, spread := range spreads {
		t.Run(name, func(t *testing.T) { scanBesideChanges(t, spread) })
	}
}

// scanBesideChanges scans a few at a time while the table grows and shrinks around entries that
// stay, and holds the scan to visiting each of these once and each fragment in one call.
func scanBesideChanges(t *testing.T, spread func(*rand.Rand) uint32) {
	r := seeded(t)
	m := newModel(t)
	t.Cleanup(m.verify)
	stay := map[uint32]bool{}
	for range 2500 {
		m.insert(spread(r), r.Uint32())
		stay[m.refs] = true
	}
	seen := map[uint32]int{}
	from, more := uint32(0), true
	last, grow := int64(-1), true
	for more {
		limit, n := 1+r.IntN(20), 0
		previous := from
		from, more = m.table.Scan(from, func(frag, ref uint32) bool {
			if int64(frag) < last || n == 0 && int64(frag) == last {
				t.Fatalf("fragment %08x after %08x", frag, last)
			}
			last = int64(frag)
			seen[ref]++
			n++
			return n < limit
		})
		if more && (int64(from) <= last || from < previous) {
			t.Fatalf("the scan that visited up to %08x goes on at %08x", last, from)
		}
		grow = grow != (r.IntN(20) == 0)
		for range r.IntN(60) {
			if i := 0; grow {
				m.insert(spread(r), r.Uint32())
			} else if i = r.IntN(len(m.want)); !stay[uint32(m.want[i])] {
				m.remove(i)
			}
		}
	}
	for ref := range stay {
		if seen[ref] != 1 {
			t.Fatalf("ref %d was visited %d times", ref, seen[ref])
		}
	}
}

func TestScanReturnsTheNextFragment(t *testing.T) {
	var x Table
	visit := func(uint32, uint32) bool { return false }
	if next, more := x.Scan(0, visit); next != 0 || more {
		t.Errorf("an empty table: %d, %v", next, more)
	}
	for i, frag := range []uint32{0, 7, 7, 7, 1 << 31, 1<<32 - 1} {
		x.Insert(frag, uint32(i+1), nil, 0)
	}
	var got []string
	for from, more := uint32(0), true; more; {
		line := ""
		from, more = x.Scan(from, func(frag, ref uint32) bool {
			line += fmt.Sprintf("%x:%d ", frag, ref)
			return false
		})
		got = append(got, line)
	}
	want := []string{"0:1 ", "7:2 7:3 7:4 ", "80000000:5 ", "ffffffff:6 "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if next, more := x.Scan(8, visit); next != 1<<32-1 || !more {
		t.Errorf("from 8: %x, %v", next, more)
	}
	check(t, &x)
}
