package value

import (
	"errors"
	"math"

	"github.com/tidwall/btree"
)

// Errors of Stream.Add.
var (
	// ErrStreamID says that the id is not behind the last one.
	ErrStreamID = errors.New("the id is not behind the stream's last")
	// ErrStreamSize says that names and values are too long for one listpack, or that no number is left
	// in the ms of the id.
	ErrStreamSize = errors.New("the entry has no room in the stream")
)

// Stream is a stream: entries in the order of their ids, in nodes of some hundred, and consumer groups. It
// has this one form, and may be without entries: it then remembers its ids and its groups.
//
// Nodes lie in a tree by their ids, groups in one by their names. A Stream that a view can see is left to
// the view: Writable or Fork make another one for the changes, which shares the trees' nodes until it
// changes them; nodes of entries, groups and consumers are copied one by one before their first change, a
// group's index of pending entries being a tree of the same kind.
type Stream struct {
	nodes  *btree.BTreeG[*streamNode]
	groups *btree.BTreeG[*Group]
	length uint64
	packed int64 // bytes of all listpacks
	born   uint32

	// Last is the newest id that was ever given to an entry, or what XSETID made of it.
	Last StreamID
	// First is the id of the oldest entry, 0-0 without entries.
	First StreamID
	// MaxDeleted is the newest id that XDEL deleted.
	MaxDeleted StreamID
	// Added is how many entries were ever added.
	Added uint64
}

var _ Large = (*Stream)(nil)

// NewStream returns an empty stream.
func NewStream(m *Memory) *Stream {
	unlocked := btree.Options{NoLocks: true}
	return &Stream{
		nodes:  btree.NewBTreeGOptions(func(a, b *streamNode) bool { return a.id.Compare(b.id) < 0 }, unlocked),
		groups: btree.NewBTreeGOptions(func(a, b *Group) bool { return a.name < b.name }, unlocked),
		born:   m.Epoch,
	}
}

// Len returns the number of entries.
func (s *Stream) Len() int { return int(s.length) }

// Nodes returns the number of nodes.
func (s *Stream) Nodes() int { return s.nodes.Len() }

// Bytes returns about how much memory the stream takes, by its contents alone.
func (s *Stream) Bytes() int64 {
	const itself, node = 320, 96
	n := itself + s.packed + node*int64(s.nodes.Len())
	s.groups.Scan(func(g *Group) bool {
		n += g.bytes()
		return true
	})
	return n
}

// Writable returns the stream itself if no view sees it, else a Fork.
func (s *Stream) Writable(m *Memory) *Stream {
	if m.Private(s.born) {
		return s
	}
	return s.fork(m)
}

// Fork returns a stream with the same contents for its owner to go on with.
func (s *Stream) Fork(m *Memory) Large { return s.fork(m) }

func (s *Stream) fork(m *Memory) *Stream {
	c := *s
	c.nodes, c.groups, c.born = s.nodes.Copy(), s.groups.Copy(), m.Epoch
	return &c
}

// CopyTo returns a stream of its own.
func (s *Stream) CopyTo(to *Memory, _ Cells) Large {
	c := *s
	empty := NewStream(to)
	c.nodes, c.groups, c.born = empty.nodes, empty.groups, empty.born
	s.nodes.Scan(func(n *streamNode) bool {
		c.nodes.Load(n.clone(to.Epoch))
		return true
	})
	s.groups.Scan(func(g *Group) bool {
		c.groups.Load(g.duplicate(to))
		return true
	})
	return &c
}

// Cells is 0: a stream lies in no cells.
func (s *Stream) Cells() int64 { return 0 }

// FreeSome has nothing to free: a stream has no cells.
func (s *Stream) FreeSome(*Memory, int) (freed int, done bool) { return 0, true }

// Evacuate has nothing to move.
func (s *Stream) Evacuate(*Memory, uint32, int) (next uint32, more bool) { return 0, false }

// NextID returns the id of an entry that is added at a time, in ms since the epoch; ok is false when no id
// is left.
func (s *Stream) NextID(now int64) (id StreamID, ok bool) {
	if ms := uint64(max(now, 0)); ms > s.Last.MS {
		return StreamID{MS: ms}, true
	}
	return NextStreamID(s.Last)
}

// NextIDIn returns the id of an entry that is to be added in a given ms; ok is false when that has no id left.
func (s *Stream) NextIDIn(ms uint64) (id StreamID, ok bool) {
	if ms != s.Last.MS {
		return StreamID{MS: ms}, true
	}
	return StreamID{MS: ms, Seq: s.Last.Seq + 1}, s.Last.Seq < math.MaxUint64
}

// Add adds an entry, given fields and values in turn, at least one of each. The stream is Writable.
func (s *Stream) Add(m *Memory, id StreamID, pairs [][]byte, limits StreamLimits) error {
	bytes := 0
	for _, p := range pairs {
		bytes += len(p)
	}
	switch {
	case id.Compare(s.Last) <= 0:
		return ErrStreamID
	case bytes > MaxListpack:
		return ErrStreamSize
	}
	n := s.tail(m, id, bytes, pairs, limits)
	s.packed -= int64(len(n.pack))
	n.append(id, pairs)
	s.packed += int64(len(n.pack))
	s.length++
	s.Added++
	s.Last = id
	if s.length == 1 {
		s.First = id
	}
	return nil
}

