package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// What a library's function checks of its arguments, and how it complains: in Lua 5.1's words, which
// scripts match on, and with the place in the script that Lua 5.1 names.

// maxSlots is how many values a C function may have on its stack in Lua 5.1. It bounds how deep a
// library nests and how many values it returns, here as there.
const maxSlots = 8000

// badArgument throws the error of an argument that does not do. Of a method, the first argument is not counted.
func badArgument(L *lua.LState, n int, why string) {
	name := "?"
	if frame, ok := L.GetStack(0); ok {
		if _, err := L.GetInfo("n", frame, lua.LNil); err == nil && isName(frame.Name) {
			name = frame.Name
		}
	}
	if isMethodCall(L) {
		if n--; n == 0 {
			fail(L, "calling '%s' on bad self (%s)", name, why)
		}
	}
	fail(L, "bad argument #%d to '%s' (%s)", n, name, why)
}

// isMethodCall reports whether the running function was called as a method.
func isMethodCall(L *lua.LState) bool {
	f := insideState(L).currentFrame.parent
	if f == nil || f.function.IsG || f.pc == 0 {
		return false
	}
	register, ok := calledOf(f.function.Proto.Code[f.pc-1])
	return ok && strings.HasPrefix(origin(f.function, f.pc-1, int(register)), "method ")
}

// isName reports whether what the engine calls a function is the name a script called it by: it has
// descriptions for the others, such as "(anonymous)" and "main chunk".
func isName(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '_' {
			return false
		}
	}
	return s != "" && s != "corountine" // so the engine spells the bottom of a coroutine
}

// badType throws the error of an argument that is of another type.
func badType(L *lua.LState, n int, want string) {
	got := "no value"
	if n <= L.GetTop() {
		got = L.Get(n).Type().String()
	}
	badArgument(L, n, want+" expected, got "+got)
}

// checkNumber returns argument n, a number or a string that says one.
func checkNumber(L *lua.LState, n int) float64 {
	f, ok := numberOf(L.Get(n))
	if !ok {
		badType(L, n, "number")
	}
	return f
}

// checkInteger is checkNumber without what is behind the point.
func checkInteger(L *lua.LState, n int) int64 { return integer(checkNumber(L, n)) }

// optInteger is checkInteger of an argument that may be missing or nil.
func optInteger(L *lua.LState, n int, otherwise int64) int64 {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return checkInteger(L, n)
}

// checkString returns argument n, a string or a number, which is written as Lua writes it.
func checkString(L *lua.LState, n int) string {
	s, ok := textOf(L.Get(n))
	if !ok {
		badType(L, n, "string")
	}
	return s
}

// checkOption returns which of the options argument n is.
func checkOption(L *lua.LState, n int, options []string) int {
	s := checkString(L, n)
	for i, option := range options {
		if s == option {
			return i
		}
	}
	badArgument(L, n, "invalid option '"+s+"'")
	return 0
}

// untilNUL is what C sees of a string.
func untilNUL(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

// checkAny returns argument n, which may be nil, but not missing.
func checkAny(L *lua.LState, n int) lua.LValue {
	if n > L.GetTop() {
		badArgument(L, n, "value expected")
	}
	return L.Get(n)
}

// checkTable returns argument n, a table.
func checkTable(L *lua.LState, n int) *lua.LTable {
	t, ok := L.Get(n).(*lua.LTable)
	if !ok {
		badType(L, n, "table")
	}
	return t
}

// checkFunction returns argument n, a function.
func checkFunction(L *lua.LState, n int) *lua.LFunction {
	f, ok := L.Get(n).(*lua.LFunction)
	if !ok {
		badType(L, n, "function")
	}
	return f
}

// optString is checkString of an argument that may be missing or nil.
func optString(L *lua.LState, n int, otherwise string) string {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return checkString(L, n)
}
