package value

import "sort"

// Advance takes note that the group has read an entry.
func (s *Stream) Advance(g *Group, id StreamID) {
	if id.Compare(g.Last) <= 0 {
		return
	}
	if g.Read != ReadUnknown && !s.gaps(id) {
		g.Read++
	} else if s.Added > 0 {
		g.Read = s.Position(id)
	}
	g.Last = id
}

// gaps reports whether an entry was deleted from an id on, of those that are not trimmed.
func (s *Stream) gaps(from StreamID) bool {
	return s.length > 0 && s.MaxDeleted != StreamID{} && s.First.Compare(s.MaxDeleted) <= 0 && from.Compare(s.MaxDeleted) <= 0
}

// Position returns how many entries were ever added up to an id, if that can be told, else ReadUnknown.
func (s *Stream) Position(id StreamID) int64 {
	added, behind := int64(s.Added), id.Compare(s.Last)
	switch {
	case added == 0:
		return 0
	case behind == 0 || s.length == 0 && behind < 0:
		return added
	case behind > 0:
		return ReadUnknown
	case s.MaxDeleted != StreamID{} && s.MaxDeleted.Compare(s.First) >= 0:
		return ReadUnknown
	}
	switch id.Compare(s.First) {
	case -1:
		return added - int64(s.length)
	case 0:
		return added - int64(s.length) + 1
	}
	return ReadUnknown
}

// Lag returns how many entries the group has still to read; ok is false if that cannot be told.
func (s *Stream) Lag(g *Group) (lag int64, ok bool) {
	switch {
	case s.Added == 0:
		return 0, true
	case g.Read != ReadUnknown && !s.gaps(g.Last):
		return int64(s.Added) - g.Read, true
	}
	read := s.Position(g.Last)
	return int64(s.Added) - read, read != ReadUnknown
}

// RadixNodes returns how many nodes a radix tree like Redis' has over the ids of the stream's nodes, sixteen
// bytes each: XINFO tells.
func (s *Stream) RadixNodes() int {
	ids := make([][16]byte, 0, s.nodes.Len())
	s.nodes.Scan(func(n *streamNode) bool {
		ids = append(ids, n.id.Binary())
		return true
	})
	if len(ids) == 0 {
		return 1
	}
	return radixNodes(ids, 0)
}

// radixNodes counts the nodes below a depth at which all ids are the same so far: one for the bytes that they
// go on to have in common, if there are any, and one that branches or is the end.
func radixNodes(ids [][16]byte, depth int) int {
	first, last, end := ids[0], ids[len(ids)-1], depth
	for end < len(first) && first[end] == last[end] {
		end++
	}
	nodes := 1
	if end > depth {
		nodes++
	}
	for end < len(first) && len(ids) > 0 {
		b := ids[0][end]
		same := sort.Search(len(ids), func(i int) bool { return ids[i][end] > b })
		nodes += radixNodes(ids[:same], end+1)
		ids = ids[same:]
	}
	return nodes
}
