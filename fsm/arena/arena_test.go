package arena

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"
)

// seeded returns a source whose seed the test prints, and checks the Arena when the test ends.
func seeded(t *testing.T, a *Arena) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	t.Cleanup(func() { check(t, a) })
	return rand.New(rand.NewPCG(seed, 0))
}

func TestClassSizes(t *testing.T) {
	last, classes := 0, 0
	for size := 1; size <= MaxCell; size++ {
		got := ClassSize(size)
		if got < size || got%granule != 0 || got < last || ClassSize(got) != got {
			t.Fatalf("ClassSize(%d) = %d after %d", size, got, last)
		}
		if size <= 1024 && got-size >= 16 || size > 1024 && (got-size)*8 >= size {
			t.Fatalf("ClassSize(%d) = %d wastes more than a step", size, got)
		}
		if got != last {
			if index, _ := classOf(size); index != classes {
				t.Fatalf("size %d is of class %d, want %d", size, index, classes)
			}
			last = got
			classes++
		}
	}
	if classes != classCount || last != MaxCell {
		t.Fatalf("%d classes up to %d", classes, last)
	}
}

func TestBadSizesPanic(t *testing.T) {
	for _, size := range []int{-1, 0, MaxCell + 1} {
		mustPanic(t, func() { New().Alloc(size) })
	}
	mustPanic(t, func() { New().Free(0) })
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}

// cells is a model of an Arena: what each live cell must hold.
type cells struct {
	t    testing.TB
	a    *Arena
	refs []Ref
	want map[Ref][]byte
	live int64
	seq  uint64
}

func newCells(t testing.TB, a *Arena) *cells {
	return &cells{t: t, a: a, want: map[Ref][]byte{}}
}

func (c *cells) alloc(size int) Ref {
	r := c.a.Alloc(size)
	if _, taken := c.want[r]; taken || r == 0 {
		c.t.Fatalf("Alloc returned %d, taken: %v", r, taken)
	}
	cell := c.a.Bytes(r)
	if len(cell) != ClassSize(size) || cap(cell) != len(cell) {
		c.t.Fatalf("a cell for %d bytes has %d, capacity %d", size, len(cell), cap(cell))
	}
	c.seq++
	for i := 0; i < len(cell); i += 8 {
		binary.LittleEndian.PutUint64(cell[i:], c.seq<<16+uint64(i))
	}
	c.refs = append(c.refs, r)
	c.want[r] = bytes.Clone(cell)
	c.live += int64(len(cell))
	return r
}

func (c *cells) free(i int) {
	r := c.refs[i]
	if !bytes.Equal(c.a.Bytes(r), c.want[r]) {
		c.t.Fatalf("cell %d changed", r)
	}
	c.live -= int64(len(c.want[r]))
	c.a.Free(r)
	delete(c.want, r)
	c.refs[i] = c.refs[len(c.refs)-1]
	c.refs = c.refs[:len(c.refs)-1]
}

func (c *cells) verify() {
	c.t.Helper()
	for r, want := range c.want {
		if !bytes.Equal(c.a.Bytes(r), want) {
			c.t.Fatalf("cell %d changed", r)
		}
	}
	s := c.a.Stats()
	if s.Cells != int64(len(c.refs)) || s.Live != c.live || s.Mapped < s.Live {
		c.t.Fatalf("stats %+v, want %d cells of %d bytes", s, len(c.refs), c.live)
	}
	check(c.t, c.a)
}

func TestModel(t *testing.T) {
	a := New()
	r := seeded(t, a)
	c := newCells(t, a)
	for round := range 12 {
		limit := 1 << (4 + r.IntN(11))
		grow := r.IntN(100) // how often of 100 a step allocates
		for range 4000 {
			switch {
			case len(c.refs) == 0 || len(c.refs) < 6000 && r.IntN(100) < grow:
				c.alloc(1 + r.IntN(limit))
			default:
				c.free(r.IntN(len(c.refs)))
			}
		}
		if round%4 == 3 {
			for len(c.refs) > 0 {
				c.free(r.IntN(len(c.refs)))
			}
		}
		c.verify()
	}
	if s := a.Stats(); s.Mapped > keptBlocks*slabSize+int64(len(a.regions))*regionBytes {
		t.Fatalf("an empty arena keeps %d bytes", s.Mapped)
	}
}

func FuzzArena(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 250, 251, 252, 9, 8, 7})
	f.Add(bytes.Repeat([]byte{100, 200, 131}, 200))
	f.Fuzz(func(t *testing.T, ops []byte) {
		c := newCells(t, New())
		for i, op := range ops {
			switch {
			case op < 128 || len(c.refs) == 0:
				c.alloc(1 + int(op%128)*int(op%128)) // 1 to 16130
			case op < 250:
				c.free((i * int(op)) % len(c.refs))
			default:
				evacuate(c)
			}
		}
		c.verify()
	})
}

