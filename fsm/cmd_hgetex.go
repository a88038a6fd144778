package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

// Redis has these commands from 8.0 on.
func hgetexCommands() []*command.Spec {
	const (
		times  = "EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds"
		cost   = "O(N) for N fields"
		since  = "8.0.0"
		family = "hash"
		w      = command.Write | command.Fast
	)
	return []*command.Spec{
		{Name: "hgetdel", Usage: "key" + namedFields, Group: family, Since: since, Complexity: cost,
			Summary: "Return the values of fields and remove them from the hash", Flags: w,
			Keys: command.OneKey(command.RW | command.Access | command.Delete), Handler: handler(hgetdelCommand)},
		{Name: "hgetex", Usage: "key expiration=[" + times + " | PERSIST]" + namedFields, Group: family, Since: since, Complexity: cost,
			Summary: "Return the values of fields and change when they fall due", Flags: w,
			Keys: command.OneKey(command.RW | command.Access | command.Update), Handler: handler(hgetexCommand)},
		{Name: "hsetex", Usage: "key condition=[FNX | FXX] expiration=[" + times + " | KEEPTTL] fields=FIELDS numfields field value [field value ...]",
			Group: family, Since: since, Complexity: cost,
			Summary: "Set fields of a hash, if all of them are there or none is, and when they fall due", Flags: w | command.DenyOOM,
			Keys: command.OneKey(command.RW | command.Update), Handler: handler(hsetexCommand)},
	}
}

func hgetdelCommand(r *run) {
	key := r.args[1]
	h, e, list, ok := r.fieldsOf(key)
	if !ok {
		return
	}
	n := 0
	for _, field := range list {
		r.valueOrNull(&h, e, field)
		if h.Delete(field) {
			n++
		}
	}
	if n > 0 {
		r.changedFields(key, h, e, n, "hdel")
	}
}

// optionDeadline reads the time behind EX and its kin. If it is not a valid one the command has been answered.
func (r *run) optionDeadline(unit string, text []byte) (at int64, ok bool) {
	ms, base := int64(1), int64(0)
	if unit == "EX" || unit == "EXAT" {
		ms = 1000
	}
	if unit == "EX" || unit == "PX" {
		base = r.now
	}
	return r.fieldDeadline(text, ms, base)
}

func hgetexCommand(r *run) {
	key := r.args[1]
	h, e, ok := r.hash(key)
	if !ok {
		return
	}
	var at int64
	from, unit, persist := 2, timeUnit(r.args[2]), command.IsWord(r.args[2], "PERSIST")
	switch {
	case unit != "":
		if at, ok = r.optionDeadline(unit, r.args[3]); !ok {
			return
		}
		from += 2
	case persist:
		from++
	}
	list, ok := r.fieldList(from, errNumFields)
	if !ok {
		return
	}
	r.out.Array(len(list))
	n := 0
	for _, field := range list {
		r.valueOrNull(&h, e, field)
		old, _ := h.Deadline(field)
		switch {
		case unit != "" && r.expireField(&h, field, at, expireOptions{}) > fieldRefused:
			n++
		case persist && old != 0:
			h.SetDeadline(field, 0)
			n++
		}
	}
	switch {
	case n == 0:
	case persist:
		r.changedFields(key, h, e, n, "hpersist")
	default:
		r.changedFields(key, h, e, n, r.expireEvent(at))
	}
}

// hsetexOptions are what stands between HSETEX's key and its fields, and these.
type hsetexOptions struct {
	fnx, fxx, keepTTL bool
	unit              string // EX, PX, EXAT or PXAT; empty for none
	at                int64  // with a unit
	pairs             [][]byte
}

// parseHsetex reads HSETEX's arguments. If they are wrong the command has been answered. There are more of them
// than options fill, so FIELDS comes or something is wrong, and behind a unit there is a word.
func (r *run) parseHsetex() (o hsetexOptions, ok bool) {
	for i := 2; ; i++ {
		word := r.args[i]
		unit := timeUnit(word)
		keep := command.IsWord(word, "KEEPTTL")
		switch {
		case command.IsWord(word, "FIELDS"):
			o.pairs, ok = r.pairList(i + 1)
			return o, ok
		case (unit != "" || keep) && (o.unit != "" || o.keepTTL):
			r.out.Error(errOneExpiration)
			return o, false
		case keep:
			o.keepTTL = true
		case unit != "":
			i++
			o.unit = unit
			if o.at, ok = r.optionDeadline(unit, r.args[i]); !ok {
				return o, false
			}
		case command.IsWord(word, "FXX"), command.IsWord(word, "FNX"):
			if o.fnx || o.fxx {
				r.out.Error(errOneCondition)
				return o, false
			}
			o.fxx = command.IsWord(word, "FXX")
			o.fnx = !o.fxx
		default:
			r.out.Error("ERR unknown argument: " + string(word))
			return o, false
		}
	}
}

// pairList reads what stands from an argument on: a number, as many fields with values and nothing else. If it does
// not, the command has been answered.
func (r *run) pairList(from int) (pairs [][]byte, ok bool) {
	if len(r.args) < from+3 {
		r.out.Error(errArity(r.name()))
		return nil, false
	}
	n, ok := value.ParseInt(r.args[from])
	pairs = r.args[from+1:]
	switch {
	case !ok || n < 1 || n > math.MaxInt32:
		r.out.Error(errNumPairs)
		return nil, false
	case 2*n != int64(len(pairs)):
		r.out.Error(errArity(r.name()))
		return nil, false
	}
	return pairs, true
}

func hsetexCommand(r *run) {
	o, ok := r.parseHsetex()
	if !ok {
		return
	}
	key := r.args[1]
	h, e, ok := r.hash(key)
	if !ok {
		return
	}
	for i := 0; i < len(o.pairs); i += 2 {
		if there := h.Exists(o.pairs[i]); o.fxx && !there || o.fnx && there {
			r.out.Int(0)
			return
		}
	}
	limits := r.state.parameters.hashLimits()
	for i := 0; i < len(o.pairs); i += 2 {
		field, v := o.pairs[i], o.pairs[i+1]
		switch {
		case o.unit != "":
			h.Update(field, v, limits) // there is no need to take what is given next
			r.expireField(&h, field, o.at, expireOptions{})
		case o.keepTTL:
			h.Update(field, v, limits)
		default:
			h.Set(field, v, limits)
		}
	}
	events := []string{"hset"}
	if o.unit != "" {
		events = append(events, r.expireEvent(o.at))
	}
	r.changedFields(key, h, e, len(o.pairs)/2, events...)
	r.out.Int(1)
}
