package server

import (
	"fmt"
	"strings"
	"time"
)

const (
	graphWidth  = 80 // columns; more samples go on below
	graphHeight = 4  // rows
)

// graph draws a series: a column for each sample, oldest first, and below it how long ago that was.
func (s *latencySeries) graph(now time.Time) string {
	f := s.figures(now)
	var b strings.Builder
	for from := 0; from < len(s.samples); from += graphWidth {
		part := s.samples[from:min(len(s.samples), from+graphWidth)]
		for row := graphHeight - 1; row >= 0; row-- {
			for _, x := range part {
				b.WriteByte(graphMark(graphLevel(x.ms, f.least, f.most), row))
			}
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
		writeAges(&b, part, now)
	}
	return b.String()
}

// graphLevel is the row that a column reaches: 0 for the least, the highest for the most.
func graphLevel(ms, least, most int64) int {
	if most == least {
		return 0
	}
	return int((ms - least) * (graphHeight - 1) / (most - least))
}

// graphMark is what a column of a level shows in a row.
func graphMark(level, row int) byte {
	switch {
	case level == 0 && row == 0:
		return '_'
	case level == row:
		return '#'
	case level > row:
		return '|'
	}
	return ' '
}

// writeAges writes how long ago each sample was, from top to bottom.
func writeAges(b *strings.Builder, part []latencySample, now time.Time) {
	ages, longest := make([]string, len(part)), 0
	for i, x := range part {
		ages[i] = age(now.Unix() - x.at)
		longest = max(longest, len(ages[i]))
	}
	for row := range longest {
		for _, a := range ages {
			if row < len(a) {
				b.WriteByte(a[row])
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
}

// age is a number of seconds in its largest unit.
func age(seconds int64) string {
	for _, u := range []struct {
		seconds int64
		name    string
	}{{86400, "d"}, {3600, "h"}, {60, "m"}} {
		if seconds >= u.seconds {
			return fmt.Sprintf("%d%s", seconds/u.seconds, u.name)
		}
	}
	return fmt.Sprintf("%ds", max(0, seconds))
}
