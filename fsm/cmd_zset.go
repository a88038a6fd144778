package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func zsetCommands() []*command.Spec {
	const (
		w = command.Write | command.Fast
		f = command.ReadOnly | command.Fast
	)
	read := command.OneKey(command.RO | command.Access)
	return []*command.Spec{
		{Name: "zadd", Usage: "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]", Group: "sorted-set",
			Since: "1.2.0", Complexity: "O(log N) for each member, of N", Summary: "Give members of a sorted set their scores",
			Flags: w | command.DenyOOM, Keys: command.OneKey(command.RW | command.Update), Handler: handler(zaddCommand)},
		{Name: "zincrby", Usage: "key increment member", Group: "sorted-set", Since: "1.2.0", Complexity: "O(log N) for N members",
			Summary: "Add to a member's score; that of a missing one counts as 0", Flags: w | command.DenyOOM,
			Keys: command.OneKey(command.RW | command.Access | command.Update), Handler: handler(zincrbyCommand)},
		{Name: "zrem", Usage: "key member [member ...]", Group: "sorted-set", Since: "1.2.0",
			Complexity: "O(log N) for each member, of N", Summary: "Remove members; a sorted set without members is deleted",
			Flags: w, Keys: command.OneKey(command.RW | command.Delete), Handler: handler(zremCommand)},
		{Name: "zcard", Usage: "key", Group: "sorted-set", Since: "1.2.0", Complexity: "O(1)",
			Summary: "Return the number of members", Flags: f, Keys: command.OneKey(command.RO), Handler: handler(zcardCommand)},
		{Name: "zscore", Usage: "key member", Group: "sorted-set", Since: "1.2.0", Complexity: "O(1)",
			Summary: "Return a member's score", Flags: f, Keys: read, Handler: handler(zscoreCommand)},
		{Name: "zmscore", Usage: "key member [member ...]", Group: "sorted-set", Since: "6.2.0", Complexity: "O(N) for N members asked for",
			Summary: "Return the scores of several members", Flags: f, Keys: read, Handler: handler(zmscoreCommand)},
		{Name: "zrank", Usage: "key member", Group: "sorted-set", Since: "2.0.0", Complexity: "O(log N) for N members",
			Summary: "Return how many members have a lower score than one", Flags: f, Keys: read, Handler: handler(zrankCommand)},
		{Name: "zrevrank", Usage: "key member", Group: "sorted-set", Since: "2.0.0", Complexity: "O(log N) for N members",
			Summary: "Return how many members have a higher score than one", Flags: f, Keys: read, Handler: handler(zrevrankCommand)},
		{Name: "zscan", Usage: "key cursor [MATCH pattern] [COUNT count]", Group: "sorted-set", Since: "2.8.0",
			Complexity: "O(1) for a call, O(N) for all N members", Flags: command.ReadOnly, Keys: read,
			Summary: "Go through the members and scores of a sorted set, some with each call; a cursor is good on every node",
			Tips:    []string{"nondeterministic_output"}, Handler: handler(zscanCommand),
			Differs: "Cursors are positions in the canonical order of all members, good on every node and after a restart; one with a sign, or an empty one, is `ERR invalid cursor`."},
	}
}

// zaddOptions are what ZADD is asked to do beyond setting scores.
type zaddOptions struct {
	nx, xx, gt, lt bool
	changed        bool // count what was changed, too
	incr           bool // add to the score
}

// parse takes the options off the front of args and returns the rest.
func (o *zaddOptions) parse(args [][]byte) (pairs [][]byte) {
	for i, arg := range args {
		switch {
		case command.IsWord(arg, "NX"):
			o.nx = true
		case command.IsWord(arg, "XX"):
			o.xx = true
		case command.IsWord(arg, "GT"):
			o.gt = true
		case command.IsWord(arg, "LT"):
			o.lt = true
		case command.IsWord(arg, "CH"):
			o.changed = true
		case command.IsWord(arg, "INCR"):
			o.incr = true
		default:
			return args[i:]
		}
	}
	return nil
}

// conflict is the error of options, and a number of arguments behind them, that do not go together.
func (o *zaddOptions) conflict(args int) string {
	switch {
	case args == 0 || args%2 != 0:
		return errSyntax
	case o.nx && o.xx:
		return errBothNXXX
	case o.gt && o.nx || o.lt && o.nx || o.gt && o.lt:
		return errGTLTNX
	case o.incr && args > 2:
		return errIncrPairs
	}
	return ""
}

// next is the score that a member is to have; with ok false it stays as it is.
func (o *zaddOptions) next(old float64, found bool, score float64) (next float64, ok bool) {
	if !found {
		return score, !o.xx
	}
	if o.incr {
		score += old
	}
	// A NaN, which only an increment makes, passes both comparisons: the caller refuses it.
	if o.nx || o.lt && score >= old || o.gt && score <= old {
		return 0, false
	}
	return score, true
}

func zaddCommand(r *run)    { r.zadd(zaddOptions{}) }
func zincrbyCommand(r *run) { r.zadd(zaddOptions{incr: true}) }

