package value

// A StreamTrim says what a stream is trimmed to.
type StreamTrim struct {
	ByID   bool     // to what is not before Min, rather than to Max entries
	Max    int64    // at least 0
	Min    StreamID // of the oldest entry to be kept
	Approx bool     // remove whole nodes only
	Limit  int64    // remove no more than this many entries; 0 for no limit
}

// Trim removes entries from the beginning and returns how many. The stream is Writable.
func (s *Stream) Trim(m *Memory, t StreamTrim) int64 {
	var removed int64
	for {
		n, ok := s.nodes.Min()
		if !ok || !t.ByID && s.length <= uint64(t.Max) {
			break
		}
		h := n.head()
		if t.Limit != 0 && removed+h.live > t.Limit {
			break
		}
		if s.whole(&h, &t) {
			s.drop(n)
			s.length -= uint64(h.live)
			removed += h.live
			continue
		}
		if !t.Approx {
			removed += s.trimInside(m, n, &t)
		}
		break
	}
	if removed > 0 {
		s.first()
	}
	return removed
}

// whole reports whether all of the oldest node goes: none of its entries, deleted ones included, is to be kept.
func (s *Stream) whole(h *streamHead, t *StreamTrim) bool {
	if !t.ByID {
		return s.length-uint64(h.live) >= uint64(t.Max)
	}
	e, _ := h.before(h.end())
	return e.ID.Compare(t.Min) < 0
}

// trimInside deletes entries of the oldest node.
func (s *Stream) trimInside(m *Memory, n *streamNode, t *StreamTrim) (removed int64) {
	h := s.own(m, n).head()
	h.each(false, func(e *StreamEntry) bool {
		if t.ByID && e.ID.Compare(t.Min) >= 0 || !t.ByID && s.length <= uint64(t.Max) {
			return false
		}
		if !e.deleted() {
			h.remove(e)
			s.length--
			removed++
		}
		return true
	})
	if removed > 0 {
		s.recount(&h, removed)
	}
	return removed
}
