package fsm

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/snapshot"
)

// bulk is the string that an answer is; ok is false for another one.
func bulk(answer string) (s string, ok bool) {
	if !strings.HasPrefix(answer, `"`) {
		return "", false
	}
	s, err := strconv.Unquote(strings.TrimSpace(answer))
	return s, err == nil
}

// TestDumpAndRedis carries values of all kinds from the machine to redis-server and back by DUMP and RESTORE. Their
// digests are the same, and so are their encodings when both servers have made them of a payload.
func TestDumpAndRedis(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	c := dialRedis(t, startRedis(t, t.TempDir()))
	l := manyKeys(t, rand.New(rand.NewPCG(seed, 21)))
	for i := range 60 { // large hashes that have become small
		words := []string{"HSET", "big:less:" + strconv.Itoa(i)}
		for f := range 600 {
			words = append(words, "f"+strconv.Itoa(f), string(randomBytes(rand.New(rand.NewPCG(seed, uint64(f))), f%(2+i))))
		}
		l.ask(words...)
		for f := 10 * i; f < 600; f++ {
			l.ask("HDEL", words[1], "f"+strconv.Itoa(f))
		}
	}
	back := newLog(t)
	back.stamp = l.stamp
	for _, key := range keySample(l, 1500) {
		l.ask("PERSIST", key)
		payload, ok := bulk(l.ask("DUMP", key))
		if !ok {
			t.Fatalf("DUMP %.80q: %s", key, l.ask("DUMP", key))
		}
		if got := c.ask("RESTORE", key, "0", payload, "REPLACE"); got != "+OK\n" {
			t.Fatalf("redis-server does not take %.80q, %.100q: %s", key, payload, got)
		}
		theirs, _ := bulk(c.ask("DUMP", key))
		if got := back.ask("RESTORE", key, "0", theirs); got != "+OK\n" {
			t.Fatalf("redis-server's payload %.100q of %.80q: %s", theirs, key, got)
		}
		e, _ := l.m.state.databases[0].find([]byte(key))
		f, _ := back.m.state.databases[0].find([]byte(key))
		want, got := l.m.state.databases[0].sumOfValue(e.cell), back.m.state.databases[0].sumOfValue(f.cell)
		if want != got {
			t.Fatalf("%.80q has become another value", key)
		}
		if a, b := back.ask("OBJECT", "ENCODING", key), c.ask("OBJECT", "ENCODING", key); a != b {
			t.Fatalf("%.80q is %s, in redis-server %s", key, a, b)
		}
	}
	back.check()
	for i, db := range back.m.state.databases {
		back.db = i
		if db.keys > 0 && back.ask("FLUSHDB") != "+OK\n" {
			t.Fatal("FLUSHDB failed")
		}
	}
}

// keySample is about n keys of database 0, the large ones among them.
func keySample(l *testLog, n int) (keys []string) {
	every := max(1, l.m.state.databases[0].keys/n)
	i := 0
	l.m.state.databases[0].each(func(c cell) {
		key := string(l.m.state.databases[0].keyOf(c))
		if i++; i%every == 0 || strings.HasPrefix(key, "big") || len(key) > 1000 {
			keys = append(keys, key)
		}
	})
	return keys
}

// FuzzPayload gives RESTORE damaged payloads under a right checksum. It takes them or says that they are no
// good, as Check has said before; what it does not take has changed nothing.
func FuzzPayload(f *testing.F) {
	l := newLog(f)
	l.ask("SET", "int", "12")
	l.ask("SET", "text", "some text")
	l.ask("HSET", "h", "f", "v", "n", "7")
	l.ask("HSET", "large", "f", strings.Repeat("v", 100), "g", "1")
	l.ask("PFADD", "hll", "a", "b")
	for _, key := range []string{"int", "text", "h", "large", "hll"} {
		payload, _ := bulk(l.ask("DUMP", key))
		f.Add([]byte(payload[:len(payload)-10]))
	}
	f.Add([]byte("\x00\xc3\x05\x10\x00a\xe0\x04\x00"))
	f.Add([]byte("\x04\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01f\x01v"))
	f.Fuzz(func(t *testing.T, value []byte) {
		m := &testLog{t: t, m: New(), stamp: 1_700_000_000_000}
		m.ask("SET", "before", "value")
		m.ask("HSET", "hash", "f", "v")
		payload := binary.LittleEndian.AppendUint16(bytes.Clone(value), snapshot.Version)
		payload = binary.LittleEndian.AppendUint64(payload, snapshot.Checksum(0, payload))
		want := m.m.DebugDigest()
		args := [][]byte{[]byte("RESTORE"), []byte("key"), []byte("0"), payload}
		problem := m.m.CheckItem(AppendItem(nil, 0, args))
		answer := m.ask("RESTORE", "key", "0", string(payload))
		if (problem == nil) != (answer == "+OK\n") {
			t.Fatalf("Check says %v, RESTORE %s", problem, answer)
		}
		if problem != nil {
			if m.m.DebugDigest() != want {
				t.Fatal("a payload that was refused has changed the machine")
			}
			m.check()
			return
		}
		m.check()
		again, _ := bulk(m.ask("DUMP", "key"))
		if got := m.ask("RESTORE", "copy", "0", again); got != "+OK\n" {
			t.Fatalf("its own payload %q: %s", again, got)
		}
		digest := m.m.DebugDigest()
		m.restart()
		if m.m.DebugDigest() != digest {
			t.Fatal("a value that came by RESTORE is another one after a restart")
		}
	})
}
