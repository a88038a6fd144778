package fsm

import "github.com/redraftdb/redraft/fsm/command"

func zremrangeCommands() []*command.Spec {
	const (
		g    = "sorted-set"
		f    = command.ReadOnly | command.Fast
		some = "O(log N + M) for M members of N"
	)
	read := command.OneKey(command.RO | command.Access)
	remove := command.OneKey(command.RW | command.Delete)
	return []*command.Spec{
		{Name: "zcount", Usage: "key min:double max:double", Group: g, Since: "2.0.0", Complexity: "O(log N) for N members",
			Summary: "Count the members with scores in a range", Flags: f, Keys: read, Handler: handler(zcountCommand)},
		{Name: "zlexcount", Usage: "key min max", Group: g, Since: "2.8.9", Complexity: "O(log N) for N members",
			Summary: "Count the members from one string to another, where all scores are equal", Flags: f, Keys: read,
			Differs: unequalScores, Handler: handler(zlexcountCommand)},
		{Name: "zremrangebyrank", Usage: "key start stop", Group: g, Since: "2.0.0", Complexity: some,
			Summary: "Remove a range of members by rank", Flags: command.Write, Keys: remove, Handler: handler(zremrangebyrankCommand)},
		{Name: "zremrangebyscore", Usage: "key min:double max:double", Group: g, Since: "1.2.0", Complexity: some,
			Summary: "Remove the members with scores in a range", Flags: command.Write, Keys: remove,
			Handler: handler(zremrangebyscoreCommand)},
		{Name: "zremrangebylex", Usage: "key min max", Group: g, Since: "2.8.9", Complexity: some, Flags: command.Write, Keys: remove,
			Summary: "Remove the members from one string to another, where all scores are equal",
			Differs: unequalScores, Handler: handler(zremrangebylexCommand)},
	}
}

func zcountCommand(r *run)    { r.zcount(byScore) }
func zlexcountCommand(r *run) { r.zcount(byLex) }

func (r *run) zcount(by order) {
	in, ok := r.interval(by, r.args[2], r.args[3])
	if !ok {
		return
	}
	z, e, ok := r.zset(r.args[1])
	if !ok {
		return
	}
	from, to := 0, 0
	if e.found() {
		from, to = z.Find(in)
	}
	r.out.Int(int64(to - from))
}

func zremrangebyrankCommand(r *run)  { r.zremrange(zrange{by: byRank}, "zremrangebyrank") }
func zremrangebyscoreCommand(r *run) { r.zremrange(zrange{by: byScore}, "zremrangebyscore") }
func zremrangebylexCommand(r *run)   { r.zremrange(zrange{by: byLex}, "zremrangebylex") }

func (r *run) zremrange(q zrange, event string) {
	if !r.parseZrange(&q, r.args[2:], true) {
		return
	}
	key := r.args[1]
	z, e, ok := r.zset(key)
	if !ok {
		return
	}
	from, to := 0, 0
	if e.found() {
		from, to = q.ranks(&z)
	}
	z.DeleteRange(from, to)
	r.zremoved(key, z, e, to-from, event)
}
