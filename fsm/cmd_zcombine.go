package fsm

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func zcombineCommands() []*command.Spec {
	const (
		g     = "sorted-set"
		r     = command.ReadOnly
		w     = command.Write | command.DenyOOM
		how   = " [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]"
		keys  = "numkeys key [key ...]"
		union = "O(N + M log M) for N members altogether and M in the result"
		inter = "O(N K + M log M) for N members of the smallest of K sets and M in the result"
		diff  = "O(L + M log M) for L members altogether and M in the result"
	)
	read := command.KeyNum(1, command.RO|command.Access)
	store := command.Keys(command.KeyAt(1, command.OW|command.Update), command.KeyNum(2, command.RO|command.Access))
	return []*command.Spec{
		{Name: "zunion", Usage: keys + how + " [WITHSCORES]", Group: g, Since: "6.2.0", Complexity: union, Flags: r, Keys: read,
			Summary: "Return the members of any of several sorted sets", Handler: handler(zunionCommand)},
		{Name: "zinter", Usage: keys + how + " [WITHSCORES]", Group: g, Since: "6.2.0", Complexity: inter, Flags: r, Keys: read,
			Summary: "Return the members that are in all of several sorted sets", Handler: handler(zinterCommand)},
		{Name: "zdiff", Usage: keys + " [WITHSCORES]", Group: g, Since: "6.2.0", Complexity: diff, Flags: r, Keys: read,
			Summary: "Return the members of a sorted set that are in none of the others", Handler: handler(zdiffCommand)},
		{Name: "zunionstore", Usage: "destination " + keys + how, Group: g, Since: "2.0.0", Complexity: union, Flags: w, Keys: store,
			Summary: "Store the members of any of several sorted sets", Handler: handler(zunionstoreCommand)},
		{Name: "zinterstore", Usage: "destination " + keys + how, Group: g, Since: "2.0.0", Complexity: inter, Flags: w, Keys: store,
			Summary: "Store the members that are in all of several sorted sets", Handler: handler(zinterstoreCommand)},
		{Name: "zdiffstore", Usage: "destination " + keys, Group: g, Since: "6.2.0", Complexity: diff, Flags: w, Keys: store,
			Summary: "Store the members of a sorted set that are in none of the others", Handler: handler(zdiffstoreCommand)},
		{Name: "zintercard", Usage: keys + " [LIMIT limit]", Group: g, Since: "7.0.0", Flags: r, Keys: read,
			Complexity: "O(N K) for N members of the smallest of K sets",
			Summary:    "Count the members that are in all of several sorted sets", Handler: handler(zintercardCommand)},
	}
}

// A memberSource is what members with scores are taken from: a sorted set, or a set, whose members all have
// the score 1.
type memberSource interface {
	Len() int
	Score(member []byte) (score float64, ok bool)
	Each(visit func(member value.Value, score float64) bool)
}

// noMembers is the source that a key which is not there stands for.
type noMembers struct{}

func (noMembers) Len() int                                      { return 0 }
func (noMembers) Score([]byte) (float64, bool)                  { return 0, false }
func (noMembers) Each(func(member value.Value, _ float64) bool) {}

// setMembers is the source that a set is.
type setMembers struct{ value.Set }

// Score is 1 for a member.
func (s *setMembers) Score(member []byte) (float64, bool) { return 1, s.Has(value.Text(member)) }

// Each visits the members.
func (s *setMembers) Each(visit func(member value.Value, score float64) bool) {
	s.Set.Each(func(member value.Value) bool { return visit(member, 1) })
}

// weighted is an input of a combination.
type weighted struct {
	memberSource
	weight float64
}

// zcombination is ZUNION, ZINTER or ZDIFF, and what they are asked for.
type zcombination struct {
	name       string // "union", "inter" or "diff"
	inputs     []weighted
	aggregate  func(a, b float64) float64
	withScores bool
	limit      int64 // of ZINTERCARD; 0 for none
}

