package fsm

import (
	"strconv"
	"testing"
)

// BenchmarkFields runs commands on the deadlines of fields, in entries of 64 on one hash: of benchKeys fields or of
// 64. An operation is one command.
func BenchmarkFields(b *testing.B) {
	word := func(s string) []byte { return []byte(s) }
	for _, size := range []struct {
		name   string
		fields int
	}{{"large", *benchKeys}, {"small", 64}} {
		for _, c := range []struct {
			name string
			args func(field []byte, i int) [][]byte
		}{
			{"HSET", func(field []byte, _ int) [][]byte { return [][]byte{word("HSET"), word("hash"), field, word("value")} }},
			{"HSETEX", func(field []byte, i int) [][]byte {
				return [][]byte{word("HSETEX"), word("hash"), word("EX"), word(strconv.Itoa(1000 + i%5000)), word("FIELDS"), word("1"), field, word("value")}
			}},
			{"HEXPIRE", func(field []byte, i int) [][]byte {
				return [][]byte{word("HEXPIRE"), word("hash"), word(strconv.Itoa(1000 + i%5000)), word("FIELDS"), word("1"), field}
			}},
			{"HPERSIST", func(field []byte, _ int) [][]byte {
				return [][]byte{word("HPERSIST"), word("hash"), word("FIELDS"), word("1"), field}
			}},
		} {
			b.Run(c.name+"/"+size.name, func(b *testing.B) {
				l := newLog(b)
				for i := range size.fields {
					l.apply(nil, AppendItem(nil, 0, [][]byte{word("HSETEX"), word("hash"), word("EX"), word("100000"), word("FIELDS"), word("1"),
						benchKey(nil, i), word("value")}))
				}
				var items [benchEntry][]byte
				b.ResetTimer()
				for i := 0; i < b.N; i += benchEntry {
					for j := range items {
						n := (i + j) * 7919 % size.fields
						items[j] = AppendItem(items[j][:0], 0, c.args(benchKey(nil, n), i+j))
					}
					l.apply(nil, items[:]...)
				}
			})
		}
	}
}
