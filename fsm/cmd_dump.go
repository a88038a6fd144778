package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func dumpCommands() []*command.Spec {
	const (
		usage = "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]"
		cost  = "O(N) for a value of N bytes"
		flags = command.Write | command.DenyOOM
	)
	keys := command.OneKey(command.OW | command.Update)
	return []*command.Spec{
		{Name: "dump", Usage: "key", Group: "generic", Since: "2.6.0", Complexity: cost,
			Summary: "Return a key's value in the form that RESTORE takes, here and in Redis", Flags: command.ReadOnly,
			Tips: []string{"nondeterministic_output"}, Keys: command.OneKey(command.RO | command.Access), Handler: handler(dumpCommand),
			Differs: "Strings are not compressed."},
		{Name: "restore", Usage: usage, Group: "generic", Since: "2.6.0", Complexity: cost,
			Summary: "Give a key the value that DUMP returned, here or in Redis", Flags: flags, Categories: command.CatDangerous,
			Keys: keys, Check: checker(checkRestore), Handler: handler(restoreCommand),
			Differs: "The payload is checked as with `sanitize-dump-payload yes`. IDLETIME and FREQ count on every node."},
		{Name: "restore-asking", Usage: usage, Group: "server", Since: "3.0.0", Complexity: cost,
			Summary: "RESTORE, as nodes that move slots send it", Flags: flags | command.Asking | command.SysCmd,
			Categories: command.CatDangerous | command.CatKeyspace, Keys: keys, Check: checker(checkRestore), Handler: handler(restoreCommand)},
	}
}

func dumpCommand(r *run) {
	e, found := r.lookup(r.args[1])
	if !found {
		r.out.Null()
		return
	}
	r.scratch = r.db.appendPayload(r.scratch[:0], e.cell)
	r.out.Bulk(r.scratch)
}

// restoreOptions are the options of RESTORE.
type restoreOptions struct {
	replace, absolute bool
	idle, freq        int64 // seconds, and a count of accesses; -1 if they are not given
}

// parse reads the options; if they are wrong the answer is problem.
func (o *restoreOptions) parse(args [][]byte) (problem string) {
	o.idle, o.freq = -1, -1
	for i := 0; i < len(args); i++ {
		switch word, more := args[i], i+1 < len(args); {
		case command.IsWord(word, "REPLACE"):
			o.replace = true
		case command.IsWord(word, "ABSTTL"):
			o.absolute = true
		case command.IsWord(word, "IDLETIME") && more && o.freq < 0:
			i++
			if problem := checkBetween(args[i], -1, errIdleTime); problem != "" {
				return problem
			}
			o.idle, _ = value.ParseInt(args[i])
		case command.IsWord(word, "FREQ") && more && o.idle < 0:
			i++
			if problem := checkBetween(args[i], 255, errFreq); problem != "" {
				return problem
			}
			o.freq, _ = value.ParseInt(args[i])
		default:
			return errSyntax
		}
	}
	return ""
}

// checkBetween returns what is wrong with an integer from 0 to most, which is without a limit if negative.
func checkBetween(arg []byte, most int64, outside string) (problem string) {
	n, ok := value.ParseInt(arg)
	switch {
	case !ok:
		return errNotInteger
	case n < 0 || most >= 0 && n > most:
		return outside
	}
	return ""
}

// checkRestore is what can be said of a RESTORE without looking at the keys. The payload must not get into the log
// unless it is sound: it would be every node's.
func checkRestore(r *run) (problem string) {
	var o restoreOptions
	if problem = o.parse(r.args[4:]); problem == "" {
		if problem = checkBetween(r.args[2], -1, errTTL); problem == "" {
			problem = r.readPayload(r.args[3], nil)
		}
	}
	return problem
}

func restoreCommand(r *run) {
	var o restoreOptions
	if problem := o.parse(r.args[4:]); problem != "" {
		r.out.Error(problem)
		return
	}
	key := r.args[1]
	if _, taken := r.lookupWrite(key); taken && !o.replace {
		r.out.Error(errBusyKey)
		return
	}
	if problem := checkBetween(r.args[2], -1, errTTL); problem != "" {
		r.out.Error(problem)
		return
	}
	at, _ := value.ParseInt(r.args[2])
	if at != 0 && !o.absolute {
		at += r.now // beyond all numbers it is negative, and so past, as in Redis
	}
	problem := r.readPayload(r.args[3], func(tray *database, c cell) { r.restore(key, tray, c, at, o) })
	if problem != "" {
		r.out.Error(problem)
		return
	}
	r.out.Status("OK")
}

// restore makes a cell's value on the tray that of a key, which falls due at a time, 0 for never: if that is
// past the key goes. It was used as the options say.
func (r *run) restore(key []byte, tray *database, c cell, at int64, o restoreOptions) {
	old, found := r.db.find(key)
	if found {
		r.db.remove(old)
	}
	event := "restore"
	switch past := at != 0 && at <= r.now; {
	case past && !found:
		return
	case past:
		event = "del"
	default:
		r.db.putCopy(key, tray, c)
		if at != 0 {
			e, _ := r.db.find(key)
			r.db.setDeadline(e, at)
		}
		r.used(key, o)
	}
	r.touched(key)
	r.event(EventGeneric, event, key)
}

// used gives a key that was restored the access word that RESTORE asks for, if it fits the policy.
func (r *run) used(key []byte, o restoreOptions) {
	word := r.stamp
	switch counts := r.state.parameters.policy.counts(); {
	case counts && o.freq >= 0:
		word = word&^countMask | uint32(o.freq)
	case !counts && o.idle >= 0:
		word = r.state.parameters.accessTime(r.now - min(o.idle, r.now/1000)*1000)
	default:
		return
	}
	e, _ := r.db.find(key)
	e.setAccess(word)
}
