package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

type faultOfRaft struct{}

func (faultOfRaft) Error() string    { return "a fault of raft" }
func (faultOfRaft) StartAgain() bool { return true }

// TestAgain: a node that only needs another start gets it, with the same words; one that needs it
// again and again, or has another trouble, ends.
func TestAgain(t *testing.T) {
	fault := fmt.Errorf("ended: %w", faultOfRaft{})
	other := errors.New("the disk is broken")
	for name, c := range map[string]struct {
		err    error
		ran    time.Duration
		starts bool
	}{
		"fault":         {fault, time.Hour, true},
		"fault at once": {fault, time.Second, false},
		"another end":   {other, time.Hour, false},
		"wanted end":    {nil, time.Hour, false},
	} {
		started := false
		left := again(c.err, c.ran, func(program string, args, environment []string) error {
			started = true
			if own, _ := os.Executable(); program != own || !slices.Equal(args, os.Args) || !slices.Equal(environment, os.Environ()) {
				t.Errorf("%s: starts %s %q", name, program, args)
			}
			return errors.New("no exec in a test")
		})
		if started != c.starts || !errors.Is(left, c.err) {
			t.Errorf("%s: started %v, left %v", name, started, left)
		}
	}
}
