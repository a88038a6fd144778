package value

import "slices"

// Quicklist is the large form of a list: a sequence of nodes, each a listpack of elements or, plain,
// one element that is too long for that. Finding an element by its number takes logarithmic time, and
// what a view sees of a list is copied node by node, when it is changed.
//
// Which node an element lies in follows from the changes that were made and is part of a snapshot. The
// rules are Redis' own, so the nodes are too.
//
// A Quicklist that a view can see is left to the view: Writable returns another one for the changes.
// All methods that change one take the Memory that it was made in, and panic if it may not be changed.
type Quicklist struct {
	root  *listBranch
	bytes int64 // of all nodes
	born  uint32
}

// ListLimits say how elements are divided among nodes. Every replica has the same.
type ListLimits struct {
	// Fill is list-max-listpack-size: the most elements of a node, or below 0 the most bytes, -1 for
	// 4 KiB to -5 for 64 KiB.
	Fill int
	// Packed is the length in bytes from which on an element is a node of its own.
	Packed int
}

const (
	// maxPacked is the longest element of a listpack, whatever the limits, and maxPack the largest
	// listpack that grows where elements are replaced: a node is a string of a snapshot.
	maxPacked = 32 << 20
	maxPack   = 64 << 20

	safePack      = 8 << 10 // bytes up to which a node may have as many elements as Fill says
	maxFill       = 1<<15 - 1
	elementAround = 8  // bytes that an element is taken to need beside its own
	packAround    = 11 // bytes that are saved when two listpacks become one, by Redis' count
)

// plain reports whether an element of n bytes is a node of its own.
func (l ListLimits) plain(n int) bool { return n >= l.Packed || n > maxPacked }

// allow reports whether a node may be of so many bytes and elements.
func (l ListLimits) allow(bytes, elements int) bool {
	if l.Fill < 0 {
		return bytes <= 2048<<min(-l.Fill, 5)
	}
	return bytes <= safePack && elements <= min(l.Fill, maxFill)
}

// takes reports whether one more element of n bytes may be put into a node.
func (l ListLimits) takes(p *listPart, n int) bool {
	return !p.plain && !l.plain(n) && l.allow(len(p.bytes)+n+elementAround, p.elements+1)
}

// merges reports whether two nodes may become one.
func (l ListLimits) merges(a, b *listPart) bool {
	return !a.plain && !b.plain && l.allow(len(a.bytes)+len(b.bytes)-packAround, a.elements+b.elements)
}

// NewQuicklist returns an empty Quicklist.
func NewQuicklist(m *Memory) *Quicklist {
	return &Quicklist{root: &listBranch{born: m.Epoch}, born: m.Epoch}
}

// Len returns the number of elements.
func (q *Quicklist) Len() int { return q.root.part().elements }

// Nodes returns the number of nodes.
func (q *Quicklist) Nodes() int { return q.root.part().nodes }

// Bytes returns about how much memory the list takes. It depends on its nodes alone, so that all
// replicas say the same.
func (q *Quicklist) Bytes() int64 {
	const itself, node = 96, 80
	return itself + node*int64(q.Nodes()) + q.bytes
}

// Private reports whether the list may be changed: no view sees it.
func (q *Quicklist) Private(m *Memory) bool { return m.Private(q.born) }

// Writable returns the list itself if it may be changed, else another one with the same contents for
// the owner to go on with.
func (q *Quicklist) Writable(m *Memory) *Quicklist {
	if q.Private(m) {
		return q
	}
	c := *q
	c.born = m.Epoch
	return &c
}

// Fork is Writable of a list that a view sees, as a Large.
func (q *Quicklist) Fork(m *Memory) Large { return q.Writable(m) }

// CopyTo returns a list of its own in another Memory, or the same, with equal nodes.
func (q *Quicklist) CopyTo(to *Memory, _ Cells) Large {
	c := NewQuicklist(to)
	for k := range q.Nodes() {
		p := *q.root.at(k)
		p.bytes = slices.Clone(p.bytes)
		c.add(to, k, p)
	}
	return c
}

// Cells is 0: nodes lie in no cells.
func (q *Quicklist) Cells() int64 { return 0 }

// FreeSome has nothing to do: nodes lie in no cells.
func (q *Quicklist) FreeSome(*Memory, int) (freed int, done bool) { return 0, true }

// Evacuate has nothing to do: nodes lie in no cells.
func (q *Quicklist) Evacuate(*Memory, uint32, int) (next uint32, more bool) { return 0, false }

// writable returns the root for a change.
func (q *Quicklist) writable(m *Memory) *listBranch {
	if !q.Private(m) {
		panic("value: a change of a list that is a view's")
	}
	q.root = q.root.own(m)
	return q.root
}

// add puts a node in front of node k, or behind the last.
func (q *Quicklist) add(m *Memory, k int, p listPart) {
	p.nodes, p.born = 1, m.Epoch
	root := q.writable(m)
	if right := root.insert(m, k, p); right != nil {
		q.root = &listBranch{parts: []listPart{root.part(), right.part()}, born: m.Epoch}
	}
	q.bytes += int64(len(p.bytes))
}

// addElement makes a node of an element and puts it in front of node k, or behind the last.
func (q *Quicklist) addElement(m *Memory, k int, v []byte, limits ListLimits) {
	p := listPart{elements: 1, plain: limits.plain(len(v))}
	if p.plain {
		p.bytes = append([]byte{}, v...)
	} else {
		p.bytes = New(nil).spliced(packHeader, packHeader, 1, v)
	}
	q.add(m, k, p)
}

// removeNode takes out node k.
func (q *Quicklist) removeNode(m *Memory, k int) {
	root := q.writable(m)
	q.bytes -= int64(len(root.at(k).bytes))
	root.remove(m, k)
	for len(q.root.parts) == 1 && q.root.parts[0].sub != nil {
		q.root = q.root.parts[0].sub.own(m)
	}
}

// edit changes the listpack of node k, which then has so many elements more. The change may write into
// the listpack that it is given.
func (q *Quicklist) edit(m *Memory, k, elements int, change func(lp Listpack) Listpack) {
	p := q.writable(m).change(m, k, elements)
	q.bytes -= int64(len(p.bytes))
	if !m.Private(p.born) {
		p.bytes = slices.Clone(p.bytes)
	}
	p.bytes, p.born = change(p.pack()), m.Epoch
	if len(p.bytes) < cap(p.bytes)/2 {
		p.bytes = slices.Clone(p.bytes) // and what it no longer needs is given back
	}
	q.bytes += int64(len(p.bytes))
}

// put puts an element into node k, at a place counted in its elements.
func (q *Quicklist) put(m *Memory, k, at int, v []byte) {
	q.edit(m, k, 1, func(lp Listpack) Listpack {
		where := lp.offset(at)
		return lp.spliced(where, where, 1, v)
	})
}

// cut takes n elements out of node k, from a place on.
func (q *Quicklist) cut(m *Memory, k, at, n int) {
	if n == q.root.at(k).elements {
		q.removeNode(m, k)
		return
	}
	q.edit(m, k, -n, func(lp Listpack) Listpack { return lp.spliced(lp.offset(at), lp.offset(at+n), -n) })
}
