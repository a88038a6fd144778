package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const (
	capturesMost = 32
	matchDepth   = 1000 // how often the matcher may call itself
)

// What a capture holds instead of a length.
const (
	captureOpen     = -1
	capturePosition = -2
)

// capture is a part of the subject that the pattern singles out.
type capture struct{ from, length int }

// matcher matches one pattern against one subject. Each step counts as an instruction, so a pattern that goes
// back again and again ends with the run.
type matcher struct {
	e        *Engine
	L        *lua.LState
	subject  string
	pattern  string
	captures []capture
	depth    int
}

// match matches the pattern from p on at the subject's s, and returns where the match ends, -1 if there is none.
func (m *matcher) match(s, p int) int {
	m.depth++
	if m.depth > matchDepth {
		m.e.fail(m.L, "pattern too complex")
	}
	end := m.follow(s, p)
	m.depth--
	return end
}

// follow goes along the pattern until it has to try more than one way.
func (m *matcher) follow(s, p int) int {
	for {
		m.e.work(m.L, 1)
		if p == len(m.pattern) {
			return s
		}
		switch c := m.pattern[p]; {
		case c == '(':
			if m.at(p+1) == ')' {
				return m.open(s, p+2, capturePosition)
			}
			return m.open(s, p+1, captureOpen)
		case c == ')':
			return m.shut(s, p+1)
		case c == '$' && p+1 == len(m.pattern):
			if s == len(m.subject) {
				return s
			}
			return -1
		case c == '%' && m.at(p+1) == 'b':
			if s = m.balanced(s, p+2); s < 0 {
				return -1
			}
			p += 4
			continue
		case c == '%' && m.at(p+1) == 'f':
			p += 2
			if m.at(p) != '[' {
				m.e.fail(m.L, "missing '[' after '%%f' in pattern")
			}
			end := m.classEnd(p)
			if m.inSet(m.before(s), p, end) || !m.inSet(m.here(s), p, end) {
				return -1
			}
			p = end
			continue
		case c == '%' && isDigit(m.at(p+1)):
			if s = m.again(s, m.pattern[p+1]); s < 0 {
				return -1
			}
			p += 2
			continue
		}
		end := m.classEnd(p)
		switch m.at(end) {
		case '?':
			if s < len(m.subject) && m.single(s, p, end) {
				if r := m.match(s+1, end+1); r >= 0 {
					return r
				}
			}
			p = end + 1
		case '*':
			return m.longest(s, p, end)
		case '+':
			if s < len(m.subject) && m.single(s, p, end) {
				return m.longest(s+1, p, end)
			}
			return -1
		case '-':
			return m.shortest(s, p, end)
		default:
			if s >= len(m.subject) || !m.single(s, p, end) {
				return -1
			}
			s++
			p = end
		}
	}
}

// at is a byte of the pattern, 0 behind it.
func (m *matcher) at(p int) byte {
	if p < len(m.pattern) {
		return m.pattern[p]
	}
	return 0
}

// here and before are the bytes at a place of the subject and in front of it, 0 outside of it.
func (m *matcher) here(s int) byte {
	if s < len(m.subject) {
		return m.subject[s]
	}
	return 0
}

func (m *matcher) before(s int) byte {
	if s > 0 {
		return m.subject[s-1]
	}
	return 0
}

// classEnd is where the single class that begins at p ends.
func (m *matcher) classEnd(p int) int {
	c := m.pattern[p]
	p++
	switch c {
	case '%':
		if p >= len(m.pattern) {
			m.e.fail(m.L, "malformed pattern (ends with '%%')")
		}
		return p + 1
	case '[':
		if m.at(p) == '^' {
			p++
		}
		for first := true; first || m.at(p) != ']'; first = false {
			if p >= len(m.pattern) {
				m.e.fail(m.L, "malformed pattern (missing ']')")
			}
			if m.pattern[p] == '%' {
				p++
			}
			p++
		}
		if p >= len(m.pattern) {
			m.e.fail(m.L, "malformed pattern (missing ']')")
		}
		return p + 1
	}
	return p
}

// single reports whether the byte at s is of the class from p to end.
func (m *matcher) single(s, p, end int) bool {
	c := m.subject[s]
	switch m.pattern[p] {
	case '.':
		return true
	case '%':
		return inClass(c, m.pattern[p+1])
	case '[':
		return m.inSet(c, p, end)
	}
	return c == m.pattern[p]
}

// inSet reports whether a byte is of the set in brackets from p to end.
func (m *matcher) inSet(c byte, p, end int) bool {
	p++
	m.e.work(m.L, (end-p)/valuesAStep)
	in := true
	if m.pattern[p] == '^' {
		in = false
		p++
	}
	for last := end - 1; p < last; p++ {
		switch {
		case m.pattern[p] == '%':
			p++
			if inClass(c, m.pattern[p]) {
				return in
			}
		case p+2 < last && m.pattern[p+1] == '-':
			if m.pattern[p] <= c && c <= m.pattern[p+2] {
				return in
			}
			p += 2
		case m.pattern[p] == c:
			return in
		}
	}
	return !in
}

