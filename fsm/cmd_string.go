package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func stringCommands() []*command.Spec {
	const (
		w  = command.Write | command.DenyOOM
		wf = w | command.Fast
		r  = command.ReadOnly
	)
	read := command.OneKey(command.RO | command.Access)
	modify := command.OneKey(command.RW | command.Access | command.Update)
	replace := command.OneKey(command.OW | command.Update)
	return []*command.Spec{
		{Name: "set", Group: "string", Since: "1.0.0", Complexity: "O(1)", Flags: w, Handler: handler(setCommand),
			Usage:   "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
			Summary: "Store a string under a key, whatever was there before",
			Keys:    command.SetKey()},
		{Name: "get", Usage: "key", Group: "string", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Return the string stored under a key", Flags: r | command.Fast, Keys: read, Handler: handler(getCommand)},
		{Name: "getset", Usage: "key value", Group: "string", Since: "1.0.0", Complexity: "O(1)",
			Deprecated: "6.2.0", ReplacedBy: "`SET` with the `!GET` argument",
			Summary: "Store a string and return the one it replaces", Flags: wf, Keys: modify, Handler: handler(getsetCommand)},
		{Name: "getdel", Usage: "key", Group: "string", Since: "6.2.0", Complexity: "O(1)",
			Summary: "Return a key's string and delete the key", Flags: command.Write | command.Fast,
			Keys: command.OneKey(command.RW | command.Access | command.Delete), Handler: handler(getdelCommand)},
		{Name: "getex", Group: "string", Since: "6.2.0", Complexity: "O(1)",
			Usage:   "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
			Summary: "Return a key's string and set or drop its time to live", Flags: command.Write | command.Fast,
			Keys: modify, Handler: handler(getexCommand)},
		{Name: "setnx", Usage: "key value", Group: "string", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Store a string unless the key exists", Flags: wf,
			Keys: command.OneKey(command.OW | command.Insert), Handler: handler(setnxCommand)},
		{Name: "setex", Usage: "key seconds value", Group: "string", Since: "2.0.0", Complexity: "O(1)",
			Summary: "Store a string with a time to live in seconds", Flags: w, Keys: replace, Handler: handler(setexCommand)},
		{Name: "psetex", Usage: "key milliseconds value", Group: "string", Since: "2.6.0", Complexity: "O(1)",
			Summary: "Store a string with a time to live in milliseconds", Flags: w, Keys: replace, Handler: handler(psetexCommand)},
		{Name: "mget", Usage: "key [key ...]", Group: "string", Since: "1.0.0", Complexity: "O(N) for N keys",
			Summary: "Return the strings of several keys", Flags: r | command.Fast, Tips: []string{"request_policy:multi_shard"},
			Keys: command.KeyRange(1, -1, 1, command.RO|command.Access), Handler: handler(mgetCommand)},
		{Name: "mset", Usage: "key value [key value ...]", Group: "string", Since: "1.0.1", Complexity: "O(N) for N keys",
			Summary: "Store strings under several keys at once", Flags: w,
			Tips: []string{"request_policy:multi_shard", "response_policy:all_succeeded"},
			Keys: command.KeyRange(1, -1, 2, command.OW|command.Update), Handler: handler(msetCommand)},
		{Name: "msetnx", Usage: "key value [key value ...]", Group: "string", Since: "1.0.1", Complexity: "O(N) for N keys",
			Summary: "Store strings under several keys if none of them exists", Flags: w,
			Tips: []string{"request_policy:multi_shard", "response_policy:agg_min"},
			Keys: command.KeyRange(1, -1, 2, command.OW|command.Insert), Handler: handler(msetnxCommand)},
		{Name: "strlen", Usage: "key", Group: "string", Since: "2.2.0", Complexity: "O(1)",
			Summary: "Return the length of a string in bytes", Flags: r | command.Fast,
			Keys: command.OneKey(command.RO), Handler: handler(strlenCommand)},
		{Name: "append", Usage: "key value", Group: "string", Since: "2.0.0", Complexity: "O(1) amortized",
			Summary: "Append to a string, or store it", Flags: wf,
			Keys: command.OneKey(command.RW | command.Insert), Handler: handler(appendCommand)},
		{Name: "getrange", Usage: "key start end", Group: "string", Since: "2.4.0", Complexity: "O(N) for N bytes returned",
			Summary: "Return a part of a string", Flags: r, Keys: read, Handler: handler(getrangeCommand)},
		{Name: "substr", Usage: "key start end", Group: "string", Since: "1.0.0", Complexity: "O(N) for N bytes returned",
			Summary: "Return a part of a string, under the name that GETRANGE had first", Flags: r, Keys: read,
			Deprecated: "2.0.0", ReplacedBy: "`GETRANGE`", Handler: handler(getrangeCommand)},
		{Name: "setrange", Usage: "key offset value", Group: "string", Since: "2.2.0", Complexity: "O(N) for a string of N bytes",
			Summary: "Overwrite a part of a string, which grows with zero bytes as needed", Flags: w,
			Keys: command.OneKey(command.RW | command.Update), Handler: handler(setrangeCommand)},
	}
}

// setOptions are the options of SET and GETEX.
type setOptions struct {
	nx, xx, get, keepTTL, persist bool
	unit                          string // EX, PX, EXAT or PXAT; empty for none
	time                          []byte
}

// parse reads the options from args. GETEX has some of SET's, and PERSIST.
func (o *setOptions) parse(args [][]byte, getex bool) bool {
	for i := 0; i < len(args); i++ {
		switch word := args[i]; {
		case command.IsWord(word, "NX") && !o.xx && !getex:
			o.nx = true
		case command.IsWord(word, "XX") && !o.nx && !getex:
			o.xx = true
		case command.IsWord(word, "GET") && !getex:
			o.get = true
		case command.IsWord(word, "KEEPTTL") && !getex && o.unit == "":
			o.keepTTL = true
		case command.IsWord(word, "PERSIST") && getex && o.unit == "":
			o.persist = true
		default:
			unit := timeUnit(word)
			if unit == "" || o.unit != "" && o.unit != unit || o.keepTTL || o.persist || i+1 == len(args) {
				return false
			}
			i++
			o.unit, o.time = unit, args[i]
		}
	}
	return true
}

// timeUnit is the option that says how a time is meant, empty if word is none.
func timeUnit(word []byte) string {
	for _, u := range []string{"EX", "PX", "EXAT", "PXAT"} {
		if command.IsWord(word, u) {
			return u
		}
	}
	return ""
}

// deadline is when the time of EX and its kin falls due, in ms since the epoch; 0 without one. If
// the time is not a valid one the command has been answered.
func (r *run) deadline(unit string, text []byte) (at int64, ok bool) {
	if unit == "" {
		return 0, true
	}
	n, ok := r.integer(text)
	if !ok {
		return 0, false
	}
	if (unit == "EX" || unit == "EXAT") && n > 0 {
		if n > math.MaxInt64/1000 {
			n = 0
		}
		n *= 1000
	}
	if (unit == "EX" || unit == "PX") && n > 0 {
		if n > math.MaxInt64-r.now {
			n = 0
		} else {
			n += r.now
		}
	}
	if n <= 0 {
		r.out.Error(errExpire(r.name()))
		return 0, false
	}
	return n, true
}

func setCommand(r *run) {
	var o setOptions
	if len(r.args) > 3 && !o.parse(r.args[3:], false) {
		r.out.Error(errSyntax)
		return
	}
	at, ok := r.deadline(o.unit, o.time)
	if !ok {
		return
	}
	key, v := r.args[1], r.args[2]
	e, found := r.lookupWrite(key)
	if o.get {
		if found && e.typ() != typeString {
			r.out.Error(errWrongType)
			return
		}
		r.bulkOrNull(e, found)
	}
	if o.nx && found || o.xx && !found {
		if !o.get {
			r.out.Null()
		}
		return
	}
	if o.keepTTL && found {
		at = e.deadline()
	}
	r.db.putText(key, v, at)
	r.wasSet(key, o.unit != "")
	if !o.get {
		r.out.Status("OK")
	}
}

// wasSet takes note that a string was set, and a deadline with it or not.
func (r *run) wasSet(key []byte, deadline bool) {
	r.touched(key)
	r.event(EventString, "set", key)
	if deadline {
		r.event(EventGeneric, "expire", key)
	}
}

// bulkOrNull answers with the string of an entry that was found, or null.
func (r *run) bulkOrNull(e entry, found bool) {
	if found {
		r.out.Bulk(r.text(e))
	} else {
		r.out.Null()
	}
}

func getCommand(r *run) {
	if e, found, ok := r.typed(r.args[1], typeString); ok {
		r.bulkOrNull(e, found)
	}
}

func getsetCommand(r *run) {
	e, found, ok := r.source(r.args[1], typeString)
	if !ok {
		return
	}
	r.bulkOrNull(e, found)
	r.db.putText(r.args[1], r.args[2], 0)
	r.wasSet(r.args[1], false)
}

func getdelCommand(r *run) {
	e, found, ok := r.source(r.args[1], typeString)
	if !ok {
		return
	}
	r.bulkOrNull(e, found)
	if found {
		r.db.remove(e)
		r.touched(r.args[1])
		r.event(EventGeneric, "del", r.args[1])
	}
}

func getexCommand(r *run) {
	var o setOptions
	if !o.parse(r.args[2:], true) {
		r.out.Error(errSyntax)
		return
	}
	e, found, ok := r.typed(r.args[1], typeString)
	if !ok {
		return
	}
	if !found {
		r.out.Null()
		return
	}
	at, ok := r.deadline(o.unit, o.time)
	if !ok {
		return
	}
	r.out.Bulk(r.text(e))
	event := "expire"
	switch {
	case at != 0 && at <= r.now:
		event = "del"
		r.db.remove(e)
	case at != 0:
		r.db.setDeadline(e, at)
	case o.persist && e.deadline() != 0:
		event = "persist"
		r.db.setDeadline(e, 0)
	default:
		return
	}
	r.touched(r.args[1])
	r.event(EventGeneric, event, r.args[1])
}

func setnxCommand(r *run) {
	if _, found := r.lookupWrite(r.args[1]); found {
		r.out.Int(0)
		return
	}
	r.db.putText(r.args[1], r.args[2], 0)
	r.wasSet(r.args[1], false)
	r.out.Int(1)
}

func setexCommand(r *run)  { r.setFor("EX") }
func psetexCommand(r *run) { r.setFor("PX") }

// setFor is SETEX and PSETEX.
func (r *run) setFor(unit string) {
	at, ok := r.deadline(unit, r.args[2])
	if !ok {
		return
	}
	r.replaces(r.args[1])
	r.db.putText(r.args[1], r.args[3], at)
	r.wasSet(r.args[1], true)
	r.out.Status("OK")
}

func mgetCommand(r *run) {
	r.out.Array(len(r.args) - 1)
	for _, key := range r.args[1:] {
		e, found := r.lookup(key)
		r.bulkOrNull(e, found && e.typ() == typeString)
	}
}

func msetCommand(r *run) {
	if len(r.args)%2 == 0 {
		r.out.Error(errArity("mset"))
		return
	}
	r.setPairs()
	r.out.Status("OK")
}

func msetnxCommand(r *run) {
	if len(r.args)%2 == 0 {
		r.out.Error(errArity("msetnx"))
		return
	}
	for i := 1; i < len(r.args); i += 2 {
		if _, found := r.lookupWrite(r.args[i]); found {
			r.out.Int(0)
			return
		}
	}
	r.setPairs()
	r.out.Int(1)
}

func (r *run) setPairs() {
	for i := 1; i < len(r.args); i += 2 {
		r.replaces(r.args[i])
		r.db.putText(r.args[i], r.args[i+1], 0)
		r.wasSet(r.args[i], false)
	}
}

func strlenCommand(r *run) {
	e, found, ok := r.typed(r.args[1], typeString)
	switch {
	case !ok:
	case !found:
		r.out.Int(0)
	default:
		r.out.Int(int64(len(r.text(e))))
	}
}

func appendCommand(r *run) {
	key, tail := r.args[1], r.args[2]
	e, found, ok := r.typed(key, typeString)
	if !ok {
		return
	}
	if !found {
		r.db.putText(key, tail, 0)
		r.touched(key)
		r.event(EventString, "append", key)
		r.out.Int(int64(len(tail)))
		return
	}
	old := r.text(e)
	if !r.lengthAllowed(int64(len(old)), int64(len(tail))) {
		return
	}
	r.out.Int(int64(len(old) + len(tail)))
	r.splice(e, key, old, len(old), tail)
	r.touched(key)
	r.event(EventString, "append", key)
}

// lengthAllowed reports whether a string of a+b bytes may be made; if not, it has answered.
func (r *run) lengthAllowed(a, b int64) bool {
	if a > math.MaxInt64-b || a+b > r.state.parameters.protoMaxBulk {
		r.out.Error(errTooLong)
		return false
	}
	return true
}

// splice makes the value of key what old becomes when v is written at an offset in it or past its
// end, with zero bytes between.
func (r *run) splice(e entry, key, old []byte, offset int, v []byte) {
	if r.db.spliceInPlace(e, offset, v) {
		return
	}
	r.scratch = overlay(append(r.scratch[:0], old...), offset, v)
	r.db.put(key, kindRaw, r.scratch, e.deadline())
}

// overlay writes v over b from an offset on; b grows with zero bytes as needed.
func overlay(b []byte, offset int, v []byte) []byte {
	if n := offset + len(v) - len(b); n > 0 {
		b = append(b, make([]byte, n)...)
	}
	copy(b[offset:], v)
	return b
}

func setrangeCommand(r *run) {
	key, v := r.args[1], r.args[3]
	offset, ok := r.integer(r.args[2])
	if !ok {
		return
	}
	if offset < 0 {
		r.out.Error(errOffset)
		return
	}
	e, found, ok := r.typed(key, typeString)
	if !ok {
		return
	}
	var old []byte
	if found {
		old = r.text(e)
	}
	if len(v) == 0 {
		r.out.Int(int64(len(old)))
		return
	}
	if !r.lengthAllowed(offset, int64(len(v))) {
		return
	}
	r.out.Int(max(int64(len(old)), offset+int64(len(v))))
	if found {
		r.splice(e, key, old, int(offset), v)
	} else {
		r.db.put(key, kindRaw, overlay(nil, int(offset), v), 0)
	}
	r.touched(key)
	r.event(EventString, "setrange", key)
}

func getrangeCommand(r *run) {
	start, ok := r.integer(r.args[2])
	if !ok {
		return
	}
	end, ok := r.integer(r.args[3])
	if !ok {
		return
	}
	e, found, ok := r.typed(r.args[1], typeString)
	if !ok {
		return
	}
	if !found {
		r.out.Text("")
		return
	}
	s := r.text(e)
	r.out.Bulk(substring(s, start, end))
}

// substring is the part of s between two positions, both included; negative ones count from the end.
func substring(s []byte, start, end int64) []byte {
	n := int64(len(s))
	if start < 0 && end < 0 && start > end {
		return nil
	}
	if start < 0 {
		start = max(0, n+start)
	}
	if end < 0 {
		end = max(0, n+end)
	}
	end = min(end, n-1)
	if start > end || n == 0 {
		return nil
	}
	return s[start : end+1]
}

// integer reads an integer argument; if it is none the command has been answered.
func (r *run) integer(arg []byte) (int64, bool) {
	n, ok := value.ParseInt(arg)
	if !ok {
		r.out.Error(errNotInteger)
	}
	return n, ok
}
