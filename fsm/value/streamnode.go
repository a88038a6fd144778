package value

import (
	"encoding/binary"
	"math"
	"slices"
)

// A streamNode is a listpack with up to some hundred entries of a stream, in the format of Redis' stream.h:
//
//	count deleted fields name … 0        the head: how many entries, how many deleted ones beside them,
//	                                     and the fields of the first entry
//	flags ms seq value … n               an entry with the head's fields
//	flags ms seq fields name value … n   an entry with fields of its own
//
// ms and seq are an entry's id less the node's, n is how many elements of the entry come before it, to step
// back by. A deleted entry stays where it is under a flag.
//
// Entries lie in the order in which they were added, and their ids ascend, but for deleted ones: XSETID may
// have taken the last id back behind those. A node that a view can see is copied before it is changed.
type streamNode struct {
	id   StreamID // of the first entry, deleted or not
	pack Listpack
	born uint32
}

const (
	entryDeleted = 1 << 0
	entrySame    = 1 << 1
)

// newStreamNode returns a node for an entry with such an id and fields, which is still to be appended.
func newStreamNode(id StreamID, pairs [][]byte, born uint32) *streamNode {
	n := &streamNode{id: id, pack: New(nil), born: born}
	b := n.pack[:len(n.pack)-1]
	b = appendNumber(appendNumber(appendNumber(b, 0), 0), int64(len(pairs)/2))
	for i := 0; i < len(pairs); i += 2 {
		b = appendElement(b, pairs[i])
	}
	b = append(appendNumber(b, 0), packEnd)
	n.pack = seal(b, 0, 4+len(pairs)/2)
	return n
}

// writable returns a node with the same contents that may be changed: the node itself, or a copy.
func (n *streamNode) writable(m *Memory) *streamNode {
	if m.Private(n.born) {
		return n
	}
	return n.clone(m.Epoch)
}

func (n *streamNode) clone(born uint32) *streamNode {
	return &streamNode{id: n.id, pack: slices.Clone(n.pack), born: born}
}

// A streamHead is the head of a node, read.
type streamHead struct {
	*streamNode
	live, deleted int64
	fields        int64
	names         int // offset of the first field's name
	first         int // offset of the first entry
}

func (n *streamNode) head() streamHead {
	h := streamHead{streamNode: n}
	at := packHeader
	h.live, at = n.pack.number(at)
	h.deleted, at = n.pack.number(at)
	h.fields, h.names = n.pack.number(at)
	h.first = n.pack.pass(h.names, h.fields+1)
	return h
}

// number reads the element at offset at, which is an integer, and returns the offset behind it.
func (lp Listpack) number(at int) (int64, int) {
	e := lp.element(at)
	return e.number, e.end
}

// pass returns the offset behind n elements, the first of them at offset at.
func (lp Listpack) pass(at int, n int64) int {
	for ; n > 0; n-- {
		at = lp.skip(at)
	}
	return at
}

// A StreamEntry is an entry where it lies. It is valid until the stream changes, and with the lock only.
type StreamEntry struct {
	ID     StreamID
	pack   Listpack
	flags  int64
	fields int64
	names  int // offset of the first field's name: in the node's head, or the entry itself
	values int // offset of the first value, or of the first name, if these alternate
	at     int // offset of the entry
}

// Len returns the number of fields.
func (e *StreamEntry) Len() int { return int(e.fields) }

// Each visits fields and values.
func (e *StreamEntry) Each(visit func(field, v Value)) {
	name, at := e.names, e.values
	for range e.fields {
		if e.flags&entrySame == 0 {
			name = at
			at = e.pack.skip(at)
		}
		v := e.pack.element(at)
		visit(e.pack.element(name).Value, v.Value)
		name, at = e.pack.skip(name), v.end
	}
}

func (e *StreamEntry) deleted() bool { return e.flags&entryDeleted != 0 }

// behind returns the offset behind the entry.
func (e *StreamEntry) behind() int {
	n := e.fields
	if e.flags&entrySame == 0 {
		n *= 2
	}
	return e.pack.pass(e.values, n+1)
}

// entry reads the entry at an offset; ok is false behind the last.
func (h *streamHead) entry(at int) (e StreamEntry, ok bool) {
	if h.pack[at] == packEnd {
		return StreamEntry{}, false
	}
	e = StreamEntry{pack: h.pack, at: at, fields: h.fields, names: h.names}
	var ms, seq int64
	e.flags, at = h.pack.number(at)
	ms, at = h.pack.number(at)
	seq, at = h.pack.number(at)
	e.ID = StreamID{MS: h.id.MS + uint64(ms), Seq: h.id.Seq + uint64(seq)}
	if e.flags&entrySame == 0 {
		e.fields, at = h.pack.number(at)
	}
	e.values = at
	return e, true
}

