package value

import (
	"slices"

	"github.com/redraftdb/redraft/fsm/arena"
)

// ranking is the members of a sorted set in their order: a tree whose inner nodes count what lies below
// each of their kids, so that the n-th entry, and the number of entries in front of a place, are found on
// one way down. It does not know the order: whoever inserts an entry says how many others stand in front.
//
// A node is copied before its first change in an epoch in which a view may read it, so a ranking is cloned
// by assignment. Where its nodes end shows nowhere.
type ranking struct {
	root *rankNode // nil: no entries
}

// rankEntry is a member: its score, and the Dict's cell that holds it.
type rankEntry struct {
	score float64
	ref   arena.Ref
}

const (
	// rankWidth is how many entries or kids a node is split at.
	rankWidth = 128
	// rankSparse is how few of them let a node be joined with a neighbour.
	rankSparse = rankWidth / 4
)

type rankNode struct {
	born    uint32
	entries []rankEntry // of a leaf
	kids    []rankKid   // of an inner node; a leaf has none
}

type rankKid struct {
	low  rankEntry // the first entry below
	size int       // the number of them
	node *rankNode
}

func (r *ranking) len() int {
	if r.root == nil {
		return 0
	}
	return r.root.size()
}

// seek returns the number of entries for which before holds; they stand in front of all others.
func (r *ranking) seek(before func(rankEntry) bool) int {
	rank, n := 0, r.root
	if n == nil {
		return 0
	}
	for n.kids != nil {
		k := max(0, partition(n.kids, func(k *rankKid) bool { return before(k.low) })-1)
		for i := range k {
			rank += n.kids[i].size
		}
		n = n.kids[k].node
	}
	return rank + partition(n.entries, func(e *rankEntry) bool { return before(*e) })
}

