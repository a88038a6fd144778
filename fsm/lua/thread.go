package lua

import (
	"time"

	lua "github.com/yuin/gopher-lua"
)

// A thread is the context of the script's main thread or of one of its coroutines. The interpreter asks it
// before each instruction whether it may go on (Done), which is where instructions are counted and looked at.
type thread struct {
	engine *Engine
	L      *lua.LState
	inside *stateLayout
	below  int // calls of the threads that wait for this one
	room   int // values in the registry that are paid for
}

// newThread makes L one of the engine's threads.
func (e *Engine) newThread(L *lua.LState) *thread {
	t := &thread{engine: e, L: L, inside: insideState(L)}
	t.room = cap(t.inside.registry.array)
	L.SetContext(t)
	return t
}

// threadOf is the thread that runs on L.
func threadOf(L *lua.LState) *thread { return L.Context().(*thread) }

// Deadline is that of no context: none.
func (t *thread) Deadline() (time.Time, bool) { return time.Time{}, false }

// Err is never asked for, since Done never returns a channel that is closed.
func (t *thread) Err() error { return nil }

// Value has nothing.
func (t *thread) Value(any) any { return nil }

// depth is how many calls are open, those of waiting threads included.
func (t *thread) depth() int { return t.below + t.inside.currentFrame.index }

// The operations that are looked at before they are executed, as gopher-lua numbers them.
const (
	opSetGlobal  = uint32(lua.OP_SETGLOBAL)
	opSetTable   = uint32(lua.OP_SETTABLE)
	opSetTableKS = uint32(lua.OP_SETTABLEKS)
	opNewTable   = uint32(lua.OP_NEWTABLE)
	opConcat     = uint32(lua.OP_CONCAT)
	opSetList    = uint32(lua.OP_SETLIST)
	opClosure    = uint32(lua.OP_CLOSURE)
	opCall       = uint32(lua.OP_CALL)
	opTailCall   = uint32(lua.OP_TAILCALL)
	opReturn     = uint32(lua.OP_RETURN)
	opVararg     = uint32(lua.OP_VARARG)
)

// Done is called before each instruction. It raises an error where the script may not go on; otherwise it returns
// nil, a channel that never says anything.
func (t *thread) Done() <-chan struct{} {
	e := t.engine
	e.steps--
	if e.steps < e.checkpoint {
		e.check(t.L)
	}
	e.drafted, e.fresh = 0, e.fresh[:0]
	f := t.inside.currentFrame
	if t.below+f.index > callsMost {
		t.L.RaiseError("stack overflow")
	}
	if n := cap(t.inside.registry.array); n > t.room {
		more := n - t.room
		t.room = n
		e.grow(t.L, more*valueSize)
	}
	inst := f.function.Proto.Code[f.pc-1]
	switch inst >> 26 {
	case opSetTable, opSetTableKS:
		if table, ok := t.register(f, inst>>18&0xff).(*lua.LTable); ok {
			e.assigning(t.L, table, t.operand(f, inst&0x1ff), t.operand(f, inst>>9&0x1ff))
		}
	case opSetGlobal:
		e.assigning(t.L, f.function.Env, f.function.Proto.Constants[inst&0x3ffff], t.register(f, inst>>18&0xff))
	case opNewTable:
		e.grow(t.L, tableSize+valueSize*int(inst&0x1ff)+entrySize*int(inst>>9&0x1ff))
	case opConcat:
		t.concatenating(f, inst)
	case opSetList:
		n := int(inst & 0x1ff)
		if n == 0 {
			n = t.inside.registry.top - f.localBase - int(inst>>18&0xff) - 1
		}
		e.grow(t.L, 2*valueSize*n)
		e.work(t.L, n)
	case opClosure:
		e.grow(t.L, closureSize)
	case opCall, opTailCall, opReturn:
		if inst&0x1ff == 0 { // as many values as there are
			e.work(t.L, (t.inside.registry.top-f.localBase)/valuesAStep)
		}
	case opVararg:
		e.work(t.L, f.nargs/valuesAStep)
	}
	return nil
}

// register is the value of a register of a call.
func (t *thread) register(f *frameLayout, n uint32) lua.LValue {
	return t.inside.registry.array[f.localBase+int(n)]
}

// operand is the value of a register or, with the ninth bit set, of a constant.
func (t *thread) operand(f *frameLayout, n uint32) lua.LValue {
	if n&0x100 != 0 {
		return f.function.Proto.Constants[n&0xff]
	}
	return t.inside.registry.array[f.localBase+int(n)]
}

// concatenating pays for the string that the operation makes, and writes its numbers as Lua does.
func (t *thread) concatenating(f *frameLayout, inst uint32) {
	from, to := f.localBase+int(inst&0x1ff), f.localBase+int(inst>>9&0x1ff)
	size, plain := 0, true
	values := t.inside.registry.array[from : to+1]
	for _, v := range values {
		switch v := v.(type) {
		case lua.LString:
			size += len(v)
		case lua.LNumber:
			size += numberSize
		default:
			plain = false
		}
	}
	t.engine.grow(t.L, size+stringSize)
	t.engine.work(t.L, size/bytesAStep)
	if !plain {
		return
	}
	for i, v := range values {
		if n, ok := v.(lua.LNumber); ok {
			values[i] = lua.LString(formatNumber(float64(n)))
		}
	}
}

// assigning looks at a table before a value is put into it.
func (e *Engine) assigning(L *lua.LState, table *lua.LTable, key, value lua.LValue) {
	if e.isReadOnly(table) {
		e.fail(L, errReadOnly)
	}
	if value != lua.LNil {
		e.growTable(L, table, key)
	}
}

// growTable pays for a key that a table does not have yet.
func (e *Engine) growTable(L *lua.LState, table *lua.LTable, key lua.LValue) {
	in := insideTable(table)
	switch k := key.(type) {
	case lua.LString:
		if _, ok := in.strdict[string(k)]; !ok {
			e.grow(L, entrySize+len(k))
		}
	case lua.LNumber:
		i := int(k)
		switch n := len(in.array); {
		case lua.LNumber(i) != k || i < 1 || i >= arrayMost:
			if _, ok := in.dict[key]; !ok {
				if i == arrayMost && n == arrayMost-1 {
					e.fail(L, "table overflow")
				}
				e.grow(L, entrySize)
			}
		case i > n:
			e.grow(L, 2*valueSize*(i-n))
			e.work(L, (i-n)/valuesAStep)
		}
	default:
		if _, ok := in.dict[key]; !ok {
			e.grow(L, entrySize)
		}
	}
}
