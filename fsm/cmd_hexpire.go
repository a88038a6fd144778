package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

// Redis has these commands from 7.4 on.
func hexpireCommands() []*command.Spec {
	const (
		w      = command.Write | command.DenyOOM | command.Fast
		r      = command.ReadOnly | command.Fast
		when   = " condition=[NX | XX | GT | LT]" + namedFields
		cost   = "O(N) for N fields"
		since  = "7.4.0"
		family = "hash"
	)
	update := command.OneKey(command.RW | command.Update)
	read := command.OneKey(command.RO | command.Access)
	open := []string{"nondeterministic_output"}
	return []*command.Spec{
		{Name: "hexpire", Usage: "key seconds" + when, Group: family, Since: since, Complexity: cost,
			Summary: "Let fields of a hash fall due after some seconds", Flags: w, Keys: update, Handler: handler(hexpireCommand)},
		{Name: "hpexpire", Usage: "key milliseconds" + when, Group: family, Since: since, Complexity: cost,
			Summary: "Let fields of a hash fall due after some milliseconds", Flags: w, Keys: update, Handler: handler(hpexpireCommand)},
		{Name: "hexpireat", Usage: "key unix-time-seconds" + when, Group: family, Since: since, Complexity: cost,
			Summary: "Let fields of a hash fall due at a time in seconds since the epoch", Flags: w, Keys: update,
			Handler: handler(hexpireatCommand)},
		{Name: "hpexpireat", Usage: "key unix-time-milliseconds" + when, Group: family, Since: since, Complexity: cost,
			Summary: "Let fields of a hash fall due at a time in milliseconds since the epoch", Flags: w, Keys: update,
			Handler: handler(hpexpireatCommand)},
		{Name: "hpersist", Usage: "key" + namedFields, Group: family, Since: since, Complexity: cost,
			Summary: "Keep fields of a hash for ever", Flags: command.Write | command.Fast, Keys: update, Handler: handler(hpersistCommand)},
		{Name: "httl", Usage: "key" + namedFields, Group: family, Since: since, Complexity: cost, Tips: open,
			Summary: "Return the seconds until fields of a hash fall due", Flags: r, Keys: read, Handler: handler(httlCommand)},
		{Name: "hpttl", Usage: "key" + namedFields, Group: family, Since: since, Complexity: cost, Tips: open,
			Summary: "Return the milliseconds until fields of a hash fall due", Flags: r, Keys: read, Handler: handler(hpttlCommand)},
		{Name: "hexpiretime", Usage: "key" + namedFields, Group: family, Since: since, Complexity: cost,
			Summary: "Return when fields of a hash fall due, in seconds since the epoch", Flags: r, Keys: read,
			Handler: handler(hexpiretimeCommand)},
		{Name: "hpexpiretime", Usage: "key" + namedFields, Group: family, Since: since, Complexity: cost,
			Summary: "Return when fields of a hash fall due, in milliseconds since the epoch", Flags: r, Keys: read,
			Handler: handler(hpexpiretimeCommand)},
	}
}

// namedFields is the end of the usage lines of commands on named fields.
const namedFields = " fields=FIELDS numfields field [field ...]"

// What commands on deadlines answer for a field.
const (
	fieldMissing = -2
	fieldNever   = -1 // it has no deadline
	fieldRefused = 0  // a condition is not met
	fieldDone    = 1
	fieldDeleted = 2 // the time is past
)

// fieldList reads what stands from an argument on: FIELDS, a number, as many fields and nothing else. If it does not,
// the command has been answered; wrong is the answer to another number than a positive one.
func (r *run) fieldList(from int, wrong string) (list [][]byte, ok bool) {
	switch {
	case !command.IsWord(r.args[from], "FIELDS"):
		r.out.Error(errFields)
		return nil, false
	case from+1 == len(r.args):
		r.out.Error(errArity(r.name()))
		return nil, false
	}
	n, ok := value.ParseInt(r.args[from+1])
	list = r.args[from+2:]
	switch {
	case !ok || n < 1:
		r.out.Error(wrong)
		return nil, false
	case n != int64(len(list)):
		r.out.Error(errNumFieldsMatch)
		return nil, false
	}
	return list, true
}

// fieldsOf reads what a command on named fields of a hash, and nothing else, is about, and begins its answer, of one
// part for each. If there is nothing to go on with the command has been answered.
func (r *run) fieldsOf(key []byte) (h value.Hash, e entry, list [][]byte, ok bool) {
	if h, e, ok = r.hash(key); !ok {
		return h, e, nil, false
	}
	if list, ok = r.fieldList(2, errNumFields); ok {
		r.out.Array(len(list))
	}
	return h, e, list, ok
}

