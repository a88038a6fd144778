package fsm

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

var (
	differentialCommands = flag.Int("differential.commands", 5000, "random commands of TestDifferential")
	differentialSeed     = flag.Uint64("differential.seed", 0, "its seed; 0 draws one")
)

const (
	differentialDatabases = 3
	differentialKeys      = 40
)

// TestDifferential sends random commands, well formed ones and spoilt ones, to a machine and to
// redis-server. Answers are the same, apart from what either is free to choose, and now and then
// so are digests, encodings and times to live.
func TestDifferential(t *testing.T) {
	runDifferential(t, func(specs []*command.Spec) []*command.Spec { return specs })
}

// runDifferential is TestDifferential with some commands, some of which may come more than once.
func runDifferential(t *testing.T, choose func(specs []*command.Spec) []*command.Spec) {
	seed := *differentialSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("repeat with -differential.seed %d", seed)
	socket := startRedis(t, t.TempDir())
	d := &differential{
		T: t, log: newLog(t), commands: rand.New(rand.NewPCG(seed, 2)),
		redis: [2]*redisClient{dialRedis(t, socket), dialRedis(t, socket)},
	}
	d.redis[1].ask("HELLO", "3")
	d.log.stamp = time.Now().UnixMilli()
	// Not to be lowered later: redis-server may then lose a new node, if its listpack grows into the memory
	// that the one before has just left, and crash.
	d.set(Setting{paramStreamBytes, strconv.Itoa(d.commands.IntN(2) * d.commands.IntN(5000))})
	specs := choose(slices.DeleteFunc(dataCommands(d.log.m.table), func(s *command.Spec) bool {
		// Of SPOP each side takes others, and then the data differ.
		return s.Name == "spop" || newer(s)
	}))
	for done := 0; done < *differentialCommands; {
		until := min(done+500, *differentialCommands)
		for done < until {
			done += d.batch(specs, min(60, until-done))
		}
		d.settle()
		d.newLimits()
	}
	d.log.check()
}

// dataCommands are all commands on data that a client can send, subcommands instead of their containers. Scripts
// are another matter: random words make none.
func dataCommands(table *command.Table) []*command.Spec {
	var out []*command.Spec
	for _, s := range table.Public() {
		if s.Container() {
			out = append(out, s.Sub...)
		} else {
			out = append(out, s)
		}
	}
	return slices.DeleteFunc(out, func(s *command.Spec) bool {
		return s.Name == "help" || s.Group == "scripting" || s.Is(command.Blocking)
	})
}

// newer reports whether redis-server 7.0.15 does not have a command, so that there is nothing to compare with.
func newer(s *command.Spec) bool {
	major, minor, _ := strings.Cut(s.Since, ".")
	return len(major) > 1 || major > "7" || major == "7" && !strings.HasPrefix(minor, "0.")
}

// differential is a machine and a redis-server that are told the same.
type differential struct {
	*testing.T
	log      *testLog
	redis    [2]*redisClient // that speaks RESP2, and RESP3
	commands *rand.Rand
	history  []step
}

// step is a command and the answers to it.
type step struct {
	db     int
	words  []string
	spec   *command.Spec
	ours   string
	theirs string
}

func (s *step) String() string { return fmt.Sprintf("[%d] %.200q", s.db, s.words) }

// batch makes up as many commands, runs them on both sides and compares. It returns how many they
// were: less than wanted if the last one is one that needs a look at the data before it goes on.
func (d *differential) batch(specs []*command.Spec, n int) int {
	proto3 := d.commands.IntN(2)
	c := d.redis[proto3]
	db := d.commands.IntN(differentialDatabases)
	c.selectDB(db)
	var steps []step
	for len(steps) < n {
		s := step{db: db, words: d.command(specs)}
		if s.spec = d.accepted(s.words); s.spec == nil {
			continue
		}
		steps = append(steps, s)
		if open(s.spec) || s.spec.Name == "xsetid" {
			break
		}
	}
	for i := range steps {
		c.queue(steps[i].words...)
	}
	c.send()
	d.log.stamp = max(d.log.stamp, time.Now().UnixMilli())
	d.log.db = db
	for i := range steps {
		s := &steps[i]
		s.ours, s.theirs = d.run(s.words, proto3 == 1), d.receive(c, proto3 == 1)
		d.history = append(d.history, *s)
		d.compareStep(c, s)
	}
	if s := &steps[len(steps)-1]; s.spec.Name == "xsetid" {
		d.startOver(c, s.words[1])
	}
	return len(steps)
}

