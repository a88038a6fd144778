package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func listCommands() []*command.Spec {
	const (
		w = command.Write | command.DenyOOM
		f = command.Write | command.Fast
		r = command.ReadOnly
	)
	read := command.OneKey(command.RO | command.Access)
	insert := command.OneKey(command.RW | command.Insert)
	remove := command.OneKey(command.RW | command.Delete)
	pop := command.OneKey(command.RW | command.Access | command.Delete)
	const each, walk = "O(N) for N elements pushed", "O(N) for N elements passed or returned"
	return []*command.Spec{
		{Name: "lpush", Usage: "key element [element ...]", Group: "list", Since: "1.0.0", Complexity: each,
			Summary: "Add elements at the front of a list, one after another", Flags: w | f, Keys: insert, Handler: handler(lpushCommand)},
		{Name: "rpush", Usage: "key element [element ...]", Group: "list", Since: "1.0.0", Complexity: each,
			Summary: "Add elements at the back of a list", Flags: w | f, Keys: insert, Handler: handler(rpushCommand)},
		{Name: "lpushx", Usage: "key element [element ...]", Group: "list", Since: "2.2.0", Complexity: each,
			Summary: "Add elements at the front of a list that exists", Flags: w | f, Keys: insert, Handler: handler(lpushxCommand)},
		{Name: "rpushx", Usage: "key element [element ...]", Group: "list", Since: "2.2.0", Complexity: each,
			Summary: "Add elements at the back of a list that exists", Flags: w | f, Keys: insert, Handler: handler(rpushxCommand)},
		{Name: "lpop", Usage: "key [count]", Group: "list", Since: "1.0.0", Complexity: walk,
			Summary: "Take elements off the front of a list", Flags: f, Keys: pop, Handler: handler(lpopCommand)},
		{Name: "rpop", Usage: "key [count]", Group: "list", Since: "1.0.0", Complexity: walk,
			Summary: "Take elements off the back of a list", Flags: f, Keys: pop, Handler: handler(rpopCommand)},
		{Name: "lmpop", Usage: "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]", Group: "list", Since: "7.0.0",
			Complexity: "O(N+M) for N keys and M elements returned", Summary: "Take elements off the first of several lists that exists",
			Flags: command.Write, Keys: command.KeyNum(1, command.RW|command.Access|command.Delete), Handler: handler(lmpopCommand)},
		{Name: "llen", Usage: "key", Group: "list", Since: "1.0.0", Complexity: "O(1)", Summary: "Return the number of elements",
			Flags: r | command.Fast, Keys: command.OneKey(command.RO), Handler: handler(llenCommand)},
		{Name: "lrange", Usage: "key start stop", Group: "list", Since: "1.0.0", Complexity: "O(log N + M) for M elements of N",
			Summary: "Return elements by their numbers, the last one included", Flags: r, Keys: read, Handler: handler(lrangeCommand)},
		{Name: "lindex", Usage: "key index", Group: "list", Since: "1.0.0", Complexity: "O(log N) for N elements",
			Summary: "Return an element by its number, from the back if it is negative", Flags: r, Keys: read, Handler: handler(lindexCommand)},
		{Name: "lpos", Usage: "key element [RANK rank] [COUNT num-matches] [MAXLEN len]", Group: "list", Since: "6.0.6",
			Complexity: walk, Summary: "Return the numbers of elements with a value", Flags: r, Keys: read, Handler: handler(lposCommand)},
		{Name: "lset", Usage: "key index element", Group: "list", Since: "1.0.0", Complexity: "O(log N) for N elements",
			Summary: "Replace an element by its number", Flags: w, Keys: command.OneKey(command.RW | command.Update), Handler: handler(lsetCommand)},
		{Name: "linsert", Usage: "key <BEFORE | AFTER> pivot element", Group: "list", Since: "2.2.0", Complexity: walk,
			Summary: "Add an element beside the first one with a value", Flags: w, Keys: insert, Handler: handler(linsertCommand)},
		{Name: "lrem", Usage: "key count element", Group: "list", Since: "1.0.0", Complexity: walk,
			Summary: "Remove elements with a value, the first or the last count, or all for 0", Flags: command.Write, Keys: remove,
			Handler: handler(lremCommand)},
		{Name: "ltrim", Usage: "key start stop", Group: "list", Since: "1.0.0", Complexity: "O(N) for N elements removed",
			Summary: "Keep the elements with these numbers alone", Flags: command.Write, Keys: remove, Handler: handler(ltrimCommand)},
		{Name: "lmove", Usage: "source destination wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT>", Group: "list", Since: "6.2.0",
			Complexity: "O(1)", Summary: "Move an element from an end of a list to an end of another, and return it", Flags: w,
			Keys: command.Keys(pop, command.KeyAt(2, command.RW|command.Insert)), Handler: handler(lmoveCommand)},
		{Name: "rpoplpush", Usage: "source destination", Group: "list", Since: "1.2.0", Complexity: "O(1)", Deprecated: "6.2.0",
			ReplacedBy: "`LMOVE` with the `RIGHT` and `LEFT` arguments",
			Summary:    "Move the last element of a list to the front of another, and return it", Flags: w,
			Keys: command.Keys(pop, command.KeyAt(2, command.RW|command.Insert)), Handler: handler(rpoplpushCommand)},
	}
}