// fieldDeadline reads a time in units of ms that counts from base. If it is not a valid one the command has been answered.
func (r *run) fieldDeadline(text []byte, unit, base int64) (at int64, ok bool) {
	n, ok := r.integer(text)
	switch {
	case !ok:
		return 0, false
	case n < 0:
		r.out.Error(errFieldTime)
		return 0, false
	case n > value.MaxDeadline/unit || n*unit > value.MaxDeadline-base:
		r.out.Error(errExpire(r.name()))
		return 0, false
	}
	return n*unit + base, true
}

func hexpireCommand(r *run)    { r.expireFields(1000, r.now) }
func hpexpireCommand(r *run)   { r.expireFields(1, r.now) }
func hexpireatCommand(r *run)  { r.expireFields(1000, 0) }
func hpexpireatCommand(r *run) { r.expireFields(1, 0) }

// expireFields is the HEXPIRE family: the command's time, in units of ms, counts from base.
func (r *run) expireFields(unit, base int64) {
	key := r.args[1]
	h, e, ok := r.hash(key)
	if !ok {
		return
	}
	at, ok := r.fieldDeadline(r.args[2], unit, base)
	if !ok {
		return
	}
	var o expireOptions
	from := 3
	if o.parse(r.args[from:from+1]) == "" {
		from++
	}
	list, ok := r.fieldList(from, errNumFieldsExpire)
	if !ok {
		return
	}
	r.out.Array(len(list))
	n := 0
	for _, field := range list {
		result := r.expireField(&h, field, at, o)
		if result > fieldRefused {
			n++
		}
		r.out.Int(int64(result))
	}
	if n > 0 {
		r.changedFields(key, h, e, n, r.expireEvent(at))
	}
}

// expireField gives a field a deadline, or deletes it if that is past, and returns what to answer.
func (r *run) expireField(h *value.Hash, field []byte, at int64, o expireOptions) int {
	old, found := h.Deadline(field)
	switch {
	case !found:
		return fieldMissing
	case !o.allow(old, at):
		return fieldRefused
	case at <= r.now:
		h.Delete(field)
		return fieldDeleted
	}
	h.SetDeadline(field, at)
	return fieldDone
}

// expireEvent is the event of fields that have been given a deadline.
func (r *run) expireEvent(at int64) string {
	if at <= r.now {
		return "hdel"
	}
	return "hexpire"
}

// changedFields stores the hash h, which hash returned with e, after n changes, and tells of events.
func (r *run) changedFields(key []byte, h value.Hash, e entry, n int, events ...string) {
	r.db.putHash(key, h, e.until())
	r.touchedTimes(key, n)
	for _, event := range events {
		r.event(EventHash, event, key)
	}
	r.emptied(key, h.Len())
}

func hpersistCommand(r *run) {
	key := r.args[1]
	h, e, list, ok := r.fieldsOf(key)
	if !ok {
		return
	}
	changed := false
	for _, field := range list {
		switch at, found := h.Deadline(field); {
		case !found:
			r.out.Int(fieldMissing)
		case at == 0:
			r.out.Int(fieldNever)
		default:
			h.SetDeadline(field, 0)
			changed = true
			r.out.Int(fieldDone)
		}
	}
	if changed {
		r.changedFields(key, h, e, 1, "hpersist")
	}
}

func httlCommand(r *run) {
	r.answerFieldDeadlines(func(at int64) int64 { return (r.left(at) + 999) / 1000 })
}

func hpttlCommand(r *run) { r.answerFieldDeadlines(r.left) }

func hexpiretimeCommand(r *run) {
	r.answerFieldDeadlines(func(at int64) int64 { return (at + 999) / 1000 })
}

func hpexpiretimeCommand(r *run) {
	r.answerFieldDeadlines(func(at int64) int64 { return at })
}

// answerFieldDeadlines answers with what show makes of each field's deadline.
func (r *run) answerFieldDeadlines(show func(at int64) int64) {
	h, e, list, ok := r.fieldsOf(r.args[1])
	if !ok {
		return
	}
	for _, field := range list {
		at, found := int64(0), false
		if e.found() {
			at, found = h.Deadline(field)
		}
		switch {
		case !found:
			r.out.Int(fieldMissing)
		case at == 0:
			r.out.Int(fieldNever)
		default:
			r.out.Int(show(at))
		}
	}
}
