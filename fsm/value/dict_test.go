package value

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
)

const testSeed = 7

// colliding returns pairs of fields with equal fragments under testSeed.
func colliding() []string {
	m := NewMemory(arena.New(), testSeed)
	seen, out := map[uint32]string{}, []string{}
	for i := range 200000 {
		s := strconv.Itoa(i)
		frag := m.Fragment([]byte(s))
		if other, ok := seen[frag]; ok {
			out = append(out, other, s)
		}
		seen[frag] = s
	}
	return out
}

// anyField returns one of a few fields, so that they come again; some collide, some are long.
func anyField(r *rand.Rand, pairs []string) []byte {
	switch r.IntN(10) {
	case 0, 1, 2:
		return []byte(pairs[r.IntN(len(pairs))])
	case 3:
		n := []int{0, 63, 64, maxPart, maxPart + 1, 20000}[r.IntN(6)]
		return []byte(strings.Repeat(string(rune('a'+r.IntN(3))), n))
	}
	return fmt.Appendf(nil, "field %d", r.IntN(300))
}

func anyValue(r *rand.Rand) []byte {
	if r.IntN(20) == 0 {
		return randomBytes(r, []int{maxPart - 1, maxPart, maxPart + 1, 40000}[r.IntN(4)])
	}
	return randomBytes(r, r.IntN(100))
}

// checkDict compares a Dict with what it should hold and checks its invariants. alone says that
// the arena holds nothing else.
func checkDict(t testing.TB, m *Memory, d *Dict, want map[string]string, alone bool) {
	t.Helper()
	if d.Len() != len(want) {
		t.Fatalf("%d fields, want %d", d.Len(), len(want))
	}
	var last []byte
	n, cells, long := 0, int64(0), int64(0)
	d.Each(m.Arena, func(field, v []byte) bool {
		if w, ok := want[string(field)]; !ok || w != string(v) {
			t.Fatalf("field %.40q is %.40q, want %.40q", field, v, w)
		}
		if n > 0 && !inOrder(m, last, field) {
			t.Fatalf("%.40q comes before %.40q", last, field)
		}
		if n%17 == 0 {
			f, b := d.Nth(m, n)
			if !bytes.Equal(f, field) || !bytes.Equal(b, v) {
				t.Fatalf("field %d is %.40q, want %.40q", n, f, field)
			}
		}
		last = slices.Clone(field)
		n++
		for _, part := range [2][]byte{field, v} {
			if len(part) > maxPart {
				long += int64(len(part))
			}
		}
		return true
	})
	d.table.Scan(0, func(_, ref uint32) bool {
		cells += int64(len(m.Arena.Bytes(arena.Ref(ref))))
		return true
	})
	if cells != d.cells || long != d.long.bytes {
		t.Fatalf("counts %d bytes of cells and %d of long parts, has %d and %d", d.cells, d.long.bytes, cells, long)
	}
	if alone && m.Arena.Stats().Cells != int64(d.Len()+len(m.Retired)) {
		t.Fatalf("%d cells for %d fields and %d retired", m.Arena.Stats().Cells, d.Len(), len(m.Retired))
	}
	for field, v := range want {
		if got, ok := d.Get(m, []byte(field)); !ok || string(got) != v {
			t.Fatalf("Get(%.40q) = %.40q, %v", field, got, ok)
		}
	}
}

func inOrder(m *Memory, a, b []byte) bool {
	fa, fb := m.Fragment(a), m.Fragment(b)
	return fa < fb || fa == fb && bytes.Compare(a, b) < 0
}

// changeDict makes random changes to a Dict and its model.
func changeDict(t testing.TB, r *rand.Rand, pairs []string, m *Memory, d *Dict, model map[string]string, n int) {
	t.Helper()
	for range n {
		field := anyField(r, pairs)
		_, had := model[string(field)]
		if r.IntN(3) == 0 {
			if d.Delete(m, field) != had {
				t.Fatalf("Delete(%.40q) is wrong", field)
			}
			delete(model, string(field))
			continue
		}
		v := anyValue(r)
		if d.Set(m, field, v) == had {
			t.Fatalf("Set(%.40q) is wrong", field)
		}
		model[string(field)] = string(v)
	}
}

