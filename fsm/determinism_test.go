package fsm

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/lua"
	"github.com/redraftdb/redraft/fsm/reply"
)

var (
	determinismCommands = flag.Int("determinism.commands", 20000, "random commands of TestDeterminism")
	determinismSeed     = flag.Uint64("determinism.seed", 0, "its seed; 0 draws one")
)

// TestDeterminism applies the same entries of random commands to two machines, one of which is replaced
// now and then by one restored from its snapshot. Replies, digests and snapshots stay the same.
func TestDeterminism(t *testing.T) {
	seed := *determinismSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("repeat with -determinism.seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	a, b := newLog(t), newLog(t)
	for _, l := range []*testLog{a, b} {
		l.apply(nil, SetParameters(Setting{paramLuaSteps, "20000"}, Setting{paramLuaMemory, "1048576"}))
	}
	specs := growStreams(writes(a.m.table), 1)
	wrapped := wrapper{rnd: rnd, l: a}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	commands := *determinismCommands
	if testing.Short() {
		commands /= 10
	}
	for done := 0; done < commands; {
		runtime.GOMAXPROCS(1 + rnd.IntN(4))
		var items [][]byte
		for range 1 + rnd.IntN(20) {
			args := randomCommand(rnd, specs)
			items = append(items, AppendItem(nil, rnd.IntN(3), args))
			done++
		}
		items = wrapped.wrap(items)
		a.stamp += int64(rnd.IntN(3000))
		b.stamp, b.term = a.stamp, a.term
		gotA, gotB := replies(a, items), replies(b, items)
		if gotA != gotB {
			t.Fatalf("entry %d: one machine answered\n%s\nthe other\n%s", a.index, gotA, gotB)
		}
		if rnd.IntN(100) == 0 {
			b.restart()
			compare(t, a, b)
		}
	}
	compare(t, a, b)
	a.check()
	b.check()
	t.Logf("%d keys at the end, %d commands wait", a.m.state.databases[0].keys, a.m.state.parked.tickets.Len())
}

// A wrapper makes some of the items of an entry wait, and puts others into transactions.
type wrapper struct {
	rnd      *rand.Rand
	l        *testLog
	requests uint64
	watched  []byte // as some entries ago
}

func (w *wrapper) wrap(items [][]byte) [][]byte {
	var out, together [][]byte
	for _, it := range items {
		if w.rnd.IntN(6) == 0 {
			it = w.script(it)
		}
		if w.l.m.checkWait(16, it) == nil && w.rnd.IntN(4) > 0 {
			w.requests++
			o := Origin{Node: fmt.Sprintf("n%d", w.rnd.IntN(3)), Incarnation: uint64(w.rnd.IntN(2)), Session: 1, Request: w.requests}
			it = AppendItem(nil, 0, [][]byte{[]byte(nameBlocking), o.append(nil), it})
		} else if w.rnd.IntN(4) == 0 {
			together = append(together, it)
			continue
		}
		out = append(out, it)
	}
	if len(together) > 0 {
		out = append(out, Transaction(w.watched, together))
	}
	if w.rnd.IntN(3) == 0 {
		var keys []watch
		for range 1 + w.rnd.IntN(3) {
			keys = append(keys, watch{db: w.rnd.IntN(3), key: string(fmt.Appendf(nil, "key:%d", w.rnd.IntN(300)))})
		}
		w.watched = w.l.m.state.appendWatches(nil, keys)
	}
	switch w.rnd.IntN(40) {
	case 3:
		out = append(out, randomUserItem(w.rnd))
	case 0:
		out = append(out, DropWaiting(fmt.Sprintf("n%d", w.rnd.IntN(3)), 1))
	case 1:
		out = append(out, Unblock(Origin{Node: "n1", Session: 1, Request: w.requests}, UnblockTimeout))
	case 2:
		w.l.term++
	}
	return out
}

// script makes an item one that a script of its own, or of the cache, runs.
func (w *wrapper) script(it []byte) []byte {
	args, db, err := decodeItem(it, nil)
	if err != nil {
		w.l.t.Fatal(err)
	}
	sources := []string{
		"return redis.pcall(unpack(ARGV))",
		"redis.setresp(3) local v = redis.pcall(unpack(ARGV)) return {tostring(v), cjson.encode(ARGV)}",
		"local t = {} for i = 1, #ARGV do t[ARGV[i]] = i end local s = '' for k, v in pairs(t) do s = s .. k .. v end " +
			"redis.call('set', KEYS[1], s) return redis.pcall(unpack(ARGV))",
		"redis.pcall(unpack(ARGV)) return {math.random(1000000), redis.call('time'), tostring({}), collectgarbage('count') * 1024}",
		"redis.pcall(unpack(ARGV)) local s = 'x' while true do s = s .. s end",
		"redis.pcall(unpack(ARGV)) while true do redis.call('incr', KEYS[1]) end",
		"local co = coroutine.wrap(function(...) coroutine.yield(redis.pcall(...)) error('end') end) co(unpack(ARGV)) return co()",
	}
	source := []byte(sources[w.rnd.IntN(len(sources))])
	words := [][]byte{[]byte("eval"), source, []byte("1"), fmt.Appendf(nil, "string:%d", w.rnd.IntN(60))}
	if w.rnd.IntN(3) == 0 {
		words[0], words[1] = []byte("evalsha"), []byte(lua.Digest(source))
	}
	return ForScript("default", AppendItem(nil, db, append(words, args...)))
}

// compare fails the test unless both machines hold the same.
func compare(t *testing.T, a, b *testLog) {
	t.Helper()
	if x, y := a.m.DebugDigest(), b.m.DebugDigest(); x != y {
		t.Fatalf("entry %d: digests differ: %s, %s", a.index, x, y)
	}
	if x, y := a.image(), b.image(); !bytes.Equal(x, y) {
		t.Fatalf("entry %d: snapshots differ, %d and %d bytes", a.index, len(x), len(y))
	}
}

// restart replaces the machine by one restored from its snapshot.
func (l *testLog) restart() {
	l.t.Helper()
	fresh := New()
	if err := fresh.Restore(bytes.NewReader(l.image())); err != nil {
		l.t.Fatal(err)
	}
	l.m = fresh
}

// replies applies one entry and returns the answers.
func replies(l *testLog, items [][]byte) string {
	sinks := make([]reply.Sink, len(items))
	recs := make([]reply.Recorder, len(items))
	for i := range sinks {
		sinks[i] = &recs[i]
	}
	l.apply(sinks, items...)
	var all string
	for i := range recs {
		if !recs[i].Complete() || recs[i].String() == "" {
			l.t.Fatalf("entry %d, item %q: the answer is not complete: %q", l.index, items[i], recs[i].String())
		}
		all += recs[i].String()
	}
	return all
}

// writes are the commands that change data, apart from those that empty whole databases, which come
// up too often.
func writes(table *command.Table) []*command.Spec {
	var out []*command.Spec
	for _, s := range table.Public() {
		if s.IsLogged() && !s.Container() && s.Name != "flushall" && s.Name != "flushdb" && s.Name != "swapdb" {
			out = append(out, s)
		}
	}
	return out
}

// randomCommand makes up a command from its usage line, over few enough keys that they meet.
func randomCommand(rnd *rand.Rand, specs []*command.Spec) [][]byte {
	if rnd.IntN(2000) == 0 {
		return [][][]byte{{[]byte("swapdb"), []byte("0"), []byte("1")}, {[]byte("flushdb")}}[rnd.IntN(2)]
	}
	spec := specs[rnd.IntN(len(specs))]
	return spec.Random(rnd.IntN, func(a *command.Argument) []byte {
		if spec.Group == "stream" && rnd.IntN(20) != 0 {
			if arg := streamArgument(rnd, spec, a); arg != nil {
				return arg
			}
		}
		return randomArgument(rnd, spec, a)
	})
}

func randomArgument(rnd *rand.Rand, spec *command.Spec, a *command.Argument) []byte {
	word := func(format string, n int) []byte { return fmt.Appendf(nil, format, rnd.IntN(n)) }
	switch a.Name {
	case "bit", "operation", "encoding":
		return nil
	case "subcommand":
		return []byte([]string{"GETREG", "DECODE", "ENCODING", "TODENSE"}[rnd.IntN(4)])
	}
	switch a.Type {
	case command.Key:
		if isZSetGroup(spec.Group) && rnd.IntN(20) != 0 {
			return word("zset:%d", 60)
		}
		if spec.Group == "generic" || rnd.IntN(20) == 0 {
			return word([]string{"string:%d", "hash:%d", "list:%d", "set:%d", "zset:%d"}[rnd.IntN(5)], 60)
		}
		return word(spec.Group+":%d", 60)
	case command.UnixTime, command.Integer:
		if newer(spec) {
			return soonTime(rnd, a.Name)
		}
	}
	switch a.Type {
	case command.Integer:
		return word("%d", []int{12, 1 << 20}[rnd.IntN(2)])
	case command.UnixTime:
		return word("17000000%d", 999999)
	}
	if b := zsetArgument(rnd, spec, a); b != nil && !strings.HasPrefix(a.Name, "member") {
		return b
	}
	if a.Name == "field" {
		return word("field:%d", 700)
	}
	if spec.Group == "set" || isZSetGroup(spec.Group) || a.Name == "pivot" {
		return word([]string{"member:%d", "%d"}[rnd.IntN(2)], 800)
	}
	switch rnd.IntN(8) {
	case 0:
		return bytes.Repeat([]byte{'x'}, rnd.IntN(100))
	case 1:
		return bytes.Repeat([]byte{'y'}, rnd.IntN(40000))
	case 2:
		return fmt.Appendf(nil, "%g", rnd.NormFloat64())
	}
	return word("%d", 1000)
}
