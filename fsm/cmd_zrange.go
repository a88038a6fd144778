package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

// unequalScores is where commands that go from one string to another differ from Redis.
const unequalScores = "Where scores are not equal, which Redis leaves open, the range is the ranks between the places of the two strings."

func zrangeCommands() []*command.Spec {
	const (
		g    = "sorted-set"
		r    = command.ReadOnly
		some = "O(log N + M) for M members of N"
		old  = "6.2.0"
	)
	read := command.OneKey(command.RO | command.Access)
	return []*command.Spec{
		{Name: "zrange", Usage: "key start:string stop:string [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]", Group: g,
			Since: "1.2.0", Complexity: some, Summary: "Return a range of members, by rank, by score or by their bytes", Flags: r,
			Keys: read, Handler: handler(zrangeCommand)},
		{Name: "zrevrange", Usage: "key start stop [WITHSCORES]", Group: g, Since: "1.2.0", Complexity: some, Deprecated: old,
			ReplacedBy: "`ZRANGE` with the `REV` argument", Flags: r, Keys: read,
			Summary: "Return a range of members by rank, the highest first", Handler: handler(zrevrangeCommand)},
		{Name: "zrangebyscore", Usage: "key min:double max:double [WITHSCORES] [LIMIT offset count]", Group: g, Since: "1.0.5",
			Complexity: some, Deprecated: old, ReplacedBy: "`ZRANGE` with the `BYSCORE` argument", Flags: r, Keys: read,
			Summary: "Return the members with scores in a range", Handler: handler(zrangebyscoreCommand)},
		{Name: "zrevrangebyscore", Usage: "key max:double min:double [WITHSCORES] [LIMIT offset count]", Group: g, Since: "2.2.0",
			Complexity: some, Deprecated: old, ReplacedBy: "`ZRANGE` with the `REV` and `BYSCORE` arguments", Flags: r, Keys: read,
			Summary: "Return the members with scores in a range, the highest first", Handler: handler(zrevrangebyscoreCommand)},
		{Name: "zrangebylex", Usage: "key min max [LIMIT offset count]", Group: g, Since: "2.8.9", Complexity: some, Deprecated: old,
			ReplacedBy: "`ZRANGE` with the `BYLEX` argument", Flags: r, Keys: read,
			Summary: "Return the members from one string to another, where all scores are equal",
			Differs: unequalScores, Handler: handler(zrangebylexCommand)},
		{Name: "zrevrangebylex", Usage: "key max min [LIMIT offset count]", Group: g, Since: "2.8.9", Complexity: some, Deprecated: old,
			ReplacedBy: "`ZRANGE` with the `REV` and `BYLEX` arguments", Flags: r, Keys: read,
			Summary: "Return the members from one string down to another, where all scores are equal",
			Differs: unequalScores, Handler: handler(zrevrangebylexCommand)},
		{Name: "zrangestore", Usage: "dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]", Group: g, Since: "6.2.0",
			Complexity: some, Summary: "Store a range of members as another sorted set", Flags: command.Write | command.DenyOOM,
			Keys:    command.Keys(command.OneKey(command.OW|command.Update), command.KeyAt(2, command.RO|command.Access)),
			Handler: handler(zrangestoreCommand)},
	}
}

// order is what the members of a range are chosen by.
type order int

const (
	anyOrder order = iota // the command's options say
	byRank
	byScore
	byLex
)

// zrange is a range of members, as a command asks for it.
type zrange struct {
	by         order
	reverse    bool
	withScores bool
	limited    bool
	offset     int64
	count      int64 // members at most; negative for all

	start, stop int64          // by rank
	in          value.Interval // by score or by the members' bytes
}

func zrangeCommand(r *run)           { r.zrange(zrange{}) }
func zrevrangeCommand(r *run)        { r.zrange(zrange{by: byRank, reverse: true}) }
func zrangebyscoreCommand(r *run)    { r.zrange(zrange{by: byScore}) }
func zrevrangebyscoreCommand(r *run) { r.zrange(zrange{by: byScore, reverse: true}) }
func zrangebylexCommand(r *run)      { r.zrange(zrange{by: byLex}) }
func zrevrangebylexCommand(r *run)   { r.zrange(zrange{by: byLex, reverse: true}) }

// zrange is ZRANGE and the older commands that fix some of its options.
func (r *run) zrange(q zrange) {
	if !r.parseZrange(&q, r.args[2:], false) {
		return
	}
	z, e, ok := r.zset(r.args[1])
	if !ok {
		return
	}
	from, to := 0, 0
	if e.found() {
		from, to = q.ranks(&z)
	}
	show := r.scores(to-from, q.withScores)
	z.Range(from, to, q.reverse, func(member value.Value, score float64) bool {
		show(member, score)
		return true
	})
}

