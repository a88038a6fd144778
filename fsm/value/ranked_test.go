package value

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
)

// rankedModel is a sorted set as a map and as the order that follows from it.
type rankedModel map[string]float64

func (m rankedModel) order() []string {
	members := make([]string, 0, len(m))
	for member := range m {
		members = append(members, member)
	}
	slices.SortFunc(members, func(a, b string) int {
		switch {
		case m[a] < m[b]:
			return -1
		case m[a] > m[b]:
			return 1
		}
		return strings.Compare(a, b)
	})
	return members
}

// anyScore returns one of a few scores, or any.
func anyScore(r *rand.Rand) float64 {
	switch r.IntN(6) {
	case 0:
		return r.NormFloat64() * math.Pow10(r.IntN(600)-300)
	case 1:
		return []float64{math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), math.MaxFloat64, 5e-324, 1 << 53, 1e17, 1e16, 0.1}[r.IntN(10)]
	}
	return float64(r.IntN(40) - 20)
}

// checkRanked compares a Ranked with what it should hold and checks its nodes.
func checkRanked(t testing.TB, m *Memory, z *Ranked, want rankedModel) {
	t.Helper()
	order := want.order()
	if z.Len() != len(want) || z.ranks.len() != len(want) {
		t.Fatalf("%d members, %d ranked, want %d", z.Len(), z.ranks.len(), len(want))
	}
	if z.ranks.root != nil {
		checkNode(t, z.ranks.root, true)
	}
	i := 0
	z.Range(m.Arena, 0, z.Len(), false, func(member []byte, score float64) bool {
		if string(member) != order[i] || score != want[order[i]] {
			t.Fatalf("rank %d is %.40q with %g, want %.40q with %g", i, member, score, order[i], want[order[i]])
		}
		if got, ok := z.Score(m, member); !ok || got != score {
			t.Fatalf("the score of %.40q is %g, its rank's %g", member, got, score)
		}
		if i%7 == 0 {
			if rank, ok := z.Rank(m, member); !ok || rank != i {
				t.Fatalf("the rank of %.40q is %d, want %d", member, rank, i)
			}
			if got, s := z.Nth(m, i); !bytes.Equal(got, member) || s != score {
				t.Fatalf("member %d is %.40q", i, got)
			}
		}
		i++
		return true
	})
	if i != len(want) {
		t.Fatalf("%d members visited of %d", i, len(want))
	}
}

// checkNode checks the numbers and widths below a node and returns its depth.
func checkNode(t testing.TB, n *rankNode, root bool) (depth int) {
	t.Helper()
	if n.width() == 0 || n.width() >= rankWidth || cap(n.entries) > rankWidth || cap(n.kids) > 2*rankWidth ||
		(n.kids != nil && n.entries != nil) || root && len(n.kids) == 1 {
		t.Fatalf("a node with %d entries (room for %d) and %d kids", len(n.entries), cap(n.entries), len(n.kids))
	}
	for i := range n.kids {
		k := &n.kids[i]
		if *k != kid(k.node) {
			t.Fatalf("a kid is not as its parent has it: %v", *k)
		}
		if d := checkNode(t, k.node, false); i > 0 && d != depth {
			t.Fatal("leaves at different depths")
		} else {
			depth = d
		}
	}
	return depth + 1
}

func memberOrLong(r *rand.Rand, pairs []string) []byte {
	if r.IntN(50) == 0 {
		return bytes.Repeat([]byte{'a' + byte(r.IntN(3))}, maxPart+r.IntN(3)-1)
	}
	return anyField(r, pairs)
}

// changeRanked makes random changes to a Ranked and its model.
func changeRanked(t testing.TB, r *rand.Rand, pairs []string, m *Memory, z *Ranked, model rankedModel, n int) {
	t.Helper()
	for range n {
		member := memberOrLong(r, pairs)
		_, had := model[string(member)]
		switch {
		case r.IntN(4) == 0:
			if z.Delete(m, member) != had {
				t.Fatalf("Delete(%.40q) is wrong", member)
			}
			delete(model, string(member))
		case r.IntN(60) == 0:
			order := model.order()
			from := r.IntN(len(order) + 1)
			to := min(len(order), from+r.IntN(30))
			z.DeleteRange(m, from, to)
			for _, member := range order[from:to] {
				delete(model, member)
			}
		default:
			score := anyScore(r)
			if z.Set(m, member, score) == had {
				t.Fatalf("Set(%.40q) is wrong", member)
			}
			model[string(member)] = score
		}
	}
}

// TestRankedModel changes a Ranked while views of it are taken, read by other goroutines, and released.
func TestRankedModel(t *testing.T) {
	r, pairs := newRand(t), colliding()
	m := NewMemory(arena.New(), testSeed)
	z, model := NewRanked(&m), rankedModel{}
	for range 30 {
		changeRanked(t, r, pairs, &m, z, model, 150)
		checkRanked(t, &m, z, model)
		cells := m.Freeze()
		old, was, order := z, map[string]float64{}, model.order()
		for member, score := range model {
			was[member] = score
		}
		seen := make(chan error, 1)
		go func() { seen <- sameRanked(old, cells, order, was) }()
		if z = z.Writable(&m); z == old || z.Writable(&m) != z {
			t.Fatal("a view's Ranked must not be changed, its clone may")
		}
		changeRanked(t, r, pairs, &m, z, model, 150)
		checkRanked(t, &m, z, model)
		if err := <-seen; err != nil {
			t.Fatal(err)
		}
		if err := sameRanked(old, cells, order, was); err != nil {
			t.Fatal(err)
		}
		if _, done := old.FreeSome(&m, 1); !done {
			t.Fatal("a Ranked freed the cells that its clone has")
		}
		for m.Release(7) {
			continue
		}
		checkRanked(t, &m, z, model)
		if n := m.Arena.Stats().Cells; n != int64(len(model)) {
			t.Fatalf("%d cells for %d members", n, len(model))
		}
	}
	c := z.CopyTo(&m, m.Arena).(*Ranked)
	checkRanked(t, &m, c, model)
	if c.Bytes() != z.Bytes() {
		t.Errorf("%d bytes, its copy %d", z.Bytes(), c.Bytes())
	}
	c.Free(&m)
	z.Free(&m)
	if m.Arena.Stats().Cells != 0 {
		t.Fatal("cells are left")
	}
}

