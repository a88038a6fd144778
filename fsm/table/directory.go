package table

import "slices"

const (
	// maxDepth bounds the directory, at 32 MiB. A segment that may not be split grows.
	maxDepth = 22

	// minShare is how many entries there must be for each slot of the directory after it doubles.
	// Fragments spread evenly bring several times as many; crowded ones would double it for the
	// sake of a few segments.
	minShare = 64

	// mergeEntries is up to how many entries two segments become one: half of what makes one split.
	mergeEntries = maxPlaces * 7 / 16

	// branchBytes is what a segment of the directory takes beside its places, as the Go heap rounds it.
	branchBytes = 48
)

// branch is a segment whose fragments share their leading depth bits.
type branch struct {
	segment
	depth uint8
}

// directory leads from the leading bits of a fragment to its branch. A branch of less depth than
// the directory stands in several slots side by side.
type directory struct {
	slots   []*branch // 1<<depth of them
	depth   uint8
	epoch   uint32               // of the change that made slots
	byDepth [maxDepth + 1]uint32 // how many branches have which depth
}

func (d *directory) at(frag uint32) *branch { return d.slots[frag>>(32-d.depth)] }

// set makes a branch the one of a fragment, in all of its slots.
func (d *directory) set(frag uint32, b *branch) {
	shared := d.depth - b.depth
	first := frag >> (32 - b.depth) << shared
	for i := range d.slots[first : first+1<<shared] {
		d.slots[int(first)+i] = b
	}
}

func (d *directory) double() {
	slots := make([]*branch, 2*len(d.slots))
	for i, b := range d.slots {
		slots[2*i], slots[2*i+1] = b, b
	}
	d.slots = slots
	d.depth++
}

func (d *directory) halve() {
	slots := make([]*branch, len(d.slots)/2)
	for i := range slots {
		slots[i] = d.slots[2*i]
	}
	d.slots = slots
	d.depth--
}

func (d *directory) bytes() int { return len(d.slots)*8 + 4*len(d.byDepth) + 40 }

// ownDirectory makes the directory one that may be changed under the epoch.
func (t *Table) ownDirectory(epoch uint32) {
	if t.dir.epoch >= epoch {
		return
	}
	d := *t.dir
	d.slots = slices.Clone(d.slots)
	d.epoch = epoch
	t.dir = &d
}

// divisible reports whether a crowded segment is to be split rather than grown.
func (t *Table) divisible(s *segment, depth uint8) bool {
	if placesFor(int(s.count)+1) <= maxPlaces || depth == maxDepth {
		return false
	}
	return t.dir != nil && depth < t.dir.depth || t.Len()>>(depth+1) >= minShare
}

// split puts two branches in the place of a fragment's segment, each with room for one more.
func (t *Table) split(frag uint32, epoch uint32) {
	s, depth := t.segment(frag)
	bit := uint32(1) << (31 - depth)
	upper := frag&^(bit<<1-1) | bit // the least fragment of the upper half
	lower := upper ^ bit
	p, middle := s.all(), s.seek(depth, upper)
	depth++
	left := &branch{build(depth, epoch, 1, p[:middle]), depth}
	right := &branch{build(depth, epoch, 1, p[middle:]), depth}
	if t.dir == nil {
		t.dir = &directory{slots: []*branch{left, right}, depth: 1, epoch: epoch}
		t.dir.byDepth[1] = 2
		t.root = segment{count: s.count, epoch: epoch}
		return
	}
	t.ownDirectory(epoch)
	if depth > t.dir.depth {
		t.dir.double()
	}
	t.dir.set(lower, left)
	t.dir.set(upper, right)
	t.dir.byDepth[depth-1]--
	t.dir.byDepth[depth] += 2
}

// contract makes a fragment's segment, which is idle and owned, smaller or merges it with its
// neighbours.
func (t *Table) contract(frag uint32, epoch uint32) {
	merged := false
	for t.dir != nil {
		b := t.dir.at(frag)
		bit := uint32(1) << (32 - b.depth)
		left, right := t.dir.at(frag&^bit), t.dir.at(frag|bit)
		if left.depth != right.depth || left.count+right.count > mergeEntries {
			break
		}
		t.merge(frag, left, right, epoch)
		merged = true
	}
	if !merged {
		s, depth := t.segment(frag)
		*s = build(depth, epoch, 0, s.all())
	}
}

// merge puts one branch in the place of the two that share all but the last of their bits with a
// fragment, and takes away the part of the directory that this leaves without use.
func (t *Table) merge(frag uint32, left, right *branch, epoch uint32) {
	depth := left.depth - 1
	s := build(depth, epoch, 0, left.all(), right.all())
	if depth == 0 {
		t.root, t.dir = s, nil
		return
	}
	t.ownDirectory(epoch)
	d := t.dir
	d.set(frag, &branch{s, depth})
	d.byDepth[depth+1] -= 2
	d.byDepth[depth]++
	for d.byDepth[d.depth] == 0 {
		d.halve()
	}
}
