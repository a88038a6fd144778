package fsm

import (
	"cmp"
	"slices"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func setAlgebraCommands() []*command.Spec {
	const (
		w = command.Write | command.DenyOOM
		r = command.ReadOnly
	)
	all := command.AllKeys(command.RO | command.Access)
	rest := command.KeyRange(2, -1, 1, command.RO|command.Access)
	store := command.Keys(command.OneKey(command.OW|command.Update), rest)
	order := []string{"nondeterministic_output_order"}
	const product, sum = "O(N*M) for N members of the smallest of M sets", "O(N) for N members of all sets"
	return []*command.Spec{
		{Name: "sinter", Usage: "key [key ...]", Group: "set", Since: "1.0.0", Complexity: product, Tips: order,
			Summary: "Return what several sets have in common", Flags: r, Keys: all, Handler: handler(sinterCommand)},
		{Name: "sinterstore", Usage: "destination key [key ...]", Group: "set", Since: "1.0.0", Complexity: product,
			Summary: "Store what several sets have in common", Flags: w,
			Keys: command.Keys(command.OneKey(command.RW|command.Update), rest), Handler: handler(sinterstoreCommand)},
		{Name: "sintercard", Usage: "numkeys key [key ...] [LIMIT limit]", Group: "set", Since: "7.0.0", Complexity: product,
			Summary: "Count what several sets have in common, up to a limit", Flags: r,
			Keys: command.KeyNum(1, command.RO|command.Access), Handler: handler(sintercardCommand)},
		{Name: "sunion", Usage: "key [key ...]", Group: "set", Since: "1.0.0", Complexity: sum, Tips: order,
			Summary: "Return what any of several sets has", Flags: r, Keys: all, Handler: handler(sunionCommand)},
		{Name: "sunionstore", Usage: "destination key [key ...]", Group: "set", Since: "1.0.0", Complexity: sum,
			Summary: "Store what any of several sets has", Flags: w, Keys: store, Handler: handler(sunionstoreCommand)},
		{Name: "sdiff", Usage: "key [key ...]", Group: "set", Since: "1.0.0", Complexity: sum, Tips: order,
			Summary: "Return what a set has and others have not", Flags: r, Keys: all, Handler: handler(sdiffCommand)},
		{Name: "sdiffstore", Usage: "destination key [key ...]", Group: "set", Since: "1.0.0", Complexity: sum,
			Summary: "Store what a set has and others have not", Flags: w, Keys: store, Handler: handler(sdiffstoreCommand)},
	}
}

// An operation visits the members that some sets make together until visit says false. Sets that are not
// there are nil. It may visit a member more than once.
type operation func(sets []*value.Set, visit func(v value.Value) bool)

// operands are the sets under keys, nil for those that are not there. If one has another type the command
// has been answered.
func (r *run) operands(keys [][]byte) (sets []*value.Set, ok bool) {
	for _, key := range keys {
		s, e, ok := r.sourceSet(key)
		switch {
		case !ok:
			return nil, false
		case e.found():
			sets = append(sets, &s)
		default:
			sets = append(sets, nil)
		}
	}
	return sets, true
}

// intersect visits the members of the smallest set that all others have.
func intersect(sets []*value.Set, visit func(v value.Value) bool) {
	if slices.Contains(sets, nil) {
		return
	}
	slices.SortStableFunc(sets, func(a, b *value.Set) int { return a.Len() - b.Len() })
	sets[0].Each(func(v value.Value) bool {
		for _, s := range sets[1:] {
			if !s.Has(v) {
				return true
			}
		}
		return visit(v)
	})
}

// unite visits the members of all sets.
func unite(sets []*value.Set, visit func(v value.Value) bool) {
	going := true
	for _, s := range sets {
		if s != nil && going {
			s.Each(func(v value.Value) bool {
				going = visit(v)
				return going
			})
		}
	}
}

// subtract visits the members of the first set that no other has. It looks for them in the others, or
// for the others' in it, whichever is less work.
func subtract(sets []*value.Set, visit func(v value.Value) bool) {
	first := sets[0]
	if first == nil {
		return
	}
	others := slices.DeleteFunc(slices.Clone(sets[1:]), func(s *value.Set) bool { return s == nil })
	slices.SortStableFunc(others, func(a, b *value.Set) int { return b.Len() - a.Len() })
	members := first.Len()
	for _, s := range others {
		members += s.Len()
	}
	if first.Len()*(len(others)+1)/2 > members {
		subtractEach(first, others, visit)
		return
	}
	first.Each(func(v value.Value) bool {
		for _, s := range others {
			if s.Has(v) {
				return true
			}
		}
		return visit(v)
	})
}

// subtractEach is subtract by going through all sets.
func subtractEach(first *value.Set, others []*value.Set, visit func(v value.Value) bool) {
	gone := map[string]bool{}
	unite(others, func(v value.Value) bool {
		if first.Has(v) {
			gone[v.String()] = true
		}
		return len(gone) < first.Len()
	})
	first.Each(func(v value.Value) bool {
		var digits [20]byte
		return gone[string(v.Bytes(digits[:]))] || visit(v)
	})
}

func sinterCommand(r *run) { r.showResult(intersect, false) }
func sunionCommand(r *run) { r.showResult(unite, true) }
func sdiffCommand(r *run)  { r.showResult(subtract, false) }

// showResult answers with what an operation on the command's sets makes. repeats says that it may visit a
// member more than once.
func (r *run) showResult(do operation, repeats bool) {
	sets, ok := r.operands(r.args[1:])
	if !ok {
		return
	}
	repeats = repeats && len(sets) > 1
	var members []value.Value
	seen := map[string]bool{}
	do(sets, func(v value.Value) bool {
		if repeats {
			b := v.Bytes(r.digits[:])
			if seen[string(b)] {
				return true
			}
			seen[string(b)] = true
		}
		members = append(members, v)
		return true
	})
	r.sortIntegers(members)
	r.out.Set(len(members))
	for _, v := range members {
		r.out.Bulk(v.Bytes(r.digits[:]))
	}
}

// sortIntegers gives members the order that they have in the set that they would make, if that is an
// intset.
func (r *run) sortIntegers(members []value.Value) {
	if len(members) > r.state.parameters.intsetEntries {
		return
	}
	for i, v := range members {
		n, ok := value.ParseInt(v.Bytes(r.digits[:]))
		if !ok {
			return
		}
		members[i] = value.Number(n)
	}
	slices.SortFunc(members, func(a, b value.Value) int {
		x, _ := a.Int()
		y, _ := b.Int()
		return cmp.Compare(x, y)
	})
}

func sinterstoreCommand(r *run) { r.storeResult(intersect, "sinterstore") }
func sunionstoreCommand(r *run) { r.storeResult(unite, "sunionstore") }
func sdiffstoreCommand(r *run)  { r.storeResult(subtract, "sdiffstore") }

// storeResult makes what an operation on the command's sets makes the value of its destination.
func (r *run) storeResult(do operation, event string) {
	sets, ok := r.operands(r.args[2:])
	if !ok {
		return
	}
	result := value.NewSet(&r.db.mem, r.state.parameters.intsetEntries)
	do(sets, func(v value.Value) bool {
		result.Add(v)
		return true
	})
	key := r.args[1]
	_, found := r.lookupWrite(key)
	r.db.putSet(key, result, 0)
	if n := result.Len(); n > 0 {
		r.touched(key)
		r.event(EventSet, event, key)
	} else if found {
		r.touched(key)
		r.event(EventGeneric, "del", key)
	}
	r.out.Int(int64(result.Len()))
}

func sintercardCommand(r *run) {
	n, ok := r.atLeast(1, r.args[1], errNumKeys)
	if !ok {
		return
	}
	if n > len(r.args)-2 {
		r.out.Error(errTooManyKeys)
		return
	}
	limit := 0
	for options := r.args[n+2:]; len(options) > 0; options = options[2:] {
		if len(options) < 2 || !command.IsWord(options[0], "LIMIT") {
			r.out.Error(errSyntax)
			return
		}
		if limit, ok = r.atLeast(0, options[1], errLimit); !ok {
			return
		}
	}
	sets, ok := r.operands(r.args[2 : n+2])
	if !ok {
		return
	}
	count := 0
	intersect(sets, func(value.Value) bool {
		count++
		return count != limit
	})
	r.out.Int(int64(count))
}
