package command

import (
	"math/rand"
	"reflect"
	"strings"
	"testing"
	"time"
)

// spec is a declaration that NewTable accepts.
func spec(name, usage string, keys []KeySpec) *Spec {
	return &Spec{Name: name, Usage: usage, Keys: keys, Group: "string", Summary: "A test", Since: "1.0.0", Handler: name}
}

func TestLookup(t *testing.T) {
	table := newTable(t, declared())
	for _, c := range []struct {
		line   string
		name   string
		result Result
	}{
		{"get k", "get", Found},
		{"GeT", "get", Found},
		{"nosuch", "", Unknown},
		{"", "", Unknown},
		{strings.Repeat("x", 1000), "", Unknown},
		{"config GET a", "config|get", Found},
		{"CONFIG", "config", MissingSub},
		{"CONFIG nosuch", "config", UnknownSub},
		{"CONFIG " + strings.Repeat("x", 1000), "config", UnknownSub},
		{"COMMAND", "command", Found},
		{"command Docs", "command|docs", Found},
		{"command nosuch", "command", UnknownSub},
		{"config|get", "", Unknown},
	} {
		s, result := table.Lookup(bytesOf(strings.Fields(c.line)))
		name := ""
		if s != nil {
			name = s.FullName()
		}
		if name != c.name || result != c.result {
			t.Errorf("%.20q: %q %v, want %q %v", c.line, name, result, c.name, c.result)
		}
	}
	if s, result := table.Lookup([][]byte{{}}); s != nil || result != Unknown {
		t.Errorf("empty name: %v %v", s, result)
	}
	for name, want := range map[string]string{
		"Config|GET": "config|get", "get": "get", "config": "config", "get|x": "", "config|": "", "|": "", "": "",
		strings.Repeat("x", 99): "", "config|" + strings.Repeat("x", 99): "",
	} {
		got := ""
		if s := table.Named(name); s != nil {
			got = s.FullName()
		}
		if got != want {
			t.Errorf("Named(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestTableOrder(t *testing.T) {
	internal := &Spec{Name: "a-tick", Flags: Internal, Handler: 1}
	b, a := spec("b", "", nil), spec("a", "", nil)
	table := newTable(t, []*Spec{b, internal, a})
	if got := table.All(); !reflect.DeepEqual(got, []*Spec{a, internal, b}) {
		t.Errorf("All: %v", got)
	}
	if got := table.Public(); !reflect.DeepEqual(got, []*Spec{a, b}) || table.Count() != 2 {
		t.Errorf("Public: %v", got)
	}
	if s, result := table.Lookup(bytesOf([]string{"A-TICK"})); s != internal || result != Found {
		t.Error("an internal command is not found")
	}
	if again := newTable(t, []*Spec{a, b}); again.All()[0].derive() != a.done {
		t.Error("a second table computes anew")
	}
}

func TestNewTableRefuses(t *testing.T) {
	sub := spec("sub", "", nil)
	newTable(t, []*Spec{{Name: "taken", Group: "string", Summary: "s", Since: "1", Sub: []*Spec{sub}}})
	with := func(change func(*Spec)) *Spec {
		s := spec("x", "key value", OneKey(RW))
		change(s)
		return s
	}
	container := func(subs ...*Spec) *Spec {
		return &Spec{Name: "x", Group: "string", Summary: "s", Since: "1.0.0", Sub: subs}
	}
	for _, c := range []struct {
		specs []*Spec
		want  string
	}{
		{[]*Spec{spec("x", "", nil), spec("x", "", nil)}, `"x": declared twice`},
		{[]*Spec{container(spec("a", "", nil), spec("a", "", nil))}, `"x|a": declared twice`},
		{[]*Spec{sub}, `"taken|sub": declared in two places`},
		{[]*Spec{with(func(s *Spec) { s.Usage = "key [value" })}, `"x": usage, column 11: a group is not closed`},
		{[]*Spec{with(func(s *Spec) { s.Handler = nil })}, "no Handler"},
		{[]*Spec{with(func(s *Spec) { s.Name = "GET" })}, "in a name"},
		{[]*Spec{with(func(s *Spec) { s.Name = "" })}, "a name has"},
		{[]*Spec{with(func(s *Spec) { s.Group = "strings" })}, `no such group: "strings"`},
		{[]*Spec{with(func(s *Spec) { s.Summary = "" })}, "Summary"},
		{[]*Spec{with(func(s *Spec) { s.Flags = Write | ReadOnly })}, "both Write and ReadOnly"},
		{[]*Spec{with(func(s *Spec) { s.Keys = nil })}, "no key spec finds it"},
		{[]*Spec{with(func(s *Spec) { s.Usage = "value" })}, "shows no key"},
		{[]*Spec{with(func(s *Spec) { s.Keys = OneKey(Access) })}, "exactly one of"},
		{[]*Spec{with(func(s *Spec) { s.Keys = OneKey(RO | RW) })}, "exactly one of"},
		{[]*Spec{with(func(s *Spec) { s.Keys = KeyAt(3, RO) })}, "key spec 0: no argument has index 3"},
		{[]*Spec{with(func(s *Spec) { s.Keys = KeyAt(0, RO) })}, "no argument has index 0"},
		{[]*Spec{with(func(s *Spec) { s.Keys = KeyRange(1, 3, 1, RO) })}, "no argument has index 3"},
		{[]*Spec{with(func(s *Spec) { s.Keys = KeyRange(2, 1, 1, RO) })}, "backwards"},
		{[]*Spec{with(func(s *Spec) { s.Keys = KeyRange(1, -1, 0, RO) })}, "on the spot"},
		{[]*Spec{with(func(s *Spec) { s.Keys = KeyAfter("STORE", 2, RO) })}, "has no STORE"},
		{[]*Spec{with(func(s *Spec) { s.Keys = KeyAfter("store", 2, RO) })}, "upper case"},
		{[]*Spec{with(func(s *Spec) {
			s.Keys = []KeySpec{{Flags: RO, Begin: BeginSearch{Kind: BeginIndex, Index: 1}, Find: FindKeys{Kind: FindKeyNum, Step: 1}}}
		})}, "do not follow"},
		{[]*Spec{container(container(spec("a", "", nil)))}, "a subcommand has no subcommands"},
		{[]*Spec{container(spec("a", "key", OneKey(RO)))}, `"x|a": key spec 0: no argument has index 1`},
	} {
		_, err := NewTable(c.specs...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestBeforeTable(t *testing.T) {
	s := spec("get", "key", OneKey(RO|Access))
	if s.Arity() != 2 || s.FullName() != "get" || s.FirstKey() != 1 {
		t.Errorf("%d %q %d", s.Arity(), s.FullName(), s.FirstKey())
	}
	keys, err := s.AppendKeys(nil, bytesOf([]string{"get", "k"}))
	if err != nil || len(keys) != 1 {
		t.Errorf("%q %v", keys, err)
	}
}

func TestGroupOfSub(t *testing.T) {
	s := spec("object", "", nil)
	s.Handler = nil
	s.Group = "generic"
	s.Sub = []*Spec{{Name: "freq", Usage: "key", Summary: "s", Since: "4.0.0", Flags: ReadOnly, Keys: KeyAt(2, RO), Handler: 1}, HelpSub("6.2.0", 1)}
	table := newTable(t, []*Spec{s})
	freq := table.Named("object|freq")
	if got := strings.Join(freq.AllCategories().Words(), " "); got != "keyspace read slow" {
		t.Error(got)
	}
	if freq.Parent() != s || !freq.IsRead() || freq.IsWrite() || !freq.Accepts(3) || freq.Accepts(4) || freq.Accepts(2) {
		t.Error("OBJECT FREQ is not what it was declared to be")
	}
}

func TestDocFlags(t *testing.T) {
	s := spec("x", "", nil)
	s.Deprecated, s.Flags = "6.2.0", SysCmd
	if got := strings.Join(s.DocFlagWords(), " "); got != "deprecated syscmd" {
		t.Error(got)
	}
}

func TestCategory(t *testing.T) {
	if c, ok := Category("SortedSet"); !ok || c != CatSortedSet {
		t.Error(c, ok)
	}
	if _, ok := Category("nosuch"); ok {
		t.Error("nosuch is a category")
	}
	if n := len(AnyCategory.Words()); n != 21 {
		t.Errorf("%d categories", n)
	}
}

func TestSlot(t *testing.T) {
	for key, want := range map[string]uint16{
		"":                     0,
		"123456789":            0x31c3,
		"foo":                  12182,
		"{foo}bar":             12182,
		"bar{foo}{x}":          12182,
		"foo{}{bar}":           8363,
		"{user1000}.following": Slot([]byte("user1000")),
		"foo{{bar}}zap":        Slot([]byte("{bar")),
		"a{b":                  crc16([]byte("a{b")) % Slots,
	} {
		if got := Slot([]byte(key)); got != want {
			t.Errorf("Slot(%q) = %d, want %d", key, got, want)
		}
	}
}

func TestHelp(t *testing.T) {
	config := &Spec{
		Name: "config", Group: "server", Summary: "Configuration", Since: "2.0.0",
		Sub: []*Spec{
			{Name: "get", Usage: "parameter [parameter ...]", Summary: "Return parameters", Since: "2.0.0", Handler: 1},
			{Name: "resetstat", Summary: "Reset the counters.", Since: "2.0.0", Handler: 1},
			{Name: "old", Summary: "Gone", Since: "2.0.0", Deprecated: "3.0.0", Handler: 1},
			{Name: "pause", Usage: "timeout mode=[WRITE | ALL] <[ID client-id] | NO ONE>", Summary: "Wait", Since: "2.0.0", Handler: 1},
			HelpSub("5.0.0", 1),
		},
	}
	newTable(t, []*Spec{config})
	want := []string{
		"CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"GET <parameter> [<parameter> ...]",
		"    Return parameters.",
		"RESETSTAT",
		"    Reset the counters.",
		"PAUSE <timeout> [WRITE | ALL] <[ID <client-id>] | NO ONE>",
		"    Wait.",
		"HELP",
		"    Print this help.",
	}
	if got := Help(config); !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

func TestRandom(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewSource(seed))
	for _, s := range newTable(t, declared()).All() {
		for _, s := range append([]*Spec{s}, s.Sub...) {
			for range 50 {
				if args := s.Random(rnd.Intn, nil); !s.Accepts(len(args)) && !s.Container() {
					t.Errorf("%s: arity %d does not accept %q", s.FullName(), s.Arity(), args)
				}
			}
		}
	}
	set := newTable(t, declared()).Named("set")
	one := func() [][]byte { return set.Random(rand.New(rand.NewSource(7)).Intn, nil) }
	if a, b := one(), one(); !reflect.DeepEqual(a, b) {
		t.Errorf("the same numbers make %q and %q", a, b)
	}
	mine := set.Random(rnd.Intn, func(a *Argument) []byte {
		if a.Type == Key {
			return []byte("mine")
		}
		return nil
	})
	if string(mine[1]) != "mine" {
		t.Errorf("the caller's key is not used: %q", mine)
	}
}

func TestNoAllocation(t *testing.T) {
	table := newTable(t, declared())
	get, config := bytesOf([]string{"GeT", "key"}), bytesOf([]string{"ConFig", "GET", "*"})
	eval := bytesOf([]string{"EVAL", "s", "2", "a", "b", "c"})
	keys, refs := make([][]byte, 0, 8), make([]KeyRef, 0, 8)
	n := testing.AllocsPerRun(100, func() {
		table.Lookup(config)
		s, _ := table.Lookup(get)
		_, _ = s.AppendKeys(keys, get)
		s, _ = table.Lookup(eval)
		_, _ = s.AppendKeyRefs(refs, eval)
		Slot(get[1])
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	table := newTable(b, declared())
	for _, line := range []string{"get k", "GETEX k", "CoNfIg gEt x"} {
		args := bytesOf(strings.Fields(line))
		b.Run(strings.ReplaceAll(line, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, result := table.Lookup(args); result != Found {
					b.Fatal(result)
				}
			}
		})
	}
}
