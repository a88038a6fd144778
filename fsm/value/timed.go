package value

// Timed is the large form of a hash of which fields have deadlines, or had: a Dict, and beside it a Ranked
// of those fields that have one, by deadline. A hash without deadlines is a Dict alone and has nothing of it.
//
// Scores are deadlines in ms since the epoch. As whole numbers below 2^53 they are exact.
type Timed struct {
	dict *Dict
	due  *Ranked
}

var _ Large = (*Timed)(nil)

// newTimed returns a Timed with the fields of a Dict, which it takes over.
func newTimed(m *Memory, d *Dict) *Timed { return &Timed{d, NewRanked(m)} }

// Dict returns the fields and their values.
func (t *Timed) Dict() *Dict { return t.dict }

// Len returns the number of fields, whether they are due or not.
func (t *Timed) Len() int { return t.dict.Len() }

// Bytes returns about how much memory the Timed takes, by the contents alone.
func (t *Timed) Bytes() int64 { return t.dict.Bytes() + t.due.Bytes() }

// Cells returns the bytes of the cells of fields and deadlines, as Dict.Cells does.
func (t *Timed) Cells() int64 { return t.dict.Cells() + t.due.Cells() }

// writable returns the Timed itself if it may be changed, else a clone.
func (t *Timed) writable(m *Memory) *Timed {
	if t.dict.Private(m) && t.due.Private(m) {
		return t
	}
	return t.clone(m)
}

// clone does what Dict.Clone does.
func (t *Timed) clone(m *Memory) *Timed { return &Timed{t.dict.Clone(m), t.due.Clone(m)} }

// Fork is clone, as a Large.
func (t *Timed) Fork(m *Memory) Large { return t.clone(m) }

// CopyTo returns a Timed of its own with the same fields and deadlines.
func (t *Timed) CopyTo(to *Memory, from Cells) Large {
	return &Timed{t.dict.Copy(from, to), t.due.CopyTo(to, from).(*Ranked)}
}

// FreeSome frees up to limit fields' cells, with those of as many deadlines. It counts the former alone, so
// that it counts Len in all.
func (t *Timed) FreeSome(m *Memory, limit int) (freed int, done bool) {
	freed, done = t.dict.FreeSome(m, limit)
	_, too := t.due.FreeSome(m, limit)
	return freed, done && too
}

// Evacuate does what Dict.Evacuate does. Fields and deadlines are in one order, that of the fields' hashes, so
// one position serves both: that of the one which is behind.
func (t *Timed) Evacuate(m *Memory, from uint32, limit int) (next uint32, more bool) {
	next, more = t.dict.Evacuate(m, from, limit)
	other, too := t.due.Evacuate(m, from, limit)
	switch {
	case !more:
		return other, too
	case too:
		return min(next, other), true
	}
	return next, true
}

// deadline returns a field's deadline, 0 if it has none.
func (t *Timed) deadline(m *Memory, field []byte) int64 {
	at, _ := t.due.Score(m, field)
	return int64(at)
}

// setDeadline gives a field that is there a deadline, 0 for none.
func (t *Timed) setDeadline(m *Memory, field []byte, at int64) {
	if at == 0 {
		t.due.Delete(m, field)
		return
	}
	t.due.Set(m, field, float64(at))
}

// delete removes a field, which is there, with its deadline.
func (t *Timed) delete(m *Memory, field []byte) {
	t.due.Delete(m, field)
	t.dict.Delete(m, field)
}

// next returns the earliest deadline that is later than a time, 0 if there is none.
func (t *Timed) next(m *Memory, after int64) int64 {
	n := t.countDue(after)
	if n == t.due.Len() {
		return 0
	}
	_, at := t.due.Nth(m, n)
	return int64(at)
}

// countDue returns how many fields are due.
func (t *Timed) countDue(now int64) int {
	return t.due.ranks.seek(func(e rankEntry) bool { return e.score <= float64(now) })
}

// removeDue removes fields that are due, the earliest first, and at most limit of them.
func (t *Timed) removeDue(m *Memory, now int64, limit int) (removed int) {
	n := min(limit, t.countDue(now))
	for range n {
		field, _ := t.due.Nth(m, 0)
		t.dict.Delete(m, field)
		t.due.DeleteRange(m, 0, 1)
	}
	return n
}

// EachDeadline visits the fields that have deadlines, the earliest first, until visit says false. A view's
// goroutine may call it, with the view's cells.
func (t *Timed) EachDeadline(cells Cells, visit func(field []byte, at int64) bool) {
	t.due.Range(cells, 0, t.due.Len(), false, func(field []byte, at float64) bool { return visit(field, int64(at)) })
}