// accepted finds the command, nil unless the machine would ever see it.
func (d *differential) accepted(words []string) *command.Spec {
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	spec, result := d.log.m.table.Lookup(args)
	if result != command.Found || !spec.Accepts(len(args)) || spec.Name == "help" {
		return nil
	}
	if strings.HasPrefix(spec.Name, "sort") {
		return nil // it changes encodings there, and takes no number behind one out of range; see TestSortAndRedis
	}
	if !sameEverywhere(spec, words) {
		return nil
	}
	switch at := map[string]int{"scan": 1, "hscan": 2, "sscan": 2, "hrandfield": 2, "srandmember": 2, "zscan": 2, "zrandmember": 2}[spec.Name]; {
	case at == 0 || at >= len(words):
	case strings.Contains(spec.Name, "rand"):
		if n, err := strconv.ParseInt(words[at], 10, 64); err == nil && n < -10000 {
			return nil // redis-server makes an answer of any size
		}
	case strings.Trim(words[at], "0123456789") != "" || words[at] == "":
		return nil // redis-server takes signs and nothing at all for cursors
	}
	return spec
}

func (d *differential) run(words []string, proto3 bool) string {
	if proto3 {
		out := resp3{reply.Recorder{Protocol3: true}}
		d.log.do(&out, words...)
		return out.String()
	}
	var out resp2
	d.log.do(&out, words...)
	return out.String()
}

func (d *differential) receive(c *redisClient, proto3 bool) string {
	out := reply.Recorder{Protocol3: proto3}
	c.receive(&out)
	return out.String()
}

// fail ends the test with the commands that led to a difference.
func (d *differential) fail(s *step, format string, args ...any) {
	d.Helper()
	var lines []string
	for i := len(d.history) - 1; i >= 0 && len(lines) < 25; i-- {
		if h := &d.history[i]; sharesWord(h.words[1:], s.words[1:]) {
			lines = append(lines, h.String())
		}
	}
	slices.Reverse(lines)
	d.Fatalf("%s\nafter\n%s", fmt.Sprintf(format, args...), strings.Join(lines, "\n"))
}

func sharesWord(a, b []string) bool {
	return slices.ContainsFunc(a, func(w string) bool { return slices.Contains(b, w) })
}

// settle compares everything that there is.
func (d *differential) settle() {
	c := d.redis[0]
	d.log.stamp++
	d.log.apply(nil)
	for db := range differentialDatabases {
		c.selectDB(db)
		d.log.db = db
		d.settleDatabase(c, db)
	}
	if a, b := d.log.m.DebugDigest(), c.ask("DEBUG", "DIGEST"); "+"+a+"\n" != b {
		d.Fatalf("digest %s, of redis-server %s", a, b)
	}
}

// settleDatabase compares a database key by key. The scan makes redis-server remove what is due.
func (d *differential) settleDatabase(c *redisClient, db int) {
	scan := step{db: db, words: []string{"scan", "0", "COUNT", "100000"}}
	scan.spec = d.accepted(scan.words)
	scan.ours, scan.theirs = d.log.ask(scan.words...), c.ask(scan.words...)
	d.compareStep(c, &scan)
	size := step{db: db, words: []string{"DBSIZE"}, ours: d.log.ask("DBSIZE"), theirs: c.ask("DBSIZE")}
	size.spec = d.accepted(size.words)
	d.compareStep(c, &size)
	for _, line := range elements(d.log.ask("KEYS", "*"), 1) {
		key, _ := unquote(line)
		for _, words := range [][]string{{"OBJECT", "ENCODING", key}, {"PTTL", key}, {"GET", key}, {"HGETALL", key}, {"LRANGE", key, "0", "-1"},
			{"SMEMBERS", key}, {"ZRANGE", key, "0", "-1", "WITHSCORES"}, {"XRANGE", key, "-", "+"},
			{"XINFO", "STREAM", key, "FULL", "COUNT", "0"}} {
			s := step{db: db, words: words, spec: d.accepted(words)}
			var ours resp2
			d.log.do(&ours, words...)
			s.ours, s.theirs = ours.String(), c.ask(words...)
			d.compareStep(c, &s)
		}
	}
}

// newLimits changes on both sides the sizes that decide on encodings and nodes.
func (d *differential) newLimits() {
	limits := []Setting{
		{paramHashEntries, strconv.Itoa(d.commands.IntN(30))}, {paramHashValue, strconv.Itoa(d.commands.IntN(100))},
		{paramIntset, strconv.Itoa(d.commands.IntN(20))}, {paramListFill, strconv.Itoa(d.commands.IntN(20) - 5)},
		{paramHLLSparse, strconv.Itoa(d.commands.IntN(1000))},
		{paramZSetEntries, strconv.Itoa(d.commands.IntN(30))}, {paramZSetValue, strconv.Itoa(d.commands.IntN(100))},
		{paramStreamEntries, strconv.Itoa(d.commands.IntN(20))},
	}
	packed := []string{"1073741824", "5", "100"}[d.commands.IntN(3)]
	d.log.apply(nil, SetParameters(Setting{ParamListPacked, packed}))
	d.redis[0].ask("DEBUG", "QUICKLIST-PACKED-THRESHOLD", packed)
	d.set(limits...)
}

// set sets parameters on both sides.
func (d *differential) set(settings ...Setting) {
	d.log.apply(nil, SetParameters(settings...))
	for _, s := range settings {
		d.redis[0].ask("CONFIG", "SET", s.Name, s.Value)
	}
}
