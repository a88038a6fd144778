package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const pipedKeys = 100_000

func pipedKey(i int) string   { return fmt.Sprintf("piped:%06d", i) }
func pipedValue(i int) string { return fmt.Sprintf("value-%d", i*7919) }

// TestCluster is the first thing a user does, with real load: three nodes, data from Redis' own
// tools, the leader killed under writers, everything stopped and started, a node added, and one
// taken out. Whatever was acknowledged stays, on all nodes, and their digests agree.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: -short")
	}
	need(t, "redis-cli", "redis-benchmark")
	nodes := startCluster(t, 3)
	lead := leader(t, nodes)
	benchmark(t, nodes[lead])
	pipe(t, nodes[lead])
	for _, p := range nodes {
		verifyPiped(t, p)
	}
	agree(t, nodes)

	w := startWriters(nodes, 6)
	w.await(t, 2000)
	killed := nodes[lead]
	at := time.Now()
	killed.kill()
	w.await(t, w.count()+2000)
	w.stop(t)
	t.Logf("kill -9 of the leader: no acknowledgement for %v; %d writes acknowledged, %d unknown", w.gap(at), w.count(), w.unknown.Load())
	survivors := append(append([]*process{}, nodes[:lead]...), nodes[lead+1:]...)
	for _, p := range survivors {
		w.verify(t, p)
	}
	agree(t, survivors)
	killed.start().ready()
	w.verify(t, killed)
	agree(t, nodes)

	began := time.Now()
	for _, p := range nodes {
		p.stop()
	}
	stopped := time.Now()
	for _, p := range nodes {
		p.start()
	}
	for _, p := range nodes {
		p.ready()
	}
	t.Logf("stopping three nodes took %v, starting them %v", stopped.Sub(began), time.Since(stopped))
	for _, p := range nodes {
		w.verify(t, p)
		verifyPiped(t, p)
	}
	agree(t, nodes)
	replaceFirst(t, nodes, w)
}

// replaceFirst adds a fourth node with an empty directory and removes the first.
func replaceFirst(t *testing.T, nodes []*process, w *writers) {
	began := time.Now()
	fourth := newNode(t, "node4", "--join", nodes[1].addr+","+nodes[2].addr).start().ready()
	awaitVoters(t, fourth, 4)
	t.Logf("a fourth node had everything and a vote after %v", time.Since(began))
	id, err := nodes[0].status("node_id")
	if err != nil {
		t.Fatal(err)
	}
	nodes = append(nodes, fourth)
	eventually(t, "removing the first node", func() error {
		_, err := nodes[leader(t, nodes)].ask("RAFT", "REMOVE", id)
		return err
	})
	rest := nodes[1:]
	awaitVoters(t, fourth, 3)
	nodes[0].stop()
	for _, p := range rest {
		w.verify(t, p)
		verifyPiped(t, p)
	}
	agree(t, rest)
}

// benchmark runs Redis' own load.
func benchmark(t *testing.T, p *process) {
	t.Helper()
	out, errs, status := execute(t, nil, "redis-benchmark", "-p", p.port(), "-t", "set,get,incr,hset,mset",
		"-n", "20000", "-P", "16", "-q")
	if status != 0 || strings.Contains(strings.ToLower(out+errs), "error") {
		t.Fatalf("redis-benchmark: status %d\n%s%s", status, out, errs)
	}
	for _, line := range strings.Split(out, "\n") {
		if i := strings.LastIndex(line, "\r"); strings.Contains(line, "requests per second") {
			t.Log(line[i+1:])
		}
	}
}

// pipe loads keys as redis-cli --pipe does.
func pipe(t *testing.T, p *process) {
	t.Helper()
	var b bytes.Buffer
	for i := range pipedKeys {
		k, v := pipedKey(i), pipedValue(i)
		fmt.Fprintf(&b, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(k), k, len(v), v)
	}
	began := time.Now()
	out, errs, status := execute(t, b.Bytes(), "redis-cli", "-p", p.port(), "--pipe")
	if status != 0 || !strings.Contains(out, fmt.Sprintf("errors: 0, replies: %d", pipedKeys)) {
		t.Fatalf("redis-cli --pipe: status %d\n%s%s", status, out, errs)
	}
	t.Logf("%d keys by redis-cli --pipe in %v", pipedKeys, time.Since(began))
}

// verifyPiped reads what pipe wrote, from any node.
func verifyPiped(t *testing.T, p *process) {
	t.Helper()
	const batch = 1000
	for from := 0; from < pipedKeys; from += batch {
		keys, want := make([]string, batch), make([]string, batch)
		for i := range batch {
			keys[i], want[i] = pipedKey(from+i), pipedValue(from+i)
		}
		p.expect(keys, want)
	}
}

