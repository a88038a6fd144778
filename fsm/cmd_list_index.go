package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func llenCommand(r *run) {
	l, e, ok := r.list(r.args[1])
	switch {
	case !ok:
	case !e.found():
		r.out.Int(0)
	default:
		r.out.Int(int64(l.Len()))
	}
}

// bounds reads two numbers of elements, of which negative ones count from the back; if they are none
// the command has been answered. among makes a range of them, in a list of n elements.
func (r *run) bounds(start, stop []byte) (among func(n int) (from, count int), ok bool) {
	a, ok := r.integer(start)
	if !ok {
		return nil, false
	}
	b, ok := r.integer(stop)
	if !ok {
		return nil, false
	}
	return func(n int) (from, count int) {
		if a < 0 {
			a = max(a+int64(n), 0)
		}
		if b < 0 {
			b += int64(n)
		}
		if b = min(b, int64(n-1)); a > b {
			return 0, 0
		}
		return int(a), int(b - a + 1)
	}, true
}

func lrangeCommand(r *run) {
	among, ok := r.bounds(r.args[2], r.args[3])
	if !ok {
		return
	}
	l, e, ok := r.list(r.args[1])
	if !ok {
		return
	}
	if !e.found() {
		r.out.Array(0)
		return
	}
	from, count := among(l.Len())
	r.out.Array(count)
	if count == 0 {
		return
	}
	l.Each(from, false, func(v value.Value) bool {
		r.out.Bulk(v.Bytes(r.digits[:]))
		count--
		return count > 0
	})
}

// index reads the number of an element of a list of n; -1 if there is none. If it is no number the
// command has been answered.
func (r *run) index(arg []byte, n int) (int, bool) {
	i, ok := r.integer(arg)
	if i < 0 {
		i += int64(n)
	}
	if i < 0 || i >= int64(n) {
		i = -1
	}
	return int(i), ok
}

func lindexCommand(r *run) {
	l, e, ok := r.list(r.args[1])
	if !ok {
		return
	}
	if !e.found() {
		r.out.Null()
		return
	}
	i, ok := r.index(r.args[2], l.Len())
	if !ok {
		return
	}
	if v, found := l.At(i); found {
		r.out.Bulk(v.Bytes(r.digits[:]))
	} else {
		r.out.Null()
	}
}

func lsetCommand(r *run) {
	key := r.args[1]
	l, e, ok := r.list(key)
	if !ok {
		return
	}
	if !e.found() {
		r.out.Error(errNoSuchKey)
		return
	}
	i, ok := r.index(r.args[2], l.Len())
	switch {
	case !ok:
	case i < 0:
		r.out.Error(errIndex)
	default:
		l.Set(i, r.args[3])
		r.db.putList(key, l, e.until())
		r.touched(key)
		r.event(EventList, "lset", key)
		r.out.Status("OK")
	}
}

func linsertCommand(r *run) {
	after := command.IsWord(r.args[2], "AFTER")
	if !after && !command.IsWord(r.args[2], "BEFORE") {
		r.out.Error(errSyntax)
		return
	}
	key := r.args[1]
	l, e, ok := r.list(key)
	if !ok {
		return
	}
	if !e.found() {
		r.out.Int(0)
		return
	}
	i := l.Find(r.args[3])
	if i < 0 {
		r.out.Int(-1)
		return
	}
	l.Insert(i, after, r.args[4])
	r.db.putList(key, l, e.until())
	r.touched(key)
	r.event(EventList, "linsert", key)
	r.out.Int(int64(l.Len()))
}

func lremCommand(r *run) {
	count, ok := r.integer(r.args[2])
	if !ok {
		return
	}
	key := r.args[1]
	l, e, ok := r.list(key)
	if !ok {
		return
	}
	if !e.found() {
		r.out.Int(0)
		return
	}
	backwards := count < 0
	if backwards {
		count = -count
	}
	if count <= 0 { // 0, or a number that has no opposite
		count = math.MaxInt
	}
	removed := l.Remove(r.args[3], int(count), backwards)
	if removed > 0 {
		r.db.putList(key, l, e.until())
		r.touchedTimes(key, removed)
		r.event(EventList, "lrem", key)
		r.emptied(key, l.Len())
	}
	r.out.Int(int64(removed))
}

func ltrimCommand(r *run) {
	among, ok := r.bounds(r.args[2], r.args[3])
	if !ok {
		return
	}
	key := r.args[1]
	l, e, ok := r.list(key)
	if !ok {
		return
	}
	if e.found() {
		before := l.Len()
		from, count := among(before)
		if rest := before - from - count; rest > 0 {
			l.Delete(from+count, rest)
		}
		if from > 0 {
			l.Delete(0, from)
		}
		if count < before {
			r.db.putList(key, l, e.until())
		}
		r.touchedTimes(key, before-count)
		r.event(EventList, "ltrim", key)
		r.emptied(key, count)
	}
	r.out.Status("OK")
}

// positions are the options of LPOS.
type positions struct {
	rank   int64 // of the first match wanted, from the back if it is negative
	count  int   // of matches wanted; 0 for all, -1 for one that is no array
	length int   // elements looked at; 0 for all
}

func (r *run) parsePositions(args [][]byte) (p positions, ok bool) {
	p = positions{rank: 1, count: -1}
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) {
			r.out.Error(errSyntax)
			return p, false
		}
		switch v := args[i+1]; {
		case command.IsWord(args[i], "RANK"):
			if p.rank, ok = r.integer(v); ok && p.rank == 0 {
				r.out.Error(errRank)
				return p, false
			}
		case command.IsWord(args[i], "COUNT"):
			p.count, ok = r.atLeast(0, v, errCountNegative)
		case command.IsWord(args[i], "MAXLEN"):
			p.length, ok = r.atLeast(0, v, errMaxLen)
		default:
			r.out.Error(errSyntax)
			return p, false
		}
		if !ok {
			return p, false
		}
	}
	return p, true
}

func lposCommand(r *run) {
	p, ok := r.parsePositions(r.args[3:])
	if !ok {
		return
	}
	l, e, ok := r.list(r.args[1])
	if !ok {
		return
	}
	var found []int
	if e.found() {
		found = p.find(&l, r.args[2])
	}
	switch {
	case p.count >= 0:
		r.out.Array(len(found))
		for _, i := range found {
			r.out.Int(int64(i))
		}
	case len(found) == 0:
		r.out.Null()
	default:
		r.out.Int(int64(found[0]))
	}
}

// find are the numbers of the elements asked for, those that equal v.
func (p positions) find(l *value.List, v []byte) (found []int) {
	skip, at, step := p.rank-1, 0, 1
	if p.rank < 0 {
		skip, at, step = -(p.rank + 1), l.Len()-1, -1
	}
	if p.rank == math.MinInt64 {
		skip = 0 // it has no opposite, and counts as the last match
	}
	wanted := max(p.count, -p.count)
	looked := 0
	same := value.Matcher(v)
	l.Each(at, step < 0, func(e value.Value) bool {
		if same(e) {
			if skip == 0 {
				found = append(found, at)
			}
			skip = max(skip-1, 0)
		}
		at += step
		looked++
		return (wanted == 0 || len(found) < wanted) && (p.length == 0 || looked < p.length)
	})
	return found
}
