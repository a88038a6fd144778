package fsm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/value"
	"github.com/redraftdb/redraft/snapshot"
)

// timedHash makes a hash of n fields f0, f1 …, the i-th of which falls due i ms after a time.
func timedHash(l *testLog, key string, n int, at int64) {
	words := []string{"HSET", key}
	for i := range n {
		words = append(words, "f"+strconv.Itoa(i), "v")
	}
	l.ask(words...)
	for i := range n {
		l.ask("HPEXPIREAT", key, strconv.FormatInt(at+int64(i), 10), "FIELDS", "1", "f"+strconv.Itoa(i))
	}
}

// TestFieldExpiryIsBounded lets many fields fall due at once, beside keys. Each entry removes as many as its bound,
// on two machines alike, one of which is restored in between. What is left over is absent to all reads but
// HLEN, as it is in Redis.
func TestFieldExpiryIsBounded(t *testing.T) {
	l := newLog(t)
	const keys, small, large = 300, 100, 1500
	timedHash(l, "small", small, l.stamp+10_000)
	timedHash(l, "large", large, l.stamp+10_000)
	l.ask("HSET", "large", "stays", "1")
	for i := range keys {
		l.ask("SET", strconv.Itoa(i), "v", "PX", "10000")
	}
	if got, want := l.m.Due(), l.stamp+10_000; got != want {
		t.Fatalf("something falls due at %d, not %d", got, want)
	}
	other := &testLog{t: t, m: l.m, index: l.index, stamp: l.stamp}
	other.restart()
	l.stamp += 1_000_000
	for round := range 3 {
		other.stamp = l.stamp
		l.apply(nil)
		other.apply(nil)
		compare(t, l, other)
		l.check()
		removed := min(keys+small+large, (round+1)*expireAnEntry)
		left := keys + small + large - removed
		fields := 0
		for _, key := range []string{"small", "large"} {
			fields += asInt(t, l.ask("HLEN", key))
		}
		if fields != left+1 || l.m.state.databases[0].keys != 1 {
			t.Fatalf("round %d: %d fields are left, not %d; %d keys", round, fields, left+1, l.m.state.databases[0].keys)
		}
		for line, want := range map[string]string{
			"HGETALL large": "%1\n  \"stays\"\n  \"1\"\n", "HKEYS large": "*1\n  \"stays\"\n", "HVALS large": "*1\n  \"1\"\n",
			"HRANDFIELD large": "\"stays\"\n", "HRANDFIELD large -2": "*2\n  \"stays\"\n  \"stays\"\n", "HRANDFIELD large 5": "*1\n  \"stays\"\n",
			"HGET large f1499": "_\n", "HMGET large f1499 stays": "*2\n  _\n  \"1\"\n", "HEXISTS large f1499": ":0\n",
			"HSTRLEN large f1499": ":0\n", "HTTL large FIELDS 2 f1499 stays": "*2\n  :-2\n  :-1\n",
			"HSCAN large 0 COUNT 10000": "*2\n  \"0\"\n  *2\n    \"stays\"\n    \"1\"\n",
		} {
			if got := l.ask(strings.Fields(line)...); got != want {
				t.Errorf("round %d: %s: %s", round, line, got)
			}
		}
		other.restart()
	}
	if due := l.m.Due(); due != 0 {
		t.Errorf("something falls due at %d", due)
	}
}

