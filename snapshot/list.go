package snapshot

import "fmt"

// ListNode is a node of a list of type TypeListQuicklist2.
type ListNode struct {
	// Plain says that the node is one element, and Bytes that element; otherwise Bytes is a listpack of
	// elements, checked as ValidateListpack does.
	Plain bool
	// Bytes are the visitor's to keep.
	Bytes []byte
	// Elements is how many there are, 1 or more.
	Elements int
}

// The kinds of nodes, with their numbers in the file.
const (
	listNodePlain  = 1
	listNodePacked = 2
)

// ListNode writes a node of a list of type TypeListQuicklist2, whose number of nodes has been written
// with Length: a plain element, or a listpack.
func (w *Writer) ListNode(plain bool, b []byte) {
	if plain {
		w.Length(listNodePlain)
	} else {
		w.Length(listNodePacked)
	}
	w.String(b)
}

// ListNodes reads the value of a list of type TypeListQuicklist2 and visits its nodes, but for those
// without elements. An error of visit ends the walk; it comes back wrapped, and stays the Reader's. An
// empty list is passed without a visit. An error may come after sound nodes.
func (r *Reader) ListNodes(visit func(n ListNode) error) error {
	nodes, err := r.Length()
	if err != nil {
		return err
	}
	for range nodes {
		kind, err := r.Length()
		if err != nil {
			return err
		}
		if kind != listNodePlain && kind != listNodePacked {
			return r.corrupt("a list's node of kind %d", kind)
		}
		n := ListNode{Plain: kind == listNodePlain, Elements: 1}
		if n.Bytes, _, err = r.AppendString(nil); err != nil {
			return err
		}
		if !n.Plain {
			if n.Elements, err = ValidateListpack(n.Bytes); err != nil {
				return r.badValue(err)
			}
		}
		if n.Elements == 0 {
			continue
		}
		if err := visit(n); err != nil {
			return r.badValue(err)
		}
	}
	return nil
}

// List reads the value of a list of one of the older types and visits its elements in order. What is
// said of ListNodes holds, except that an element is valid during the visit only.
func (r *Reader) List(t Type, visit func(element []byte) error) error {
	pieces := uint64(1)
	var err error
	if t == TypeList || t == TypeListQuicklist {
		pieces, err = r.Length()
	}
	if err != nil {
		return err
	}
	var digits [maxDigits]byte
	for range pieces {
		b, _, err := r.scratch(&r.value)
		if err != nil {
			return err
		}
		switch t {
		case TypeList:
			err = visit(b)
		case TypeListZiplist, TypeListQuicklist:
			err = walkZiplist(b, func(e Element) error { return visit(e.view(&digits)) })
		default:
			err = fmt.Errorf("%w: a %s where a list is wanted", ErrFormat, t)
		}
		if err != nil {
			return r.badValue(err)
		}
	}
	return nil
}
