package fsm

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm/reply"
)

var benchKeys = flag.Int("bench.keys", 1_000_000, "keys that benchmarks work on")

const (
	benchEntry = 64 // items an entry, or calls a read
	benchValue = 64 // bytes
)

func benchKey(dst []byte, i int) []byte { return fmt.Appendf(dst, "key:%012d", i) }

// filled is a machine with benchKeys keys of 16 bytes with values of 64, or with one hash of as many
// fields. It reports the longest time that an entry took.
func filled(b *testing.B, hash bool) (l *testLog, longest time.Duration) {
	b.Helper()
	l = newLog(b)
	value := bytes.Repeat([]byte("v"), benchValue)
	var items [benchEntry][]byte
	for i := 0; i < *benchKeys; i += benchEntry {
		for j := range items {
			args := [][]byte{[]byte("SET"), benchKey(nil, i+j), value}
			if hash {
				args = [][]byte{[]byte("HSET"), []byte("hash"), benchKey(nil, i+j), value}
			}
			items[j] = AppendItem(items[j][:0], 0, args)
		}
		start := time.Now()
		l.apply(nil, items[:]...)
		longest = max(longest, time.Since(start))
	}
	return l, longest
}

// BenchmarkApply runs one writing command many times in entries of 64, on keys drawn at random; an
// operation is one command.
func BenchmarkApply(b *testing.B) {
	value := bytes.Repeat([]byte("w"), benchValue)
	for _, c := range []struct {
		name string
		hash bool
		args func(key []byte, i int) [][]byte
	}{
		{"SET", false, func(key []byte, _ int) [][]byte { return [][]byte{[]byte("SET"), key, value} }},
		{"SETEX", false, func(key []byte, _ int) [][]byte { return [][]byte{[]byte("SETEX"), key, []byte("100000"), value} }},
		{"INCR", false, func(key []byte, _ int) [][]byte { return [][]byte{[]byte("INCR"), append([]byte("n"), key...)} }},
		{"HSET/large", true, func(key []byte, _ int) [][]byte { return [][]byte{[]byte("HSET"), []byte("hash"), key, value} }},
		{"HSET/small", false, func(key []byte, i int) [][]byte {
			return [][]byte{[]byte("HSET"), append([]byte("h"), key...), fmt.Appendf(nil, "f%d", i%10), value[:10]}
		}},
		{"SET+DEL", false, func(key []byte, i int) [][]byte {
			if i%2 == 0 {
				return [][]byte{[]byte("SET"), fmt.Appendf(nil, "new:%d", i), value}
			}
			return [][]byte{[]byte("DEL"), fmt.Appendf(nil, "new:%d", i-1)}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			l, _ := filled(b, c.hash)
			rnd := rand.New(rand.NewPCG(1, 11))
			items := make([][]byte, 1<<16)
			for i := range items {
				items[i] = AppendItem(nil, 0, c.args(benchKey(nil, rnd.IntN(*benchKeys)), i))
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += benchEntry {
				at := i % len(items)
				l.apply(nil, items[at:at+min(benchEntry, b.N-i)]...)
			}
		})
	}
}

// BenchmarkRead runs one reading command many times under read locks for 64, on keys drawn at random.
func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"GET", "HGET"} {
		b.Run(name, func(b *testing.B) {
			l, _ := filled(b, name == "HGET")
			rnd := rand.New(rand.NewPCG(1, 12))
			calls := make([]Call, 1<<16)
			for i := range calls {
				args := [][]byte{[]byte(name), benchKey(nil, rnd.IntN(*benchKeys))}
				if name == "HGET" {
					args = [][]byte{args[0], []byte("hash"), args[1]}
				}
				calls[i] = Call{Spec: l.m.table.Named(name), Args: args, Out: reply.Discard}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += benchEntry {
				at := i % len(calls)
				l.m.Read(0, 1, calls[at:at+min(benchEntry, b.N-i)])
			}
			b.StopTimer()
			if s := l.m.Stats(); s.Misses > 0 {
				b.Fatalf("%d keys were not there", s.Misses)
			}
		})
	}
}

// BenchmarkLoad fills an empty machine. bytes/key is what the heap grew by, ms-longest the longest
// that one entry of 64 took.
func BenchmarkLoad(b *testing.B) {
	for _, name := range []string{"keys", "fields"} {
		b.Run(name, func(b *testing.B) {
			var perKey, longest float64
			for range b.N {
				before := heap()
				l, worst := filled(b, name == "fields")
				perKey = float64(heap()-before) / float64(*benchKeys)
				longest = max(longest, worst.Seconds()*1000)
				runtime.KeepAlive(l)
			}
			b.ReportMetric(perKey, "bytes/key")
			b.ReportMetric(longest, "ms-longest")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N**benchKeys), "ns/key")
		})
	}
}

// heap is the memory in live objects, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers kept
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// BenchmarkSnapshot takes, writes and restores views. The time that the lock is held is µs-freeze.
func BenchmarkSnapshot(b *testing.B) {
	for _, name := range []string{"keys", "fields"} {
		l, _ := filled(b, name == "fields")
		image := l.image()
		rate := func(b *testing.B) {
			b.SetBytes(int64(len(image)))
			b.ReportMetric(float64(*benchKeys)*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
		}
		b.Run("write/"+name, func(b *testing.B) {
			var freeze time.Duration
			for range b.N {
				start := time.Now()
				write, release, err := l.m.Snapshot()
				freeze += time.Since(start)
				if err != nil {
					b.Fatal(err)
				}
				if err := write(io.Discard); err != nil {
					b.Fatal(err)
				}
				release()
			}
			rate(b)
			b.ReportMetric(float64(freeze.Microseconds())/float64(b.N), "µs-freeze")
		})
		b.Run("restore/"+name, func(b *testing.B) {
			for range b.N {
				if err := New().Restore(bytes.NewReader(image)); err != nil {
					b.Fatal(err)
				}
			}
			rate(b)
		})
	}
}

// BenchmarkApplyBesideView is SET of a random key while a view is held, so that what the view sees is
// copied before its first change.
func BenchmarkApplyBesideView(b *testing.B) {
	l, _ := filled(b, false)
	rnd := rand.New(rand.NewPCG(1, 13))
	items := make([][]byte, 1<<16)
	for i := range items {
		items[i] = AppendItem(nil, 0, [][]byte{[]byte("SET"), benchKey(nil, rnd.IntN(*benchKeys)), bytes.Repeat([]byte("w"), benchValue)})
	}
	_, release, err := l.m.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += benchEntry {
		at := i % len(items)
		l.apply(nil, items[at:at+min(benchEntry, b.N-i)]...)
	}
	b.StopTimer()
	start := time.Now()
	release()
	b.ReportMetric(float64(time.Since(start).Microseconds()), "µs-release")
}
