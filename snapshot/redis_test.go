package snapshot

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

var rewrite = flag.Bool("rewrite", false, "make testdata/redis-7.0.15.rdb anew with the installed redis-server")

const dump = "dump.rdb"

// startRedis runs a redis-server on a Unix socket, in dir, for the length of the test. It
// loads dir's dump if there is one. It skips the test where there is no redis-server.
func startRedis(t *testing.T, dir string, args ...string) *redis.Client {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("REDRAFT_CI") != "" {
			t.Fatal("CI has to have redis-server, and it is not installed")
		}
		t.Skip("redis-server is not installed: nothing to compare with")
	}
	socket := filepath.Join(dir, "s")
	server := exec.Command(path, append([]string{
		"--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir, "--dbfilename", dump, "--logfile", "log",
	}, args...)...)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	client := connect(socket, 0)
	t.Cleanup(func() {
		if err := errors.Join(client.Close(), server.Process.Kill()); err != nil {
			t.Error(err)
		}
		_ = server.Wait() // killed, so it says so
	})
	deadline := time.Now().Add(30 * time.Second)
	for client.Ping(t.Context()).Err() != nil {
		if time.Now().After(deadline) {
			log, err := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("redis-server does not answer; its log (%v):\n%s", err, log)
		}
		time.Sleep(5 * time.Millisecond) // between two tries
	}
	return client
}

func connect(socket string, db int) *redis.Client {
	return redis.NewClient(&redis.Options{Network: "unix", Addr: socket, DB: db, Protocol: 2, DisableIdentity: true})
}

// inDB runs commands on a connection of another database of client's server.
func inDB(t *testing.T, client *redis.Client, db int, commands ...[]any) []any {
	t.Helper()
	c := connect(client.Options().Addr, db)
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	replies := make([]any, len(commands))
	for i, command := range commands {
		reply, err := c.Do(t.Context(), command...).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Fatalf("%.100q: %v", command, err)
		}
		replies[i] = reply
	}
	return replies
}

const library = "#!lua name=lib\nredis.register_function('f', function() return 1 end)"

// deadline is far enough ahead to outlive the tests.
const deadline = 4102444800123

