package lua

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// resultsMost is how many values a function can return from a table: what Lua's own stack has room for.
const resultsMost = 8000

// openBase puts Lua's basic functions into the globals.
func (e *Engine) openBase() {
	functions := e.table(map[string]function{
		"assert": baseAssert, "collectgarbage": baseCollectGarbage, "error": baseError, "gcinfo": baseGCInfo,
		"getmetatable": baseGetMetatable, "ipairs": baseIpairs, "load": baseLoad, "loadstring": baseLoadString,
		"next": baseNext, "pcall": basePCall, "rawequal": baseRawEqual, "rawget": baseRawGet,
		"rawset": baseRawSet, "select": baseSelect, "setmetatable": baseSetMetatable, "tonumber": baseToNumber,
		"tostring": baseToString, "type": baseType, "unpack": baseUnpack, "xpcall": baseXPCall,
	})
	for k, v := functions.Next(lua.LNil); k != lua.LNil; k, v = functions.Next(k) {
		e.globals.RawSet(k, v)
	}
	next := functions.RawGetString("next")
	e.globals.RawSetString("pairs", e.function(func(_ *Engine, L *lua.LState) int {
		t := checkTable(L, 1)
		L.Push(next)
		L.Push(t)
		L.Push(lua.LNil)
		return 3
	}))
	e.globals.RawSetString("_G", e.globals)
	e.globals.RawSetString("_VERSION", lua.LString("Lua 5.1"))
}

func baseAssert(e *Engine, L *lua.LState) int {
	if lua.LVIsFalse(checkAny(L, 1)) {
		e.fail(L, "%s", optString(L, 2, "assertion failed!"))
	}
	return L.GetTop()
}

// baseCollectGarbage takes what Lua takes. There is nothing to collect: counts are those of what was allocated.
func baseCollectGarbage(e *Engine, L *lua.LState) int {
	switch option := optString(L, 1, "collect"); option {
	case "count":
		L.Push(lua.LNumber(float64(e.limits.Memory-e.memory) / 1024))
	case "collect", "stop", "restart", "step", "setpause", "setstepmul":
		L.Push(lua.LNumber(0))
	default:
		badArgument(L, 1, "invalid option '"+option+"'")
	}
	return 1
}

func baseGCInfo(e *Engine, L *lua.LState) int {
	L.Push(lua.LNumber((e.limits.Memory - e.memory) / 1024))
	return 1
}

func baseError(e *Engine, L *lua.LState) int {
	object := L.Get(1)
	if text, ok := object.(lua.LString); ok {
		object = lua.LString(where(L, optional(L, 2, 1))) + text
	}
	e.own = object
	L.Error(object, 0)
	return 0
}

// where is the place of a call, as it stands in front of errors: level 1 is the function that called the one that
// runs, 2 its caller. It is empty where that is none of Lua's.
func where(L *lua.LState, level int) string {
	f := insideState(L).currentFrame
	for ; level > 0 && f != nil; level-- {
		f = f.parent
	}
	if level < 0 || f == nil || f.function.IsG || f.pc == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", f.function.Proto.SourceName, f.function.Proto.DbgSourcePositions[f.pc-1])
}

func baseGetMetatable(e *Engine, L *lua.LState) int {
	var mt lua.LValue = lua.LNil
	switch v := checkAny(L, 1).(type) {
	case *lua.LTable:
		mt = v.Metatable
	case lua.LString:
		mt = e.strings
	}
	if mt == e.readOnly {
		mt = lua.LNil
	}
	if t, ok := mt.(*lua.LTable); ok {
		if shown := t.RawGetString("__metatable"); shown != lua.LNil {
			mt = shown
		}
	}
	L.Push(mt)
	return 1
}

func baseSetMetatable(e *Engine, L *lua.LState) int {
	t := checkTable(L, 1)
	if L.GetTop() < 2 || L.Get(2) != lua.LNil {
		if _, ok := L.Get(2).(*lua.LTable); !ok {
			badArgument(L, 2, "nil or table expected")
		}
	}
	if mt, ok := t.Metatable.(*lua.LTable); ok && mt.RawGetString("__metatable") != lua.LNil {
		e.fail(L, "cannot change a protected metatable")
	}
	if e.isReadOnly(t) {
		e.refuse(L)
	}
	t.Metatable = L.Get(2)
	L.SetTop(1)
	return 1
}

