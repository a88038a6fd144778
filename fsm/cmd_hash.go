package fsm

import (
	"math"
	"strconv"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func hashCommands() []*command.Spec {
	const (
		w = command.Write | command.DenyOOM | command.Fast
		r = command.ReadOnly
		f = command.ReadOnly | command.Fast
	)
	read := command.OneKey(command.RO | command.Access)
	look := command.OneKey(command.RO)
	update := command.OneKey(command.RW | command.Update)
	modify := command.OneKey(command.RW | command.Access | command.Update)
	order := []string{"nondeterministic_output_order"}
	return []*command.Spec{
		{Name: "hset", Usage: "key field value [field value ...]", Group: "hash", Since: "2.0.0", Complexity: "O(N) for N fields",
			Summary: "Set fields of a hash, and count the new ones", Flags: w, Keys: update, Handler: handler(hsetCommand)},
		{Name: "hmset", Usage: "key field value [field value ...]", Group: "hash", Since: "2.0.0", Complexity: "O(N) for N fields",
			Summary: "Set fields of a hash", Flags: w, Keys: update, Deprecated: "4.0.0",
			ReplacedBy: "`HSET` with multiple field-value pairs", Handler: handler(hmsetCommand)},
		{Name: "hsetnx", Usage: "key field value", Group: "hash", Since: "2.0.0", Complexity: "O(1)",
			Summary: "Set a field of a hash unless it is there", Flags: w,
			Keys: command.OneKey(command.RW | command.Insert), Handler: handler(hsetnxCommand)},
		{Name: "hget", Usage: "key field", Group: "hash", Since: "2.0.0", Complexity: "O(1)",
			Summary: "Return a field's value", Flags: f, Keys: read, Handler: handler(hgetCommand)},
		{Name: "hmget", Usage: "key field [field ...]", Group: "hash", Since: "2.0.0", Complexity: "O(N) for N fields",
			Summary: "Return the values of several fields", Flags: f, Keys: read, Handler: handler(hmgetCommand)},
		{Name: "hgetall", Usage: "key", Group: "hash", Since: "2.0.0", Complexity: "O(N) for N fields", Tips: order,
			Summary: "Return all fields and values", Flags: r, Keys: read, Handler: handler(hgetallCommand)},
		{Name: "hkeys", Usage: "key", Group: "hash", Since: "2.0.0", Complexity: "O(N) for N fields", Tips: order,
			Summary: "Return all fields", Flags: r, Keys: read, Handler: handler(hkeysCommand)},
		{Name: "hvals", Usage: "key", Group: "hash", Since: "2.0.0", Complexity: "O(N) for N fields", Tips: order,
			Summary: "Return all values", Flags: r, Keys: read, Handler: handler(hvalsCommand)},
		{Name: "hdel", Usage: "key field [field ...]", Group: "hash", Since: "2.0.0", Complexity: "O(N) for N fields",
			Summary: "Remove fields from a hash; one without fields is deleted", Flags: command.Write | command.Fast,
			Keys: command.OneKey(command.RW | command.Delete), Handler: handler(hdelCommand)},
		{Name: "hlen", Usage: "key", Group: "hash", Since: "2.0.0", Complexity: "O(1)",
			Summary: "Return the number of fields", Flags: f, Keys: look, Handler: handler(hlenCommand)},
		{Name: "hstrlen", Usage: "key field", Group: "hash", Since: "3.2.0", Complexity: "O(1)",
			Summary: "Return the length of a field's value in bytes", Flags: f, Keys: look, Handler: handler(hstrlenCommand)},
		{Name: "hexists", Usage: "key field", Group: "hash", Since: "2.0.0", Complexity: "O(1)",
			Summary: "Tell whether a hash has a field", Flags: f, Keys: look, Handler: handler(hexistsCommand)},
		{Name: "hincrby", Usage: "key field increment", Group: "hash", Since: "2.0.0", Complexity: "O(1)",
			Summary: "Add to the integer in a field; a missing one counts as 0", Flags: w, Keys: modify, Handler: handler(hincrbyCommand)},
		{Name: "hincrbyfloat", Usage: "key field increment:double", Group: "hash", Since: "2.6.0", Complexity: "O(1)",
			Summary: "Add to the floating-point number in a field; a missing one counts as 0", Flags: w, Keys: modify,
			Handler: handler(hincrbyfloatCommand)},
		{Name: "hscan", Usage: "key cursor [MATCH pattern] [COUNT count]", Group: "hash", Since: "2.8.0",
			Complexity: "O(1) for a call, O(N) for all N fields", Flags: r, Keys: read, Tips: []string{"nondeterministic_output"},
			Summary: "Go through the fields of a hash, some with each call; a cursor is good on every node",
			Handler: handler(hscanCommand),
			Differs: "Cursors are positions in the canonical order of all fields, good on every node and after a restart; one with a sign, or an empty one, is `ERR invalid cursor`."},
		{Name: "hrandfield", Usage: "key [count [WITHVALUES]]", Group: "hash", Since: "6.2.0", Complexity: "O(N) for N fields returned",
			Summary: "Return fields drawn by chance", Flags: r, Keys: read, Tips: []string{"nondeterministic_output"},
			Handler: handler(hrandfieldCommand),
			Differs: "A count below -16777216 is out of range: no count may cost any amount of memory."},
	}
}

func hsetCommand(r *run) {
	if added, ok := r.setFields(); ok {
		r.out.Int(int64(added))
	}
}

func hmsetCommand(r *run) {
	if _, ok := r.setFields(); ok {
		r.out.Status("OK")
	}
}

// setFields is HSET and HMSET. With ok false it has answered.
func (r *run) setFields() (added int, ok bool) {
	if len(r.args)%2 != 0 {
		r.out.Error(errArity(r.name()))
		return 0, false
	}
	key := r.args[1]
	h, e, ok := r.hash(key)
	if !ok {
		return 0, false
	}
	limits := r.state.parameters.hashLimits()
	for i := 2; i < len(r.args); i += 2 {
		if h.Set(r.args[i], r.args[i+1], limits) {
			added++
		}
		r.touched(key)
	}
	r.db.putHash(key, h, e.until())
	r.event(EventHash, "hset", key)
	return added, true
}

func hsetnxCommand(r *run) {
	key, field := r.args[1], r.args[2]
	h, e, ok := r.hash(key)
	switch {
	case !ok:
		return
	case h.Exists(field):
		r.out.Int(0)
		return
	}
	r.setField(key, h, e, field, r.args[3], "hset")
	r.out.Int(1)
}

// setField sets one field of the hash h, which hash returned with e, and tells of an event.
func (r *run) setField(key []byte, h value.Hash, e entry, field, v []byte, event string) {
	h.Update(field, v, r.state.parameters.hashLimits())
	r.db.putHash(key, h, e.until())
	r.touched(key)
	r.event(EventHash, event, key)
}

// valueOrNull answers with the value of a hash's field, or null.
func (r *run) valueOrNull(h *value.Hash, e entry, field []byte) {
	if e.found() {
		if v, ok := h.Get(field); ok {
			r.out.Bulk(v.Bytes(r.digits[:]))
			return
		}
	}
	r.out.Null()
}

func hgetCommand(r *run) {
	if h, e, ok := r.hash(r.args[1]); ok {
		r.valueOrNull(&h, e, r.args[2])
	}
}

func hmgetCommand(r *run) {
	h, e, ok := r.hash(r.args[1])
	if !ok {
		return
	}
	r.out.Array(len(r.args) - 2)
	for _, field := range r.args[2:] {
		r.valueOrNull(&h, e, field)
	}
}

func hgetallCommand(r *run) {
	h, e, ok := r.hash(r.args[1])
	if !ok {
		return
	}
	if !e.found() {
		r.out.Map(0)
		return
	}
	r.out.Map(h.Live())
	h.Each(func(field, v value.Value) bool {
		r.out.Bulk(field.Bytes(r.digits[:]))
		r.out.Bulk(v.Bytes(r.digits[:]))
		return true
	})
}

func hkeysCommand(r *run) { r.listHash(func(field, _ value.Value) value.Value { return field }) }
func hvalsCommand(r *run) { r.listHash(func(_, v value.Value) value.Value { return v }) }

// listHash answers with one part of each pair.
func (r *run) listHash(part func(field, v value.Value) value.Value) {
	h, e, ok := r.hash(r.args[1])
	if !ok {
		return
	}
	if !e.found() {
		r.out.Array(0)
		return
	}
	r.out.Array(h.Live())
	h.Each(func(field, v value.Value) bool {
		r.out.Bulk(part(field, v).Bytes(r.digits[:]))
		return true
	})
}

func hdelCommand(r *run) {
	key := r.args[1]
	h, e, ok := r.hash(key)
	if !ok {
		return
	}
	n := 0
	if e.found() {
		for _, field := range r.args[2:] {
			if h.Delete(field) {
				n++
				r.touched(key)
			}
		}
	}
	if n > 0 {
		r.db.putHash(key, h, e.until())
		r.event(EventHash, "hdel", key)
		r.emptied(key, h.Len())
	}
	r.out.Int(int64(n))
}

func hlenCommand(r *run) {
	h, e, ok := r.hash(r.args[1])
	switch {
	case !ok:
	case !e.found():
		r.out.Int(0)
	default:
		r.out.Int(int64(h.Len()))
	}
}

// field is the value of a field of the command's hash. With ok false the command has been answered.
func (r *run) field() (v value.Value, found, ok bool) {
	h, e, ok := r.hash(r.args[1])
	if ok && e.found() {
		v, found = h.Get(r.args[2])
	}
	return v, found, ok
}

func hstrlenCommand(r *run) {
	v, found, ok := r.field()
	switch {
	case !ok:
	case !found:
		r.out.Int(0)
	default:
		r.out.Int(int64(v.Len()))
	}
}

func hexistsCommand(r *run) {
	_, found, ok := r.field()
	switch {
	case !ok:
	case found:
		r.out.Int(1)
	default:
		r.out.Int(0)
	}
}

func hincrbyCommand(r *run) {
	by, ok := r.integer(r.args[3])
	if !ok {
		return
	}
	key, field := r.args[1], r.args[2]
	h, e, ok := r.hash(key)
	if !ok {
		return
	}
	var n int64
	if v, found := h.Get(field); found {
		if n, ok = value.ParseInt(v.Bytes(r.digits[:])); !ok {
			r.out.Error(errHashInteger)
			return
		}
	}
	if by < 0 && n < math.MinInt64-by || by > 0 && n > math.MaxInt64-by {
		r.out.Error(errOverflow)
		return
	}
	r.setField(key, h, e, field, strconv.AppendInt(r.digits[:0], n+by, 10), "hincrby")
	r.out.Int(n + by)
}

func hincrbyfloatCommand(r *run) {
	key, field := r.args[1], r.args[2]
	switch by, ok := value.ParseLongDouble(r.args[3]); {
	case !ok:
		r.out.Error(errNotFloat)
		return
	case by.IsInf():
		r.out.Error(errInfinite)
		return
	}
	h, e, ok := r.hash(key)
	if !ok {
		return
	}
	old := value.LongInt(0)
	if v, found := h.Get(field); found {
		if old, ok = value.ParseLongDouble(v.Bytes(r.digits[:])); !ok {
			r.out.Error(errHashFloat)
			return
		}
	}
	sum, ok := r.addFloat(old, r.args[3])
	if !ok {
		return
	}
	r.setField(key, h, e, field, sum, "hincrbyfloat")
	r.out.Bulk(sum)
}

func hscanCommand(r *run) {
	r.scanValue(func(key []byte) (scanner, bool, bool) {
		h, e, ok := r.hash(key)
		return func(cursor uint32, count int, show func(value.Value, ...value.Value)) uint32 {
			return h.Scan(cursor, count, func(field, v value.Value) { show(field, v) })
		}, e.found(), ok
	})
}
