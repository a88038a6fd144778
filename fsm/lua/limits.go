package lua

import (
	lua "github.com/yuin/gopher-lua"
)

// Limits are what a run may take. They are the same for all nodes, or their states would part.
type Limits struct {
	Steps  int64 // instructions
	Memory int64 // bytes
}

// What things cost, in bytes: about what the interpreter allocates for them.
const (
	valueSize   = 16  // a value in an array or a register
	tableSize   = 144 // an empty table
	entrySize   = 160 // a key in a table's hash
	stringSize  = 32  // a string of no bytes
	closureSize = 128 // a function, with a few variables that it shares
	numberSize  = 20  // the text of a number, at most
	threadSize  = 24 << 10
)

// How much of what a function does in Go counts as one instruction.
const (
	bytesAStep  = 64 // copied or compared
	valuesAStep = 8
	callSteps   = 50 // a call of redis.call, however little the command does

	stepsAValue = 4 // read from a string or written to one
)

// StepsASecond is how many instructions a second stands for where a script asks for time, as os.clock does.
const StepsASecond = 50_000_000

const (
	callsMost    = 16000   // open calls
	registryMost = 1 << 18 // values on the stack of a thread
	arrayMost    = 1 << 22 // keys from 1 on that lie in a table's array; there cannot be more of them in a row
	sourceMost   = 1 << 20 // bytes of a source
	interval     = 1 << 12 // instructions between two questions whether to go on
)

// gopher-lua has the limit on arrays in a variable of its package. It is set before anything runs, and never again:
// engines are made while others are at work.
var _ = func() int {
	lua.MaxArrayIndex = arrayMost
	return arrayMost
}()

// halt is why a run is over before its end. A script cannot catch it.
type halt int

const (
	running halt = iota
	tooLong
	tooLarge
	killed
	abandoned
	broken // a panic of the Host's, kept in Engine.panicked
)

// check is called when an interval is over, and at each instruction of a run that has been stopped.
func (e *Engine) check(L *lua.LState) {
	switch {
	case e.halted != running:
	case e.steps < 0:
		e.halted = tooLong
	case e.host.Interrupted():
		e.halted = killed
	default:
		e.checkpoint = max(0, e.steps-interval)
		return
	}
	e.stop(L)
}

// stop unwinds a run that has been halted.
func (e *Engine) stop(L *lua.LState) {
	e.checkpoint = 1<<63 - 1
	L.Error(lua.LString(e.haltText()), 0)
}

func (e *Engine) haltText() string {
	switch e.halted {
	case tooLong:
		return errTooLong
	case tooLarge:
		return errTooLarge
	case killed:
		return errKilled
	}
	return ""
}

// work counts n instructions for something that is done in Go. It returns only if the run may go on.
func (e *Engine) work(L *lua.LState, n int) {
	e.steps -= int64(n)
	if e.steps < e.checkpoint {
		e.check(L)
	}
}

// draft is grow for what a function is still at work on, where nobody can see it. The function calls none of the
// script's meanwhile, and is over by the next instruction.
func (e *Engine) draft(L *lua.LState, n int) {
	e.grow(L, n)
	e.drafted += int64(n)
}

// grow counts n bytes that are about to be allocated. It returns only if the run may go on.
func (e *Engine) grow(L *lua.LState, n int) {
	e.memory -= int64(n)
	if e.memory < 0 {
		e.reclaim(L, int64(n))
	}
}