func baseIpairs(e *Engine, L *lua.LState) int {
	t := checkTable(L, 1)
	L.Push(e.nextIndex)
	L.Push(t)
	L.Push(lua.LNumber(0))
	return 3
}

// nextIndex is what ipairs iterates by.
func nextIndex(_ *Engine, L *lua.LState) int {
	t, i := checkTable(L, 1), whole(L, 2)+1
	v := t.RawGet(lua.LNumber(i))
	if v == lua.LNil {
		return 0
	}
	L.Push(lua.LNumber(i))
	L.Push(v)
	return 2
}

func baseNext(e *Engine, L *lua.LState) int {
	k, v := e.next(L, checkTable(L, 1), L.Get(2))
	L.Push(k)
	if k == lua.LNil {
		return 1
	}
	L.Push(v)
	return 2
}

// next is the key behind a key, with its value: those of the array, then the others in the order in which they
// were first put in. What it passes over is charged.
func (e *Engine) next(L *lua.LState, t *lua.LTable, key lua.LValue) (k, v lua.LValue) {
	in := insideTable(t)
	i, j := 0, 0 // where to go on in the array, or behind it
	switch n, isNumber := key.(lua.LNumber); {
	case key == lua.LNil:
	case isNumber && n == lua.LNumber(int(n)) && n >= 1 && n < arrayMost:
		i = int(n)
	default:
		at, ok := in.k2i[key]
		if !ok {
			throw(L, "invalid key to 'next'")
		}
		i, j = len(in.array), at+1
	}
	for from := i; i < len(in.array); i++ {
		if v := in.array[i]; v != lua.LNil && v != nil {
			e.work(L, (i-from)/valuesAStep)
			return lua.LNumber(i + 1), v
		}
	}
	for from := j; j < len(in.keys); j++ {
		if v := t.RawGetH(in.keys[j]); v != lua.LNil {
			e.work(L, j-from)
			return in.keys[j], v
		}
	}
	e.work(L, len(in.array)/valuesAStep)
	return lua.LNil, lua.LNil
}

func baseLoadString(e *Engine, L *lua.LState) int {
	source := checkString(L, 1)
	return e.load(L, source, optString(L, 2, source))
}

func baseLoad(e *Engine, L *lua.LState) int {
	fn, name := checkFunction(L, 1), optString(L, 2, "=(load)")
	source := e.newBuilder()
	defer source.end()
	for {
		e.call(L, fn, 1)
		piece, ok := textOf(L.Get(-1))
		if !ok && L.Get(-1) != lua.LNil {
			e.fail(L, "reader function must return a string")
		}
		L.Pop(1)
		if piece == "" {
			return e.load(L, source.String(), name)
		}
		source.write(L, piece)
	}
}

// load compiles a source that a script has and pushes the function, or nil and the error.
func (e *Engine) load(L *lua.LState, source, name string) int {
	const size, steps = 100, 10 // of what the compiler makes of a byte
	e.grow(L, size*len(source))
	e.work(L, steps*len(source))
	chunk, err := compile(source, chunkName(name))
	if err != nil {
		L.Push(lua.LNil)
		L.Push(lua.LString(err.Error()))
		return 2
	}
	fn := e.main.NewFunctionFromProto(chunk)
	L.Push(fn)
	return 1
}

func basePCall(e *Engine, L *lua.LState) int {
	checkAny(L, 1)
	failed := e.protect(L, L.GetTop()-1)
	if failed == nil {
		L.Insert(lua.LTrue, 1)
		return L.GetTop()
	}
	object := failed.Object
	if t, ok := object.(*lua.LTable); ok { // as Redis: a reply that is an error is caught as its text
		if text, ok := t.RawGetString("err").(lua.LString); ok {
			object = text
		}
	}
	L.Push(lua.LFalse)
	L.Push(object)
	return 2
}

