package lua

import (
	lua "github.com/yuin/gopher-lua"
)

// openCoroutine makes the table coroutine.
func openCoroutine(e *Engine) *lua.LTable {
	own := e.main.NewTable()
	e.main.Push(e.main.NewFunction(lua.OpenCoroutine))
	e.main.Call(0, 1)
	theirs := e.main.Get(-1).(*lua.LTable)
	e.main.Pop(1)
	e.globals.RawSetString("coroutine", lua.LNil)
	make := theirs.RawGetString("create").(*lua.LFunction).GFunction
	resume := theirs.RawGetString("resume").(*lua.LFunction).GFunction
	for _, f := range []struct {
		name string
		do   function
	}{
		{"create", func(e *Engine, L *lua.LState) int { return e.createThread(L, make) }},
		{"resume", func(e *Engine, L *lua.LState) int { return e.resume(L, resume) }},
		{"running", coroutineRunning},
		{"status", coroutineStatus},
		{"wrap", func(e *Engine, L *lua.LState) int {
			e.createThread(L, make)
			co := L.Get(-1)
			e.grow(L, closureSize)
			L.Push(L.NewClosure(func(L *lua.LState) int { return e.resumeWrapped(L, co, resume) }, co))
			return 1
		}},
		{"yield", coroutineYield},
	} {
		own.RawSetString(f.name, e.function(f.do))
	}
	return own
}

// createThread is coroutine.create. The new thread counts as its maker does, by a context of its own.
func (e *Engine) createThread(L *lua.LState, make lua.LGFunction) int {
	if fn, ok := L.Get(1).(*lua.LFunction); !ok || fn.IsG {
		badArgument(L, 1, "Lua function expected")
	}
	e.grow(L, threadSize)
	counting := L.RemoveContext() // or the interpreter would make one that depends on it
	n := make(L)
	L.SetContext(counting)
	e.newThread(L.Get(-1).(*lua.LState))
	return n
}

// resume is coroutine.resume.
func (e *Engine) resume(L *lua.LState, resume lua.LGFunction) int {
	co, ok := L.Get(1).(*lua.LState)
	if !ok {
		badArgument(L, 1, "coroutine expected")
	}
	status := L.Status(co)
	if status == "suspended" && co.Parent != nil {
		status = "normal"
	}
	if status != "suspended" || co == e.main {
		if status == "running" || co == e.main {
			status = "non-suspended"
		}
		L.Push(lua.LFalse)
		L.Push(lua.LString("cannot resume " + status + " coroutine"))
		return 2
	}
	t := threadOf(co)
	t.below = threadOf(L).depth() + resumeCalls
	if t.below > callsMost {
		e.fail(L, "C stack overflow")
	}
	n := resume(L)
	if e.halted != running {
		e.stop(L)
	}
	if n == 2 && L.Get(-2) == lua.LFalse {
		L.Replace(L.GetTop(), e.raised(L.Get(-1)))
	}
	return n
}

// resumeCalls is how many calls a resume counts as: the interpreter calls itself for it.
const resumeCalls = 8

// resumeWrapped is what coroutine.wrap returns: results come without the flag in front, and errors are raised.
func (e *Engine) resumeWrapped(L *lua.LState, co lua.LValue, resume lua.LGFunction) int {
	L.Insert(co, 1)
	n := e.resume(L, resume)
	first := L.GetTop() - n + 1
	if lua.LVAsBool(L.Get(first)) {
		return n - 1
	}
	object := L.Get(first + 1)
	if text, ok := object.(lua.LString); ok {
		object = lua.LString(where(L, 1)) + text
	}
	L.Error(object, 0)
	return 0
}

func coroutineRunning(e *Engine, L *lua.LState) int {
	if L == e.main {
		L.Push(lua.LNil)
	} else {
		L.Push(L)
	}
	return 1
}

func coroutineStatus(_ *Engine, L *lua.LState) int {
	co, ok := L.Get(1).(*lua.LState)
	if !ok {
		badArgument(L, 1, "coroutine expected")
	}
	status := L.Status(co)
	if status == "suspended" && co.Parent != nil {
		status = "normal"
	}
	if co == L {
		status = "running"
	}
	L.Push(lua.LString(status))
	return 1
}

// coroutineYield is coroutine.yield. It works where the interpreter has not called itself since the coroutine
// began, as in Lua: from there it cannot be left.
func coroutineYield(e *Engine, L *lua.LState) int {
	if L == e.main {
		e.fail(L, "attempt to yield from outside a coroutine")
	}
	passed := 0
	for f := insideState(L).currentFrame.parent; f != nil; f = f.parent {
		passed++
		if !f.calls() {
			e.fail(L, "attempt to yield across metamethod/C-call boundary")
		}
	}
	e.work(L, passed/valuesAStep)
	return -1
}

// calls reports whether a call has called the next one by an instruction that is for calls.
func (f *frameLayout) calls() bool {
	if f.function.IsG {
		return false
	}
	op := int(f.function.Proto.Code[f.pc-1] >> 26)
	return op == lua.OP_CALL || op == lua.OP_TAILCALL
}
