package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/server"
)

func noEnvironment(string) string { return "" }

// TestJoinWords reads command lines as people write them for redis-server.
func TestJoinWords(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{[]string{"--port", "1"}, []string{"--port=1"}},
		{[]string{"--port=1", "file"}, []string{"--port=1", "file"}},
		{[]string{"file", "--port", "1"}, []string{"file", "--port=1"}},
		{[]string{"--save", "900", "1", "300", "10", "--port", "1"}, []string{"--save=900 1 300 10", "--port=1"}},
		{[]string{"--save", ""}, []string{"--save="}},
		{[]string{"--bind", "127.0.0.1", "-::1"}, []string{"--bind=127.0.0.1 -::1"}},
		{[]string{"--replicaof", "host", "6379"}, []string{"--replicaof=host 6379"}},
		{[]string{"--slaveof", "no", "one", "--replica"}, []string{"--slaveof=no one", "--replica=yes"}},
		{[]string{"--join", "host:6379", "file"}, []string{"--join=host:6379", "file"}},
		{[]string{"--replica", "--port", "1"}, []string{"--replica=yes", "--port=1"}},
		{[]string{"--replica", "no"}, []string{"--replica=no"}},
		{[]string{"--requirepass", "--x"}, []string{"--requirepass=--x"}},
		{[]string{"--port"}, []string{"--port"}},
		{[]string{"--pprof", "host:1", "--unknown", "x"}, []string{"--pprof", "host:1", "--unknown", "x"}},
		{[]string{"--", "--port", "1"}, []string{"--", "--port", "1"}},
	} {
		if got := joinWords(c.in, server.NewConfig()); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

// TestFlagsWin: flags win over the file, and lines that add up do so within one of the two.
func TestFlagsWin(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "redis.conf")
	text := "# a comment\nport 7000\nsave 900 1\nsave 300 10\nrequirepass \"a b\"\nreplicaof other 6379\nslave-serve-stale-data yes\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := parseArgs([]string{file, "--port", "7001", "--DIR", dir}, noEnvironment)
	if err == nil {
		t.Error("flags are in lower case, and --DIR was taken")
	}
	o, err := parseArgs([]string{file, "--port", "7001", "--dir", dir, "--hash-max-ziplist-entries", "9"}, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"port": "7001", "save": "900 1 300 10", "requirepass": "a b", "join": "other:6379",
		"dir": dir, "bind": "127.0.0.1 -::1", "hash-max-listpack-entries": "9"} {
		if got := o.config.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if o.file != file {
		t.Errorf("the file is %q", o.file)
	}
	o, err = parseArgs([]string{file, "--save", "60", "1", "--save", "30 2"}, noEnvironment)
	if err != nil || o.config.Get("save") != "60 1 30 2" {
		t.Errorf("save: %q, %v", o.config.Get("save"), err)
	}
	o, err = parseArgs([]string{file, "--save", ""}, noEnvironment)
	if err != nil || o.config.Get("save") != "" {
		t.Errorf("save: %q, %v", o.config.Get("save"), err)
	}
}

// TestProfile: a profile sets the time-outs together, and what is set by hand wins, as long as they
// fit together.
func TestProfile(t *testing.T) {
	for _, c := range []struct{ args, want string }{ // heartbeat, election, lease, commit
		{"", "300 300 300 4"},
		{"--profile lan", "300 300 300 4"},
		{"--profile wan", "1500 1500 1000 20"},
		{"--profile wan --commit-timeout 7", "1500 1500 1000 7"},
		{"--profile wan --heartbeat-timeout 2000", "2000 2000 1000 20"},
		{"--heartbeat-timeout 100", "100 300 100 4"},
		{"--heartbeat-timeout 500", "500 500 300 4"},
		{"--profile wan --lease-timeout 1500", "1500 1500 1500 20"},
		{"--profile moon", `"moon"`},
		{"--election-timeout 200", "election-timeout: at least heartbeat-timeout"},
		{"--profile wan --lease-timeout 1600", "lease-timeout: at most heartbeat-timeout"},
	} {
		o, err := parseArgs(strings.Fields(c.args), noEnvironment)
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", c.args, err)
			}
			continue
		}
		var got []string
		for _, name := range []string{"heartbeat-timeout", "election-timeout", "lease-timeout", "commit-timeout"} {
			got = append(got, o.config.Get(name))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s", c.args, got)
		}
		if o.config.Given("heartbeat-timeout") != strings.Contains(c.args, "--heartbeat-timeout") {
			t.Errorf("%s: what was given is not known", c.args)
		}
	}
}

