package fsm

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
)

// benchCommands runs commands many times on a machine, in entries or under read locks for 64 of them; an
// operation is one command.
func benchCommands(b *testing.B, l *testLog, command func(i int) []string) {
	b.Helper()
	var items [1 << 15][]byte
	var calls [1 << 15]Call
	for i := range items {
		args := words(command(i))
		spec, _ := l.m.table.Lookup(args)
		items[i], calls[i] = AppendItem(nil, 0, args), Call{Spec: spec, Args: args, Out: reply.Discard}
	}
	write := calls[0].Spec.IsWrite()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += benchEntry {
		at := i % len(items)
		n := min(benchEntry, b.N-i)
		if write {
			l.apply(nil, items[at:at+n]...)
		} else {
			l.m.Read(0, uint64(i), calls[at:at+n])
		}
	}
}

func words(line []string) [][]byte {
	args := make([][]byte, len(line))
	for i, w := range line {
		args[i] = []byte(w)
	}
	return args
}

// filledWith is a machine with one key of benchKeys elements that a command added, and the bytes of memory
// that an element takes.
func filledWith(b *testing.B, name, key string, element func(i int) string) (*testLog, float64) {
	b.Helper()
	before := heap()
	l := newLog(b)
	for i := 0; i < *benchKeys; i += benchEntry {
		line := []string{name, key}
		for j := range benchEntry {
			line = append(line, element(i+j))
		}
		l.ask(line...)
	}
	return l, float64(heap()-before) / float64(*benchKeys)
}

func benchElement(i int) string { return fmt.Sprintf("element:%08d", i) }

// BenchmarkList runs commands on a list of benchKeys elements of 16 bytes, and on short ones.
func BenchmarkList(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 14))
	index := func() string { return strconv.Itoa(rnd.IntN(*benchKeys)) }
	for _, c := range []struct {
		name    string
		command func(i int) []string
	}{
		{"LINDEX", func(int) []string { return []string{"LINDEX", "list", index()} }},
		{"LRANGE/100", func(int) []string {
			n := rnd.IntN(*benchKeys)
			return []string{"LRANGE", "list", strconv.Itoa(n), strconv.Itoa(n + 99)}
		}},
		{"LSET", func(i int) []string { return []string{"LSET", "list", index(), benchElement(i)} }},
		{"LINSERT+LREM", func(i int) []string {
			if i%2 == 0 {
				return []string{"LINSERT", "list", "AFTER", benchElement(rnd.IntN(2000)), "new"}
			}
			return []string{"LREM", "list", "1", "new"}
		}},
		{"LPUSH", func(i int) []string { return []string{"LPUSH", "list", benchElement(i)} }},
		{"RPUSH", func(i int) []string { return []string{"RPUSH", "list", benchElement(i)} }},
		{"LMOVE", func(int) []string { return []string{"LMOVE", "list", "list", "LEFT", "RIGHT"} }},
		{"queue/short", func(i int) []string {
			key := "queue:" + strconv.Itoa(i/2%1000)
			if i%2 == 0 {
				return []string{"LPUSH", key, benchElement(i)}
			}
			return []string{"RPOP", key}
		}},
		{"RPUSH/short", func(i int) []string { return []string{"RPUSH", "short:" + strconv.Itoa(i%4000), benchElement(i)} }},
	} {
		b.Run(c.name, func(b *testing.B) {
			l, perElement := filledWith(b, "RPUSH", "list", benchElement)
			benchCommands(b, l, c.command)
			b.ReportMetric(perElement, "bytes/element")
		})
	}
}

// BenchmarkSet runs commands on a set of benchKeys members of 16 bytes, and on small ones of integers.
func BenchmarkSet(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 15))
	member := func() string { return benchElement(rnd.IntN(*benchKeys)) }
	for _, c := range []struct {
		name    string
		command func(i int) []string
	}{
		{"SISMEMBER", func(int) []string { return []string{"SISMEMBER", "set", member()} }},
		{"SRANDMEMBER", func(int) []string { return []string{"SRANDMEMBER", "set"} }},
		{"SADD/new", func(i int) []string { return []string{"SADD", "set", benchElement(*benchKeys + i)} }},
		{"SREM+SADD", func(i int) []string {
			return []string{[]string{"SREM", "SADD"}[i%2], "set", benchElement(i / 2 * 31 % *benchKeys)}
		}},
		{"SPOP", func(int) []string { return []string{"SPOP", "set"} }},
		{"SADD/intset", func(i int) []string { return []string{"SADD", "ints:" + strconv.Itoa(i%1000), strconv.Itoa(i / 1000)} }},
		{"SINTERCARD", func(int) []string { return []string{"SINTERCARD", "2", "set", "set", "LIMIT", "100"} }},
	} {
		b.Run(c.name, func(b *testing.B) {
			l, perMember := filledWith(b, "SADD", "set", benchElement)
			benchCommands(b, l, c.command)
			b.ReportMetric(perMember, "bytes/element")
		})
	}
}
