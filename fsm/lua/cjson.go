package lua

import (
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// jsonSettings are what a script may set of cjson. A library has its own, and so has each that its
// function new makes.
type jsonSettings struct {
	sparseConvert   int32 // 1: a table with too many holes is an object, 0: it is an error
	sparseRatio     int32 // at most so many times as long as it has elements, 0: any
	sparseSafe      int32 // that short it may have any holes
	encodeDepth     int32
	decodeDepth     int32
	encodeInvalid   int32 // infinities and NaN: 0 is an error, 1 writes them, 2 writes null
	decodeInvalid   int32 // numbers that JSON does not know: 0 is an error, 1 reads them
	keepBuffer      int32 // the C library's buffer, which has no equal here
	numberPrecision int32 // significant digits
}

// defaults are the settings that a run begins with.
func (s *jsonSettings) defaults() {
	*s = jsonSettings{
		sparseRatio: 2, sparseSafe: 10, encodeDepth: 1000, decodeDepth: 1000,
		decodeInvalid: 1, keepBuffer: 1, numberPrecision: 14,
	}
}

// openJSON makes the library cjson. What a script sets is forgotten at its end, since the scripts of other nodes
// would know nothing of it.
func openJSON(e *Engine) *lua.LTable { return e.newJSON(&e.json, e.opaque()) }

// newJSON makes a library with these settings. null is what stands for JSON's null, which Lua's
// tables could not hold as nil; the libraries of an engine have it in common.
func (e *Engine) newJSON(s *jsonSettings, null *lua.LUserData) *lua.LTable {
	t := e.table(map[string]function{
		"encode":                  func(e *Engine, L *lua.LState) int { return jsonEncode(e, L, s, null) },
		"decode":                  func(e *Engine, L *lua.LState) int { return jsonDecode(e, L, s, null) },
		"encode_sparse_array":     s.setSparseArray,
		"encode_max_depth":        jsonInteger(&s.encodeDepth, 1, math.MaxInt32),
		"decode_max_depth":        jsonInteger(&s.decodeDepth, 1, math.MaxInt32),
		"encode_number_precision": jsonInteger(&s.numberPrecision, 1, 14),
		"encode_keep_buffer":      jsonSwitch(&s.keepBuffer, "off", "on"),
		"encode_invalid_numbers":  jsonSwitch(&s.encodeInvalid, "off", "on", "null"),
		"decode_invalid_numbers":  jsonSwitch(&s.decodeInvalid, "off", "on"),
		"new": func(e *Engine, L *lua.LState) int {
			s := new(jsonSettings)
			s.defaults()
			e.grow(L, tableSize+16*(entrySize+closureSize))
			L.Push(e.newJSON(s, null))
			return 1
		},
	})
	t.RawSetString("null", null)
	t.RawSetString("_NAME", lua.LString("cjson"))
	t.RawSetString("_VERSION", lua.LString("2.1.0")) // whose answers these are
	return t
}

// setSparseArray sets and returns what becomes of arrays with holes: whether they are converted,
// the ratio and the safe length.
func (s *jsonSettings) setSparseArray(e *Engine, L *lua.LState) int {
	jsonArguments(e, L, 3)
	setSwitch(e, L, 1, &s.sparseConvert, "off", "on")
	setInteger(e, L, 2, &s.sparseRatio, 0, math.MaxInt32)
	setInteger(e, L, 3, &s.sparseSafe, 0, math.MaxInt32)
	return 3
}

// jsonInteger is the function that sets and returns a number.
func jsonInteger(setting *int32, least, most int32) function {
	return func(e *Engine, L *lua.LState) int {
		jsonArguments(e, L, 1)
		setInteger(e, L, 1, setting, least, most)
		return 1
	}
}

// jsonSwitch is the function that sets and returns one of some words.
func jsonSwitch(setting *int32, words ...string) function {
	return func(e *Engine, L *lua.LState) int {
		jsonArguments(e, L, 1)
		setSwitch(e, L, 1, setting, words...)
		return 1
	}
}

// jsonArguments holds that there are no more than so many arguments, and makes those missing nil.
func jsonArguments(e *Engine, L *lua.LState, most int) {
	if L.GetTop() > most {
		badArgument(L, most+1, "found too many arguments")
	}
	L.SetTop(most)
}

// setInteger sets a number to argument n unless that is nil, and pushes it. What is out of range
// is said of the first argument, whichever it is.
func setInteger(e *Engine, L *lua.LState, n int, setting *int32, least, most int32) {
	if L.Get(n) != lua.LNil {
		value := int32(checkInteger(L, n))
		if value < least || value > most {
			badArgument(L, 1, fmt.Sprintf("expected integer between %d and %d", least, most))
		}
		*setting = value
	}
	L.Push(lua.LNumber(*setting))
}

// setSwitch sets to argument n, one of the words or a boolean for the first two, and pushes what is
// set: the first two as a boolean.
func setSwitch(e *Engine, L *lua.LState, n int, setting *int32, words ...string) {
	switch v := L.Get(n).(type) {
	case *lua.LNilType:
	case lua.LBool:
		*setting = 0
		if v {
			*setting = 1
		}
	default:
		*setting = int32(checkOption(L, n, words))
	}
	if *setting <= 1 {
		L.Push(lua.LBool(*setting == 1))
	} else {
		L.Push(lua.LString(words[*setting]))
	}
}
