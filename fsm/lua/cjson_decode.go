package lua

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

// jsonDecode reads a value from JSON.
func jsonDecode(e *Engine, L *lua.LState, s *jsonSettings, null *lua.LUserData) int {
	if L.GetTop() != 1 {
		badArgument(L, 1, "expected 1 argument")
	}
	text := checkString(L, 1)
	if len(text) >= 2 && (text[0] == 0 || text[1] == 0) {
		e.fail(L, "JSON parser does not support UTF-16 or UTF-32")
	}
	d := jsonDecoder{hold: hold{engine: e, L: L}, settings: s, null: null, text: untilNUL(text), slots: 1}
	defer d.end()
	d.next()
	v := d.value()
	d.next()
	if d.token.kind != jsonEnd {
		d.expected("the end")
	}
	L.Push(v)
	return 1
}

// jsonKind is what a token is.
type jsonKind int

const (
	jsonObjectBegin jsonKind = iota
	jsonObjectEnd
	jsonArrayBegin
	jsonArrayEnd
	jsonColon
	jsonComma
	jsonValue // a string, number, boolean or null, of which value tells
	jsonEnd
	jsonError
)

// jsonToken is a piece of JSON.
type jsonToken struct {
	kind  jsonKind
	name  string     // as errors call it; of jsonError, what is wrong
	at    int        // its first byte, or the byte that is wrong
	value lua.LValue // of jsonValue
}

// jsonDecoder reads JSON.
type jsonDecoder struct {
	hold
	settings *jsonSettings
	null     *lua.LUserData
	text     string
	at       int // how far it got
	token    jsonToken
	depth    int // how many arrays and objects are open
	slots    int // how many values Lua 5.1 would have on the stack, which limits nesting
	values   []lua.LValue
}

// expected throws the error of a token that is not what has to come.
func (d *jsonDecoder) expected(what string) {
	d.engine.fail(d.L, "Expected %s but found %s at character %d", what, d.token.name, d.token.at+1)
}

// value reads the value that the current token is or begins.
func (d *jsonDecoder) value() lua.LValue {
	switch d.token.kind {
	case jsonValue:
		return d.token.value
	case jsonObjectBegin:
		return d.object()
	case jsonArrayBegin:
		return d.array()
	}
	d.expected("value")
	return nil
}

// descend enters an array or object, which needs so much of the stack.
func (d *jsonDecoder) descend(slots int) {
	d.depth++
	if d.depth > int(d.settings.decodeDepth) || d.slots+slots > maxSlots {
		d.engine.fail(d.L, "Found too many nested data structures (%d) at character %d", d.depth, d.at)
	}
}

// object reads an object up to its brace. Of keys that are equal the last counts.
func (d *jsonDecoder) object() lua.LValue {
	d.descend(3)
	d.slots += 2 // the table and a key
	first := len(d.values)
	for d.next(); d.token.kind != jsonObjectEnd || len(d.values) > first; d.next() {
		key, isString := d.token.value.(lua.LString)
		if d.token.kind != jsonValue || !isString {
			d.expected("object key string")
		}
		if d.next(); d.token.kind != jsonColon {
			d.expected("colon")
		}
		d.next()
		d.values = append(d.values, key, d.value())
		if d.next(); d.token.kind == jsonObjectEnd {
			break
		} else if d.token.kind != jsonComma {
			d.expected("comma or object end")
		}
	}
	pairs := d.values[first:]
	t := d.newTable(0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		t.RawSet(pairs[i], pairs[i+1])
	}
	d.leave(first, 2)
	return t
}

// array reads an array up to its bracket.
func (d *jsonDecoder) array() lua.LValue {
	d.descend(2)
	d.slots++ // the table
	first := len(d.values)
	for d.next(); d.token.kind != jsonArrayEnd || len(d.values) > first; d.next() {
		d.values = append(d.values, d.value())
		if d.next(); d.token.kind == jsonArrayEnd {
			break
		} else if d.token.kind != jsonComma {
			d.expected("comma or array end")
		}
	}
	elements := d.values[first:]
	t := d.newTable(len(elements), 0)
	for i, v := range elements {
		t.RawSetInt(i+1, v)
	}
	d.leave(first, 1)
	return t
}

// leave gives back what an array or object has taken.
func (d *jsonDecoder) leave(first, slots int) {
	clear(d.values[first:])
	d.values = d.values[:first]
	d.slots -= slots
	d.depth--
}