func baseXPCall(e *Engine, L *lua.LState) int {
	fn, handler := checkAny(L, 1), L.Get(2)
	L.SetTop(0)
	L.Push(fn)
	failed := e.protect(L, 0)
	if failed == nil {
		L.Insert(lua.LTrue, 1)
		return L.GetTop()
	}
	L.SetTop(0)
	L.Push(handler)
	L.Push(failed.Object)
	if failed = e.protect(L, 1); failed != nil {
		L.SetTop(0)
		L.Push(lua.LFalse)
		L.Push(failed.Object)
		return 2
	}
	L.Insert(lua.LFalse, 1)
	return min(2, L.GetTop())
}

func baseRawEqual(_ *Engine, L *lua.LState) int {
	L.Push(lua.LBool(L.RawEqual(checkAny(L, 1), checkAny(L, 2))))
	return 1
}

func baseRawGet(_ *Engine, L *lua.LState) int {
	L.Push(checkTable(L, 1).RawGet(checkAny(L, 2)))
	return 1
}

func baseRawSet(e *Engine, L *lua.LState) int {
	e.set(L, checkTable(L, 1), checkAny(L, 2), checkAny(L, 3))
	L.SetTop(1)
	return 1
}

func baseSelect(_ *Engine, L *lua.LState) int {
	top := L.GetTop()
	if L.Get(1) == lua.LString("#") {
		L.Push(lua.LNumber(top - 1))
		return 1
	}
	n := whole(L, 1)
	switch {
	case n < 0:
		n += top
	case n > top:
		n = top
	}
	if n < 1 {
		badArgument(L, 1, "index out of range")
	}
	return top - n
}

func baseToNumber(_ *Engine, L *lua.LState) int {
	base := optional(L, 2, 10)
	v := checkAny(L, 1)
	if base == 10 {
		if n, ok := numberOf(v); ok {
			L.Push(lua.LNumber(n))
		} else {
			L.Push(lua.LNil)
		}
		return 1
	}
	if base < 2 || base > 36 {
		badArgument(L, 2, "base out of range")
	}
	if n, ok := parseDigits(checkString(L, 1), base); ok {
		L.Push(lua.LNumber(n))
	} else {
		L.Push(lua.LNil)
	}
	return 1
}

func baseToString(e *Engine, L *lua.LState) int {
	L.Push(e.toString(L, checkAny(L, 1)))
	return 1
}

// toString is tostring.
func (e *Engine) toString(L *lua.LState, v lua.LValue) lua.LValue {
	if t, ok := v.(*lua.LTable); ok {
		if mt, ok := t.Metatable.(*lua.LTable); ok {
			if f := mt.RawGetString("__tostring"); f != lua.LNil {
				e.call(L, f, 1, v)
				text := L.Get(-1)
				L.Pop(1)
				return text
			}
		}
	}
	switch v := v.(type) {
	case lua.LString:
		return v
	case lua.LNumber:
		e.grow(L, stringSize+numberSize)
		return lua.LString(formatNumber(float64(v)))
	case lua.LBool, *lua.LNilType:
		return lua.LString(v.String())
	}
	e.grow(L, stringSize+entrySize)
	return lua.LString(fmt.Sprintf("%s: 0x%014x", v.Type(), e.serial(v)))
}

// serial stands for the address of a value that is one: a number that is its own for the time of the run.
func (e *Engine) serial(v lua.LValue) int {
	n, ok := e.serials[v]
	if !ok {
		if e.serials == nil {
			e.serials = map[lua.LValue]int{}
		}
		n = 0x1000 + len(e.serials)*0x20
		e.serials[v] = n
	}
	return n
}

func baseType(_ *Engine, L *lua.LState) int {
	L.Push(lua.LString(checkAny(L, 1).Type().String()))
	return 1
}

func baseUnpack(e *Engine, L *lua.LState) int {
	t := checkTable(L, 1)
	from, to := optional(L, 2, 1), 0
	if L.Get(3) == lua.LNil {
		to = t.Len()
	} else {
		to = whole(L, 3)
	}
	if from > to {
		return 0
	}
	n := to - from + 1
	if n <= 0 || n >= resultsMost {
		e.fail(L, "too many results to unpack")
	}
	e.work(L, n/valuesAStep)
	for i := from; i <= to; i++ {
		L.Push(t.RawGet(lua.LNumber(i)))
	}
	return n
}