func zrangestoreCommand(r *run) {
	var q zrange
	if !r.parseZrange(&q, r.args[3:], true) {
		return
	}
	from, e, ok := r.sourceZSet(r.args[2])
	if !ok {
		return
	}
	first, last, known := 0, 0, 0
	if e.found() {
		first, last = q.ranks(&from)
	}
	if q.by == byRank {
		known = last - first
	}
	to := r.newZSet(known, 0)
	if e.found() {
		from.Range(first, last, q.reverse, func(member value.Value, score float64) bool {
			to.Set(member.Bytes(r.digits[:]), score, r.state.parameters.zsetLimits())
			return true
		})
	}
	r.storeZSet(r.args[1], to, "zrangestore")
}

// storeZSet makes a result the value of key, or deletes the key if the result is empty, and answers with the
// number of members.
func (r *run) storeZSet(key []byte, z value.ZSet, event string) {
	_, found := r.lookupWrite(key)
	n := z.Len()
	r.db.putZSet(key, z, 0)
	if n > 0 {
		r.touched(key)
		r.event(EventZSet, event, key)
	} else if found {
		r.touched(key)
		r.event(EventGeneric, "del", key)
	}
	r.out.Int(int64(n))
}

// parseZrange reads the two bounds of a range and the options behind them. If they are wrong the command has
// been answered.
func (r *run) parseZrange(q *zrange, args [][]byte, store bool) bool {
	if !r.parseZrangeOptions(q, args[2:], store) {
		return false
	}
	if q.by == anyOrder {
		q.by = byRank
	}
	switch {
	case q.limited && q.count != -1 && q.by == byRank:
		r.out.Error(errRankLimit)
		return false
	case q.withScores && q.by == byLex:
		r.out.Error(errLexScores)
		return false
	}
	low, high := args[0], args[1]
	var ok bool
	if q.by == byRank {
		if q.start, ok = r.integer(low); ok {
			q.stop, ok = r.integer(high)
		}
		return ok
	}
	if q.reverse {
		low, high = high, low
	}
	q.in, ok = r.interval(q.by, low, high)
	return ok
}

func (r *run) parseZrangeOptions(q *zrange, args [][]byte, store bool) (ok bool) {
	fixed := q.by != anyOrder
	q.count = -1
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case command.IsWord(arg, "WITHSCORES") && !store:
			q.withScores = true
		case command.IsWord(arg, "LIMIT") && i+2 < len(args):
			if q.offset, ok = r.integer(args[i+1]); !ok {
				return false
			}
			if q.count, ok = r.integer(args[i+2]); !ok {
				return false
			}
			q.limited = true
			i += 2
		case command.IsWord(arg, "REV") && !fixed && !q.reverse:
			q.reverse = true
		case command.IsWord(arg, "BYLEX") && q.by == anyOrder:
			q.by = byLex
		case command.IsWord(arg, "BYSCORE") && q.by == anyOrder:
			q.by = byScore
		default:
			r.out.Error(errSyntax)
			return false
		}
	}
	return true
}

// interval reads the bounds of an interval; if they are none the command has been answered.
func (r *run) interval(by order, low, high []byte) (in value.Interval, ok bool) {
	text := errScoreRange
	if by == byScore {
		in, ok = value.ParseScoreInterval(low, high)
	} else {
		in, ok = value.ParseLexInterval(low, high)
		text = errLexRange
	}
	if !ok {
		r.out.Error(text)
	}
	return in, ok
}

// ranks are the ranks from which on, and up to which, a sorted set's members are asked for.
func (q *zrange) ranks(z *value.ZSet) (from, to int) {
	if q.by == byRank {
		from, to = clampRanks(q.start, q.stop, z.Len())
		if q.reverse {
			from, to = z.Len()-to, z.Len()-from
		}
		return from, to
	}
	from, to = z.Find(q.in)
	n := int64(to - from)
	if !q.limited {
		return from, to
	}
	if q.offset < 0 || q.offset >= n {
		return from, from
	}
	n -= q.offset
	if q.count >= 0 {
		n = min(n, q.count)
	}
	if q.reverse {
		to -= int(q.offset)
		return to - int(n), to
	}
	from += int(q.offset)
	return from, from + int(n)
}

// clampRanks makes ranks of a start and a stop, both inclusive, that count from the end where they are
// negative.
func clampRanks(start, stop int64, n int) (from, to int) {
	if start < 0 {
		start = max(0, start+int64(n))
	}
	if stop < 0 {
		stop += int64(n)
	}
	stop = min(stop, int64(n)-1)
	if start > stop {
		return 0, 0
	}
	return int(start), int(stop) + 1
}
