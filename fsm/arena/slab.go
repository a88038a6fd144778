package arena

import "encoding/binary"

// block is the bytes of a slab.
type block [slabSize]byte

// region is the descriptors of 16 MiB of slabs.
type region [regionSlabs]slab

// regionBytes is the size of a region, at 24 bytes a descriptor on a 64-bit machine.
const regionBytes = regionSlabs * 24

// fill is how full a slab is, and with it which list of its class it is in.
type fill uint8

const (
	sparse fill = iota // less than half full
	dense              // at least half full, and room for a cell
	full               // in no list
)

// noCell ends the list of freed cells of a slab.
const noCell = 0xffff

// slab describes 64 KiB of cells of one size. Cells are handed out from the list of freed ones
// and otherwise in order, so the pages behind fresh stay untouched. Positions are in granules
// from the slab's beginning.
//
// A Reader looks at bytes and granules alone, which do not change while a cell is live.
type slab struct {
	guard             //lint:ignore U1000 it has fields and methods where the tag poison is set
	bytes      *block // nil while the slab is not in use
	prev, next uint32 // neighbours in the list of the class; next also chains unused numbers
	granules   uint16 // size of a cell
	live       uint16 // cells handed out
	free       uint16 // the last freed cell, whose first two bytes hold the one before; or noCell
	fresh      uint16 // where the part begins that was never handed out
}

// fill goes by the bytes of live cells against the slab's, so it needs no division; what does
// not divide by the cell's size counts as empty.
func (s *slab) fill() fill {
	used := int(s.live) * int(s.granules)
	switch {
	case used+int(s.granules) > slabGranules:
		return full
	case used*2 < slabGranules:
		return sparse
	}
	return dense
}

// take hands out a cell of a slab that is not full and returns its position.
func (s *slab) take() uint16 {
	s.live++
	at := s.free
	if at == noCell {
		at = s.fresh
		s.fresh += s.granules
		s.handOut(at, true)
		return at
	}
	s.free = binary.LittleEndian.Uint16(s.bytes[int(at)*granule:])
	s.handOut(at, false)
	return at
}

// give takes the cell at a position back.
func (s *slab) give(at uint16) {
	s.takeBack(at)
	binary.LittleEndian.PutUint16(s.bytes[int(at)*granule:], s.free)
	s.free = at
	s.live--
}

func (s *slab) cell(r Ref) []byte {
	from := int(r%slabGranules) * granule
	to := from + int(s.granules)*granule
	return s.bytes[from:to:to]
}

// class heads the lists of the slabs with room for cells of one size, by slab number; 0 is none.
type class struct {
	heads [full]uint32
}

// target is the slab that the next cell comes from, 0 if one has to be opened.
func (c *class) target() uint32 {
	if id := c.heads[dense]; id != 0 {
		return id
	}
	return c.heads[sparse]
}

// link puts a slab into the list of its fill. A sparse one goes behind the head: the head may be
// what Alloc is filling, and would stay half filled if every slab that thins out took its place.
func (a *Arena) link(c *class, id uint32, f fill) {
	if f == full {
		return
	}
	s, head := a.slab(id), c.heads[f]
	if f == sparse && head != 0 {
		s.prev, s.next = head, a.slab(head).next
		a.slab(head).next = id
	} else {
		s.prev, s.next = 0, head
		c.heads[f] = id
	}
	if s.next != 0 {
		a.slab(s.next).prev = id
	}
}

// unlink takes a slab out of the list of the fill it had.
func (a *Arena) unlink(c *class, id uint32, f fill) {
	if f == full {
		return
	}
	s := a.slab(id)
	if s.prev != 0 {
		a.slab(s.prev).next = s.next
	} else {
		c.heads[f] = s.next
	}
	if s.next != 0 {
		a.slab(s.next).prev = s.prev
	}
}
