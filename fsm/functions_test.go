package fsm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/snapshot"
)

// library is the source of a library with a function that sets a key, and one that reads it.
func library(name, marker string) string {
	return fmt.Sprintf(`#!lua name=%[1]s
local marker = '%[2]s'
redis.register_function('put_%[1]s', function(keys, args) return redis.call('set', keys[1], marker .. args[1]) end)
redis.register_function{function_name='get_%[1]s', callback=function(keys) return redis.call('get', keys[1]) end,
	flags={'no-writes', 'allow-stale'}, description='reads'}
`, name, marker)
}

// TestFunctionsSurvive loads libraries and restores the machine from its snapshot: they are there, and nothing else
// is different.
func TestFunctionsSurvive(t *testing.T) {
	l := newLog(t)
	empty := l.ask("redraft-digest")
	for _, name := range []string{"b", "a", "c"} {
		if got := l.ask("FUNCTION", "LOAD", library(name, name)); got != fmt.Sprintf("%q\n", name) {
			t.Fatal(got)
		}
	}
	l.ask("FCALL", "put_a", "1", "key", "1")
	before := l.ask("FUNCTION", "LIST", "WITHCODE")
	digest := l.ask("redraft-digest")
	if strings.Split(empty, "\n")[2] == strings.Split(digest, "\n")[2] {
		t.Error("the digest does not tell libraries")
	}
	image := l.image()
	back := newLog(t)
	if err := back.m.Restore(bytes.NewReader(image)); err != nil {
		t.Fatal(err)
	}
	back.index, back.stamp = l.index, l.stamp
	if !bytes.Equal(back.image(), image) {
		t.Error("the snapshot of a restored machine is another")
	}
	if got := back.ask("FUNCTION", "LIST", "WITHCODE"); got != before {
		t.Errorf("after a restore:\n%s\nbefore it:\n%s", got, before)
	}
	if libraries, functions := back.m.FunctionCounts(); libraries != 3 || functions != 6 {
		t.Errorf("%d libraries, %d functions", libraries, functions)
	}
	if got := back.ask("FCALL", "GET_A", "1", "key"); got != "\"a1\"\n" {
		t.Error(got)
	}
	back.ask("FLUSHALL")
	if libraries, _ := back.m.FunctionCounts(); libraries != 3 {
		t.Error("FLUSHALL deletes libraries")
	}
}

// TestFunctionsDamaged restores snapshots whose libraries cannot be loaded. Nothing changes.
func TestFunctionsDamaged(t *testing.T) {
	for _, source := range []string{"", "return 1", "#!lua name=x\nreturn 1", "#!lua name=x\nx = 1", library("b", "b")} {
		var image bytes.Buffer
		w := snapshot.NewWriter(&image)
		w.Header()
		w.Function([]byte(library("b", "b")))
		w.Function([]byte(source))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		l := newLog(t)
		l.ask("FUNCTION", "LOAD", library("a", "a"))
		if err := l.m.Restore(&image); err == nil {
			t.Errorf("%q is taken in", source)
		}
		if got := l.ask("FCALL", "get_a", "1", "key"); got != "_\n" {
			t.Error(got)
		}
	}
}

// TestFunctionsInRedis exchanges libraries with redis-server: by snapshots and by payloads, in both directions.
func TestFunctionsInRedis(t *testing.T) {
	l := newLog(t)
	long := library("long", strings.Repeat("marker ", 500)) // which redis-server compresses
	for _, source := range []string{library("a", "a"), library("b", "\\0\\255"), long} {
		l.ask("FUNCTION", "LOAD", source)
	}
	l.ask("SET", "key", "value")
	dir := t.TempDir()
	file := filepath.Join(dir, "dump.rdb")
	if err := os.WriteFile(file, l.image(), 0o644); err != nil {
		t.Fatal(err)
	}
	c := dialRedis(t, startRedis(t, dir))
	for _, name := range []string{"a", "b", "long"} {
		c.ask("HELLO", "3")
		words := []string{"FUNCTION", "LIST", "LIBRARYNAME", name, "WITHCODE"}
		if ours, theirs := sortedLines(l.ask(words...)), sortedLines(c.ask(words...)); ours != theirs {
			t.Errorf("%s here:\n%s\nin redis-server:\n%s", name, ours, theirs)
		}
	}
	if got := c.ask("FCALL", "put_a", "1", "key", "2"); got != "+OK\n" {
		t.Error(got)
	}
	theirs, ok := unquote(c.ask("FUNCTION", "DUMP"))
	if !ok {
		t.Fatal("no payload")
	}
	ours, _ := unquote(l.ask("FUNCTION", "DUMP"))
	if got := c.ask("FUNCTION", "RESTORE", ours, "FLUSH"); got != "+OK\n" {
		t.Errorf("redis-server answers our payload with %s", got)
	}
	if got := l.ask("FUNCTION", "RESTORE", theirs, "FLUSH"); got != "+OK\n" {
		t.Errorf("redis-server's payload is answered with %s", got)
	}
	if again, _ := unquote(l.ask("FUNCTION", "DUMP")); again != ours {
		t.Error("redis-server's payload has other libraries")
	}
	if got := c.ask("SAVE"); got != "+OK\n" {
		t.Fatal(got)
	}
	dump, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	back := newLog(t)
	if err := back.m.Restore(bytes.NewReader(dump)); err != nil {
		t.Fatal(err)
	}
	if again, _ := unquote(back.ask("FUNCTION", "DUMP")); again != ours {
		t.Error("redis-server's dump has other libraries")
	}
	if got := back.ask("FCALL", "get_a", "1", "key"); got != "\"a2\"\n" {
		t.Error(got)
	}
}

