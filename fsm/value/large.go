package value

// Large is a value that is a structure of its own rather than bytes in a cell: a Dict, and the large forms
// of the other types. What a view can see of it is neither written nor recycled: of its parts each
// remembers the epoch that it was born in, as cells do, and is copied before its first change.
type Large interface {
	// Len is the number of elements.
	Len() int
	// Bytes is about how much memory the value takes. It depends on the contents alone, so that all nodes
	// say the same.
	Bytes() int64
	// Cells is how many of these lie in cells that are the value's to free.
	Cells() int64
	// Fork returns a value with the same contents for its owner to go on with, and leaves the receiver to a
	// view that sees it. Both share their parts, and what the Fork changes it copies first. It takes the
	// cells over, so freeing the receiver does nothing from then on.
	Fork(m *Memory) Large
	// CopyTo returns a value of its own in another Memory, or the same; from has the receiver's cells.
	CopyTo(to *Memory, from Cells) Large
	// FreeSome frees up to limit of the value's cells, after it was given up, and reports whether it is done.
	FreeSome(m *Memory, limit int) (freed int, done bool)
	// Evacuate moves cells out of sparse slabs. It looks at about limit elements from a position on, 0 at
	// first, and returns the position to go on from; more is false at the end.
	Evacuate(m *Memory, from uint32, limit int) (next uint32, more bool)
}

var _ Large = (*Dict)(nil)

// Fork is Clone, as a Large.
func (d *Dict) Fork(m *Memory) Large { return d.Clone(m) }

// CopyTo is Copy, as a Large.
func (d *Dict) CopyTo(to *Memory, from Cells) Large { return d.Copy(from, to) }
