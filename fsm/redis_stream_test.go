package fsm

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
	"github.com/redraftdb/redraft/fsm/value"
	"github.com/redraftdb/redraft/snapshot"
)

// TestStreamVerdict damages streams at random and reads them. What is taken for a stream redis-server, told to
// look closely, takes too, and it answers the same about it.
func TestStreamVerdict(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 21))
	c := dialRedis(t, startRedis(t, t.TempDir()))
	c.ask("CONFIG", "SET", "sanitize-dump-payload", "yes")
	sound := soundStream(t)
	taken := 0
	for range 5000 {
		b := damagedStream(rnd, sound)
		l := newLog(t)
		db := l.m.state.databases[0]
		s, err := value.DecodeStream(snapshot.NewReader(bytes.NewReader(b), snapshot.Limits{}), snapshot.TypeStreamListpacks2, &db.mem)
		if err != nil {
			continue
		}
		taken++
		db.putObject([]byte("s"), kindStream, s, 0)
		if got := restoreStream(c, snapshot.TypeStreamListpacks2, b); got != "+OK\n" {
			t.Fatalf("%q: redis-server says %s", b, got)
		}
		for _, words := range [][]string{
			{"XRANGE", "s", "-", "+"}, {"XREVRANGE", "s", "+", "-"}, {"XINFO", "STREAM", "s", "FULL", "COUNT", "0"},
			{"XADD", "s", "18446744073709551614-*", "f", "v"}, {"XTRIM", "s", "MAXLEN", "2"}, {"XPENDING", "s", "g"},
		} {
			var ours resp2
			if l.do(&ours, words...); ours.String() != c.ask(words...) {
				t.Fatalf("%q: %q: %s, redis-server %s", b, words, ours.String(), c.ask(words...))
			}
		}
	}
	t.Logf("%d taken", taken)
}

// restoreStream has redis-server restore a value under the key "s".
func restoreStream(c *redisClient, kind snapshot.Type, value []byte) string {
	payload := append([]byte{byte(kind)}, value...)
	payload = binary.LittleEndian.AppendUint16(payload, snapshot.Version)
	payload = binary.LittleEndian.AppendUint64(payload, snapshot.Checksum(0, payload))
	return c.ask("RESTORE", "s", "0", string(payload), "REPLACE")
}

// TestOldStream reads a stream as servers before 7.0 wrote it. What the form lacks is what redis-server makes of it.
func TestOldStream(t *testing.T) {
	var elements [][]byte
	for _, e := range strings.Fields("2 1 1 f 0 2 0 0 v 4 3 0 1 w 4 0 0 5 2 g 1 h 2 8") {
		elements = append(elements, []byte(e))
	}
	first, last := value.StreamID{MS: 5, Seq: 1}, value.StreamID{MS: 5, Seq: 6}
	c := dialRedis(t, startRedis(t, t.TempDir()))
	for _, read := range []value.StreamID{{}, first, {MS: 5, Seq: 3}, last, {MS: 6}} {
		var b bytes.Buffer
		w := snapshot.NewWriter(&b)
		w.Length(1)
		w.StreamNode(first, value.New(nil).Append(nil, elements...))
		w.Length(2)
		w.StreamID(last)
		w.Length(1)
		w.Text("g")
		w.StreamID(read)
		w.Length(1)
		w.PendingID(first)
		w.Time(1_600_000_000_000)
		w.Length(3)
		w.Length(1)
		w.Text("c")
		w.Time(1_600_000_000_001)
		w.Length(1)
		w.PendingID(first)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		l := newLog(t)
		db := l.m.state.databases[0]
		s, err := value.DecodeStream(snapshot.NewReader(bytes.NewReader(b.Bytes()), snapshot.Limits{}), snapshot.TypeStreamListpacks, &db.mem)
		if err != nil {
			t.Fatal(err)
		}
		db.putObject([]byte("s"), kindStream, s, 0)
		if got := restoreStream(c, snapshot.TypeStreamListpacks, b.Bytes()); got != "+OK\n" {
			t.Fatalf("redis-server says %s", got)
		}
		words := []string{"XINFO", "STREAM", "s", "FULL", "COUNT", "0"}
		var ours resp2
		if l.do(&ours, words...); ours.String() != c.ask(words...) {
			t.Errorf("read up to %v: %s, redis-server %s", read, ours.String(), c.ask(words...))
		}
	}
}