func zunionCommand(r *run)      { r.zcombine("union") }
func zinterCommand(r *run)      { r.zcombine("inter") }
func zdiffCommand(r *run)       { r.zcombine("diff") }
func zunionstoreCommand(r *run) { r.zcombineStore("union") }
func zinterstoreCommand(r *run) { r.zcombineStore("inter") }
func zdiffstoreCommand(r *run)  { r.zcombineStore("diff") }

// zcombine answers with a combination.
func (r *run) zcombine(name string) {
	c := zcombination{name: name}
	if !r.parseCombination(&c, 1, func(args [][]byte) (int, bool) {
		if n, ok := c.weights(r, args); n > 0 || !ok {
			return n, ok
		}
		c.withScores = command.IsWord(args[0], "WITHSCORES")
		if c.withScores {
			return 1, true
		}
		return 0, true
	}) {
		return
	}
	all := c.run()
	show := r.scores(len(all), c.withScores)
	for _, s := range all {
		show(value.Text(s.member), s.score)
	}
}

// zcombineStore stores a combination.
func (r *run) zcombineStore(name string) {
	c := zcombination{name: name}
	if !r.parseCombination(&c, 2, func(args [][]byte) (int, bool) { return c.weights(r, args) }) {
		return
	}
	r.storeMembers(r.args[1], c.run(), "z"+name+"store")
}

// storeMembers makes members a sorted set and that the value of key, and answers with their number.
func (r *run) storeMembers(key []byte, all []combined, event string) {
	longest := 0
	for i := range all {
		longest = max(longest, len(all[i].member))
	}
	z := r.newZSet(len(all), longest)
	for _, s := range all {
		z.Set(s.member, s.score, r.state.parameters.zsetLimits())
	}
	r.storeZSet(key, z, event)
}

func zintercardCommand(r *run) {
	c := zcombination{name: "inter"}
	if !r.parseCombination(&c, 1, func(args [][]byte) (int, bool) {
		if len(args) < 2 || !command.IsWord(args[0], "LIMIT") {
			return 0, true
		}
		n, ok := value.ParseInt(args[1])
		if !ok || n < 0 {
			r.out.Error(errLimit)
			return 0, false
		}
		c.limit = n
		return 2, true
	}) {
		return
	}
	n := int64(0)
	c.inter(func([]byte, float64) bool {
		n++
		return n != c.limit
	})
	r.out.Int(n)
}

// parseCombination reads the inputs, from numkeys at an index on, and the options behind them. option reads
// one option and returns of how many words it is, 0 for none. If anything is wrong the command has been
// answered.
func (r *run) parseCombination(c *zcombination, at int, option func(args [][]byte) (words int, ok bool)) bool {
	n, ok := r.integer(r.args[at])
	if !ok {
		return false
	}
	rest := r.args[at+1:]
	switch {
	case n < 1:
		r.out.Error(errInputKeys(r.name()))
		return false
	case n > int64(len(rest)):
		r.out.Error(errSyntax)
		return false
	}
	c.aggregate = sumScores
	c.inputs = make([]weighted, n)
	for i, key := range rest[:n] {
		source, ok := r.memberSource(key)
		if !ok {
			return false
		}
		c.inputs[i] = weighted{source, 1}
	}
	for rest = rest[n:]; len(rest) > 0; {
		words, ok := option(rest)
		if !ok {
			return false
		}
		if words == 0 {
			r.out.Error(errSyntax)
			return false
		}
		rest = rest[words:]
	}
	return true
}

// memberSource is the sorted set or set under a key. If it is neither the command has been answered.
func (r *run) memberSource(key []byte) (source memberSource, ok bool) {
	e, found := r.lookup(key)
	switch {
	case !found:
		return noMembers{}, true
	case e.typ() == typeZSet:
		z := r.db.zsetOf(r.load(e))
		return &z, true
	case e.typ() == typeSet:
		return &setMembers{r.db.setOf(r.load(e), r.state.parameters.intsetEntries)}, true
	}
	r.out.Error(errWrongType)
	return nil, false
}

