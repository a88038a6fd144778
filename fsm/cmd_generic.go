package fsm

import (
	"bytes"
	"math"

	"github.com/redraftdb/redraft/fsm/command"
)

func genericCommands() []*command.Spec {
	const (
		w = command.Write
		r = command.ReadOnly
		f = command.Fast
	)
	sum := []string{"request_policy:multi_shard", "response_policy:agg_sum"}
	return []*command.Spec{
		{Name: "del", Usage: "key [key ...]", Group: "generic", Since: "1.0.0", Complexity: "O(N) for N keys",
			Summary: "Delete keys", Flags: w, Tips: sum,
			Keys: command.KeyRange(1, -1, 1, command.RM|command.Delete), Handler: handler(delCommand)},
		{Name: "unlink", Usage: "key [key ...]", Group: "generic", Since: "4.0.0", Complexity: "O(N) for N keys",
			Summary: "Delete keys, as DEL does: neither waits for large values to be freed", Flags: w | f, Tips: sum,
			Keys: command.KeyRange(1, -1, 1, command.RM|command.Delete), Handler: handler(delCommand)},
		{Name: "exists", Usage: "key [key ...]", Group: "generic", Since: "1.0.0", Complexity: "O(N) for N keys",
			Summary: "Count the keys that exist, each as often as it is named", Flags: r | f, Tips: sum,
			Keys: command.KeyRange(1, -1, 1, command.RO), Handler: handler(existsCommand)},
		{Name: "touch", Usage: "key [key ...]", Group: "generic", Since: "3.2.1", Complexity: "O(N) for N keys",
			Summary: "Access keys without reading them, and count those that exist", Flags: r | f, Tips: sum,
			Keys: command.KeyRange(1, -1, 1, command.RO), Handler: handler(touchCommand)},
		{Name: "type", Usage: "key", Group: "generic", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Return the type of a key's value", Flags: r | f,
			Keys: command.OneKey(command.RO), Handler: handler(typeCommand)},
		{Name: "rename", Usage: "key newkey", Group: "generic", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Give a key another name, in place of whatever has that name", Flags: w,
			Keys:    command.Keys(command.OneKey(command.RW|command.Access|command.Delete), command.KeyAt(2, command.OW|command.Update)),
			Handler: handler(renameCommand)},
		{Name: "renamenx", Usage: "key newkey", Group: "generic", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Give a key another name unless that exists", Flags: w | f,
			Keys:    command.Keys(command.OneKey(command.RW|command.Access|command.Delete), command.KeyAt(2, command.OW|command.Insert)),
			Handler: handler(renamenxCommand)},
		{Name: "copy", Usage: "source destination [DB destination-db] [REPLACE]", Group: "generic", Since: "6.2.0",
			Complexity: "O(N) for N elements", Summary: "Copy a key's value and deadline to another key",
			Flags:   w | command.DenyOOM,
			Keys:    command.Keys(command.OneKey(command.RO|command.Access), command.KeyAt(2, command.OW|command.Update)),
			Handler: handler(copyCommand)},
		{Name: "move", Usage: "key db", Group: "generic", Since: "1.0.0", Complexity: "O(1), O(N) for a large value of N elements",
			Summary: "Move a key to another database", Flags: w | f,
			Keys: command.OneKey(command.RW | command.Access | command.Update), Handler: handler(moveCommand)},
		{Name: "object", Group: "generic", Since: "2.2.3", Summary: "Tell how values are kept", Sub: objectCommands()},
	}
}

func objectCommands() []*command.Spec {
	const ownAccess = "It is about this node: each counts the reads that it serves, and the writes of all. In a script it is 0."
	key := command.KeyAt(2, command.RO)
	return []*command.Spec{
		{Name: "encoding", Usage: "key", Group: "generic", Since: "2.2.3", Complexity: "O(1)",
			Summary: "Return the form in which a key's value is kept", Flags: command.ReadOnly,
			Tips: []string{"nondeterministic_output"}, Keys: key, Handler: handler(objectEncodingCommand)},
		{Name: "refcount", Usage: "key", Group: "generic", Since: "2.2.3", Complexity: "O(1)",
			Summary: "Return the number of references to a key's value, which is always 1", Flags: command.ReadOnly,
			Tips: []string{"nondeterministic_output"}, Keys: key, Handler: handler(objectRefcountCommand),
			Differs: "Redis answers 2147483647 for integers that it shares; nothing is shared here."},
		{Name: "idletime", Usage: "key", Group: "generic", Since: "2.2.3", Complexity: "O(1)",
			Summary: "Return for how many seconds a key has not been used, unless accesses are counted", Flags: command.ReadOnly,
			Tips: []string{"nondeterministic_output"}, Keys: key, Handler: handler(objectIdletimeCommand), Differs: ownAccess},
		{Name: "freq", Usage: "key", Group: "generic", Since: "4.0.0", Complexity: "O(1)",
			Summary: "Return how often a key is accessed, which is counted under an LFU policy only", Flags: command.ReadOnly,
			Tips: []string{"nondeterministic_output"}, Keys: key, Handler: handler(objectFreqCommand), Differs: ownAccess},
		command.HelpSub("6.2.0", handler(helpCommand)),
	}
}

func delCommand(r *run) {
	n := 0
	for _, key := range r.args[1:] {
		if e, found := r.lookupWrite(key); found {
			r.db.remove(e)
			r.touched(key)
			r.event(EventGeneric, "del", key)
			n++
		}
	}
	r.out.Int(int64(n))
}

func existsCommand(r *run) { r.countThere(r.glance) }

func touchCommand(r *run) {
	r.unseen = false
	r.countThere(r.lookup)
}

