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

// command makes up the next command; one in four is spoilt in one place.
func (d *differential) command(specs []*command.Spec) []string {
	rnd := d.commands
	spec := specs[rnd.IntN(len(specs))]
	if strings.HasPrefix(spec.Name, "flush") && rnd.IntN(20) != 0 {
		spec = specs[rnd.IntN(len(specs))]
	}
	args := spec.Random(rnd.IntN, func(a *command.Argument) []byte { return differentialArgument(rnd, spec, a) })
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = string(a)
	}
	words = zrangeLine(rnd, words)
	if len(words) > 1 && rnd.IntN(4) == 0 && !strings.HasPrefix(words[1], "lex:") {
		words = spoil(rnd, words)
	}
	return words
}

// spoil replaces, repeats, adds or takes away a word.
func spoil(rnd *rand.Rand, words []string) []string {
	i := 1 + rnd.IntN(len(words)-1)
	switch rnd.IntN(8) {
	case 0:
		return append(words[:i:i], words[i-1:]...)
	case 1:
		return append(words[:i:i], words[i+1:]...)
	case 2:
		return append(words, garbage(rnd))
	case 3:
		return append(words, words[i:]...)
	case 4:
		words[i] = strings.ToLower(words[i])
	default:
		words[i] = garbage(rnd)
	}
	return words
}

// garbage is a word that numbers and options are rarely like. As a time it is past, far away, or
// none: what falls due while the test runs would do so at a time that depends on the server.
func garbage(rnd *rand.Rand) string {
	all := []string{
		"", " ", "\x00", "\xff\xfe", "a b\r\n", "-1", "-0", "0", "00", "-5", "-10", "+1", " 1", "1 ", "0x10", "1.0", "1e3",
		"9223372036854775807", "9223372036854775806", "-9223372036854775808", "-9223372036854775807",
		"9223372036854775808", "-9223372036854775809", "9223372036854775", "9223372036854776", "18446744073709551615",
		"18446744073709551616", "4294967296", "20000000000", "92233720368547758080", "-9223372036854776",
		"nan", "-nan", "inf", "-inf", "Infinity", "1e400", "1e-400", "1e4932", "1e5000", "-1e4931", "3.14", "-.5", "5.", ".",
		"1e", "0x1p3", "0.1", "1e-20", "123456789012345678901234567890", "*", "[", "[^a", "\\", "key:[0-9]", "**", "string", "HASH",
		"NX", "XX", "GT", "LT", "GET", "EX", "PX", "KEEPTTL", "PERSIST", "FIELDS", "FNX", "COUNT", "MATCH", "TYPE", "WITHVALUES", "REPLACE", "DB",
		"ASYNC", "SYNC", "IDX", "LEN", "MINMATCHLEN", "WITHMATCHLEN", "get", "ENCODING",
		"LEFT", "RIGHT", "before", "AFTER", "RANK", "MAXLEN", "LIMIT",
		"CH", "INCR", "WITHSCORES", "BYSCORE", "REV", "WEIGHTS", "AGGREGATE", "MIN", "SUM", "ASC", "ANY", "WITHDIST", "BYBOX",
		"FROMMEMBER", "m",
	}
	return all[rnd.IntN(len(all))]
}

// differentialArgument makes up an argument. Relative times are so far apart that the ms which
// pass between two servers do not change which is later.
func differentialArgument(rnd *rand.Rand, spec *command.Spec, a *command.Argument) []byte {
	if b := zsetArgument(rnd, spec, a); b != nil {
		return b
	}
	if spec.Group == "stream" {
		if arg := streamArgument(rnd, spec, a); arg != nil {
			return arg
		}
	}
	switch name := a.Name; {
	case a.Type == command.Key:
		return randomKeyOf(rnd, spec.Group)
	case newer(spec) && (a.Type == command.UnixTime || strings.HasSuffix(name, "seconds")):
		return soonTime(rnd, name)
	case a.Type == command.UnixTime && strings.HasSuffix(name, "milliseconds"):
		return fmt.Appendf(nil, "%d", 4_000_000_000_000+rnd.Int64N(1e15))
	case a.Type == command.UnixTime:
		return fmt.Appendf(nil, "%d", 4_000_000_000+rnd.Int64N(1e12))
	case name == "seconds" || name == "milliseconds":
		return fmt.Appendf(nil, "%d", 1_000_000_000+rnd.Int64N(1e13))
	case spec.Group == "list" && (name == "index" || name == "start" || name == "stop" || name == "rank"):
		return fmt.Appendf(nil, "%d", rnd.IntN(60)-30)
	case spec.Group == "list" && (name == "count" || name == "num-matches"):
		return fmt.Appendf(nil, "%d", rnd.IntN(9)-2)
	case name == "db" || name == "destination-db" || strings.HasPrefix(name, "index"):
		return strconv.AppendInt(nil, int64(rnd.IntN(differentialDatabases)), 10)
	case name == "field":
		return fmt.Appendf(nil, "field:%d", rnd.IntN(60))
	case name == "element" && spec.Group == "hyperloglog":
		return fmt.Appendf(nil, "%d", rnd.IntN(20000))
	case name == "pivot" || name == "element" || name == "member":
		return randomElement(rnd)
	case name == "count" && (spec.Name == "hrandfield" || spec.Group == "set"):
		return fmt.Appendf(nil, "%d", rnd.IntN(40)-20)
	case spec.Group == "bitmap" && (name == "offset" || name == "start" || name == "end"):
		return fmt.Appendf(nil, []string{"%d", "%d", "#%d", "-%d"}[rnd.IntN(4)], rnd.IntN([]int{30, 400, 50000}[rnd.IntN(3)]))
	case name == "bit", name == "operation", name == "encoding" && rnd.IntN(2) == 0, spec.Name == "setbit" && name == "value":
		return nil
	case name == "subcommand":
		return []byte([]string{"GETREG", "DECODE", "encoding", "ToDense", "none"}[rnd.IntN(5)])
	case name == "encoding":
		return fmt.Appendf(nil, "%c%d", "iu"[rnd.IntN(2)], 1+rnd.IntN(64))
	case name == "offset":
		return fmt.Appendf(nil, "%d", rnd.IntN(100))
	case name == "cursor":
		return []byte("0")
	case a.Type == command.Integer:
		return randomInteger(rnd)
	case a.Type == command.Double:
		return randomFloat(rnd)
	case a.Type == command.Pattern:
		return []byte([]string{"*", "key:*", "*1*", "key:[1-3]?", "f*[^5]", "none", "\\key:1", "*:?"}[rnd.IntN(8)])
	case name == "type":
		return []byte([]string{"string", "hash", "HASH", "list", "set", "none"}[rnd.IntN(6)])
	}
	return randomText(rnd)
}

