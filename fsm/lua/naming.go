package lua

import (
	lua "github.com/yuin/gopher-lua"
)

// What errors call the value that an operator cannot be for, as Lua 5.1 does: by the variable or the field that it came
// from, if the instructions in front of the operator say so.

// wrong raises the error of an operator on a value that it is not for. pick chooses, of the operator's instruction, the
// operand that the value came from.
func (e *Engine) wrong(L *lua.LState, doing string, v lua.LValue, pick func(inst uint32) (operand uint32, ok bool)) {
	if f := insideState(L).currentFrame.parent; f != nil && !f.function.IsG && f.pc > 0 {
		if operand, ok := pick(f.function.Proto.Code[f.pc-1]); ok && operand&constantBit == 0 {
			if name := origin(f.function, f.pc-1, int(operand)); name != "" {
				e.fail(L, "attempt to %s %s (a %s value)", doing, name, v.Type())
			}
		}
	}
	e.fail(L, "attempt to %s a %s value", doing, v.Type())
}

// constantBit marks an operand that is a constant.
const constantBit = 0x100

// The parts of an instruction.
func partOp(inst uint32) int              { return int(inst >> 26) }
func partA(inst uint32) uint32            { return inst >> 18 & 0xff }
func partB(inst uint32) uint32            { return inst & 0x1ff }
func partC(inst uint32) uint32            { return inst >> 9 & 0x1ff }
func partBx(inst uint32) uint32           { return inst & 0x3ffff }
func firstOf(inst uint32) (uint32, bool)  { return partB(inst), true }
func secondOf(inst uint32) (uint32, bool) { return partC(inst), true }

// indexedOf is the operand that an instruction indexes.
func indexedOf(inst uint32) (uint32, bool) {
	switch partOp(inst) {
	case lua.OP_GETTABLE, lua.OP_GETTABLEKS, lua.OP_SELF:
		return partB(inst), true
	case lua.OP_SETTABLE, lua.OP_SETTABLEKS:
		return partA(inst), true
	}
	return 0, false
}

// calledOf is the operand that an instruction calls.
func calledOf(inst uint32) (uint32, bool) {
	switch partOp(inst) {
	case lua.OP_CALL, lua.OP_TAILCALL:
		return partA(inst), true
	}
	return 0, false
}

// origin says where the value of a register came from, as an instruction finds it; empty if that is not known. It
// looks back as far as the instructions follow one upon the other.
func origin(fn *lua.LFunction, pc, register int) string {
	if name := localName(fn.Proto, pc, register); name != "" {
		return "local '" + name + "'"
	}
	code := fn.Proto.Code
	for pc--; pc >= 0; pc-- {
		inst := code[pc]
		switch op := partOp(inst); {
		case op == lua.OP_JMP || op == lua.OP_FORLOOP || op == lua.OP_FORPREP || op == lua.OP_TFORLOOP:
			return ""
		case op == lua.OP_MOVEN && int(partA(inst)) <= register:
			return ""
		case int(partA(inst)) == register && setsA(op):
			return originOf(fn, pc, inst)
		}
	}
	return ""
}

// localName is the local variable that is in a register at an instruction, if one is.
func localName(p *lua.FunctionProto, pc, register int) string {
	for _, v := range p.DbgLocals {
		if v.StartPc <= pc && pc < v.EndPc {
			if register == 0 {
				return v.Name
			}
			register--
		}
	}
	return ""
}

// setsA reports whether an operation changes its register A.
func setsA(op int) bool {
	switch op {
	case lua.OP_SETGLOBAL, lua.OP_SETUPVAL, lua.OP_SETTABLE, lua.OP_SETTABLEKS, lua.OP_EQ, lua.OP_LT, lua.OP_LE, lua.OP_TEST,
		lua.OP_RETURN, lua.OP_SETLIST, lua.OP_CLOSE, lua.OP_NOP:
		return false
	}
	return true
}

// originOf is origin for the instruction that set the register.
func originOf(fn *lua.LFunction, pc int, inst uint32) string {
	key := func(at uint32) (string, bool) {
		if int(at) >= len(fn.Proto.Constants) {
			return "", false
		}
		s, ok := fn.Proto.Constants[at].(lua.LString)
		return string(s), ok
	}
	kind, name, ok := "", "", false
	switch partOp(inst) {
	case lua.OP_GETGLOBAL:
		kind = "global"
		name, ok = key(partBx(inst))
	case lua.OP_GETTABLE, lua.OP_GETTABLEKS:
		kind, name, ok = "field", "?", true
		if c := partC(inst); c&constantBit != 0 {
			if text, isText := key(c &^ constantBit); isText {
				name = text
			}
		}
	case lua.OP_SELF:
		kind = "method"
		if c := partC(inst); c&constantBit != 0 {
			name, ok = key(c &^ constantBit)
		}
	case lua.OP_GETUPVAL:
		if at := int(partB(inst)); at < len(fn.Proto.DbgUpvalues) {
			kind, name, ok = "upvalue", fn.Proto.DbgUpvalues[at], true
		}
	case lua.OP_MOVE:
		if from := partB(inst); from < partA(inst) {
			return origin(fn, pc, int(from))
		}
	}
	if !ok {
		return ""
	}
	return kind + " '" + name + "'"
}
