package fsm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
)

// filledStream is a machine with a stream "s" of benchKeys entries of two fields, and a group "g" that has read
// them all if pending says so.
func filledStream(b *testing.B, pending bool) *testLog {
	b.Helper()
	l := newLog(b)
	l.ask("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
	items := streamItems(benchEntry)
	for i := 0; i < *benchKeys; i += benchEntry {
		l.stamp++
		l.apply(nil, items...)
	}
	if pending {
		l.do(reply.Discard, "XREADGROUP", "GROUP", "g", "c0", "STREAMS", "s", ">")
	}
	return l
}

// streamItems are n items that add an entry.
func streamItems(n int) [][]byte {
	items := make([][]byte, n)
	for i := range items {
		items[i] = AppendItem(nil, 0, [][]byte{[]byte("XADD"), []byte("s"), []byte("*"), []byte("temperature"),
			fmt.Appendf(nil, "%d", i*37), []byte("sensor"), bytes.Repeat([]byte("v"), 20)})
	}
	return items
}

// BenchmarkStreamAdd is XADD in entries of 64.
func BenchmarkStreamAdd(b *testing.B) {
	for _, trimmed := range []bool{false, true} {
		name := map[bool]string{false: "XADD", true: "XADD/MAXLEN~"}[trimmed]
		b.Run(name, func(b *testing.B) {
			l := newLog(b)
			items := streamItems(benchEntry)
			if trimmed {
				for i := range items {
					items[i] = AppendItem(nil, 0, [][]byte{[]byte("XADD"), []byte("s"), []byte("MAXLEN"), []byte("~"), []byte("10000"),
						[]byte("*"), []byte("field"), bytes.Repeat([]byte("v"), 20)})
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += benchEntry {
				l.stamp++
				l.apply(nil, items[:min(benchEntry, b.N-i)]...)
			}
		})
	}
}

// BenchmarkStreamRange is XRANGE and XREVRANGE of ten entries from anywhere in a stream of benchKeys.
func BenchmarkStreamRange(b *testing.B) {
	l := filledStream(b, false)
	for _, name := range []string{"XRANGE", "XREVRANGE"} {
		b.Run(name, func(b *testing.B) {
			rnd := rand.New(rand.NewPCG(1, 23))
			calls := make([]Call, 1<<12)
			for i := range calls {
				from := fmt.Appendf(nil, "%d-%d", 1_700_000_000_001+rnd.IntN(*benchKeys/benchEntry), rnd.IntN(benchEntry))
				bounds := [][]byte{from, []byte("+")}
				if name == "XREVRANGE" {
					bounds[1] = []byte("-")
				}
				calls[i] = Call{Spec: l.m.table.Named(name), Out: reply.Discard,
					Args: [][]byte{[]byte(name), []byte("s"), bounds[0], bounds[1], []byte("COUNT"), []byte("10")}}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += benchEntry {
				at := i % len(calls)
				l.m.Read(0, 1, calls[at:at+min(benchEntry, b.N-i)])
			}
		})
	}
}

// BenchmarkStreamGroup is XREADGROUP of one new entry and XACK of it, together one operation, in a group with
// nothing else pending and in one with benchKeys entries pending; and the same beside a view.
func BenchmarkStreamGroup(b *testing.B) {
	for _, c := range []struct {
		name          string
		pending, view bool
	}{{"none", false, false}, {"pending", true, false}, {"view", true, true}} {
		b.Run(c.name, func(b *testing.B) {
			l := filledStream(b, c.pending)
			for i := 0; i < b.N; i += benchEntry { // so that there is always a new one
				l.apply(nil, streamItems(benchEntry)...)
			}
			if c.view {
				_, release, err := l.m.Snapshot()
				if err != nil {
					b.Fatal(err)
				}
				defer release()
			}
			var last idSink
			read := AppendItem(nil, 0, [][]byte{[]byte("XREADGROUP"), []byte("GROUP"), []byte("g"), []byte("c1"), []byte("COUNT"),
				[]byte("1"), []byte("STREAMS"), []byte("s"), []byte(">")})
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				last.Recorder = reply.Recorder{}
				l.apply([]reply.Sink{&last}, read)
				l.apply(nil, AppendItem(nil, 0, [][]byte{[]byte("XACK"), []byte("s"), []byte("g"), last.id}))
			}
		})
	}
}

// idSink keeps the second string of an answer, which is the first entry's id in one of XREADGROUP.
type idSink struct {
	reply.Recorder
	id []byte
	n  int
}

// Array begins to count strings again with each answer.
func (s *idSink) Array(n int) {
	if s.Recorder.String() == "" {
		s.n = 0
	}
	s.Recorder.Array(n)
}

// Bulk keeps the string if it is the second.
func (s *idSink) Bulk(b []byte) {
	if s.n++; s.n == 2 {
		s.id = append(s.id[:0], b...)
	}
	s.Recorder.Bulk(b)
}

// BenchmarkStreamLoad fills a stream. bytes/entry and bytes/pending are what the heap grew by.
func BenchmarkStreamLoad(b *testing.B) {
	for range b.N {
		before := heap()
		l := filledStream(b, false)
		middle := heap()
		l.do(reply.Discard, "XREADGROUP", "GROUP", "g", "c0", "STREAMS", "s", ">")
		after := heap()
		b.ReportMetric(float64(middle-before)/float64(*benchKeys), "bytes/entry")
		b.ReportMetric(float64(after-middle)/float64(*benchKeys), "bytes/pending")
		runtime.KeepAlive(l)
	}
}
