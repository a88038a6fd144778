package lua

import (
	"math"
	"strings"

	"github.com/redraftdb/redraft/fsm/reply"
	lua "github.com/yuin/gopher-lua"
)

// answerDepth is how deeply tables of an answer may be nested, about where Lua's stack ends in Redis.
const answerDepth = 7990

const errDepth = "ERR reached lua stack limit"

// answer writes a value that a script returned. What it costs is counted first, so that a table that contains
// itself does not come out in part.
func (e *Engine) answer(v lua.LValue, out reply.Sink) {
	if !e.affords(v, 0) {
		out.Error("ERR " + errTooLong)
		return
	}
	e.write(v, 0, out)
}

// affords counts an instruction for each part of an answer and reports whether there were as many left.
func (e *Engine) affords(v lua.LValue, depth int) bool {
	e.steps--
	t, ok := v.(*lua.LTable)
	if e.steps < 0 || !ok || depth >= answerDepth {
		return e.steps >= 0
	}
	if inner, ok := t.RawGetString("map").(*lua.LTable); ok {
		return e.affordsKeys(inner, depth, true)
	}
	if inner, ok := t.RawGetString("set").(*lua.LTable); ok {
		return e.affordsKeys(inner, depth, false)
	}
	for i := 1; ; i++ {
		part := t.RawGetInt(i)
		if part == lua.LNil {
			return true
		}
		if !e.affords(part, depth+1) {
			return false
		}
	}
}

func (e *Engine) affordsKeys(t *lua.LTable, depth int, values bool) bool {
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if !e.affords(k, depth+1) || values && !e.affords(v, depth+1) {
			return false
		}
	}
	return true
}

func (e *Engine) write(v lua.LValue, depth int, out reply.Sink) {
	switch v := v.(type) {
	case lua.LString:
		out.Text(string(v))
	case lua.LNumber:
		out.Int(integer(float64(v)))
	case lua.LBool:
		switch {
		case e.protocol == 3:
			out.Bool(bool(v))
		case bool(v):
			out.Int(1)
		default:
			out.Null()
		}
	case *lua.LTable:
		if depth >= answerDepth {
			out.Error(errDepth)
			return
		}
		e.writeTable(v, depth, out)
	default:
		out.Null()
	}
}

// integer is a number as C converts it: what does not fit is the least of all.
func integer(f float64) int64 {
	if f >= -math.Exp2(63) && f < math.Exp2(63) {
		return int64(f)
	}
	return math.MinInt64
}

// writeTable writes what a table stands for: one of the replies that a single field names, or an array.
func (e *Engine) writeTable(t *lua.LTable, depth int, out reply.Sink) {
	if text, ok := t.RawGetString("err").(lua.LString); ok {
		if depth == 0 {
			e.repeats(t, string(text))
		}
		out.Error(string(text))
		return
	}
	if text, ok := t.RawGetString("ok").(lua.LString); ok {
		out.Status(oneLine(string(text)))
		return
	}
	if n, ok := t.RawGetString("double").(lua.LNumber); ok {
		out.Double(float64(n))
		return
	}
	if n, ok := t.RawGetString("big_number").(lua.LString); ok {
		out.BigNumber(oneLine(string(n)))
		return
	}
	if inner, ok := t.RawGetString("verbatim_string").(*lua.LTable); ok {
		format, ok1 := inner.RawGetString("format").(lua.LString)
		text, ok2 := inner.RawGetString("string").(lua.LString)
		if ok1 && ok2 {
			out.Verbatim(string(format), string(text))
			return
		}
	}
	if inner, ok := t.RawGetString("map").(*lua.LTable); ok {
		out.Map(keys(inner))
		for k, v := inner.Next(lua.LNil); k != lua.LNil; k, v = inner.Next(k) {
			e.write(k, depth+1, out)
			e.write(v, depth+1, out)
		}
		return
	}
	if inner, ok := t.RawGetString("set").(*lua.LTable); ok {
		out.Set(keys(inner))
		for k, _ := inner.Next(lua.LNil); k != lua.LNil; k, _ = inner.Next(k) {
			e.write(k, depth+1, out)
		}
		return
	}
	n := 0
	for t.RawGetInt(n+1) != lua.LNil {
		n++
	}
	out.Array(n)
	for i := range n {
		e.write(t.RawGetInt(i+1), depth+1, out)
	}
}

// keys is how many keys a table has.
func keys(t *lua.LTable) (n int) {
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		n++
	}
	return n
}

// oneLine is a text without ends of lines.
func oneLine(s string) string {
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}

// errorText is the error reply to a script that raised an error; name is the script's, or the function's.
func (e *Engine) errorText(object lua.LValue, name string) string {
	text := "ERR unknown error"
	switch v := object.(type) {
	case lua.LString:
		text = "ERR " + string(v)
	case lua.LNumber:
		text = "ERR " + formatNumber(float64(v))
	case *lua.LTable:
		if s, ok := v.RawGetString("err").(lua.LString); ok {
			text = string(s)
		}
	case lua.LBool, *lua.LNilType:
		text = "ERR " + v.String()
	}
	if e.place.source != "" {
		text += " script: " + name + ", on @" + e.place.source + ":" + formatNumber(float64(e.place.line)) + "."
	}
	return text
}

// repeats tells the Host of an answer that is an error which it has counted already.
func (e *Engine) repeats(object lua.LValue, text string) {
	if t, ok := object.(*lua.LTable); ok && t.RawGetString(counted) == lua.LTrue {
		e.host.Repeats(text)
	}
}
