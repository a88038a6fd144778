package value

import (
	"bytes"
	"fmt"

	"github.com/redraftdb/redraft/snapshot"
)

// Type returns the type that the sorted set has in a snapshot; it names the form too.
func (z *ZSet) Type() snapshot.Type {
	if z.ranked != nil {
		return snapshot.TypeZSet2
	}
	return snapshot.TypeZSetListpack
}

// Encode writes the sorted set as the value of a key of Type.
func (z *ZSet) Encode(w *snapshot.Writer) {
	if z.ranked != nil {
		z.ranked.Encode(w, z.m.Arena)
		return
	}
	w.String(z.pack)
}

// DecodeZSet reads the value of a key of one of the types of sorted sets. The type decides the form: a
// Ranked for snapshot.TypeZSet2, whatever its size, and a listpack for snapshot.TypeZSetListpack. The forms
// that older servers wrote become what Set makes of them within the limits. A listpack is a view of the
// Reader's buffer or of the Memory's scratch, valid until the next use of either. Errors are the Reader's,
// ErrEmpty, or snapshot.ErrFormat for a member that comes twice or, in a listpack, out of order.
func DecodeZSet(r *snapshot.Reader, t snapshot.Type, m *Memory, limits ZSetLimits) (ZSet, error) {
	if t == snapshot.TypeZSetListpack {
		pack, err := r.PairListpack()
		if err == nil {
			err = checkOrder(pack)
		}
		return SmallZSet(m, pack), err
	}
	z := LargeZSet(m, NewRanked(m))
	if t != snapshot.TypeZSet2 {
		z = NewZSet(m)
	}
	err := r.ZSet(t, func(member []byte, score float64) error {
		if _, twice := z.Score(member); twice {
			return fmt.Errorf("%w: a sorted set with a member twice", snapshot.ErrFormat)
		}
		z.Set(member, score, limits)
		return nil
	})
	if err == nil && z.Len() == 0 {
		err = ErrEmpty
	}
	if err != nil && z.ranked != nil {
		z.ranked.Free(m)
	}
	return z, err
}

// checkOrder reports what is wrong with a listpack of pairs that should be members and scores in order.
func checkOrder(pack Listpack) error {
	var last float64
	var before Element
	var digits [2][20]byte
	for e, ok := pack.First(); ok; {
		next, _ := pack.Next(e)
		score, isScore := float64(0), true
		if n, whole := next.Int(); whole {
			score = float64(n)
		} else {
			score, isScore = ParseFloat(next.text)
		}
		if !isScore {
			return fmt.Errorf("%w: a score that is none: %.40q", snapshot.ErrFormat, next.String())
		}
		if before.end > 0 && (score < last ||
			score == last && bytes.Compare(before.Bytes(digits[0][:]), e.Bytes(digits[1][:])) > 0) {
			return fmt.Errorf("%w: a sorted set out of order", snapshot.ErrFormat)
		}
		before, last = e, score
		e, ok = pack.Next(next)
	}
	return nil
}
