package value

import "slices"

// Push adds an element at the front, or else at the back.
func (q *Quicklist) Push(m *Memory, v []byte, front bool, limits ListLimits) {
	n := q.Nodes()
	end, at, fresh := n-1, 0, n
	if front {
		end, fresh = 0, 0
	}
	if n == 0 || !limits.takes(q.root.at(end), len(v)) {
		q.fit(m, end)
		q.addElement(m, fresh, v, limits)
		return
	}
	if !front {
		at = q.root.at(end).elements
	}
	q.put(m, end, at, v)
}

// fit gives back what the bytes of a node, if there is one, do not need: it is full.
func (q *Quicklist) fit(m *Memory, k int) {
	if k < 0 || k >= q.Nodes() {
		return
	}
	if p := q.root.at(k); cap(p.bytes)-len(p.bytes) > len(p.bytes)/16 && m.Private(p.born) {
		q.writable(m).change(m, k, 0).bytes = slices.Clone(p.bytes)
	}
}

// Insert puts an element in front of element i, or right behind it.
func (q *Quicklist) Insert(m *Memory, i int, after bool, v []byte, limits ListLimits) {
	k, at := q.root.seek(i)
	p := q.root.at(k)
	beside, fresh := k-1, k // the node on the side of the new element, and the number of a new one there
	edge := at == 0
	if after {
		at++
		beside, fresh = k+1, k+1
		edge = at == p.elements
	}
	switch {
	case limits.takes(p, len(v)):
		q.put(m, k, at, v)
	case !edge:
		q.insertSplitting(m, k, at, after, v, limits)
	case beside < 0 || beside == q.Nodes() || !limits.takes(q.root.at(beside), len(v)):
		q.addElement(m, fresh, v, limits)
	case after:
		q.put(m, beside, 0, v)
	default:
		q.put(m, beside, q.root.at(beside).elements, v)
	}
}

// insertSplitting puts an element between two of a node that has no room for it. The node is cut there;
// the element goes to the part on the side where it was to be put, and what has become small is merged.
func (q *Quicklist) insertSplitting(m *Memory, k, at int, after bool, v []byte, limits ListLimits) {
	q.split(m, k, at)
	if limits.plain(len(v)) {
		q.addElement(m, k+1, v, limits)
		return
	}
	if after {
		q.put(m, k+1, 0, v)
		q.merge(m, k, limits)
	} else {
		q.put(m, k, at, v)
		q.merge(m, k+1, limits)
	}
}

// split cuts a node in two in front of one of its elements, which is not the first.
func (q *Quicklist) split(m *Memory, k, at int) {
	p := q.root.at(k)
	lp, n := p.pack(), p.elements
	where := lp.offset(at)
	right := New(nil).spliced(packHeader, packHeader, 0)
	right = seal(append(append(right[:packHeader], lp[where:len(lp)-1]...), packEnd), 0, n-at)
	q.edit(m, k, at-n, func(lp Listpack) Listpack { return lp.spliced(where, len(lp)-1, at-n) })
	q.add(m, k+1, listPart{elements: n - at, bytes: right})
}

// merge joins the two nodes in front of node k, the two behind it, and it with its neighbours, as far as
// the limits allow.
func (q *Quicklist) merge(m *Memory, k int, limits ListLimits) {
	if q.join(m, k-2, limits) {
		k--
	}
	q.join(m, k+1, limits)
	if q.join(m, k-1, limits) {
		k--
	}
	q.join(m, k, limits)
}

// join makes one node of node k and the next, if there are these two and the limits allow it.
func (q *Quicklist) join(m *Memory, k int, limits ListLimits) bool {
	if k < 0 || k+1 >= q.Nodes() {
		return false
	}
	right := *q.root.at(k + 1)
	if !limits.merges(q.root.at(k), &right) {
		return false
	}
	q.edit(m, k, right.elements, func(lp Listpack) Listpack { return lp.joined(right.pack()) })
	q.removeNode(m, k+1)
	return true
}

// Set puts v in the place of element i.
func (q *Quicklist) Set(m *Memory, i int, v []byte, limits ListLimits) {
	k, at := q.root.seek(i)
	p := q.root.at(k)
	switch plain := limits.plain(len(v)) || len(p.bytes)+len(v) > maxPack; {
	case p.plain && plain:
		q.removeNode(m, k)
		q.addElement(m, k, v, limits)
	case plain || p.plain:
		q.Insert(m, i, true, v, limits)
		k, at = q.root.seek(i)
		q.cut(m, k, at, 1)
	default:
		q.edit(m, k, 0, func(lp Listpack) Listpack {
			where := lp.offset(at)
			return lp.spliced(where, lp.skip(where), 0, v)
		})
	}
}

// Delete takes out n elements, from element i on. There are so many.
func (q *Quicklist) Delete(m *Memory, i, n int) {
	for n > 0 {
		k, at := q.root.seek(i)
		here := min(n, q.root.at(k).elements-at)
		q.cut(m, k, at, here)
		n -= here
	}
}

// Remove takes out elements that equal v, up to limit of them, beginning at the back if backwards is
// true, and returns how many they were.
func (q *Quicklist) Remove(m *Memory, v []byte, limit int, backwards bool) (removed int) {
	k, step := 0, 1
	if backwards {
		k, step = q.Nodes()-1, -1
	}
	for removed < limit && k >= 0 && k < q.Nodes() {
		gone := q.root.at(k).matching(v, limit-removed, backwards)
		removed += len(gone)
		switch {
		case len(gone) == 0:
		case len(gone) == q.root.at(k).elements:
			q.removeNode(m, k)
			if !backwards {
				continue // with the node that has its number now
			}
		default:
			q.edit(m, k, -len(gone), func(lp Listpack) Listpack { return lp.without(gone) })
		}
		k += step
	}
	return removed
}

// matching returns a node's elements that equal v, in their order: the first of them up to limit, or the
// last.
func (p *listPart) matching(v []byte, limit int, backwards bool) (found []Element) {
	same := Matcher(v)
	p.each(0, backwards, func(e Element) bool {
		if same(e.Value) {
			found = append(found, e)
		}
		return len(found) < limit
	})
	if backwards {
		slices.Reverse(found)
	}
	return found
}

// each visits the node's elements, from an element on that is counted from the end at which the visit
// begins, until visit says false, and reports whether it never did.
func (p *listPart) each(from int, backwards bool, visit func(e Element) bool) bool {
	if p.plain {
		return from > 0 || visit(Element{Value: Text(p.bytes)})
	}
	lp, next := p.pack(), Listpack.Next
	e, ok := lp.Index(from)
	if backwards {
		next = Listpack.Prev
		e, ok = lp.Index(-1 - from)
	}
	for ; ok; e, ok = next(lp, e) {
		if !visit(e) {
			return false
		}
	}
	return true
}

// Each visits the elements from element i on, towards the front if backwards is true, until visit says
// false.
func (q *Quicklist) Each(i int, backwards bool, visit func(v Value) bool) {
	if i < 0 || i >= q.Len() {
		return
	}
	k, from := q.root.seek(i)
	step := 1
	if backwards {
		step = -1
		from = q.root.at(k).elements - 1 - from
	}
	for ; k >= 0 && k < q.Nodes(); k += step {
		if !q.root.at(k).each(from, backwards, func(e Element) bool { return visit(e.Value) }) {
			return
		}
		from = 0
	}
}
