package cluster

import (
	"slices"
	"time"
)

// stamps makes the leader's stamps: from a base on taking office they follow the machine's
// monotonic clock and lean towards its wall clock by at most a tenth of the time that passes. So
// a wall clock that is set, forward or back, neither expires keys at once nor holds deadlines up.
// The proposer alone uses it.
type stamps struct {
	now     time.Duration // the stamp, as time since the epoch
	elapsed time.Duration // monotonic time since taking office, when now was true
}

// stampSlew is the share of the passing time by which stamps lean towards the wall clock.
const stampSlew = 10 // a tenth

// officeBase is the stamp that a new leader starts from, in ms: no earlier than the Machine's
// clock; the node's own wall clock, unless at least half of the voters' clocks are behind it.
// voters are the clocks of all voters, in any order.
func officeBase(machine, wall int64, voters []int64) int64 {
	if len(voters) > 0 {
		sorted := slices.Sorted(slices.Values(voters))
		wall = min(wall, sorted[(len(sorted)-1)/2])
	}
	return max(machine, wall)
}

func newStamps(base int64) *stamps {
	return &stamps{now: time.Duration(base) * time.Millisecond}
}

// next is the stamp in ms after elapsed of monotonic time in office, with the wall clock at wall
// since the epoch. It never goes back.
func (s *stamps) next(elapsed, wall time.Duration) int64 {
	passed := max(0, elapsed-s.elapsed)
	lean := wall - (s.now + passed)
	lean = max(-passed/stampSlew, min(passed/stampSlew, lean))
	s.now += passed + lean
	s.elapsed += passed
	return s.now.Milliseconds()
}
