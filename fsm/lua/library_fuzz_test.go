package lua

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// call calls a function of a library and returns its results, or its error. A panic that is no error
// of Lua's fails the test: the interpreter would hide it.
func call(t testing.TB, e *Engine, library, name string, args ...lua.LValue) ([]lua.LValue, error) {
	t.Helper()
	L := e.main
	e.begin(nobody{}, Limits{Steps: 10_000_000, Memory: 64 << 20})
	L.SetTop(0)
	L.Push(e.globals.RawGetString(library).(*lua.LTable).RawGetString(name))
	for _, a := range args {
		L.Push(a)
	}
	failed := e.protect(L, len(args))
	if failed != nil {
		if failed.Object == nil || failed.Object.Type() != lua.LTString || strings.Contains(failed.Object.String(), "runtime error") {
			t.Fatalf("%s.%s: %v", library, name, failed)
		}
		return nil, failed
	}
	results := make([]lua.LValue, L.GetTop())
	for i := range results {
		results[i] = L.Get(i + 1)
	}
	return results, nil
}

// FuzzJSON decodes bytes as JSON. What is decoded and can be encoded is decoded as the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-2.5e3,true,false,null],"b":{"c":"\u00e9\ud83d\ude00\n"}}`, `[[[]],{},""]`, `0x1p-3`, `[1,nan,+inf]`,
		`"\ud800"`, "[1\x00]", `{"a":1,"a":2}`, `[`, `{"":`, "\"\xff\x7f/\"", ` - `, `[1e999,1e-999]`,
	} {
		f.Add(s)
	}
	e := NewEngine()
	f.Fuzz(func(t *testing.T, s string) {
		decoded, err := call(t, e, "cjson", "decode", lua.LString(s))
		if err != nil {
			return
		}
		once, err := call(t, e, "cjson", "encode", decoded[0])
		if err != nil {
			return // an infinity, say
		}
		again, err := call(t, e, "cjson", "decode", once[0])
		if err != nil {
			t.Fatalf("%q is written as %q: %v", s, once[0], err)
		}
		twice, err := call(t, e, "cjson", "encode", again[0])
		if err != nil || once[0] != twice[0] {
			t.Fatalf("%q is written as %q, and that as %q: %v", s, once[0], twice[0], err)
		}
	})
}

// FuzzMsgpack unpacks bytes, whole and one by one. What is unpacked is packed, and that, if it is not
// nested too deeply, unpacked as the same.
func FuzzMsgpack(f *testing.F) {
	for _, s := range []string{
		"\x93\x01\xc0\xa3abc", "\x82\xa1a\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18\x01\x90", "\xdd\xff\xff\xff\xff", "\xdb\x00\x00\x00\x03abc",
		"\xdf\x00\x00\x00\x01\xc3\xc2", "\x81\xce\x03\xff\xff\xff\x01", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
		"\x81\xca\x7f\xc0\x00\x00\x01", "\x91\x91\x91\x91", "\xc1", "\x84\x02\x01\x01\x01\x05\x01\xcb\x41\xe0\x00\x00\x00\x00\x00\x00\x01",
	} {
		f.Add(s)
	}
	const shallow = 15 // bytes cannot nest as many tables as are packed
	e := NewEngine()
	f.Fuzz(func(t *testing.T, s string) {
		values, err := call(t, e, "cmsgpack", "unpack", lua.LString(s))
		if _, errOne := call(t, e, "cmsgpack", "unpack_limit", lua.LString(s), lua.LNumber(3), lua.LNumber(1)); err == nil && s == "" && errOne == nil {
			t.Fatal("nothing has a second byte")
		}
		if err != nil || len(values) == 0 || len(values) > maxSlots/2 {
			return
		}
		once, err := call(t, e, "cmsgpack", "pack", values...)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if len(s) > shallow {
			return
		}
		if values, err = call(t, e, "cmsgpack", "unpack", once[0]); err != nil {
			t.Fatalf("%q is packed as %q: %v", s, once[0], err)
		}
		if twice, err := call(t, e, "cmsgpack", "pack", values...); err != nil || once[0] != twice[0] {
			t.Fatalf("%q is packed as %q, and that as %q: %v", s, once[0], twice, err)
		}
	})
}

// FuzzStruct takes bytes apart in a format, from a position on. Where that goes well and the format has
// a size, the position behind is that of the size, and what came out can be packed.
func FuzzStruct(f *testing.F) {
	f.Add("bBhHlLTiIfdxs", "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a", 1.0)
	f.Add("!16>i3<I16!c0", "0123456789abcdef", 1.0)
	f.Add("bc0s", "\x03abcdef\x00", 1.0)
	f.Add("sc0", "2\x00ab", 1.0)
	f.Add("!1073741824d", "01234567", 2.0)
	f.Add("c2147483647i32", "", -1.0)
	f.Add("i9i17i0", "01234567890123456789012345", 1.0)
	e := NewEngine()
	f.Fuzz(func(t *testing.T, format, data string, from float64) {
		results, err := call(t, e, "struct", "unpack", lua.LString(format), lua.LString(data), lua.LNumber(from))
		size, errSize := call(t, e, "struct", "size", lua.LString(format))
		packed, errPack := call(t, e, "struct", "pack", append([]lua.LValue{lua.LString(format)}, results...)...)
		if err != nil || errSize != nil || from != 1 {
			return
		}
		if behind := results[len(results)-1].(lua.LNumber); behind != size[0].(lua.LNumber)+1 {
			t.Fatalf("%q: %v bytes, and behind them is %v", format, size[0], behind)
		}
		if errPack != nil || lua.LNumber(len(packed[0].(lua.LString))) != size[0] {
			t.Fatalf("%q: %v bytes are packed as %q: %v", format, size[0], packed, errPack)
		}
	})
}
