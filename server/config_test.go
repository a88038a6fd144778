package server

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write docs/configuration.md and docs/commands.md")

func TestParametersAreSound(t *testing.T) {
	seen := map[string]bool{}
	groups, last := map[string]bool{}, ""
	for _, p := range Parameters() {
		if p.Group == "" || p.Group != last && groups[p.Group] {
			t.Errorf("%s is in the group %q", p.Name, p.Group)
		}
		groups[p.Group], last = true, p.Group
		for _, name := range p.names() {
			if seen[name] || name != strings.ToLower(name) {
				t.Errorf("the name %q", name)
			}
			seen[name] = true
		}
		if v, err := p.Check(p.Default); err != nil || v != p.Default {
			t.Errorf("%s: the default %q is %q, %v", p.Name, p.Default, v, err)
		}
		if p.Help == "" || strings.HasSuffix(p.Help, ".") {
			t.Errorf("%s: help %q", p.Name, p.Help)
		}
		if p.Only != nil && p.Because == "" {
			t.Errorf("%s refuses without a reason", p.Name)
		}
		if p.Replicated && p.apply != nil {
			t.Errorf("%s is the cluster's and cannot be applied here", p.Name)
		}
	}
}

func TestConfigCommands(t *testing.T) {
	n := start(t)
	c := n.dial()
	failed := func(name, why string) string {
		return "-ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + why
	}
	for _, step := range []struct{ line, want string }{
		{"config get maxclients", "[maxclients 10000]"},
		{"config get MAXCLIENTS nosuch", "[maxclients 10000]"},
		{"config get maxclient*", "[maxclients 10000]"},
		{"config get hash-max-*-entries", "[hash-max-listpack-entries 512 hash-max-ziplist-entries 512]"},
		{"config get replicaof", "[replicaof ]"},
		{"config set nosuch 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"},
		{"config set port 1 nosuch 2", "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"},
		{"config set a b c", "-ERR syntax error"},
		{"config set maxclients abc", failed("maxclients", "argument couldn't be parsed into an integer")},
		{"config set maxclients 0", failed("maxclients", "argument must be between 1 and 4294967295 inclusive")},
		{"config set maxclients 4000000000", failed("maxclients", fmt.Sprintf("The operating system is not able to handle the specified number of clients, try with %d", mostClients()))},
		{"config set unixsocket 1", failed("unixsocket", "can't set immutable config")},
		{"config set databases 3", failed("databases", "can't set immutable config")},
		{"config set appendonly maybe", failed("appendonly", "argument must be 'yes' or 'no'")},
		{"config set appendonly no", failed("appendonly", "only 'yes' is true of this server: every write is an entry of the log")},
		{"config set appendonly yes", "+OK"},
		{"config set appendfsync everysec", failed("appendfsync", "only 'always' is true of this server: a reply means that a majority has the write on disk")},
		{"config set replica-ignore-maxmemory no", failed("replica-ignore-maxmemory", "only 'yes' is true of this server: the leader evicts for all, by its own memory")},
		{"config set slave-ignore-maxmemory yes", "+OK"},
		{"config set maxmemory 100mb", "+OK"},
		{"config get maxmemory", "[maxmemory 104857600]"},
		{"config set maxmemory abc", failed("maxmemory", "argument must be a memory value")},
		{"config set maxmemory-policy foo", failed("maxmemory-policy", "argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction")},
		{"config set maxmemory 0 maxmemory 1", failed("maxmemory", "duplicate parameter")},
		{"config set hash-max-listpack-entries 1 hash-max-ziplist-entries 2", "+OK"},
		{"config get hash-max-listpack-entries", "[hash-max-listpack-entries 2]"},
		{"config set save 'foo bar'", failed("save", "Invalid save parameters")},
		{"config set save '900 1 300 10'", "+OK"},
		{"config get save", "[save 900 1 300 10]"},
		{`config set save ""`, "+OK"},
		{"config set client-output-buffer-limit 'foo 0 0 0'", failed("client-output-buffer-limit", "Invalid client class specified in buffer limit configuration.")},
		{"config set client-output-buffer-limit 'normal 1mb 0 0'", "+OK"},
		{"config get client-output-buffer-limit", "[client-output-buffer-limit normal 1048576 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60]"},
		{"config set proto-max-bulk-len 1gb", "+OK"},
		{"config get proto-max-bulk-len", "[proto-max-bulk-len 1073741824]"},
		{"config set timeout 5 maxclients 7 requirepass x", "+OK"},
		{"config set requirepass ''", "+OK"},
		{"config rewrite", "-ERR The server is running without a config file"},
		{"config resetstat", "+OK"},
	} {
		c.expect(step.line, step.want)
	}
	// All or none: the cluster refuses, and this node's own go back to what they were.
	n.cluster.set(func(f *fakeCluster) { f.propose = &fakeError{full: true} })
	c.expect("config set timeout 9 hash-max-listpack-value 9", "-"+errMovingOn)
	c.expect("config get timeout hash-max-listpack-value", "[timeout 5 hash-max-listpack-value 64]")
}

func TestConfigFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redis.conf")
	file := func(lines ...string) error {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		return NewConfig().Load(path)
	}
	c := NewConfig()
	text := "# comment\n\nport 7000\nbind 127.0.0.1 -::1\nrequirepass \"a \\\"b\\\" \\x41\"\nsave 900 1\n  save 300 10\nreplicaof 10.0.0.1 6379\nlogfile ''\nMAXCLIENTS 12\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Load(path); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"port": "7000", "bind": "127.0.0.1 -::1", "requirepass": `a "b" A`, "save": "900 1 300 10",
		"join": "10.0.0.1:6379", "logfile": "", "maxclients": "12"} {
		if got := c.Get(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	if !c.Given("port") || c.Given("timeout") {
		t.Error("what was given is not known")
	}
	if i := slices.Index(c.Seeds(), "requirepass"); i < 0 || c.Seeds()[i+1] != `a "b" A` {
		t.Errorf("seeds: %q", c.Seeds())
	}
	if err := file("port 7000", "nosuch 1"); !errors.Is(err, ErrUnknownParameter) || !strings.Contains(err.Error(), ":2:") {
		t.Errorf("an unknown directive: %v", err)
	}
	if err := file("port"); err == nil {
		t.Error("a directive without arguments is taken")
	}
	if err := file(`requirepass "abc`); !errors.Is(err, errQuotes) {
		t.Errorf("an open quote: %v", err)
	}
	if err := file(`requirepass "abc"d`); !errors.Is(err, errQuotes) {
		t.Errorf("a quote inside a word: %v", err)
	}
	if err := file("appendonly no"); err == nil || !strings.Contains(err.Error(), "every write is an entry") {
		t.Errorf("appendonly no: %v", err)
	}
}

// configurationPage is docs/configuration.md.
func configurationPage() string {
	var b strings.Builder
	b.WriteString(`# Configuration

A parameter is set in a file in the syntax of redis.conf (` + "`redraft redraft.conf`" + `), by a flag of the same name
(` + "`--port 7000`" + `), which counts for more than the file, and, where the table says so, while the server runs:
` + "`CONFIG SET name value`" + `. CONFIG REWRITE puts what was changed into the file,
and leaves what was not, comments included, as it stands.

*Set* says when: **start** by file and flags only; **any time** by CONFIG SET as well, for this node and until it
ends; **cluster** by CONFIG SET on any node, for all nodes and for good. File and flags give a cluster parameter its
value only when a cluster begins; later they are compared with what the cluster has. **fixed cluster** parameters are
chosen when the cluster begins. **never** marks parameters of Redis that have one true value here; setting them to
it is accepted, anything else is an error.

This page is made from the table in the program: ` + "`go test ./server -run ConfigurationPage -rewrite`" + `.
`)
	group := ""
	for _, p := range Parameters() {
		if p.Group != group {
			group = p.Group
			fmt.Fprintf(&b, "\n## %s\n\n| Name | Value | Default | Set | Meaning |\n|---|---|---|---|---|\n", group)
		}
		name := "`" + p.Name + "`"
		for _, a := range p.Aliases {
			name += ", `" + a + "`"
		}
		value := "`" + p.Default + "`"
		if p.Default == "" {
			value = ""
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, valueColumn(p), value, setColumn(p), p.Help)
	}
	return b.String()
}

func valueColumn(p *Parameter) string {
	switch {
	case p.Usage != "":
		return p.Usage
	case p.Kind == Bool:
		return "yes, no"
	case p.Kind == Enum:
		return strings.Join(p.Values, ", ")
	}
	return map[Kind]string{Int: "number", Memory: "bytes", String: "text", Octal: "mode"}[p.Kind]
}

func setColumn(p *Parameter) string {
	switch {
	case p.Only != nil:
		return "never"
	case p.Replicated && p.Immutable:
		return "fixed cluster"
	case p.Replicated:
		return "cluster"
	case p.Immutable:
		return "start"
	}
	return "any time"
}

func TestConfigurationPage(t *testing.T) {
	const path = "../docs/configuration.md"
	if *rewrite {
		if err := os.WriteFile(path, []byte(configurationPage()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != configurationPage() {
		t.Errorf("%s is not what the table makes; run this test with -rewrite (%v)", path, err)
	}
}

// repl-backlog-size reaches the cluster, at the start and later.
func TestBacklogSize(t *testing.T) {
	n := start(t, "repl-backlog-size", "1mb")
	if got := n.cluster.kept.Load(); got != 1<<20 {
		t.Errorf("at the start %d bytes are kept", got)
	}
	n.dial().expect("config set repl-backlog-size 2mb", "+OK")
	if got := n.cluster.kept.Load(); got != 2<<20 {
		t.Errorf("then %d bytes are kept", got)
	}
}

// A hidden parameter is found by its whole name, and what cannot be changed may be set to what it is.
func TestHiddenAndImmutable(t *testing.T) {
	c := start(t).dial()
	c.expect("config get key-load-*", "[]")
	c.expect("config get key-load-delay", "[key-load-delay 0]")
	c.expect("config set daemonize no key-load-delay 0", "+OK")
	c.expect("config set daemonize yes", "-ERR CONFIG SET failed (possibly related to argument 'daemonize') - can't set immutable config")
}
