package table

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
)

func TestTinyTablesAreTiny(t *testing.T) {
	var x Table
	if n := reflect.TypeFor[Table]().Size(); n != 40 {
		t.Errorf("a Table takes %d bytes", n)
	}
	if n := reflect.TypeFor[branch]().Size(); n > branchBytes {
		t.Errorf("a branch takes %d bytes", n)
	}
	if x.Bytes() != 0 || x.Len() != 0 {
		t.Errorf("an empty table holds %d bytes", x.Bytes())
	}
	for n, want := range []int{8, 16, 24, 32} {
		x.Insert(uint32(n)<<30, uint32(n+1), nil, 1)
		if x.Bytes() != want {
			t.Errorf("%d entries take %d bytes", n+1, x.Bytes())
		}
	}
	check(t, &x)
}

func TestMisusePanics(t *testing.T) {
	var x Table
	x.Insert(5, 1, nil, 0)
	for name, f := range map[string]func(){
		"insert 0":        func() { x.Insert(5, 0, nil, 0) },
		"replace none":    func() { x.Replace(6, 1, 2, 0) },
		"replace other":   func() { x.Replace(5, 2, 3, 0) },
		"replace by none": func() { x.Replace(5, 1, 0, 0) },
		"nth -1":          func() { x.Nth(-1) },
		"nth 1":           func() { x.Nth(1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
	if _, ref := new(Table).Random(nil); ref != 0 {
		t.Error("an entry of an empty table")
	}
	check(t, &x)
}

// Fragments that crowd together must not double the directory for their own sake.
func TestCrowdedFragmentsKeepTheDirectorySmall(t *testing.T) {
	r := seeded(t)
	var x Table
	for ref := range uint32(20000) {
		x.Insert(0x12345600|r.Uint32N(256), ref+1, nil, 0)
	}
	check(t, &x)
	if per := x.Bytes() / x.Len(); per > 24 {
		t.Errorf("%d bytes an entry", per)
	}
}

func TestFindDoesNotAllocate(t *testing.T) {
	r := seeded(t)
	var x Table
	for ref := range uint32(5000) {
		x.Insert(r.Uint32(), ref+1, nil, 0)
	}
	sum := uint32(0)
	got := testing.AllocsPerRun(100, func() {
		frag := r.Uint32()
		x.Find(frag, func(ref uint32) bool { return ref == 1 })
		x.Scan(frag, func(_, ref uint32) bool { sum += ref; return false })
		f, ref := x.Nth(int(r.Uint32N(5000)))
		x.Replace(f, ref, ref, 0)
	})
	if got != 0 {
		t.Errorf("%v objects a run", got)
	}
}

// TestReadersBesideWriter clones a table of cells again and again and lets another goroutine read
// the clone and its cells without a lock while the owner goes on, as a snapshot does.
func TestReadersBesideWriter(t *testing.T) {
	r := seeded(t)
	o := &owner{cells: arena.New()}
	for range 12000 {
		o.put(r.Uint32())
	}
	for round := range 12 {
		clone, reader, want := o.table.Clone(), o.cells.Frozen(), o.sum
		o.epoch++
		o.frozen = o.born
		var readers sync.WaitGroup
		readers.Go(func() { readClone(t, clone, reader, want) })
		readers.Go(func() { readClone(t, clone, reader, want) })
		for range 15000 {
			n := o.table.Len()
			switch k := r.IntN(10); {
			case k < 3 || n == 0:
				o.put(r.Uint32())
			case k < 7 && round%2 == 0 || k < 4:
				o.drop(r.IntN(n))
			default:
				o.rewrite(r.IntN(n))
			}
		}
		readers.Wait()
		check(t, clone)
		for _, ref := range o.retired {
			o.cells.Free(ref)
		}
		o.retired = o.retired[:0]
	}
	check(t, &o.table)
	if got := o.cells.Stats().Cells; got != int64(o.table.Len()) {
		t.Errorf("%d cells for %d entries", got, o.table.Len())
	}
}

// readClone reads a clone's cells, each of which holds its fragment and the number of its birth,
// and compares the sum of these.
func readClone(t *testing.T, clone *Table, reader arena.Reader, want uint64) {
	sum, n := uint64(0), 0
	clone.Scan(0, func(frag, ref uint32) bool {
		cell := reader.Bytes(arena.Ref(ref))
		if binary.LittleEndian.Uint32(cell) != frag {
			t.Errorf("cell %d is not of fragment %08x", ref, frag)
		}
		sum += binary.LittleEndian.Uint64(cell[8:])
		n++
		return true
	})
	if sum != want || n != clone.Len() {
		t.Errorf("the clone holds %d entries of sum %d, want %d of %d", n, sum, clone.Len(), want)
	}
	for i := 0; i < n; i += 997 {
		frag, ref := clone.Nth(i)
		if got, ok := clone.Find(frag, func(other uint32) bool { return other == ref }); !ok || got != ref {
			t.Errorf("entry %d is not found", i)
		}
	}
}

// owner keeps cells the way a keyspace does: what was born before the last freeze is not written
// or freed, but retired.
type owner struct {
	table   Table
	cells   *arena.Arena
	epoch   uint32
	born    uint64 // number of the last cell
	frozen  uint64 // number of the last cell that a clone sees
	sum     uint64 // of the numbers of all cells in the table
	retired []arena.Ref
}

func (o *owner) make(frag uint32) uint32 {
	ref := o.cells.Alloc(16 + int(frag%200))
	cell := o.cells.Bytes(ref)
	o.born++
	binary.LittleEndian.PutUint32(cell, frag)
	binary.LittleEndian.PutUint64(cell[8:], o.born)
	o.sum += o.born
	return uint32(ref)
}

func (o *owner) put(frag uint32) {
	ref := o.make(frag)
	cell := bytes.Clone(o.cells.Bytes(arena.Ref(ref)))
	o.table.Insert(frag, ref, func(other uint32) bool {
		return bytes.Compare(cell[:16], o.cells.Bytes(arena.Ref(other))[:16]) < 0
	}, o.epoch)
}

func (o *owner) drop(n int) {
	frag, ref := o.table.Nth(n)
	if !o.table.Delete(frag, ref, o.epoch) {
		panic("the entry is not there")
	}
	o.discard(ref)
}

func (o *owner) rewrite(n int) {
	frag, old := o.table.Nth(n)
	o.table.Replace(frag, old, o.make(frag), o.epoch)
	o.discard(old)
}

func (o *owner) discard(ref uint32) {
	number := binary.LittleEndian.Uint64(o.cells.Bytes(arena.Ref(ref))[8:])
	o.sum -= number
	if number <= o.frozen {
		o.retired = append(o.retired, arena.Ref(ref))
		return
	}
	o.cells.Free(arena.Ref(ref))
}

// A draw is even over the entries, however unevenly the fragments lie.
func TestRandomIsEven(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var x Table
	for ref := range uint32(100) {
		x.Insert(1<<(ref%32), ref+1, nil, 0)
	}
	drawn := make([]int, 101)
	const draws = 100000
	for range draws {
		_, ref := x.Random(r.Uint64N)
		drawn[ref]++
	}
	square := 0.0
	for _, n := range drawn[1:] {
		d := float64(n) - draws/100
		square += d * d / (draws / 100)
	}
	if square > 160 { // chi-squared, 99 degrees of freedom: exceeded once in 10,000
		t.Errorf("chi-squared is %.0f", square)
	}
}
