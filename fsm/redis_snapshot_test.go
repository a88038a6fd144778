package fsm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm/command"
)

// TestSnapshotInRedis has redis-check-rdb and redis-server read a snapshot of many keys of all
// kinds, and a machine read the file that redis-server writes of them. The digests are equal.
func TestSnapshotInRedis(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	checker := redisTool(t, "redis-check-rdb")
	l := manyKeys(t, rand.New(rand.NewPCG(seed, 3)))
	dir := t.TempDir()
	file := filepath.Join(dir, "dump.rdb")
	if err := os.WriteFile(file, l.image(), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(checker, file).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("RDB looks OK")) {
		t.Fatalf("redis-check-rdb: %v\n%s", err, out)
	}
	c := dialRedis(t, startRedis(t, dir))
	want := l.m.DebugDigest()
	if got := c.ask("DEBUG", "DIGEST"); got != "+"+want+"\n" {
		t.Fatalf("redis-server has the digest %s, the machine %s", got, want)
	}
	sameKeys(t, l, c, true)
	if got := c.ask("SAVE"); got != "+OK\n" {
		t.Fatalf("SAVE: %s", got)
	}
	dump, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	back := newLog(t)
	if err := back.m.Restore(bytes.NewReader(dump)); err != nil {
		t.Fatal(err)
	}
	if got := back.m.DebugDigest(); got != want {
		t.Fatalf("a machine restored from redis-server's dump has the digest %s, not %s", got, want)
	}
	back.stamp = l.stamp
	back.apply(nil)
	if got := back.m.DebugDigest(); got != want {
		t.Fatalf("the first entry after redis-server's dump changed the digest from %s to %s", want, got)
	}
	sameKeys(t, back, c, false)
	back.check()
}

// manyKeys is a machine with some thousands of keys in three databases: what random commands made
// of them, some hashes beyond all limits, long strings and long names. Deadlines are far away.
func manyKeys(t *testing.T, rnd *rand.Rand) *testLog {
	l := newLog(t)
	l.stamp = time.Now().UnixMilli()
	specs := slices.DeleteFunc(dataCommands(l.m.table), func(s *command.Spec) bool {
		return !s.IsWrite() || newer(s) || strings.HasPrefix(s.Name, "flush") || strings.HasSuffix(s.Name, "del") || s.Name == "unlink"
	})
	wide := func(a *command.Argument, spec *command.Spec) []byte {
		if a.Type == command.Key {
			return fmt.Appendf(nil, "key:%d", rnd.IntN(4000))
		}
		b := differentialArgument(rnd, spec, a)
		if string(b) == "-0" {
			return b[1:] // redis-server makes 0 of a score when it loads a small set as a listpack
		}
		return b
	}
	for range 1000 {
		var items [][]byte
		for range 20 {
			spec := specs[rnd.IntN(len(specs))]
			args := spec.Random(rnd.IntN, func(a *command.Argument) []byte { return wide(a, spec) })
			items = append(items, AppendItem(nil, rnd.IntN(3), args))
		}
		l.apply(nil, items...)
	}
	for i := range 12 {
		l.db = i % 3
		for _, key := range []string{fmt.Sprintf("big:%d", i), strings.Repeat("long", 1000+10*i)} {
			words := []string{"HSET", key}
			for f := range 10 * i * i {
				words = append(words, "f"+strconv.Itoa(f), string(randomText(rnd)))
			}
			l.ask(append(words, "end", string(randomBytes(rnd, 20000*i)))...)
			words = []string{"ZADD", key + "^", "inf", "last"}
			for f := range 1 + 10*i*i {
				words = append(words, string(randomFloat(rnd)), "m"+strconv.Itoa(f))
			}
			l.ask(append(words, "1", string(randomBytes(rnd, 20000*i)))...)
			l.ask("SET", key+"$", string(randomBytes(rnd, 1<<i)))
			l.ask("APPEND", key+"#", "1")
			l.ask("APPEND", key+"#", "2")
		}
		longStream(l, rnd, fmt.Sprintf("events:%d", i), 20*i*i)
	}
	l.db = 0
	l.stamp++
	l.apply(nil) // what the commands let fall due goes
	return l
}

// longStream makes a stream of n entries, some of them deleted, with two groups that have read a part of it.
func longStream(l *testLog, rnd *rand.Rand, key string, n int) {
	l.ask("XGROUP", "CREATE", key, "a", "0", "MKSTREAM")
	l.ask("XGROUP", "CREATE", key, "b", "0")
	var ids []string
	for i := range n {
		id, _ := unquote(l.ask("XADD", key, "*", "f"+strconv.Itoa(rnd.IntN(10)/9), string(randomText(rnd)), "n", strconv.Itoa(i)))
		ids = append(ids, id)
	}
	for range n / 20 {
		l.ask("XDEL", key, ids[rnd.IntN(n)], ids[rnd.IntN(n)])
		for _, group := range []string{"a", "b"} {
			l.ask("XREADGROUP", "GROUP", group, "c"+strconv.Itoa(rnd.IntN(5)), "COUNT", strconv.Itoa(rnd.IntN(20)), "STREAMS", key, ">")
		}
	}
}

// sameKeys compares encodings and times to live with redis-server's. Where it changes an encoding as it
// loads, which it does with what APPEND, INCRBYFLOAT and HDEL leave behind, lenient allows for that.
func sameKeys(t *testing.T, l *testLog, c *redisClient, lenient bool) {
	t.Helper()
	for db := range 3 {
		l.db = db
		c.selectDB(db)
		for _, line := range elements(l.ask("KEYS", "*"), 1) {
			key, _ := unquote(line)
			if a, b := l.ask("OBJECT", "ENCODING", key), c.ask("OBJECT", "ENCODING", key); a != b {
				loose := map[string]string{"\"raw\"\n": "embstr int", "\"embstr\"\n": "int", "\"hashtable\"\n": "listpack intset",
					"\"skiplist\"\n": "listpack"}[a]
				if was, _ := unquote(b); !lenient || !strings.Contains(loose, was) {
					t.Fatalf("key %.80q is %s, in redis-server %s", key, a, b)
				}
			}
			if a, b := l.ask("PEXPIRETIME", key), c.ask("PEXPIRETIME", key); a != b {
				t.Fatalf("key %.80q falls due at %s, in redis-server %s", key, a, b)
			}
			var stream resp2
			l.do(&stream, "XINFO", "STREAM", key, "FULL", "COUNT", "0")
			if a, b := stream.String(), c.ask("XINFO", "STREAM", key, "FULL", "COUNT", "0"); a != b {
				t.Fatalf("key %.80q is the stream %s, in redis-server %s", key, a, b)
			}
		}
	}
	l.db = 0
}
