package fsm

import "github.com/redraftdb/redraft/fsm/value"

func hrandfieldCommand(r *run) {
	if len(r.args) > 2 {
		r.randomFields()
		return
	}
	h, e, ok := r.hash(r.args[1])
	switch {
	case !ok:
	case !e.found():
		r.out.Null()
	case h.Live() == 0:
		r.out.Null()
	default:
		live := listLive(&h)
		field, _ := live.nth(&h, r.random.below(h.Live()))
		r.out.Bulk(field.Bytes(r.digits[:]))
	}
}

// liveFields are the fields of a hash that are not due, with their values; nil if none is due. So they are listed
// only while more falls due than entries can remove.
type liveFields [][2]value.Value

func listLive(h *value.Hash) liveFields {
	n := h.Live()
	if n == h.Len() {
		return nil
	}
	live := make(liveFields, 0, n)
	h.Each(func(field, v value.Value) bool {
		live = append(live, [2]value.Value{field, v})
		return true
	})
	return live
}

// nth is the n-th field of the hash h that is not due.
func (l liveFields) nth(h *value.Hash, n int) (field, v value.Value) {
	if l == nil {
		return h.Nth(n)
	}
	return l[n][0], l[n][1]
}

// randomFields is HRANDFIELD with a count.
func (r *run) randomFields() {
	count, with, ok := r.parseDraw("WITHVALUES")
	if !ok {
		return
	}
	h, e, ok := r.hash(r.args[1])
	if !ok {
		return
	}
	if !e.found() || count == 0 || h.Live() == 0 {
		r.out.Array(0)
		return
	}
	n, live := h.Live(), listLive(&h)
	if count < 0 {
		show := r.pairs(int(-count), with)
		for range -count {
			show(live.nth(&h, r.random.below(n)))
		}
		return
	}
	most := int(min(count, int64(n)))
	show := r.pairs(most, with)
	if most == n {
		h.Each(func(field, v value.Value) bool { show(field, v); return true })
		return
	}
	type pair struct{ field, v value.Value }
	for _, p := range sample(&r.random, n, most, func(i int) pair {
		field, v := live.nth(&h, i)
		return pair{field, v}
	}, func(visit func(p pair) bool) {
		h.Each(func(field, v value.Value) bool { return visit(pair{field, v}) })
	}) {
		show(p.field, p.v)
	}
}

// pairs announces n fields, with their values or without, and returns what writes each of them.
func (r *run) pairs(n int, with bool) (show func(field, v value.Value)) {
	nested := with && r.out.RESP3()
	if with && !nested {
		r.out.Array(2 * n)
	} else {
		r.out.Array(n)
	}
	return func(field, v value.Value) {
		if nested {
			r.out.Array(2)
		}
		r.out.Bulk(field.Bytes(r.digits[:]))
		if with {
			r.out.Bulk(v.Bytes(r.digits[:]))
		}
	}
}
