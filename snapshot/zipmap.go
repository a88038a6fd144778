package snapshot

// walkZipmap visits the pairs of a zipmap, the small hash of Redis before 2.6, in order. It
// checks as WalkListpack does. The slices are views of zm.
//
// A zipmap is its number of pairs (1; 254 means as many or more), the pairs and 0xff. A
// pair is the field's length and the field, the value's length, a count of unused bytes (1),
// the value, and the unused bytes.
func walkZipmap(zm []byte, visit func(field, value []byte) error) error {
	const form = "zipmap"
	last := len(zm) - 1
	if last < 1 || zm[last] != compactEnd {
		return compactError(form, max(last, 0), "no end mark")
	}
	count := 0
	for at := 1; at < last; count++ {
		body := zm[at:last]
		field, n := zipmapString(body, 0)
		if n == 0 {
			return compactError(form, at, "a field cut short")
		}
		value, m := zipmapString(body[n:], 1)
		if m == 0 {
			return compactError(form, at+n, "a value cut short")
		}
		if err := visit(field, value); err != nil {
			return err
		}
		at += n + m
	}
	if said := int(zm[0]); said != fourBytes && said != count {
		return compactError(form, 0, "wrong number of pairs")
	}
	return nil
}

// zipmapString returns the string at the head of b, with gap bytes between its length and
// itself, and the size of all. If there is a gap, its byte says how many unused bytes follow
// the string. The size is 0 if b is too short.
func zipmapString(b []byte, gap int) (s []byte, size int) {
	n, head := compactLength(b)
	if head == 0 {
		return nil, 0
	}
	e, size := text(b, head+gap, n)
	if size == 0 {
		return nil, 0
	}
	if gap > 0 {
		size += int(b[head])
	}
	if size > len(b) {
		return nil, 0
	}
	return e.Text, size
}
