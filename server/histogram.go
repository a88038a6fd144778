package server

import (
	"math/bits"
	"sync/atomic"
)

const (
	histogramHalf  = 128        // counters for each power of two: what two digits need
	histogramBits  = 7          // their logarithm
	histogramLimit = 1000000000 // ns; what takes longer counts as this
	histogramFirst = 10         // 2^10 ns is where the first of the ranges ends that LATENCY HISTOGRAM shows
	histogramSize  = (30-histogramBits)*histogramHalf + histogramHalf
)

// A histogram counts durations between 1 ns and 1 s to two digits, in the layout of the HDR histogram that Redis
// uses, so that the ranges it shows are the same. Adding takes no lock.
type histogram struct {
	counts [histogramSize]atomic.Uint64
}

// histogramPlace is the counter of a duration: up to 255 each has its own, then each power of two has 128.
func histogramPlace(ns int64) int {
	ns = max(1, min(ns, histogramLimit))
	shift := max(0, bits.Len64(uint64(ns))-histogramBits-1)
	return shift*histogramHalf + int(ns>>shift)
}

// histogramTop is the longest duration that a counter counts.
func histogramTop(place int) int64 {
	if place < 2*histogramHalf {
		return int64(place)
	}
	shift := place/histogramHalf - 1
	return int64(place-shift*histogramHalf+1)<<shift - 1
}

func (h *histogram) add(ns int64, n uint64) { h.counts[histogramPlace(ns)].Add(n) }

// histogramCounts is what a histogram has counted, all at one time.
type histogramCounts struct {
	counts [histogramSize]uint64
	total  uint64
}

func (h *histogram) snapshot() *histogramCounts {
	c := &histogramCounts{}
	for i := range h.counts {
		c.counts[i] = h.counts[i].Load()
		c.total += c.counts[i]
	}
	return c
}

// ranges calls yield with the end of each range that is twice as long as the one before, in µs, and how many
// durations there are up to it, for those ranges that have any.
func (c *histogramCounts) ranges(yield func(micros int64, count uint64)) {
	sum, shown, next := uint64(0), uint64(0), 0
	for power := histogramFirst; shown < c.total; power++ {
		for end := (power-histogramBits)*histogramHalf + histogramHalf; next <= end && next < histogramSize; next++ {
			sum += c.counts[next]
		}
		if sum > shown {
			yield(histogramTop(next-1)/1000, sum)
			shown = sum
		}
	}
}

// percentile is the duration in ns that so many of a hundred do not exceed.
func (c *histogramCounts) percentile(p float64) int64 {
	want := max(1, uint64(p/100*float64(c.total)+0.5))
	sum := uint64(0)
	for place, n := range c.counts {
		if sum += n; sum >= want {
			if p == 0 && place > 0 {
				return histogramTop(place-1) + 1
			}
			return histogramTop(place)
		}
	}
	return 0
}
