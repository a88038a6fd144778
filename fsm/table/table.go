// Package table keeps references in the order of a 32-bit fragment, in about ten bytes each.
//
// A Table holds pairs of a fragment, as a rule the upper half of a key's hash, and a ref, a
// number other than zero by which the caller finds the key. It never sees the key: where
// fragments collide it asks the caller which ref is meant and which goes first. The order of a
// scan is that of the fragments and, among equal ones, the caller's; it depends on what is in the
// Table and not on how it got there, so replicas that hold the same contents scan, and draw the
// n-th entry, alike.
//
// # Layout
//
// A segment is a sorted slice of places with gaps in it. A fragment's home is the fragment scaled
// to the number of homes; an entry lies at its home or, if that is taken, as little behind it as
// the order allows, so it is found by a few steps from the home. A small Table is one segment. One
// that outgrows maxPlaces is split by the leading bits of the fragments, and a directory leads to
// the parts (extendible hashing). Every change of the structure touches one segment or two, so
// growing never stops the caller for long. All this is cheap if fragments are spread evenly. If
// they are not, segments grow long and changes slow, and nothing else happens.
//
// # Epochs
//
// Clone gives a second Table that shares every segment. Each segment, and the directory, knows the
// epoch it was made in, and a change under a newer epoch replaces it by a copy first. So the caller
// keeps a number, raises it when he clones, and hands it to every change; then nothing that the
// clone can reach is written to again, and another goroutine may read the clone without a lock. A
// Table may as well be cloned by assignment.
//
// A Table has one writer at a time and any number of readers while nobody writes.
package table

// Table is an ordered set of (fragment, ref). Its zero value is an empty Table, ready to use,
// which holds no memory. Refs are not zero, and the same pair is not inserted twice.
type Table struct {
	// root is all entries, or, when there is a directory, only its count is used: of all entries.
	root segment
	dir  *directory
}

// Len returns the number of entries.
func (t *Table) Len() int { return int(t.root.count) }

// Find returns the first ref in order among those with this fragment for which match says true,
// and whether there is one. It calls match once for each ref up to it.
func (t *Table) Find(frag uint32, match func(ref uint32) bool) (uint32, bool) {
	s, depth := t.segment(frag)
	p := s.all()
	for i := s.seek(depth, frag); i < len(p) && holds(p[i], frag); i++ {
		if ref := uint32(p[i]); match(ref) {
			return ref, true
		}
	}
	return 0, false
}

// First returns the first ref in order with this fragment, 0 if there is none.
func (t *Table) First(frag uint32) uint32 {
	s, depth := t.segment(frag)
	p := s.all()
	if i := s.seek(depth, frag); i < len(p) && holds(p[i], frag) {
		return uint32(p[i])
	}
	return 0
}

// Insert adds an entry. Among equal fragments it goes in front of the first ref for which before
// says true, and behind all if there is none; before may be nil if the caller knows that the
// fragment is new. The epoch is no less than that of any earlier change.
func (t *Table) Insert(frag, ref uint32, before func(other uint32) bool, epoch uint32) {
	if ref == 0 {
		panic("table: the ref 0 stands for none")
	}
	s, depth := t.room(frag, epoch)
	i := s.position(depth, frag, before)
	gap := s.gap(i)
	if gap == cap(s.places) {
		// Too many fragments near the segment's end. Laid out anew it has room there.
		*s = build(depth, epoch, 1, s.all())
		i = s.position(depth, frag, before)
		gap = s.gap(i)
	}
	p := s.all()
	copy(p[i+1:gap+1], p[i:gap])
	p[i] = place(frag, ref)
	s.count++
	if t.dir != nil {
		t.root.count++
	}
}

// Replace puts the ref next where old is, which must be there: it panics if not. The caller's
// order must have next where it had old.
func (t *Table) Replace(frag, old, next uint32, epoch uint32) {
	s, depth := t.segment(frag)
	i := s.index(depth, frag, old)
	if i < 0 || next == 0 {
		panic("table: nothing to replace")
	}
	s = t.own(frag, epoch)
	s.all()[i] = place(frag, next)
}

// Delete removes an entry and reports whether it was there.
func (t *Table) Delete(frag, ref uint32, epoch uint32) bool {
	s, depth := t.segment(frag)
	i := s.index(depth, frag, ref)
	if i < 0 {
		return false
	}
	s = t.own(frag, epoch)
	s.remove(depth, i)
	if t.dir != nil {
		t.root.count--
	}
	if s.idle() {
		t.contract(frag, epoch)
	}
	return true
}

// Clone returns a Table with the same contents for as long as every later change of either comes
// under an epoch greater than all before. It copies nothing but the Table itself.
func (t *Table) Clone() *Table {
	c := *t
	return &c
}

// Bytes returns the memory that the Table refers to, in bytes, its own 40 not included. Segments
// shared with a clone count in both.
func (t *Table) Bytes() int {
	if t.dir == nil {
		return t.root.bytes()
	}
	n := t.dir.bytes()
	for s := range t.segments(0) {
		n += s.bytes() + branchBytes
	}
	return n
}

// segment returns where a fragment belongs, to be read only, and how many leading bits all
// fragments of that segment share.
func (t *Table) segment(frag uint32) (*segment, uint8) {
	if t.dir == nil {
		return &t.root, 0
	}
	b := t.dir.at(frag)
	return &b.segment, b.depth
}

// own returns the segment of a fragment as one that may be changed under the epoch: itself, or a
// copy that has taken its place.
func (t *Table) own(frag uint32, epoch uint32) *segment {
	s, depth := t.segment(frag)
	if s.epoch >= epoch {
		return s
	}
	if t.dir == nil {
		*s = s.copy(epoch)
		return s
	}
	b := &branch{s.copy(epoch), depth}
	t.ownDirectory(epoch)
	t.dir.set(frag, b)
	return &b.segment
}

// room is own for a segment that takes one more entry.
func (t *Table) room(frag uint32, epoch uint32) (*segment, uint8) {
	s, depth := t.segment(frag)
	if s.crowded() && t.divisible(s, depth) {
		t.split(frag, epoch)
		return t.segment(frag)
	}
	s = t.own(frag, epoch)
	if s.crowded() {
		*s = build(depth, epoch, 1, s.all())
	}
	return s, depth
}
