package lua

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// jsonEncode writes a value as JSON.
func jsonEncode(e *Engine, L *lua.LState, s *jsonSettings, null *lua.LUserData) int {
	if L.GetTop() != 1 {
		badArgument(L, 1, "expected 1 argument")
	}
	j := jsonEncoder{output: output{hold: hold{engine: e, L: L}}, settings: s, null: null, slots: 1}
	defer j.end()
	j.value(L.Get(1), 0)
	return e.push(L, string(j.text))
}

// jsonEncoder writes JSON.
type jsonEncoder struct {
	output
	settings *jsonSettings
	null     *lua.LUserData
	slots    int // how many values Lua 5.1 would have on the stack, which limits nesting
}

// cannot throws the error of a value that JSON has no words for.
func (e *jsonEncoder) cannot(v lua.LValue, why string) {
	e.engine.fail(e.L, "Cannot serialise %s: %s", v.Type(), why)
}

// value writes a value that is inside of so many tables.
func (e *jsonEncoder) value(v lua.LValue, depth int) {
	e.engine.work(e.L, stepsAValue)
	switch v := v.(type) {
	case lua.LString:
		e.quoted(string(v))
	case lua.LNumber:
		e.number(float64(v))
	case lua.LBool:
		e.addText(v.String())
	case *lua.LNilType:
		e.addText("null")
	case *lua.LTable:
		e.table(v, depth+1)
	case *lua.LUserData:
		if v != e.null {
			e.cannot(v, "type not supported")
		}
		e.addText("null")
	default:
		e.cannot(v, "type not supported")
	}
}

// table writes a table as an array if its keys are numbers from 1 on and there are any, else as an
// object.
func (e *jsonEncoder) table(t *lua.LTable, depth int) {
	if depth > int(e.settings.encodeDepth) || e.slots+3 > maxSlots {
		e.engine.fail(e.L, "Cannot serialise, excessive nesting (%d)", depth)
	}
	if length := e.arrayLength(t); length > 0 {
		e.array(t, length, depth)
	} else {
		e.object(t, depth)
	}
}

// arrayLength is how long a table is as an array, or not positive if it is no array. Indexes are of
// 32 bits, as in C: larger ones make the table an object.
func (e *jsonEncoder) arrayLength(t *lua.LTable) int32 {
	s := e.settings
	length, items := int32(0), int32(0)
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		n, isNumber := k.(lua.LNumber)
		if !isNumber || float64(n) < 1 || math.Floor(float64(n)) != float64(n) {
			return -1
		}
		if n > lua.LNumber(length) {
			length = toInt32(float64(n))
		}
		items++
	}
	if s.sparseRatio > 0 && length > items*s.sparseRatio && length > s.sparseSafe {
		if s.sparseConvert == 0 {
			e.cannot(t, "excessively sparse array")
		}
		return -1
	}
	return length
}

func (e *jsonEncoder) array(t *lua.LTable, length int32, depth int) {
	e.add('[')
	e.slots++ // the element
	for i := int32(1); ; i++ {
		e.value(t.RawGet(lua.LNumber(i)), depth)
		if i == length {
			break
		}
		e.add(',')
	}
	e.slots--
	e.add(']')
}

func (e *jsonEncoder) object(t *lua.LTable, depth int) {
	e.add('{')
	e.slots += 2 // the key and the value
	first := true
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if !first {
			e.add(',')
		}
		first = false
		switch k := k.(type) {
		case lua.LString:
			e.quoted(string(k))
		case lua.LNumber:
			e.add('"')
			e.number(float64(k))
			e.add('"')
		default:
			e.cannot(k, "table key must be a number or string")
		}
		e.add(':')
		e.value(v, depth)
	}
	e.slots -= 2
	e.add('}')
}

func (e *jsonEncoder) number(f float64) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		switch {
		case e.settings.encodeInvalid == 0:
			e.cannot(lua.LNumber(f), "must not be NaN or Inf")
		case e.settings.encodeInvalid == 2:
			e.addText("null")
			return
		case math.IsNaN(f):
			e.addText("nan") // of either sign
			return
		}
	}
	e.addText(formatG(f, int(e.settings.numberPrecision)))
}

// quoted writes a string, whose bytes above 127 are left as they are.
func (e *jsonEncoder) quoted(s string) {
	e.add('"')
	done := 0
	for i := range len(s) {
		if escape := jsonEscape(s[i]); escape != "" {
			e.addText(s[done:i])
			e.addText(escape)
			done = i + 1
		}
	}
	e.addText(s[done:])
	e.add('"')
}

// jsonEscape is how a byte that cannot stand for itself in a string is written.
func jsonEscape(c byte) string {
	switch c {
	case '"':
		return `\"`
	case '\\':
		return `\\`
	case '/':
		return `\/`
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	if c < ' ' || c == 0x7f {
		const digits = "0123456789abcdef"
		return `\u00` + string([]byte{digits[c>>4], digits[c&15]})
	}
	return ""
}