// tail is the node to which an entry is to be appended.
func (s *Stream) tail(m *Memory, id StreamID, bytes int, pairs [][]byte, limits StreamLimits) *streamNode {
	last, ok := s.nodes.Max()
	if ok {
		h := last.head()
		if h.fits(bytes, limits) {
			return s.own(m, last)
		}
		if m.Private(last.born) && cap(last.pack) > len(last.pack) {
			last.pack = append(make(Listpack, 0, len(last.pack)), last.pack...) // it grows no more
		}
	}
	n := newStreamNode(id, pairs, m.Epoch)
	s.nodes.Set(n)
	s.packed += int64(len(n.pack))
	return n
}

// own returns a node of the stream, or the copy that is put in its place, for a change.
func (s *Stream) own(m *Memory, n *streamNode) *streamNode {
	w := n.writable(m)
	if w != n {
		s.nodes.Set(w)
	}
	return w
}

// Range visits the entries from one id to another, both included, in order or in reverse, until visit says
// false.
func (s *Stream) Range(from, to StreamID, reverse bool, visit func(e *StreamEntry) bool) {
	if s.length == 0 || from.Compare(to) > 0 {
		return
	}
	inNode := func(n *streamNode) bool {
		h := n.head()
		return h.each(reverse, func(e *StreamEntry) bool {
			low, high := e.ID.Compare(from) < 0, e.ID.Compare(to) > 0
			switch {
			case e.deleted():
				return true
			case low:
				return !reverse
			case high:
				return reverse
			}
			return visit(e)
		})
	}
	if reverse {
		s.nodes.Descend(&streamNode{id: to}, inNode)
		return
	}
	s.nodes.Ascend(s.nodeOf(from), inNode)
}

// nodeOf is a node at which, in the tree's order, the entries from an id on begin.
func (s *Stream) nodeOf(id StreamID) *streamNode {
	at := &streamNode{id: id}
	s.nodes.Descend(at, func(n *streamNode) bool {
		at = n
		return false
	})
	return at
}

// Count returns the number of entries from one id to another, both included, or limit if there are more and
// limit is not 0. Of nodes that lie inside it looks at the head alone.
func (s *Stream) Count(from, to StreamID, limit int) int {
	if s.length == 0 || from.Compare(to) > 0 {
		return 0
	}
	if limit == 0 {
		limit = math.MaxInt
	}
	total := 0
	count := func(n, next *streamNode) bool {
		h := n.head()
		if n.id.Compare(from) >= 0 && next != nil && next.id.Compare(to) <= 0 {
			total += int(h.live)
			return total < limit
		}
		return h.each(false, func(e *StreamEntry) bool {
			if !e.deleted() && e.ID.Compare(from) >= 0 {
				if e.ID.Compare(to) > 0 {
					return false
				}
				total++
			}
			return total < limit
		})
	}
	var last *streamNode // visited when the next one is known
	s.nodes.Ascend(s.nodeOf(from), func(n *streamNode) bool {
		going := last == nil || count(last, n)
		last = n
		return going
	})
	if total < limit && last != nil {
		count(last, nil)
	}
	return min(total, limit)
}

// Entry returns the entry of an id.
func (s *Stream) Entry(id StreamID) (entry StreamEntry, ok bool) {
	s.Range(id, id, false, func(e *StreamEntry) bool {
		entry, ok = *e, true
		return false
	})
	return entry, ok
}

// Newest returns the id of the last entry; ok is false when there are none.
func (s *Stream) Newest() (id StreamID, ok bool) {
	s.Range(StreamID{}, MaxStreamID(), true, func(e *StreamEntry) bool {
		id, ok = e.ID, true
		return false
	})
	return id, ok
}

// first finds out the oldest entry's id after deletions.
func (s *Stream) first() {
	s.First = StreamID{}
	s.Range(StreamID{}, MaxStreamID(), false, func(e *StreamEntry) bool {
		s.First = e.ID
		return false
	})
}

// Delete deletes an entry and reports whether it was there. The stream is Writable.
func (s *Stream) Delete(m *Memory, id StreamID) bool {
	e, ok := s.Entry(id)
	if !ok {
		return false
	}
	n := s.nodeOf(id)
	if h := n.head(); h.live == 1 {
		s.drop(n)
	} else {
		h = s.own(m, n).head()
		h.remove(&e)
		s.recount(&h, 1)
	}
	s.length--
	if id.Compare(s.MaxDeleted) > 0 {
		s.MaxDeleted = id
	}
	if id == s.First {
		s.first()
	}
	return true
}

// drop removes a node.
func (s *Stream) drop(n *streamNode) {
	s.nodes.Delete(n)
	s.packed -= int64(len(n.pack))
}

// recount notes in a node's head that so many of its entries were deleted.
func (s *Stream) recount(h *streamHead, deleted int64) {
	s.packed -= int64(len(h.pack))
	h.count(h.live-deleted, h.deleted+deleted)
	s.packed += int64(len(h.pack))
}

// SetLast makes id the newest that was ever given. It must not be before an entry's. Nodes behind it, in
// which all is deleted, go: what is added next would come before them.
func (s *Stream) SetLast(id StreamID) {
	s.Last = id
	for n, ok := s.nodes.Max(); ok && n.id.Compare(id) > 0; n, ok = s.nodes.Max() {
		s.drop(n)
	}
}
