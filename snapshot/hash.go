package snapshot

import (
	"fmt"
	"hash/maphash"
	"slices"
)

// Hash reads the value of a hash of any of its types and visits its pairs in the order of the
// file. The slices are valid during the visit only. An error of visit ends the walk; it comes
// back wrapped, and stays the Reader's.
//
// Fields may come more than once, as a file can say anything: the visitor is the one to
// notice. An empty hash is passed without a visit. An error may come after sound pairs.
func (r *Reader) Hash(t Type, visit func(field, value []byte) error) error {
	if t == TypeHash {
		return r.plainHash(visit)
	}
	b, _, err := r.scratch(&r.value)
	if err != nil {
		return err
	}
	if err := compactHash(t, b, visit); err != nil {
		return r.badValue(err)
	}
	return nil
}

// PairListpack reads the value of a hash of type TypeHashListpack, or of a sorted set of type
// TypeZSetListpack, as it stands. The listpack has been checked as ValidateListpack does, and
// holds pairs, at least one, of which no two have the same field or member. What a score is, and
// the order of scores, are not looked at. It is valid until the next call of any method of the
// Reader.
func (r *Reader) PairListpack() ([]byte, error) {
	lp, _, err := r.scratch(&r.value)
	if err != nil {
		return nil, err
	}
	if err := r.pairs.check(lp); err != nil {
		return nil, r.badValue(err)
	}
	return lp, nil
}

// pairCheck finds out whether a listpack is what PairListpack promises. Fields are compared by
// a keyed checksum first, which is far cheaper than by themselves and which no file can be
// made to defeat.
type pairCheck struct {
	seed maphash.Seed
	sums []uint64 // scratch space
}

func (c *pairCheck) check(lp []byte) error {
	var digits [maxDigits]byte
	sums, count := c.sums[:0], 0
	err := WalkListpack(lp, func(e Element) error {
		if count%2 == 0 {
			sums = append(sums, maphash.Bytes(c.seed, e.view(&digits)))
		}
		count++
		return nil
	})
	if cap(sums) <= chunk/8 {
		c.sums = sums
	}
	switch {
	case err != nil:
		return err
	case count == 0 || count%2 != 0:
		return fmt.Errorf("%w: pairs of %d elements", ErrFormat, count)
	}
	slices.Sort(sums)
	for i, sum := range sums[1:] {
		if sum == sums[i] {
			return checkFields(lp)
		}
	}
	return nil
}

// checkFields looks at the fields of a sound listpack of pairs themselves.
func checkFields(lp []byte) error {
	seen := map[string]bool{}
	return compactHash(TypeHashListpack, lp, func(field, _ []byte) error {
		if seen[string(field)] {
			return fmt.Errorf("%w: a hash with a field twice", ErrFormat)
		}
		seen[string(field)] = true
		return nil
	})
}

// plainHash is Hash for TypeHash.
func (r *Reader) plainHash(visit func(field, value []byte) error) error {
	n, err := r.Length()
	if err != nil {
		return err
	}
	for range n {
		field, _, err := r.scratch(&r.field)
		if err != nil {
			return err
		}
		value, _, err := r.scratch(&r.value)
		if err != nil {
			return err
		}
		if err := visit(field, value); err != nil {
			return r.badValue(err)
		}
	}
	return nil
}

// compactHash is Hash for the bytes of a compact form.
func compactHash(t Type, b []byte, visit func(field, value []byte) error) (err error) {
	pairs := pairing{visit: visit}
	switch t {
	case TypeHashZipmap:
		return walkZipmap(b, visit)
	case TypeHashZiplist:
		err = walkZiplist(b, pairs.add)
	case TypeHashListpack:
		err = WalkListpack(b, pairs.add)
	default:
		return fmt.Errorf("%w: a %s where a hash is wanted", ErrFormat, t)
	}
	if err == nil && pairs.half {
		err = fmt.Errorf("%w: a field without a value", ErrFormat)
	}
	return err
}

// badValue fails with what is wrong inside a value that has just been read.
func (r *Reader) badValue(err error) error {
	return r.fail(fmt.Errorf("RDB value before byte %d: %w", r.offset(), err))
}
