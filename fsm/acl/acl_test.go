package acl

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/command"
)

// testTable is a few commands of each kind.
func testTable(t testing.TB) *command.Table {
	t.Helper()
	key, two := command.OneKey(command.RO|command.Access), command.OneKey(command.OW|command.Insert)
	run := func() {}
	table, err := command.NewTable(
		&command.Spec{Name: "get", Usage: "key", Group: "string", Summary: "x", Since: "1.0.0", Flags: command.ReadOnly | command.Fast, Keys: key, Handler: run},
		&command.Spec{Name: "set", Usage: "key value", Group: "string", Summary: "x", Since: "1.0.0", Flags: command.Write, Keys: two, Handler: run},
		&command.Spec{Name: "copy", Usage: "source destination", Group: "generic", Summary: "x", Since: "1.0.0", Flags: command.Write,
			Keys: command.Keys(command.KeyAt(1, command.RO|command.Access), command.KeyAt(2, command.OW|command.Update)), Handler: run},
		&command.Spec{Name: "select", Usage: "index", Group: "connection", Summary: "x", Since: "1.0.0", Flags: command.Fast, Handler: run},
		&command.Spec{Name: "auth", Usage: "password", Group: "connection", Summary: "x", Since: "1.0.0", Flags: command.Fast | command.NoAuth, Handler: run},
		&command.Spec{Name: "secret", Group: "server", Summary: "x", Since: "1.0.0", Flags: command.Write | command.Internal, Handler: run},
		&command.Spec{Name: "publish", Usage: "channel message", Group: "pubsub", Summary: "x", Since: "1.0.0", Flags: command.PubSub | command.Fast, Handler: run,
			Channels: command.ChannelSpec{Flags: command.ChannelPublish, First: 1, Last: 1}},
		&command.Spec{Name: "subscribe", Usage: "channel [channel ...]", Group: "pubsub", Summary: "x", Since: "1.0.0", Flags: command.PubSub, Handler: run,
			Channels: command.ChannelSpec{Flags: command.ChannelSubscribe, First: 1, Last: -1}},
		&command.Spec{Name: "psubscribe", Usage: "pattern [pattern ...]", Group: "pubsub", Summary: "x", Since: "1.0.0", Flags: command.PubSub, Handler: run,
			Channels: command.ChannelSpec{Flags: command.ChannelSubscribe | command.ChannelPattern, First: 1, Last: -1}},
		&command.Spec{Name: "unsubscribe", Usage: "[channel [channel ...]]", Group: "pubsub", Summary: "x", Since: "1.0.0", Flags: command.PubSub, Handler: run,
			Channels: command.ChannelSpec{Flags: command.ChannelUnsubscribe, First: 1, Last: -1}},
		&command.Spec{Name: "config", Group: "server", Summary: "x", Since: "1.0.0", Sub: []*command.Spec{
			{Name: "get", Usage: "name", Summary: "x", Since: "1.0.0", Flags: command.Admin, Handler: run},
			{Name: "set", Usage: "name value", Summary: "x", Since: "1.0.0", Flags: command.Admin, Handler: run},
			{Name: "help", Summary: "x", Since: "1.0.0", Handler: run},
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// user makes a user of a line of rules.
func user(t testing.TB, table *command.Table, rules string) *User {
	t.Helper()
	u, _, err := Blank("u", 1, false).Set(strings.Fields(rules), table, false)
	if err != nil {
		t.Fatalf("%s: %v", rules, err)
	}
	return u
}

func TestJudge(t *testing.T) {
	table := testTable(t)
	for _, c := range []struct {
		rules, line string
		want        Verdict
	}{
		{"", "get a", Verdict{Command, 0}},
		{"", "auth a", Verdict{}},
		{"+get", "get a", Verdict{Key, 1}},
		{"+get ~a", "get a", Verdict{}},
		{"+get ~a", "get b", Verdict{Key, 1}},
		{"+copy %R~a %W~b", "copy a b", Verdict{}},
		{"+copy %R~a %W~b", "copy b a", Verdict{Key, 1}},
		{"+copy %R~a %W~b", "copy a a", Verdict{Key, 2}},
		{"+@all allkeys", "publish c m", Verdict{Channel, 1}},
		{"+@all &c", "publish c m", Verdict{}},
		{"+@all &c*", "subscribe c1 c2 d", Verdict{Channel, 3}},
		{"+@all &c*", "psubscribe c* c1", Verdict{Channel, 2}},
		{"+@all &c*", "psubscribe c*", Verdict{}},
		{"+@all", "unsubscribe d", Verdict{}},
		{"+@all", "unsubscribe", Verdict{}},
		{"+@all", "subscribe", Verdict{}},
		{"+select|1", "select 1", Verdict{}},
		{"+select|1", "select 2", Verdict{Command, 0}},
		{"+select|1 -select", "select 1", Verdict{Command, 0}},
		{"+select|1 -@connection", "select 1", Verdict{Command, 0}},
		{"-@connection +select|1", "select 1", Verdict{}},
		{"+config -config|set", "config get a", Verdict{}},
		{"+config -config|set", "config set a b", Verdict{Command, 0}},
		{"-config|set +config", "config set a b", Verdict{}},
		{"+@admin", "config set a b", Verdict{}},
		{"+@admin", "config help", Verdict{Command, 0}},
		{"+@slow", "config help", Verdict{}},
		{"+@slow -@admin", "config get a", Verdict{Command, 0}},
		{"+get (+set ~a)", "set a 1", Verdict{}},
		{"+get (+set ~a)", "get a", Verdict{Key, 1}},
		{"+copy ~a (+copy ~b)", "copy a b", Verdict{Key, 2}},
		{"+copy ~a (+copy ~b)", "copy b b", Verdict{}},
	} {
		args := [][]byte{}
		for _, w := range strings.Fields(c.line) {
			args = append(args, []byte(w))
		}
		spec, _ := table.Lookup(args)
		if got := user(t, table, c.rules).Judge(spec, args); got != c.want {
			t.Errorf("%s, for a user of %q: %+v, want %+v", c.line, c.rules, got, c.want)
		}
	}
}

func TestJudgeScript(t *testing.T) {
	table := testTable(t)
	u, _, err := Blank("u", 1, false).Set([]string{"+get", "+publish", "~a", "&c"}, table, false)
	if err != nil {
		t.Fatal(err)
	}
	users := New().With(u)
	for _, c := range []struct{ user, line, want string }{
		{"u", "get a", ""},
		{"u", "get b", "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments"},
		{"u", "set a 1", "ERR The user executing the script can't run this command or subcommand"},
		{"u", "publish d m", "ERR The user executing the script can't publish to the channel mentioned in the command"},
		{"gone", "get a", "ERR The user executing the script can't run this command or subcommand"},
		{"default", "set a 1", ""},
	} {
		var args [][]byte
		for _, w := range strings.Fields(c.line) {
			args = append(args, []byte(w))
		}
		spec, _ := table.Lookup(args)
		if v, got := users.JudgeScript(c.user, spec, args); got != c.want || (v.Reason == Allowed) != (got == "") {
			t.Errorf("%s, %s: %q, %+v", c.user, c.line, got, v)
		}
	}
}

// Names that are not for clients are not for rules.
func TestInternalCommandsHaveNoRules(t *testing.T) {
	if _, _, err := Blank("u", 0, false).Set([]string{"+secret"}, testTable(t), false); err == nil {
		t.Error("+secret is a rule")
	}
}

// A user's rules do not grow with the changes that are made.
func TestRulesStayFew(t *testing.T) {
	table := testTable(t)
	u := Blank("u", 0, false)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	names := []string{"get", "set", "config", "config|get", "config|set", "@read", "@write", "@slow", "@fast", "@connection"}
	for range 2000 {
		rules := []string{sign(rnd.IntN(2) == 0) + names[rnd.IntN(len(names))]}
		if rnd.IntN(4) == 0 {
			rules = append(rules, fmt.Sprintf("+select|%d", rnd.IntN(3)))
		}
		var err error
		if u, _, err = u.Set(rules, table, false); err != nil {
			t.Fatal(err)
		}
		if n := len(u.selectors[0].commands); n > len(names)+4 {
			t.Fatalf("%d rules: %v", n, u.Words())
		}
	}
}

// The order of rules and what is left out of them make no difference to the verdicts: a selector allows what one
// allows that keeps every rule.
func TestRulesAgainstBits(t *testing.T) {
	table := testTable(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var specs []*command.Spec
	for _, s := range table.Public() {
		specs = append(append(specs, s), s.Sub...)
	}
	var names []string
	for _, s := range specs {
		names = append(names, s.FullName())
	}
	for _, c := range command.AnyCategory.Words() {
		names = append(names, "@"+c)
	}
	u, bits := Blank("u", 0, false), map[*command.Spec]bool{}
	for range 5000 {
		allow, name := rnd.IntN(2) == 0, names[rnd.IntN(len(names))]
		if rnd.IntN(30) == 0 {
			name = "@all"
		}
		var err error
		if u, _, err = u.Set([]string{sign(allow) + name}, table, false); err != nil {
			t.Fatal(err)
		}
		category, _ := command.Category(strings.TrimPrefix(name, "@"))
		for _, s := range specs {
			if name == s.FullName() || name == "@all" || name[0] == '@' && s.AllCategories()&category != 0 {
				bits[s] = allow
				for _, sub := range s.Sub {
					bits[sub] = allow
				}
			}
		}
		for _, s := range specs {
			if got := u.selectors[0].allows(s, nil); got != bits[s] {
				t.Fatalf("%s after %s%s: %v, want %v; the rules are %v", s.FullName(), sign(allow), name, got, bits[s], u.Words())
			}
		}
		checkDescription(t, table, u)
	}
}

// checkDescription fails the test unless a user made of its own description may run the same.
func checkDescription(t testing.TB, table *command.Table, u *User) {
	t.Helper()
	text := u.Describe(table)
	again, _, err := Blank("u", u.born, false).Set(strings.Split(text, " "), table, false)
	if err != nil {
		t.Fatalf("the description %q of %v is not understood: %v", text, u.Words(), err)
	}
	if text2 := again.Describe(table); text2 != text {
		t.Fatalf("%v is described as\n%s\nand that as\n%s", u.Words(), text, text2)
	}
	for i := range u.selectors {
		for _, s := range table.Public() {
			for _, s := range append([]*command.Spec{s}, s.Sub...) {
				if a, b := u.selectors[i].allows(s, nil), again.selectors[i].allows(s, nil); a != b {
					t.Fatalf("%s: %v for %v, %v by the description %q", s.FullName(), a, u.Words(), b, text)
				}
			}
		}
	}
}

func TestPasswords(t *testing.T) {
	u := user(t, testTable(t), "on >one >two")
	for password, want := range map[string]bool{"one": true, "two": true, "three": false, "": false} {
		if u.Accepts([]byte(password)) != want {
			t.Errorf("%q: %v", password, !want)
		}
	}
	if u = u.WithPassword(""); !u.Accepts([]byte("any")) || !u.Open() {
		t.Error("a user without a password wants one")
	}
	if u = u.WithPassword("x"); u.Accepts([]byte("one")) || !u.Accepts([]byte("x")) || u.Open() {
		t.Error("a new password is not the only one")
	}
	if u = user(t, testTable(t), "nopass"); u.Accepts([]byte("x")) || u.Open() {
		t.Error("a user that is off lets somebody in")
	}
}

func TestUsers(t *testing.T) {
	one := New()
	two := one.With(Blank("b", 1, false)).With(Blank("a", 2, false))
	if len(one.All()) != 1 || len(two.All()) != 3 || two.All()[0].Name() != "a" {
		t.Errorf("%d and %d users", len(one.All()), len(two.All()))
	}
	three, n := two.Without("a", "b", "c", Default)
	if n != 2 || len(three.All()) != 1 || three.Named(Default) == nil || two.Named("a") == nil || three.Named("a") != nil {
		t.Errorf("%d went, %d are left", n, len(three.All()))
	}
}

func TestKeepsChannels(t *testing.T) {
	table := testTable(t)
	for _, c := range []struct {
		now, before string
		want        bool
	}{
		{"&*", "&a", true}, {"&a", "&*", false}, {"&a &b", "&a", true}, {"&a", "&a &b", false},
		{"(&a)", "&a", true}, {"", "&a", false}, {"", "", true}, {"(&*)", "&*", true},
	} {
		if got := user(t, table, c.now).KeepsChannels(user(t, table, c.before)); got != c.want {
			t.Errorf("%q after %q: %v", c.now, c.before, got)
		}
	}
}

// checkWords fails the test unless a user made of its words is the same.
func checkWords(t testing.TB, u *User) {
	t.Helper()
	again, err := ReadUser(u.name, u.born, AppendWords(nil, u.Words()))
	if err != nil {
		t.Fatalf("the words %q are not understood: %v", u.Words(), err)
	}
	if !reflect.DeepEqual(again.Words(), u.Words()) || again.free != u.free || !slices.Equal(again.passwords, u.passwords) {
		t.Fatalf("%q came back as %q", u.Words(), again.Words())
	}
	for i := range u.selectors {
		a, b := &u.selectors[i], &again.selectors[i]
		if !slices.Equal(a.keys, b.keys) || !slices.Equal(a.channels, b.channels) || !slices.Equal(a.commands, b.commands) ||
			a.allKeys != b.allKeys || a.allChannels != b.allChannels {
			t.Fatalf("selector %d of %q came back as another: %q", i, u.Words(), again.Words())
		}
	}
}
