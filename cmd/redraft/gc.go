package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The garbage between two collections: the arena counts as live heap, so the usual 100 % would let
// as much garbage pile up as there are data, although collecting costs milliseconds.
const (
	garbageLeast   = 32 << 20 // bytes
	garbagePercent = 12       // of the live heap
	percentMost    = 1600     // what a nearly empty heap is given
)

// tuneCollector keeps garbage within max(garbageLeast, garbagePercent of the live heap), until ctx
// ends: after each collection it sets the percentage of the next one from what is live.
func tuneCollector(ctx context.Context) {
	collected := make(chan struct{}, 1)
	percent := 0
	for {
		if p := collectorPercent(liveHeap()); p != percent {
			percent = p
			debug.SetGCPercent(p)
		}
		watchCollection(collected)
		select {
		case <-collected:
		case <-ctx.Done():
			return
		}
	}
}

// watchCollection has the next collection send to collected.
func watchCollection(collected chan struct{}) {
	canary := new([16]byte) // large enough not to share its block with an object that lives on
	runtime.AddCleanup(canary, func(to chan struct{}) {
		select {
		case to <- struct{}{}:
		default:
		}
	}, collected)
}

// collectorPercent is the percentage for a live heap of so many bytes, in coarse steps: setting it
// stops the world for a moment.
func collectorPercent(live uint64) int {
	garbage := max(garbageLeast, live/100*garbagePercent)
	p := int(garbage * 100 / max(live, 1<<20))
	switch {
	case p > percentMost:
		return percentMost
	case p > 50:
		return p / 10 * 10
	}
	return max(p, garbagePercent)
}

// liveHeap is what the last collection found alive, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
