package lua

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// What operators do to values that are not theirs: the errors, in Lua's words, and the strings that are numbers.
// gopher-lua has other words, some of them with addresses in them, and other ideas of which strings are numbers.
// It asks the metatables of such values first, so they have metatables here; scripts do not see these.

// openOperators makes the metatables of all types but tables.
func (e *Engine) openOperators() {
	e.strings = e.main.NewTable()
	text := e.globals.RawGetString("string")
	e.strings.RawSetString("__index", text)
	for _, v := range []lua.LValue{lua.LNil, lua.LFalse, lua.LNumber(0), lua.LString(""), e.guard, e.main} {
		mt := e.operators()
		switch v.(type) {
		case lua.LString:
			mt.RawSetString("__index", text)
		case *lua.LFunction:
			mt.RawSetString("__call", lua.LNil)
		}
		e.main.SetMetatable(v, mt)
	}
}

// operators is a metatable for values that no operator is for.
func (e *Engine) operators() *lua.LTable {
	mt := e.main.NewTable()
	for _, event := range []string{"__add", "__sub", "__mul", "__div", "__mod", "__pow"} {
		mt.RawSetString(event, e.function(arithmetic(event)))
	}
	mt.RawSetString("__unm", e.function(negation))
	mt.RawSetString("__concat", e.function(concatenation))
	mt.RawSetString("__index", e.function(indexing))
	mt.RawSetString("__newindex", e.function(indexing))
	mt.RawSetString("__len", e.function(measuring))
	mt.RawSetString("__call", e.function(calling))
	return mt
}

// other is the function that the second of two values has for an operator.
func other(L *lua.LState, event string) (lua.LValue, bool) {
	if t, ok := L.Get(2).(*lua.LTable); ok {
		if mt, ok := t.Metatable.(*lua.LTable); ok {
			f := mt.RawGetString(event)
			return f, f != lua.LNil
		}
	}
	return nil, false
}

func (e *Engine) callOther(L *lua.LState, f lua.LValue) int {
	e.call(L, f, 1, L.Get(1), L.Get(2))
	return 1
}

// arithmetic is an operator on values of which at least one is no number.
func arithmetic(event string) function {
	return func(e *Engine, L *lua.LState) int {
		a, ok1 := numberOf(L.Get(1))
		b, ok2 := numberOf(L.Get(2))
		if !ok1 || !ok2 {
			if f, ok := other(L, event); ok {
				return e.callOther(L, f)
			}
			if ok1 {
				e.wrong(L, "perform arithmetic on", L.Get(2), secondOf)
			}
			e.wrong(L, "perform arithmetic on", L.Get(1), firstOf)
		}
		L.Push(lua.LNumber(compute(event, a, b)))
		return 1
	}
}

func compute(event string, a, b float64) float64 {
	switch event {
	case "__add":
		return a + b
	case "__sub":
		return a - b
	case "__mul":
		return a * b
	case "__div":
		return a / b
	case "__pow":
		return math.Pow(a, b)
	}
	r := math.Mod(a, b)
	if b > 0 && r < 0 || b < 0 && r > 0 {
		r += b
	}
	return r
}

func negation(e *Engine, L *lua.LState) int {
	n, ok := numberOf(L.Get(1))
	if !ok {
		e.wrong(L, "perform arithmetic on", L.Get(1), firstOf)
	}
	L.Push(lua.LNumber(-n))
	return 1
}

func concatenation(e *Engine, L *lua.LState) int {
	if f, ok := other(L, "__concat"); ok {
		return e.callOther(L, f)
	}
	wrong := L.Get(1)
	if _, ok := textOf(wrong); ok {
		wrong = L.Get(2)
	}
	e.wrong(L, "concatenate", wrong, func(inst uint32) (uint32, bool) { return joined(L, wrong, inst) })
	return 0
}

func indexing(e *Engine, L *lua.LState) int {
	e.wrong(L, "index", L.Get(1), indexedOf)
	return 0
}

func measuring(e *Engine, L *lua.LState) int {
	e.wrong(L, "get length of", L.Get(1), firstOf)
	return 0
}

func calling(e *Engine, L *lua.LState) int {
	e.wrong(L, "call", L.Get(1), calledOf)
	return 0
}

// joined is the register of a concatenation that holds a value: the last that does.
func joined(L *lua.LState, v lua.LValue, inst uint32) (uint32, bool) {
	in := insideState(L)
	for n := partC(inst); partOp(inst) == lua.OP_CONCAT && n >= partB(inst) && n < constantBit; n-- {
		if in.registry.array[in.currentFrame.parent.localBase+int(n)] == v {
			return n, true
		}
	}
	return 0, false
}