// before reads the entry that ends at an offset; ok is false where the first begins.
func (h *streamHead) before(at int) (e StreamEntry, ok bool) {
	if at == h.first {
		return StreamEntry{}, false
	}
	at = h.pack.back(at)
	n, _ := h.pack.number(at)
	for ; n > 0; n-- {
		at = h.pack.back(at)
	}
	return h.entry(at)
}

// end is the offset behind the last entry.
func (h *streamHead) end() int { return len(h.pack) - 1 }

// each visits entries in order, or in reverse, until visit says false, and reports whether it never did.
func (h *streamHead) each(reverse bool, visit func(e *StreamEntry) bool) bool {
	var e StreamEntry // one for all visits, since it escapes
	var ok bool
	if reverse {
		for e, ok = h.before(h.end()); ok; e, ok = h.before(e.at) {
			if !visit(&e) {
				return false
			}
		}
		return true
	}
	for e, ok = h.entry(h.first); ok; e, ok = h.entry(e.behind()) {
		if !visit(&e) {
			return false
		}
	}
	return true
}

// sameFields reports whether pairs have the fields of the head.
func (h *streamHead) sameFields(pairs [][]byte) bool {
	if h.fields != int64(len(pairs)/2) {
		return false
	}
	at := h.names
	for i := 0; i < len(pairs); i += 2 {
		e := h.pack.element(at)
		if !e.Equal(pairs[i]) {
			return false
		}
		at = e.end
	}
	return true
}

// append adds an entry. The node may be changed.
func (n *streamNode) append(id StreamID, pairs [][]byte) {
	h := n.head()
	same := h.sameFields(pairs)
	h.count(h.live+1, h.deleted)
	count, added := n.pack.header(), 4+len(pairs)/2
	flags := int64(entrySame)
	if !same {
		flags, added = 0, 5+len(pairs)
	}
	b := appendNumber(n.pack[:len(n.pack)-1], flags)
	b = appendNumber(b, int64(id.MS-n.id.MS))
	b = appendNumber(b, int64(id.Seq-n.id.Seq))
	if !same {
		b = appendNumber(b, int64(len(pairs)/2))
	}
	for i := 0; i < len(pairs); i += 2 {
		if !same {
			b = appendElement(b, pairs[i])
		}
		b = appendElement(b, pairs[i+1])
	}
	b = append(appendNumber(b, int64(added-1)), packEnd)
	n.pack = seal(b, count, added)
}

// count writes the head's two counts. The node may be changed.
func (h *streamHead) count(live, deleted int64) {
	_, at := h.pack.number(packHeader)
	_, at = h.pack.number(at)
	var room [24]byte
	b := appendNumber(appendNumber(room[:0], live), deleted)
	if packHeader+len(b) == at {
		copy(h.pack[packHeader:], b)
	} else {
		h.pack = slices.Replace(h.pack, packHeader, at, b...)
		binary.LittleEndian.PutUint32(h.pack, uint32(len(h.pack)))
	}
	h.live, h.deleted = live, deleted
}

// remove flags the entry at an offset, which is not deleted. The node may be changed. Flags take one byte
// whatever they are, so nothing moves, but the head is not counted anew.
func (h *streamHead) remove(e *StreamEntry) {
	h.pack[e.at] = byte(e.flags | entryDeleted)
}

// fits reports whether an entry whose names and values have so many bytes goes into the node.
func (h *streamHead) fits(bytes int, limits StreamLimits) bool {
	most := limits.Bytes
	if most == 0 || most > MaxListpack {
		most = MaxListpack
	}
	return len(h.pack)+bytes < most && (limits.Entries == 0 || h.live+h.deleted < limits.Entries)
}

// StreamLimits say when an entry begins a new node: stream-node-max-bytes and stream-node-max-entries.
// Every replica has the same; 0 is no limit.
type StreamLimits struct {
	Bytes   int
	Entries int64
}

// Work returns how many entries an approximate trim may remove, unless it is told otherwise: those of a
// hundred nodes.
func (l StreamLimits) Work() int64 {
	const nodes, unlimited, most = 100, 10_000, 1_000_000
	if l.Entries > math.MaxInt64/nodes {
		return most
	}
	if n := nodes * l.Entries; n > 0 {
		return min(n, most)
	}
	return unlimited
}
