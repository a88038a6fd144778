package table

import "iter"

// Scan visits the entries whose fragment is at least from, in order, until visit says false. Then
// it still visits the rest with the same fragment, whatever visit says, and returns the fragment
// at which to go on and more = true; if nothing is left, more is false. visit must not change the
// Table.
//
// The Table may change before the next call goes on. An entry that is there from before the first
// call until after the last is visited exactly once, if it keeps its fragment.
func (t *Table) Scan(from uint32, visit func(frag, ref uint32) bool) (next uint32, more bool) {
	stopped, last := false, uint32(0)
	for s, depth := range t.segments(from) {
		p := s.all()
		for i := s.seek(depth, from); i < len(p); i++ {
			if p[i] == 0 {
				continue
			}
			frag := uint32(p[i] >> 32)
			if stopped && frag != last {
				return frag, true
			}
			if !visit(frag, uint32(p[i])) {
				stopped, last = true, frag
			}
		}
		from = 0 // whatever a later segment holds is behind it
	}
	return 0, false
}

// Nth returns the entry with n others before it in order. It panics unless n is 0 to Len()-1. The
// time grows with the number of segments.
func (t *Table) Nth(n int) (frag, ref uint32) {
	if n < 0 || n >= t.Len() {
		panic("table: there is no such entry")
	}
	for s := range t.segments(0) {
		if n < int(s.count) {
			v := s.nth(n)
			return uint32(v >> 32), uint32(v)
		}
		n -= int(s.count)
	}
	panic("table: the segments hold fewer entries than the table counts")
}

// Random returns an entry, each with the same probability if pick draws evenly from 0 to n-1, and
// the ref 0 if the Table is empty. It calls pick once, with n = Len(), and the same draw from the
// same contents gives the same entry.
func (t *Table) Random(pick func(n uint64) uint64) (frag, ref uint32) {
	if t.Len() == 0 {
		return 0, 0
	}
	return t.Nth(int(pick(uint64(t.Len()))))
}

// segments yields the segments in order, from that of a fragment on, with their depth.
func (t *Table) segments(from uint32) iter.Seq2[*segment, uint8] {
	return func(yield func(*segment, uint8) bool) {
		if t.dir == nil {
			yield(&t.root, 0)
			return
		}
		d := t.dir
		b := d.at(from)
		i := int(from >> (32 - b.depth) << (d.depth - b.depth))
		for yield(&b.segment, b.depth) {
			i += 1 << (d.depth - b.depth)
			if i == len(d.slots) {
				return
			}
			b = d.slots[i]
		}
	}
}
