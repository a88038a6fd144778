package value

import "github.com/redraftdb/redraft/snapshot"

// smallList is the longest listpack in bytes that a list is while it has but one node. What is longer is
// cheaper to change where it lies.
const smallList = 2 << 10

// List is a list in either of its forms, as a command handler works on it: the listpack of its only
// node, as long as that is short, or a Quicklist. Which of them it is follows from its nodes and shows
// nowhere; both are one encoding, and the same bytes of a snapshot.
//
// What Hash says of changes holds for a List as well: whoever changes one puts Small or Large, whichever
// it then has, in the place of the old value.
type List struct {
	m      *Memory
	limits ListLimits
	pack   Listpack // nil: large holds the elements
	large  *Quicklist
}

// NewList returns an empty list.
func NewList(m *Memory, limits ListLimits) List {
	l := List{m: m, limits: limits}
	l.rebuilt(New(m.spare(nil, 0)))
	return l
}

// SmallList returns the list that a well-formed listpack holds.
func SmallList(m *Memory, pack Listpack, limits ListLimits) List {
	return List{m: m, pack: pack, limits: limits}
}

// LargeList returns the list that a Quicklist holds.
func LargeList(m *Memory, q *Quicklist, limits ListLimits) List {
	return List{m: m, large: q, limits: limits}
}

// Small returns the bytes of a small list; nil when the list is large.
func (l *List) Small() []byte { return l.pack }

// Large returns the structure of a large list; nil when the list is small.
func (l *List) Large() Large {
	if l.large == nil {
		return nil // and no interface around a nil Quicklist
	}
	return l.large
}

// Len returns the number of elements.
func (l *List) Len() int {
	if l.large != nil {
		return l.large.Len()
	}
	return l.pack.Count()
}

// Each visits the elements from element i on, counted from 0, towards the front if backwards is true,
// until visit says false. An element is valid until the list changes.
func (l *List) Each(i int, backwards bool, visit func(v Value) bool) {
	if l.large != nil {
		l.large.Each(i, backwards, visit)
		return
	}
	if n := l.Len(); i >= 0 && i < n {
		p := listPart{bytes: l.pack}
		if backwards {
			i = n - 1 - i
		}
		p.each(i, backwards, func(e Element) bool { return visit(e.Value) })
	}
}

// At returns element i; ok is false if there is none.
func (l *List) At(i int) (v Value, ok bool) {
	l.Each(i, false, func(e Value) bool {
		v, ok = e, true
		return false
	})
	return v, ok
}

// Find returns the number of the first element that equals v, -1 if there is none.
func (l *List) Find(v []byte) int {
	i, found := 0, -1
	same := Matcher(v)
	l.Each(0, false, func(e Value) bool {
		if same(e) {
			found = i
		}
		i++
		return found < 0
	})
	return found
}

// Push adds an element at the front, or else at the back. The bytes are copied; they may be views of
// the list's value as it was before its first change.
func (l *List) Push(v []byte, front bool) {
	p := listPart{bytes: l.pack, elements: -1}
	if l.large == nil && len(l.pack)+room(v) <= smallList {
		p.elements = l.pack.Count()
	}
	if p.elements < 0 || p.elements > 0 && !l.limits.takes(&p, len(v)) || l.limits.plain(len(v)) {
		q := l.writable()
		q.Push(l.m, v, front, l.limits)
		l.settle()
		return
	}
	switch {
	case front:
		l.rebuilt(l.pack.Insert(l.m.spare(l.pack, len(l.pack)+len(v)), packHeader, v))
	case l.m.latest(l.pack):
		l.pack = l.pack.Append(l.pack, v)
		l.m.grew(l.pack)
	default:
		l.rebuilt(l.pack.Append(l.m.spare(l.pack, len(l.pack)+len(v)), v))
	}
}

// Insert puts an element in front of element i, or right behind it.
func (l *List) Insert(i int, after bool, v []byte) {
	l.writable().Insert(l.m, i, after, v, l.limits)
	l.settle()
}

// Set puts v in the place of element i.
func (l *List) Set(i int, v []byte) {
	l.writable().Set(l.m, i, v, l.limits)
	l.settle()
}

// Delete takes out n elements, from element i on. There are so many. A list without elements is left to
// the caller to remove.
func (l *List) Delete(i, n int) {
	if l.large == nil {
		if e, ok := l.pack.Index(i); ok {
			l.rebuilt(l.pack.Delete(l.m.spare(l.pack, len(l.pack)), e.At, n))
		}
		return
	}
	l.writable().Delete(l.m, i, n)
	l.settle()
}

// Remove takes out elements that equal v, up to limit of them, beginning at the back if backwards is
// true, and returns how many they were.
func (l *List) Remove(v []byte, limit int, backwards bool) (removed int) {
	if l.Find(v) < 0 {
		return 0 // and no other list is made that the caller would have to store
	}
	removed = l.writable().Remove(l.m, v, limit, backwards)
	l.settle()
	return removed
}

// rebuilt makes a listpack that was built in the Memory's spare scratch the list's.
func (l *List) rebuilt(pack Listpack) {
	l.m.wrote(pack)
	l.pack = pack
}

// writable makes the list a large one that may be changed.
func (l *List) writable() *Quicklist {
	if l.large != nil {
		l.large = l.large.Writable(l.m)
		return l.large
	}
	q := NewQuicklist(l.m)
	if n := l.pack.Count(); n > 0 {
		q.add(l.m, 0, listPart{elements: n, bytes: append([]byte(nil), l.pack...)})
	}
	l.large, l.pack = q, nil
	return q
}

// settle makes a large list small if its nodes are what a small one has.
func (l *List) settle() {
	switch l.large.Nodes() {
	case 0:
		l.pack, l.large = New(nil), nil
	case 1:
		if p := l.large.root.at(0); !p.plain && len(p.bytes) <= smallList {
			l.pack, l.large = p.pack(), nil
		}
	}
}

// EncodeSmallList writes a list of one node as the value of a key of type snapshot.TypeListQuicklist2.
func EncodeSmallList(w *snapshot.Writer, pack Listpack) {
	w.Length(1)
	w.ListNode(false, pack)
}

// Encode writes the list as the value of a key of type snapshot.TypeListQuicklist2. A view's goroutine
// may call it.
func (q *Quicklist) Encode(w *snapshot.Writer) {
	w.Length(uint64(q.Nodes()))
	for k := range q.Nodes() {
		p := q.root.at(k)
		w.ListNode(p.plain, p.bytes)
	}
}

// DecodeList reads the value of a key of one of the list types. The nodes of a
// snapshot.TypeListQuicklist2 stay as they are; the elements of the older forms are pushed one by one.
// Errors are the Reader's, or ErrEmpty.
func DecodeList(r *snapshot.Reader, t snapshot.Type, m *Memory, limits ListLimits) (List, error) {
	q := NewQuicklist(m)
	var err error
	if t == snapshot.TypeListQuicklist2 {
		err = r.ListNodes(func(n snapshot.ListNode) error {
			q.add(m, q.Nodes(), listPart{elements: n.Elements, plain: n.Plain, bytes: n.Bytes})
			return nil
		})
	} else {
		err = r.List(t, func(element []byte) error {
			q.Push(m, element, false, limits)
			return nil
		})
	}
	if err == nil && q.Nodes() == 0 {
		err = ErrEmpty
	}
	l := LargeList(m, q, limits)
	l.settle()
	return l, err
}
