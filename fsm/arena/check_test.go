package arena

import (
	"encoding/binary"
	"testing"
)

// check fails the test if what the Arena remembers of its slabs contradicts itself.
func check(t testing.TB, a *Arena) {
	t.Helper()
	listed := checkLists(t, a)
	spare := map[uint32]bool{}
	for id := a.spare; id != 0; id = a.slab(id).next {
		if spare[id] || a.slab(id).bytes != nil {
			t.Fatalf("slab %d is spare twice or still has bytes", id)
		}
		spare[id] = true
	}
	var slabs, cells, live int64
	for id := uint32(1); id < a.next; id++ {
		s := a.slab(id)
		if s.bytes == nil {
			if !spare[id] {
				t.Fatalf("slab %d is lost", id)
			}
			continue
		}
		if listed[id] != (s.fill() != full) {
			t.Fatalf("slab %d: fill %d, listed %v", id, s.fill(), listed[id])
		}
		checkSlab(t, id, s)
		slabs++
		cells += int64(s.live)
		live += int64(s.live) * int64(s.granules)
	}
	if slabs != a.slabs || cells != a.cells || live != a.live {
		t.Fatalf("counted %d slabs, %d cells, %d granules; kept %d, %d, %d", slabs, cells, live, a.slabs, a.cells, a.live)
	}
	for i, b := range a.blocks {
		if (b != nil) != (i < a.kept) {
			t.Fatalf("kept block %d: %v of %d", i, b != nil, a.kept)
		}
	}
}

func checkLists(t testing.TB, a *Arena) map[uint32]bool {
	t.Helper()
	listed := map[uint32]bool{}
	for index := range a.classes {
		for f, head := range a.classes[index].heads {
			prev := uint32(0)
			for id := head; id != 0; id = a.slab(id).next {
				s := a.slab(id)
				if listed[id] || s.prev != prev || s.fill() != fill(f) || classOfGranules(s.granules) != index {
					t.Fatalf("slab %d is out of place in list %d of class %d", id, f, index)
				}
				listed[id] = true
				prev = id
			}
		}
	}
	return listed
}

func checkSlab(t testing.TB, id uint32, s *slab) {
	t.Helper()
	handedOut := int(s.fresh) / int(s.granules)
	if s.live == 0 || int(s.fresh)%int(s.granules) != 0 || int(s.fresh) > slabGranules {
		t.Fatalf("slab %d: %d live, fresh at %d of %d granules a cell", id, s.live, s.fresh, s.granules)
	}
	seen := map[uint16]bool{}
	for at := s.free; at != noCell; at = binary.LittleEndian.Uint16(s.bytes[int(at)*granule:]) {
		if seen[at] || at >= s.fresh || at%s.granules != 0 {
			t.Fatalf("slab %d: bad free cell at %d", id, at)
		}
		seen[at] = true
	}
	if len(seen)+int(s.live) != handedOut {
		t.Fatalf("slab %d: %d live and %d free of %d", id, s.live, len(seen), handedOut)
	}
}
