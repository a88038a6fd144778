package server

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/redraftdb/redraft/fsm/command"
)

func TestSplitInline(t *testing.T) {
	for _, c := range []struct {
		line  string
		words []string // nil: the quotes are unbalanced
	}{
		{"", []string{}},
		{" \t\v\f\r", []string{}},
		{"get a", []string{"get", "a"}},
		{"  get \t a  ", []string{"get", "a"}},
		{"a\vb\fc", []string{"a\vb\fc"}},
		{"a\rb", []string{"a", "b"}},
		{`""`, []string{""}},
		{`'' ""`, []string{"", ""}},
		{`"a b" 'c d'`, []string{"a b", "c d"}},
		{`a"b"`, []string{"ab"}},
		{`a'b' c`, []string{"ab", "c"}},
		{`"\n\r\t\b\a\\\"\q"`, []string{"\n\r\t\b\a\\\"q"}},
		{`"\x00\xfF\x4"`, []string{"\x00\xffx4"}},
		{`"\xg1\x1g\x"`, []string{"xg1x1gx"}},
		{`'\n\x41\''`, []string{`\n\x41'`}},
		{`\n\'`, nil},
		{`\n\x`, []string{`\n\x`}},
		{"\"a\"\vb", []string{"a", "b"}},
		{`"`, nil},
		{`'`, nil},
		{`"a`, nil},
		{`"a\`, nil},
		{`"a\"`, nil},
		{`'a\'`, nil},
		{`"a"b`, nil},
		{`'a'b`, nil},
		{`"a"'b'`, nil},
		{`a"b"c`, nil},
	} {
		words, ok := command.SplitLine([]byte(c.line))
		if ok != (c.words != nil) || ok && fmt.Sprintf("%q", words) != fmt.Sprintf("%q", c.words) {
			t.Errorf("%q: %q, %v; want %q", c.line, words, ok, c.words)
		}
	}
}

func TestSplitInlineWordsDoNotTouch(t *testing.T) {
	words, _ := command.SplitLine([]byte("a b"))
	if _ = append(words[0], 'x'); string(words[1]) != "b" {
		t.Errorf("appending to a word changed the next to %q", words[1])
	}
}

// quoteInline writes words so that they come out the same.
func quoteInline(words [][]byte, single bool) (line []byte) {
	for i, word := range words {
		if i > 0 {
			line = append(line, ' ')
		}
		if single && !bytes.ContainsAny(word, "\\'") {
			line = append(append(append(line, '\''), word...), '\'')
			continue
		}
		line = append(line, '"')
		for _, c := range word {
			line = fmt.Appendf(line, `\x%02x`, c)
		}
		line = append(line, '"')
	}
	return line
}

func FuzzInline(f *testing.F) {
	for _, line := range []string{"get a", `set "a\x00\"" 'b\''`, `"`, "a\"b\" \v'c'", `"\x4`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		words, ok := command.SplitLine(line)
		if !bytes.Equal(line, before) {
			t.Fatalf("%q was changed to %q", before, line)
		}
		if !ok {
			if words != nil || !bytes.ContainsAny(line, `"'`) {
				t.Fatalf("%q: %q, unbalanced", line, words)
			}
			return
		}
		total := 0
		for _, word := range words {
			total += len(word)
		}
		if total > len(line) {
			t.Fatalf("%q became longer: %q", line, words)
		}
		for _, single := range []bool{false, true} {
			again, ok := command.SplitLine(quoteInline(words, single))
			if !ok || fmt.Sprintf("%q", again) != fmt.Sprintf("%q", words) {
				t.Fatalf("%q: %q, quoted and split again %q", line, words, again)
			}
		}
		request := appendRequest(nil, words)
		if len(words) > 0 {
			args, rest, fault := referenceCommand(request, defaultGuardLimits(), true)
			if fault != "" || rest == nil || len(rest) > 0 || fmt.Sprintf("%q", args) != fmt.Sprintf("%q", words) {
				t.Fatalf("%q became the request %q", words, request)
			}
		}
	})
}
