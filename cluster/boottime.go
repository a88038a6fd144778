package cluster

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is the clock that promises and leases are measured with. Unlike Go's monotonic clock it
// goes on while the machine sleeps, so a leader that wakes up does not believe in an old lease.
func bootTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic(fmt.Sprintf("reading CLOCK_BOOTTIME: %v", err)) // Linux has had it since 2.6.39
	}
	return time.Duration(ts.Nano())
}
