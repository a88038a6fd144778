package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func bitCommands() []*command.Spec {
	const (
		w = command.Write | command.DenyOOM
		r = command.ReadOnly
	)
	read := command.OneKey(command.RO | command.Access)
	return []*command.Spec{
		{Name: "setbit", Usage: "key offset value:integer", Group: "bitmap", Since: "2.2.0", Complexity: "O(1)",
			Summary: "Set a bit of a string, which grows with zeros as needed, and return what it was", Flags: w,
			Keys: command.OneKey(command.RW | command.Access | command.Update), Handler: handler(setbitCommand)},
		{Name: "getbit", Usage: "key offset", Group: "bitmap", Since: "2.2.0", Complexity: "O(1)",
			Summary: "Return a bit of a string", Flags: r | command.Fast, Keys: read, Handler: handler(getbitCommand)},
		{Name: "bitcount", Usage: "key index=[start end [BYTE | BIT]]", Group: "bitmap", Since: "2.6.0", Complexity: "O(N) for N bytes",
			Summary: "Count the ones in a string or a part of it", Flags: r, Keys: read, Handler: handler(bitcountCommand)},
		{Name: "bitpos", Usage: "key bit index=[start end_index=[end [BYTE | BIT]]]", Group: "bitmap", Since: "2.8.7",
			Complexity: "O(N) for N bytes", Summary: "Find the first one or zero in a string or a part of it", Flags: r, Keys: read,
			Handler: handler(bitposCommand)},
		{Name: "bitop", Usage: "operation destkey key [key ...]", Group: "bitmap", Since: "2.6.0", Complexity: "O(N) for N bytes",
			Summary: "Store what AND, OR, XOR or NOT makes of strings", Flags: w,
			Keys:    command.Keys(command.KeyAt(2, command.OW|command.Update), command.KeyRange(3, -1, 1, command.RO|command.Access)),
			Handler: handler(bitopCommand)},
	}
}

// bitOffset reads the position of a bit; if it is none the command has been answered. With a unit, "#n" is n
// units.
func (r *run) bitOffset(arg []byte, unit uint64) (uint64, bool) {
	factor := int64(1)
	if unit > 0 && len(arg) > 0 && arg[0] == '#' {
		arg, factor = arg[1:], int64(unit)
	}
	n, ok := value.ParseInt(arg)
	if !ok || n < 0 || n > math.MaxInt64/factor || n*factor>>3 >= r.state.parameters.protoMaxBulk {
		r.out.Error(errBitOffset)
		return 0, false
	}
	return uint64(n * factor), true
}

func setbitCommand(r *run) {
	key := r.args[1]
	offset, ok := r.bitOffset(r.args[2], 0)
	if !ok {
		return
	}
	bit, ok := value.ParseInt(r.args[3])
	if !ok || bit&^1 != 0 {
		r.out.Error(errBit)
		return
	}
	e, found, ok := r.typed(key, typeString)
	if !ok {
		return
	}
	old := r.textIf(e, found)
	was := value.Bit(old, offset)
	grows := offset>>3 >= uint64(len(old))
	r.putField(e, key, old, value.BitField{Bits: 1}, offset, bit)
	if grows || was != uint64(bit) {
		r.touched(key)
		r.event(EventString, "setbit", key)
	}
	r.out.Int(int64(was))
}

// textIf is the text of an entry that was found, nil of one that was not.
func (r *run) textIf(e entry, found bool) []byte {
	if !found {
		return nil
	}
	return r.text(e)
}

// putField writes n into a field of the string under key, which is old now. What lies around the field's
// bytes is not touched where it can be changed in place.
func (r *run) putField(e entry, key, old []byte, f value.BitField, offset uint64, n int64) {
	var room [9]byte // the most that a field has bits in
	first, end := f.Span(offset)
	part := room[:end-first]
	if first < uint64(len(old)) {
		copy(part, old[first:])
	}
	f.Put(part, offset&7, n)
	r.spliceOrMake(e, key, old, int(first), part)
}

// spliceOrMake is splice for a key that may not be there yet.
func (r *run) spliceOrMake(e entry, key, old []byte, offset int, v []byte) {
	if e.found() {
		r.splice(e, key, old, offset, v)
		return
	}
	r.db.give(key, kindRaw, overlay(nil, offset, v), 0)
}

func getbitCommand(r *run) {
	offset, ok := r.bitOffset(r.args[2], 0)
	if !ok {
		return
	}
	if e, found, ok := r.typed(r.args[1], typeString); ok {
		r.out.Int(int64(value.Bit(r.textIf(e, found), offset)))
	}
}

