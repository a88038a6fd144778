//go:build poison

package arena

import "fmt"

// What the bytes of a cell read before they are written, and after they are freed. Both differ
// from zero, which code might take for granted otherwise.
const (
	unwritten = 0xa7
	freed     = 0xdb
)

// linkBytes of a freed cell hold the list of freed cells.
const linkBytes = 2

// guard is what a slab remembers of its cells to find misuse: a bit for each granule at which a
// live cell begins.
type guard struct {
	begins [slabGranules / 64]uint64
}

func (s *slab) handOut(at uint16, fresh bool) {
	cell := s.cell(Ref(at))
	for i := range cell {
		if !fresh && i >= linkBytes && cell[i] != freed {
			panic(fmt.Sprintf("arena: byte %d of the free cell at granule %d was written to", i, at))
		}
		cell[i] = unwritten
	}
	s.begins[at/64] |= 1 << (at % 64)
}

func (s *slab) takeBack(at uint16) {
	s.check(at)
	s.begins[at/64] &^= 1 << (at % 64)
	cell := s.cell(Ref(at))
	for i := range cell {
		cell[i] = freed
	}
}

func (s *slab) check(at uint16) {
	if s.begins[at/64]&(1<<(at%64)) == 0 {
		panic(fmt.Sprintf("arena: no live cell of %d bytes begins at granule %d of its slab", int(s.granules)*granule, at))
	}
}
