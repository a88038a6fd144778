package lua

import (
	"reflect"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestLayout holds our picture of gopher-lua's types against the types.
func TestLayout(t *testing.T) {
	state := reflect.TypeFor[lua.LState]()
	same(t, state, reflect.TypeFor[stateLayout]())
	field := func(of reflect.Type, name string) reflect.Type {
		f, ok := of.FieldByName(name)
		if !ok {
			t.Fatalf("%v has no field %s", of, name)
		}
		return f.Type
	}
	same(t, field(state, "reg").Elem(), reflect.TypeFor[registryLayout]())
	same(t, field(state, "currentFrame").Elem(), reflect.TypeFor[frameLayout]())
	same(t, field(state, "uvcache").Elem(), reflect.TypeFor[upvalueLayout]())
	same(t, reflect.TypeFor[lua.LTable](), reflect.TypeFor[tableLayout]())
}

// same compares the names where ours keep them, the places and the kinds of all fields.
func same(t *testing.T, real, ours reflect.Type) {
	t.Helper()
	if real.NumField() != ours.NumField() || real.Size() != ours.Size() {
		t.Errorf("%v has %d fields and %d bytes, %v has %d and %d", real, real.NumField(), real.Size(),
			ours, ours.NumField(), ours.Size())
		return
	}
	named := map[string]string{ // what we call them
		"G": "global", "Panic": "panicking", "reg": "registry", "uvcache": "upvalues", "ctx": "context",
		"ctxCancelFn": "cancel", "Idx": "index", "Fn": "function", "Pc": "pc", "NArgs": "nargs", "NRet": "nret",
		"TailCall": "tailCalls",
	}
	for i := range real.NumField() {
		r, o := real.Field(i), ours.Field(i)
		name := r.Name
		if n, ok := named[name]; ok {
			name = n
		}
		if o.Name != "_" && !equalFold(name, o.Name) || r.Offset != o.Offset || r.Type.Size() != o.Type.Size() || !alike(r.Type, o.Type) {
			t.Errorf("%v.%s %v at %d is not %v.%s %v at %d", real, r.Name, r.Type, r.Offset, ours, o.Name, o.Type, o.Offset)
		}
	}
}

func equalFold(a, b string) bool {
	return len(a) == len(b) && (a == b || a[1:] == b[1:] && a[0]|0x20 == b[0])
}

func alike(real, ours reflect.Type) bool {
	switch {
	case real.Kind() == reflect.Interface:
		return ours.Kind() == reflect.Interface || ours.Kind() == reflect.Array
	case real.Kind() == reflect.Pointer:
		return ours.Kind() == reflect.Pointer || ours.Kind() == reflect.UnsafePointer
	}
	return real.Kind() == ours.Kind()
}