// expect reads keys with a linearizable read and compares their values.
func (p *process) expect(keys, want []string) {
	p.t.Helper()
	c, err := p.connect()
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.close()
	if _, err := c.do("RAFT", "CONSISTENCY", "linearizable"); err != nil {
		p.t.Fatal(err)
	}
	var answer any
	eventually(p.t, p.name+": MGET", func() (err error) {
		answer, err = c.do(append([]string{"MGET"}, keys...)...)
		return err
	})
	values, _ := answer.([]any)
	if len(values) != len(keys) {
		p.t.Fatalf("%s: MGET of %d keys has %d answers", p.name, len(keys), len(values))
	}
	missing := 0
	for i, v := range values {
		if v != want[i] {
			if missing++; missing < 4 {
				p.t.Errorf("%s: %s is %v, want %s", p.name, keys[i], v, want[i])
			}
		}
	}
	if missing > 0 {
		p.t.Fatalf("%s: %d of %d keys are wrong", p.name, missing, len(keys))
	}
}

// writers write on, each to its own keys and all to one counter, and remember what was
// acknowledged. They change the node when theirs fails.
type writers struct {
	nodes   []string
	end     atomic.Bool
	running sync.WaitGroup
	unknown atomic.Int64 // writes whose outcome nobody told
	counted atomic.Int64 // acknowledged increments of the counter
	started atomic.Int64 // increments sent

	mu     sync.Mutex
	keys   []string
	times  []time.Time
	errors []error
}

const counterKey = "writers:counter"

func startWriters(nodes []*process, n int) *writers {
	w := &writers{}
	for _, p := range nodes {
		w.nodes = append(w.nodes, p.addr)
	}
	for i := range n {
		w.running.Go(func() { w.write(i) })
	}
	return w
}

func (w *writers) write(id int) {
	var c *client
	for seq, node := 0, id; !w.end.Load(); {
		if c == nil {
			var err error
			if c, err = connect(w.nodes[node%len(w.nodes)]); err != nil {
				node++
				time.Sleep(5 * time.Millisecond) // nobody listens there
				continue
			}
		}
		key := fmt.Sprintf("writer:%d:%d", id, seq)
		words := []string{"SET", key, "of " + key}
		counting := seq%10 == 9
		if counting {
			words = []string{"INCR", counterKey}
			w.started.Add(1)
		}
		_ = c.conn.SetDeadline(time.Now().Add(patience))
		_, err := c.do(words...)
		switch verdict(err) {
		case acknowledged:
			w.acknowledge(key, counting)
			seq++
		case notApplied:
			if counting {
				w.started.Add(-1)
			}
			time.Sleep(time.Millisecond) // an election is on
		case unknown:
			w.unknown.Add(1)
			seq++
			var refusal replyError
			if !errors.As(err, &refusal) {
				c.close()
				c = nil
				node++
			}
		default:
			w.mu.Lock()
			w.errors = append(w.errors, err)
			w.mu.Unlock()
			return
		}
	}
	if c != nil {
		c.close()
	}
}

// The outcomes of a write, as its client sees them.
type outcome int

const (
	wrong outcome = iota
	acknowledged
	notApplied
	unknown
)

func verdict(err error) outcome {
	var refusal replyError
	if err == nil {
		return acknowledged
	}
	if !errors.As(err, &refusal) {
		return unknown
	}
	switch code, _, _ := strings.Cut(string(refusal), " "); code {
	case "CLUSTERDOWN", "TRYAGAIN", "LOADING":
		return notApplied
	case "UNCERTAIN":
		return unknown
	}
	return wrong
}

func (w *writers) acknowledge(key string, counting bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.times = append(w.times, time.Now())
	if counting {
		w.counted.Add(1)
	} else {
		w.keys = append(w.keys, key)
	}
}

func (w *writers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.times)
}

// await waits until so many writes have been acknowledged.
func (w *writers) await(t *testing.T, n int) {
	t.Helper()
	eventually(t, "the writers get nowhere", func() error {
		if have := w.count(); have < n {
			return fmt.Errorf("%d of %d writes acknowledged", have, n)
		}
		return nil
	})
}

func (w *writers) stop(t *testing.T) {
	t.Helper()
	w.end.Store(true)
	w.running.Wait()
	for _, err := range w.errors {
		t.Errorf("a write was answered %v", err)
	}
}

// gap is the longest time without an acknowledgement after a moment.
func (w *writers) gap(after time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	longest, last := time.Duration(0), after
	for _, at := range w.times {
		if at.After(after) {
			longest, last = max(longest, at.Sub(last)), at
		}
	}
	return longest
}

// verify holds a node against what was acknowledged. The writers have stopped.
func (w *writers) verify(t *testing.T, p *process) {
	t.Helper()
	const batch = 1000
	for from := 0; from < len(w.keys); from += batch {
		keys := w.keys[from:min(len(w.keys), from+batch)]
		want := make([]string, len(keys))
		for i, k := range keys {
			want[i] = "of " + k
		}
		p.expect(keys, want)
	}
	got, err := p.ask("GET", counterKey)
	var n int64
	if s, ok := got.(string); ok {
		_, err = fmt.Sscan(s, &n)
	}
	if least, most := w.counted.Load(), w.started.Load(); err != nil || n < least || n > most {
		t.Errorf("%s: the counter is %v (%v), with %d increments acknowledged of %d sent", p.name, got, err, least, most)
	}
}