// sameRanked compares what a view's goroutine reads, from the highest rank down, with what it should be.
func sameRanked(z *Ranked, cells Cells, order []string, scores map[string]float64) (err error) {
	i := len(order)
	z.Range(cells, 0, z.Len(), true, func(member []byte, score float64) bool {
		if i--; i < 0 || order[i] != string(member) || scores[order[i]] != score {
			err = fmt.Errorf("the view saw a change: member %.40q with %g at rank %d", member, score, i)
		}
		return err == nil
	})
	if err == nil && i != 0 {
		err = fmt.Errorf("the view did not see %d members", i)
	}
	return err
}

// TestRankedAtItsEnds fills a Ranked from below, from above and at one place in the middle, and empties it.
// However it grows, its leaves do not stay nearly empty.
func TestRankedAtItsEnds(t *testing.T) {
	const n = 40000
	for name, score := range map[string]func(i int) float64{
		"rising":  func(i int) float64 { return float64(i) },
		"falling": func(i int) float64 { return float64(-i) },
		"inwards": func(i int) float64 { return float64((1 - 2*(i%2)) * (n - i)) },
		"onwards": func(i int) float64 { return float64((1 - 2*(i%2)) * i) },
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMemory(arena.New(), testSeed)
			z, model := NewRanked(&m), rankedModel{}
			for i := range n {
				member := fmt.Sprint(i)
				z.Set(&m, []byte(member), score(i))
				model[member] = score(i)
			}
			checkRanked(t, &m, z, model)
			if used := float64(n*16) / float64(leafBytes(z.ranks.root)); used < 0.49 {
				t.Errorf("%.2f of the leaves' memory is used", used)
			}
			for n := z.Len(); n > 0; n = z.Len() {
				z.DeleteRange(&m, n/3, n/3+(n+1)/2)
				if z.ranks.root != nil {
					checkNode(t, z.ranks.root, true)
				}
			}
			if z.ranks.root != nil || m.Arena.Stats().Cells != 0 {
				t.Error("an empty set holds memory")
			}
		})
	}
}

func leafBytes(n *rankNode) int {
	bytes := 16 * cap(n.entries)
	for i := range n.kids {
		bytes += leafBytes(n.kids[i].node)
	}
	return bytes
}

func TestRankedEvacuate(t *testing.T) {
	r := newRand(t)
	m := NewMemory(arena.New(), testSeed)
	z, model := NewRanked(&m), rankedModel{}
	for i := range 60000 {
		member := fmt.Sprintf("member %d", i)
		z.Set(&m, []byte(member), float64(i%100))
		model[member] = float64(i % 100)
	}
	for i := range 60000 {
		if member := fmt.Sprintf("member %d", i); r.IntN(10) > 0 {
			z.Delete(&m, []byte(member))
			delete(model, member)
		}
	}
	before := m.Arena.Stats().Mapped
	for from, more := uint32(0), true; more; {
		from, more = z.Evacuate(&m, from, 100)
	}
	if after := m.Arena.Stats().Mapped; after > before/2 {
		t.Errorf("%d bytes mapped, before %d", after, before)
	}
	checkRanked(t, &m, z, model)
}

func FuzzRanked(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	pairs := colliding()
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := rand.New(rand.NewPCG(a, b))
		m := NewMemory(arena.New(), testSeed)
		z, model := NewRanked(&m), rankedModel{}
		for range 4 {
			changeRanked(t, r, pairs, &m, z, model, 200)
			checkRanked(t, &m, z, model)
		}
	})
}

func BenchmarkRanked(b *testing.B) {
	const n = 1 << 20
	m := NewMemory(arena.New(), testSeed)
	z := NewRanked(&m)
	r := rand.New(rand.NewPCG(1, 2))
	members := make([][]byte, n)
	for i := range members {
		members[i] = fmt.Appendf(nil, "member:%09d", i)
		z.Set(&m, members[i], r.Float64()*n)
	}
	held := m.Arena.Stats().Live + int64(z.dict.table.Bytes()+leafBytes(z.ranks.root))
	b.Logf("%d bytes a member, %d by Bytes", held/n, z.Bytes()/n)
	at := func(i int) []byte { return members[i*40503&(n-1)] }
	b.Run("Set/other score", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			z.Set(&m, at(i), r.Float64()*n)
		}
	})
	b.Run("Delete+Set", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			z.Delete(&m, at(i))
			z.Set(&m, at(i), r.Float64()*n)
		}
	})
	b.Run("Rank", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			z.Rank(&m, at(i))
		}
	})
	b.Run("Nth", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			z.Nth(&m, i*40503&(n-1))
		}
	})
}
