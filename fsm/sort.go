package fsm

import (
	"bytes"
	"cmp"

	"github.com/redraftdb/redraft/fsm/value"
)

// A row is a value of elements as SORT sees it.
type row struct {
	n int
	// ordered says that the elements have an order of their own, which a set's have not.
	ordered bool
	// each visits the elements from one on, counted from the end with reverse, until visit says false.
	each func(from int, reverse bool, visit func(v value.Value) bool)
}

func listRow(db *database, s stored) row {
	l := db.listOf(s, value.ListLimits{})
	return row{l.Len(), true, func(from int, reverse bool, visit func(v value.Value) bool) {
		if reverse {
			from = l.Len() - 1 - from
		}
		l.Each(from, reverse, visit)
	}}
}

func zsetRow(db *database, s stored) row {
	z := db.zsetOf(s)
	return row{z.Len(), true, func(from int, reverse bool, visit func(v value.Value) bool) {
		to := z.Len()
		if reverse {
			from, to = 0, to-from
		}
		z.Range(from, to, reverse, func(member value.Value, _ float64) bool { return visit(member) })
	}}
}

func setRow(db *database, s stored) row {
	set := db.setOf(s, 0)
	return row{set.Len(), false, func(from int, _ bool, visit func(v value.Value) bool) {
		set.Each(func(v value.Value) bool {
			if from > 0 {
				from--
				return true
			}
			return visit(v)
		})
	}}
}

// A sortPattern is what BY or GET makes a key of: an element in the place of the first star. Behind "->" the key is
// a hash's, and a field of it is meant.
type sortPattern struct {
	self           bool // "#": the element itself
	star           bool
	before, behind []byte
	field          []byte // nil for none
}

func parseSortPattern(b []byte) (p sortPattern) {
	p.self = string(b) == "#"
	if p.before, p.behind, p.star = bytes.Cut(b, []byte("*")); !p.star {
		return p
	}
	if key, field, ok := bytes.Cut(p.behind, []byte("->")); ok && len(field) > 0 {
		p.behind, p.field = key, field
	}
	return p
}

// follow is the string that a pattern leads to from an element. It is valid as long as no key changes.
func (r *run) follow(p *sortPattern, element []byte) (text []byte, found bool) {
	switch {
	case p.self:
		return element, true
	case !p.star:
		return nil, false
	}
	r.scratch = append(append(append(r.scratch[:0], p.before...), element...), p.behind...)
	e, found := r.peek(r.db, r.scratch) // whose text may be kept: it removes no key that is due
	r.sought(r.scratch, found)
	switch {
	case !found:
		return nil, false
	case p.field == nil && e.typ() == typeString:
		if text = r.text(e); e.kind() == kindInt {
			text = bytes.Clone(text) // out of the run's room for one number
		}
		return text, true
	case p.field != nil && e.typ() == typeHash:
		h := r.db.hashOf(r.load(e))
		h.At(r.now)
		v, ok := h.Get(p.field)
		if !ok {
			return nil, false
		}
		return v.Bytes(nil), true
	}
	return nil, false
}

// A sortItem is an element with what it is sorted by.
type sortItem struct {
	element []byte
	score   float64 // of a numeric sort; 0 for an element that BY leads nowhere from
	by      []byte  // of an alphabetic sort with BY
	found   bool    // by is there
}

// sortScore reads a number as C's strtod does, of which nothing may be left over; what is empty is 0.
func sortScore(text []byte) (score float64, ok bool) {
	if text, _, _ = bytes.Cut(text, []byte{0}); len(text) == 0 {
		return 0, true
	}
	return value.ParseFloat(bytes.TrimLeft(text, " \t\n\v\f\r"))
}

// compareNumbers orders items of a numeric sort; those of equal score by their bytes.
func compareNumbers(a, b sortItem) int {
	return cmp.Or(cmp.Compare(a.score, b.score), bytes.Compare(a.element, b.element))
}

// compareBy orders items of an alphabetic sort with BY; what leads nowhere comes first.
func compareBy(a, b sortItem) int {
	if a.found && b.found {
		return bytes.Compare(a.by, b.by)
	}
	return cmp.Compare(boolInt(a.found), boolInt(b.found))
}

// compareElements orders items of an alphabetic sort by themselves.
func compareElements(a, b sortItem) int { return bytes.Compare(a.element, b.element) }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