// noise returns n bytes that do not compress.
func noise(n int) string {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

// theirs is what populate makes of a redis-server, as its dump should say it.
func theirs() map[int]map[string]item {
	dbs := map[int]map[string]item{0: {}, 5: {}, 15: {}}
	text := func(key string, form Form, s string) {
		dbs[0][key] = item{Type: TypeString, ExpireMS: NoExpiry, Form: form, String: s}
	}
	for _, n := range []int64{0, -1, 127, 128, -128, -129, 32767, 32768, -32768, -32769, 1<<31 - 1, -1 << 31} {
		text(fmt.Sprint("int", n), FormInt, strconv.FormatInt(n, 10))
	}
	for _, n := range []int64{1 << 31, -1<<31 - 1, 1<<63 - 1, -1 << 63} {
		text(fmt.Sprint("int", n), FormShort, strconv.FormatInt(n, 10))
	}
	for n, form := range map[int]Form{
		0: FormShort, 1: FormShort, 44: FormShort, 63: FormShort, 64: FormWide, 16383: FormWide, 16384: FormLong, 65600: FormLong,
	} {
		text(fmt.Sprint("noise", n), form, noise(n))
	}
	for _, n := range []int{21, 40, 300, 5000, 300000} {
		text(fmt.Sprint("packed", n), FormLZF, strings.Repeat("a", n))
		text(fmt.Sprint("periodic", n), FormLZF, strings.Repeat("abc", n))
	}
	text(noise(30), FormShort, "a binary key")
	text("", FormShort, "no key")
	text("12345", FormShort, "a number for a key")
	text("deadline", FormShort, "v")
	i := dbs[0]["deadline"]
	i.ExpireMS = deadline
	dbs[0]["deadline"] = i

	small := map[string]string{"f": "v", "": "", "n": "1", "-5": "70000", "wide": noise(60), "9223372036854775807": "-1"}
	dbs[5]["small"] = item{Type: TypeHashListpack, ExpireMS: NoExpiry, Hash: small}
	dbs[5]["small deadline"] = item{Type: TypeHashListpack, ExpireMS: deadline, Hash: map[string]string{"f": strings.Repeat("v", 64)}}
	even := map[string]string{} // compressed as a whole
	for n := range 128 {
		even[fmt.Sprint("field:", n)] = fmt.Sprint(n * n * n)
	}
	dbs[5]["even"] = item{Type: TypeHashListpack, ExpireMS: NoExpiry, Hash: even}
	large := map[string]string{"": noise(20000), noise(100): strings.Repeat("a", 70000)}
	for n := range 1000 {
		large[fmt.Sprint(n)] = fmt.Sprint("value ", n)
	}
	dbs[15]["large"] = item{Type: TypeHash, ExpireMS: NoExpiry, Hash: large}
	return dbs
}

// populate makes theirs with commands.
func populate(t *testing.T, client *redis.Client) {
	t.Helper()
	inDB(t, client, 0, []any{"function", "load", library})
	for db, items := range theirs() {
		var commands [][]any
		for key, i := range items {
			if i.Type == TypeString {
				commands = append(commands, []any{"set", key, i.String})
			} else {
				command := []any{"hset", key}
				for field, value := range i.Hash {
					command = append(command, field, value)
				}
				commands = append(commands, command)
			}
			if i.ExpireMS != NoExpiry {
				commands = append(commands, []any{"pexpireat", key, i.ExpireMS})
			}
		}
		inDB(t, client, db, commands...)
	}
}

// checkTheirs compares a dump with theirs.
func checkTheirs(t *testing.T, path string) *file {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }() // only read
	if err := Verify(in); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if _, err := in.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	f, err := read(NewReader(in, Limits{}))
	if err != nil {
		t.Fatal(err)
	}
	for db, items := range theirs() {
		if len(f.DBs[db]) != len(items) || f.Keys[db] != uint64(len(items)) {
			t.Errorf("database %d has %d keys and announces %d, want %d", db, len(f.DBs[db]), f.Keys[db], len(items))
		}
		for key, want := range items {
			if got := f.DBs[db][key]; !got.equal(want) {
				t.Errorf("database %d, key %q: got %.200v, want %.200v", db, key, fmt.Sprint(got), fmt.Sprint(want))
			}
		}
	}
	if !slices.Equal(f.Functions, []string{library}) {
		t.Errorf("functions %q", f.Functions)
	}
	if f.Expires[0] != 1 || f.Expires[5] != 1 || f.Expires[15] != 0 {
		t.Errorf("announces deadlines %v", f.Expires)
	}
	if f.Aux["redis-bits"] != "64" || f.Aux["redis-ver"] == "" {
		t.Errorf("fields %v", f.Aux)
	}
	return f
}

// TestStoredDump reads a dump of Redis 7.0.15 that stands in testdata.
func TestStoredDump(t *testing.T) {
	path := filepath.Join("testdata", "redis-7.0.15.rdb")
	if *rewrite {
		dir := t.TempDir()
		client := startRedis(t, dir)
		populate(t, client)
		inDB(t, client, 0, []any{"save"})
		b, err := os.ReadFile(filepath.Join(dir, dump))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	checkTheirs(t, path)
}

func TestReadDumps(t *testing.T) {
	tests := []struct {
		name string
		args []string
		idle bool // seconds of idleness are in the dump
		freq bool // access frequencies are
	}{
		{name: "plain"},
		{name: "without checksum", args: []string{"--rdbchecksum", "no"}},
		{name: "lru", args: []string{"--maxmemory-policy", "allkeys-lru"}, idle: true},
		{name: "lfu", args: []string{"--maxmemory-policy", "allkeys-lfu"}, freq: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			client := startRedis(t, dir, test.args...)
			populate(t, client)
			inDB(t, client, 0, []any{"save"})
			f := checkTheirs(t, filepath.Join(dir, dump))
			i := f.DBs[0]["deadline"]
			if i.Idle >= 0 != test.idle || i.Freq >= 0 != test.freq {
				t.Errorf("idle for %d, used %d", i.Idle, i.Freq)
			}
		})
	}
}

