package lua

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// protect calls the function that lies on L below its nargs arguments, and leaves its results on L in their place,
// or returns the error that it raised. A run that has been halted unwinds through it.
//
// gopher-lua's own PCall, when an error is raised, takes the shared variables of all calls out of the registry,
// those of the calls that go on included, which from then on no longer share them. guarded does it for the calls
// that are given up, and for no others.
func (e *Engine) protect(L *lua.LState, nargs int) *lua.ApiError {
	inside := insideState(L)
	before := inside.hasErrorFunc
	L.Insert(e.guard, L.GetTop()-nargs)
	err := L.PCall(nargs+1, lua.MultRet, nil)
	inside.hasErrorFunc = before
	if err == nil {
		return nil
	}
	if e.halted != running && inside.currentFrame != nil {
		e.stop(L)
	}
	if failed, ok := err.(*lua.ApiError); ok {
		return failed
	}
	return &lua.ApiError{Object: lua.LString(err.Error())}
}

// guarded is called in between, and calls the function that is its first argument with the others.
func (e *Engine) guarded(L *lua.LState) int {
	inside := insideState(L)
	from := inside.currentFrame.localBase
	inside.hasErrorFunc = true
	L.Panic = func(L *lua.LState) {
		inside.closeUpvalues(from)
		e.place = placeOf(L)
		panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: e.raised(L.Get(-1)), StackTrace: "none"})
	}
	L.Call(L.GetTop()-1, lua.MultRet)
	return L.GetTop()
}

// raised is the object of an error: what a script raised, or what the interpreter did, in Lua's words.
func (e *Engine) raised(object lua.LValue) lua.LValue {
	text, ok := object.(lua.LString)
	if !ok || e.own == object {
		return object
	}
	return lua.LString(rephrase(string(text)))
}

// placeOf is where L is in a script: the line of the innermost call of a function that is Lua.
func placeOf(L *lua.LState) place {
	for f := insideState(L).currentFrame; f != nil; f = f.parent {
		if !f.function.IsG && f.pc > 0 {
			return place{f.function.Proto.SourceName, f.function.Proto.DbgSourcePositions[f.pc-1]}
		}
	}
	return place{}
}

// call calls a function of the script's for a library, and leaves the results on L.
func (e *Engine) call(L *lua.LState, fn lua.LValue, results int, args ...lua.LValue) {
	L.Push(fn)
	for _, a := range args {
		L.Push(a)
	}
	L.Call(len(args), results)
}

// fail raises an error. In front is the place in the script that runs, or that called the function which runs; if
// pcall did, there is none.
func (e *Engine) fail(L *lua.LState, format string, args ...any) { fail(L, format, args...) }

// fail is Engine.fail.
func fail(L *lua.LState, format string, args ...any) {
	level := 1
	if f := insideState(L).currentFrame; f != nil && !f.function.IsG {
		level = 0
	}
	throw(L, where(L, level)+fmt.Sprintf(format, args...))
}

// throw raises an error of this text alone.
func throw(L *lua.LState, text string) { L.Error(lua.LString(text), 0) }

// failReply raises an error as Redis' functions do: a table whose err is the text.
func (e *Engine) failReply(L *lua.LState, text string) {
	L.Error(e.errorReply(L, text), 0)
}

// errorReply is the table that stands for an error reply.
func (e *Engine) errorReply(L *lua.LState, text string) *lua.LTable {
	t := e.newTable(L, 0, 1)
	t.RawSetString("err", lua.LString(text))
	return t
}

// newTable is an empty table with room for so many values.
func (e *Engine) newTable(L *lua.LState, array, hash int) *lua.LTable {
	e.grow(L, tableSize+valueSize*array+entrySize*hash)
	t := L.CreateTable(array, hash)
	e.fresh = append(e.fresh, t)
	return t
}

// refuse raises the error of a function that would change a table which is read-only. It names no place, as in Redis.
func (e *Engine) refuse(L *lua.LState) { L.Error(lua.LString(errReadOnly), 0) }

// set puts a value into a table of the script's, which may be read-only.
func (e *Engine) set(L *lua.LState, t *lua.LTable, key, value lua.LValue) {
	if e.isReadOnly(t) {
		e.refuse(L)
	}
	e.assigning(L, t, key, value)
	L.RawSet(t, key, value)
}
