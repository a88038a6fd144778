package server

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm"
)

// aclFiles are files, good and bad.
var aclFiles = map[string]string{
	"empty":          "",
	"good":           "user lena on >a ~k* &c* +@all -get\n\n  user  default  on nopass ~* &* +@all  \r\nuser kim off\n",
	"selectors":      "user a (+get ~a) ( +set ~b ) (%R~c  +@read)\nuser b on nopass ~* +@all (+get)\n",
	"no user":        "hello\nuser\nuser a on\n# comment\nUSER b on\n",
	"twice":          "user a on\nuser b on\nuser a off\nuser default on\nuser default off\n",
	"unknown names":  "user a +nothing -@neither on +@all\nuser b +config|nothing\n",
	"several errors": "user a fly #12 %x\nuser b ~* ~a &* &b <nothing\nuser c on nopass\n",
	"mixed":          "user a fly +nothing fly +nor\nhello\nuser a\n",
	"bad name":       "user a\tb on\nuser c on\n",
	"tabs":           "user a on\t +@all\t\n",
}

// TestACLFiles has redraft and redis-server load the same files, and compares what they say and who there is
// then.
func TestACLFiles(t *testing.T) {
	ours, theirs := filepath.Join(t.TempDir(), "users.acl"), filepath.Join(t.TempDir(), "users.acl")
	for _, path := range []string{ours, theirs} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	redis := guardRedis(t, "--aclfile", theirs)
	n := start(t, "aclfile", ours)
	ask := func(addr, line string) string {
		conn := dialTCP(t, addr)
		defer conn.Close()
		return strings.NewReplacer(ours, "FILE", theirs, "FILE").Replace(said(&client{t: t, conn: conn, in: bufio.NewReader(conn)}, line))
	}
	for name, text := range aclFiles {
		for _, path := range []string{ours, theirs} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, line := range []string{"acl setuser former on", "acl load", "acl list", "acl save"} {
			if a, b := ask(n.addr, line), ask(redis, line); a != b {
				t.Errorf("%s: %s\nredraft answers %s\n  Redis answers %s", name, line, a, b)
			}
		}
		a, _ := os.ReadFile(ours)
		b, _ := os.ReadFile(theirs)
		if string(a) != string(b) {
			t.Errorf("%s: saved as\n%s\nby Redis as\n%s", name, a, b)
		}
	}
	_, _ = os.Remove(ours), os.Remove(theirs)
	if a, b := ask(n.addr, "acl load"), ask(redis, "acl load"); a != b {
		t.Errorf("no file: redraft answers %s\n  Redis answers %s", a, b)
	}
}

// Redis 7.0.15 does not survive this one.
func TestACLFileUnmatched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, "aclfile", path).dial()
	if err := os.WriteFile(path, []byte("user a on (+get"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.expect("acl load", "-ERR "+path+":1: Unmatched parenthesis in selector definition."+
		"WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
}

// A file that ACL SAVE writes means what the users are, quotes in selectors included.
func TestACLSaveQuotes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, "aclfile", path).dial()
	c.expect(`acl setuser a '(~"a\\\"b" ~"c\'d" +get)'`, "+OK")
	before := c.do("acl list")
	c.expect("acl save", "+OK")
	c.expect("acl load", "+OK")
	c.expect("acl list", before)
	if !strings.Contains(before, `~a\"b ~c'd`) {
		t.Errorf("the rules are %s", before)
	}
}

// ACL LOAD is another user for whoever is connected as one of its name.
func TestACLLoadDisconnects(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(path, []byte("user a on nopass +@all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := start(t, "aclfile", path)
	admin, other, itself := n.dial(), n.dial(), n.dial()
	admin.expect("acl load", "+OK")
	other.expect("auth a x", "+OK")
	itself.expect("auth a x", "+OK")
	itself.expect("acl load", "+OK")
	itself.closed()
	other.closed()
	admin.expect("ping", "+PONG")
}

func TestConfiguredUsers(t *testing.T) {
	config := func(lines string) *Config {
		path := filepath.Join(t.TempDir(), "redraft.conf")
		if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		c := NewConfig()
		if err := c.Load(path); err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := config("requirepass secret\nuser lena on \">two words\" +get ~a\nuser kim on nopass (+get ~x) +@all\n")
	srv, err := New(Options{Machine: fsm.New(), Config: c})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close(t.Context())
	users, err := srv.ConfiguredUsers()
	if err != nil {
		t.Fatal(err)
	}
	if !users.Named("lena").Accepts([]byte("two words")) || !users.Named("default").Accepts([]byte("secret")) || users.Named("default").Open() {
		t.Errorf("the users are\n%s", users.Text(srv.commands.table))
	}
	if got := users.Named("kim").Describe(srv.commands.table); got != "on nopass resetchannels +@all (~x resetchannels -@all +get)" {
		t.Errorf("kim is %s", got)
	}
	for lines, want := range map[string]string{
		"user a on\nuser a off\n":                      "Duplicate user found",
		"user a fly\n":                                 "Syntax error",
		"user a (on\n":                                 "Unmatched parenthesis",
		"user a on\naclfile /nowhere\n":                "both an aclfile and user lines",
		"aclfile /nowhere/at/all\n":                    "Error loading ACLs, opening file '/nowhere/at/all': No such file or directory",
		"user default on +@all\nuser default nopass\n": "Duplicate user found",
	} {
		if _, err := New(Options{Machine: fsm.New(), Config: config(lines)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", lines, err)
		}
	}
}

// TestACLCat compares the categories of the commands that redraft and Redis both have.
func TestACLCat(t *testing.T) {
	theirs := guardRedis(t)
	n := start(t)
	conn := dialTCP(t, theirs)
	defer conn.Close()
	ours, redis := n.dial(), &client{t: t, conn: conn, in: bufio.NewReader(conn)}
	list := func(c *client, line string) []string {
		names := strings.Fields(strings.Trim(c.do(line), "[]"))
		slices.Sort(names)
		return names
	}
	known := map[string]bool{}
	for _, category := range list(redis, "acl cat") {
		for _, name := range list(redis, "acl cat "+category) {
			known[name] = true
		}
	}
	for _, category := range list(ours, "acl cat") {
		a := slices.DeleteFunc(list(ours, "acl cat "+category), func(name string) bool { return !known[name] })
		b := slices.DeleteFunc(list(redis, "acl cat "+category), func(name string) bool { return n.srv.commands.table.Named(name) == nil })
		if !slices.Equal(a, b) {
			t.Errorf("@%s:\nredraft has %v\n  Redis has %v", category, a, b)
		}
	}
}
