package fsm

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
)

// BenchmarkBits runs commands on one long bitmap, on short ones and on HyperLogLogs, 64 in an entry; an operation is
// one command. What one costs does not depend on the length of the string, but for BITCOUNT of a whole one.
func BenchmarkBits(b *testing.B) {
	for _, c := range []struct {
		name string
		args func(i int) []string
	}{
		{"SETBIT/64MB", func(int) []string { return []string{"SETBIT", "long", strconv.Itoa(rand.IntN(64 << 23)), "1"} }},
		{"SETBIT/short", func(i int) []string {
			return []string{"SETBIT", "short:" + strconv.Itoa(i%10000), strconv.Itoa(rand.IntN(2000)), "1"}
		}},
		{"BITFIELD/64MB", func(int) []string {
			return []string{"BITFIELD", "long", "INCRBY", "u13", strconv.Itoa(rand.IntN(64 << 23)), "1"}
		}},
		{"BITCOUNT/1KB", func(int) []string {
			from := rand.IntN(60 << 20)
			return []string{"BITCOUNT", "long", strconv.Itoa(from), strconv.Itoa(from + 1023)}
		}},
		{"PFADD/dense", func(int) []string { return []string{"PFADD", "dense", strconv.Itoa(rand.IntN(1 << 30))} }},
		{"PFADD/sparse", func(i int) []string {
			return []string{"PFADD", "sparse:" + strconv.Itoa(i%10000), strconv.Itoa(rand.IntN(100))}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := newLog(b)
			l.ask("SETBIT", "long", fmt.Sprint(64<<23-1), "0")
			l.ask("PFADD", "dense")
			l.ask("PFDEBUG", "TODENSE", "dense")
			var items [benchEntry][]byte
			for done := 0; b.Loop(); done++ {
				at := done % benchEntry
				var args [][]byte
				for _, w := range c.args(done) {
					args = append(args, []byte(w))
				}
				items[at] = AppendItem(items[at][:0], 0, args)
				if at == benchEntry-1 {
					l.apply(nil, items[:]...)
				}
			}
		})
	}
}
