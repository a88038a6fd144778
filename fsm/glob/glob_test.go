package glob

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"*", "", true},
		{"**", "", false},
		{"?", "", false},
		{"", "a", false},
		{"*", "a", true},
		{"**", "a", true},
		{"hello", "hello", true},
		{"hello", "hell", false},
		{"hell", "hello", false},
		{"h?llo", "hallo", true},
		{"h?llo", "hllo", false},
		{"h*llo", "hllo", true},
		{"h*llo", "heeeello", true},
		{"*llo", "hello", true},
		{"hell*", "hell", true},
		{"hell***", "hell", true},
		{"a*b*c", "a1b2c3c", true},
		{"a*b*c", "a1c2b3", false},
		{"*ab*abc", "abxababc", true},
		{"h[ae]llo", "hallo", true},
		{"h[ae]llo", "hillo", false},
		{"h[^e]llo", "hallo", true},
		{"h[^e]llo", "hello", false},
		{"h[a-c]llo", "hbllo", true},
		{"h[c-a]llo", "hbllo", true},
		{"h[a-c]llo", "hdllo", false},
		{"[a-]", "a", true},
		{"[a-]", "^", true},
		{"[a-]", "-", false},
		{"[a-]]", "b", false},
		{"[-a]", "-", true},
		{"[]", "]", false},
		{"[]a]", "]a]", false},
		{"[^]", "x", true},
		{"[^]", "", false},
		{"[abc", "b", true},
		{"[abc", "bb", false},
		{"[", "[", false},
		{"[^", "x", true},
		{"[^", "xx", false},
		{"[\\", "\\", true},
		{"[\\]]", "]", true},
		{"[\\a-z]", "-", true},
		{"[\\a-z]", "b", false},
		{"\\", "\\", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"\\a", "a", true},
		{"\\\\", "\\", true},
		{"[\x01-\xff]", "\xff", true},
		{"[\x01-\xff]", "\x00", true},
		{"[\x01-\xff]", "\x02", false},
		{"a\x00*", "a\x00b", true},
		{"A", "a", false},
	}
	for _, test := range tests {
		if got := Match([]byte(test.pattern), []byte(test.s)); got != test.want {
			t.Errorf("Match(%q, %q) = %v", test.pattern, test.s, got)
		}
	}
}

func TestMatchFold(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"MaxMemory*", "maxmemory-policy", true},
		{"maxmemory", "MAXMEMORY", true},
		{"[A-C]x", "bX", true},
		{"[\\A]", "a", false},
		{"[\\A]", "A", true},
		{"\\A", "a", true},
		{"[Z-a]", "b", false},
		{"[Z-a]", "_", false},
		{"é", "É", false},
	}
	for _, test := range tests {
		if got := MatchFold([]byte(test.pattern), []byte(test.s)); got != test.want {
			t.Errorf("MatchFold(%q, %q) = %v", test.pattern, test.s, got)
		}
	}
}

// TestCost runs patterns that a matcher which goes back to every star needs ages for. The
// bound is generous: the work is some hundred million steps at worst.
func TestCost(t *testing.T) {
	s := bytes.Repeat([]byte("a"), 10000)
	for _, pattern := range []string{
		strings.Repeat("a*", 5000) + "b",
		strings.Repeat("*a", 5000) + "b*",
		"*" + strings.Repeat("a", 5000) + "b",
		strings.Repeat("*?", 5000) + "b",
		"*" + strings.Repeat("[^b]", 2000) + "b",
	} {
		begun := time.Now()
		if Match([]byte(pattern), s) {
			t.Errorf("a pattern that begins %q and asks for a b matched", pattern[:10])
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("a pattern that begins %q took %v", pattern[:10], took)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add([]byte("a*[^b-d]\\*?"), []byte("axyz*q"))
	f.Add([]byte("[^"), []byte("x"))
	f.Add([]byte("*[a-"), []byte("-a"))
	f.Fuzz(func(t *testing.T, pattern, s []byte) {
		got := Match(pattern, s)
		if len(pattern)+len(s) <= 24 && len(s) > 0 && got != slow(pattern, s) {
			t.Errorf("Match(%q, %q) = %v", pattern, s, got)
		}
		if got && !strings.ContainsAny(string(pattern), "[-") && !MatchFold(pattern, s) {
			t.Errorf("MatchFold(%q, %q) is false where Match is true", pattern, s)
		}
	})
}

// slow matches by trying every length for every star.
func slow(pattern, s []byte) bool {
	switch {
	case len(pattern) == 0:
		return len(s) == 0
	case pattern[0] == '*':
		return slow(pattern[1:], s) || len(s) > 0 && slow(pattern, s[1:])
	case len(s) == 0:
		return false
	}
	next, ok := atom(pattern, 0, s[0], false)
	return ok && slow(pattern[next:], s[1:])
}

func BenchmarkMatch(b *testing.B) {
	pattern, s := []byte("user:*:session:[0-9]*"), []byte("user:1234567:session:99:token")
	b.ReportAllocs()
	for b.Loop() {
		if !Match(pattern, s) {
			b.Fatal("no match")
		}
	}
}
