package fsm

import (
	"bytes"
	"strconv"
	"testing"
)

// TestMemoryUsage asks for the size of values on a machine where they grew and shrank and on one that
// was restored. The answer follows from the contents, not from how they came about.
func TestMemoryUsage(t *testing.T) {
	l := newLog(t)
	for i := range 5000 {
		l.ask("HSET", "hash", strconv.Itoa(i), "v")
	}
	for i := range 3000 {
		l.ask("HDEL", "hash", strconv.Itoa(i))
	}
	l.ask("SET", "long", string(bytes.Repeat([]byte("x"), 20000)))
	for range 100 {
		l.ask("APPEND", "long", string(bytes.Repeat([]byte("x"), 100)))
	}
	for i := range 5000 {
		l.ask("RPUSH", "list", strconv.Itoa(i))
		l.ask("LPUSH", "list", strconv.Itoa(i))
		l.ask("SADD", "set", strconv.Itoa(i))
	}
	for i := range 5000 {
		l.ask("ZADD", "zset", strconv.Itoa(i*i%1000), strconv.Itoa(i))
	}
	l.ask("ZREMRANGEBYSCORE", "zset", "100", "700")
	l.ask("LTRIM", "list", "100", "3000")
	for i := range 200 {
		l.ask("LINSERT", "list", "BEFORE", strconv.Itoa(4000-i), "some more")
		l.ask("SREM", "set", strconv.Itoa(20*i))
	}
	restored := &testLog{t: t, m: New(), index: l.index, stamp: l.stamp}
	if err := restored.m.Restore(bytes.NewReader(l.image())); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"hash", "long", "list", "set", "zset"} {
		if a, b := l.ask("MEMORY", "USAGE", key), restored.ask("MEMORY", "USAGE", key); a != b {
			t.Errorf("MEMORY USAGE %s: %s, and after a restore %s", key, a, b)
		}
	}
}
