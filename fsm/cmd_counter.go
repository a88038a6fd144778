package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func counterCommands() []*command.Spec {
	const flags = command.Write | command.DenyOOM | command.Fast
	keys := command.OneKey(command.RW | command.Access | command.Update)
	return []*command.Spec{
		{Name: "incr", Usage: "key", Group: "string", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Add one to an integer; a missing key counts as 0", Flags: flags, Keys: keys, Handler: handler(incrCommand)},
		{Name: "decr", Usage: "key", Group: "string", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Take one from an integer; a missing key counts as 0", Flags: flags, Keys: keys, Handler: handler(decrCommand)},
		{Name: "incrby", Usage: "key increment", Group: "string", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Add to an integer; a missing key counts as 0", Flags: flags, Keys: keys, Handler: handler(incrbyCommand)},
		{Name: "decrby", Usage: "key decrement", Group: "string", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Take from an integer; a missing key counts as 0", Flags: flags, Keys: keys, Handler: handler(decrbyCommand)},
		{Name: "incrbyfloat", Usage: "key increment:double", Group: "string", Since: "2.6.0", Complexity: "O(1)",
			Summary: "Add to a floating-point number; a missing key counts as 0", Flags: flags, Keys: keys,
			Handler: handler(incrbyfloatCommand)},
	}
}

func incrCommand(r *run) { r.increment(1) }
func decrCommand(r *run) { r.increment(-1) }

func incrbyCommand(r *run) {
	if n, ok := r.integer(r.args[2]); ok {
		r.increment(n)
	}
}

func decrbyCommand(r *run) {
	n, ok := r.integer(r.args[2])
	if !ok {
		return
	}
	if n == math.MinInt64 {
		r.out.Error("ERR decrement would overflow")
		return
	}
	r.increment(-n)
}

// increment adds to the integer of the command's key, which keeps its deadline.
func (r *run) increment(by int64) {
	key := r.args[1]
	e, found, ok := r.typed(key, typeString)
	if !ok {
		return
	}
	var n, at int64
	if found {
		at = e.deadline()
		if n, ok = r.integerOf(e); !ok {
			r.out.Error(errNotInteger)
			return
		}
	}
	if by < 0 && n < math.MinInt64-by || by > 0 && n > math.MaxInt64-by {
		r.out.Error(errOverflow)
		return
	}
	r.db.putInt(key, n+by, at)
	r.touched(key)
	r.event(EventString, "incrby", key)
	r.out.Int(n + by)
}

// integerOf is the integer that a string's entry holds.
func (r *run) integerOf(e entry) (int64, bool) {
	s := r.load(e)
	if s.kind == kindInt {
		return decodeInt(s.bytes), true
	}
	return value.ParseInt(s.bytes)
}

func incrbyfloatCommand(r *run) {
	key := r.args[1]
	e, found, ok := r.typed(key, typeString)
	if !ok {
		return
	}
	var at int64
	old := value.LongInt(0)
	if found {
		at = e.deadline()
		if old, ok = value.ParseLongDouble(r.text(e)); !ok {
			r.out.Error(errNotFloat)
			return
		}
	}
	sum, ok := r.addFloat(old, r.args[2])
	if !ok {
		return
	}
	k := kindEmbstr
	if len(sum) > embstrMax {
		k = kindRaw
	}
	r.db.put(key, k, sum, at)
	r.touched(key)
	r.event(EventString, "incrbyfloat", key)
	r.out.Bulk(sum)
}

// addFloat is what a floating-point number becomes when the command's increment is added; if that
// is none, or the sum is not finite, the command has been answered. The sum is in the run's scratch.
func (r *run) addFloat(old *value.LongDouble, increment []byte) ([]byte, bool) {
	by, ok := value.ParseLongDouble(increment)
	if !ok {
		r.out.Error(errNotFloat)
		return nil, false
	}
	sum, ok := old.Add(by)
	if !ok || sum.IsInf() {
		r.out.Error(errNaN)
		return nil, false
	}
	r.scratch = sum.Append(r.scratch[:0])
	return r.scratch, true
}