// next reads a token.
func (d *jsonDecoder) next() {
	d.engine.work(d.L, stepsAValue)
	d.pay(valueSize)
	for d.at < len(d.text) && strings.IndexByte(" \t\n\r", d.text[d.at]) >= 0 {
		d.at++
	}
	rest := d.text[d.at:]
	if rest == "" {
		d.token = jsonToken{kind: jsonEnd, name: "T_END", at: d.at}
		return
	}
	switch c := rest[0]; {
	case c == '{':
		d.take(1, jsonObjectBegin, "T_OBJ_BEGIN", nil)
	case c == '}':
		d.take(1, jsonObjectEnd, "T_OBJ_END", nil)
	case c == '[':
		d.take(1, jsonArrayBegin, "T_ARR_BEGIN", nil)
	case c == ']':
		d.take(1, jsonArrayEnd, "T_ARR_END", nil)
	case c == ':':
		d.take(1, jsonColon, "T_COLON", nil)
	case c == ',':
		d.take(1, jsonComma, "T_COMMA", nil)
	case c == '"':
		d.string()
	case c == '-' || isDigit(c):
		d.number()
	case strings.HasPrefix(rest, "true"):
		d.take(4, jsonValue, "T_BOOLEAN", lua.LTrue)
	case strings.HasPrefix(rest, "false"):
		d.take(5, jsonValue, "T_BOOLEAN", lua.LFalse)
	case strings.HasPrefix(rest, "null"):
		d.take(4, jsonValue, "T_NULL", d.null)
	case d.settings.decodeInvalid == 1 && isInvalidNumber(rest):
		d.number()
	default:
		d.wrong("invalid token")
	}
}

// take makes the next n bytes the token.
func (d *jsonDecoder) take(n int, kind jsonKind, name string, v lua.LValue) {
	d.token = jsonToken{kind: kind, name: name, at: d.at, value: v}
	d.at += n
}

// wrong makes an error the token.
func (d *jsonDecoder) wrong(what string) {
	d.token = jsonToken{kind: jsonError, name: what, at: d.at}
}

// number reads a number, with all that C takes for one unless that is forbidden.
func (d *jsonDecoder) number() {
	rest := d.text[d.at:]
	f, n := scanNumber(rest)
	if n == 0 || d.settings.decodeInvalid == 0 && isInvalidNumber(rest) {
		d.wrong("invalid number")
		return
	}
	d.take(n, jsonValue, "T_NUMBER", lua.LNumber(f))
}

// isInvalidNumber reports whether s begins with a number that C takes and JSON does not: with a
// plus, leading zeros, hexadecimal, infinite or undefined.
func isInvalidNumber(s string) bool {
	if s[0] == '+' {
		return true
	}
	s = strings.TrimPrefix(s, "-")
	if s == "" {
		return false
	}
	if s[0] == '0' {
		return len(s) > 1 && (isDigit(s[1]) || s[1]|0x20 == 'x')
	}
	return hasWord(s, "inf") || hasWord(s, "nan")
}

// string reads a string.
func (d *jsonDecoder) string() {
	begin := d.at
	d.at++
	var unescaped []byte // what is read before done, if anything was escaped
	done := d.at
	for {
		n := strings.IndexAny(d.text[d.at:], `"\`)
		if n < 0 {
			d.at = len(d.text)
			d.wrong("unexpected end of string")
			return
		}
		d.at += n
		if d.text[d.at] == '"' {
			break
		}
		unescaped = append(unescaped, d.text[done:d.at]...)
		c, length, complaint := jsonUnescape(d.text[d.at:])
		if complaint != "" {
			d.wrong(complaint)
			return
		}
		unescaped = utf8.AppendRune(unescaped, c)
		d.at += length
		done = d.at
	}
	s := d.text[done:d.at]
	if unescaped != nil {
		s = string(unescaped) + s
	}
	d.engine.work(d.L, len(s)/bytesAStep)
	d.pay(stringSize + len(s))
	d.at++
	d.token = jsonToken{kind: jsonValue, name: "T_STRING", at: begin, value: lua.LString(s)}
}

// jsonUnescape reads the escape at the head of s, which begins with a backslash: what it stands for,
// how long it is, and what is wrong with it.
func jsonUnescape(s string) (c rune, length int, complaint string) {
	if len(s) < 2 {
		return 0, 0, "invalid escape code"
	}
	switch s[1] {
	case '"', '\\', '/':
		return rune(s[1]), 2, ""
	case 'b':
		return '\b', 2, ""
	case 'f':
		return '\f', 2, ""
	case 'n':
		return '\n', 2, ""
	case 'r':
		return '\r', 2, ""
	case 't':
		return '\t', 2, ""
	case 'u':
		if c, length = jsonUnicode(s); length == 0 {
			return 0, 0, "invalid unicode escape code"
		}
		return c, length, ""
	}
	return 0, 0, "invalid escape code"
}

// jsonUnicode reads \u and four digits, or two of them if they are the halves of one character. A
// length of 0 says that they are not.
func jsonUnicode(s string) (c rune, length int) {
	c, ok := jsonHex(s)
	switch {
	case !ok:
		return 0, 0
	case !utf16.IsSurrogate(c):
		return c, 6
	}
	low, ok := jsonHex(s[6:])
	if c = utf16.DecodeRune(c, low); !ok || c == utf8.RuneError {
		return 0, 0
	}
	return c, 12
}

// jsonHex reads \u and four digits.
func jsonHex(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' || scanDigits(s[2:6], isHexDigit) != 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}
