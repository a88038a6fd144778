package snapshot

import "encoding/binary"

// A listpack is its size in bytes (4), its number of elements (2), the elements and 0xff. An
// element is a head, which tells its kind and length, the data, and the length of both, so
// that it can be stepped over from behind: seven bits a byte, most significant first, all but
// the first byte with the top bit set.
const (
	listpackHeader = 6
	// compactEnd ends every compact form.
	compactEnd = 0xff
	// uncounted stands for a number of elements that does not fit its two bytes.
	uncounted = 0xffff
)

// ValidateListpack checks every length in a listpack and returns the number of its elements.
// What it lets pass can be walked in either direction without further checks. It does not ask
// that integers are stored in their shortest form, or as integers at all.
func ValidateListpack(lp []byte) (count int, err error) {
	err = WalkListpack(lp, func(Element) error {
		count++
		return nil
	})
	return count, err
}

// WalkListpack visits the elements of a listpack in order. It checks as it goes, so that an
// ErrFormat may come after sound elements; an error of visit ends the walk and is returned
// as it is. Elements are views of lp.
func WalkListpack(lp []byte, visit func(Element) error) error {
	const form = "listpack"
	last := len(lp) - 1
	if last < listpackHeader || lp[last] != compactEnd {
		return compactError(form, max(last, 0), "no end mark")
	}
	if size := binary.LittleEndian.Uint32(lp); uint64(size) != uint64(len(lp)) {
		return compactError(form, 0, "wrong size")
	}
	count := 0
	for at := listpackHeader; at < last; count++ {
		e, size := listpackElement(lp[at:last])
		if size == 0 {
			return compactError(form, at, "not an element, or one cut short")
		}
		back := backLength(lp[at+size:last], size)
		if back == 0 {
			return compactError(form, at+size, "wrong length behind an element")
		}
		if err := visit(e); err != nil {
			return err
		}
		at += size + back
	}
	if said := int(binary.LittleEndian.Uint16(lp[4:])); said != uncounted && said != count {
		return compactError(form, 4, "wrong number of elements")
	}
	return nil
}

// listpackElement returns the element at the head of b, which is not empty, and the size of
// its head and data; 0 if there is none or b is too short.
func listpackElement(b []byte) (e Element, size int) {
	head := b[0]
	switch {
	case head < 0x80:
		return Element{Int: int64(head), IsInt: true}, 1
	case head < 0xc0:
		return text(b, 1, uint64(head&0x3f))
	case head < 0xe0:
		if len(b) < 2 {
			return Element{}, 0
		}
		// 13 bits, of which the top one is the sign.
		n := int16(uint16(head)<<11|uint16(b[1])<<3) >> 3
		return Element{Int: int64(n), IsInt: true}, 2
	case head < 0xf0:
		if len(b) < 2 {
			return Element{}, 0
		}
		return text(b, 2, uint64(head&0x0f)<<8|uint64(b[1]))
	case head == 0xf0:
		if len(b) < 5 {
			return Element{}, 0
		}
		return text(b, 5, uint64(binary.LittleEndian.Uint32(b[1:])))
	case head == 0xf1:
		return integer(b, 2)
	case head == 0xf2:
		return integer(b, 3)
	case head == 0xf3:
		return integer(b, 4)
	case head == 0xf4:
		return integer(b, 8)
	}
	return Element{}, 0
}

// backLength checks that b begins with size in the form that stands behind an element, and
// returns the size of that; 0 if it does not.
func backLength(b []byte, size int) int {
	// The thresholds are Redis', one short of what the bits could hold from two bytes on.
	n := 5
	switch {
	case size < 1<<7:
		n = 1
	case size < 1<<14-1:
		n = 2
	case size < 1<<21-1:
		n = 3
	case size < 1<<28-1:
		n = 4
	}
	if len(b) < n {
		return 0
	}
	for i := n - 1; i >= 0; i-- {
		want := byte(size & 0x7f)
		if i > 0 {
			want |= 0x80
		}
		if b[i] != want {
			return 0
		}
		size >>= 7
	}
	return n
}
