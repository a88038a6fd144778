package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func stringFind(e *Engine, L *lua.LState) int  { return e.find(L, true) }
func stringMatch(e *Engine, L *lua.LState) int { return e.find(L, false) }

// find is string.find and string.match, which look for a pattern from a place on.
func (e *Engine) find(L *lua.LState, places bool) int {
	s, pattern := text(L, 1), text(L, 2)
	from := min(max(position(optional(L, 3, 1), len(s))-1, 0), len(s))
	if places && (lua.LVAsBool(L.Get(4)) || !strings.ContainsAny(pattern, "^$*+?.([%-")) {
		e.work(L, (len(s)-from+len(pattern))/bytesAStep)
		at := strings.Index(s[from:], pattern)
		if at < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(lua.LNumber(from + at + 1))
		L.Push(lua.LNumber(from + at + len(pattern)))
		return 2
	}
	m := matcher{e: e, L: L, subject: s}
	var anchored bool
	m.pattern, anchored = strings.CutPrefix(pattern, "^")
	for ; from <= len(s); from++ {
		m.captures = m.captures[:0]
		end := m.match(from, 0)
		if end >= 0 && places {
			L.Push(lua.LNumber(from + 1))
			L.Push(lua.LNumber(end))
			return m.push(from, end, false) + 2
		}
		if end >= 0 {
			return m.push(from, end, true)
		}
		if anchored {
			break
		}
	}
	L.Push(lua.LNil)
	return 1
}

func stringGFind(e *Engine, L *lua.LState) int {
	e.fail(L, "'string.gfind' was renamed to 'string.gmatch'")
	return 0
}

// stringGMatch returns a function that finds the next match each time it is called.
func stringGMatch(e *Engine, L *lua.LState) int {
	s, pattern := text(L, 1), text(L, 2)
	e.grow(L, closureSize)
	from := 0
	next := func(L *lua.LState) int {
		m := matcher{e: e, L: L, subject: s, pattern: pattern}
		for ; from <= len(s); from++ {
			m.captures = m.captures[:0]
			if end := m.match(from, 0); end >= 0 {
				at := from
				from = end
				if end == at {
					from++
				}
				return m.push(at, end, true)
			}
		}
		return 0
	}
	L.Push(L.NewClosure(next, lua.LString(s), lua.LString(pattern))) // so that they are seen to be held
	return 1
}

func stringGSub(e *Engine, L *lua.LState) int {
	s, pattern, with := text(L, 1), text(L, 2), L.Get(3)
	switch with.(type) {
	case lua.LString, lua.LNumber, *lua.LTable, *lua.LFunction:
	default:
		badArgument(L, 3, "string/function/table expected")
	}
	most := optional(L, 4, len(s)+1)
	m := matcher{e: e, L: L, subject: s}
	var anchored bool
	m.pattern, anchored = strings.CutPrefix(pattern, "^")
	out := e.newBuilder()
	defer out.end()
	from, n := 0, 0
	for n < most {
		m.captures = m.captures[:0]
		end := m.match(from, 0)
		if end >= 0 {
			n++
			m.substitute(out, from, end, with)
		}
		switch {
		case end > from:
			from = end
		case from < len(s):
			out.write(L, s[from:from+1])
			from++
		default:
			from = len(s) + 1
		}
		if from > len(s) || anchored {
			break
		}
	}
	if from <= len(s) {
		out.write(L, s[from:])
	}
	e.push(L, out.String())
	L.Push(lua.LNumber(n))
	return 2
}

// substitute writes what comes in the place of a match.
func (m *matcher) substitute(out *builder, s, end int, with lua.LValue) {
	var v lua.LValue
	switch with := with.(type) {
	case *lua.LTable:
		v = m.L.GetTable(with, m.value(0, s, end))
	case *lua.LFunction:
		m.L.Push(with)
		m.L.Call(m.push(s, end, true), 1)
		v = m.L.Get(-1)
		m.L.Pop(1)
	default:
		text, _ := textOf(with)
		m.expand(out, text, s, end)
		return
	}
	if lua.LVIsFalse(v) {
		v = lua.LString(m.subject[s:end])
	}
	text, ok := textOf(v)
	if !ok {
		m.e.fail(m.L, "invalid replacement value (a %s)", v.Type())
	}
	out.write(m.L, text)
}

// expand writes a replacement in which %1 stands for a capture.
func (m *matcher) expand(out *builder, with string, s, end int) {
	for i := 0; i < len(with); i++ {
		plain := strings.IndexByte(with[i:], '%')
		if plain < 0 {
			out.write(m.L, with[i:])
			return
		}
		out.write(m.L, with[i:i+plain])
		i += plain + 1
		switch {
		case i >= len(with):
			out.write(m.L, "\x00") // as the byte behind a string in C
		case with[i] == '0':
			out.write(m.L, m.subject[s:end])
		case isDigit(with[i]):
			text, _ := textOf(m.value(int(with[i]-'1'), s, end))
			out.write(m.L, text)
		default:
			out.write(m.L, with[i:i+1])
		}
	}
}
