package fsm

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
)

// filledZSet is a machine with a sorted set of benchKeys members of 16 bytes with scores drawn at random.
func filledZSet(b *testing.B) *testLog {
	b.Helper()
	l, rnd := newLog(b), rand.New(rand.NewPCG(1, 14))
	var items [benchEntry][]byte
	for i := 0; i < *benchKeys; i += benchEntry {
		for j := range items {
			items[j] = AppendItem(items[j][:0], 0, [][]byte{[]byte("ZADD"), []byte("zset"), benchScore(rnd), benchKey(nil, i+j)})
		}
		l.apply(nil, items[:]...)
	}
	return l
}

func benchScore(rnd *rand.Rand) []byte {
	return strconv.AppendInt(nil, int64(rnd.IntN(*benchKeys)), 10)
}

// BenchmarkZSetApply is BenchmarkApply of a large sorted set, the same for all commands.
func BenchmarkZSetApply(b *testing.B) {
	l := filledZSet(b)
	for _, c := range []struct {
		name string
		args func(rnd *rand.Rand, key []byte, i int) [][]byte
	}{
		{"ZADD", func(rnd *rand.Rand, key []byte, _ int) [][]byte {
			return [][]byte{[]byte("ZADD"), []byte("zset"), benchScore(rnd), key}
		}},
		{"ZADD/new", func(rnd *rand.Rand, _ []byte, i int) [][]byte {
			return [][]byte{[]byte("ZADD"), []byte("zset"), benchScore(rnd), fmt.Appendf(nil, "new:%012d", i)}
		}},
		{"ZINCRBY", func(_ *rand.Rand, key []byte, _ int) [][]byte {
			return [][]byte{[]byte("ZINCRBY"), []byte("zset"), []byte("1"), key}
		}},
		{"ZPOPMIN+ZADD", func(rnd *rand.Rand, key []byte, i int) [][]byte {
			if i%2 == 0 {
				return [][]byte{[]byte("ZPOPMIN"), []byte("zset")}
			}
			return [][]byte{[]byte("ZADD"), []byte("zset"), benchScore(rnd), key}
		}},
		{"ZADD/small", func(rnd *rand.Rand, key []byte, i int) [][]byte {
			return [][]byte{[]byte("ZADD"), key, benchScore(rnd), fmt.Appendf(nil, "m%d", i%10)}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			rnd := rand.New(rand.NewPCG(1, 15))
			items := make([][]byte, 1<<16)
			for i := range items {
				items[i] = AppendItem(nil, 0, c.args(rnd, benchKey(nil, rnd.IntN(*benchKeys)), i))
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

// BenchmarkZSetRead is BenchmarkRead of a large sorted set.
func BenchmarkZSetRead(b *testing.B) {
	l := filledZSet(b)
	for _, name := range []string{"zscore", "zrank", "zrange", "zrangebyscore", "zcount"} {
		b.Run(name, func(b *testing.B) {
			rnd := rand.New(rand.NewPCG(1, 16))
			calls := make([]Call, 1<<14)
			for i := range calls {
				args := [][]byte{[]byte(name), []byte("zset"), benchKey(nil, rnd.IntN(*benchKeys))}
				switch low := rnd.IntN(*benchKeys); name {
				case "zrange":
					args = append(args[:2], strconv.AppendInt(nil, int64(low), 10), strconv.AppendInt(nil, int64(low+9), 10))
				case "zrangebyscore":
					args = append(args[:2], strconv.AppendInt(nil, int64(low), 10), []byte("+inf"), []byte("LIMIT"), []byte("0"), []byte("10"))
				case "zcount":
					args = append(args[:2], strconv.AppendInt(nil, int64(low), 10), []byte("+inf"))
				}
				calls[i] = Call{Spec: l.m.table.Named(name), Args: args, Out: reply.Discard}
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

// BenchmarkZSetLoad fills an empty machine with a sorted set. bytes/member is what the heap grew by.
func BenchmarkZSetLoad(b *testing.B) {
	for range b.N {
		before := heap()
		l := filledZSet(b)
		b.ReportMetric(float64(heap()-before)/float64(*benchKeys), "bytes/member")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N**benchKeys), "ns/member")
		l.check()
	}
}
