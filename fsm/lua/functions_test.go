package lua

import (
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
)

// load parses and loads a library, or returns the error.
func load(e *Engine, source string) (*Library, string) {
	h, err := ParseHeader([]byte(source))
	if err != nil {
		return nil, err.Error()
	}
	l, err := e.Load(h, nil)
	if err != nil {
		return nil, err.Error()
	}
	return l, ""
}

// TestFunctionsForget calls functions that change what they share: the next call finds it as the library made it,
// on this engine or another.
func TestFunctionsForget(t *testing.T) {
	e := NewEngine()
	l, problem := load(e, `#!lua name=lib
		local n, seen = 0, {}
		redis.register_function('count', function(keys) n = n + 1; seen[#seen + 1] = keys[1]; return {n, #seen} end)
		redis.register_function('depth', function() return {cjson.encode_max_depth(7), (pcall(cjson.encode, {}))} end)`)
	if problem != "" {
		t.Fatal(problem)
	}
	for _, e := range []*Engine{e, e, NewEngine(), e} {
		for name, want := range map[string]string{"count": "*2\n  :1\n  :1\n", "depth": "*2\n  :7\n  :1\n"} {
			var out reply.Recorder
			e.CallFunction(l, name, Call{Keys: [][]byte{[]byte("k")}, Host: &fakeHost{}, Limits: ample()}, &out)
			if got := out.String(); got != want {
				t.Errorf("%s: %s", name, got)
			}
		}
		if got := eval(t, e, &fakeHost{}, ample(), `return cjson.encode_max_depth()`); got != ":1000" {
			t.Errorf("a script after it finds a depth of %s", got)
		}
	}
}

// TestFunctionsLimits loads libraries that take too much.
func TestFunctionsLimits(t *testing.T) {
	e := NewEngine()
	for source, want := range map[string]string{
		"#!lua name=x\nwhile true do end":                               "Error registering functions: ERR FUNCTION LOAD timeout",
		"#!lua name=x\nlocal s = 'x' while true do s = s .. s end":      "Error registering functions: ERR " + errTooLarge,
		"#!lua name=x\nlocal s = ('x'):rep(1e9)":                        "Error registering functions: ERR " + errTooLarge,
		"#!lua name=x\nlocal function f() return f() + 1 end f()":       "Error registering functions: ERR user_function:2: stack overflow",
		"#!lua name=x\nlocal r = redis.register_function r('a', r) x=1": "Error registering functions: ERR user_function:2: Attempt to modify a readonly table",
	} {
		if _, got := load(e, source); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	l, problem := load(e, "#!lua name=x\nredis.register_function('a', redis.register_function)")
	if problem != "" {
		t.Fatal(problem)
	}
	var out reply.Recorder
	e.CallFunction(l, "a", Call{Host: &fakeHost{}, Limits: ample()}, &out)
	if got := out.String(); got != "-ERR "+errRegisterOutside+"\n" {
		t.Error(got)
	}
}

// FuzzHeader reads bytes as a library's source. A library that has a name is found under it again.
func FuzzHeader(f *testing.F) {
	f.Add("#!lua name=lib\nreturn 1")
	f.Add("#!lua 'name=it\\'s' \"\\x6eame=\\n\"\n")
	f.Add("#!\"lua\" name=\"x\n")
	f.Fuzz(func(t *testing.T, source string) {
		h, err := ParseHeader([]byte(source))
		if err != nil {
			return
		}
		again, err := ParseHeader([]byte("#!lua name=" + h.Name + h.body))
		if err != nil || again.Name != h.Name || again.body != h.body {
			t.Fatalf("%q is called %q, and then %q: %v", source, h.Name, again.Name, err)
		}
	})
}

func BenchmarkFunction(b *testing.B) {
	e := NewEngine()
	l, problem := load(e, "#!lua name=lib\nlocal function g(x) return x end redis.register_function('f', function(keys) return g(keys[1]) end)")
	if problem != "" {
		b.Fatal(problem)
	}
	key := [][]byte{[]byte("x")}
	b.ReportAllocs()
	for b.Loop() {
		e.CallFunction(l, "f", Call{Keys: key, Host: &fakeHost{}, Limits: ample()}, reply.Discard)
	}
}
