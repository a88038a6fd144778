package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"go.uber.org/goleak"
)

// The flags of TestFaults. A run is told by its seed and number: these choose its kind, the size of
// the cluster and what the nemesis and the clients draw.
var (
	faultRuns  = flag.Int("faults.runs", 1, "how many `runs`")
	faultFrom  = flag.Int("faults.from", 0, "`number` of the first run: to go on with a series, or to repeat one run of it")
	faultSeed  = flag.Uint64("faults.seed", 0, "`seed` of the series; 0: one is drawn")
	faultFor   = flag.Duration("faults.for", 5*time.Second, "how `long` a run's clients are at work")
	faultNames = flag.String("faults.kinds", "", "the `kinds` that take turns, comma between them; empty: all")
	faultKeep  = flag.String("faults.keep", "", "`directory` for what is kept of runs that fail; empty: a new one")
)

// faultRate is how many answers a second a run must have on average, or it says nothing.
const faultRate = 300

// TestFaults has clients on all nodes of a cluster read and write at all levels while a nemesis
// disturbs it, and then asks whether what they saw could have been: by Porcupine for each key, and
// for values that only grow by their size. In the end all nodes have the same data, and what was
// acknowledged is there once. What a failed run leaves is kept, with the command that repeats it.
func TestFaults(t *testing.T) {
	seed := *faultSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	kinds := chosenKinds(t)
	var good, bad, void int
	for i := *faultFrom; i < *faultFrom+*faultRuns; i++ {
		r := newFaultRun(kinds, seed, i, *faultFor)
		passed := t.Run(r.name(), func(t *testing.T) { r.run(t, program) })
		t.Logf("%s: %s", r.name(), r.verdict())
		switch {
		case !passed:
			bad++
		case r.void != "" || r.h == nil:
			void++
		default:
			good++
		}
	}
	t.Logf("seed %d, runs %d to %d of %v: %d good, %d bad, %d do not count",
		seed, *faultFrom, *faultFrom+*faultRuns-1, *faultFor, good, bad, void)
}

// chosenKinds are the kinds that the flag names.
func chosenKinds(t *testing.T) []faultKind {
	t.Helper()
	if *faultNames == "" {
		return faultKinds()
	}
	var chosen []faultKind
	for _, name := range strings.Split(*faultNames, ",") {
		i := slices.IndexFunc(faultKinds(), func(k faultKind) bool { return k.name == name })
		if i < 0 {
			t.Fatalf("there is no kind %q of runs", name)
		}
		chosen = append(chosen, faultKinds()[i])
	}
	return chosen
}

// faultRun is one run.
type faultRun struct {
	seed   uint64
	number int
	kind   faultKind
	size   int  // of the cluster
	brief  bool // snapshots are taken often, and the log is short
	boltdb bool
	// lasting: no key has a time to live. A leader that is left behind has its linearizable reads wait
	// for keys that are due, so other mistakes with reads hardly show where there are some.
	lasting bool
	lasts   time.Duration

	h       *history
	cluster *faultCluster
	nemesis *nemesis
	finals  map[string]string // key to value, of what only grows

	rate   float64  // answers a second
	open   int      // events of unknown outcome
	faults []string // what must not have been
	void   string   // why the run says nothing
}

// newFaultRun is the run with a number in the series of a seed. The first runs of a series go
// through all kinds with three nodes and short logs, the next with five.
func newFaultRun(kinds []faultKind, seed uint64, number int, lasts time.Duration) *faultRun {
	turn := number / len(kinds)
	coin := rand.New(rand.NewPCG(seed, uint64(number)<<8+255))
	return &faultRun{seed: seed, number: number, kind: kinds[number%len(kinds)], lasts: lasts,
		size: 3 + 2*(turn%2), brief: turn/2%2 == 0, boltdb: turn%3 == 1, lasting: coin.IntN(2) == 0,
		finals: map[string]string{}}
}

func (r *faultRun) name() string {
	return fmt.Sprintf("%03d-%s-%d", r.number, r.kind.name, r.size)
}

