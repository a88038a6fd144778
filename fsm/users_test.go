package fsm

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/reply"
	"github.com/redraftdb/redraft/snapshot"
)

// randomUserItem is an item that changes users, or is refused, or seems to.
func randomUserItem(rnd *rand.Rand) []byte {
	words := []string{"on", "off", "nopass", "resetpass", "#" + strings.Repeat("a", 64), "!" + strings.Repeat("a", 64), "~k*", "%R~*",
		"%RW~*", "allkeys", "resetkeys", "&c", "allchannels", "resetchannels", "+@all", "-@all", "+get", "-get", "+config|get", "+select|0",
		"-@read", "+@unheard", "clearselectors", "reset", "sanitize-payload", "skip-sanitize-payload"}
	names := []string{acl.Default, "a", "b", "c"}
	name := names[rnd.IntN(len(names))]
	var rules []string
	for range rnd.IntN(5) {
		if w := words[rnd.IntN(len(words))]; rnd.IntN(6) == 0 && strings.ContainsAny(w[:1], "~%&+-") {
			rules = append(rules, "(", w, ")")
		} else {
			rules = append(rules, w)
		}
	}
	switch rnd.IntN(8) {
	case 0:
		return DeleteUsers(names[1+rnd.IntN(3)], "a")
	case 1:
		return SetParameters(Setting{ParamRequirePass, []string{"", "secret"}[rnd.IntN(2)]},
			Setting{ParamChannels, []string{"allchannels", "resetchannels"}[rnd.IntN(2)]})
	case 2:
		users := acl.New()
		if u, err := acl.Blank(name, 0, false).Change(rules, false); err == nil {
			users = users.With(u)
		}
		return ReplaceUsers(users)
	}
	return SetUser(name, rules)
}

func (l *testLog) setUser(name string, words ...string) string {
	var out reply.Recorder
	l.apply([]reply.Sink{&out}, SetUser(name, words))
	return out.String()
}

// A user keeps its number through changes and snapshots, and another one of its name has another.
func TestUserIsTheSame(t *testing.T) {
	l := newLog(t)
	born := func(name string) uint64 { return l.m.Access().Users.Named(name).Born() }
	l.setUser("a", "on")
	first := born("a")
	l.setUser("a", "nopass")
	l.setUser("b", "on")
	l.restart()
	if born("a") != first || born("b") == first || born(acl.Default) != 0 {
		t.Errorf("the numbers are %d, then %d; %d for another, %d for the default user", first, born("a"), born("b"), born(acl.Default))
	}
	l.apply(nil, DeleteUsers("a"), SetUser("a", []string{"on"}))
	if second := born("a"); second == first {
		t.Error("another user has the number of the one before")
	} else if l.apply(nil, ReplaceUsers(l.m.Access().Users)); born("a") == second || born(acl.Default) != 0 {
		t.Error("a user that was loaded has the number of the one before, or the default user has another")
	}
}

func TestUserIsRefused(t *testing.T) {
	l := newLog(t)
	for _, c := range []struct {
		name  string
		words []string
		want  string
	}{
		{"a", []string{"on", "~a", "+get"}, "+OK"},
		{"a", []string{"!" + strings.Repeat("a", 64)}, "-ERR Error in ACL SETUSER modifier '!" + strings.Repeat("a", 64) + "': The password you are trying to remove from the user does not exist"},
		{"a", []string{"allkeys", "~b"}, "-ERR Error in ACL SETUSER modifier '~b': Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"},
		{"a", []string{"fly"}, "-ERR Syntax error"},
		{"a", []string{"(", "+get"}, "-ERR Syntax error"},
		{"a b", []string{"on"}, "-ERR Usernames can't contain spaces or null characters"},
	} {
		if got := strings.TrimSpace(l.setUser(c.name, c.words...)); got != c.want {
			t.Errorf("%s %q: %s", c.name, c.words, got)
		}
	}
	if got := strings.Join(l.m.Access().Users.Named("a").Words(), " "); got != "on ~a resetchannels -@all +get" {
		t.Errorf("after all that was refused the user is %s", got)
	}
	for _, item := range [][]byte{SetUser("a", []string{"fly"}), SetUser("a b", nil), item(nameSetUser, "a", "\xff"), item(nameUsers, "a", "\xff")} {
		if l.m.CheckItem(item) == nil {
			t.Errorf("%q may go into the log", item)
		}
	}
	for _, item := range [][]byte{SetUser("a", []string{"allkeys", "~b"}), SetUser("a", []string{"+unheard", "+@unheard"}), ReplaceUsers(acl.New())} {
		if err := l.m.CheckItem(item); err != nil {
			t.Errorf("%q: %v", item, err)
		}
	}
}

// What observes users is told of each change, and after a snapshot.
func TestObserveAccess(t *testing.T) {
	l := newLog(t)
	var told []string
	l.m.ObserveAccess(func(earlier, now *Access) {
		var names []string
		for _, u := range now.Users.All() {
			names = append(names, u.Name())
		}
		if earlier.Users == now.Users {
			t.Error("nothing has changed")
		}
		told = append(told, strings.Join(names, ","))
	})
	l.setUser("a", "on")
	l.setUser("a", "fly")
	l.do(reply.Discard, "set", "k", "v")
	l.apply(nil, DeleteUsers("b"), SetUser("b", nil), DeleteUsers("a"))
	l.apply(nil, SetParameters(Setting{ParamRequirePass, "x"}))
	l.apply(nil, SetParameters(Setting{ParamRequirePass, "x"}))
	if want := []string{"a,default", "a,b,default", "b,default", "b,default"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	image := l.image()
	l.apply(nil, DeleteUsers("b"))
	if err := l.m.Restore(bytes.NewReader(image)); err != nil || told[len(told)-1] != "b,default" {
		t.Errorf("after a snapshot: %q, %v", told, err)
	}
}

// A snapshot from before there were users has the default user's password among the parameters.
func TestSnapshotWithoutUsers(t *testing.T) {
	var b bytes.Buffer
	w := snapshot.NewWriter(&b)
	w.Header()
	w.Aux(auxFormat, []byte("1"))
	w.Aux(auxParameter+ParamRequirePass, []byte("secret"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m := New()
	if err := m.Restore(&b); err != nil {
		t.Fatal(err)
	}
	u := m.Access().Users.Named(acl.Default)
	if u.Open() || !u.Accepts([]byte("secret")) || !u.Free() {
		t.Errorf("the default user is %q", u.Words())
	}
}

// The default user's password is what requirepass says until it is told otherwise, and from the next change of
// requirepass again.
func TestRequirePass(t *testing.T) {
	l := newLog(t)
	set := func(password string) { l.apply(nil, SetParameters(Setting{ParamRequirePass, password})) }
	user := func() *acl.User { return l.m.Access().Users.Named(acl.Default) }
	if !user().Open() {
		t.Error("a new cluster asks for a password")
	}
	if set("x"); user().Open() || !user().Accepts([]byte("x")) {
		t.Error("requirepass is not the password")
	}
	l.setUser(acl.Default, "nopass")
	if set("x"); !user().Open() {
		t.Error("a requirepass that is the same has changed the user")
	}
	if set("y"); user().Open() || !user().Accepts([]byte("y")) {
		t.Error("another requirepass is not the password")
	}
	if set(""); !user().Open() {
		t.Error("without requirepass there is a password")
	}
}