// longest matches a class as often as it can be, then the rest of the pattern.
func (m *matcher) longest(s, p, end int) int {
	n := 0
	for s+n < len(m.subject) && m.single(s+n, p, end) {
		n++
	}
	m.e.work(m.L, n/valuesAStep)
	for ; n >= 0; n-- {
		if r := m.match(s+n, end+1); r >= 0 {
			return r
		}
	}
	return -1
}

// shortest matches a class as seldom as it can be.
func (m *matcher) shortest(s, p, end int) int {
	for {
		if r := m.match(s, end+1); r >= 0 {
			return r
		}
		if s >= len(m.subject) || !m.single(s, p, end) {
			return -1
		}
		s++
	}
}

// open begins a capture.
func (m *matcher) open(s, p, length int) int {
	if len(m.captures) >= capturesMost {
		m.e.fail(m.L, "too many captures")
	}
	m.captures = append(m.captures, capture{s, length})
	n := len(m.captures)
	r := m.match(s, p)
	if r < 0 {
		m.captures = m.captures[:n-1]
	}
	return r
}

// shut ends the capture that was begun last.
func (m *matcher) shut(s, p int) int {
	i := len(m.captures) - 1
	for ; i >= 0 && m.captures[i].length != captureOpen; i-- {
	}
	if i < 0 {
		m.e.fail(m.L, "invalid pattern capture")
	}
	m.captures[i].length = s - m.captures[i].from
	r := m.match(s, p)
	if r < 0 {
		m.captures[i].length = captureOpen
	}
	return r
}

// balanced matches %bxy, whose two bytes are at p.
func (m *matcher) balanced(s, p int) int {
	if p+1 >= len(m.pattern) {
		m.e.fail(m.L, "unbalanced pattern")
	}
	if s >= len(m.subject) || m.subject[s] != m.pattern[p] {
		return -1
	}
	depth := 1
	for i := s + 1; i < len(m.subject); i++ {
		switch m.subject[i] {
		case m.pattern[p+1]:
			depth--
			if depth == 0 {
				m.e.work(m.L, (i-s)/valuesAStep)
				return i + 1
			}
		case m.pattern[p]:
			depth++
		}
	}
	m.e.work(m.L, (len(m.subject)-s)/valuesAStep)
	return -1
}

// again matches what a capture has matched, %1.
func (m *matcher) again(s int, digit byte) int {
	i := int(digit) - '1'
	if i < 0 || i >= len(m.captures) || m.captures[i].length == captureOpen {
		m.e.fail(m.L, "invalid capture index")
	}
	c := m.captures[i]
	part := m.subject[c.from : c.from+max(0, c.length)]
	m.e.work(m.L, len(part)/bytesAStep)
	if strings.HasPrefix(m.subject[s:], part) {
		return s + len(part)
	}
	return -1
}

// value is the i-th capture, or the whole match from s to end if there is none.
func (m *matcher) value(i, s, end int) lua.LValue {
	if i >= len(m.captures) {
		if i != 0 {
			m.e.fail(m.L, "invalid capture index")
		}
		return m.part(s, end)
	}
	switch c := m.captures[i]; c.length {
	case captureOpen:
		m.e.fail(m.L, "unfinished capture")
	case capturePosition:
		return lua.LNumber(c.from + 1)
	default:
		return m.part(c.from, c.from+c.length)
	}
	return lua.LNil
}

// part is a copy of a part of the subject, which would be kept as a whole for it otherwise.
func (m *matcher) part(from, to int) lua.LString {
	m.e.grow(m.L, stringSize+to-from)
	m.e.work(m.L, (to-from)/bytesAStep)
	return lua.LString(strings.Clone(m.subject[from:to]))
}

// push pushes the captures; without any, the whole match if it is asked for.
func (m *matcher) push(s, end int, whole bool) int {
	n := len(m.captures)
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		m.L.Push(m.value(i, s, end))
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// inClass reports whether a byte is of the class of a letter, in the C locale.
func inClass(c, class byte) bool {
	var in bool
	switch lower(class) {
	case 'a':
		in = isLetter(c)
	case 'c':
		in = c < ' ' || c == 0x7f
	case 'd':
		in = isDigit(c)
	case 'l':
		in = 'a' <= c && c <= 'z'
	case 'p':
		in = '!' <= c && c <= '~' && !isLetter(c) && !isDigit(c)
	case 's':
		in = c == ' ' || '\t' <= c && c <= '\r'
	case 'u':
		in = 'A' <= c && c <= 'Z'
	case 'w':
		in = isLetter(c) || isDigit(c)
	case 'x':
		in = isDigit(c) || 'a' <= lower(c) && lower(c) <= 'f'
	case 'z':
		in = c == 0
	default:
		return c == class
	}
	if 'A' <= class && class <= 'Z' {
		return !in
	}
	return in
}

func isLetter(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' }
