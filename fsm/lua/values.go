package lua

import (
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// values is the Sink that makes a command's answer a value of the script's. It raises nothing: what it costs is
// paid for when the command is over, and above most it keeps no more.
type values struct {
	L        *lua.LState
	protocol int
	result   lua.LValue
	failed   string // the error that the answer is
	open     []*aggregate
	cost     int64
	most     int64
	steps    int64 // see Answer.Work
}

var _ Answer = (*values)(nil)

// aggregate is an answer of several parts that is not complete yet.
type aggregate struct {
	into  *lua.LTable
	kind  byte // '*' an array, '%' a map, '~' a set
	parts int  // still to come
	next  int
	key   lua.LValue // of a map, when its value is to come
}

// add takes a part in.
func (s *values) add(v lua.LValue, size int) {
	s.cost += int64(size)
	if len(s.open) == 0 {
		s.result = v
		return
	}
	a := s.open[len(s.open)-1]
	if s.cost <= s.most {
		a.put(v)
	}
	a.parts--
	s.close()
}

// put puts a part into its place.
func (a *aggregate) put(v lua.LValue) {
	switch {
	case a.kind == '*':
		a.next++
		a.into.RawSetInt(a.next, v)
	case a.kind == '~':
		if v != lua.LNil {
			a.into.RawSet(v, lua.LTrue)
		}
	case a.key == nil:
		a.key = v
	default:
		if a.key != lua.LNil {
			a.into.RawSet(a.key, v)
		}
		a.key = nil
	}
}

// close closes the aggregates that are complete.
func (s *values) close() {
	for n := len(s.open); n > 0 && s.open[n-1].parts == 0; n-- {
		s.open = s.open[:n-1]
		if n > 1 {
			s.open[n-2].parts--
		}
	}
}

// begin opens an aggregate. It is taken in at once, as its parent's part, and counted when it is complete.
func (s *values) begin(kind byte, parts int, field string) {
	inner := s.L.CreateTable(0, 0)
	outer := inner
	s.cost += tableSize
	if field != "" {
		outer = s.L.CreateTable(0, 1)
		outer.RawSetString(field, inner)
		s.cost += tableSize + entrySize
	}
	if len(s.open) == 0 {
		s.result = outer
	} else if s.cost <= s.most {
		s.open[len(s.open)-1].put(outer)
	}
	s.open = append(s.open, &aggregate{into: inner, kind: kind, parts: parts})
	s.close()
}

// field takes in a table of one field.
func (s *values) field(name string, v lua.LValue, size int) {
	t := s.L.CreateTable(0, 1)
	t.RawSetString(name, v)
	s.add(t, tableSize+entrySize+size)
}

func (s *values) Status(text string) { s.field("ok", lua.LString(text), len(text)) }
func (s *values) Int(n int64)        { s.add(lua.LNumber(n), valueSize) }
func (s *values) Bulk(b []byte)      { s.add(lua.LString(b), stringSize+len(b)) }
func (s *values) Text(text string)   { s.add(lua.LString(text), stringSize+len(text)) }

// Error takes in a table with the text under err. The first error of an answer that is one makes it an error.
func (s *values) Error(text string) {
	text = errorLine(text)
	if len(s.open) == 0 {
		s.failed = text
	}
	t := s.L.CreateTable(0, 2)
	t.RawSetString("err", lua.LString(text))
	t.RawSetString(counted, lua.LTrue)
	s.add(t, tableSize+2*entrySize+len(text))
}

// Failed is the error that the answer is.
func (s *values) Failed() string { return s.failed }

// Work counts instructions.
func (s *values) Work(steps int64) { s.steps += steps }

// counted is the field of an error's table that says that the Host knows of it; Redis has it as well.
const counted = "ignore_error_stats_update"

// errorLine is an error's text on one line and with a code in front.
func errorLine(text string) string {
	text = strings.Trim(text, "\r\n")
	if !strings.Contains(text, " ") {
		return "ERR " + text
	}
	return text
}

// Double takes in a table with the number under double, or its text.
func (s *values) Double(f float64) {
	if s.protocol == 3 {
		s.field("double", lua.LNumber(f), valueSize)
		return
	}
	s.Text(formatG(f, 17))
}

// Decimal takes in what Double does.
func (s *values) Decimal(digits []byte) {
	if s.protocol != 3 {
		s.Bulk(digits)
		return
	}
	f, _ := parseNumber(string(digits))
	s.field("double", lua.LNumber(f), valueSize)
}

// BigNumber takes in a table with the digits under big_number, or the digits.
func (s *values) BigNumber(digits string) {
	if s.protocol == 3 {
		s.field("big_number", lua.LString(digits), stringSize+len(digits))
		return
	}
	s.Text(digits)
}

// Bool takes in a boolean, or 1 or 0.
func (s *values) Bool(b bool) {
	switch {
	case s.protocol == 3:
		s.add(lua.LBool(b), valueSize)
	case b:
		s.Int(1)
	default:
		s.Int(0)
	}
}

// Verbatim takes in a table with text and format under verbatim_string, or the text.
func (s *values) Verbatim(format, text string) {
	if s.protocol != 3 {
		s.Text(text)
		return
	}
	t := s.L.CreateTable(0, 2)
	t.RawSetString("string", lua.LString(text))
	t.RawSetString("format", lua.LString(format))
	s.field("verbatim_string", t, tableSize+2*entrySize+len(text))
}

// Null takes in false, which is what RESP2's nulls are to scripts, or nil.
func (s *values) Null() {
	if s.protocol == 3 {
		s.add(lua.LNil, valueSize)
		return
	}
	s.add(lua.LFalse, valueSize)
}

func (s *values) NullArray() { s.Null() }

func (s *values) Array(n int) { s.begin('*', n, "") }
func (s *values) Push(n int)  { s.begin('*', n, "") }

// Map opens a map, which in RESP2 is an array of twice the length.
func (s *values) Map(n int) {
	if s.protocol == 3 {
		s.begin('%', 2*n, "map")
		return
	}
	s.begin('*', 2*n, "")
}

// Set opens a set, which in RESP2 is an array.
func (s *values) Set(n int) {
	if s.protocol == 3 {
		s.begin('~', n, "set")
		return
	}
	s.begin('*', n, "")
}

func (s *values) RESP3() bool { return s.protocol == 3 }

// wordsOf makes a command's arguments of a function's: strings as they are, numbers with all their digits.
func (e *Engine) wordsOf(L *lua.LState) ([][]byte, bool) {
	size := 0
	for i := range L.GetTop() {
		s, _ := L.Get(i + 1).(lua.LString)
		size += stringSize + len(s)
	}
	e.draft(L, size)
	words := make([][]byte, L.GetTop())
	for i := range words {
		switch v := L.Get(i + 1).(type) {
		case lua.LString:
			words[i] = []byte(v)
		case lua.LNumber:
			words[i] = []byte(formatDigits(float64(v)))
		default:
			return nil, false
		}
	}
	return words, true
}

// formatDigits is %.17g in C, quicker for small integers.
func formatDigits(f float64) string {
	if n := int64(f); float64(n) == f && -1e15 < f && f < 1e15 && n != 0 {
		return strconv.FormatInt(n, 10)
	}
	return formatG(f, 17)
}
