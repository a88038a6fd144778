package snapshot

import "encoding/binary"

// Set reads the value of a set of type TypeSet and visits its members in the order of the file. A member
// is valid during the visit only. An error of visit ends the walk; it comes back wrapped, and stays the
// Reader's. A member may come more than once, as a file can say anything: the visitor is the one to
// notice. An error may come after sound members.
func (r *Reader) Set(visit func(member []byte) error) error {
	n, err := r.Length()
	if err != nil {
		return err
	}
	for range n {
		member, _, err := r.scratch(&r.value)
		if err != nil {
			return err
		}
		if err := visit(member); err != nil {
			return r.badValue(err)
		}
	}
	return nil
}

// Intset reads the value of a set of type TypeSetIntset as it stands. It has at least one integer, and
// they are in increasing order. It is valid until the next call of any method of the Reader.
func (r *Reader) Intset() ([]byte, error) {
	b, _, err := r.scratch(&r.value)
	if err != nil {
		return nil, err
	}
	if err := checkIntset(b); err != nil {
		return nil, r.badValue(err)
	}
	return b, nil
}

// checkIntset finds out whether an intset is what Intset promises. One is the bytes of an integer (4),
// the number of integers (4), and these.
func checkIntset(b []byte) error {
	const form, header = "intset", 8
	if len(b) <= header {
		return compactError(form, len(b), "too short")
	}
	width := int(binary.LittleEndian.Uint32(b))
	if width != 2 && width != 4 && width != 8 {
		return compactError(form, 0, "integers of no width that there is")
	}
	if uint64(len(b)-header) != uint64(binary.LittleEndian.Uint32(b[4:]))*uint64(width) {
		return compactError(form, 4, "wrong number of integers")
	}
	for at := header + width; at < len(b); at += width {
		if littleInt(b[at-width:at]) >= littleInt(b[at:at+width]) {
			return compactError(form, at, "not in increasing order")
		}
	}
	return nil
}
