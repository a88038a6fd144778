package value

import "slices"

// branchWidth is the most parts of a branch.
const branchWidth = 32

// listPart is a node of a Quicklist, or a branch with all that lies below it.
type listPart struct {
	sub      *listBranch // nil: a node
	nodes    int         // in the part; 1 for a node
	elements int

	// Of a node:

	bytes []byte // a Listpack, or the one element of a plain node
	plain bool
	born  uint32 // the epoch of bytes, which a view may see if it is past
}

// pack is the listpack of a node that is not plain.
func (p *listPart) pack() Listpack { return Listpack(p.bytes) }

// listBranch is a branch of the tree that a Quicklist's nodes are the leaves of: a B-tree without
// keys, in which a node is found by its number or by that of an element. Where it is cut into
// branches depends on its history and shows nowhere.
type listBranch struct {
	parts []listPart
	born  uint32
}

// own returns the branch itself if it may be changed, else a copy.
func (b *listBranch) own(m *Memory) *listBranch {
	if m.Private(b.born) {
		return b
	}
	return &listBranch{parts: slices.Clone(b.parts), born: m.Epoch}
}

// part makes a part of a branch.
func (b *listBranch) part() listPart {
	p := listPart{sub: b}
	for i := range b.parts {
		p.nodes += b.parts[i].nodes
		p.elements += b.parts[i].elements
	}
	return p
}

// locate returns which part has node k, and the node's number in it. A number that is one too high
// lies behind the last part's last node.
func (b *listBranch) locate(k int) (i, rest int) {
	for i < len(b.parts)-1 && k >= b.parts[i].nodes {
		k -= b.parts[i].nodes
		i++
	}
	return i, k
}

// at returns node k, to be read.
func (b *listBranch) at(k int) *listPart {
	for {
		i, rest := b.locate(k)
		p := &b.parts[i]
		if p.sub == nil {
			return p
		}
		b, k = p.sub, rest
	}
}

// seek returns the number of the node that has element i, and the element's number in it. There is
// such an element.
func (b *listBranch) seek(i int) (k, at int) {
	for {
		n := 0
		for i >= b.parts[n].elements {
			i -= b.parts[n].elements
			k += b.parts[n].nodes
			n++
		}
		if b.parts[n].sub == nil {
			return k, i
		}
		b = b.parts[n].sub
	}
}

// change returns node k, to be changed, in a branch that may be; the node will have so many
// elements more. Its bytes are still those that a view may see.
func (b *listBranch) change(m *Memory, k, elements int) *listPart {
	for {
		i, rest := b.locate(k)
		p := &b.parts[i]
		p.elements += elements
		if p.sub == nil {
			return p
		}
		p.sub = p.sub.own(m)
		b, k = p.sub, rest
	}
}

// insert puts a node in front of node k, or behind the last. A branch that gets too wide gives up its
// right half, which it returns.
func (b *listBranch) insert(m *Memory, k int, node listPart) (right *listBranch) {
	i, rest := b.locate(k)
	if len(b.parts) == 0 || b.parts[i].sub == nil {
		b.parts = slices.Insert(b.parts, k, node)
		return b.split(m)
	}
	sub := b.parts[i].sub.own(m)
	other := sub.insert(m, rest, node)
	b.parts[i] = sub.part()
	if other == nil {
		return nil
	}
	b.parts = slices.Insert(b.parts, i+1, other.part())
	return b.split(m)
}

// split cuts a branch that is too wide and returns its right half.
func (b *listBranch) split(m *Memory) *listBranch {
	if len(b.parts) <= branchWidth {
		return nil
	}
	const half = branchWidth / 2
	right := &listBranch{parts: slices.Clone(b.parts[half:]), born: m.Epoch}
	clear(b.parts[half:]) // what they refer to
	b.parts = b.parts[:half]
	return right
}

// remove takes node k out of a branch that may be changed, and joins what becomes narrow with what
// stands beside it.
func (b *listBranch) remove(m *Memory, k int) {
	i, rest := b.locate(k)
	if b.parts[i].sub == nil {
		b.parts = slices.Delete(b.parts, k, k+1)
		return
	}
	sub := b.parts[i].sub.own(m)
	sub.remove(m, rest)
	if len(sub.parts) == 0 {
		b.parts = slices.Delete(b.parts, i, i+1)
		return
	}
	b.parts[i] = sub.part()
	if i = max(i, 1); i == len(b.parts) {
		return
	}
	if left, right := b.parts[i-1].sub, b.parts[i].sub; len(left.parts)+len(right.parts) <= branchWidth/2 {
		left = left.own(m)
		left.parts = append(left.parts, right.parts...)
		b.parts[i-1] = left.part()
		b.parts = slices.Delete(b.parts, i, i+1)
	}
}
