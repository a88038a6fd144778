package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func zrandmemberCommands() []*command.Spec {
	return []*command.Spec{
		{Name: "zrandmember", Usage: "key options=[count [WITHSCORES]]", Group: "sorted-set", Since: "6.2.0",
			Complexity: "O(M log N) for M members of N", Summary: "Return members drawn by chance", Flags: command.ReadOnly,
			Keys: command.OneKey(command.RO | command.Access), Tips: []string{"nondeterministic_output"},
			Differs: "A count below -16777216 is out of range: no count may cost any amount of memory.",
			Handler: handler(zrandmemberCommand)},
	}
}

func zrandmemberCommand(r *run) {
	if len(r.args) > 2 {
		r.randomScored()
		return
	}
	z, e, ok := r.zset(r.args[1])
	switch {
	case !ok:
	case !e.found():
		r.out.Null()
	default:
		member, _ := z.Nth(r.random.below(z.Len()))
		r.out.Bulk(member.Bytes(r.digits[:]))
	}
}

// randomScored is ZRANDMEMBER with a count.
func (r *run) randomScored() {
	count, with, ok := r.parseDraw("WITHSCORES")
	if !ok {
		return
	}
	z, e, ok := r.zset(r.args[1])
	if !ok {
		return
	}
	if !e.found() || count == 0 {
		r.out.Array(0)
		return
	}
	n := z.Len()
	if count < 0 {
		show := r.scores(int(-count), with)
		for range -count {
			show(z.Nth(r.random.below(n)))
		}
		return
	}
	most := int(min(count, int64(n)))
	show := r.scores(most, with)
	type pair struct {
		member value.Value
		score  float64
	}
	for _, p := range sample(&r.random, n, most, func(i int) pair {
		member, score := z.Nth(i)
		return pair{member, score}
	}, func(visit func(p pair) bool) {
		z.Each(func(member value.Value, score float64) bool { return visit(pair{member, score}) })
	}) {
		show(p.member, p.score)
	}
}