// soonTime makes up a time of a deadline that comes while a test with a log of its own runs, or has passed.
func soonTime(rnd *rand.Rand, name string) []byte {
	n, unit := rnd.Int64N(2_000_000), int64(1000)
	if strings.HasSuffix(name, "milliseconds") {
		unit = 1
	}
	if strings.HasPrefix(name, "unix-time") {
		n += 1_700_000_000_000 - 100_000
	}
	return strconv.AppendInt(nil, n/unit, 10)
}

// randomKeyOf makes up a key: as a rule one that has a value of the command's type, if it has any.
func randomKeyOf(rnd *rand.Rand, group string) []byte {
	if (isZSetGroup(group) || group == "generic" && rnd.IntN(5) == 0) && rnd.IntN(30) != 0 {
		return randomZSetKey(rnd)
	}
	const each = 8 // keys of a type; what is left is for strings
	types := []string{"hash", "list", "set", "hyperloglog"}
	i := rnd.IntN(differentialKeys)
	switch at := slices.Index(types, group); {
	case rnd.IntN(30) == 0:
	case at >= 0:
		i = at*each + rnd.IntN(each)
	case group == "string", group == "bitmap":
		i = len(types)*each + rnd.IntN(differentialKeys-len(types)*each)
	}
	return fmt.Appendf(nil, "key:%d", i)
}

// randomElement makes up an element of a list or a member: few enough that they come again, and now and
// then any value.
func randomElement(rnd *rand.Rand) []byte {
	switch rnd.IntN(8) {
	case 0:
		return randomText(rnd)
	case 1, 2, 3:
		return fmt.Appendf(nil, "%d", rnd.IntN(40)-10)
	}
	return fmt.Appendf(nil, "element:%d", rnd.IntN(20))
}

func randomInteger(rnd *rand.Rand) []byte {
	switch rnd.IntN(6) {
	case 0:
		return strconv.AppendInt(nil, int64(rnd.Uint64()), 10)
	case 1:
		return strconv.AppendInt(nil, math.MaxInt64-int64(rnd.IntN(3)), 10)
	}
	return strconv.AppendInt(nil, int64(rnd.IntN(200)-100), 10)
}

func randomFloat(rnd *rand.Rand) []byte {
	switch rnd.IntN(4) {
	case 0:
		return fmt.Appendf(nil, "%d", rnd.IntN(100))
	case 1:
		return fmt.Appendf(nil, "%.*f", rnd.IntN(20), rnd.NormFloat64()*1000)
	case 2:
		return fmt.Appendf(nil, "%.*e", rnd.IntN(20), rnd.NormFloat64()*math.Pow10(rnd.IntN(60)-30))
	}
	return fmt.Appendf(nil, "%g", rnd.Float64())
}

// randomText makes up a value: numbers, short strings around the length at which the encoding
// changes, and some that do not fit into a cell.
func randomText(rnd *rand.Rand) []byte {
	switch rnd.IntN(8) {
	case 0:
		return randomFloat(rnd)
	case 1, 2:
		return randomInteger(rnd)
	case 3:
		return []byte(garbage(rnd))
	case 4:
		if rnd.IntN(10) == 0 {
			return randomBytes(rnd, rnd.IntN(40000))
		}
		return randomBytes(rnd, 40+rnd.IntN(30))
	}
	return randomBytes(rnd, rnd.IntN(12))
}

func randomBytes(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.IntN(256))
		if i%2 == 0 {
			b[i] = 'a' + b[i]%4
		}
	}
	return b
}