// TestSecret: from a flag, a file or the environment, and never to be read from the configuration.
func TestSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("in a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := func(name string) string { return map[string]string{secretVariable: "in the environment"}[name] }
	for want, args := range map[string][]string{
		"in a flag":          {"--cluster-secret", "in a flag"},
		"in a file":          {"--cluster-secret-file", file},
		"in the environment": nil,
	} {
		o, err := parseArgs(args, environment)
		if err != nil || string(o.secret) != want {
			t.Errorf("%q: got %q, %v", args, o.secret, err)
		}
		if shown := o.config.Get("cluster-secret"); shown != "" {
			t.Errorf("%q: the configuration shows %q", args, shown)
		}
	}
}

// TestPlaces derives addresses from bind, port and their like.
func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		args string
		want places
	}{
		{"", places{"127.0.0.1:16379", "127.0.0.1:16379", "127.0.0.1:6379"}},
		{"--port 7001 --raft-port 9", places{"127.0.0.1:9", "127.0.0.1:9", "127.0.0.1:7001"}},
		{"--bind ::1", places{"[::1]:16379", "[::1]:16379", "[::1]:6379"}},
		{"--bind * --announce-host db1 --cluster-secret s", places{":16379", "db1:16379", "db1:6379"}},
		{"--bind 192.0.2.1 --cluster-secret s", places{"192.0.2.1:16379", "192.0.2.1:16379", "192.0.2.1:6379"}},
		{"--bind 0.0.0.0 --join 127.0.0.1:1 --cluster-secret s", places{"0.0.0.0:16379", "127.0.0.1:16379", "127.0.0.1:6379"}},
	} {
		o, err := parseArgs(strings.Fields(c.args), noEnvironment)
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		if got, err := findPlaces(o); err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", c.args, got, err, c.want)
		}
	}
}

// TestHelp names every flag, subcommand and default once.
func TestHelp(t *testing.T) {
	text := helpText()
	for _, s := range subcommands() {
		if !strings.Contains(text, "  redraft "+s.name) {
			t.Errorf("help does not know %s", s.name)
		}
	}
	for _, p := range server.Parameters() {
		if strings.Count(text, "\n  --"+p.Name+" ") != 1 {
			t.Errorf("help does not have --%s once", p.Name)
		}
	}
	for _, p := range server.Parameters() {
		if strings.Count(text, "\n"+p.Group+"\n") != 1 {
			t.Errorf("help has the group %q not once", p.Group)
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if len(line) > helpWidth+10 {
			t.Errorf("a line of help is too long: %s", line)
		}
	}
}

// TestCollectorPercent: garbage stays bounded, whatever the size of the heap.
func TestCollectorPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		most uint64 // bytes of garbage
	}{
		{0, 64 << 20},
		{4 << 20, 65 << 20},
		{100 << 20, 65 << 20},
		{512 << 20, 65 << 20},
		{10 << 30, 10 << 30 * 12 / 100},
	} {
		p := collectorPercent(c.live)
		if garbage := c.live * uint64(p) / 100; garbage > c.most || p < garbagePercent || p > percentMost {
			t.Errorf("%d bytes live: %d %%, %d bytes of garbage", c.live, p, garbage)
		}
	}
}