// ours makes a file with every form that a Writer has and some that only old servers had.
func ours(t *testing.T) []byte {
	all, _ := elements()
	if len(all)%2 != 0 {
		all = all[1:]
	}
	texts := make([]string, len(all))
	for i, e := range all {
		texts[i] = fmt.Sprint(e)
	}
	return writeFile(t, func(w *Writer) {
		w.Aux("redraft-format", []byte("1"))
		w.Aux("redraft-blob", []byte(noise(100000)))
		w.Function([]byte(library))
		w.SelectDB(0)
		w.ResizeDB(7, 1)
		w.Key(TypeString, []byte("int"))
		w.Int(-300)
		w.Key(TypeString, []byte("wide int"))
		w.Int(1 << 40)
		w.Key(TypeString, []byte("embstr"))
		w.String([]byte("short"))
		w.ExpireMS(deadline)
		w.Key(TypeString, []byte("raw"))
		w.WideString([]byte("short"))
		w.Key(TypeString, []byte(noise(20)))
		w.String([]byte("a binary key"))
		for _, n := range edges {
			w.Key(TypeString, fmt.Append(nil, "s", n))
			w.String([]byte(noise(n)))
		}
		w.SelectDB(7)
		w.Key(TypeHash, []byte("plain"))
		w.Length(uint64(len(texts) / 2))
		for i, s := range texts {
			if n, ok := all[i].(int); ok {
				w.Int(int64(n))
			} else {
				w.WideString([]byte(s))
			}
		}
		w.Key(TypeHashListpack, []byte("listpack"))
		w.String(listpackOf(all...))
		w.Key(TypeHashZiplist, []byte("ziplist"))
		w.String(ziplistOf(all...))
		w.Key(TypeHashZipmap, []byte("zipmap"))
		w.String(zipmapOf(texts...))
	})
}

// TestRedisReadsOurs: redis-check-rdb passes our file, redis-server loads it and has what our
// own Reader finds in it.
func TestRedisReadsOurs(t *testing.T) {
	b := ours(t)
	f, err := readBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, dump)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	// Large limits keep the small form of every hash.
	client := startRedis(t, dir, "--hash-max-listpack-entries", "1000", "--hash-max-listpack-value", "100000")
	if out, err := exec.Command("redis-check-rdb", path).CombinedOutput(); err != nil || !strings.Contains(string(out), "Checksum OK") {
		t.Errorf("redis-check-rdb: %v\n%s", err, out)
	}
	for db, items := range f.DBs {
		if n := inDB(t, client, db, []any{"dbsize"})[0]; n != int64(len(items)) {
			t.Errorf("database %d: %v keys, want %d", db, n, len(items))
		}
		for key, want := range items {
			got := inDB(t, client, db, []any{"pexpiretime", key}, []any{"type", key})
			if got[0] != want.ExpireMS || !strings.HasPrefix(want.Type.String(), got[1].(string)+" ") {
				t.Errorf("key %q: %v, want %+.100v", key, got, want)
			}
			if want.Type == TypeString {
				if got := inDB(t, client, db, []any{"get", key}); got[0] != want.String {
					t.Errorf("key %q: %.100q, want %.100q", key, got, want.String)
				}
			} else if got := hgetall(t, client, db, key); !maps.Equal(got, want.Hash) || len(got) == 0 {
				t.Errorf("key %q: %.300q, want %.300q", key, fmt.Sprint(got), fmt.Sprint(want.Hash))
			}
		}
	}
	replies := inDB(t, client, 0, []any{"object", "encoding", "int"}, []any{"object", "encoding", "wide int"},
		[]any{"object", "encoding", "embstr"}, []any{"fcall", "f", 0})
	if !slices.Equal(replies, []any{"int", "int", "embstr", int64(1)}) {
		t.Errorf("encodings and a function's reply: %v", replies)
	}
}

func hgetall(t *testing.T, client *redis.Client, db int, key string) map[string]string {
	t.Helper()
	got := map[string]string{}
	pairs, ok := inDB(t, client, db, []any{"hgetall", key})[0].([]any)
	if !ok {
		t.Fatalf("no array from HGETALL")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		got[pairs[i].(string)] = pairs[i+1].(string)
	}
	return got
}
