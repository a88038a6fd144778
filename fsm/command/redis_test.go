package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// declared makes specs of redisCommands.
func declared() []*Spec {
	var specs []*Spec
	containers := map[string]*Spec{}
	for _, c := range redisCommands {
		s := &Spec{
			Name: c.name, Usage: c.usage, Group: c.group, Summary: "Summary of " + c.name, Since: "1.0.0",
			Flags: c.flags, Categories: c.categories, Keys: c.keys, Handler: c.name,
		}
		container, sub, isSub := strings.Cut(c.name, "|")
		if isSub {
			s.Name = sub
			containers[container].Sub = append(containers[container].Sub, s)
			if container != "command" {
				containers[container].Handler = nil
			}
			continue
		}
		containers[c.name] = s
		specs = append(specs, s)
	}
	return specs
}

func newTable(t testing.TB, specs []*Spec) *Table {
	t.Helper()
	table, err := NewTable(specs...)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// redis is a connection to a redis-server of our own.
type redis struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

// startRedis starts a redis-server for the test, or skips it.
func startRedis(t testing.TB) *redis {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("REDRAFT_CI") != "" {
			t.Fatal("CI has to have redis-server, and it is not installed")
		}
		t.Skip("redis-server is not installed: nothing to compare with")
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	cmd := exec.Command(path, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			r := &redis{t: t, conn: conn, r: bufio.NewReader(conn)}
			if v := fmt.Sprint(r.do("INFO", "server")); !strings.Contains(v, "redis_version:7.0.") {
				t.Skip("the installed redis-server is not 7.0: nothing to compare with")
			}
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not answer: %v", err)
		}
	}
}

// do sends a command and returns its reply: a string, an int, an error, nil or a []any.
func (r *redis) do(args ...string) any {
	r.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(r.conn, b.String()); err != nil {
		r.t.Fatal(err)
	}
	return r.read()
}

func (r *redis) read() any {
	r.t.Helper()
	line, err := r.r.ReadString('\n')
	if err != nil {
		r.t.Fatal(err)
	}
	kind, line := line[0], strings.TrimSuffix(line[1:], "\r\n")
	n, _ := strconv.Atoi(line)
	switch kind {
	case '+':
		return line
	case '-':
		return errors.New(line)
	case ':':
		return n
	}
	if n < 0 {
		return nil
	}
	if kind == '$' {
		buf := make([]byte, n+2)
		if _, err := io.ReadFull(r.r, buf); err != nil {
			r.t.Fatal(err)
		}
		return string(buf[:n])
	}
	list := make([]any, n)
	for i := range list {
		list[i] = r.read()
	}
	return list
}

// fields makes a map of a reply that is one in RESP3.
func fields(reply any) map[string]any {
	m := map[string]any{}
	list, _ := reply.([]any)
	for i := 0; i+1 < len(list); i += 2 {
		m[list[i].(string)] = list[i+1]
	}
	return m
}

func list(words []string) []any {
	l := []any{}
	for _, w := range words {
		l = append(l, w)
	}
	return l
}

// keySpecReply is a key spec as COMMAND INFO shows it, notes apart.
func keySpecReply(k KeySpec) map[string]any {
	begin := map[string]any{}
	switch k.Begin.Kind {
	case BeginIndex:
		begin["index"] = k.Begin.Index
	case BeginKeyword:
		begin["keyword"], begin["startfrom"] = k.Begin.Keyword, k.Begin.From
	}
	find := map[string]any{}
	switch k.Find.Kind {
	case FindRange:
		find["lastkey"], find["keystep"], find["limit"] = k.Find.Last, k.Find.Step, k.Find.Limit
	case FindKeyNum:
		find["keynumidx"], find["firstkey"], find["keystep"] = k.Find.NumIndex, k.Find.First, k.Find.Step
	}
	return map[string]any{
		"flags": list(k.Flags.Words()),
		"begin": map[string]any{k.Begin.Kind.String(): begin},
		"find":  map[string]any{k.Find.Kind.String(): find},
	}
}