func lpushCommand(r *run)  { r.push(true, false) }
func rpushCommand(r *run)  { r.push(false, false) }
func lpushxCommand(r *run) { r.push(true, true) }
func rpushxCommand(r *run) { r.push(false, true) }

func (r *run) push(front, mustExist bool) {
	key := r.args[1]
	l, e, ok := r.list(key)
	if !ok {
		return
	}
	if mustExist && !e.found() {
		r.out.Int(0)
		return
	}
	for _, v := range r.args[2:] {
		l.Push(v, front)
	}
	r.db.putList(key, l, e.until())
	r.touchedTimes(key, len(r.args)-2)
	r.event(EventList, pushEvent(front), key)
	r.out.Int(int64(l.Len()))
}

func lpopCommand(r *run) { r.pop(true) }
func rpopCommand(r *run) { r.pop(false) }

func (r *run) pop(front bool) {
	switch len(r.args) {
	case 2:
		if popped, ok := r.popList(r.args[1], front, 1, func(int) {}); ok && !popped {
			r.out.Null()
		}
		return
	case 3:
	default:
		r.out.Error(errArity(r.name()))
		return
	}
	count, ok := r.atLeast(0, r.args[2], errNotPositive)
	if !ok {
		return
	}
	if count == 0 { // nothing is taken, and the key is not touched
		if _, e, ok := r.list(r.args[1]); ok && e.found() {
			r.out.Array(0)
		} else if ok {
			r.out.NullArray()
		}
		return
	}
	if popped, ok := r.popList(r.args[1], front, count, r.out.Array); ok && !popped {
		r.out.NullArray()
	}
}

// atLeast reads an integer that is not below a bound; if it is none, or below, the command has been
// answered with text.
func (r *run) atLeast(least int64, arg []byte, text string) (int, bool) {
	n, ok := value.ParseInt(arg)
	if !ok || n < least {
		r.out.Error(text)
		return 0, false
	}
	return int(n), true
}

// side reads LEFT or RIGHT; if it is neither the command has been answered.
func (r *run) side(arg []byte) (front, ok bool) {
	switch {
	case command.IsWord(arg, "LEFT"):
		return true, true
	case command.IsWord(arg, "RIGHT"):
		return false, true
	}
	r.out.Error(errSyntax)
	return false, false
}

// A multiPop is what LMPOP and its blocking form are asked for.
type multiPop struct {
	keys  [][]byte
	front bool
	count int
}

// parseMultiPop reads the arguments from numkeys on; if they are wrong the command has been answered.
func (r *run) parseMultiPop(args [][]byte) (p multiPop, ok bool) {
	n, ok := r.atLeast(1, args[0], errNumKeys)
	if !ok {
		return p, false
	}
	if n >= len(args)-1 {
		r.out.Error(errSyntax)
		return p, false
	}
	p.keys, p.count = args[1:n+1], 1
	if p.front, ok = r.side(args[n+1]); !ok {
		return p, false
	}
	switch options := args[n+2:]; {
	case len(options) == 0:
		return p, true
	case len(options) < 2 || !command.IsWord(options[0], "COUNT"):
		r.out.Error(errSyntax)
		return p, false
	default:
		if p.count, ok = r.atLeast(1, options[1], errCount); ok && len(options) > 2 {
			r.out.Error(errSyntax)
			ok = false
		}
		return p, ok
	}
}

// popFirst is popList of the first key that has a list, with the key in front of the elements.
func (r *run) popFirst(p multiPop) (popped, ok bool) {
	for _, key := range p.keys {
		popped, ok = r.popList(key, p.front, p.count, func(n int) {
			r.out.Array(2)
			r.out.Bulk(key)
			r.out.Array(n)
		})
		if popped || !ok {
			return popped, ok
		}
	}
	return false, true
}

func lmpopCommand(r *run) {
	p, ok := r.parseMultiPop(r.args[1:])
	if !ok {
		return
	}
	if popped, ok := r.popFirst(p); ok && !popped {
		r.out.NullArray()
	}
}

func lmoveCommand(r *run) {
	fromFront, ok := r.side(r.args[3])
	if !ok {
		return
	}
	if toFront, ok := r.side(r.args[4]); ok {
		r.move(fromFront, toFront)
	}
}

func rpoplpushCommand(r *run) { r.move(false, true) }

func (r *run) move(fromFront, toFront bool) {
	if moved, ok := r.moveList(r.args[1], r.args[2], fromFront, toFront); ok && !moved {
		r.out.Null()
	}
}