// TestStreamEvents compares the keyspace events of stream commands, and the changes they count, with
// redis-server's.
func TestStreamEvents(t *testing.T) {
	socket := startRedis(t, t.TempDir())
	c, listener := dialRedis(t, socket), dialRedis(t, socket)
	c.ask("CONFIG", "SET", "notify-keyspace-events", "Egtnm")
	listener.ask("PSUBSCRIBE", "__keyevent@0__:*")
	l := newLog(t)
	var ours []string
	l.m.Observe(func(_ EventClass, event string, _ int, key []byte) {
		ours = append(ours, "__keyevent@0__:"+event, string(key))
	})
	for _, line := range []string{
		"XADD s 1-1 f v", "XADD s MAXLEN 1 1-2 f v", "XADD s MAXLEN 9 1-3 f v", "XADD s 1-1 f v", "XTRIM s MAXLEN 9", "XTRIM s MAXLEN 1",
		"XADD s 1-4 f v", "XDEL s 1-4 1-3", "XDEL s 9-9", "XSETID s 9-9", "XSETID s 1-1", "XGROUP CREATE s g 0", "XGROUP CREATE s g 0",
		"XGROUP CREATE n g 0 MKSTREAM", "XGROUP CREATECONSUMER s g c", "XGROUP CREATECONSUMER s g c", "XADD s 9-10 f v",
		"XREADGROUP GROUP g c STREAMS s >", "XREADGROUP GROUP g d STREAMS s >", "XREADGROUP GROUP g d STREAMS s 0", "XCLAIM s g e 0 9-10",
		"XCLAIM s g h 0 9-11", "XAUTOCLAIM s g i 0 -", "XACK s g 9-10", "XGROUP SETID s g 0", "XREADGROUP GROUP g j NOACK STREAMS s >",
		"XGROUP DELCONSUMER s g c", "XGROUP DELCONSUMER s g c", "XGROUP DESTROY s g", "XGROUP DESTROY s g",
	} {
		words := strings.Fields(line)
		ours = nil
		before, theirsBefore := l.m.Stats().Changes, changesOf(c)
		l.ask(words...)
		c.ask(words...)
		if a, b := l.m.Stats().Changes-before, changesOf(c)-theirsBefore; a != b {
			t.Errorf("%s: %d changes, in redis-server %d", line, a, b)
		}
		c.ask("DEL", "end")
		c.ask("SET", "end", "1", "PX", "100000") // its last event is expire
		if theirs := eventsUntilEnd(listener); !slices.Equal(ours, theirs) {
			t.Errorf("%s: the events are %q, in redis-server %q", line, ours, theirs)
		}
	}
}

// changesOf is how many changes redis-server has counted since it last saved.
func changesOf(c *redisClient) (n uint64) {
	_, text, _ := strings.Cut(c.ask("INFO", "persistence"), "rdb_changes_since_last_save:")
	digits, _, _ := strings.Cut(text, `\r`)
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// eventsUntilEnd reads events, with their keys, up to the one that the key "end" expires.
func eventsUntilEnd(listener *redisClient) (events []string) {
	for {
		var out reply.Recorder
		listener.receive(&out)
		parts := strings.Fields(strings.ReplaceAll(out.String(), `"`, "")) // *4 pmessage pattern event key
		switch event, key := parts[3], parts[4]; {
		case key != "end":
			events = append(events, event, key)
		case event == "__keyevent@0__:expire":
			return events
		}
	}
}

// soundStream is a stream with all that there is in one, as a value in a file.
func soundStream(t *testing.T) []byte {
	l := newLog(t)
	l.apply(nil, SetParameters(Setting{paramStreamEntries, "4"}))
	for i := range 10 {
		l.ask("XADD", "s", "5-"+strconv.Itoa(i+1), "field", strconv.Itoa(i*100))
	}
	l.ask("XADD", "s", "6-1", "other", "v", "field", "w")
	l.ask("XDEL", "s", "5-3", "5-9")
	l.ask("XGROUP", "CREATE", "s", "g", "0")
	l.ask("XREADGROUP", "GROUP", "g", "c", "COUNT", "3", "STREAMS", "s", ">")
	l.ask("XREADGROUP", "GROUP", "g", "d", "COUNT", "2", "STREAMS", "s", ">")
	l.ask("XGROUP", "CREATE", "s", "h", "$")
	db := l.m.state.databases[0]
	e, _ := db.find([]byte("s"))
	var b bytes.Buffer
	w := snapshot.NewWriter(&b)
	streamOf(loadValue(e.cell, &db.objects)).Encode(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// damagedStream changes a byte or two.
func damagedStream(rnd *rand.Rand, sound []byte) []byte {
	b := slices.Clone(sound)
	for range 1 + rnd.IntN(2) {
		at := rnd.IntN(len(b))
		b[at] = []byte{byte(rnd.Uint32()), 0, 1, 0x80, 0xff, b[at] + 1, b[at] - 1}[rnd.IntN(7)]
	}
	return b
}
