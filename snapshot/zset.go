package snapshot

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// The lengths that stand for a score in a sorted set of TypeZSet, which is text otherwise.
const (
	scoreNaN      = 253
	scoreInfinite = 254
	scoreNegative = 255
)

// Double writes a double in eight bytes, as the scores of TypeZSet2 are.
func (w *Writer) Double(f float64) {
	w.room(8)
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(f))
}

// ZSet reads the value of a sorted set of any of its types and visits its members in the order of the
// file, which may be any. No score is NaN. What is said of Hash about visits goes for it too.
func (r *Reader) ZSet(t Type, visit func(member []byte, score float64) error) error {
	var score func() (float64, error)
	switch t {
	case TypeZSet:
		score = r.textScore
	case TypeZSet2:
		score = r.binaryScore
	case TypeZSetZiplist, TypeZSetListpack:
		return r.compactZSet(t, visit)
	default:
		return r.badValue(fmt.Errorf("%w: a %s where a sorted set is wanted", ErrFormat, t))
	}
	n, err := r.Length()
	if err != nil {
		return err
	}
	for range n {
		member, _, err := r.scratch(&r.field)
		if err != nil {
			return err
		}
		f, err := score()
		if err != nil {
			return err
		}
		if math.IsNaN(f) {
			return r.corrupt("a score that is no number")
		}
		if err := visit(member, f); err != nil {
			return r.badValue(err)
		}
	}
	return nil
}

func (r *Reader) binaryScore() (float64, error) {
	b, err := r.take(8)
	return math.Float64frombits(binary.LittleEndian.Uint64(b)), err
}

func (r *Reader) textScore() (float64, error) {
	n, err := r.byte()
	if err != nil {
		return 0, err
	}
	switch n {
	case scoreNaN:
		return math.NaN(), nil
	case scoreInfinite:
		return math.Inf(1), nil
	case scoreNegative:
		return math.Inf(-1), nil
	}
	var text [scoreNaN]byte
	if err := r.full(text[:n]); err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(string(text[:n]), 64)
	if err != nil {
		return 0, r.corrupt("a score that is no number: %q", text[:n])
	}
	return f, nil
}

// compactZSet is ZSet for the forms that are one string.
func (r *Reader) compactZSet(t Type, visit func(member []byte, score float64) error) error {
	b, _, err := r.scratch(&r.value)
	if err != nil {
		return err
	}
	pairs := pairing{visit: func(member, text []byte) error {
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil || math.IsNaN(f) {
			return fmt.Errorf("%w: a score that is no number: %.40q", ErrFormat, text)
		}
		return visit(member, f)
	}}
	if t == TypeZSetZiplist {
		err = walkZiplist(b, pairs.add)
	} else {
		err = WalkListpack(b, pairs.add)
	}
	if err == nil && pairs.half {
		err = fmt.Errorf("%w: a member without a score", ErrFormat)
	}
	if err != nil {
		return r.badValue(err)
	}
	return nil
}