// sortedLines is an answer with its lines in order: redis-server lists functions in an order of its own.
func sortedLines(answer string) string {
	lines := strings.Split(answer, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestFunctionsDeterminism has two machines load, call, dump, restore and delete at random. One of them is restored
// from its snapshot now and then. They answer the same, and their digests and snapshots are the same.
func TestFunctionsDeterminism(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	a, b := newLog(t), newLog(t)
	payloads := []string{"", "x"}
	for i := range 600 {
		name := string(rune('a' + rnd.IntN(5)))
		words := [][]string{
			{"FUNCTION", "LOAD", library(name, fmt.Sprint(i))},
			{"FUNCTION", "LOAD", "REPLACE", strings.ReplaceAll(library(name, fmt.Sprint(i)), "put_"+name, "put_"+string(rune('a'+rnd.IntN(5))))},
			{"FUNCTION", "LOAD", "REPLACE", library(name, "') error('")},
			{"FUNCTION", "DELETE", name},
			{"FUNCTION", "RESTORE", payloads[rnd.IntN(len(payloads))], []string{"APPEND", "REPLACE", "FLUSH"}[rnd.IntN(3)]},
			{"FUNCTION", "LIST", "WITHCODE"},
			{"FUNCTION", "DUMP"},
			{"FCALL", "put_" + name, "1", "key" + name, "v"},
			{"FCALL", "put_" + name, "1", "key" + name, "v"},
			{"FCALL", "get_" + name, "1", "key" + name},
			{"FCALL_RO", "get_" + name, "1", "key" + name},
		}[rnd.IntN(11)]
		gotA, gotB := a.ask(words...), b.ask(words...)
		if gotA != gotB {
			t.Fatalf("%q: one machine answers\n%s\nthe other\n%s", words, gotA, gotB)
		}
		if words[1] == "DUMP" {
			payload, _ := unquote(gotA)
			payloads = append(payloads, payload)
		}
		if rnd.IntN(20) == 0 {
			b.restart()
		}
	}
	compare(t, a, b)
	if libraries, _ := a.m.FunctionCounts(); libraries == 0 {
		t.Log("no libraries at the end")
	}
}

// TestFunctionsFull loads more libraries than there is room for.
func TestFunctionsFull(t *testing.T) {
	l := newLog(t)
	filler := "\n--" + strings.Repeat("x", 1<<20-1000)
	for i := range functionsMost>>20 + 1 {
		source := library(fmt.Sprintf("lib%d", i), "") + filler
		got := l.ask("FUNCTION", "LOAD", source)
		if full := i >= functionsMost/len(source); full != (got == "-ERR "+errFunctionsFull.Error()+"\n") {
			t.Fatalf("library %d: %s", i, got)
		}
	}
	if got := l.ask("FUNCTION", "DELETE", "lib7"); got != "+OK\n" {
		t.Fatal(got)
	}
	if got := l.ask("FUNCTION", "LOAD", library("last", "")+filler); got != "\"last\"\n" {
		t.Fatal(got)
	}
}

// FuzzFunctionRestore restores bytes as libraries, under a checksum that is right. What goes wrong changes nothing.
func FuzzFunctionRestore(f *testing.F) {
	f.Add([]byte(snapshot.AppendFunctions(nil, []string{library("a", "a"), library("b", "b")})))
	f.Add([]byte("\xf5\x0a#!lua name="))
	f.Add([]byte("\xf5\xc3\x05\x41\x00\x04#!lua"))
	f.Add([]byte("\xf6\x01a\x03LUA\x00\x01b"))
	f.Add([]byte("\x00\x01a"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		l := newLog(t)
		l.ask("FUNCTION", "LOAD", library("z", "z"))
		before := l.ask("FUNCTION", "DUMP")
		payload = binary.LittleEndian.AppendUint16(bytes.Clone(payload), snapshot.Version)
		payload = binary.LittleEndian.AppendUint64(payload, snapshot.Checksum(0, payload))
		item := AppendItem(nil, 0, [][]byte{[]byte("FUNCTION"), []byte("RESTORE"), payload, []byte("REPLACE")})
		sound := l.m.CheckItem(item) == nil
		l.apply(nil, item)
		after := l.ask("FUNCTION", "DUMP")
		if !sound && before != after {
			t.Fatalf("%q is not sound and has changed the libraries to %s", payload, after)
		}
	})
}
