package table

import "testing"

// check fails the test if the Table's structure breaks one of its rules.
func check(t testing.TB, x *Table) {
	t.Helper()
	if x.dir == nil {
		checkSegment(t, &x.root, 0, 0)
		return
	}
	d := x.dir
	if len(d.slots) != 1<<d.depth || d.depth == 0 || x.root.places != nil {
		t.Fatalf("a directory of depth %d with %d slots, root of %d places", d.depth, len(d.slots), len(x.root.places))
	}
	total, byDepth := 0, [maxDepth + 1]uint32{}
	for i := 0; i < len(d.slots); {
		b := d.slots[i]
		share := 1 << (d.depth - b.depth)
		if b.depth > d.depth || b.depth == 0 || i%share != 0 {
			t.Fatalf("slot %d holds a branch of depth %d", i, b.depth)
		}
		for j := range share {
			if d.slots[i+j] != b {
				t.Fatalf("slot %d does not hold the branch of slot %d", i+j, i)
			}
		}
		checkSegment(t, &b.segment, b.depth, uint32(i)<<(32-d.depth))
		total += int(b.count)
		byDepth[b.depth]++
		i += share
	}
	if total != x.Len() || byDepth != d.byDepth || byDepth[d.depth] == 0 {
		t.Fatalf("%d entries of %d, depths %v of %v", total, x.Len(), byDepth, d.byDepth)
	}
}

// checkSegment checks a segment whose fragments share their leading depth bits with low.
func checkSegment(t testing.TB, s *segment, depth uint8, low uint32) {
	t.Helper()
	p := s.all()
	n, lastGap, last := 0, -1, uint64(0)
	for i, v := range p {
		if v == 0 {
			lastGap = i
			continue
		}
		frag := uint32(v >> 32)
		h := home(frag, depth, len(s.places))
		if h > i || lastGap >= h || frag < uint32(last>>32) {
			t.Fatalf("place %d: fragment %08x with home %d, last gap %d, after %08x", i, frag, h, lastGap, last>>32)
		}
		if depth > 0 && frag>>(32-depth) != low>>(32-depth) || uint32(v) == 0 {
			t.Fatalf("place %d: %016x in a segment of depth %d from %08x", i, v, depth, low)
		}
		n, last = n+1, v
	}
	if n != int(s.count) || n == 0 && len(p) > 1 || len(s.places) > len(p) || len(p) > 0 && len(s.places) == 0 {
		t.Fatalf("%d entries in %d places with %d homes, counted %d", n, len(p), len(s.places), s.count)
	}
	if s.idle() && n > 0 {
		t.Fatalf("%d entries in %d places", n, len(p))
	}
}

// dump returns all entries as places, in order.
func dump(x *Table) []uint64 {
	out := make([]uint64, 0, x.Len())
	x.Scan(0, func(frag, ref uint32) bool {
		out = append(out, place(frag, ref))
		return true
	})
	return out
}
