package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func memoryCommands() []*command.Spec {
	return []*command.Spec{
		{Name: "memory", Group: "server", Since: "4.0.0", Summary: "Tell about memory", Sub: []*command.Spec{
			{Name: "usage", Usage: "key [SAMPLES count]", Since: "4.0.0", Complexity: "O(1), O(N) for a large value of N segments",
				Summary: "Return about how many bytes a key takes with its value", Flags: command.ReadOnly,
				Keys: command.KeyAt(2, command.RO), Handler: handler(memoryUsageCommand),
				Differs: "It counts instead of taking samples, and what it counts is the arena, whose layout is another one: all nodes say the same."},
			command.HelpSub("4.0.0", handler(helpCommand)),
		}},
	}
}

// memoryUsageCommand counts: nothing is estimated from samples, so how many does not matter.
func memoryUsageCommand(r *run) {
	for i := 3; i < len(r.args); i += 2 {
		if !command.IsWord(r.args[i], "SAMPLES") || i+1 == len(r.args) {
			r.out.Error(errSyntax)
			return
		}
		n, ok := r.integer(r.args[i+1])
		if !ok {
			return
		}
		if n < 0 {
			r.out.Error(errSyntax)
			return
		}
	}
	e, found := r.peek(r.db, r.args[2])
	if !found {
		r.out.Null()
		return
	}
	r.out.Int(r.db.bytesOf(e.cell))
}

// bytesOf is about how much memory a key takes: its cell, its place in the table, its deadline's place
// in the index, and its object. It depends on the key and its value alone, so all nodes say the same.
func (db *database) bytesOf(c cell) int64 {
	n := int64(len(c)) + placeSize
	if c.has(flagDeadline) {
		n += deadlineSize
	}
	if c.kind().timed() {
		n += fieldsSize
	}
	if c.has(flagOutside) {
		it := &db.objects.items[c.object()]
		n += it.weight()
		if l, ok := it.value.(value.Large); ok {
			n += l.Cells()
		}
	}
	return n
}
