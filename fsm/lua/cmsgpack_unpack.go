package lua

import (
	encoding "encoding/binary"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// msgpackUnpack returns all values of a string.
func msgpackUnpack(e *Engine, L *lua.LState) int {
	return unpackFrom(e, L, L.GetTop(), 0, 0)
}

// msgpackUnpackOne returns a position and the value in front of it; see msgpackUnpackLimit.
func msgpackUnpackOne(e *Engine, L *lua.LState) int {
	offset := optInteger(L, 2, 0)
	return unpackFrom(e, L, 1, 1, offset)
}

// msgpackUnpackLimit returns, of a string from an offset on, where the values behind those that it
// returns begin (-1 if there are none), and that many values.
func msgpackUnpackLimit(e *Engine, L *lua.LState) int {
	limit := checkInteger(L, 2)
	offset := optInteger(L, 3, 0)
	return unpackFrom(e, L, 1, limit, offset)
}

// unpackFrom unpacks at most limit values from an offset of the first argument on. A limit and an
// offset of 0 mean all, and that no position is asked for. The arguments still on the stack count
// for what the stack can hold.
func unpackFrom(e *Engine, L *lua.LState, arguments int, limit, offset int64) int {
	s := checkString(L, 1)
	if offset < 0 || limit < 0 {
		e.fail(L, "Invalid request to unpack with offset of %d and limit of %d.", int32(offset), int32(len(s)))
	}
	if offset > int64(len(s)) {
		e.fail(L, "Start offset %d greater than input length %d.", int32(offset), int32(len(s)))
	}
	all := limit == 0 && offset == 0
	if all {
		limit = math.MaxInt32
	}
	u := msgpackReader{hold: hold{engine: e, L: L}, rest: s[offset:], slots: arguments}
	defer u.end()
	var values []lua.LValue
	for u.rest != "" && int64(len(values)) < limit {
		values = append(values, u.value())
		u.slots++
	}
	results := len(values)
	if !all {
		u.room("in function mp_unpack_full")
		next := len(s) - len(u.rest)
		if u.rest == "" {
			next = -1
		}
		L.Push(lua.LNumber(next))
		results++
	}
	for _, v := range values {
		L.Push(v)
	}
	return results
}

// msgpackReader reads MessagePack.
type msgpackReader struct {
	hold
	rest  string // what is still to be read
	slots int    // how many values Lua 5.1 would have on the stack, which limits nesting
}

// take reads n bytes.
func (u *msgpackReader) take(n int) string {
	if len(u.rest) < n {
		u.engine.fail(u.L, "Missing bytes in input.")
	}
	var taken string
	taken, u.rest = u.rest[:n], u.rest[n:]
	return taken
}

// word reads an unsigned integer of 1, 2, 4 or 8 bytes.
func (u *msgpackReader) word(size int) uint64 {
	b := []byte(u.take(size))
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(encoding.BigEndian.Uint16(b))
	case 4:
		return uint64(encoding.BigEndian.Uint32(b))
	}
	return encoding.BigEndian.Uint64(b)
}

// room holds that the stack has place for one more value.
func (u *msgpackReader) room(why string) {
	if u.slots+1 > maxSlots {
		u.engine.fail(u.L, "stack overflow (%s)", why)
	}
}

// value reads a value.
func (u *msgpackReader) value() lua.LValue {
	if u.rest == "" {
		u.engine.fail(u.L, "Missing bytes in input.")
	}
	u.room("too many return values at once; use unpack_one or unpack_limit instead.")
	u.engine.work(u.L, stepsAValue)
	u.pay(2 * valueSize)
	switch head := u.take(1)[0]; {
	case head < msgpackFixMap:
		return lua.LNumber(head)
	case head < msgpackFixArray:
		return u.mapOf(int(head & 0x0f))
	case head < msgpackFixString:
		return u.arrayOf(int(head & 0x0f))
	case head < msgpackNil:
		return u.text(int(head & 0x1f))
	case head >= msgpackFixNegated:
		return lua.LNumber(int8(head))
	default:
		return u.long(head)
	}
}

// long reads a value whose first byte holds nothing of it.
func (u *msgpackReader) long(head byte) lua.LValue {
	switch head {
	case msgpackNil:
		return lua.LNil
	case msgpackFalse:
		return lua.LFalse
	case msgpackTrue:
		return lua.LTrue
	case msgpackFloat32:
		return lua.LNumber(math.Float32frombits(uint32(u.word(4))))
	case msgpackFloat64:
		return lua.LNumber(math.Float64frombits(u.word(8)))
	case msgpackUint8, msgpackUint16, msgpackUint32:
		return lua.LNumber(u.word(1 << (head - msgpackUint8)))
	case msgpackUint64, msgpackInt64: // the C library reads both with a sign
		return lua.LNumber(int64(u.word(8)))
	case msgpackInt8:
		return lua.LNumber(int8(u.word(1)))
	case msgpackInt16:
		return lua.LNumber(int16(u.word(2)))
	case msgpackInt32:
		return lua.LNumber(int32(u.word(4)))
	case msgpackString8, msgpackString16, msgpackString32:
		return u.text(int(u.word(1 << (head - msgpackString8))))
	case msgpackArray16, msgpackArray32:
		return u.arrayOf(int(u.word(2 << (head - msgpackArray16))))
	case msgpackMap16, msgpackMap32:
		return u.mapOf(int(u.word(2 << (head - msgpackMap16))))
	}
	u.engine.fail(u.L, "Bad data format in input.")
	return nil
}

func (u *msgpackReader) text(length int) lua.LValue {
	s := u.take(length)
	u.pay(stringSize)
	return lua.LString(s)
}

// arrayOf reads the elements of an array. A nil among them leaves a hole.
func (u *msgpackReader) arrayOf(length int) lua.LValue {
	u.slots++ // the table
	u.room("in function mp_decode_to_lua_array")
	u.slots++               // an index
	var values []lua.LValue // not made for length: nothing says that the bytes of so many will come
	for range length {
		values = append(values, u.value())
	}
	u.slots -= 2
	t := u.newTable(len(values), 0)
	for i, v := range values {
		t.RawSetInt(i+1, v)
	}
	return t
}

// mapOf reads the pairs of a map. Each is set as it comes, so a later one goes before an earlier
// one of the same key, and a key that no table takes is found in its turn.
func (u *msgpackReader) mapOf(length int) lua.LValue {
	t := u.newTable(0, min(length, 8))
	u.slots++ // the table
	for range length {
		k := u.value()
		u.slots++ // the key
		v := u.value()
		u.slots--
		u.set(t, k, v)
	}
	u.slots--
	return t
}

// set sets a field of a table as a script would.
func (u *msgpackReader) set(t *lua.LTable, k, v lua.LValue) {
	if k == lua.LNil {
		throw(u.L, "table index is nil")
	}
	if n, ok := k.(lua.LNumber); ok && n != n {
		throw(u.L, "table index is NaN")
	} else if ok && n >= 1 && n < arrayMost { // the table keeps it in an array, with room for those below
		gap := max(0, int(n)-len(insideTable(t).array))
		u.engine.work(u.L, gap/valuesAStep)
		u.pay(2 * valueSize * gap)
	}
	u.pay(entrySize)
	t.RawSet(k, v)
}
