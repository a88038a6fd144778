package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openString makes the table string.
func openString(e *Engine) *lua.LTable {
	return e.table(map[string]function{
		"byte": stringByte, "char": stringChar, "find": stringFind, "format": stringFormat,
		"dump": stringDump, "gfind": stringGFind, "gmatch": stringGMatch, "gsub": stringGSub, "len": stringLen, "lower": stringLower,
		"match": stringMatch, "rep": stringRep, "reverse": stringReverse, "sub": stringSub, "upper": stringUpper,
	})
}

// text is an argument that must be a string, or a number.
func text(L *lua.LState, n int) string {
	s, ok := textOf(L.Get(n))
	if !ok {
		badType(L, n, "string")
	}
	return s
}

// whole is an argument that must be a number, without its fraction.
func whole(L *lua.LState, n int) int { return int(integer(number(L, n))) }

// optional is whole, with a value for an argument that is not there.
func optional(L *lua.LState, n, otherwise int) int {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return whole(L, n)
}

// push pushes a string that has been made, and pays for it.
func (e *Engine) push(L *lua.LState, s string) int {
	e.grow(L, stringSize+len(s))
	e.work(L, len(s)/bytesAStep)
	L.Push(lua.LString(s))
	return 1
}

// position is a place in a string of n bytes, where negative ones count from the end.
func position(at, n int) int {
	if at < 0 {
		at += n + 1
	}
	return max(at, 0)
}

func stringLen(_ *Engine, L *lua.LState) int {
	L.Push(lua.LNumber(len(text(L, 1))))
	return 1
}

func stringSub(e *Engine, L *lua.LState) int {
	s := text(L, 1)
	from, to := max(position(whole(L, 2), len(s)), 1), min(position(optional(L, 3, -1), len(s)), len(s))
	if from > to {
		return e.push(L, "")
	}
	return e.push(L, strings.Clone(s[from-1:to])) // a part would keep the whole
}

func stringByte(e *Engine, L *lua.LState) int {
	s := text(L, 1)
	from := position(optional(L, 2, 1), len(s))
	to := min(position(optional(L, 3, from), len(s)), len(s))
	from = max(from, 1)
	if from > to {
		return 0
	}
	n := to - from + 1
	if n >= resultsMost {
		e.fail(L, "string slice too long")
	}
	e.work(L, n/valuesAStep)
	for _, c := range []byte(s[from-1 : to]) {
		L.Push(lua.LNumber(c))
	}
	return n
}

func stringChar(e *Engine, L *lua.LState) int {
	b := make([]byte, L.GetTop())
	for i := range b {
		c := whole(L, i+1)
		if c != int(byte(c)) {
			badArgument(L, i+1, "invalid value")
		}
		b[i] = byte(c)
	}
	return e.push(L, string(b))
}

// stringDump returns the head of what Lua 5.1 would make of a function. What follows there could not be loaded
// again: scripts are loaded from their source only.
func stringDump(e *Engine, L *lua.LState) int {
	if fn := L.CheckFunction(1); fn.IsG {
		e.fail(L, "unable to dump given function")
	}
	return e.push(L, "\x1bLuaQ\x00\x01\x04\x08\x04\x08\x00")
}

func stringLower(e *Engine, L *lua.LState) int { return e.push(L, mapBytes(text(L, 1), lower)) }
func stringUpper(e *Engine, L *lua.LState) int { return e.push(L, mapBytes(text(L, 1), upper)) }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c + 'A' - 'a'
	}
	return c
}

func mapBytes(s string, f func(byte) byte) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = f(c)
	}
	return string(b)
}

func stringRep(e *Engine, L *lua.LState) int {
	s, n := text(L, 1), max(0, whole(L, 2))
	if len(s) == 0 {
		n = 0
	}
	if n > 0 && len(s) > int(e.memory)/n {
		n = int(e.memory)/len(s) + 1 // which is too large, too
	}
	e.grow(L, stringSize+n*len(s))
	e.work(L, n*len(s)/bytesAStep)
	L.Push(lua.LString(strings.Repeat(s, n)))
	return 1
}

func stringReverse(e *Engine, L *lua.LState) int {
	b := []byte(text(L, 1))
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return e.push(L, string(b))
}
