package cluster

import "time"

// gathering is the pause before an entry is sent, for those who were answered by the one before to
// come back. Sessions that write without end would otherwise fall into two crowds that take turns,
// each entry carrying one of them; most of what an entry costs is its own and not its items', so one
// full entry is cheaper than two half full ones (docs/performance.md).
//
// The pause ends as soon as as many proposals wait as there are writers, and lasts a part of the
// time that the last entry took at most. Where too few come within that, the clients are no such
// crowd, and the next entries go out at once. One writer alone never pauses.
type gathering struct {
	writers int       // those of the last entry, and those who waited when it had its fate
	until   time.Time // when the pause ends at the latest
	pausing bool      // run sleeps until then, or until enough wait
	skip    int       // so many entries go out at once
	skips   int       // what skip becomes with the next disappointment
}

const (
	gatherPart  = 4 // the part of an entry's time that a pause may take
	gatherMost  = time.Millisecond
	gatherSkips = 64
)

// landed notes that an entry with so many writers had its fate at now, d after it was sent, when
// others were waiting already.
func (g *gathering) landed(writers, waiting int, d time.Duration, now time.Time) {
	g.writers = writers + waiting
	g.until = now.Add(min(d/gatherPart, gatherMost))
}

// pause is how long to wait for more than those who wait at present; 0: not at all.
func (g *gathering) pause(waiting int, now time.Time) time.Duration {
	if g.skip > 0 || g.enough(waiting) || !now.Before(g.until) {
		return 0
	}
	g.pausing = true
	return g.until.Sub(now)
}

// enough reports whether so many are all that may be expected.
func (g *gathering) enough(waiting int) bool { return waiting >= g.writers }

// sent notes with how many writers the next entry goes out.
func (g *gathering) sent(waiting int) {
	switch {
	case g.skip > 0:
		g.skip--
	case waiting < g.writers/2:
		g.skips = min(max(1, 2*g.skips), gatherSkips)
		g.skip = g.skips
	default:
		g.skips = 0
	}
}
