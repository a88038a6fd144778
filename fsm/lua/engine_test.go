package lua

import (
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm/reply"
)

// fakeHost answers commands from a list.
type fakeHost struct {
	call   func(args [][]byte, out Answer) bool
	logged []string
}

func (h *fakeHost) Call(args [][]byte, out Answer) bool {
	if h.call == nil {
		out.Status("OK")
		return true
	}
	return h.call(args, out)
}
func (h *fakeHost) Permitted([][]byte) (known, permitted bool) { return true, true }
func (h *fakeHost) Repeats(string)                             {}
func (h *fakeHost) Log(_ int, text string)                     { h.logged = append(h.logged, text) }
func (h *fakeHost) Interrupted() bool                          { return false }

func ample() Limits { return Limits{Steps: 100_000_000, Memory: 256 << 20} }

// eval runs a source and returns its answer as recorded.
func eval(t *testing.T, e *Engine, host Host, limits Limits, source string, args ...string) string {
	t.Helper()
	s, err := Compile([]byte(source))
	if err != nil {
		return "-ERR " + err.Error()
	}
	words := make([][]byte, len(args))
	for i, a := range args {
		words[i] = []byte(a)
	}
	var out reply.Recorder
	e.Run(s, Call{Args: words, Host: host, Limits: limits}, &out)
	if !out.Complete() {
		t.Errorf("%s: the answer is not complete: %s", source, out.String())
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func TestEval(t *testing.T) {
	e := NewEngine()
	for _, c := range [][2]string{
		{`return 1`, ":1"},
		{`return 'a'`, `"a"`},
		{`local x = 1; local f = function() x = x + 1 end; pcall(error, "boom"); f(); return x`, ":2"},
		{`local x = 1; local f = function() x = x + 1 end; pcall(function() local t; t.x = 1 end); f(); return x`, ":2"},
		{`local fs = {}; pcall(function() local y = 5; fs[1] = function() y = y + 1 return y end; error("x") end); local a,b,c,d=9,9,9,9; fs[1]() return fs[1]()`, ":7"},
		{`local co = coroutine.create(function() local ok, err = pcall(function() coroutine.yield(1) end) return err end); local a,b = coroutine.resume(co); return b`, `"user_script:1: attempt to yield across metamethod/C-call boundary"`},
		{`return ("010")+1`, ":11"}, {`return 010+1`, ":11"}, {`return 1e15 .. ""`, `"1e+15"`}, {`return 0.1+0.2 .. ""`, `"0.3"`},
		{`return foo`, "-ERR user_script:1: Script attempted to access nonexistent global variable 'foo' script: SHA, on @user_script:1."},
		{`foo = 1`, "-ERR user_script:1: Attempt to modify a readonly table script: SHA, on @user_script:1."},
		{`redis.call = 1`, "-ERR user_script:1: Attempt to modify a readonly table script: SHA, on @user_script:1."},
		{`local t = {} for i = 1, 5 do t[i] = i end return t`, "*5\n  :1\n  :2\n  :3\n  :4\n  :5"},
		{`return {1,2,nil,4}`, "*2\n  :1\n  :2"},
		{`return tostring(nil + 1)`, "-ERR user_script:1: attempt to perform arithmetic on a nil value script: SHA, on @user_script:1."},
		{`return redis.call('x')`, "+OK"},
		{`return string.format('%5.2f|%d|%s|%q|%x', 3.14159, 42, 'hi', 'a"b', 255)`, `" 3.14|42|hi|\"a\\\"b\"|ff"`},
		{`return string.gsub('hello world', '(%w+)', '<%1>')`, `"<hello> <world>"`},
		{`local t = {3,1,2} table.sort(t, function(a,b) return a > b end) return table.concat(t, ',')`, `"3,2,1"`},
		{`local co = coroutine.wrap(function(a) local b = coroutine.yield(a+1) return b * 2 end) return {co(1), co(10)}`, "*2\n  :2\n  :20"},
		{`return tostring(0/0)`, `"-nan"`},
		{`math.randomseed(10) return tostring(math.random())`, `"0.87885112309775"`},
	} {
		got := eval(t, e, &fakeHost{}, ample(), c[0])
		if i := strings.Index(got, "script: "); i > 0 {
			got = got[:i+8] + "SHA" + got[i+48:]
		}
		if got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

func BenchmarkLoop(b *testing.B) {
	e := NewEngine()
	s, err := Compile([]byte(`local t, n = {}, 0 for i = 1, 1000000 do n = n + i % 7 t[i % 100 + 1] = n end return n`))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		e.Run(s, Call{Host: &fakeHost{}, Limits: Limits{1 << 40, 1 << 40}}, reply.Discard)
		b.ReportMetric(float64((1<<40)-e.steps), "instructions")
	}
}

func BenchmarkSmall(b *testing.B) {
	e := NewEngine()
	s, err := Compile([]byte(`if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end`))
	if err != nil {
		b.Fatal(err)
	}
	key := [][]byte{[]byte("x")}
	b.ReportAllocs()
	for b.Loop() {
		e.Run(s, Call{Keys: key, Args: key, Host: &fakeHost{}, Limits: ample()}, reply.Discard)
	}
}

// TestGarbage holds that what a run cannot reach any more does not count, and what it can does.
func TestGarbage(t *testing.T) {
	e := NewEngine()
	limits := Limits{Steps: 50_000_000, Memory: 4 << 20}
	for _, source := range []string{
		`for i = 1, 200000 do local t = {i, tostring(i)} end return 1`,
		`local s = '' for i = 1, 3000 do s = string.rep('x', 10000) .. i end return 1`,
		`local big = string.rep('x', 1000000) local t = {} for i = 1, 100 do t[i] = big end
			for i = 1, 100000 do local u = {} end return 1`,
		`local t = {} for i = 1, 500 do t[i] = string.rep(tostring(i), 2000):sub(1, 1) end return 1`,
		`for i = 1, 2000 do local co = coroutine.wrap(function() coroutine.yield(1) end) co() end return 1`,
	} {
		start := time.Now()
		if got := eval(t, e, &fakeHost{}, limits, source); got != ":1" {
			t.Errorf("%s\n%s", source, got)
		}
		t.Logf("%v %d steps %.60s", time.Since(start), limits.Steps-e.steps, source)
	}
	for _, source := range []string{
		`local t = {} for i = 1, 200000 do t[i] = {i} end return 1`,
		`local t = {} for i = 1, 200000 do t[i .. ''] = i end return 1`,
		`local t = {} for i = 1, 200000 do t[{}] = i end return 1`,
		`local f for i = 1, 200000 do local g = f f = function() return g end end return 1`,
		`local t = {} for i = 1, 200000 do t = {t} end return 1`,
		`local s = 'x' while true do s = s .. s end`,
		`return string.rep('x', 1e10)`,
		`return ('x'):rep(3000000):gsub('x', function(c) return string.rep(c, 100) end)`,
		`local t = {} for i = 1, 1000 do t[i] = coroutine.wrap(function() coroutine.yield(1) end) t[i]() end return 1`,
		`local t = {} for i = 1, 4000 do t[i] = ('x'):rep(2000):gmatch('.') end return 1`,
		`local t = {} t[4000000] = 1 return 1`,
		`local s, t = string.rep('x', 100000), {} for i = 1, 1000 do t[i] = s end return table.concat(t)`,
		`local s, t = string.rep('x', 100000), {} for i = 1, 1000 do t[i] = s end return cjson.encode(t)`,
		`local s, t = string.rep('x', 100000), {} for i = 1, 1000 do t[i] = s end return cmsgpack.pack(t)`,
		`local s, t = string.rep('x', 100000), {} for i = 1, 1000 do t[i] = s end redis.call(unpack(t))`,
		`local s, t = string.rep('x', 100000), {} for i = 1, 1000 do t[i] = s end redis.log(1, unpack(t))`,
		`local s, t = string.rep('x', 100000), {} for i = 1, 1000 do t[i] = s end
			return string.format(string.rep('%s', 1000), unpack(t))`,
		`return cmsgpack.unpack('\221\0\15\255\255' .. string.rep('\144', 1000000))`,
		`return cjson.decode('[' .. string.rep('[],', 300000) .. '1]')`,
		`local function f(n) return (string.gsub(string.rep('x', 100000), 'x', function() return f(n + 1) end)) end return f(1)`,
		`local function f(...) return f(1, ...) end return f()`,
		`local t = {} local mt = {} mt.__index = function(t, k) t[k] = string.rep('x', 1000) .. k return t[k] end
			setmetatable(t, mt) for i = 1, 100000 do local v = t[i] end`,
	} {
		start := time.Now()
		got := eval(t, e, &fakeHost{}, limits, source)
		t.Logf("%v %d steps %.60s", time.Since(start), limits.Steps-e.steps, source)
		if !strings.Contains(got, errTooLarge) && !strings.Contains(got, "overflow") && !strings.Contains(got, errTooLong) {
			t.Errorf("%s\n%.200s", source, got)
		}
	}
}
