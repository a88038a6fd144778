package command

import (
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	for _, c := range []struct{ line, syntax, tree string }{
		{"", "", ""},
		{"key", "key", "key:key"},
		{"  key   value  ", "key value", "key:key, value:string"},
		{"key [key ...]", "key [key ...]", "key:key multiple"},
		{"[key [key ...]]", "[key [key ...]]", "key:key optional multiple"},
		{"field value [field value ...]", "field value [field value ...]",
			"field_value:block multiple (field:string, value:string)"},
		{"a b [b ...]", "a b [b ...]", "a:string, b:string multiple"},
		{"[A x|B]", "[A x | B]", `x_b:oneof optional (x:string token="A", b:pure-token token="B")`},
		{"COUNT count", "COUNT count", `count:integer token="COUNT"`},
		{"LIMIT offset count", "LIMIT offset count",
			`offset_count:block token="LIMIT" (offset:integer, count:integer)`},
		{"TYPE <A | B>", "TYPE <A | B>",
			`a_b:oneof token="TYPE" (a:pure-token token="A", b:pure-token token="B")`},
		{"TYPE <X y>", "TYPE <X y>", `y:block token="TYPE" (y:string token="X")`},
		{"GET p [GET p ...]", "GET p [GET p ...]", `p:string token="GET" multiple multiple_token`},
		{"ID id [id ...]", "ID id [id ...]", `id:string token="ID" multiple`},
		{"FIELDS n field value [field value ...]", "FIELDS n field value [field value ...]",
			`fields:block token="FIELDS" (n:string, field_value:block multiple (field:string, value:string))`},
		{"[A x | B y [A x | B y ...]]", "[A x | B y [A x | B y ...]]",
			`x_y:oneof optional multiple (x:string token="A", y:string token="B")`},
		{"<A | B> [A | B ...]", "<A | B> [A | B ...]",
			`a_b:oneof multiple (a:pure-token token="A", b:pure-token token="B")`},
		{"<A | B> [<A | B> ...]", "<A | B> [<A | B> ...]",
			`a_b:oneof multiple (a:pure-token token="A", b:pure-token token="B")`},
		{"[start end [BYTE | BIT]]", "[start end [BYTE | BIT]]",
			`start:block optional (start:integer, end:integer, ` +
				`index_unit:oneof optional (byte:pure-token token="BYTE", bit:pure-token token="BIT"))`},
		{"[[a] b]", "[[a] b]", "b:block optional (a:string optional, b:string)"},
		{"start:string ip:port x:y:double", "start ip:port x:y", "start:string, ip:port:string, x:y:double"},
		{"whereto=<LEFT | RIGHT>", "<LEFT | RIGHT>",
			`whereto:oneof (left:pure-token token="LEFT", right:pure-token token="RIGHT")`},
		{"old=key new=CH where=MINLEN len", "key CH MINLEN len",
			`old:key, new:pure-token token="CH", where:integer token="MINLEN"`},
		{"[= | ~]", "[= | ~]",
			`operator:oneof optional (equal:pure-token token="=", approximately:pure-token token="~")`},
		{`<key | "">`, `<key | "">`, `key_empty_string:oneof (key:key, empty_string:pure-token token="")`},
	} {
		u, err := parseUsage(c.line)
		if err != nil {
			t.Errorf("%q: %v", c.line, err)
			continue
		}
		if u.syntax != c.syntax {
			t.Errorf("%q: syntax %q, want %q", c.line, u.syntax, c.syntax)
		}
		if tree := flat(u.args); tree != c.tree {
			t.Errorf("%q:\n  %s\nwant\n  %s", c.line, tree, c.tree)
		}
	}
}

func TestUsageRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"[key":                         "column 5: a group is not closed",
		"key]":                         "column 4: this closes nothing",
		"[key>":                        "column 5: this closes nothing",
		"a | b":                        "alternatives need < >",
		"[]":                           "column 2: nothing stands here",
		"[a | ]":                       "nothing stands here",
		"[ | a]":                       "nothing stands here",
		"key ...":                      "... belongs at the end of [ ]",
		"<key ...>":                    "... belongs at the end of [ ]",
		"[...]":                        "nothing stands here",
		"key [key ... key]":            "... does not end its group",
		"key [kye ...]":                "column 5: [kye ...] does not repeat what stands before it",
		"[key ...]":                    "does not repeat",
		"key [key ...] [key ...]":      "does not repeat",
		"key name=":                    "a name labels nothing",
		"NAME=X":                       "a name is one word in lower case",
		"a=b=c":                        "a name is one word in lower case",
		"key \x00":                     "plain ASCII",
		"k\xc3\xa9":                    "plain ASCII",
		strings.Repeat("[", 100) + "a": "nested too deep",
	} {
		_, err := parseUsage(line)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", line, err, want)
		}
	}
}

func TestArity(t *testing.T) {
	for line, want := range map[string]int{
		"": 1, "key": 2, "key value": 3, "key [value]": -2, "key [key ...]": -2, "[key [key ...]]": -1,
		"<host port | NO ONE>": 3, "<a | b c>": -2, "A b <C d | E>": -4, "<[A b] | [C d]>": 3,
		"field value [field value ...]": -3, "[X]": -1, "STREAMS key [key ...] id [id ...]": -4,
	} {
		u, err := parseUsage(line)
		if err != nil {
			t.Fatal(err)
		}
		if got := arity(1, u.args); got != want {
			t.Errorf("%q: %d, want %d", line, got, want)
		}
	}
}

// FuzzUsage: no line makes the parser fail otherwise than by an error; what it accepts it
// accepts again as it renders it, and makes up invocations that fit the arity.
func FuzzUsage(f *testing.F) {
	for _, c := range redisCommands {
		f.Add(c.usage, uint32(len(c.usage)))
	}
	f.Fuzz(func(t *testing.T, line string, seed uint32) {
		if len(line) > 500 {
			return
		}
		u, err := parseUsage(line)
		if err != nil {
			return
		}
		again, err := parseUsage(u.syntax)
		if err != nil {
			t.Fatalf("%q renders as %q: %v", line, u.syntax, err)
		}
		// A type taken off may leave a word that ends in another.
		if again.syntax != u.syntax && !strings.Contains(u.syntax, ":") {
			t.Fatalf("%q renders as %q, and that as %q", line, u.syntax, again.syntax)
		}
		s := spec("x", line, nil)
		state := seed
		pick := func(n int) int {
			state = state*1664525 + 1013904223
			return int(state>>8) % n
		}
		if args := s.Random(pick, nil); len(args) < 10000 && !s.Accepts(len(args)) {
			t.Fatalf("%q: arity %d does not accept %q", line, s.Arity(), args)
		}
	})
}

// FuzzAppendKeys: no arguments make the search for keys panic or leave the arguments.
func FuzzAppendKeys(f *testing.F) {
	table, err := NewTable(declared()...)
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range []string{
		"migrate h 1  0 10 auth2 keys keys keys a b", "sort k by store get store store", "eval s 9 a", "xread streams",
		"xread streams a 0", "georadius k 1 2 3 m store", "zunionstore d 1 a", "mset a b c", "bitfield k get", "set k v get",
		"lmpop 999999999999 a", "eval s -1", "memory usage k",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := bytesOf(strings.Split(line, " "))
		own, _ := table.Lookup(args)
		for _, s := range table.All() {
			for _, s := range append([]*Spec{s}, s.Sub...) {
				if s != own && len(s.Keys) < 2 && !s.MovableKeys() {
					continue
				}
				keys, err := s.AppendKeys(nil, args)
				refs, err2 := s.AppendKeyRefs(nil, args)
				if err != err2 || len(keys) != len(refs) || err != nil && len(keys) > 0 {
					t.Fatalf("%s %q: %q %v, %v %v", s.Name, args, keys, err, refs, err2)
				}
				for _, r := range refs {
					if r.Index < 1 || r.Index >= len(args) {
						t.Fatalf("%s %q: %v", s.Name, args, refs)
					}
				}
			}
		}
	})
}
