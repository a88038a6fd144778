package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func setCommands() []*command.Spec {
	const (
		w = command.Write
		r = command.ReadOnly
		f = command.Fast
	)
	read := command.OneKey(command.RO | command.Access)
	look := command.OneKey(command.RO)
	order, chance := []string{"nondeterministic_output_order"}, []string{"nondeterministic_output"}
	const each = "O(N) for N members named or returned"
	return []*command.Spec{
		{Name: "sadd", Usage: "key member [member ...]", Group: "set", Since: "1.0.0", Complexity: each,
			Summary: "Add members to a set, and count the new ones", Flags: w | command.DenyOOM | f,
			Keys: command.OneKey(command.RW | command.Insert), Handler: handler(saddCommand)},
		{Name: "srem", Usage: "key member [member ...]", Group: "set", Since: "1.0.0", Complexity: each,
			Summary: "Remove members from a set; one without members is deleted", Flags: w | f,
			Keys: command.OneKey(command.RW | command.Delete), Handler: handler(sremCommand)},
		{Name: "smove", Usage: "source destination member", Group: "set", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Move a member from one set to another", Flags: w | f,
			Keys:    command.Keys(command.OneKey(command.RW|command.Access|command.Delete), command.KeyAt(2, command.RW|command.Insert)),
			Handler: handler(smoveCommand)},
		{Name: "spop", Usage: "key [count]", Group: "set", Since: "1.0.0", Complexity: each, Tips: chance,
			Summary: "Remove members drawn by chance, and return them", Flags: w | f,
			Keys: command.OneKey(command.RW | command.Access | command.Delete), Handler: handler(spopCommand)},
		{Name: "srandmember", Usage: "key [count]", Group: "set", Since: "1.0.0", Complexity: each, Tips: chance,
			Summary: "Return members drawn by chance", Flags: r, Keys: read, Handler: handler(srandmemberCommand),
			Differs: "A count below -16777216 is out of range: no count may cost any amount of memory."},
		{Name: "scard", Usage: "key", Group: "set", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Return the number of members", Flags: r | f, Keys: look, Handler: handler(scardCommand)},
		{Name: "sismember", Usage: "key member", Group: "set", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Tell whether a set has a member", Flags: r | f, Keys: look, Handler: handler(sismemberCommand)},
		{Name: "smismember", Usage: "key member [member ...]", Group: "set", Since: "6.2.0", Complexity: each,
			Summary: "Tell which of several members a set has", Flags: r | f, Keys: read, Handler: handler(smismemberCommand)},
		{Name: "smembers", Usage: "key", Group: "set", Since: "1.0.0", Complexity: each, Tips: order,
			Summary: "Return all members", Flags: r, Keys: read, Handler: handler(smembersCommand)},
		{Name: "sscan", Usage: "key cursor [MATCH pattern] [COUNT count]", Group: "set", Since: "2.8.0",
			Complexity: "O(1) for a call, O(N) for all N members", Flags: r, Keys: read, Tips: chance,
			Summary: "Go through the members of a set, some with each call; a cursor is good on every node",
			Handler: handler(sscanCommand),
			Differs: "Cursors are positions in the canonical order of all members, good on every node and after a restart; one with a sign, or an empty one, is `ERR invalid cursor`."},
	}
}

func saddCommand(r *run) {
	key := r.args[1]
	s, e, ok := r.set(key)
	if !ok {
		return
	}
	added := 0
	for _, member := range r.args[2:] {
		if s.Add(value.Text(member)) {
			added++
		}
	}
	if added > 0 {
		r.db.putSet(key, s, e.until())
		r.touchedTimes(key, added)
		r.event(EventSet, "sadd", key)
	}
	r.out.Int(int64(added))
}

func sremCommand(r *run) {
	key := r.args[1]
	s, e, ok := r.set(key)
	if !ok {
		return
	}
	removed := 0
	if e.found() {
		for _, member := range r.args[2:] {
			if s.Remove(value.Text(member)) {
				removed++
			}
		}
	}
	if removed > 0 {
		r.db.putSet(key, s, e.until())
		r.touchedTimes(key, removed)
		r.event(EventSet, "srem", key)
		r.emptied(key, s.Len())
	}
	r.out.Int(int64(removed))
}

func smoveCommand(r *run) {
	from, to, member := r.args[1], r.args[2], value.Text(r.args[3])
	source, e, ok := r.set(from)
	if !ok {
		return
	}
	if !e.found() {
		r.out.Int(0)
		return
	}
	_, into, ok := r.set(to)
	switch {
	case !ok:
		return
	case !source.Has(member):
		r.out.Int(0)
		return
	case into.found() && into.ref == e.ref:
		r.out.Int(1)
		return
	}
	source.Remove(member)
	r.db.putSet(from, source, e.until())
	r.touched(from)
	r.event(EventSet, "srem", from)
	r.emptied(from, source.Len())
	if target, into, _ := r.set(to); target.Add(member) {
		r.db.putSet(to, target, into.until())
		r.touched(to)
		r.event(EventSet, "sadd", to)
	}
	r.out.Int(1)
}

func scardCommand(r *run) {
	s, e, ok := r.set(r.args[1])
	switch {
	case !ok:
	case !e.found():
		r.out.Int(0)
	default:
		r.out.Int(int64(s.Len()))
	}
}

func sismemberCommand(r *run)  { r.areMembers(func(int) {}) }
func smismemberCommand(r *run) { r.areMembers(r.out.Array) }

// areMembers answers for each member with whether it is one, after announce has been told their number.
func (r *run) areMembers(announce func(n int)) {
	s, e, ok := r.set(r.args[1])
	if !ok {
		return
	}
	announce(len(r.args) - 2)
	for _, member := range r.args[2:] {
		if e.found() && s.Has(value.Text(member)) {
			r.out.Int(1)
		} else {
			r.out.Int(0)
		}
	}
}

func smembersCommand(r *run) {
	s, e, ok := r.set(r.args[1])
	switch {
	case !ok:
	case !e.found():
		r.out.Set(0)
	default:
		r.out.Set(s.Len())
		r.showSet(&s)
	}
}

// showSet answers with the members of a set, which have been announced.
func (r *run) showSet(s *value.Set) {
	s.Each(func(v value.Value) bool {
		r.out.Bulk(v.Bytes(r.digits[:]))
		return true
	})
}

func sscanCommand(r *run) {
	r.scanValue(func(key []byte) (scanner, bool, bool) {
		s, e, ok := r.set(key)
		return func(cursor uint32, count int, show func(value.Value, ...value.Value)) uint32 {
			return s.Scan(cursor, count, func(member value.Value) { show(member) })
		}, e.found(), ok
	})
}