func TestAgainstRedisInfo(t *testing.T) {
	r := startRedis(t)
	table := newTable(t, declared())
	if n := r.do("COMMAND", "COUNT"); n != table.Count() {
		t.Errorf("%d commands, Redis has %v", table.Count(), n)
	}
	var compare func(info []any)
	compare = func(info []any) {
		name := info[0].(string)
		s := table.Named(name)
		if s == nil {
			t.Errorf("%s is not declared", name)
			return
		}
		cats := s.AllCategories().Words()
		for i := range cats {
			cats[i] = "@" + cats[i]
		}
		ours := []any{s.FullName(), s.Arity(), list(s.FlagWords()), s.FirstKey(), s.LastKey(), s.Step(), list(cats)}
		if theirs := info[:7]; !reflect.DeepEqual(ours, theirs) {
			t.Errorf("%s: %v, Redis says %v", name, ours, theirs)
		}
		keys := info[8].([]any)
		if len(keys) != len(s.Keys) {
			t.Errorf("%s: %d key specs, Redis has %d", name, len(s.Keys), len(keys))
			return
		}
		for i, reply := range keys {
			k := fields(reply)
			begin, find := fields(k["begin_search"]), fields(k["find_keys"])
			theirs := map[string]any{
				"flags": k["flags"],
				"begin": map[string]any{begin["type"].(string): anyMap(fields(begin["spec"]))},
				"find":  map[string]any{find["type"].(string): anyMap(fields(find["spec"]))},
			}
			if ours := keySpecReply(s.Keys[i]); !reflect.DeepEqual(ours, theirs) {
				t.Errorf("%s: key spec %v, Redis says %v", name, ours, theirs)
			}
		}
		for _, sub := range info[9].([]any) {
			compare(sub.([]any))
		}
	}
	for _, info := range r.do("COMMAND").([]any) {
		compare(info.([]any))
	}
}

func anyMap(m map[string]any) any { return m }

