package fsm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
)

// randomZSetKey makes up the key of a sorted set.
func randomZSetKey(rnd *rand.Rand) []byte { return fmt.Appendf(nil, "zset:%d", rnd.IntN(8)) }

// isZSetGroup reports whether a family of commands is about sorted sets.
func isZSetGroup(group string) bool { return group == "sorted-set" || group == "geo" }

// zsetArgument makes up an argument of a command on sorted sets, nil for none that is particular to them.
func zsetArgument(rnd *rand.Rand, spec *command.Spec, a *command.Argument) []byte {
	if !isZSetGroup(spec.Group) {
		return nil
	}
	switch name := a.Name; {
	case a.Type == command.Key:
		if a.Multiple && rnd.IntN(5) == 0 {
			return randomKeyOf(rnd, "set") // an input may be a set
		}
		return nil
	case strings.HasPrefix(name, "member"):
		return randomMember(rnd)
	case name == "score" || name == "increment" || name == "weight":
		return randomScore(rnd)
	case name == "min" || name == "max" || name == "start" || name == "stop":
		switch {
		case a.Type == command.Double:
			return randomScoreBound(rnd)
		case strings.HasSuffix(spec.Name, "lex"):
			return randomLexBound(rnd)
		}
		return strconv.AppendInt(nil, int64(rnd.IntN(40)-20), 10)
	case name == "offset" || name == "count":
		return strconv.AppendInt(nil, int64(rnd.IntN(24)-4), 10)
	case name == "longitude":
		return fmt.Appendf(nil, "%.*f", rnd.IntN(18), rnd.Float64()*40-20)
	case name == "latitude":
		return fmt.Appendf(nil, "%.*f", rnd.IntN(18), rnd.Float64()*40-20)
	case name == "radius" || name == "width" || name == "height":
		return fmt.Appendf(nil, "%.*f", rnd.IntN(4), rnd.Float64()*math.Pow10(rnd.IntN(8)))
	}
	return nil
}

func randomMember(rnd *rand.Rand) []byte {
	switch rnd.IntN(20) {
	case 0:
		return randomText(rnd)
	case 1, 2, 3, 4, 5, 6:
		return strconv.AppendInt(nil, int64(rnd.IntN(60)-30), 10)
	}
	return fmt.Appendf(nil, "member:%d", rnd.IntN(40))
}

func randomScore(rnd *rand.Rand) []byte {
	switch rnd.IntN(10) {
	case 0:
		return []byte([]string{"inf", "-inf", "+inf", "-0", "1e300", "0x1p3", "Infinity", "1e-310"}[rnd.IntN(8)])
	case 1, 2, 3:
		return randomFloat(rnd)
	}
	return strconv.AppendInt(nil, int64(rnd.IntN(30)-10), 10)
}

func randomScoreBound(rnd *rand.Rand) []byte {
	b := randomScore(rnd)
	switch rnd.IntN(8) {
	case 0:
		return []byte([]string{"", "(", " 1", "1 ", "nan", "(inf", "1e999", "\x00", "1\x00x", "((1"}[rnd.IntN(10)])
	case 1, 2, 3:
		return append([]byte{'('}, b...)
	}
	return b
}

func randomLexBound(rnd *rand.Rand) []byte {
	switch rnd.IntN(8) {
	case 0:
		return []byte([]string{"", "+x", "-\x00", "a", "[", "(", "[\xff"}[rnd.IntN(7)])
	case 1, 2:
		return []byte("-")
	case 3, 4:
		return []byte("+")
	}
	return append([]byte{"[("[rnd.IntN(2)]}, randomMember(rnd)...)
}

// zrangeLine completes a command whose range is by score or by members rather than by rank, as often as
// the usage line lets it be, and makes one that is by members work on sorted sets with equal scores: for
// others no one says what the answer is. These have keys of their own, and members from here alone.
func zrangeLine(rnd *rand.Rand, words []string) []string {
	lex := func() string { return fmt.Sprintf("lex:%d", rnd.IntN(3)) }
	if rnd.IntN(60) == 0 {
		words = []string{"zadd", lex()}
		for range 1 + rnd.IntN(20) {
			words = append(words, "0", string(randomMember(rnd)))
		}
		return words
	}
	bounds := 2 // where they begin
	switch words[0] {
	case "geosearchstore", "georadius", "georadiusbymember":
		// In a distance of 17 digits the last may differ (TestStoredDistances).
		return slices.DeleteFunc(words, func(w string) bool { return strings.EqualFold(w, "STOREDIST") })
	case "zrangebylex", "zrevrangebylex", "zlexcount", "zremrangebylex":
		words[1] = lex()
		return words
	case "zrangestore":
		bounds = 3
	case "zrange":
	default:
		return words
	}
	by := func(word string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, word) })
	}
	for i := range words[bounds : bounds+2] {
		switch {
		case by("BYLEX"):
			words[bounds+i], words[bounds-1] = string(randomLexBound(rnd)), lex()
		case by("BYSCORE"):
			words[bounds+i] = string(randomScoreBound(rnd))
		}
	}
	return words
}
