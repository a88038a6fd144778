package lua

import (
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// library is one that scripts find under a name.
type library struct {
	name string
	open func(*Engine) *lua.LTable
}

// libraries lists them all. A function's own order of names does not matter; that of the list does, to pairs(_G).
func libraries() []library {
	return []library{
		{"string", openString},
		{"table", openTable},
		{"math", openMath},
		{"os", openOS},
		{"coroutine", openCoroutine},
		{"redis", openRedis},
		{"bit", openBit},
		{"cjson", openJSON},
		{"cmsgpack", openMsgpack},
		{"struct", openStruct},
	}
}

// openLibraries fills the globals and makes all that can be reached from them read-only.
func (e *Engine) openLibraries() {
	e.openBase()
	e.foreign = e.operators()
	for _, l := range libraries() {
		e.globals.RawSetString(l.name, l.open(e))
	}
	e.openOperators()
	e.sealed.RawSetString("__index", e.function(missingGlobal))
	e.sealed.Metatable = e.readOnly
	e.protectTable(e.globals)
	e.protectTable(e.strings)
	e.globals.Metatable = e.sealed
	e.openFunctions()
}

// missingGlobal is the answer to a look at a global that there is not.
func missingGlobal(e *Engine, L *lua.LState) int {
	name, _ := textOf(L.Get(2))
	e.fail(L, "Script attempted to access nonexistent global variable '%s'", name)
	return 0
}

// protectTable makes a table and all tables in it read-only.
func (e *Engine) protectTable(t *lua.LTable) {
	if t.Metatable == e.readOnly {
		return
	}
	t.Metatable = e.readOnly
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if inner, ok := v.(*lua.LTable); ok {
			e.protectTable(inner)
		}
	}
}

// isReadOnly reports whether a script may not change a table.
func (e *Engine) isReadOnly(t *lua.LTable) bool {
	switch t.Metatable {
	case e.readOnly, e.sealed, e.librarySeal:
		return true
	}
	return false
}

// function is one of a library's.
type function func(e *Engine, L *lua.LState) int

func (e *Engine) function(f function) *lua.LFunction {
	return e.main.NewFunction(func(L *lua.LState) int { return f(e, L) })
}

// table makes a table of functions, in the order of their names.
func (e *Engine) table(functions map[string]function) *lua.LTable {
	t := e.main.NewTable()
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		t.RawSetString(name, e.function(functions[name]))
	}
	return t
}

// opaque is a value of its own, equal to none but itself.
func (e *Engine) opaque() *lua.LUserData {
	return &lua.LUserData{Env: e.globals, Metatable: e.foreign}
}

// openOS makes the table os, of which scripts have the clock: seconds since the script's start, as many as its
// instructions stand for.
func openOS(e *Engine) *lua.LTable {
	return e.table(map[string]function{
		"clock": func(e *Engine, L *lua.LState) int {
			L.Push(lua.LNumber(float64(e.limits.Steps-e.steps) / StepsASecond))
			return 1
		},
	})
}
