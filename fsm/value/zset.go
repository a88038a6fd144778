package value

import (
	"bytes"
	"math"
)

// ZSetLimits say up to where a sorted set is kept as a listpack: zset-max-listpack-entries and
// zset-max-listpack-value. Every replica has the same.
type ZSetLimits struct {
	Entries int // members
	Value   int // bytes of a member
}

// ZSet is a sorted set in either of its forms, as a command handler works on it: members and scores in
// turn in a listpack, in their order, or a Ranked. What Hash says of itself goes for it too: it becomes
// large as soon as a Set exceeds the limits, and whoever changes one puts Small or Large in the place of
// the old value.
type ZSet struct {
	m      *Memory
	pack   Listpack // nil: ranked holds the members
	ranked *Ranked
}

// NewZSet returns an empty small sorted set.
func NewZSet(m *Memory) ZSet {
	z := ZSet{m: m}
	z.rebuilt(New(m.spare(nil, 0)))
	return z
}

// SmallZSet returns the sorted set that a listpack of members and scores holds.
func SmallZSet(m *Memory, pack Listpack) ZSet { return ZSet{m: m, pack: pack} }

// LargeZSet returns the sorted set that a Ranked holds.
func LargeZSet(m *Memory, r *Ranked) ZSet { return ZSet{m: m, ranked: r} }

// Small returns the listpack of a small sorted set; nil when it is large.
func (z *ZSet) Small() []byte { return z.pack }

// Large returns the structure of a large sorted set; nil when it is small.
func (z *ZSet) Large() Large {
	if z.ranked == nil {
		return nil // and no interface around a nil Ranked
	}
	return z.ranked
}

// Encoding returns the word of OBJECT ENCODING.
func (z *ZSet) Encoding() string {
	if z.ranked != nil {
		return "skiplist"
	}
	return "listpack"
}

// Len returns the number of members.
func (z *ZSet) Len() int {
	if z.ranked != nil {
		return z.ranked.Len()
	}
	return z.pack.Count() / 2
}

// Score returns a member's score.
func (z *ZSet) Score(member []byte) (score float64, ok bool) {
	if z.ranked != nil {
		return z.ranked.Score(z.m, member)
	}
	e, ok := z.pack.Find(member, 1)
	if !ok {
		return 0, false
	}
	return z.pack.score(z.pack.element(e.end)), true
}

// Set gives a member a score, which is a number, and reports whether the member is new. The member is
// copied; it may be a view of the value as it was before its first change.
func (z *ZSet) Set(member []byte, score float64, limits ZSetLimits) (added bool) {
	if z.ranked == nil {
		e, found := z.pack.Find(member, 1)
		switch {
		case found:
			return z.move(e, member, score)
		case z.Len() < limits.Entries && len(member) <= limits.Value && z.pack.Fits(room(member)+scoreRoom):
			z.insert(member, score)
			return true
		}
		z.enlarge()
	}
	if !z.ranked.Private(z.m) {
		if old, found := z.ranked.Score(z.m, member); found && old == score {
			return false // and no clone is made that the caller would have to store
		}
		z.ranked = z.ranked.Clone(z.m)
	}
	return z.ranked.Set(z.m, member, score)
}

// Delete removes a member and reports whether it was there. A sorted set without members is left to the
// caller to remove.
func (z *ZSet) Delete(member []byte) bool {
	if z.ranked != nil {
		if _, ok := z.ranked.Score(z.m, member); !ok {
			return false
		}
		z.ranked = z.ranked.Writable(z.m)
		return z.ranked.Delete(z.m, member)
	}
	e, ok := z.pack.Find(member, 1)
	if ok {
		z.remove(e, 1)
	}
	return ok
}

// DeleteRange removes the members from one rank up to another. If these are all, a large sorted set is not
// changed: its owner finds another one, without members, in its place.
func (z *ZSet) DeleteRange(from, to int) {
	switch {
	case from >= to:
	case to-from == z.Len():
		z.ranked = nil
		z.rebuilt(New(z.m.spare(z.pack, 0)))
	case z.ranked != nil:
		z.ranked = z.ranked.Writable(z.m)
		z.ranked.DeleteRange(z.m, from, to)
	default:
		e, _ := z.pack.Index(2 * from)
		z.remove(e, to-from)
	}
}

// Rank returns how many members stand in front of one.
func (z *ZSet) Rank(member []byte) (rank int, ok bool) {
	if z.ranked != nil {
		return z.ranked.Rank(z.m, member)
	}
	z.Range(0, z.Len(), false, func(other Value, _ float64) bool {
		if ok = other.Equal(member); !ok {
			rank++
		}
		return !ok
	})
	return rank, ok
}

// Find returns the ranks from which on, and up to which, members lie in an interval. In an interval of
// members the scores have to be equal; if they are not, it is any two ranks, the same on all nodes.
func (z *ZSet) Find(in Interval) (from, to int) {
	if z.ranked != nil {
		return z.ranked.Find(z.m, in)
	}
	var digits [20]byte
	z.Range(0, z.Len(), false, func(member Value, score float64) bool {
		text := member.Bytes(digits[:])
		switch {
		case from == to && in.Above(text, score):
			from++
			to++
		case in.Below(text, score):
			return false
		default:
			to++
		}
		return true
	})
	return from, to
}

