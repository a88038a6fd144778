package fsm

import "github.com/redraftdb/redraft/fsm/command"

func zsetBlockingCommands() []*command.Spec {
	const w = command.Write | command.Blocking
	const one = "O(log(N)) with N being the number of elements in the sorted set."
	pop := command.RW | command.Access | command.Delete
	return []*command.Spec{
		{Name: "bzpopmin", Usage: "key [key ...] timeout", Group: "sorted-set", Since: "5.0.0", Complexity: one,
			Summary: "Take the member with the lowest score off the first sorted set that has any, or wait for it",
			Flags:   w | command.NoScript | command.Fast, Keys: command.KeyRange(1, -2, 1, pop), Handler: handler(bzpopminCommand)},
		{Name: "bzpopmax", Usage: "key [key ...] timeout", Group: "sorted-set", Since: "5.0.0", Complexity: one,
			Summary: "Take the member with the highest score off the first sorted set that has any, or wait for it",
			Flags:   w | command.NoScript | command.Fast, Keys: command.KeyRange(1, -2, 1, pop), Handler: handler(bzpopmaxCommand)},
		{Name: "bzmpop", Usage: "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]", Group: "sorted-set", Since: "7.0.0",
			Complexity: "O(K) + O(N*log(M)) where K is the number of provided keys, N being the number of elements in the sorted set, " +
				"and M being the number of elements popped.",
			Summary: "Take members off the first of several sorted sets that has any, or wait for them", Flags: w,
			Keys: command.KeyNum(2, pop), Handler: handler(bzmpopCommand)},
	}
}

func bzpopminCommand(r *run) { r.blockingZpop(false) }
func bzpopmaxCommand(r *run) { r.blockingZpop(true) }

func (r *run) blockingZpop(highest bool) {
	last := len(r.args) - 1
	if timeout, ok := r.timeout(r.args[last]); ok {
		r.awaitZset(r.args[1:last], zpop{max: highest, count: 1, withKey: true}, timeout)
	}
}

func bzmpopCommand(r *run) {
	keys, p, ok := r.parseZmpop(2)
	if !ok {
		return
	}
	if timeout, ok := r.timeout(r.args[1]); ok {
		r.awaitZset(keys, p, timeout)
	}
}

// awaitZset pops from the first of the keys that has a sorted set, or waits for one.
func (r *run) awaitZset(keys [][]byte, p zpop, timeout int64) {
	r.await(wait{keys: keys, typ: typeZSet, timeout: timeout, serve: func(key []byte) bool {
		return r.zpopFirst([][]byte{key}, p)
	}})
}
