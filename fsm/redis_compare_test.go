package fsm

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
)

// open reports whether an answer has to be judged while the data are still what they were.
func open(s *command.Spec) bool {
	switch s.FullName() {
	case "scan", "hscan", "sscan", "randomkey", "hrandfield", "hgetall", "hkeys", "hvals", "srandmember",
		"zscan", "zrandmember":
		return true
	}
	return false
}

// compareStep fails the test unless both answers to a command are right if one is.
func (d *differential) compareStep(c *redisClient, s *step) {
	d.Helper()
	if errorLine(s.ours) == errorLine(s.theirs) {
		return
	}
	if s.ours[0] != '-' && s.theirs[0] != '-' && d.agree(c, s) {
		return
	}
	d.fail(s, "%v: the machine answered\n%.1000s\nredis-server\n%.1000s", s, s.ours, s.theirs)
}

// errorLine is an answer, an error without what redis-server leaves out of an option that it repeats:
// what follows a zero byte, and the ends of lines.
func errorLine(answer string) string {
	if answer[0] != '-' {
		return answer
	}
	answer, _, _ = strings.Cut(answer, "\x00")
	return strings.TrimRight(strings.Map(func(c rune) rune {
		if c == '\r' || c == '\n' {
			return ' '
		}
		return c
	}, answer), " ")
}

// agree compares answers of which no one but the server says what they are.
func (d *differential) agree(c *redisClient, s *step) bool {
	switch s.spec.FullName() {
	case "ttl", "expiretime":
		return near(s.ours, s.theirs, 10)
	case "pttl", "pexpiretime":
		return near(s.ours, s.theirs, 10_000)
	case "object|idletime":
		return near(s.ours, s.theirs, 10) // seconds of two clocks
	case "object|refcount":
		return s.theirs == ":2147483647\n" && s.ours == ":1\n" // a number that redis-server shares
	case "dump":
		return s.ours[0] == '"' && s.theirs[0] == '"' // TestDumpAndRedis compares what they stand for
	case "memory|usage":
		return s.ours[:2] >= ":1" && s.theirs[:2] >= ":1" // numbers, above 0
	case "xpending":
		return sameTimes(s.ours, s.theirs, beforePendingTime)
	case "xinfo|consumers":
		return sameTimes(s.ours, s.theirs, beforeConsumerTime)
	case "xinfo|stream":
		return sameTimes(s.ours, s.theirs, nil)
	case "keys", "smembers", "sunion", "sinter", "sdiff":
		return sameSet(s.ours, s.theirs, 1)
	case "hkeys", "hvals":
		return !d.packed(s.words[1]) && sameSet(s.ours, s.theirs, 1)
	case "hgetall":
		return !d.packed(s.words[1]) && sameSet(s.ours, s.theirs, 2)
	case "randomkey":
		key, ok := unquote(s.ours)
		return ok && s.theirs != "_\n" && c.ask("EXISTS", key) == ":1\n"
	case "scan", "sscan":
		return d.sameScan(c, s, 1)
	case "hscan", "zscan":
		return d.sameScan(c, s, 2)
	case "hrandfield", "zrandmember":
		return d.sameDraw(s)
	case "srandmember":
		return d.sameMembers(s)
	}
	return false
}

// doubleLine is a part of an answer that is a double.
var doubleLine = regexp.MustCompile(`^( *),(.*)$`)

func near(a, b string, tolerance int64) bool {
	x, errX := strconv.ParseInt(strings.Trim(a, ":\n"), 10, 64)
	y, errY := strconv.ParseInt(strings.Trim(b, ":\n"), 10, 64)
	return errX == nil && errY == nil && x >= 0 && y >= 0 && x-y <= tolerance && y-x <= tolerance
}

func (d *differential) packed(key string) bool {
	return d.log.ask("OBJECT", "ENCODING", key) == "\"listpack\"\n"
}