// evacuate moves every cell that Sparse names, as the owner of an Arena would.
func evacuate(c *cells) (moved int) {
	for i := range c.refs {
		old := c.refs[i]
		if !c.a.Sparse(old) {
			continue
		}
		want := c.want[old]
		slabs := c.a.slabs
		to := c.a.Alloc(len(want))
		if c.a.slabs != slabs || to>>slabBits == old>>slabBits {
			c.t.Fatalf("the move of a sparse cell from %d went to %d, slabs %d then %d", old, to, slabs, c.a.slabs)
		}
		copy(c.a.Bytes(to), c.a.Bytes(old))
		c.a.Free(old)
		delete(c.want, old)
		c.want[to], c.refs[i] = want, to
		moved++
	}
	return moved
}

func TestEvacuation(t *testing.T) {
	a := New()
	r := seeded(t, a)
	c := newCells(t, a)
	sizes := []int{40, 100, 100, 100, 300, 2000}
	for range 60000 {
		c.alloc(sizes[r.IntN(len(sizes))])
	}
	for len(c.refs) > 15000 {
		c.free(r.IntN(len(c.refs)))
	}
	before := a.Stats()
	moved := evacuate(c)
	after := a.Stats()
	c.verify()
	t.Logf("%d of %d cells moved, mapped %d then %d, live %d", moved, len(c.refs), before.Mapped, after.Mapped, after.Live)
	if after.Live != before.Live || after.Mapped > before.Mapped/2 {
		t.Errorf("evacuation left %+v of %+v", after, before)
	}
	thin := map[int]int{} // slabs less than half full, by class
	for id := uint32(1); id < a.next; id++ {
		if s := a.slab(id); s.bytes != nil && s.fill() == sparse {
			thin[classOfGranules(s.granules)]++
		}
	}
	for index, n := range thin {
		if n > 1 {
			t.Errorf("class %d: %d sparse slabs after a pass", index, n)
		}
	}
	if again := evacuate(c); again != 0 {
		t.Errorf("a second pass moved %d cells", again)
	}
}

// A slab that thins out does not take the place of the sparse one that Alloc is filling.
func TestFillingGoesOnWhereItBegan(t *testing.T) {
	a := New()
	var first []Ref
	for range slabSize / 1024 {
		first = append(first, a.Alloc(1024))
	}
	filling := a.Alloc(1024)
	for _, r := range first[10:] {
		a.Free(r)
	}
	if !a.Sparse(first[0]) || a.Sparse(filling) {
		t.Errorf("sparse: %v in the thinned slab, %v in the other", a.Sparse(first[0]), a.Sparse(filling))
	}
	check(t, a)
}

func TestSmallArenaIsSmall(t *testing.T) {
	if poison := reflect.TypeFor[guard]().Size(); reflect.TypeFor[region]().Size() != regionBytes+regionSlabs*poison {
		t.Errorf("a region takes %d bytes", reflect.TypeFor[region]().Size())
	}
	a := New()
	if s := a.Stats(); s != (Stats{}) {
		t.Fatalf("an empty arena: %+v", s)
	}
	ref := a.Alloc(100)
	if s := a.Stats(); s.Mapped > slabSize+8192 || s.Live != 112 || s.Cells != 1 {
		t.Fatalf("one cell: %+v", s)
	}
	a.Free(ref)
	check(t, a)
}

func TestAllocDoesNotAllocate(t *testing.T) {
	a := New()
	keep := a.Alloc(64)
	got := testing.AllocsPerRun(1000, func() {
		for _, size := range []int{16, 64, 5000} {
			a.Free(a.Alloc(size))
		}
	})
	if got != 0 {
		t.Errorf("%v objects a run", got)
	}
	a.Free(keep)
}

// A view reads the cells that existed when it was taken, while the owner allocates, frees and
// writes others; cells that the view sees are freed once it has ended.
func TestFrozenBesideWriter(t *testing.T) {
	a := New()
	r := seeded(t, a)
	c := newCells(t, a)
	for range 20 {
		for range 2000 {
			c.alloc(1 + r.IntN(400))
		}
		view := a.Frozen()
		seen := make(map[Ref][]byte, len(c.refs))
		for _, ref := range c.refs {
			seen[ref] = c.want[ref]
		}
		held := len(c.refs)
		var readers sync.WaitGroup
		readers.Go(func() {
			for ref, want := range seen {
				if !bytes.Equal(view.Bytes(ref), want) {
					t.Errorf("cell %d changed under the view", ref)
					return
				}
			}
		})
		for range 4000 {
			if len(c.refs) > held && r.IntN(2) == 0 {
				c.free(held + r.IntN(len(c.refs)-held))
			} else {
				c.alloc(1 + r.IntN(3000))
			}
		}
		readers.Wait()
		for len(c.refs) > 1000 {
			c.free(r.IntN(len(c.refs)))
		}
	}
	c.verify()
}
