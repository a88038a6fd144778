// Package arena gives out cells of bytes that the garbage collector does not look into.
//
// A database of ten million keys kept as ten million Go objects makes every collection walk all
// of them. Here a key and its value lie in a cell, cells of one size share a slab of 64 KiB, and
// the collector sees the slab alone: one object without pointers for hundreds of cells.
//
// A cell is named by a Ref, 32 bits that count in steps of 16 bytes, so an Arena addresses 64 GiB.
// The upper bits choose one of 4096 regions of 16 MiB, the next eight a slab of it, the lowest
// twelve the place in the slab. A region is only the fixed table of its slabs' descriptors; the
// bytes of a slab are taken from the Go heap when it is first used and given back when it
// empties, so a small Arena is small and a shrinking one shrinks. Neither a region nor the bytes
// of a slab ever move.
//
// Every size class keeps its slabs with room in two lists, those at least half full and the
// sparse rest, and fills the former first. Sparse tells which cells are worth moving so that the
// rest empties.
//
// An Arena belongs to one writer at a time. Any number of goroutines may call Bytes, Sparse and
// Stats together while nobody writes; beside a writer, only what Frozen returned may be used.
//
// With the build tag poison every cell is filled with a pattern when it is handed out and when
// it is freed, and a second Free, a Free or Bytes of anything that is not a live cell, and a
// write to a freed cell panic. Without it those mistakes corrupt other cells.
package arena

// Ref names a cell: its position in steps of 16 bytes. The zero Ref names none.
type Ref uint32

const (
	granule  = 16      // bytes that a step of a Ref stands for
	slabSize = 1 << 16 // bytes of a slab

	slabBits     = 12 // bits of a Ref that place a cell in its slab
	slabGranules = 1 << slabBits
	regionBits   = 8 // bits of a Ref that choose a slab of a region
	regionSlabs  = 1 << regionBits
	maxRegions   = 1 << (32 - regionBits - slabBits)

	// keptBlocks is how many empty slabs' bytes wait for their next use, so that a class which
	// fills and empties one slab does not go to the Go heap each time.
	keptBlocks = 8
)

// Capacity is the number of bytes that the cells of one Arena can take up together, the part of
// its slabs that no cell uses included.
const Capacity = int64(maxRegions) * regionSlabs * slabSize

// Arena hands out cells. Its zero value is an empty Arena, ready to use. It must not be copied.
type Arena struct {
	regions []*region // only ever appended to
	classes [classCount]class
	next    uint32 // the first slab number never used; 0 until the first region exists
	spare   uint32 // slab numbers given back, chained by slab.next
	blocks  [keptBlocks]*block
	kept    int   // how many of blocks are filled
	slabs   int64 // slabs that have bytes
	cells   int64
	live    int64 // granules in live cells
}

// Stats says what an Arena holds. All but Cells are bytes.
type Stats struct {
	Mapped int64 // taken from the Go heap: slabs, those kept for reuse, and their descriptors
	Live   int64 // in cells handed out and not freed, each counted as its class size
	Cells  int64 // number of those cells
}

// New returns an empty Arena. It takes no memory for cells before the first Alloc.
func New() *Arena { return new(Arena) }

// Alloc returns a new cell of at least size bytes, 1 to MaxCell; the bytes are unspecified. It
// panics on a size out of that range and when all of Capacity is in use.
func (a *Arena) Alloc(size int) Ref {
	index, granules := classOf(size)
	c := &a.classes[index]
	id := c.target()
	if id == 0 {
		id = a.open(c, granules)
	}
	s := a.slab(id)
	was := s.fill()
	at := s.take()
	if now := s.fill(); now != was {
		a.unlink(c, id, was)
		a.link(c, id, now)
	}
	a.cells++
	a.live += int64(granules)
	return Ref(id)<<slabBits | Ref(at)
}

// Free takes the cell r back. The next Alloc may hand it out again, so no slice of it may be
// used any more.
func (a *Arena) Free(r Ref) {
	id := uint32(r) >> slabBits
	s := a.slab(id)
	c := &a.classes[classOfGranules(s.granules)]
	was := s.fill()
	s.give(uint16(r % slabGranules))
	a.cells--
	a.live -= int64(s.granules)
	switch now := s.fill(); {
	case s.live == 0:
		a.unlink(c, id, was)
		a.close(id)
	case now != was:
		a.unlink(c, id, was)
		a.link(c, id, now)
	}
}

// Bytes returns the whole cell r, which may be longer than what Alloc was asked for; its
// capacity ends with the cell. The slice must not be used once r is freed or the lock that
// guards the Arena is let go.
func (a *Arena) Bytes(r Ref) []byte {
	s := a.slab(uint32(r) >> slabBits)
	s.check(uint16(r % slabGranules))
	return s.cell(r)
}

// Sparse reports whether the slab of the live cell r is less than half full while Alloc would
// place a cell of that size in another slab that has room already. Whoever copies such a cell to
// a new one and frees it moves cells from sparse slabs into fuller ones; one pass over all cells
// leaves, if nothing else is freed meanwhile, at most one slab of a class less than half full. No
// such move takes memory from the Go heap.
func (a *Arena) Sparse(r Ref) bool {
	id := uint32(r) >> slabBits
	s := a.slab(id)
	return s.fill() == sparse && a.classes[classOfGranules(s.granules)].target() != id
}

// Stats returns the present figures; it costs nothing.
func (a *Arena) Stats() Stats {
	return Stats{
		Mapped: (a.slabs+int64(a.kept))*slabSize + int64(len(a.regions))*regionBytes,
		Live:   a.live * granule,
		Cells:  a.cells,
	}
}

func (a *Arena) slab(id uint32) *slab {
	return &a.regions[id>>regionBits][id%regionSlabs]
}

// open gives the class a slab of cells of so many granules and returns its number.
func (a *Arena) open(c *class, granules uint16) uint32 {
	id := a.number()
	s := a.slab(id)
	*s = slab{bytes: a.block(), granules: granules, free: noCell}
	a.slabs++
	a.link(c, id, sparse)
	return id
}

// close takes the slab's bytes away, which no list may hold any more, and frees its number.
func (a *Arena) close(id uint32) {
	s := a.slab(id)
	if a.kept < keptBlocks {
		a.blocks[a.kept] = s.bytes
		a.kept++
	}
	a.slabs--
	*s = slab{next: a.spare}
	a.spare = id
}

// number returns a slab number that is not in use. Number 0 is never given out, so that no cell
// has the Ref 0 and the lists can end in 0.
func (a *Arena) number() uint32 {
	if id := a.spare; id != 0 {
		a.spare = a.slab(id).next
		return id
	}
	if a.next == uint32(len(a.regions))*regionSlabs {
		if len(a.regions) == maxRegions {
			panic("arena: all 64 GiB are in use")
		}
		a.regions = append(a.regions, new(region))
		a.next = max(a.next, 1)
	}
	a.next++
	return a.next - 1
}

func (a *Arena) block() *block {
	if a.kept == 0 {
		return new(block)
	}
	a.kept--
	b := a.blocks[a.kept]
	a.blocks[a.kept] = nil
	return b
}
