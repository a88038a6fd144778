package cluster

import (
	"testing"
	"time"
)

func TestGatheringWaitsForACrowd(t *testing.T) {
	var g gathering
	now := time.Now()
	if g.pause(1, now) != 0 {
		t.Error("a pause before anything has been sent")
	}
	g.sent(1)
	g.landed(20, 10, 2*time.Millisecond, now)
	if d := g.pause(10, now.Add(100*time.Microsecond)); d != 400*time.Microsecond || !g.pausing {
		t.Errorf("a pause of %v for a crowd that is on its way back", d)
	}
	if g.enough(29) || !g.enough(30) || g.pause(30, now) != 0 {
		t.Error("30 were expected")
	}
	if g.pause(10, now.Add(time.Second)) != 0 {
		t.Error("a pause long after the last entry")
	}
	g.landed(30, 0, time.Minute, now)
	if d := g.pause(1, now); d != gatherMost {
		t.Errorf("a pause of %v after an entry that took a minute", d)
	}
}

func TestGatheringSparesWhoIsAlone(t *testing.T) {
	var g gathering
	now := time.Now()
	for range 10 {
		g.landed(1, 0, time.Millisecond, now)
		if g.pause(1, now) != 0 {
			t.Fatal("one writer waits for nobody")
		}
		g.sent(1)
	}
}

// Clients that do not come back at once are waited for less and less often.
func TestGatheringGivesUp(t *testing.T) {
	var g gathering
	now := time.Now()
	paused := 0
	for range 1000 {
		g.landed(50, 0, time.Millisecond, now)
		if g.pause(3, now) > 0 {
			paused++
		}
		g.sent(3)
	}
	if paused == 0 || paused > 30 {
		t.Errorf("%d pauses in 1000 entries", paused)
	}
	for g.skip > 0 {
		g.sent(3)
	}
	g.landed(50, 0, time.Millisecond, now)
	if g.pause(3, now) == 0 {
		t.Error("never tried again")
	}
	g.sent(50)
	g.landed(50, 0, time.Millisecond, now)
	if g.pause(3, now) == 0 || g.skips != 0 {
		t.Error("no pause after a crowd came")
	}
}