// unitOfRange reads whether a range counts in bytes or in bits, and returns how many bits one is; if it
// is neither the command has been answered.
func (r *run) unitOfRange(arg []byte) (bits int64, ok bool) {
	switch {
	case command.IsWord(arg, "BYTE"):
		return 8, true
	case command.IsWord(arg, "BIT"):
		return 1, true
	}
	r.out.Error(errSyntax)
	return 0, false
}

// bitRange is the bits of a string of so many bytes from a position up to another, both included, each of so many
// bits; negative ones count from the end. The second result is excluded.
func bitRange(size int, start, end, unit int64) (from, to uint64) {
	total := int64(size) * 8 / unit
	if start < 0 {
		start = max(0, total+start)
	}
	if end < 0 {
		end = max(0, total+end)
	}
	if end = min(end, total-1); start > end {
		return 0, 0
	}
	return uint64(start * unit), uint64((end + 1) * unit)
}

func bitcountCommand(r *run) {
	e, found, ok := r.typed(r.args[1], typeString)
	if !ok {
		return
	}
	if !found {
		r.out.Int(0)
		return
	}
	start, end, unit := int64(0), int64(-1), int64(8)
	switch len(r.args) {
	case 2:
	case 4, 5:
		if start, ok = r.integer(r.args[2]); !ok {
			return
		}
		if end, ok = r.integer(r.args[3]); !ok {
			return
		}
		if start < 0 && end < 0 && start > end {
			r.out.Int(0)
			return
		}
		if len(r.args) == 5 {
			if unit, ok = r.unitOfRange(r.args[4]); !ok {
				return
			}
		}
	default:
		r.out.Error(errSyntax)
		return
	}
	s := r.text(e)
	from, to := bitRange(len(s), start, end, unit)
	r.out.Int(int64(value.CountBits(s, from, to)))
}

func bitposCommand(r *run) {
	bit, ok := r.integer(r.args[2])
	if !ok {
		return
	}
	if bit&^1 != 0 {
		r.out.Error(errBitArgument)
		return
	}
	e, found, ok := r.typed(r.args[1], typeString)
	if !ok {
		return
	}
	if !found { // zeros without end
		r.out.Int(-bit)
		return
	}
	s := r.text(e)
	from, to, ok := r.bitposRange(len(s))
	if !ok {
		return
	}
	at, ok := value.FindBit(s, byte(bit), from, to)
	switch {
	case ok:
		r.out.Int(int64(at))
	case bit == 0 && from < to && len(r.args) <= 4: // the string goes on with zeros
		r.out.Int(int64(to))
	default:
		r.out.Int(-1)
	}
}

// bitposRange reads which bits BITPOS looks at, of a string of so many bytes. With ok false the command
// has been answered.
func (r *run) bitposRange(size int) (from, to uint64, ok bool) {
	start, end, unit := int64(0), int64(-1), int64(8)
	n := len(r.args)
	if n > 6 {
		r.out.Error(errSyntax)
		return 0, 0, false
	}
	if n > 3 {
		if start, ok = r.integer(r.args[3]); !ok {
			return 0, 0, false
		}
	}
	if n == 6 {
		if unit, ok = r.unitOfRange(r.args[5]); !ok {
			return 0, 0, false
		}
	}
	if n > 4 {
		if end, ok = r.integer(r.args[4]); !ok {
			return 0, 0, false
		}
	}
	from, to = bitRange(size, start, end, unit)
	return from, to, true
}

func bitopCommand(r *run) {
	op, ok := bitOp(r.args[1])
	if !ok {
		r.out.Error(errSyntax)
		return
	}
	names := r.args[3:]
	if op == value.BitNot && len(names) != 1 {
		r.out.Error(errBitopNot)
		return
	}
	for _, key := range names {
		if _, _, ok := r.source(key, typeString); !ok {
			return
		}
	}
	sources := make([][]byte, len(names))
	for i, key := range names {
		if e, found := r.db.find(key); found {
			if sources[i] = r.text(e); e.kind() == kindInt {
				sources[i] = append([]byte(nil), sources[i]...) // r.text has room for one
			}
		}
	}
	result, to := op.Combine(sources), r.args[2]
	e, found := r.lookupWrite(to)
	switch {
	case len(result) > 0:
		r.db.give(to, kindRaw, result, 0)
		r.touched(to)
		r.event(EventString, "set", to)
	case found:
		r.db.remove(e)
		r.touched(to)
		r.event(EventGeneric, "del", to)
	}
	r.out.Int(int64(len(result)))
}

func bitOp(word []byte) (value.BitOp, bool) {
	for i, name := range []string{"AND", "OR", "XOR", "NOT"} {
		if command.IsWord(word, name) {
			return value.BitOp(i), true
		}
	}
	return 0, false
}
