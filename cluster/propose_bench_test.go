package cluster

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkPropose proposes items of 64 bytes on three nodes in one process, with fsync. Run with
// -benchtime=3s; p50-µs is the median time of one proposal.
func BenchmarkPropose(b *testing.B) {
	for _, nodes := range []int{1, 3} {
		for _, proposers := range []int{1, 50, 200} {
			for _, inFlight := range []int{1, 2} {
				b.Run(fmt.Sprintf("nodes=%d/proposers=%d/inflight=%d", nodes, proposers, inFlight), func(b *testing.B) {
					c := newTestCluster(b, nodes, func(o *Options) {
						m := newTestMachine()
						m.forgetful = true
						o.InFlight, o.Machine = inFlight, m
					})
					benchPropose(b, c.leader(), proposers)
				})
			}
		}
	}
}

func benchPropose(b *testing.B, n *testNode, proposers int) {
	item := append([]byte("k="), bytes.Repeat([]byte("v"), 62)...)
	var left atomic.Int64
	left.Store(int64(b.N))
	times := make([][]time.Duration, proposers)
	var all sync.WaitGroup
	b.ResetTimer()
	for p := range proposers {
		all.Go(func() {
			items := [][]byte{item}
			for left.Add(-1) >= 0 {
				start := time.Now()
				if _, err := n.Propose(context.Background(), 0, items, nil); err != nil {
					b.Error(err)
					return
				}
				times[p] = append(times[p], time.Since(start))
			}
		})
	}
	all.Wait()
	b.StopTimer()
	sorted := slices.Sorted(slices.Values(slices.Concat(times...)))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "items/s")
	b.ReportMetric(float64(sorted[len(sorted)/2].Microseconds()), "p50-µs")
	b.ReportMetric(0, "ns/op")
}