// TestDictModel changes a Dict while views of it are taken, read by other goroutines, and
// released.
func TestDictModel(t *testing.T) {
	r, pairs := newRand(t), colliding()
	if len(pairs) < 4 {
		t.Fatal("no fields that collide")
	}
	m := NewMemory(arena.New(), testSeed)
	d, model := NewDict(&m), map[string]string{}
	for range 30 {
		changeDict(t, r, pairs, &m, d, model, 100)
		checkDict(t, &m, d, model, true)
		cells := m.Freeze()
		seen, old := make(chan map[string]string, 1), d
		go func() { seen <- readAll(old, cells) }()
		was := maps.Clone(model)
		if d = d.Writable(&m); d == old || d.Writable(&m) != d {
			t.Fatal("a view's Dict must not be changed, its clone may")
		}
		changeDict(t, r, pairs, &m, d, model, 100)
		checkDict(t, &m, d, model, true)
		if got := <-seen; !maps.Equal(got, was) {
			t.Fatal("the view saw a change")
		}
		if got := readAll(old, cells); !maps.Equal(got, was) {
			t.Fatal("the view saw a change")
		}
		if _, done := old.FreeSome(&m, 1); !done {
			t.Fatal("a Dict freed the cells that its clone has")
		}
		for m.Release(7) {
			continue
		}
		checkDict(t, &m, d, model, true)
	}
	d.Free(&m)
	if m.Arena.Stats().Cells != 0 {
		t.Fatal("cells are left")
	}
}

func readAll(d *Dict, cells Cells) map[string]string {
	all := map[string]string{}
	d.Each(cells, func(field, v []byte) bool {
		all[string(field)] = string(v)
		return true
	})
	return all
}

func TestDictGivenUpInSightOfAView(t *testing.T) {
	m := NewMemory(arena.New(), testSeed)
	d := filledDict(&m, 5000)
	model := readAll(d, m.Arena)
	cells := m.Freeze()
	seen := make(chan map[string]string)
	go func() { seen <- readAll(d, cells) }()
	for n, done := 0, false; !done; n++ {
		var freed int
		if freed, done = d.FreeSome(&m, 100); freed > 110 || n > 100 {
			t.Fatalf("%d cells freed in step %d", freed, n)
		}
	}
	other := filledDict(&m, 1000)
	if got := <-seen; !maps.Equal(got, model) {
		t.Fatal("the view saw a change")
	}
	if len(m.Retired) != 5000 || !m.Release(4999) || m.Release(1) {
		t.Fatal("not all cells are kept for the view, or not in parts released")
	}
	checkDict(t, &m, other, readAll(other, m.Arena), true)
}

func TestDictMisusePanics(t *testing.T) {
	for name, use := range map[string]func(m *Memory, d *Dict){
		"frozen twice":           func(m *Memory, _ *Dict) { m.Freeze() },
		"changed in sight":       func(m *Memory, d *Dict) { d.Set(m, []byte("x"), nil) },
		"deleted in sight":       func(m *Memory, d *Dict) { d.Delete(m, []byte("x")) },
		"changed after a clone":  func(m *Memory, d *Dict) { d.Clone(m); m.Release(0); d.Set(m, []byte("x"), nil) },
		"changed when given up":  func(m *Memory, d *Dict) { m.Release(0); d.Free(m); d.Set(m, []byte("x"), nil) },
		"frozen before released": func(m *Memory, d *Dict) { d.Free(m); m.Release(1); m.Freeze() },
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMemory(arena.New(), testSeed)
			d := filledDict(&m, 10)
			m.Freeze()
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			use(&m, d)
		})
	}
}

func TestDictScan(t *testing.T) {
	r, pairs := newRand(t), colliding()
	m := NewMemory(arena.New(), testSeed)
	d, model := NewDict(&m), map[string]string{}
	changeDict(t, r, pairs, &m, d, model, 1000)
	stay := maps.Clone(model)
	count := map[string]int{}
	steps := 0
	for cursor := uint32(0); ; steps++ {
		cursor = d.Scan(&m, cursor, 10, func(field, v []byte) {
			count[string(field)]++
			if w := stay[string(field)]; w != string(v) && w != "" {
				t.Fatalf("field %.40q is %.40q", field, v)
			}
		})
		if cursor == 0 {
			break
		}
		for range 5 { // what comes and goes meanwhile
			d.Set(&m, fmt.Appendf(nil, "other %d", r.IntN(100)), nil)
			d.Delete(&m, fmt.Appendf(nil, "other %d", r.IntN(100)))
		}
	}
	for field := range stay {
		if count[field] != 1 {
			t.Errorf("field %.40q was visited %d times", field, count[field])
		}
	}
	if steps > len(stay)/5 || steps < len(stay)/20 {
		t.Errorf("%d fields in %d steps", len(stay), steps)
	}
	if n := NewDict(&m).Scan(&m, 0, 10, func(_, _ []byte) { t.Error("a field") }); n != 0 {
		t.Errorf("cursor %d at the end", n)
	}
}

