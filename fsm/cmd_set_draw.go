package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/value"
)

func spopCommand(r *run) {
	switch len(r.args) {
	case 2:
		r.popMember()
	case 3:
		r.popMembers()
	default:
		r.out.Error(errSyntax)
	}
}

func (r *run) popMember() {
	key := r.args[1]
	s, e, ok := r.set(key)
	if !ok {
		return
	}
	if !e.found() {
		r.out.Null()
		return
	}
	v := s.Nth(r.random.below(s.Len()))
	r.out.Bulk(v.Bytes(r.digits[:]))
	s.Remove(v)
	r.popped(key, s, e, 1)
}

// popped makes what is left of a set after n members were picked from it the value of its key.
func (r *run) popped(key []byte, s value.Set, e entry, n int) {
	r.db.putSet(key, s, e.until())
	r.touchedTimes(key, n)
	r.event(EventSet, "spop", key)
	r.emptied(key, s.Len())
}

// popMembers is SPOP with a count.
func (r *run) popMembers() {
	count, ok := r.atLeast(0, r.args[2], errNotPositive)
	if !ok {
		return
	}
	key := r.args[1]
	s, e, ok := r.set(key)
	if !ok {
		return
	}
	if !e.found() || count == 0 {
		r.out.Set(0)
		return
	}
	n := min(count, s.Len())
	picked := sample(&r.random, s.Len(), n, s.Nth, s.Each)
	r.out.Set(n)
	for i, v := range picked {
		r.out.Bulk(v.Bytes(r.digits[:]))
		picked[i] = value.Text(v.AppendValue(nil)) // taking one out may write over another
	}
	for _, v := range picked {
		s.Remove(v)
	}
	at := e.until()
	r.popped(key, s, e, n)
	const little = 5 // at least so many times as much was taken as is left
	if s.Large() != nil && s.Len() > 0 && s.Len()*little <= n {
		r.renewSet(key, at)
	}
}

// renewSet makes a large set of which little is left what it would be if this had just been added, which
// may be an intset.
func (r *run) renewSet(key []byte, deadline int64) {
	s, _, _ := r.set(key)
	anew := value.NewSet(&r.db.mem, r.state.parameters.intsetEntries)
	s.Each(func(v value.Value) bool {
		anew.Add(v)
		return true
	})
	r.db.putSet(key, anew, deadline)
}

func srandmemberCommand(r *run) {
	switch len(r.args) {
	case 2:
		s, e, ok := r.set(r.args[1])
		switch {
		case !ok:
		case !e.found():
			r.out.Null()
		default:
			r.out.Bulk(s.Nth(r.random.below(s.Len())).Bytes(r.digits[:]))
		}
	case 3:
		r.randomMembers()
	default:
		r.out.Error(errSyntax)
	}
}

// randomMembers is SRANDMEMBER with a count.
func (r *run) randomMembers() {
	count, ok := r.integer(r.args[2])
	if !ok {
		return
	}
	if count == math.MinInt64 {
		r.out.Error(errBetween(-math.MaxInt64, math.MaxInt64))
		return
	}
	if count < -mostDrawn {
		r.out.Error(errOutOfRange)
		return
	}
	s, e, ok := r.set(r.args[1])
	switch {
	case !ok:
	case !e.found() || count == 0:
		r.out.Array(0)
	case count < 0:
		r.out.Array(int(-count))
		for range -count {
			r.out.Bulk(s.Nth(r.random.below(s.Len())).Bytes(r.digits[:]))
		}
	default:
		picked := sample(&r.random, s.Len(), int(min(count, int64(s.Len()))), s.Nth, s.Each)
		r.out.Array(len(picked))
		for _, v := range picked {
			r.out.Bulk(v.Bytes(r.digits[:]))
		}
	}
}