func unquote(line string) (string, bool) {
	s, err := strconv.Unquote(strings.TrimSpace(line))
	return s, err == nil
}

// elements are the lines below the first of an answer, so many of them taken together, in order.
func elements(answer string, together int) []string {
	lines := strings.Split(strings.TrimSuffix(answer, "\n"), "\n")[1:]
	var out []string
	for part := range slices.Chunk(lines, together) {
		out = append(out, strings.Join(part, "\n"))
	}
	slices.Sort(out)
	return out
}

func sameSet(a, b string, together int) bool {
	return strings.SplitN(a, "\n", 2)[0] == strings.SplitN(b, "\n", 2)[0] &&
		slices.Equal(elements(a, together), elements(b, together))
}

// sameScan goes through all that a scan with these options returns, from its beginning on.
func (d *differential) sameScan(c *redisClient, s *step, together int) bool {
	all := func(ask func(words ...string) string) []string {
		words := slices.Clone(s.words)
		at := 1
		if s.spec.Name != "scan" {
			at = 2
		}
		words[at] = "0"
		var found []string
		for {
			answer := ask(words...)
			lines := strings.SplitN(answer, "\n", 3) // *2, the cursor, the rest
			if len(lines) < 3 {
				return []string{answer}
			}
			found = append(found, elements(lines[2], together)...)
			if words[at], _ = unquote(lines[1]); words[at] == "0" {
				break
			}
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	return slices.Equal(all(d.log.ask), all(c.ask))
}

// sameDraw compares answers of HRANDFIELD or ZRANDMEMBER: as many fields in the same shape, none of them twice
// where that is promised, all of them the hash's.
func (d *differential) sameDraw(s *step) bool {
	a, b := strings.Split(s.ours, "\n"), strings.Split(s.theirs, "\n")
	if len(a) != len(b) || a[0] != b[0] && len(s.words) > 2 {
		return false
	}
	fields, pairs := d.log.ask("HKEYS", s.words[1]), d.log.ask("HGETALL", s.words[1])
	if s.spec.Name == "zrandmember" {
		fields = d.log.ask("ZRANGE", s.words[1], "0", "-1")
		pairs = d.run([]string{"ZRANGE", s.words[1], "0", "-1", "WITHSCORES"}, false)
		for i, line := range a { // a score is as a string in RESP2
			a[i] = doubleLine.ReplaceAllString(line, `$1"$2"`)
		}
	}
	every, indent := 1, "  "
	switch {
	case len(s.words) == 2:
		return strings.Contains(fields, "  "+a[0]+"\n")
	case len(s.words) == 4:
		every = 2
		if strings.HasPrefix(a[1], "  *") { // pairs of their own in RESP3
			every, indent = 3, "    "
		}
	}
	seen := map[string]bool{}
	for part := range slices.Chunk(a[1:len(a)-1], every) {
		text := strings.Join(part, "\n")
		if every == 3 {
			text = strings.Join(part[1:], "\n")
		}
		text = strings.ReplaceAll(text, indent+`"`, `  "`)
		if !strings.Contains(pairs, text+"\n") || seen[text] && s.words[2][0] != '-' {
			return false
		}
		seen[text] = true
	}
	return true
}

// sameMembers compares answers of SRANDMEMBER: as many members, none of them twice where that is
// promised, all of them the set's.
func (d *differential) sameMembers(s *step) bool {
	a, b := strings.Split(s.ours, "\n"), strings.Split(s.theirs, "\n")
	if len(a) != len(b) {
		return false
	}
	all := d.log.ask("SMEMBERS", s.words[1])
	if len(s.words) == 2 {
		return strings.Contains(all, "  "+a[0]+"\n")
	}
	seen := map[string]bool{}
	for _, line := range a[1 : len(a)-1] {
		if !strings.Contains(all, line+"\n") || seen[line] && s.words[2][0] != '-' {
			return false
		}
		seen[line] = true
	}
	return a[0] == b[0]
}
