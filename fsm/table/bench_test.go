package table

import (
	"testing"
	"time"
)

const benchEntries = 1 << 20

// scatter is a permutation of the 32-bit numbers that spreads its argument, so that the benchmarks
// know the n-th fragment without keeping it.
func scatter(n uint32) uint32 {
	n ^= n >> 16
	n *= 0x7feb352d
	n ^= n >> 15
	n *= 0x846ca68b
	return n ^ n>>16
}

// tables is as many Tables as a benchmark spreads its entries over, by their number.
type tables []Table

func filled(count int) tables {
	ts := make(tables, count)
	for n := range uint32(benchEntries) {
		ts.of(n).Insert(scatter(n), n+1, nil, 0)
	}
	return ts
}

func (ts tables) of(n uint32) *Table { return &ts[n%uint32(len(ts))] }

func (ts tables) bytes() (n int) {
	for i := range ts {
		n += ts[i].Bytes() + 40
	}
	return n
}

// each runs a benchmark on one table and on as many as there are hash slots.
func each(b *testing.B, f func(b *testing.B, count int)) {
	b.Run("one", func(b *testing.B) { f(b, 1) })
	b.Run("slots", func(b *testing.B) { f(b, 16384) })
}

func BenchmarkFill(b *testing.B) {
	each(b, func(b *testing.B, count int) {
		var ts tables
		n := uint32(benchEntries)
		for b.Loop() {
			if n == benchEntries {
				ts, n = make(tables, count), 0
			}
			ts.of(n).Insert(scatter(n), n+1, nil, 0)
			n++
		}
	})
}

func BenchmarkFind(b *testing.B) {
	each(b, func(b *testing.B, count int) {
		ts := filled(count)
		i := uint32(0)
		for b.Loop() {
			n := i * 0x9e3779b1 % benchEntries
			if _, ok := ts.of(n).Find(scatter(n), func(ref uint32) bool { return ref == n+1 }); !ok {
				b.Fatal("lost")
			}
			i++
		}
		b.ReportMetric(float64(ts.bytes())/benchEntries, "B/entry")
	})
}

func BenchmarkReplace(b *testing.B) {
	each(b, func(b *testing.B, count int) {
		ts := filled(count)
		i := uint32(0)
		for b.Loop() {
			n := i * 0x9e3779b1 % benchEntries
			ts.of(n).Replace(scatter(n), n+1, n+1, 0)
			i++
		}
	})
}

// BenchmarkReplaceFrozen replaces each under a new clone every 100,000 changes.
func BenchmarkReplaceFrozen(b *testing.B) {
	ts := filled(1)
	i := uint32(0)
	for b.Loop() {
		if i%100000 == 0 {
			ts[0].Clone()
		}
		n := i * 0x9e3779b1 % benchEntries
		ts.of(n).Replace(scatter(n), n+1, n+1, i/100000+1)
		i++
	}
}

// BenchmarkDeleteInsert deletes and inserts in turn so that the size stays.
func BenchmarkDeleteInsert(b *testing.B) {
	each(b, func(b *testing.B, count int) {
		ts := filled(count)
		i := uint32(0)
		for b.Loop() {
			n := i * 0x9e3779b1 % benchEntries
			ts.of(n).Delete(scatter(n), n+1, 0)
			ts.of(n).Insert(scatter(n), n+1, nil, 0)
			i++
		}
	})
}

// BenchmarkDrain deletes everything again and again; what fills the table is not counted.
func BenchmarkDrain(b *testing.B) {
	var ts tables
	for i := range b.N {
		n := uint32(i) % benchEntries
		if n == 0 {
			b.StopTimer()
			ts = filled(1)
			b.StartTimer()
		}
		n = n * 0x9e3779b1 % benchEntries
		ts.of(n).Delete(scatter(n), n+1, 0)
	}
}

func BenchmarkNth(b *testing.B) {
	each(b, func(b *testing.B, count int) {
		ts := filled(count)
		i := uint32(0)
		for b.Loop() {
			x := ts.of(i)
			x.Nth(int(i*0x9e3779b1) % x.Len())
			i++
		}
	})
}

func BenchmarkScan(b *testing.B) {
	ts := filled(1)
	n, sum := 0, uint32(0)
	from, more := uint32(0), false
	for b.Loop() {
		if n == 0 {
			from, more = ts[0].Scan(from, func(_, ref uint32) bool { sum += ref; n++; return n < 1000 })
			if !more {
				from = 0
			}
		} else {
			n--
		}
	}
}

// BenchmarkStall reports the longest single Insert and Delete while a table fills and empties.
// Other load on the machine shows in it.
func BenchmarkStall(b *testing.B) {
	var inserts, deletes time.Duration
	least := time.Hour
	for b.Loop() {
		var x Table
		worst := time.Duration(0)
		for n := range uint32(benchEntries) {
			start := time.Now()
			x.Insert(scatter(n), n+1, nil, 0)
			worst = max(worst, time.Since(start))
		}
		inserts, least = max(inserts, worst), min(least, worst)
		for n := range uint32(benchEntries) {
			start := time.Now()
			x.Delete(scatter(n), n+1, 0)
			deletes = max(deletes, time.Since(start))
		}
	}
	b.ReportMetric(float64(least.Microseconds()), "µs-insert-best-run")
	b.ReportMetric(float64(inserts.Microseconds()), "µs-insert")
	b.ReportMetric(float64(deletes.Microseconds()), "µs-delete")
}