// zadd is ZADD and ZINCRBY.
func (r *run) zadd(o zaddOptions) {
	pairs := o.parse(r.args[2:])
	if text := o.conflict(len(pairs)); text != "" {
		r.out.Error(text)
		return
	}
	for i := 0; i < len(pairs); i += 2 {
		if _, ok := value.ParseFloat(pairs[i]); !ok {
			r.out.Error(errNotFloat)
			return
		}
	}
	r.addScores(o, len(pairs)/2, func(i int) (member []byte, score float64) {
		score, _ = value.ParseFloat(pairs[2*i])
		return pairs[2*i+1], score
	})
}

// addScores gives so many members of the command's key their scores, as the options say, and answers.
func (r *run) addScores(o zaddOptions, n int, pair func(i int) (member []byte, score float64)) {
	key := r.args[1]
	z, e, ok := r.zset(key)
	if !ok {
		return
	}
	added, updated := 0, 0
	var score float64 // of the last member
	for i := range n {
		member, number := pair(i)
		old, found := z.Score(member)
		if score, ok = o.next(old, found, number); !ok {
			continue
		}
		if math.IsNaN(score) {
			r.out.Error(errScoreNaN)
			return
		}
		if z.Set(member, score, r.state.parameters.zsetLimits()) {
			added++
		} else if score != old {
			updated++
		}
	}
	r.zadded(key, z, e, added+updated, o.incr)
	switch {
	case o.incr && ok:
		r.out.Double(score)
	case o.incr:
		r.out.Null()
	case o.changed:
		r.out.Int(int64(added + updated))
	default:
		r.out.Int(int64(added))
	}
}

// zadded stores the sorted set in which ZADD has changed so many members.
func (r *run) zadded(key []byte, z value.ZSet, e entry, changes int, incr bool) {
	if changes == 0 {
		return
	}
	r.db.putZSet(key, z, e.until())
	for range changes {
		r.touched(key)
	}
	if incr {
		r.event(EventZSet, "zincr", key)
	} else {
		r.event(EventZSet, "zadd", key)
	}
}

func zremCommand(r *run) {
	key := r.args[1]
	z, e, ok := r.zset(key)
	if !ok {
		return
	}
	n := 0
	if e.found() {
		for _, member := range r.args[2:] {
			if z.Delete(member) {
				n++
			}
		}
	}
	r.zremoved(key, z, e, n, "zrem")
}

// zremoved stores the sorted set out of which so many members were removed, publishes the event, and
// answers with the number.
func (r *run) zremoved(key []byte, z value.ZSet, e entry, n int, event string) {
	if n > 0 {
		r.db.putZSet(key, z, e.until())
		for range n {
			r.touched(key)
		}
		r.event(EventZSet, event, key)
		r.zsetGone(key, &z)
	}
	r.out.Int(int64(n))
}

func zcardCommand(r *run) {
	z, e, ok := r.zset(r.args[1])
	switch {
	case !ok:
	case !e.found():
		r.out.Int(0)
	default:
		r.out.Int(int64(z.Len()))
	}
}

// scoreOrNull answers with the score of a member, or null.
func (r *run) scoreOrNull(z *value.ZSet, e entry, member []byte) {
	if e.found() {
		if score, ok := z.Score(member); ok {
			r.out.Double(score)
			return
		}
	}
	r.out.Null()
}

func zscoreCommand(r *run) {
	if z, e, ok := r.zset(r.args[1]); ok {
		r.scoreOrNull(&z, e, r.args[2])
	}
}

func zmscoreCommand(r *run) {
	z, e, ok := r.zset(r.args[1])
	if !ok {
		return
	}
	r.out.Array(len(r.args) - 2)
	for _, member := range r.args[2:] {
		r.scoreOrNull(&z, e, member)
	}
}

func zrankCommand(r *run)    { r.zrank(false) }
func zrevrankCommand(r *run) { r.zrank(true) }

func (r *run) zrank(reverse bool) {
	z, e, ok := r.zset(r.args[1])
	if !ok {
		return
	}
	rank, found := 0, false
	if e.found() {
		rank, found = z.Rank(r.args[2])
	}
	switch {
	case !found:
		r.out.Null()
	case reverse:
		r.out.Int(int64(z.Len() - 1 - rank))
	default:
		r.out.Int(int64(rank))
	}
}

func zscanCommand(r *run) {
	r.scanValue(func(key []byte) (scanner, bool, bool) {
		z, e, ok := r.zset(key)
		return func(cursor uint32, count int, show func(value.Value, ...value.Value)) uint32 {
			return z.Scan(cursor, count, func(member, score value.Value) { show(member, score) })
		}, e.found(), ok
	})
}

// scores announces n members, with their scores or without, and returns what writes each of them.
func (r *run) scores(n int, with bool) (show func(member value.Value, score float64)) {
	nested := with && r.out.RESP3()
	if with && !nested {
		r.out.Array(2 * n)
	} else {
		r.out.Array(n)
	}
	return func(member value.Value, score float64) {
		if nested {
			r.out.Array(2)
		}
		r.out.Bulk(member.Bytes(r.digits[:]))
		if with {
			r.out.Double(score)
		}
	}
}
