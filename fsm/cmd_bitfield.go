package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func bitfieldCommands() []*command.Spec {
	const complexity = "O(1) for each operation"
	return []*command.Spec{
		{Name: "bitfield", Group: "bitmap", Since: "3.2.0", Complexity: complexity, Flags: command.Write | command.DenyOOM,
			Usage: "key operation=[GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] write_operation=<SET encoding offset value:integer" +
				" | INCRBY encoding offset increment> [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>]" +
				" <SET encoding offset value | INCRBY encoding offset increment> ...]]",
			Summary: "Read, set and add to integers of any width in a string",
			Keys:    command.BitfieldKey(), Handler: handler(bitfieldCommand)},
		{Name: "bitfield_ro", Usage: "key [GET encoding offset [GET encoding offset ...]]", Group: "bitmap", Since: "6.0.0",
			Complexity: complexity, Summary: "Read integers of any width in a string", Flags: command.ReadOnly | command.Fast,
			Keys: command.OneKey(command.RO | command.Access), Handler: handler(bitfieldroCommand)},
	}
}

// fieldOp is one operation of BITFIELD: a GET, a SET or an INCRBY.
type fieldOp struct {
	set, add bool
	field    value.BitField
	offset   uint64
	n        int64 // the value or the increment
	overflow value.Overflow
}

func bitfieldCommand(r *run) {
	ops, writes, ok := r.parseFields()
	if !ok {
		return
	}
	if !writes {
		r.getFields(ops)
		return
	}
	r.changeFields(ops)
}

func bitfieldroCommand(r *run) {
	ops, writes, ok := r.parseFields()
	switch {
	case !ok:
	case writes:
		r.out.Error(errBitfieldRO)
	default:
		r.getFields(ops)
	}
}

// parseFields reads the operations, and whether one of them writes. With ok false the command has
// been answered.
func (r *run) parseFields() (ops []fieldOp, writes, ok bool) {
	overflow := value.Wrap
	for args := r.args[2:]; len(args) > 0; {
		if command.IsWord(args[0], "OVERFLOW") && len(args) > 1 {
			if overflow, ok = overflowOf(args[1]); !ok {
				r.out.Error(errOverflowType)
				return nil, false, false
			}
			args = args[2:]
			continue
		}
		op, used := fieldOp{overflow: overflow}, 4
		switch {
		case command.IsWord(args[0], "GET") && len(args) > 2:
			used = 3
		case command.IsWord(args[0], "SET") && len(args) > 3:
			op.set, writes = true, true
		case command.IsWord(args[0], "INCRBY") && len(args) > 3:
			op.add, writes = true, true
		default:
			r.out.Error(errSyntax)
			return nil, false, false
		}
		if !r.parseField(&op, args[1:used]) {
			return nil, false, false
		}
		ops, args = append(ops, op), args[used:]
	}
	return ops, writes, true
}

// parseField reads what follows an operation's word; if it is wrong the command has been answered.
func (r *run) parseField(op *fieldOp, args [][]byte) (ok bool) {
	if op.field, ok = value.ParseBitField(args[0]); !ok {
		r.out.Error(errBitfieldType)
		return false
	}
	if op.offset, ok = r.bitOffset(args[1], op.field.Bits); ok && len(args) > 2 {
		op.n, ok = r.integer(args[2])
	}
	return ok
}

func overflowOf(word []byte) (value.Overflow, bool) {
	for i, name := range []string{"WRAP", "SAT", "FAIL"} {
		if command.IsWord(word, name) {
			return value.Overflow(i), true
		}
	}
	return 0, false
}

// getFields answers operations that all are GETs.
func (r *run) getFields(ops []fieldOp) {
	e, found, ok := r.source(r.args[1], typeString)
	if !ok {
		return
	}
	s := r.textIf(e, found)
	r.out.Array(len(ops))
	for _, op := range ops {
		r.out.Int(op.field.Get(s, op.offset))
	}
}

// changeFields runs operations of which one writes. As in Redis the string first grows as far as any of them
// may write, whether it does or not.
func (r *run) changeFields(ops []fieldOp) {
	key, size := r.args[1], uint64(0)
	for _, op := range ops {
		if _, end := op.field.Span(op.offset); op.set || op.add {
			size = max(size, end)
		}
	}
	e, found, ok := r.typed(key, typeString)
	if !ok {
		return
	}
	old := r.textIf(e, found)
	grows := uint64(len(old)) < size
	r.spliceOrMake(e, key, old, int(max(size, uint64(len(old)))), nil)
	changes := 0
	r.out.Array(len(ops))
	for _, op := range ops {
		if !op.set && !op.add {
			r.out.Int(op.field.Get(r.textNow(key), op.offset))
			continue
		}
		if wrote, changed := r.changeField(key, op); changed || wrote && grows {
			changes++
		}
	}
	if changes == 0 && grows {
		r.touchedIn(r.number, key) // all that was to be written has overflowed, and the string has grown for it
	}
	for range changes {
		r.touched(key)
	}
	if changes > 0 {
		r.event(EventString, "setbit", key)
	}
}

// textNow is the text of a string that is there.
func (r *run) textNow(key []byte) []byte {
	e, _ := r.db.find(key)
	return r.text(e)
}

// changeField runs a SET or an INCRBY, and tells whether it wrote and whether that changed the field.
func (r *run) changeField(key []byte, op fieldOp) (wrote, changed bool) {
	e, _ := r.db.find(key)
	s := r.text(e)
	old := op.field.Get(s, op.offset)
	base, by := old, op.n
	if op.set {
		base, by = op.n, 0
	}
	next, fits := op.field.Fit(base, by, op.overflow)
	switch {
	case !fits && op.overflow == value.Fail:
		r.out.Null()
		return false, false
	case op.set:
		r.out.Int(old)
	default:
		r.out.Int(next)
	}
	r.putField(e, key, s, op.field, op.offset, next)
	return true, next != old
}