// partition returns how many elements, which stand in front of all others, satisfy the condition.
func partition[E any](s []E, holds func(*E) bool) int {
	low, high := 0, len(s)
	for low < high {
		if mid := (low + high) / 2; holds(&s[mid]) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// at returns the entry with i others in front of it, 0 ≤ i < len().
func (r *ranking) at(i int) rankEntry {
	n := r.root
	for n.kids != nil {
		var k int
		k, i = n.kidOf(i)
		n = n.kids[k].node
	}
	return n.entries[i]
}

// walk visits the entries from one rank up to another, or down from it, until visit says false, and
// reports whether it never did.
func (r *ranking) walk(from, to int, reverse bool, visit func(rankEntry) bool) bool {
	return r.root == nil || r.root.walk(from, to, reverse, visit)
}

// insert puts an entry behind i others.
func (r *ranking) insert(m *Memory, i int, e rankEntry) {
	if r.root == nil {
		r.root = &rankNode{born: m.Epoch, entries: []rankEntry{e}}
		return
	}
	r.root = r.root.own(m)
	if right := r.root.insert(m, i, e, true); right != nil {
		r.root = &rankNode{born: m.Epoch, kids: []rankKid{kid(r.root), kid(right)}}
	}
}

// remove takes out the entry with i others in front of it.
func (r *ranking) remove(m *Memory, i int) {
	r.root = r.root.own(m)
	r.root.remove(m, i)
	for len(r.root.kids) == 1 {
		r.root = r.root.kids[0].node
	}
	if r.root.width() == 0 {
		r.root = nil
	}
}

// replace puts an entry in the place of the one with i others in front of it.
func (r *ranking) replace(m *Memory, i int, e rankEntry) {
	r.root = r.root.own(m)
	r.root.replace(m, i, e)
}

// width is the number of entries or kids.
func (n *rankNode) width() int { return len(n.entries) + len(n.kids) }

// size is the number of entries in the node and below.
func (n *rankNode) size() int {
	size := len(n.entries)
	for i := range n.kids {
		size += n.kids[i].size
	}
	return size
}

// kid returns what a parent has of a node that is not empty.
func kid(n *rankNode) rankKid {
	k := rankKid{size: n.size(), node: n}
	if n.kids != nil {
		k.low = n.kids[0].low
	} else {
		k.low = n.entries[0]
	}
	return k
}

// kidOf returns below which kid the entry of a rank lies, and its rank there.
func (n *rankNode) kidOf(i int) (k, rank int) {
	for i >= n.kids[k].size {
		i -= n.kids[k].size
		k++
	}
	return k, i
}

func (n *rankNode) walk(from, to int, reverse bool, visit func(rankEntry) bool) bool {
	if n.kids == nil {
		for i := from; i < to; i++ {
			e := &n.entries[i]
			if reverse {
				e = &n.entries[from+to-1-i]
			}
			if !visit(*e) {
				return false
			}
		}
		return true
	}
	begin := 0
	if reverse {
		begin = n.size()
	}
	for i := range n.kids {
		k := &n.kids[i]
		if reverse {
			k = &n.kids[len(n.kids)-1-i]
			begin -= k.size
		}
		first, last := max(0, from-begin), min(to-begin, k.size)
		if first < last && !k.node.walk(first, last, reverse, visit) {
			return false
		}
		if !reverse {
			begin += k.size
		}
	}
	return true
}

// own returns the node itself if it may be changed, else a copy.
func (n *rankNode) own(m *Memory) *rankNode {
	if m.Private(n.born) {
		return n
	}
	c := &rankNode{born: m.Epoch}
	if n.kids == nil {
		c.entries = append(make([]rankEntry, 0, cap(n.entries)), n.entries...)
	} else {
		c.kids = append(make([]rankKid, 0, cap(n.kids)), n.kids...)
	}
	return c
}

// ownKid is own for a kid.
func (n *rankNode) ownKid(m *Memory, k int) *rankNode {
	n.kids[k].node = n.kids[k].node.own(m)
	return n.kids[k].node
}

// insert puts in an entry. If that fills the node, its upper part is returned as another one. last says
// that no other node of its level stands behind.
func (n *rankNode) insert(m *Memory, i int, e rankEntry, last bool) (right *rankNode) {
	if n.kids == nil {
		n.entries = slices.Insert(n.entries, i, e)
		return n.split(m, i, last)
	}
	k := 0 // between two kids an entry goes to the end of the first
	for ; i > n.kids[k].size; k++ {
		i -= n.kids[k].size
	}
	node := n.ownKid(m, k)
	added := node.insert(m, i, e, last && k == len(n.kids)-1)
	n.kids[k] = kid(node)
	if added == nil {
		return nil
	}
	n.kids = slices.Insert(n.kids, k+1, kid(added))
	return n.split(m, k+1, last)
}

// split takes the upper part off a full node, in which something was inserted at i last: half of it, or,
// where a set grows at one of its ends, as little as leaves the other part full.
func (n *rankNode) split(m *Memory, i int, last bool) (right *rankNode) {
	full := n.width()
	if full < rankWidth {
		return nil
	}
	cut := full / 2
	switch {
	case i == 0:
		cut = 1
	case last && i == full-1:
		cut = full - 1
	}
	right = &rankNode{born: m.Epoch}
	if n.kids == nil {
		right.entries = append(make([]rankEntry, 0, rankWidth), n.entries[cut:]...)
		n.entries = n.entries[:cut]
		return right
	}
	right.kids = append(make([]rankKid, 0, rankWidth), n.kids[cut:]...)
	clear(n.kids[cut:])
	n.kids = n.kids[:cut]
	return right
}

func (n *rankNode) remove(m *Memory, i int) {
	if n.kids == nil {
		n.entries = slices.Delete(n.entries, i, i+1)
		return
	}
	k, i := n.kidOf(i)
	node := n.ownKid(m, k)
	node.remove(m, i)
	if node.width() == 0 {
		n.kids = slices.Delete(n.kids, k, k+1)
		return
	}
	n.kids[k] = kid(node)
	if node.width() < rankSparse && !n.join(m, k) && k > 0 {
		n.join(m, k-1)
	}
}

// join makes one node of a kid and the next, if they are small enough, and reports whether they were.
func (n *rankNode) join(m *Memory, k int) bool {
	if k+1 == len(n.kids) || n.kids[k].node.width()+n.kids[k+1].node.width() > rankWidth/2 {
		return false
	}
	left, right := n.ownKid(m, k), n.kids[k+1].node
	left.entries = append(left.entries, right.entries...)
	left.kids = append(left.kids, right.kids...)
	n.kids[k] = kid(left)
	n.kids = slices.Delete(n.kids, k+1, k+2)
	return true
}

func (n *rankNode) replace(m *Memory, i int, e rankEntry) {
	if n.kids == nil {
		n.entries[i] = e
		return
	}
	k, i := n.kidOf(i)
	node := n.ownKid(m, k)
	node.replace(m, i, e)
	n.kids[k] = kid(node)
}
