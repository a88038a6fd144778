package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/command"
)

func expireCommands() []*command.Spec {
	const (
		w = command.Write | command.Fast
		r = command.ReadOnly | command.Fast
	)
	update := command.OneKey(command.RW | command.Update)
	read := command.OneKey(command.RO | command.Access)
	open := []string{"nondeterministic_output"}
	return []*command.Spec{
		{Name: "expire", Usage: "key seconds [NX | XX | GT | LT]", Group: "generic", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Let a key fall due after some seconds", Flags: w, Keys: update, Handler: handler(expireCommand)},
		{Name: "pexpire", Usage: "key milliseconds [NX | XX | GT | LT]", Group: "generic", Since: "2.6.0", Complexity: "O(1)",
			Summary: "Let a key fall due after some milliseconds", Flags: w, Keys: update, Handler: handler(pexpireCommand)},
		{Name: "expireat", Usage: "key unix-time-seconds [NX | XX | GT | LT]", Group: "generic", Since: "1.2.0", Complexity: "O(1)",
			Summary: "Let a key fall due at a time in seconds since the epoch", Flags: w, Keys: update, Handler: handler(expireatCommand)},
		{Name: "pexpireat", Usage: "key unix-time-milliseconds [NX | XX | GT | LT]", Group: "generic", Since: "2.6.0", Complexity: "O(1)",
			Summary: "Let a key fall due at a time in milliseconds since the epoch", Flags: w, Keys: update, Handler: handler(pexpireatCommand)},
		{Name: "persist", Usage: "key", Group: "generic", Since: "2.2.0", Complexity: "O(1)",
			Summary: "Keep a key for ever", Flags: w, Keys: update, Handler: handler(persistCommand)},
		{Name: "ttl", Usage: "key", Group: "generic", Since: "1.0.0", Complexity: "O(1)", Tips: open,
			Summary: "Return the seconds until a key falls due", Flags: r, Keys: read, Handler: handler(ttlCommand)},
		{Name: "pttl", Usage: "key", Group: "generic", Since: "2.6.0", Complexity: "O(1)", Tips: open,
			Summary: "Return the milliseconds until a key falls due", Flags: r, Keys: read, Handler: handler(pttlCommand)},
		{Name: "expiretime", Usage: "key", Group: "generic", Since: "7.0.0", Complexity: "O(1)",
			Summary: "Return when a key falls due, in seconds since the epoch", Flags: r, Keys: read, Handler: handler(expiretimeCommand)},
		{Name: "pexpiretime", Usage: "key", Group: "generic", Since: "7.0.0", Complexity: "O(1)",
			Summary: "Return when a key falls due, in milliseconds since the epoch", Flags: r, Keys: read, Handler: handler(pexpiretimeCommand)},
	}
}

func expireCommand(r *run)    { r.expireAt(1000, r.now) }
func pexpireCommand(r *run)   { r.expireAt(1, r.now) }
func expireatCommand(r *run)  { r.expireAt(1000, 0) }
func pexpireatCommand(r *run) { r.expireAt(1, 0) }

// expireOptions are the conditions under which a deadline is set.
type expireOptions struct{ nx, xx, gt, lt bool }

// parse reads the options; if they are wrong the answer is problem.
func (o *expireOptions) parse(args [][]byte) (problem string) {
	for _, a := range args {
		switch {
		case command.IsWord(a, "NX"):
			o.nx = true
		case command.IsWord(a, "XX"):
			o.xx = true
		case command.IsWord(a, "GT"):
			o.gt = true
		case command.IsWord(a, "LT"):
			o.lt = true
		default:
			return "ERR Unsupported option " + string(a)
		}
	}
	if o.nx && (o.xx || o.gt || o.lt) {
		return "ERR NX and XX, GT or LT options at the same time are not compatible"
	}
	if o.gt && o.lt {
		return "ERR GT and LT options at the same time are not compatible"
	}
	return ""
}

// allow reports whether a deadline may become at; now it is old, 0 for none, which is later than any.
func (o *expireOptions) allow(old, at int64) bool {
	return !(o.nx && old != 0 || o.xx && old == 0 || o.gt && (old == 0 || at <= old) || o.lt && old != 0 && at >= old)
}

// expireAt is the EXPIRE family: the command's time, in units of ms, counts from base.
func (r *run) expireAt(unit, base int64) {
	var o expireOptions
	if problem := o.parse(r.args[3:]); problem != "" {
		r.out.Error(problem)
		return
	}
	n, ok := r.integer(r.args[2])
	if !ok {
		return
	}
	if n > math.MaxInt64/unit || n < math.MinInt64/unit || n*unit > math.MaxInt64-base {
		r.out.Error(errExpire(r.name()))
		return
	}
	at := n*unit + base
	key := r.args[1]
	e, found := r.lookupWrite(key)
	if !found || !o.allow(e.deadline(), at) {
		r.out.Int(0)
		return
	}
	event := "expire"
	if at <= r.now {
		event = "del"
		r.db.remove(e)
	} else {
		r.db.setDeadline(e, at)
	}
	r.touched(key)
	r.event(EventGeneric, event, key)
	r.out.Int(1)
}

func persistCommand(r *run) {
	e, found := r.lookupWrite(r.args[1])
	if !found || e.deadline() == 0 {
		r.out.Int(0)
		return
	}
	r.db.setDeadline(e, 0)
	r.touched(r.args[1])
	r.event(EventGeneric, "persist", r.args[1])
	r.out.Int(1)
}

func ttlCommand(r *run) {
	r.answerDeadline(func(at int64) int64 { return seconds(r.left(at)) })
}

func pttlCommand(r *run) { r.answerDeadline(r.left) }

func expiretimeCommand(r *run) {
	r.answerDeadline(seconds)
}

func pexpiretimeCommand(r *run) {
	r.answerDeadline(func(at int64) int64 { return at })
}

// seconds rounds ms, of which there may be as many as there are numbers.
func seconds(ms int64) int64 { return ms/1000 + (ms%1000+500)/1000 }

// left is the ms until a deadline, by the clock of who reads; never negative, for the key is still
// there.
func (r *run) left(at int64) int64 { return max(0, at-r.now-r.elapsed) }

// answerDeadline answers with what show makes of the key's deadline, -1 without one, -2 without a key.
func (r *run) answerDeadline(show func(at int64) int64) {
	e, found := r.glance(r.args[1])
	switch {
	case !found:
		r.out.Int(-2)
	case e.deadline() == 0:
		r.out.Int(-1)
	default:
		r.out.Int(show(e.deadline()))
	}
}
