package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func listBlockingCommands() []*command.Spec {
	const (
		w    = command.Write | command.Blocking
		own  = w | command.NoScript
		adds = own | command.DenyOOM
	)
	const each = "O(N) where N is the number of provided keys."
	pop := command.RW | command.Access | command.Delete
	move := command.Keys(command.OneKey(pop), command.KeyAt(2, command.RW|command.Insert))
	return []*command.Spec{
		{Name: "blpop", Usage: "key [key ...] timeout", Group: "list", Since: "2.0.0", Complexity: each,
			Summary: "Take an element off the front of the first list that has one, or wait for it", Flags: own,
			Keys: command.KeyRange(1, -2, 1, pop), Handler: handler(blpopCommand)},
		{Name: "brpop", Usage: "key [key ...] timeout", Group: "list", Since: "2.0.0", Complexity: each,
			Summary: "Take an element off the back of the first list that has one, or wait for it", Flags: own,
			Keys: command.KeyRange(1, -2, 1, pop), Handler: handler(brpopCommand)},
		{Name: "blmove", Usage: "source destination wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT> timeout", Group: "list",
			Since: "6.2.0", Complexity: "O(1)", Summary: "Move an element from an end of a list to an end of another, or wait for it",
			Flags: adds, Keys: move, Handler: handler(blmoveCommand)},
		{Name: "brpoplpush", Usage: "source destination timeout", Group: "list", Since: "2.2.0", Complexity: "O(1)",
			Deprecated: "6.2.0", ReplacedBy: "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
			Summary: "Move the last element of a list to the front of another, or wait for it", Flags: adds,
			Keys: move, Handler: handler(brpoplpushCommand)},
		{Name: "blmpop", Usage: "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]", Group: "list", Since: "7.0.0",
			Complexity: "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
			Summary:    "Take elements off the first of several lists that has any, or wait for them", Flags: w,
			Keys: command.KeyNum(2, pop), Handler: handler(blmpopCommand)},
	}
}

func blpopCommand(r *run) { r.blockingPop(true) }
func brpopCommand(r *run) { r.blockingPop(false) }

func (r *run) blockingPop(front bool) {
	last := len(r.args) - 1
	timeout, ok := r.timeout(r.args[last])
	if !ok {
		return
	}
	r.await(wait{keys: r.args[1:last], typ: typeList, timeout: timeout, serve: func(key []byte) bool {
		popped, ok := r.popList(key, front, 1, func(int) {
			r.out.Array(2)
			r.out.Bulk(key)
		})
		return popped || !ok
	}})
}

func blmpopCommand(r *run) {
	p, ok := r.parseMultiPop(r.args[2:])
	if !ok {
		return
	}
	timeout, ok := r.timeout(r.args[1])
	if !ok {
		return
	}
	r.await(wait{keys: p.keys, typ: typeList, timeout: timeout, serve: func(key []byte) bool {
		popped, ok := r.popFirst(multiPop{keys: [][]byte{key}, front: p.front, count: p.count})
		return popped || !ok
	}})
}

func blmoveCommand(r *run) {
	fromFront, ok := r.side(r.args[3])
	if !ok {
		return
	}
	if toFront, ok := r.side(r.args[4]); ok {
		r.blockingMove(fromFront, toFront, r.args[5])
	}
}

func brpoplpushCommand(r *run) { r.blockingMove(false, true, r.args[3]) }

func (r *run) blockingMove(fromFront, toFront bool, within []byte) {
	timeout, ok := r.timeout(within)
	if !ok {
		return
	}
	r.await(wait{keys: r.args[1:2], typ: typeList, timeout: timeout, nothing: reply.Sink.Null, serve: func(key []byte) bool {
		moved, ok := r.moveList(key, r.args[2], fromFront, toFront)
		return moved || !ok
	}})
}