// command repeats the run, as far as a run can be repeated: what is drawn is the same.
func (r *faultRun) command() string {
	return fmt.Sprintf("go test ./cmd/redraft -run TestFaults -v -timeout 0 -faults.seed %d -faults.from %d -faults.for %v -faults.kinds %q",
		r.seed, r.number, r.lasts, *faultNames)
}

// verdict is the run in one line.
func (r *faultRun) verdict() string {
	verdict := "ok"
	switch {
	case len(r.faults) > 0:
		verdict = fmt.Sprintf("%d faults, the first: %.200s", len(r.faults), r.faults[0])
	case r.h == nil:
		return "left out"
	case r.void != "":
		verdict = "does not count: " + r.void
	}
	return fmt.Sprintf("%d disturbances, %.0f op/s, %d events, %d open, %d values that grow; %s",
		r.nemesis.count, r.rate, len(r.h.events), r.open, len(r.finals), verdict)
}

// run runs it with a binary, and fails the test if something was seen that must not be.
func (r *faultRun) run(t *testing.T, bin string) {
	leaks := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, leaks) })
	defer func() { // even if something could not be waited for
		if len(r.faults) > 0 || t.Failed() {
			t.Errorf("%s\nkept in %s; to repeat it:\n%s", strings.Join(r.faults[:min(len(r.faults), 20)], "\n"), r.keep(t), r.command())
		}
	}()
	r.play(t, bin)
	r.check()
}

// options are the nodes' flags, and their disks.
func (r *faultRun) options() (args []string, disk string) {
	if r.brief {
		args = append(args, "--snapshot-entries", "200")
	}
	if r.boltdb {
		args = append(args, "--log-store", "boltdb")
	}
	if r.kind.disk {
		disk = "size=320m,mode=700"
	}
	return args, disk
}

// play is the run itself: clients and the nemesis, then rest, and a look at what is left.
func (r *faultRun) play(t *testing.T, bin string) {
	rnd := rand.New(rand.NewPCG(r.seed, uint64(r.number)<<8))
	args, disk := r.options()
	c := newFaultCluster(t, rnd, bin, r.size, disk, args...)
	began := time.Now()
	r.cluster, r.h = c, &history{began: began}
	r.nemesis = &nemesis{faultCluster: c, rnd: rnd, began: began, until: began.Add(r.lasts)}
	var end atomic.Bool
	var running sync.WaitGroup
	stop := func() {
		end.Store(true)
		running.Wait()
	}
	defer stop() // whatever happens
	var nodes []string
	for _, n := range c.nodes {
		nodes = append(nodes, n.addr)
	}
	client := func(i int) *faultClient {
		seed := rand.NewPCG(r.seed, uint64(r.number)<<8+uint64(i)+1)
		return &faultClient{id: i, rnd: rand.New(seed), nodes: nodes, h: r.h, end: &end, late: i >= faultClients, lasting: r.lasting}
	}
	for i := range faultClients {
		running.Go(client(i).run)
	}
	for i := range lateReaders {
		running.Go(func() { client(faultClients + i).readLate(nodes[i%len(nodes)]) })
	}
	if r.kind.disk {
		running.Go(func() { fillLog(nodes, &end) })
	}
	if err := r.nemesis.run(r.kind); err != nil {
		r.faults = append(r.faults, err.Error())
	}
	stop()
	r.rate = float64(r.h.acknowledged()) / time.Since(began).Seconds()
	c.heal()
	r.compare()
	time.Sleep(ttlMost + ttlMost/5 + time.Second) // nothing that tells of a deadline: it has passed then
	r.look()
}

// compare has the nodes' data compared.
func (r *faultRun) compare() {
	if err := r.cluster.agree(); err != nil {
		r.faults = append(r.faults, err.Error())
	}
}

// look reads everything on every node.
func (r *faultRun) look() {
	for _, n := range r.cluster.nodes {
		conn, err := connect(n.addr)
		if err == nil {
			_, err = conn.do("RAFT", "CONSISTENCY", "linearizable")
		}
		if err != nil {
			r.faults = append(r.faults, fmt.Sprintf("%s after the run: %v", n.id, err))
			continue
		}
		r.lookAt(n, conn)
		conn.close()
	}
}