// Nth returns the member with n others in front of it, 0 ≤ n < Len().
func (z *ZSet) Nth(n int) (member Value, score float64) {
	if z.ranked != nil {
		m, score := z.ranked.Nth(z.m, n)
		return Text(m), score
	}
	e, ok := z.pack.Index(2 * n)
	if !ok {
		panic("value: there is no such member")
	}
	return e.Value, z.pack.score(z.pack.element(e.end))
}

// Range visits the members from one rank up to another, or down from it, until visit says false.
func (z *ZSet) Range(from, to int, reverse bool, visit func(member Value, score float64) bool) {
	switch {
	case from >= to:
	case z.ranked != nil:
		z.ranked.Range(z.m.Arena, from, to, reverse, func(member []byte, score float64) bool {
			return visit(Text(member), score)
		})
	case reverse:
		e, ok := z.pack.Index(2*to - 1)
		for range to - from {
			member, _ := z.pack.Prev(e)
			if !ok || !visit(member.Value, z.pack.score(e)) {
				return
			}
			e, ok = z.pack.Prev(member)
		}
	default:
		e, ok := z.pack.Index(2 * from)
		for range to - from {
			score, _ := z.pack.Next(e)
			if !ok || !visit(e.Value, z.pack.score(score)) {
				return
			}
			e, ok = z.pack.Next(score)
		}
	}
}

// Each visits all members in order until visit says false.
func (z *ZSet) Each(visit func(member Value, score float64) bool) { z.Range(0, z.Len(), false, visit) }

// Scan visits about count members, with their scores as text, from where a cursor points on and returns the
// cursor to go on from; 0 begins and means the end. A small sorted set is visited as a whole, whatever the
// cursor, and the text of a score is that of the listpack, which has whole numbers in all digits.
func (z *ZSet) Scan(cursor uint32, count int, visit func(member, score Value)) (next uint32) {
	if z.ranked != nil {
		return z.ranked.Scan(z.m, cursor, count, func(member []byte, score float64) {
			visit(Text(member), Text(AppendFloat(nil, score)))
		})
	}
	for e, ok := z.pack.First(); ok; e, ok = z.pack.Next(e) {
		member := e
		e, _ = z.pack.Next(e)
		visit(member.Value, e.Value)
	}
	return 0
}

// scoreRoom is the most that the element of a score takes.
const scoreRoom = 24 + 10

// score reads an element that is a score.
func (lp Listpack) score(e Element) float64 {
	if n, ok := e.Int(); ok {
		return float64(n)
	}
	f, _ := ParseFloat(e.text)
	return f
}

// appendScore appends the text of a score in a listpack. Whole numbers are integers there up to a bound that
// is Redis', so that -0 becomes 0.
func appendScore(dst []byte, score float64) []byte {
	const whole = 1 << 62
	if score >= -whole && score <= whole && score == math.Trunc(score) {
		return AppendInt(dst, int64(score))
	}
	return AppendFloat(dst, score)
}

// insert puts a new member into a small sorted set.
func (z *ZSet) insert(member []byte, score float64) {
	var number [24]byte
	var digits [20]byte
	text := appendScore(number[:0], score)
	room := z.m.spare(z.pack, len(z.pack)+len(member)+scoreRoom)
	for e, ok := z.pack.First(); ok; {
		next, _ := z.pack.Next(e)
		other := z.pack.score(next)
		if score < other || score == other && bytes.Compare(member, e.Bytes(digits[:])) < 0 {
			z.rebuilt(z.pack.Insert(room, e.At, member, text))
			return
		}
		e, ok = z.pack.Next(next)
	}
	z.rebuilt(z.pack.Append(room, member, text))
}

// move gives the member at e of a small sorted set another score.
func (z *ZSet) move(e Element, member []byte, score float64) (added bool) {
	if z.pack.score(z.pack.element(e.end)) != score {
		z.remove(e, 1)
		z.insert(member, score)
	}
	return false
}

// remove takes n members out of a small sorted set, the first of them at e.
func (z *ZSet) remove(e Element, n int) {
	z.rebuilt(z.pack.Delete(z.m.spare(z.pack, len(z.pack)), e.At, 2*n))
}

// rebuilt makes a listpack that was built in the Memory's spare scratch the sorted set's.
func (z *ZSet) rebuilt(pack Listpack) {
	z.m.wrote(pack)
	z.pack = pack
}

// enlarge makes a small sorted set large.
func (z *ZSet) enlarge() {
	r := NewRanked(z.m)
	var digits [20]byte
	z.Each(func(member Value, score float64) bool {
		r.Set(z.m, member.Bytes(digits[:]), score)
		return true
	})
	z.ranked, z.pack = r, nil
}
