package fsm

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/command"
)

// TestStreamDifferential is TestDifferential with little else than streams, which it lets grow.
func TestStreamDifferential(t *testing.T) {
	runDifferential(t, func(specs []*command.Spec) []*command.Spec {
		return growStreams(slices.DeleteFunc(specs, func(s *command.Spec) bool {
			return s.Group != "stream" && !slices.Contains([]string{"copy", "rename", "move", "del"}, s.Name)
		}), 4)
	})
}

// growStreams repeats the commands that make streams, and what is pending in them, longer.
func growStreams(specs []*command.Spec, times int) []*command.Spec {
	often := map[string]int{"xadd": 15, "xreadgroup": 4, "xgroup|create": 2, "xclaim": 1, "xautoclaim": 1, "xack": 1, "xdel": 1}
	for _, s := range slices.Clone(specs) {
		for range times * often[s.FullName()] {
			specs = append(specs, s)
		}
	}
	return specs
}

// streamArgument makes up an argument of a stream command, nil where any will do: few keys, groups and
// consumers, and ids that meet. Times are either none or so long that those which pass do not matter.
func streamArgument(rnd *rand.Rand, spec *command.Spec, a *command.Argument) []byte {
	one := func(of ...string) []byte { return []byte(of[rnd.IntN(len(of))]) }
	switch a.Name {
	case "group", "groupname":
		return fmt.Appendf(nil, "g%d", rnd.IntN(2))
	case "consumer", "consumername":
		return fmt.Appendf(nil, "c%d", rnd.IntN(3))
	case "value":
		if rnd.IntN(8) != 0 {
			return fmt.Appendf(nil, "%d", rnd.IntN(100000)-100)
		}
	case "field":
		return fmt.Appendf(nil, "f%d", rnd.IntN(4)/3)
	case "min-idle-time":
		return one("0", "0", "1000000", "1000000000000")
	case "ms":
		return one("0", "5000000")
	case "count":
		return one("1", "2", "5", "10", "1000", "0", "-1")
	case "entries_read", "entries_added":
		return fmt.Appendf(nil, "%d", rnd.IntN(300)-1)
	case "max_deleted_entry_id", "last-id", "id":
		return streamID(rnd, spec)
	case "threshold":
		if rnd.IntN(2) == 0 {
			return fmt.Appendf(nil, "%d", 20+rnd.IntN(300))
		}
		return fmt.Appendf(nil, "60-%d", rnd.IntN(40))
	}
	if a.Type == command.Key {
		return fmt.Appendf(nil, "stream:%d", rnd.IntN(6))
	}
	if a.Type != command.String || a.Name != "start" && a.Name != "end" {
		return nil
	}
	if rnd.IntN(3) == 0 {
		return one("-", "+", "(60", "0")
	}
	return append(one("", "", "("), streamID(rnd, nil)...)
}

// streamID makes up an id. Those that XADD is told come behind all others, as a rule.
func streamID(rnd *rand.Rand, spec *command.Spec) []byte {
	switch {
	case spec != nil && spec.Name == "xadd" && rnd.IntN(10) != 0:
		return []byte("60-*")
	case spec != nil && spec.Name == "xsetid" && rnd.IntN(4) != 0:
		return fmt.Appendf(nil, "60-%d", 100+rnd.IntN(100))
	case spec != nil && strings.HasPrefix(spec.Name, "xread") && rnd.IntN(2) == 0:
		return []byte(map[string]string{"xread": "$", "xreadgroup": ">"}[spec.Name])
	case rnd.IntN(500) == 0:
		return []byte("18446744073709551615-18446744073709551615")
	case rnd.IntN(30) == 0:
		return fmt.Appendf(nil, "%d-%d", rnd.IntN(61), rnd.IntN(3))
	case rnd.IntN(10) == 0:
		return fmt.Appendf(nil, "%d", 58+rnd.IntN(3))
	}
	return fmt.Appendf(nil, "60-%d", rnd.IntN(130))
}

// sameEverywhere reports whether a stream command has an answer that two servers agree on: no id made of the
// time, nothing to wait for, and no count that redis-server would make room for.
func sameEverywhere(spec *command.Spec, words []string) bool {
	for i, w := range words {
		switch {
		case spec.Name == "xadd" && w == "*", strings.HasPrefix(spec.Name, "xread") && strings.EqualFold(w, "BLOCK"):
			return false
		case spec.Name == "xautoclaim" && i > 0 && strings.EqualFold(words[i-1], "COUNT") && len(w) > 7:
			return false
		}
	}
	return true
}

// startOver deletes a stream of which redis-server kept a node that XSETID dropped here: it puts what is added
// next into that node or before it, and finds only some of it again.
func (d *differential) startOver(c *redisClient, key string) {
	const none = "\"radix-tree-keys\"\n  :0\n"
	ours, theirs := d.log.ask("XINFO", "STREAM", key), c.ask("XINFO", "STREAM", key)
	if strings.Contains(ours, none) && !strings.Contains(theirs, none) {
		d.log.ask("DEL", key)
		c.ask("DEL", key)
	}
}

// sameTimes compares answers that tell when something was, or how long ago. before matches the lines in front
// of such a number; where it is nil every number of that size is one.
func sameTimes(a, b string, before *regexp.Regexp) bool {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] == y[i] {
			continue
		}
		m, errM := strconv.ParseInt(strings.TrimLeft(x[i], " :"), 10, 64)
		n, errN := strconv.ParseInt(strings.TrimLeft(y[i], " :"), 10, 64)
		if errM != nil || errN != nil || m-n > 10_000 || n-m > 10_000 {
			return false
		}
		if before == nil && min(m, n) < 1e12 || before != nil && !before.MatchString(x[i-1]) {
			return false
		}
	}
	return true
}

// The lines in front of how long ago something was: the name of a consumer in XPENDING, the word in XINFO.
var (
	beforePendingTime  = regexp.MustCompile(`^    "`)
	beforeConsumerTime = regexp.MustCompile(`^    "idle"`)
)
