package table

import "slices"

const (
	// maxPlaces is where a segment is split rather than grown. More makes a change of the
	// structure, and the copy under a new epoch, longer; fewer, the directory larger.
	maxPlaces = 1024

	// densePlaces is up to where a segment has no gaps and one home for all: so few entries are
	// found as fast by walking over them, and no place is wasted.
	densePlaces = 16
)

// segment is entries in order with gaps between them. The upper half of a place is the fragment,
// the lower the ref; 0 is a gap. No gap lies between an entry and its home, and none lies before
// its home.
//
// The slice's length is the number of homes. Behind them, up to its capacity, are places that are
// nobody's home and take what is pushed out at the end.
type segment struct {
	places []uint64
	count  uint32 // entries
	epoch  uint32 // of the change that made places
}

func place(frag, ref uint32) uint64 { return uint64(frag)<<32 | uint64(ref) }

// holds reports whether a place holds an entry with this fragment.
func holds(p uint64, frag uint32) bool { return p != 0 && uint32(p>>32) == frag }

// all returns every place.
func (s *segment) all() []uint64 { return s.places[:cap(s.places)] }

// home returns the first place that an entry may have in a segment with so many homes, whose
// fragments share their leading depth bits.
func home(frag uint32, depth uint8, homes int) int {
	return int(uint64(frag<<depth) * uint64(homes) >> 32)
}

// seek returns the place at which the entries of a fragment begin or, if there are none, would.
func (s *segment) seek(depth uint8, frag uint32) int {
	p := s.all()
	i := home(frag, depth, len(s.places))
	// A ref is not 0, so an entry less one is below bound exactly if its fragment is less; a gap
	// less one is above all.
	for bound := place(frag, 0); i < len(p) && p[i]-1 < bound; {
		i++
	}
	return i
}

// position returns the place at which a new entry belongs.
func (s *segment) position(depth uint8, frag uint32, before func(other uint32) bool) int {
	p := s.all()
	i := s.seek(depth, frag)
	for i < len(p) && holds(p[i], frag) && (before == nil || !before(uint32(p[i]))) {
		i++
	}
	return i
}

// index returns the place of an entry, -1 if it is not there.
func (s *segment) index(depth uint8, frag, ref uint32) int {
	p := s.all()
	for i := s.seek(depth, frag); i < len(p) && holds(p[i], frag); i++ {
		if uint32(p[i]) == ref {
			return i
		}
	}
	return -1
}

// gap returns the first gap at or behind a place, the number of places if there is none.
func (s *segment) gap(i int) int {
	p := s.all()
	for i < len(p) && p[i] != 0 {
		i++
	}
	return i
}

// remove makes the place of an entry a gap and moves back what it had pushed from its home.
func (s *segment) remove(depth uint8, i int) {
	p := s.all()
	end := i + 1
	for end < len(p) && p[end] != 0 && home(uint32(p[end]>>32), depth, len(s.places)) < end {
		end++
	}
	copy(p[i:end-1], p[i+1:end])
	p[end-1] = 0
	s.count--
}

// nth returns the entry with n others before it.
func (s *segment) nth(n int) uint64 {
	for _, v := range s.all() {
		if v == 0 {
			continue
		}
		if n == 0 {
			return v
		}
		n--
	}
	panic("table: a segment holds fewer entries than it counts")
}

// crowded reports whether one more entry takes the segment over 7/8 of its places.
func (s *segment) crowded() bool {
	n := cap(s.places)
	if n <= densePlaces {
		return int(s.count) == n
	}
	return (int(s.count)+1)*8 > n*7
}

// idle reports whether less than a third of the places is used.
func (s *segment) idle() bool {
	n := cap(s.places)
	return s.count == 0 || n > 4 && int(s.count)*3 < n
}

func (s *segment) copy(epoch uint32) segment {
	p := make([]uint64, cap(s.places))
	copy(p, s.all())
	return segment{p[:len(s.places)], s.count, epoch}
}

func (s *segment) bytes() int { return cap(s.places) * 8 }

// placesFor returns how many places a segment gets that is made for so many entries: 10/7, a
// quarter more than when it was crowded. A dense one grows by as little as the Go heap allows.
func placesFor(n int) int {
	if n <= densePlaces {
		return n
	}
	return n * 10 / 7
}

// homesOf returns how many of the places are homes.
func homesOf(places int) int {
	if places <= densePlaces {
		return 1
	}
	return places - 4 - places/32
}

// build makes a segment of entries that share their leading depth bits, given in order with or
// without gaps, and leaves room for so many more. It only reads the parts.
func build(depth uint8, epoch uint32, more int, parts ...[]uint64) segment {
	count := 0
	for _, part := range parts {
		count += entries(part)
	}
	room := count + more
	if room == 0 {
		return segment{epoch: epoch}
	}
	p := gaps(placesFor(room))
	homes := homesOf(len(p))
	for homes > 1 {
		over := layOut(nil, depth, homes, parts) + more + room/32 - len(p)
		if over <= 0 {
			break
		}
		// Many fragments are close to the greatest, and lie behind the homes. Fewer homes leave
		// more places there, one home leaves all, and a few more entries have room without the same again.
		homes = max(1, homes-over-homes/16)
	}
	layOut(p, depth, homes, parts)
	return segment{p[:homes], uint32(count), epoch}
}

// layOut puts the entries of all parts into p, unless that is nil, and returns the place behind
// the last one's.
func layOut(p []uint64, depth uint8, homes int, parts [][]uint64) (end int) {
	for _, part := range parts {
		for _, v := range part {
			if v == 0 {
				continue
			}
			end = max(end, home(uint32(v>>32), depth, homes))
			if p != nil {
				p[end] = v
			}
			end++
		}
	}
	return end
}

func entries(places []uint64) int {
	n := 0
	for _, v := range places {
		if v != 0 {
			n++
		}
	}
	return n
}

// gaps returns n empty places, and what the Go heap adds to a slice of that size anyway.
func gaps(n int) []uint64 {
	p := slices.Grow([]uint64(nil), n)
	p = p[:cap(p)]
	clear(p)
	return p
}