// TestDictOrder builds the same contents in two ways and wants the same order, also of the copy in
// another arena.
func TestDictOrder(t *testing.T) {
	r, pairs := newRand(t), colliding()
	a, b := NewMemory(arena.New(), testSeed), NewMemory(arena.New(), testSeed)
	d, model := NewDict(&a), map[string]string{}
	changeDict(t, r, pairs, &a, d, model, 2000)
	e := NewDict(&b)
	for field, v := range model {
		e.Set(&b, []byte(field), []byte(v))
	}
	fields := func(d *Dict, m *Memory) (out []string) {
		d.Each(m.Arena, func(field, _ []byte) bool {
			out = append(out, string(field))
			return true
		})
		return out
	}
	f := d.Copy(a.Arena, &b)
	if !slices.Equal(fields(d, &a), fields(e, &b)) || !slices.Equal(fields(d, &a), fields(f, &b)) {
		t.Error("the order depends on how the contents came about")
	}
	checkDict(t, &b, e, model, false)
	checkDict(t, &b, f, model, false)
	f.Free(&b)
	e.Free(&b)
	if b.Arena.Stats().Cells != 0 {
		t.Error("cells are left")
	}
	if stopped := d.Each(a.Arena, func(_, _ []byte) bool { return false }); stopped {
		t.Error("Each went to the end though visit said false")
	}
}

func TestDictEvacuate(t *testing.T) {
	r := newRand(t)
	m := NewMemory(arena.New(), testSeed)
	d := filledDict(&m, 60000)
	for i := range 60000 {
		if r.IntN(10) > 0 {
			d.Delete(&m, fmt.Appendf(nil, "field %d", i))
		}
	}
	model, before := readAll(d, m.Arena), m.Arena.Stats().Mapped
	for from, more := uint32(0), true; more; {
		from, more = d.Evacuate(&m, from, 100)
	}
	if after := m.Arena.Stats().Mapped; after > before/2 {
		t.Errorf("%d bytes mapped, before %d", after, before)
	}
	checkDict(t, &m, d, model, true)
}

func TestDictNoAllocation(t *testing.T) {
	m := NewMemory(arena.New(), testSeed)
	d := filledDict(&m, 1000)
	field, a, b := []byte("field 500"), []byte("one value"), bytes.Repeat([]byte("another value"), 10)
	if n := testing.AllocsPerRun(100, func() {
		d.Set(&m, field, a)
		d.Set(&m, field, b)
		d.Get(&m, field)
		d.Delete(&m, field)
		d.Set(&m, field, a)
		d.Scan(&m, 0, 10, func(_, _ []byte) {})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDict(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	pairs := colliding()
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := rand.New(rand.NewPCG(a, b))
		m := NewMemory(arena.New(), testSeed)
		d, model := NewDict(&m), map[string]string{}
		for range 4 {
			changeDict(t, r, pairs, &m, d, model, 50)
			checkDict(t, &m, d, model, true)
		}
	})
}

func filledDict(m *Memory, n int) *Dict {
	d := NewDict(m)
	for i := range n {
		d.Set(m, fmt.Appendf(nil, "field %d", i), fmt.Appendf(nil, "value %d", i))
	}
	return d
}

func BenchmarkDict(b *testing.B) {
	const n = 1 << 20
	m := NewMemory(arena.New(), testSeed)
	d := filledDict(&m, n)
	b.Logf("%d bytes a field", d.Bytes()/n)
	fields := make([][]byte, 1<<16)
	for i := range fields {
		fields[i] = fmt.Appendf(nil, "field %d", i*16)
	}
	b.Run("Get", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			d.Get(&m, fields[i*40503&(len(fields)-1)])
		}
	})
	b.Run("Set", func(b *testing.B) {
		values := [2][]byte{bytes.Repeat([]byte("x"), 12), bytes.Repeat([]byte("y"), 40)}
		for i := 0; b.Loop(); i++ {
			d.Set(&m, fields[i*40503&(len(fields)-1)], values[i&1])
		}
	})
	b.Run("Delete+Set", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			field := fields[i*40503&(len(fields)-1)]
			d.Delete(&m, field)
			d.Set(&m, field, field)
		}
	})
	b.Run("Nth", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			d.Nth(&m, i*40503&(n-1))
		}
	})
}