// flat writes an argument tree as one line: types, tokens and flags, and the names of the
// arguments that have no parts.
func flat(args []*Argument) string {
	var parts []string
	for _, a := range args {
		s := a.Name + ":" + string(a.Type)
		if a.HasToken() {
			s += fmt.Sprintf(" token=%q", a.Token)
		}
		if a.KeySpec >= 0 {
			s += fmt.Sprint(" spec=", a.KeySpec)
		}
		for _, f := range a.FlagWords() {
			s += " " + f
		}
		if len(a.Args) > 0 {
			s += " (" + flat(a.Args) + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

// documented makes arguments of a COMMAND DOCS reply.
func documented(reply any) []*Argument {
	var args []*Argument
	list, _ := reply.([]any)
	for _, r := range list {
		f := fields(r)
		a := &Argument{Name: f["name"].(string), Type: Type(f["type"].(string)), KeySpec: -1, Args: documented(f["arguments"])}
		a.Token, _ = f["token"].(string)
		if n, ok := f["key_spec_index"].(int); ok {
			a.KeySpec = n
		}
		flags, _ := f["flags"].([]any)
		for _, w := range flags {
			switch w {
			case "optional":
				a.Optional = true
			case "multiple":
				a.Multiple = true
			case "multiple_token":
				a.MultipleToken = true
			}
		}
		args = append(args, a)
	}
	return args
}

// undocumented are the commands whose arguments COMMAND DOCS shows in another way than their
// usage lines come out, and why.
var undocumented = map[string]string{
	"command|getkeys":         "Redis shows no arguments",
	"command|getkeysandflags": "Redis shows no arguments",
	"debug":                   "Redis shows no arguments",
	"quit":                    "Redis shows no arguments",
	"replconf":                "Redis shows no arguments",
	"psync":                   "Redis shows fewer arguments than the arity allows",
	"geohash":                 "Redis shows more arguments than the arity asks for",
	"geopos":                  "Redis shows more arguments than the arity asks for",
	"pfmerge":                 "Redis shows more arguments than the arity asks for",
	"client|list":             "Redis has a block around one argument",
	"config|get":              "Redis has a block around one argument",
	"module|loadex":           "Redis has a block around one argument",
	"psubscribe":              "Redis has a block around one argument",
	"xtrim":                   "Redis has a block around everything",
	"failover":                "Redis draws options into the block before them",
	"xinfo|stream":            "Redis draws options into the block before them",
	"geosearch":               "Redis gives BYBOX to the width alone; names of blocks",
	"geosearchstore":          "Redis gives BYBOX to the width alone; names of blocks",
	"bitfield":                "names of blocks",
	"client|kill":             "names of blocks",
	"replicaof":               "names of blocks",
	"slaveof":                 "names of blocks",
}

func TestAgainstRedisDocs(t *testing.T) {
	r := startRedis(t)
	table := newTable(t, declared())
	var compare func(name string, docs map[string]any)
	compare = func(name string, docs map[string]any) {
		for sub, d := range fields(docs["subcommands"]) {
			compare(sub, fields(d))
		}
		ours, theirs := flat(table.Named(name).Arguments()), flat(documented(docs["arguments"]))
		if _, odd := undocumented[name]; odd == (ours == theirs) {
			t.Errorf("%s:\n  ours  %s\n  Redis %s", name, ours, theirs)
		}
	}
	for name, docs := range fields(r.do("COMMAND", "DOCS")) {
		compare(name, fields(docs))
	}
}

// TestAgainstRedisKeys asks a Redis for the keys of random invocations.
func TestAgainstRedisKeys(t *testing.T) {
	r := startRedis(t)
	table := newTable(t, declared())
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewSource(seed))
	for _, s := range table.All() {
		for _, s := range append([]*Spec{s}, s.Sub...) {
			for range 20 {
				if s.Container() {
					break
				}
				args := s.Random(rnd.Intn, nil)
				if rnd.Intn(4) == 0 { // now and then a broken one
					names := strings.Count(s.FullName(), "|") + 1
					args = args[:names+rnd.Intn(len(args)-names+1)]
				}
				compareKeys(t, r, s, args)
			}
		}
	}
	for _, line := range []string{
		"set k v get", "set get get", "set k v GET EX 1", "set k v EX 1",
		"bitfield k get u8 0", "bitfield k overflow wrap get u8 0", "bitfield k get u8 0 set u8 0 1", "bitfield k",
		"sort store", "sort k by store get store store x", "sort k limit store 2 store d", "sort k store a store b", "sort k store",
		"georadius k 1 2 3 m store a storedist b", "georadius k 1 2 3 m store store", "georadiusbymember k m 1 m STORE d",
		"migrate h 1 k 0 10", "migrate h 1 k 0 10 keys a b", "migrate h 1 0 10 auth keys keys a b", "xread streams a b c",
		"xread streams a 0", "xread count streams streams a 0", "xread count 1 block", "xreadgroup group streams c streams a b 0 0",
		"eval s 0 a", "eval s 2 a", "eval s -1 a", "lmpop 0 k left", "lmpop 2 a left", "zunionstore d 2 a", "zunionstore d 2 a b",
		"mset a b c", "mset a b c d e", "spublish c m", "ping x", "get", "get a b",
	} {
		args := strings.Fields(line)
		s, _ := table.Lookup(bytesOf(args))
		compareKeys(t, r, s, bytesOf(args))
	}
	empty := bytesOf(strings.Split("migrate h 1  0 10 auth2 keys keys keys a b", " "))
	compareKeys(t, r, table.Named("migrate"), empty)
}

func bytesOf(words []string) [][]byte {
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	return args
}

func compareKeys(t *testing.T, r *redis, s *Spec, args [][]byte) {
	t.Helper()
	if len(args) == 1 {
		args = append(args, []byte("x")) // COMMAND GETKEYSANDFLAGS takes no less
	}
	words := []string{"COMMAND", "GETKEYSANDFLAGS"}
	for _, a := range args {
		words = append(words, string(a))
	}
	var theirs string
	switch reply := r.do(words...).(type) {
	case error:
		theirs = strings.TrimPrefix(reply.Error(), "ERR ")
	default:
		theirs = fmt.Sprintf("%q", reply)
	}
	refs, err := s.AppendKeyRefs(nil, args)
	pairs := []any{}
	for _, ref := range refs {
		pairs = append(pairs, []any{string(args[ref.Index]), list(ref.Flags.Words())})
	}
	ours := fmt.Sprintf("%q", pairs)
	if err != nil {
		ours = err.Error()
	}
	if ours != theirs {
		t.Errorf("%s %q: %s, Redis says %s", s.Syntax(), args, ours, theirs)
	}
	keys, err2 := s.AppendKeys(nil, args)
	if err2 != err || len(keys) != len(refs) {
		t.Fatalf("%q: AppendKeys disagrees with AppendKeyRefs: %q %v", args, keys, err2)
	}
	for i, ref := range refs {
		if string(keys[i]) != string(args[ref.Index]) {
			t.Fatalf("%q: AppendKeys disagrees with AppendKeyRefs: %q", args, keys)
		}
	}
}