func asInt(t *testing.T, answer string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.Trim(answer, ":\n"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestWritesMeetDueFields writes to fields that are due and have not been removed: they are absent to it.
func TestWritesMeetDueFields(t *testing.T) {
	for _, large := range []bool{false, true} {
		l := newLog(t)
		timedHash(l, "a", expireAnEntry+400, l.stamp+10_000) // its fields go first
		l.ask("HSET", "h", "due", "5", "stays", "7")
		if large {
			l.ask("HSET", "h", "long", strings.Repeat("x", 100))
		}
		l.ask("HPEXPIRE", "h", "50000", "FIELDS", "1", "due")
		l.stamp += 1_000_000
		for line, want := range map[string]string{
			"HSET h due 1": ":1", "HSETNX h due 1": ":1", "HINCRBY h due 1": ":1", "HINCRBYFLOAT h due 1": `"1"`, "HDEL h due": ":0",
			"HPERSIST h FIELDS 1 due": "*1\n  :-2", "HEXPIRE h 10 FIELDS 1 due": "*1\n  :-2", "HGETDEL h FIELDS 1 due": "*1\n  _",
			"HGETEX h EX 10 FIELDS 1 due": "*1\n  _", "HSETEX h FNX FIELDS 1 due 1": ":1", "HSETEX h FXX FIELDS 1 due 1": ":0",
			"HSETEX h KEEPTTL FIELDS 1 due 1": ":1", "COPY h copy": ":1", "RENAME h other": "+OK", "PERSIST h": ":0",
		} {
			m := &testLog{t: t, m: New(), index: l.index, stamp: l.stamp}
			if err := m.m.Restore(bytes.NewReader(l.image())); err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(line)
			if got := m.ask(words...); got != want+"\n" {
				t.Errorf("large %v: %s: %s, not %s", large, line, got, want)
			}
			m.check()
			if set := strings.HasPrefix(line, "HSET") && want == ":1" || strings.HasPrefix(line, "HINCR"); set {
				if got := m.ask("HTTL", "h", "FIELDS", "1", "due"); got != "*1\n  :-1\n" {
					t.Errorf("large %v: %s leaves a deadline: %s", large, line, got)
				}
			}
			m.apply(nil)
			m.check()
		}
	}
}

// TestFieldEvents wants the events of commands on fields and of their expiry, in Redis' order.
func TestFieldEvents(t *testing.T) {
	l, got := newLog(t), ""
	l.m.Observe(func(class EventClass, event string, db int, key []byte) {
		got += fmt.Sprintf(" %c:%s:%d:%s", class, event, db, key)
	})
	for _, step := range []struct{ line, want string }{
		{"HSETEX h FIELDS 5 a 1 b 2 c 3 d 4 e 5", " n:new:0:h h:hset:0:h"},
		{"HEXPIRE h 100 FIELDS 2 a b", " h:hexpire:0:h"},
		{"HEXPIRE h 100 NX FIELDS 2 a none", ""},
		{"HPERSIST h FIELDS 2 a c", " h:hpersist:0:h"},
		{"HPERSIST h FIELDS 2 a c", ""},
		{"HGETEX h FIELDS 1 a", ""},
		{"HGETEX h EX 100 FIELDS 2 a none", " h:hexpire:0:h"},
		{"HGETEX h PERSIST FIELDS 1 a", " h:hpersist:0:h"},
		{"HGETEX h PXAT 1 FIELDS 1 a", " h:hdel:0:h"},
		{"HGETDEL h FIELDS 2 b none", " h:hdel:0:h"},
		{"HSETEX h FXX EX 100 FIELDS 1 c 3", " h:hset:0:h h:hexpire:0:h"},
		{"HSETEX h FNX EX 100 FIELDS 1 c 3", ""},
		{"HSETEX h PXAT 1 FIELDS 1 x 3", " h:hset:0:h h:hdel:0:h"},
		{"HEXPIREAT h 1 FIELDS 1 d", " h:hdel:0:h"},
		{"HPEXPIRE h 1000 FIELDS 2 c e", " h:hexpire:0:h"},
		{"", " h:hexpired:0:h g:del:0:h"},
		{"HSETEX h EX 10 FIELDS 2 a 1 b 2", " n:new:0:h h:hset:0:h h:hexpire:0:h"},
		{"HPERSIST h FIELDS 1 b", " h:hpersist:0:h"},
		{"", " h:hexpired:0:h"},
		{"HGETDEL h FIELDS 1 b", " h:hdel:0:h g:del:0:h"},
		{"HSETEX h PXAT 1 FIELDS 1 a 1", " h:hset:0:h h:hdel:0:h g:del:0:h"},
	} {
		got = ""
		if step.line == "" {
			l.stamp += 100_000
			l.apply(nil)
		} else {
			l.ask(strings.Fields(step.line)...)
		}
		if got != step.want {
			t.Errorf("%q: told of%s, not of%s", step.line, got, step.want)
		}
	}
	l.check()
}

// TestFieldChanges wants changes counted as Redis does.
func TestFieldChanges(t *testing.T) {
	l := newLog(t)
	for _, step := range []struct {
		line string
		want uint64
	}{
		{"HSETEX h FIELDS 3 a 1 b 2 c 3", 3}, {"HSETEX h FNX FIELDS 1 a 1", 0}, {"HEXPIRE h 10 FIELDS 3 a b none", 2},
		{"HPERSIST h FIELDS 2 a b", 1}, {"HGETEX h EX 10 FIELDS 2 a b", 2}, {"HGETEX h FIELDS 1 a", 0}, {"HGETDEL h FIELDS 3 a b none", 2},
	} {
		before := l.m.Stats().Changes
		l.ask(strings.Fields(step.line)...)
		if n := l.m.Stats().Changes - before; n != step.want {
			t.Errorf("%s: %d changes, not %d", step.line, n, step.want)
		}
	}
}

// TestFieldsInRedis has redis-server load a snapshot with deadlines of fields: it has no place for them, and all
// the fields. A restored machine has both.
func TestFieldsInRedis(t *testing.T) {
	l := newLog(t)
	timedHash(l, "small", 20, 4_000_000_000_000)
	timedHash(l, "large", 3000, 4_000_000_000_000)
	timedHash(l, "long field", 200, 4_000_000_000_000)
	l.ask("HSETEX", "long field", "EXAT", "4000000000", "FIELDS", "1", strings.Repeat("y", 2*fieldsChunk), "v")
	l.ask("HSETEX", "persisted", "EXAT", "4000000000", "FIELDS", "1", "f", "v")
	l.ask("HPERSIST", "persisted", "FIELDS", "1", "f")
	l.ask("EXPIREAT", "small", "5000000000")
	l.ask("SET", "string", "v")
	l.db = 3
	timedHash(l, "last", 20, 4_000_000_000_000)
	image := l.image()
	if n := bytes.Count(image, []byte(auxFields)); n < 7 {
		t.Fatalf("the snapshot has %d fields with deadlines", n)
	}
	b := &testLog{t: t, m: l.m, index: l.index, stamp: l.stamp}
	b.restart()
	compare(t, l, b)
	b.check()

	dir := t.TempDir()
	file := filepath.Join(dir, "dump.rdb")
	if err := os.WriteFile(file, image, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(redisTool(t, "redis-check-rdb"), file).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("RDB looks OK")) {
		t.Fatalf("redis-check-rdb: %v\n%s", err, out)
	}
	c := dialRedis(t, startRedis(t, dir))
	for _, db := range []int{0, 3} {
		l.db = db
		c.selectDB(db)
		keys := elements(l.ask("KEYS", "*"), 1)
		if got := elements(c.ask("KEYS", "*"), 1); !slices.Equal(got, keys) {
			t.Errorf("redis-server has the keys %q, not %q", got, keys)
		}
		for _, line := range keys {
			key, _ := unquote(line)
			var ours resp2
			l.do(&ours, "HGETALL", key)
			if theirs := c.ask("HGETALL", key); key != "string" && !sameSet(ours.String(), theirs, 2) {
				t.Errorf("%s: redis-server has\n%.300s\nthe machine\n%.300s", key, theirs, ours.String())
			}
			if a, b := l.ask("PEXPIRETIME", key), c.ask("PEXPIRETIME", key); a != b {
				t.Errorf("%s falls due at %s, in redis-server %s", key, a, b)
			}
			payload, _ := unquote(l.ask("DUMP", key))
			if got := c.ask("RESTORE", key, "0", payload, "REPLACE"); got != "+OK\n" {
				t.Errorf("RESTORE of %s in redis-server: %s", key, got)
			}
			if theirs := c.ask("HGETALL", key); key != "string" && !sameSet(ours.String(), theirs, 2) {
				t.Errorf("%s: redis-server has restored\n%.300s", key, theirs)
			}
		}
	}
}

// TestFieldDeadlinesOfOtherKeys restores snapshots whose deadlines are not those of the hash in front of them.
func TestFieldDeadlinesOfOtherKeys(t *testing.T) {
	record := func(field string, at uint64) []byte {
		b := binary.AppendUvarint(nil, at)
		b = binary.AppendUvarint(b, uint64(len(field)))
		return append(b, field...)
	}
	write := func(before bool, typ snapshot.Type, v []byte) error {
		var b bytes.Buffer
		w := snapshot.NewWriter(&b)
		w.Header()
		w.SelectDB(0)
		if before {
			w.Aux(auxFields, v)
		}
		w.Key(typ, []byte("key"))
		if typ == snapshot.TypeHash {
			w.Length(1)
			w.Text("f")
		}
		w.Text("v")
		w.Aux(auxFields, v)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		m := New()
		err := m.Restore(&b)
		if err == nil && m.Due() != 7 {
			t.Errorf("due at %d", m.Due())
		}
		return err
	}
	if err := write(false, snapshot.TypeHash, record("f", 7)); err != nil {
		t.Errorf("what is right: %v", err)
	}
	for i, err := range []error{
		write(true, snapshot.TypeHash, record("f", 7)), write(false, snapshot.TypeString, record("f", 7)),
		write(false, snapshot.TypeHash, record("g", 7)), write(false, snapshot.TypeHash, record("f", 0)),
		write(false, snapshot.TypeHash, record("f", value.MaxDeadline+1)), write(false, snapshot.TypeHash, record("f", 7)[:2]),
		write(false, snapshot.TypeHash, append(record("f", 7), record("f", 7)...)), write(false, snapshot.TypeHash, []byte{0xff}),
	} {
		if err == nil {
			t.Errorf("case %d is taken", i)
		}
	}
}

// TestFieldsMove has hashes with deadlines go through what moves their cells: copies, other databases, other seeds,
// evacuation.
func TestFieldsMove(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 12))
	l := newLog(t)
	for i := range 300 {
		timedHash(l, fmt.Sprintf("h%d", i), 3, l.stamp+1_000_000)
	}
	timedHash(l, "h0", 2000, l.stamp+1_000_000)
	l.ask("HSET", "h1", "long", strings.Repeat("x", 20000))
	for range 3000 {
		key, other := fmt.Sprintf("h%d", rnd.IntN(300)), fmt.Sprintf("h%d", rnd.IntN(300))
		all := [][]string{
			{"COPY", key, other, "REPLACE"}, {"COPY", key, other, "DB", "1", "REPLACE"}, {"RENAME", key, other}, {"MOVE", key, "1"},
			{"EXPIRE", key, "100000"}, {"PERSIST", key}, {"SET", key, "v"}, {"DEL", key}, {"HDEL", key, "f0", "f1", "f2"}, {"APPEND", key, "x"},
		}
		l.db = rnd.IntN(2)
		l.ask(all[rnd.IntN(len(all))]...)
	}
	l.check()
	for db := range 2 { // each cell once
		d := l.m.state.databases[db]
		var keys []string
		d.each(func(c cell) { keys = append(keys, string(d.keyOf(c))) })
		for _, key := range keys {
			e, _ := d.find([]byte(key))
			d.move(e)
			if e, _ = d.find([]byte(key)); e.has(flagOutside) {
				d.evacuateInside(e, 100)
			}
		}
	}
	l.check()
	want := l.m.DebugDigest()
	l.m.state.reseed(12345)
	l.check()
	if got := l.m.DebugDigest(); got != want {
		t.Errorf("another seed makes the digest %s of %s", got, want)
	}
	l.stamp += 1_000_000_000
	for n := 0; l.m.Due() != 0 && n < 1000; n++ { // copies of h0 alone are more than some entries remove
		l.apply(nil)
	}
	l.check()
	if due := l.m.Due(); due != 0 {
		t.Errorf("something falls due at %d", due)
	}
}

// TestFieldsStayWithoutActiveExpiry turns active expiry off: fields that are due stay, absent, and ask for no entry,
// but the next deadline of the same hash does.
func TestFieldsStayWithoutActiveExpiry(t *testing.T) {
	for _, n := range []int{20, 2000} {
		l := newLog(t)
		at := l.stamp + 10_000
		timedHash(l, "h", n, at)
		l.apply(nil, SetParameters(Setting{ParamActiveExpire, "0"}))
		l.stamp = at + 5
		l.apply(nil)
		if got := asInt(t, l.ask("HLEN", "h")); got != n {
			t.Errorf("%d fields of %d are left", got, n)
		}
		if got := l.ask("HMGET", "h", "f5", "f6"); got != "*2\n  _\n  \"v\"\n" {
			t.Errorf("one that is due, one that is not: %s", got)
		}
		if due := l.m.Due(); due != at+6 {
			t.Errorf("something falls due at %d, not %d", due, at+6)
		}
		l.stamp = at + int64(n)
		l.apply(nil)
		if due := l.m.Due(); due != 0 {
			t.Errorf("all is due, and an entry is asked for at %d", due)
		}
		l.check()
	}
}
