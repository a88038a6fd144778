package main

import (
	"os"
	"strings"
	"time"
)

// clockVariable is an environment variable for tests of clocks that are set: it holds by how much
// this node's wall clock is off, as a duration such as -1h, or the path of a file that does and
// may change at any time. A file that holds nothing of the kind is an offset of 0.
const clockVariable = "REDRAFT_CLOCK_OFFSET"

// wallClock is the wall clock that the cluster is given: now, unless a test wants it to be off.
func wallClock(offset string, now func() time.Time) func() time.Time {
	if offset == "" {
		return now
	}
	if d, err := time.ParseDuration(offset); err == nil {
		return func() time.Time { return now().Add(d) }
	}
	return func() time.Time {
		b, _ := os.ReadFile(offset)
		d, _ := time.ParseDuration(strings.TrimSpace(string(b)))
		return now().Add(d)
	}
}
