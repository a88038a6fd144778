package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWallClock: the clock is off by what the variable says, or by what the file says that it names.
func TestWallClock(t *testing.T) {
	noon := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return noon }
	file := filepath.Join(t.TempDir(), "offset")
	fromFile := wallClock(file, now)
	for _, c := range []struct {
		name string
		got  func() time.Time
		file string
		want time.Duration
	}{
		{"unset", wallClock("", now), "", 0},
		{"ahead", wallClock("1h", now), "", time.Hour},
		{"behind", wallClock("-90m", now), "", -90 * time.Minute},
		{"no file yet", fromFile, "", 0},
		{"a file", fromFile, "1h\n", time.Hour},
		{"a file that changed", fromFile, "-1h", -time.Hour},
		{"a file with something else", fromFile, "noon", 0},
	} {
		if c.file != "" {
			if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.got().Sub(noon); got != c.want {
			t.Errorf("%s: off by %v, want %v", c.name, got, c.want)
		}
	}
}