// countThere answers with how many of the command's keys look finds.
func (r *run) countThere(look func(key []byte) (entry, bool)) {
	n := 0
	for _, key := range r.args[1:] {
		if _, found := look(key); found {
			n++
		}
	}
	r.out.Int(int64(n))
}

func typeCommand(r *run) {
	e, found := r.glance(r.args[1])
	if !found {
		r.out.Status("none")
		return
	}
	r.out.Status(typeOf(e.typ()).name)
}

func renameCommand(r *run) {
	if r.rename(true) {
		r.out.Status("OK")
	}
}

func renamenxCommand(r *run) {
	if !r.rename(false) {
		return
	}
	r.out.Int(1)
}

// rename gives the command's first key the name of its second. With false it has answered.
func (r *run) rename(replace bool) bool {
	from, to := r.args[1], r.args[2]
	e, found := r.lookupWrite(from)
	if !found {
		r.out.Error(errNoSuchKey)
		return false
	}
	same := bytes.Equal(from, to)
	if !replace {
		if _, taken := r.lookupWrite(to); taken || same {
			r.out.Int(0)
			return false
		}
		e, _ = r.db.find(from)
	}
	if same {
		return true
	}
	at, used := e.deadline(), e.access()
	if e.has(flagOutside) {
		r.db.putObject(to, e.kind(), r.db.own(e), at)
	} else {
		r.db.put(to, e.kind(), e.inline(), at)
	}
	r.db.remove(e)
	e, _ = r.db.find(to)
	e.setAccess(used)
	r.touched(from)
	r.touchedIn(r.number, to)
	r.event(EventGeneric, "rename_from", from)
	r.event(EventGeneric, "rename_to", to)
	return true
}

func copyCommand(r *run) {
	number, replace := r.number, false
	for i := 3; i < len(r.args); i++ {
		switch {
		case command.IsWord(r.args[i], "REPLACE"):
			replace = true
		case command.IsWord(r.args[i], "DB") && i+1 < len(r.args):
			i++
			var ok bool
			if number, ok = r.databaseNumber(r.args[i]); !ok {
				return
			}
		default:
			r.out.Error(errSyntax)
			return
		}
	}
	from, to, other := r.args[1], r.args[2], r.state.databases[number]
	if number == r.number && bytes.Equal(from, to) {
		r.out.Error(errSameObject)
		return
	}
	if _, found := r.lookup(from); !found {
		r.out.Int(0)
		return
	}
	if old, taken := r.lookupWriteIn(number, to); taken && !replace {
		r.out.Int(0)
		return
	} else if taken {
		other.remove(old) // what comes in its place is a new key
	}
	e, _ := r.db.find(from)
	other.putCopy(to, r.db, e.cell)
	r.changes++
	r.touchedIn(number, to)
	r.eventIn(number, EventGeneric, "copy_to", to)
	r.out.Int(1)
}

// databaseNumber reads the number of a database; if it is none the command has been answered.
func (r *run) databaseNumber(arg []byte) (int, bool) {
	n, ok := r.integer(arg)
	if !ok {
		return 0, false
	}
	if n < math.MinInt32 || n > math.MaxInt32 {
		r.out.Error(errBetween(math.MinInt32, math.MaxInt32))
		return 0, false
	}
	if n < 0 || int(n) >= len(r.state.databases) {
		r.out.Error(errDBIndex)
		return 0, false
	}
	return int(n), true
}

func moveCommand(r *run) {
	number, ok := r.databaseNumber(r.args[2])
	if !ok {
		return
	}
	key, other := r.args[1], r.state.databases[number]
	if number == r.number {
		r.out.Error(errSameObject)
		return
	}
	e, found := r.lookupWrite(key)
	if !found {
		r.out.Int(0)
		return
	}
	if _, taken := r.lookupWriteIn(number, key); taken {
		r.out.Int(0)
		return
	}
	other.putCopy(key, r.db, e.cell)
	moved, _ := other.find(key)
	moved.setAccess(e.access())
	r.db.remove(e)
	r.touched(key)
	r.touchedIn(number, key)
	r.event(EventGeneric, "move_from", key)
	r.eventIn(number, EventGeneric, "move_to", key)
	r.out.Int(1)
}

// helpCommand is HELP of any container.
func helpCommand(r *run) {
	lines := command.Help(r.spec.Parent())
	r.out.Array(len(lines))
	for _, line := range lines {
		r.out.Status(line)
	}
}

func objectEncodingCommand(r *run) {
	if e, found := r.peek(r.db, r.args[2]); found {
		r.out.Text(e.kind().encoding())
	} else {
		r.out.Null()
	}
}

func objectRefcountCommand(r *run) {
	if _, found := r.peek(r.db, r.args[2]); found {
		r.out.Int(1)
	} else {
		r.out.Null()
	}
}

func objectFreqCommand(r *run) {
	e, found := r.peek(r.db, r.args[2])
	switch {
	case !found:
		r.out.Null()
	case !r.state.parameters.policy.counts():
		r.out.Error(errNotCounted)
	case r.scripted:
		r.out.Int(0)
	default:
		r.out.Int(int64(r.state.parameters.agedCount(e.access(), r.stamp)))
	}
}

func objectIdletimeCommand(r *run) {
	e, found := r.peek(r.db, r.args[2])
	switch {
	case !found:
		r.out.Null()
	case r.state.parameters.policy.counts():
		r.out.Error(errNotTimed)
	case r.scripted:
		r.out.Int(0)
	default:
		r.out.Int(e.idleTime(r.now+r.elapsed) / 1000)
	}
}