func (r *faultRun) lookAt(n *faultNode, conn *client) {
	number := r.h.connection()
	read := func(words ...string) string {
		e := &event{Client: 0, Conn: number, Node: n.addr, Level: "linearizable", Words: words, Settled: true}
		eventually(r.cluster.t, fmt.Sprintf("%s after the run: %v", n.id, words), func() error {
			e.Called = time.Since(r.h.began)
			answer, err := conn.do(words...)
			e.Returned, e.Outcome = time.Since(r.h.began), acknowledged
			e.Answer = answerText(e.verb(), answer, err)
			return err
		})
		r.h.add(e)
		return e.Answer
	}
	for _, prefix := range []string{"text:", "log:", "count:"} {
		for key := range r.h.keys(prefix) {
			if value := read("GET", key); prefix != "text:" {
				r.final(n, key, value)
			}
		}
	}
	for key := range r.h.keys("hash:") {
		read("HGETALL", key)
	}
	for key := range r.h.keys("hcount:") {
		r.final(n, key, read("HGET", key, "n"))
	}
}

// final notes the value that a key has in the end on a node: the same as on the others.
func (r *faultRun) final(n *faultNode, key, value string) {
	if value == "nil" {
		value = ""
	}
	if had, ok := r.finals[key]; ok && had != value {
		r.faults = append(r.faults, fmt.Sprintf("%s: %q on %s and %q on another node", key, value, n.id, had))
	}
	r.finals[key] = value
}

// check looks for what must not have been.
func (r *faultRun) check() {
	for _, e := range r.h.events {
		if e.Outcome == unknown {
			r.open++
		}
	}
	for _, prefix := range []string{"log:", "count:", "hcount:"} {
		for key, events := range r.h.keys(prefix) {
			g := &growing{key: key, events: events, final: r.finals[key]}
			r.faults = append(r.faults, g.check()...)
		}
	}
	for _, prefix := range []string{"text:", "hash:"} {
		for key, events := range r.h.keys(prefix) {
			if result, _ := porcupine.CheckOperationsVerbose(r.model(), operations(events), porcupinePatience); result != porcupine.Ok {
				r.faults = append(r.faults, fmt.Sprintf("%s: the history of %d events is not linearizable (Porcupine: %s)", key, len(events), result))
			}
		}
	}
	if r.rate < faultRate {
		r.void = fmt.Sprintf("less than %d op/s", faultRate)
	}
}

// porcupinePatience is how long Porcupine may think about one key.
const porcupinePatience = 2 * time.Minute

func (r *faultRun) model() porcupine.Model {
	if r.kind.clocks {
		return keyModel{unsteady}.model()
	}
	return keyModel{steady}.model()
}

// keep writes down what is left of a run that failed: the history, what the nemesis did, the nodes'
// logs, a picture of each key that went wrong, and how to repeat it.
func (r *faultRun) keep(t *testing.T) string {
	dir := *faultKeep
	var err error
	if dir == "" {
		dir, err = os.MkdirTemp("", "redraft-faults-")
	}
	dir = filepath.Join(dir, fmt.Sprintf("%d-%s", r.seed, r.name()))
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil && r.h != nil {
		err = r.h.save(filepath.Join(dir, "history.jsonl"))
	}
	write := func(name, text string) {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)
		}
	}
	write("faults.txt", strings.Join(r.faults, "\n")+"\n")
	write("repeat.sh", r.command()+"\n")
	if r.cluster != nil {
		write("nemesis.txt", r.nemesis.diary.String())
		for _, n := range r.cluster.nodes {
			n.dump()
			b, _ := os.ReadFile(n.log)
			write(n.id+".log", string(b))
		}
		r.draw(dir)
	}
	if err != nil {
		t.Errorf("what is left of the run cannot be kept: %v", err)
	}
	return dir
}

// draw keeps pictures of the keys whose history is wrong.
func (r *faultRun) draw(dir string) {
	for _, prefix := range []string{"text:", "hash:"} {
		for key, events := range r.h.keys(prefix) {
			result, info := porcupine.CheckOperationsVerbose(r.model(), operations(events), porcupinePatience)
			if result == porcupine.Illegal {
				_ = porcupine.VisualizePath(r.model(), info, filepath.Join(dir, strings.ReplaceAll(key, ":", "-")+".html"))
			}
		}
	}
}
