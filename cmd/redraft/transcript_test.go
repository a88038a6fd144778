package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm/transcript"
)

// conversation is where a transcript takes place.
type conversation struct {
	protocol int
	talk     *wire
	// without has the transcripts that are left out, and why.
	without map[string]string
	// before, if any, is called in front of each command that may be disturbed.
	before func(line int)
}

// transcripts reads the files that the machine's own tests run.
func transcripts(t *testing.T) map[string][]transcript.Step {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(repository, "fsm", "testdata", "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	files := map[string][]transcript.Step{}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)], err = transcript.Parse(f)
		_ = f.Close()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	return files
}

// attempts is how often a transcript is tried. Its short deadlines pass in real time here, and a
// machine that is busy with something else may take longer for a command than a key is to live.
const attempts = 20

// run has all transcripts talked through.
func (c *conversation) run(t *testing.T) {
	for name, steps := range transcripts(t) {
		t.Run(strings.TrimSuffix(name, ".txt"), func(t *testing.T) {
			if reason, out := c.without[name]; out {
				t.Skipf("skipped: %s", reason)
			}
			c.talk.t = t
			for i := 1; ; i++ {
				line, timed, err := c.attempt(steps)
				if err == nil {
					return
				}
				if !timed || i == attempts {
					t.Fatalf("%s:%d: %v", name, line, err)
				}
				t.Logf("%s:%d: once more, it may have been too slow: %v", name, line, err)
			}
		})
	}
}

// attempt talks a transcript through, up to the first answer that is not as expected. timed says
// that the command stood where time counts.
func (c *conversation) attempt(steps []transcript.Step) (line int, timed bool, err error) {
	for _, words := range [][]string{{"SELECT", "0"}, {"FLUSHALL"}} {
		if got := c.patient(words); got != "+OK\n" {
			return 0, false, fmt.Errorf("%q: %s", words, got)
		}
	}
	for i, s := range steps {
		if s.Advance > 0 {
			time.Sleep(s.Advance + s.Advance/5) // a leader's clock may be slower by a tenth
		}
		if s.Args == nil {
			continue
		}
		timed := timeCounts(steps, i)
		if c.before != nil && !timed {
			c.before(s.Line)
		}
		got, want := c.patient(s.Args), asProtocol(s.Want, c.protocol)
		nested := c.protocol == 3 && makesPairs(s.Args) && flat(got) == flat(want)
		places := c.protocol == 3 && showsPlaces(s.Args) && numbers(got) == numbers(want)
		if got != want && !nested && !places {
			return s.Line, timed, fmt.Errorf("%q: got\n%swant\n%s", s.Args, got, want)
		}
	}
	return 0, false, nil
}

// makesPairs reports whether a command answers with pairs, which are arrays in one of the protocols alone.
func makesPairs(words []string) bool {
	name := strings.ToUpper(words[0])
	return slices.Contains([]string{"HRANDFIELD", "ZPOPMIN", "ZPOPMAX", "XREAD", "XREADGROUP"}, name) ||
		slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, "WITHSCORES") })
}

// showsPlaces reports whether a command answers with degrees, which are doubles in RESP3 and text in RESP2.
func showsPlaces(words []string) bool {
	return strings.EqualFold(words[0], "GEOPOS") ||
		slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, "WITHCOORD") })
}

// numbers is a reply with all numbers as doubles, whether they are such or text.
func numbers(reply string) string {
	lines := strings.Split(reply, "\n")
	for i, line := range lines {
		text := strings.TrimLeft(line, " ")
		if f, err := strconv.ParseFloat(strings.Trim(text, `,"`), 64); err == nil {
			lines[i] = line[:len(line)-len(text)] + "," + strconv.FormatFloat(f, 'g', -1, 64)
		}
	}
	return strings.Join(lines, "\n")
}

// patient sends a command until a leader takes it: the errors of an election promise that the command
// was not applied.
func (c *conversation) patient(words []string) string {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		got := c.talk.do(words...)
		again := strings.HasPrefix(got, "-CLUSTERDOWN") || strings.HasPrefix(got, "-TRYAGAIN")
		if !again || c.before == nil || time.Now().After(deadline) {
			return got
		}
	}
}

// timeCounts reports whether a step is near one that waits or asks for a time.
func timeCounts(steps []transcript.Step, at int) bool {
	const near = 8
	for i := max(0, at-1); i < min(len(steps), at+near); i++ {
		s := steps[i]
		if s.Advance > 0 || len(s.Args) > 0 && strings.HasSuffix(strings.ToUpper(s.Args[0]), "TTL") {
			return true
		}
	}
	return false
}

// TestTranscriptsRedis proves what the transcripts expect: it is what Redis answers.
func TestTranscriptsRedis(t *testing.T) {
	need(t, "redis-server")
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal(err)
	}
	p := newNode(t, "redis")
	p.bin, p.args = path, []string{"--port", p.port(), "--save", "", "--dir", t.TempDir()}
	p.start().ready()
	without := map[string]string{"hash_field_expiry.txt": "redis-server 7.0.15 has no deadlines of fields: 7.4 and 8.0 brought these commands"}
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP", protocol), func(t *testing.T) {
			(&conversation{protocol: protocol, talk: dialWire(t, p.addr, protocol), without: without}).run(t)
		})
	}
}

// TestTranscriptsNode has the same answers from a node.
func TestTranscriptsNode(t *testing.T) {
	p := newNode(t, "node").start().ready()
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP", protocol), func(t *testing.T) {
			(&conversation{protocol: protocol, talk: dialWire(t, p.addr, protocol)}).run(t)
		})
	}
}

// TestTranscriptsCluster has the same answers from a follower whose leader changes meanwhile.
func TestTranscriptsCluster(t *testing.T) {
	nodes := startCluster(t, 3)
	ids := map[string]string{}
	for _, p := range nodes {
		id, err := p.status("node_id")
		if err != nil {
			t.Fatal(err)
		}
		ids[p.addr] = id
	}
	lead := leader(t, nodes)
	others := []*process{nodes[lead], nodes[(lead+1)%3]}
	follower := nodes[(lead+2)%3]
	asked, changes := 0, 0
	without := map[string]string{"hyperloglog_count.txt": "a change of the leader may keep a count from being kept; the answers are right without"}
	c := &conversation{protocol: 2, talk: dialWire(t, follower.addr, 2), without: without}
	c.before = func(int) {
		if asked++; asked%12 != 0 {
			return
		}
		eventually(c.talk.t, "a transfer of leadership", func() error { return handOn(nodes, ids, others) })
		changes++
	}
	c.run(t)
	if changes < 5 {
		t.Errorf("only %d changes of the leader", changes)
	}
	t.Logf("%d changes of the leader", changes)
	agree(t, nodes)
}

// handOn has whoever leads hand leadership on to the first of some nodes that does not lead. An election may have put
// any of them there.
func handOn(nodes []*process, ids map[string]string, to []*process) error {
	for _, p := range nodes {
		if state, err := p.status("state"); err != nil || state != "leader" {
			continue
		}
		target := to[0]
		if target == p {
			target = to[1]
		}
		_, err := p.ask("RAFT", "TRANSFER", ids[target.addr])
		return err
	}
	return errors.New("nobody leads")
}
