package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openTable makes the table table.
func openTable(e *Engine) *lua.LTable {
	return e.table(map[string]function{
		"concat": tableConcat, "foreach": tableForEach, "foreachi": tableForEachI, "getn": tableGetN,
		"insert": tableInsert, "maxn": tableMaxN, "remove": tableRemove, "setn": tableSetN, "sort": tableSort,
	})
}

func tableConcat(e *Engine, L *lua.LState) int {
	t, separator := checkTable(L, 1), optString(L, 2, "")
	from, to := optional(L, 3, 1), 0
	if L.Get(4) == lua.LNil {
		to = t.Len()
	} else {
		to = whole(L, 4)
	}
	var out strings.Builder
	for i := from; i <= to; i++ {
		text, ok := textOf(t.RawGet(lua.LNumber(i)))
		if !ok {
			e.fail(L, "invalid value (%s) at index %d in table for 'concat'", t.RawGet(lua.LNumber(i)).Type(), i)
		}
		e.draft(L, 2*(len(text)+len(separator)))
		e.work(L, 1+(len(text)+len(separator))/bytesAStep)
		out.WriteString(text)
		if i < to {
			out.WriteString(separator)
		}
	}
	L.Push(lua.LString(out.String()))
	return 1
}

func tableForEach(e *Engine, L *lua.LState) int {
	t, fn := checkTable(L, 1), checkFunction(L, 2)
	for k, v := e.next(L, t, lua.LNil); k != lua.LNil; k, v = e.next(L, t, k) {
		e.call(L, fn, 1, k, v)
		if L.Get(-1) != lua.LNil {
			return 1
		}
		L.Pop(1)
	}
	return 0
}

func tableForEachI(e *Engine, L *lua.LState) int {
	t, fn := checkTable(L, 1), checkFunction(L, 2)
	for i, n := 1, t.Len(); i <= n; i++ {
		e.call(L, fn, 1, lua.LNumber(i), t.RawGet(lua.LNumber(i)))
		if L.Get(-1) != lua.LNil {
			return 1
		}
		L.Pop(1)
	}
	return 0
}

func tableGetN(_ *Engine, L *lua.LState) int {
	L.Push(lua.LNumber(checkTable(L, 1).Len()))
	return 1
}

func tableSetN(e *Engine, L *lua.LState) int {
	checkTable(L, 1)
	e.fail(L, "'setn' is obsolete")
	return 0
}

func tableMaxN(e *Engine, L *lua.LState) int {
	t, most := checkTable(L, 1), 0.0
	for k, _ := e.next(L, t, lua.LNil); k != lua.LNil; k, _ = e.next(L, t, k) {
		if n, ok := k.(lua.LNumber); ok {
			most = max(most, float64(n))
		}
		e.work(L, 1)
	}
	L.Push(lua.LNumber(most))
	return 1
}

func tableInsert(e *Engine, L *lua.LState) int {
	t := checkTable(L, 1)
	end := t.Len() + 1
	switch L.GetTop() {
	case 2:
		e.set(L, t, lua.LNumber(end), L.Get(2))
	case 3:
		at := whole(L, 2)
		end = max(end, at)
		if e.isReadOnly(t) {
			e.refuse(L)
		}
		e.work(L, (end-at)/valuesAStep)
		for i := end; i > at; i-- {
			e.set(L, t, lua.LNumber(i), t.RawGet(lua.LNumber(i-1)))
		}
		e.set(L, t, lua.LNumber(at), L.Get(3))
	default:
		e.fail(L, "wrong number of arguments to 'insert'")
	}
	return 0
}

func tableRemove(e *Engine, L *lua.LState) int {
	t := checkTable(L, 1)
	end := t.Len()
	at := optional(L, 2, end)
	if at < 1 || at > end {
		return 0
	}
	if e.isReadOnly(t) {
		e.refuse(L)
	}
	L.Push(t.RawGet(lua.LNumber(at)))
	e.work(L, (end-at)/valuesAStep)
	for i := at; i < end; i++ {
		t.RawSet(lua.LNumber(i), t.RawGet(lua.LNumber(i+1)))
	}
	t.RawSet(lua.LNumber(end), lua.LNil)
	return 1
}
