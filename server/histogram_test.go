package server

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Each duration is counted between those just shorter and just longer, and told to two digits.
func TestHistogramPlaces(t *testing.T) {
	last := 0
	for ns := int64(1); ns <= histogramLimit; ns += 1 + ns/300 {
		place := histogramPlace(ns)
		if place < last || place >= histogramSize {
			t.Fatalf("%d ns has the place %d, behind %d", ns, place, last)
		}
		if top := histogramTop(place); top < ns || top-ns > ns/100 || histogramPlace(top) != place || histogramPlace(top+1) != place+1 && top < histogramLimit {
			t.Fatalf("%d ns counts as %d", ns, top)
		}
		last = place
	}
	for _, ns := range []int64{-5, 0, 1 << 62} {
		if p := histogramPlace(ns); p < 0 || p >= histogramSize {
			t.Errorf("%d ns has the place %d", ns, p)
		}
	}
}

// The ranges end where those of redis-server end, each holds what is up to there, and the last everything.
func TestHistogramRanges(t *testing.T) {
	h := &histogram{}
	show := func() string {
		var parts []string
		h.snapshot().ranges(func(micros int64, count uint64) { parts = append(parts, fmt.Sprintf("%d:%d", micros, count)) })
		return strings.Join(parts, " ")
	}
	if got := show(); got != "" {
		t.Error(got)
	}
	for ns := int64(500); ns <= 1_000_000_000; ns *= 2 {
		h.add(ns, 1)
	}
	h.add(1<<40, 2)
	const want = "1:2 2:3 4:4 8:5 16:6 33:7 66:8 132:9 264:10 528:11 1056:12 2113:13 4227:14 8454:15 16908:16 33816:17 67633:18 135266:19 270532:20 541065:21 1073741:23"
	if got := show(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// A percentile is what a sorted list says, to two digits.
func TestHistogramPercentiles(t *testing.T) {
	h := &histogram{}
	for ns := int64(1000); ns <= 1_000_000; ns += 1000 {
		h.add(ns, 1)
	}
	c := h.snapshot()
	for _, p := range []float64{0.1, 1, 50, 90, 99, 99.9, 100} {
		want := p * 10_000
		if got := float64(c.percentile(p)); got < want || got > want*1.01 {
			t.Errorf("p%v is %v, not %v", p, got, want)
		}
	}
	if got := c.percentile(0); got > 1000 || got < 990 {
		t.Errorf("the least is %d", got)
	}
	if got := (&histogramCounts{}).percentile(50); got != 0 {
		t.Errorf("of nothing it is %d", got)
	}
}

func BenchmarkHistogram(b *testing.B) {
	h := &histogram{}
	ns := int64(rand.Uint32())
	for b.Loop() {
		h.add(ns, 1)
	}
}
