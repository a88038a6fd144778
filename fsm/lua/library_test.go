package lua

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
)

var rewrite = flag.Bool("rewrite", false, "write what redis-server answers into testdata, for those transcripts that are compared with it")

// show is a function of Lua that writes values so that nothing about them is lost; it uses little of
// the standard libraries. It is one line, so that a case behind it is on line 2.
const show = `local show; do ` +
	`local function text(s) return '"' .. string.gsub(s, '.', function(c) local b = string.byte(c) ` +
	`if b < 32 or b > 126 or b == 34 or b == 92 then return string.format('\\x%02x', b) end end) .. '"' end ` +
	`local function one(v, depth) ` +
	`local t = type(v) ` +
	`if t == 'nil' or t == 'boolean' then return v == nil and 'nil' or v and 'true' or 'false' end ` +
	`if t == 'number' then ` +
	`if v ~= v then return 'nan' elseif v == 1/0 then return 'inf' elseif v == -1/0 then return '-inf' ` +
	`elseif v == 0 and 1/v < 0 then return '-0' else return string.format('%.17g', v) end end ` +
	`if t == 'string' then return text(v) end ` +
	`if v == cjson.null then return 'null' end ` +
	`if t ~= 'table' then return t end ` +
	`if depth > 20 then return '...' end ` +
	`local parts = {} ` +
	`for k, e in pairs(v) do parts[#parts + 1] = one(k, depth + 1) .. '=' .. one(e, depth + 1) end ` +
	`table.sort(parts) ` +
	`return '{' .. table.concat(parts, ' ') .. '}' end ` +
	`function show(ok, ...) local parts = {ok and 'ok' or 'error'} ` +
	`for i = 1, select('#', ...) do parts[#parts + 1] = one((select(i, ...)), 0) end ` +
	`return table.concat(parts, ' ') end end`

// chunk is the script of a case: a body of a function whose results are shown.
func chunk(body string) string {
	return show + "\nreturn show(pcall(function() " + body + " end))"
}

// evaluate answers a case as redis-server does.
func evaluate(t testing.TB, e *Engine, limits Limits, body string) string {
	s, err := Compile([]byte(chunk(body)))
	if err != nil {
		t.Fatal(err)
	}
	var out reply.Recorder
	e.Run(s, Call{Host: &fakeHost{}, Limits: limits}, &out)
	text, err := strconv.Unquote(strings.TrimSuffix(out.String(), "\n"))
	if err != nil {
		return out.String()
	}
	return text
}

// A transcript of a library is a list of cases, each a line of Lua and below it, behind a tab, what
// redis-server answers. Lines that are empty or begin with -- are comments.

// runTranscript passes each case to answer and returns the transcript with the answers.
func runTranscript(text string, answer func(body string) string) string {
	var out bytes.Buffer
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "\t"):
		case line == "" || strings.HasPrefix(line, "--"):
			fmt.Fprintln(&out, line)
		default:
			fmt.Fprintf(&out, "%s\n\t%s\n", line, answer(line))
		}
	}
	return out.String()
}

func eachTranscript(t *testing.T, run func(t *testing.T, path, text string)) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			run(t, path, string(text))
		})
	}
}

// compareTranscripts reports the cases whose answers differ.
func compareTranscripts(t *testing.T, want, got string) {
	t.Helper()
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	if len(w) != len(g) {
		t.Fatalf("%d lines are to be %d", len(g), len(w))
	}
	for i := range w {
		if w[i] != g[i] {
			t.Errorf("line %d: %s\n want %s\n  got %s", i+1, w[i-1], w[i], g[i])
		}
	}
}

func TestTranscripts(t *testing.T) {
	e := NewEngine()
	eachTranscript(t, func(t *testing.T, _, text string) {
		got := runTranscript(text, func(body string) string { return evaluate(t, e, ample(), body) })
		compareTranscripts(t, text, got)
	})
}

// TestTranscriptsOfRedis proves the transcripts: they are what redis-server answers.
func TestTranscriptsOfRedis(t *testing.T) {
	client := startRedis(t)
	eachTranscript(t, func(t *testing.T, path, text string) {
		got := runTranscript(text, func(body string) string {
			if err := client.ScriptFlush(t.Context()).Err(); err != nil { // what the case before has set goes with it
				t.Fatal(err)
			}
			answer, err := client.Eval(t.Context(), chunk(body), nil).Text()
			if err != nil {
				return err.Error()
			}
			return answer
		})
		if *rewrite {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		compareTranscripts(t, text, got)
	})
}

// TestLibraryLimits has the libraries do more than a run may: a table that comes again and again in
// itself, one index that is very high, values that are long.
func TestLibraryLimits(t *testing.T) {
	e := NewEngine()
	wide := `local t = 'x'; for i = 1, 15 do t = {t, t, t, t, t, t, t, t} end; `
	for _, body := range []string{
		wide + `return cjson.encode(t)`,
		wide + `return cmsgpack.pack(t)`,
		`cjson.encode_sparse_array(true, 0); return cjson.encode({[2147483646] = 1})`,
		`return cjson.encode(string.rep('\1', 5000000))`,
		`return cjson.decode('[' .. string.rep('[1],', 300000) .. '1]')`,
		`return cjson.decode('[' .. string.rep('{},', 300000) .. '1]')`,
		`return cmsgpack.unpack('\221\0\255\255\255' .. string.rep('\128', 1000000))`,
		`return cmsgpack.unpack('\220\255\255' .. string.rep('\129\206\0\63\0\0\1', 65535))`,
		`local s, t = string.rep('x', 100000), {}; for i = 1, 8000 do t[i] = struct.pack('sssss', s, s, s, s, s) end`,
		`local t = {}; while true do t[#t + 1] = cjson.new() end`,
	} {
		got := evaluate(t, e, Limits{Steps: 5_000_000, Memory: 16 << 20}, body)
		if !strings.Contains(got, errTooLarge) && !strings.Contains(got, errTooLong) {
			t.Errorf("%s\n%.200s", body, got)
		}
	}
}
