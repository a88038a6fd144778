package value

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/snapshot"
)

// Ranked is the large form of a sorted set: a Dict of its members, which has their scores as values of
// eight bytes, and a ranking of the Dict's cells. The bytes of a member lie in its cell alone.
//
// The order is that of the scores and, among equal ones, of the members' bytes. What goes for a Dict in
// sight of a view goes for a Ranked.
type Ranked struct {
	dict  *Dict
	ranks ranking
}

var _ Large = (*Ranked)(nil)

// NewRanked returns an empty Ranked.
func NewRanked(m *Memory) *Ranked { return &Ranked{dict: NewDict(m)} }

// Len returns the number of members.
func (z *Ranked) Len() int { return z.dict.Len() }

// Bytes returns about how much memory the Ranked takes, by the contents alone: the ranking's entries are
// counted at what they take on the average.
func (z *Ranked) Bytes() int64 {
	const itself, entry = 64, 24
	return itself + z.dict.Bytes() + entry*int64(z.Len())
}

// Cells returns the bytes of the members' cells, as Dict.Cells does.
func (z *Ranked) Cells() int64 { return z.dict.Cells() }

// Private reports whether the Ranked may be changed: no view sees it.
func (z *Ranked) Private(m *Memory) bool { return z.dict.Private(m) }

// Writable returns the Ranked itself if it may be changed, else a Clone.
func (z *Ranked) Writable(m *Memory) *Ranked {
	if z.Private(m) {
		return z
	}
	return z.Clone(m)
}

// Clone does what Dict.Clone does.
func (z *Ranked) Clone(m *Memory) *Ranked { return &Ranked{z.dict.Clone(m), z.ranks} }

// Fork is Clone, as a Large.
func (z *Ranked) Fork(m *Memory) Large { return z.Clone(m) }

// CopyTo returns a Ranked of its own with the same members.
func (z *Ranked) CopyTo(to *Memory, from Cells) Large {
	c := NewRanked(to)
	z.Range(from, 0, z.Len(), false, func(member []byte, score float64) bool {
		c.Set(to, member, score)
		return true
	})
	return c
}

// Free gives up all cells, as Dict.Free does.
func (z *Ranked) Free(m *Memory) { z.dict.Free(m) }

// FreeSome frees up to limit cells and reports whether these were the last.
func (z *Ranked) FreeSome(m *Memory, limit int) (freed int, done bool) {
	return z.dict.FreeSome(m, limit)
}

// Evacuate does what Dict.Evacuate does.
func (z *Ranked) Evacuate(m *Memory, from uint32, limit int) (next uint32, more bool) {
	return z.dict.evacuate(m, from, limit, func(old, to arena.Ref) {
		member, v := z.dict.pair(m.Arena.Bytes(to))
		score := scoreOf(v)
		z.ranks.replace(m, z.rank(m, member, score), rankEntry{score, to})
	})
}

// Score returns a member's score.
func (z *Ranked) Score(m *Memory, member []byte) (score float64, ok bool) {
	v, ok := z.dict.Get(m, member)
	if !ok {
		return 0, false
	}
	return scoreOf(v), true
}

// Set gives a member a score and reports whether the member is new. The member is copied, and may be a
// view of the Ranked itself.
func (z *Ranked) Set(m *Memory, member []byte, score float64) (added bool) {
	if old, found := z.Score(m, member); found {
		if old == score {
			return false
		}
		z.ranks.remove(m, z.rank(m, member, old))
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], math.Float64bits(score))
	ref, added := z.dict.set(m, member, b[:])
	member = z.dict.field(m.Arena.Bytes(ref))
	z.ranks.insert(m, z.rank(m, member, score), rankEntry{score, ref})
	return added
}

// Delete removes a member and reports whether it was there.
func (z *Ranked) Delete(m *Memory, member []byte) bool {
	score, ok := z.Score(m, member)
	if ok {
		z.ranks.remove(m, z.rank(m, member, score))
		z.dict.Delete(m, member)
	}
	return ok
}

// DeleteRange removes the members from one rank up to another.
func (z *Ranked) DeleteRange(m *Memory, from, to int) {
	for range to - from {
		member := z.dict.field(m.Arena.Bytes(z.ranks.at(from).ref))
		z.ranks.remove(m, from)
		z.dict.Delete(m, member)
	}
}

// Rank returns how many members stand in front of one.
func (z *Ranked) Rank(m *Memory, member []byte) (rank int, ok bool) {
	score, ok := z.Score(m, member)
	if !ok {
		return 0, false
	}
	return z.rank(m, member, score), true
}

// rank returns how many members stand in front of a place in the order.
func (z *Ranked) rank(m *Memory, member []byte, score float64) int {
	return z.ranks.seek(func(e rankEntry) bool {
		if e.score != score {
			return e.score < score
		}
		return bytes.Compare(z.dict.field(m.Arena.Bytes(e.ref)), member) < 0
	})
}

// Find returns the ranks from which on, and up to which, members lie in an interval.
func (z *Ranked) Find(m *Memory, in Interval) (from, to int) {
	member := func(e rankEntry) []byte {
		if in.ByScore() {
			return nil
		}
		return z.dict.field(m.Arena.Bytes(e.ref))
	}
	from = z.ranks.seek(func(e rankEntry) bool { return in.Above(member(e), e.score) })
	to = z.ranks.seek(func(e rankEntry) bool { return !in.Below(member(e), e.score) })
	return from, max(from, to)
}

// Nth returns the member with n others in front of it, 0 ≤ n < Len().
func (z *Ranked) Nth(m *Memory, n int) (member []byte, score float64) {
	e := z.ranks.at(n)
	return z.dict.field(m.Arena.Bytes(e.ref)), e.score
}

// Range visits the members from one rank up to another, or down from it, until visit says false. A view's
// goroutine may call it, with the view's cells.
func (z *Ranked) Range(cells Cells, from, to int, reverse bool, visit func(member []byte, score float64) bool) {
	z.ranks.walk(from, to, reverse, func(e rankEntry) bool {
		return visit(z.dict.field(cells.Bytes(e.ref)), e.score)
	})
}

// Scan does what Dict.Scan does.
func (z *Ranked) Scan(m *Memory, cursor uint32, count int, visit func(member []byte, score float64)) (next uint32) {
	return z.dict.Scan(m, cursor, count, func(member, v []byte) { visit(member, scoreOf(v)) })
}

// Encode writes the Ranked as the value of a key of type snapshot.TypeZSet2: the number of members, then
// members and scores in turn, the highest first. A view's goroutine may call it, with the view's cells.
func (z *Ranked) Encode(w *snapshot.Writer, cells Cells) {
	w.Length(uint64(z.Len()))
	z.Range(cells, 0, z.Len(), true, func(member []byte, score float64) bool {
		w.String(member)
		w.Double(score)
		return true
	})
}

func scoreOf(v []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(v)) }
