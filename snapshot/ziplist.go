package snapshot

import "encoding/binary"

// A ziplist is its size in bytes (4), the offset of its last element (4), its number of
// elements (2), the elements and 0xff. An element is the size of the one before it, in one
// byte or in 0xfe and four, a head, which tells its kind and length, and the data.
const (
	ziplistHeader = 10
	// fourBytes announces a length in the four bytes that follow, in ziplists and zipmaps.
	fourBytes = 0xfe
)

// walkZiplist does for a ziplist what WalkListpack does for a listpack.
func walkZiplist(zl []byte, visit func(Element) error) error {
	const form = "ziplist"
	last := len(zl) - 1
	if last < ziplistHeader || zl[last] != compactEnd {
		return compactError(form, max(last, 0), "no end mark")
	}
	if size := binary.LittleEndian.Uint32(zl); uint64(size) != uint64(len(zl)) {
		return compactError(form, 0, "wrong size")
	}
	count, tail := 0, ziplistHeader
	for at := ziplistHeader; at < last; count++ {
		before, head := compactLength(zl[at:last])
		if head == 0 || before != uint64(at-tail) {
			return compactError(form, at, "wrong size of the element before")
		}
		if at+head == last {
			return compactError(form, at, "an element cut short")
		}
		e, size := ziplistElement(zl[at+head : last])
		if size == 0 {
			return compactError(form, at, "not an element, or one cut short")
		}
		if err := visit(e); err != nil {
			return err
		}
		tail = at
		at += head + size
	}
	if uint64(binary.LittleEndian.Uint32(zl[4:])) != uint64(tail) {
		return compactError(form, 4, "wrong offset of the last element")
	}
	if said := int(binary.LittleEndian.Uint16(zl[8:])); said != uncounted && said != count {
		return compactError(form, 8, "wrong number of elements")
	}
	return nil
}

// compactLength returns the length at the head of b and the size of it: one byte, or five
// behind 0xfe. The size is 0 if there is none or b is too short.
func compactLength(b []byte) (n uint64, size int) {
	switch {
	case len(b) > 0 && b[0] < fourBytes:
		return uint64(b[0]), 1
	case len(b) >= 5 && b[0] == fourBytes:
		return uint64(binary.LittleEndian.Uint32(b[1:])), 5
	}
	return 0, 0
}

// ziplistElement returns the element at the head of b, which is not empty, and the size of
// its head and data; 0 if there is none or b is too short.
func ziplistElement(b []byte) (e Element, size int) {
	head := b[0]
	switch {
	case head < 0x40:
		return text(b, 1, uint64(head))
	case head < 0x80:
		if len(b) < 2 {
			return Element{}, 0
		}
		return text(b, 2, uint64(head&0x3f)<<8|uint64(b[1]))
	case head < 0xc0:
		if len(b) < 5 {
			return Element{}, 0
		}
		return text(b, 5, uint64(binary.BigEndian.Uint32(b[1:])))
	case head == 0xc0:
		return integer(b, 2)
	case head == 0xd0:
		return integer(b, 4)
	case head == 0xe0:
		return integer(b, 8)
	case head == 0xf0:
		return integer(b, 3)
	case head == 0xfe:
		return integer(b, 1)
	case 0xf1 <= head && head <= 0xfd:
		return Element{Int: int64(head&0x0f) - 1, IsInt: true}, 1
	}
	return Element{}, 0
}