// weights reads WEIGHTS or AGGREGATE, which ZDIFF does not have, as an option of parseCombination.
func (c *zcombination) weights(r *run, args [][]byte) (words int, ok bool) {
	switch {
	case c.name == "diff":
	case len(args) > len(c.inputs) && command.IsWord(args[0], "WEIGHTS"):
		for i := range c.inputs {
			if c.inputs[i].weight, ok = value.ParseFloat(args[1+i]); !ok {
				r.out.Error(errWeight)
				return 0, false
			}
		}
		return 1 + len(c.inputs), true
	case len(args) >= 2 && command.IsWord(args[0], "AGGREGATE"):
		switch {
		case command.IsWord(args[1], "SUM"):
			c.aggregate = sumScores
		case command.IsWord(args[1], "MIN"):
			c.aggregate = minScore
		case command.IsWord(args[1], "MAX"):
			c.aggregate = maxScore
		default:
			r.out.Error(errSyntax)
			return 0, false
		}
		return 2, true
	}
	return 0, true
}

// sumScores is 0 where the sum is no number, as it is of the two infinities.
func sumScores(a, b float64) float64 { return numberOrZero(a + b) }

// minScore and maxScore are a if b is no number.
func minScore(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

func maxScore(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

func numberOrZero(f float64) float64 {
	if math.IsNaN(f) {
		return 0
	}
	return f
}

// combined is a member of a result. Its bytes are a view of an input's, or digits of its own.
type combined struct {
	member []byte
	score  float64
}

// run is the result in order. Sums depend on the order of additions, which is that of the inputs from the
// smallest to the largest.
func (c *zcombination) run() []combined {
	var all []combined
	switch c.name {
	case "diff":
		all = c.diff()
	case "union":
		all = c.union()
	default:
		c.inter(func(member []byte, score float64) bool {
			all = append(all, combined{member, score})
			return true
		})
	}
	slices.SortFunc(all, func(a, b combined) int {
		if c := cmp.Compare(a.score, b.score); c != 0 {
			return c
		}
		return bytes.Compare(a.member, b.member)
	})
	return all
}

func (c *zcombination) bySize() {
	slices.SortStableFunc(c.inputs, func(a, b weighted) int { return cmp.Compare(a.Len(), b.Len()) })
}

// inter visits what is in all inputs, in the order of the smallest, until visit says false.
func (c *zcombination) inter(visit func(member []byte, score float64) bool) {
	c.bySize()
	first := &c.inputs[0]
	first.Each(func(member value.Value, score float64) bool {
		text := member.Bytes(nil)
		sum := numberOrZero(float64(first.weight * score))
		for i := 1; i < len(c.inputs); i++ {
			in := &c.inputs[i]
			other, ok := in.Score(text)
			if !ok {
				return true
			}
			sum = c.aggregate(sum, float64(other*in.weight))
		}
		return visit(text, sum)
	})
}

// union is what is in any input.
func (c *zcombination) union() (all []combined) {
	c.bySize()
	place := map[string]int{}
	for i := range c.inputs {
		in := &c.inputs[i]
		in.Each(func(member value.Value, score float64) bool {
			score = numberOrZero(float64(in.weight * score))
			text := member.Bytes(nil)
			if at, found := place[string(text)]; found {
				all[at].score = c.aggregate(all[at].score, score)
				return true
			}
			place[string(text)] = len(all)
			all = append(all, combined{text, score})
			return true
		})
	}
	return all
}

// diff is what is in the first input and in no other.
func (c *zcombination) diff() (all []combined) {
	c.inputs[0].Each(func(member value.Value, score float64) bool {
		text := member.Bytes(nil)
		for i := range c.inputs[1:] {
			if _, found := c.inputs[1+i].Score(text); found {
				return true
			}
		}
		all = append(all, combined{text, score})
		return true
	})
	return all
}
