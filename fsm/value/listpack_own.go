package value

import (
	"encoding/binary"
	"slices"
)

// The methods below write into the listpack they are called on, which has to be the caller's alone, and
// return what has become of it.

// spliced puts values in the place of the bytes from one element's offset up to another's, so that the
// listpack has so many elements more.
func (lp Listpack) spliced(from, to, change int, vs ...[]byte) Listpack {
	count := lp.header()
	var room [128]byte
	elements := room[:0]
	for _, v := range vs {
		elements = appendElement(elements, v)
	}
	return seal(slices.Replace([]byte(lp), from, to, elements...), count, change)
}

// without takes out some elements, given in their order.
func (lp Listpack) without(gone []Element) Listpack {
	count, to := lp.header(), gone[0].At
	for i, e := range gone {
		next := len(lp)
		if i+1 < len(gone) {
			next = gone[i+1].At
		}
		to += copy(lp[to:], lp[e.end:next])
	}
	return seal(lp[:to], count, -len(gone))
}

// joined puts the elements of another listpack behind the last.
func (lp Listpack) joined(other Listpack) Listpack {
	n := lp.Count() + other.Count()
	b := append(lp[:len(lp)-1], other[packHeader:]...)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint16(b[4:], uint16(min(n, packUncounted)))
	return b
}

// offset returns where element i begins, or the end mark if there are i elements.
func (lp Listpack) offset(i int) int {
	if e, ok := lp.Index(i); ok {
		return e.At
	}
	return len(lp) - 1
}
