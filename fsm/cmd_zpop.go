package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func zpopCommands() []*command.Spec {
	const w = command.Write
	pop := command.RW | command.Access | command.Delete
	return []*command.Spec{
		{Name: "zpopmin", Usage: "key [count]", Group: "sorted-set", Since: "5.0.0", Complexity: "O(M log N) for M members of N",
			Summary: "Remove and return the members with the lowest scores", Flags: w | command.Fast,
			Keys: command.OneKey(pop), Handler: handler(zpopminCommand)},
		{Name: "zpopmax", Usage: "key [count]", Group: "sorted-set", Since: "5.0.0", Complexity: "O(M log N) for M members of N",
			Summary: "Remove and return the members with the highest scores", Flags: w | command.Fast,
			Keys: command.OneKey(pop), Handler: handler(zpopmaxCommand)},
		{Name: "zmpop", Usage: "numkeys key [key ...] <MIN | MAX> [COUNT count]", Group: "sorted-set", Since: "7.0.0",
			Complexity: "O(K + M log N) for K keys and M members of N",
			Summary:    "Remove and return members of the first sorted set that has any", Flags: w,
			Keys: command.KeyNum(1, pop), Handler: handler(zmpopCommand)},
	}
}

// zpop says what to pop from a sorted set, and in which form the answer is to be.
type zpop struct {
	max     bool // the highest scores rather than the lowest
	count   int  // members at most, at least one
	nested  bool // each member with its score is an array
	withKey bool // the key comes first
}

// zpopFirst pops from the first of the keys that exists, and answers. If none exists it does neither and
// returns false; a key of another type has been answered too.
func (r *run) zpopFirst(keys [][]byte, p zpop) (answered bool) {
	for _, key := range keys {
		z, e, ok := r.zset(key)
		if !ok {
			return true
		}
		if e.found() {
			r.zpopFrom(key, z, e, p)
			return true
		}
	}
	return false
}

// zpopFrom pops from the sorted set z, which zset returned with e.
func (r *run) zpopFrom(key []byte, z value.ZSet, e entry, p zpop) {
	n := min(p.count, z.Len())
	from, event := 0, "zpopmin"
	if p.max {
		from, event = z.Len()-n, "zpopmax"
	}
	switch {
	case p.withKey && p.nested:
		r.out.Array(2)
		r.out.Bulk(key)
		r.out.Array(n)
	case p.withKey:
		r.out.Array(2*n + 1)
		r.out.Bulk(key)
	case p.nested:
		r.out.Array(n)
	default:
		r.out.Array(2 * n)
	}
	z.Range(from, from+n, p.max, func(member value.Value, score float64) bool {
		if p.nested {
			r.out.Array(2)
		}
		r.out.Bulk(member.Bytes(r.digits[:]))
		r.out.Double(score)
		return true
	})
	z.DeleteRange(from, from+n)
	r.db.putZSet(key, z, e.until())
	for range n {
		r.touched(key)
	}
	r.event(EventZSet, event, key)
	r.zsetGone(key, &z)
}

func zpopminCommand(r *run) { r.zpopKey(false) }
func zpopmaxCommand(r *run) { r.zpopKey(true) }

// zpopKey is ZPOPMIN and ZPOPMAX.
func (r *run) zpopKey(highest bool) {
	p := zpop{max: highest, count: 1}
	if len(r.args) > 3 {
		r.out.Error(errSyntax)
		return
	}
	if len(r.args) == 3 {
		n, ok := value.ParseInt(r.args[2])
		if !ok || n < 0 {
			r.out.Error(errNotPositive)
			return
		}
		p.count, p.nested = int(n), r.out.RESP3()
	}
	key := r.args[1]
	z, e, ok := r.zset(key)
	switch {
	case !ok:
	case !e.found() || p.count == 0:
		r.out.Array(0)
	default:
		r.zpopFrom(key, z, e, p)
	}
}

func zmpopCommand(r *run) {
	keys, p, ok := r.parseZmpop(1)
	if ok && !r.zpopFirst(keys, p) {
		r.out.NullArray()
	}
}

// parseZmpop reads the arguments of ZMPOP and its blocking form, from numkeys at an index on. If they are
// wrong the command has been answered.
func (r *run) parseZmpop(at int) (keys [][]byte, p zpop, ok bool) {
	n, ok := value.ParseInt(r.args[at])
	if !ok || n < 1 {
		r.out.Error(errNumKeys)
		return nil, p, false
	}
	rest := r.args[at+1:]
	if n >= int64(len(rest)) {
		r.out.Error(errSyntax)
		return nil, p, false
	}
	keys, rest = rest[:n], rest[n:]
	p = zpop{max: command.IsWord(rest[0], "MAX"), count: 1, nested: true, withKey: true}
	if !p.max && !command.IsWord(rest[0], "MIN") {
		r.out.Error(errSyntax)
		return nil, p, false
	}
	switch rest = rest[1:]; {
	case len(rest) == 0:
		return keys, p, true
	case len(rest) == 1 || !command.IsWord(rest[0], "COUNT"):
		r.out.Error(errSyntax)
		return nil, p, false
	}
	count, ok := value.ParseInt(rest[1])
	switch {
	case !ok || count < 1:
		r.out.Error(errCount)
		return nil, p, false
	case len(rest) > 2:
		r.out.Error(errSyntax)
		return nil, p, false
	}
	p.count = int(min(count, math.MaxInt32))
	return keys, p, true
}
