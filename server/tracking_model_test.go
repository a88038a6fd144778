package server

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestTrackingModel has clients keep what they read by the rules of client-side caching while another writes, and
// checks what they keep: whenever a client is told a value, nothing it has kept may be older than that, and in the end
// everything it has kept is what the node has.
func TestTrackingModel(t *testing.T) {
	leader := start(t)
	for name, n := range map[string]*node{"leader": leader, "follower": leader.follower()} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			w := &trackingWriter{c: leader.dial(), rnd: rand.New(rand.NewPCG(seed, 0)), changes: map[string][]int{}}
			w.c.do("FLUSHALL")
			done := make(chan struct{})
			caches := []*trackingCache{
				{track: "", at: n}, {track: " OPTIN", at: n}, {track: " OPTOUT", at: n}, {track: " NOLOOP", at: n},
				{track: " BCAST", at: n}, {track: " BCAST NOLOOP PREFIX k PREFIX own", at: n}, {track: " REDIRECT", at: n},
			}
			var wait sync.WaitGroup
			for i, c := range caches {
				c.start(t, w, rand.New(rand.NewPCG(seed, uint64(i+1))))
				wait.Add(1)
				go func() {
					defer wait.Done()
					c.run(done)
				}()
			}
			rounds := 800
			if testing.Short() {
				rounds = 300
			}
			for range rounds {
				w.write()
			}
			close(done)
			wait.Wait()
			for _, c := range caches {
				c.compare()
			}
		})
	}
}

// trackingWriter writes, one command after the other; the value of a key begins with the number of the command.
type trackingWriter struct {
	c       *client
	rnd     *rand.Rand
	mu      sync.Mutex
	number  int
	changes map[string][]int // by key, the commands that have changed it
}

func (w *trackingWriter) write() {
	w.mu.Lock()
	w.number++
	value := fmt.Sprint(w.number)
	key := func() string {
		k := fmt.Sprint("k", w.rnd.IntN(8))
		w.changes[k] = append(w.changes[k], w.number)
		return k
	}
	var line string
	switch w.rnd.IntN(60) {
	case 0:
		line = "DEL " + key()
	case 1:
		line = "SET " + key() + " " + value + " PXAT 1"
	case 2:
		line = "SET " + key() + " " + value + ":" + strings.Repeat("x", 70_000)
	case 3:
		line = "FLUSHALL"
		for i := range 8 {
			k := fmt.Sprint("k", i)
			w.changes[k] = append(w.changes[k], w.number)
		}
	case 4, 5, 6, 7, 8, 9, 10:
		line = "MSET " + key() + " " + value + " " + key() + " " + value
	default:
		line = "SET " + key() + " " + value
	}
	w.mu.Unlock()
	w.c.do(line)
}

// later is a command that has changed a key after one number and up to another, 0 if there is none.
func (w *trackingWriter) later(key string, after, until int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.changes[key]
	if i, _ := slices.BinarySearch(list, after+1); i < len(list) && list[i] <= until {
		return list[i]
	}
	return 0
}

// A trackingCache is a client that keeps what it has read.
type trackingCache struct {
	t     *testing.T
	at    *node
	track string // its options
	c     *client
	told  *client // who is told of invalidations, if that is another connection
	w     *trackingWriter
	rnd   *rand.Rand
	own   string // a key that nobody else writes

	kept  map[string]string
	bound int // the latest command of which it has heard
	sent  []trackingStep
}

// trackingStep is a command that a client has sent and waits to be answered.
type trackingStep struct {
	read  []string // keys whose values are the answer, and may be kept
	wrote string   // a key that it has changed
	exec  bool     // the values stand in the answer to EXEC, which tells of what was before invalidations do
}

func (m *trackingCache) start(t *testing.T, w *trackingWriter, rnd *rand.Rand) {
	m.t, m.w, m.rnd, m.kept = t, w, rnd, map[string]string{}
	m.c = m.at.dial()
	m.c.do("HELLO 3")
	track := m.track
	if strings.Contains(track, "REDIRECT") {
		m.told = m.at.dial()
		m.told.do("HELLO 3")
		track += " " + strings.TrimPrefix(m.told.do("CLIENT ID"), ":")
	}
	m.own = "own" + strings.TrimPrefix(m.c.do("CLIENT ID"), ":")
	m.c.expect("CLIENT TRACKING ON"+track, "+OK")
}

func (m *trackingCache) run(done chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		var lines []string
		for range 1 + m.rnd.IntN(12) {
			lines = append(lines, m.command()...)
		}
		m.c.send(lines...)
		for _, s := range m.sent {
			m.take(s)
		}
		m.sent = m.sent[:0]
		m.listen()
	}
}

// command makes up a command, or a few that belong together, and notes what is to come of them.
func (m *trackingCache) command() []string {
	keys := []string{fmt.Sprint("k", m.rnd.IntN(8)), fmt.Sprint("k", m.rnd.IntN(8)), m.own}
	var lines []string
	keep := true
	caching := map[string]string{" OPTIN": "YES", " OPTOUT": "NO"}[m.track]
	if caching != "" {
		if given := m.rnd.IntN(2) == 0; given {
			lines = append(lines, "CLIENT CACHING "+caching)
			m.sent = append(m.sent, trackingStep{})
			keep = caching == "YES"
		} else {
			keep = caching == "NO"
		}
	}
	add := func(line string, s trackingStep) {
		lines = append(lines, line)
		if !keep {
			s.read = nil
		}
		m.sent = append(m.sent, s)
	}
	switch m.rnd.IntN(8) {
	case 0:
		add("SET "+m.own+" "+fmt.Sprint(m.rnd.IntN(100)), trackingStep{wrote: m.own})
	case 1:
		add("MGET "+strings.Join(keys, " "), trackingStep{read: keys})
	case 2:
		lines = append(lines, "MULTI", "GET "+keys[0], "GET "+keys[1])
		m.sent = append(m.sent, trackingStep{}, trackingStep{}, trackingStep{})
		add("EXEC", trackingStep{read: keys[:2]})
	case 3:
		value := fmt.Sprint(m.rnd.IntN(100))
		lines = append(lines, "MULTI", "SET "+m.own+" "+value, "GET "+keys[0], "GET "+keys[1])
		m.sent = append(m.sent, trackingStep{}, trackingStep{}, trackingStep{}, trackingStep{})
		add("EXEC", trackingStep{read: keys[:2], wrote: m.own, exec: true})
	default:
		k := keys[m.rnd.IntN(3)]
		add("GET "+k, trackingStep{read: []string{k}})
	}
	return lines
}

// take takes in the answer to a step, and what was pushed before.
func (m *trackingCache) take(s trackingStep) {
	reply := m.c.read()
	for strings.HasPrefix(reply, ">") {
		m.invalidate(reply)
		reply = m.c.read()
	}
	if s.wrote != "" {
		delete(m.kept, s.wrote)
	}
	if len(s.read) == 0 {
		return
	}
	values := []string{reply}
	if strings.HasPrefix(reply, "[") {
		values = strings.Split(strings.Trim(reply, "[]"), " ")
	}
	values = values[len(values)-len(s.read):]
	if m.told != nil {
		m.listen() // what two connections say is in no order: keep nothing that was on its way already
		return
	}
	for i, key := range s.read {
		m.kept[key] = values[i]
		if n := commandOf(key, values[i]); n > m.bound {
			m.bound = n
		}
	}
	if !s.exec {
		m.check(reply)
	}
}

// commandOf is the command of the writer that a value is of, 0 if it does not say.
func commandOf(key, value string) int {
	if strings.HasPrefix(key, "own") {
		return 0
	}
	number, _, _ := strings.Cut(value, ":")
	n, _ := strconv.Atoi(number)
	return n
}

// check checks that nothing is older than what the client has heard of.
func (m *trackingCache) check(reply string) {
	for key, value := range m.kept {
		if n := commandOf(key, value); n > 0 {
			if later := m.w.later(key, n, m.bound); later > 0 {
				m.t.Errorf("tracking%s: %s of command %d is kept after %.60q, which was read after command %d changed it", m.track, key, n, reply, later)
			}
		}
	}
}

func (m *trackingCache) invalidate(push string) {
	keys, ok := strings.CutPrefix(push, ">[invalidate ")
	switch {
	case !ok:
		m.t.Errorf("%s was pushed", push)
	case keys == "(nil)]":
		clear(m.kept)
	default:
		for _, key := range strings.Split(strings.Trim(keys, "[]"), " ") {
			delete(m.kept, key)
		}
	}
}

// listen takes in what was pushed up to now.
func (m *trackingCache) listen() {
	c := m.c
	if m.told != nil {
		c = m.told
	}
	c.send("PING now")
	for reply := c.read(); reply != "now"; reply = c.read() {
		m.invalidate(reply)
	}
}

// compare checks that what is kept is what there is, once nobody writes any more; of the client that has kept
// nothing so far, that it is told of changes of what it reads now.
func (m *trackingCache) compare() {
	m.listen()
	other := m.at.dial()
	for key, value := range m.kept {
		if now := other.do("GET " + key); now != value {
			m.t.Errorf("tracking%s: %s is kept as %.20s and is %.20s", m.track, key, value, now)
		}
	}
	m.c.send("CLIENT CACHING YES", "GET k1")
	m.c.read()
	for reply := m.c.read(); strings.HasPrefix(reply, ">"); reply = m.c.read() {
	}
	m.kept = map[string]string{"k1": ""}
	m.w.c.do("SET k1 other")
	m.listen()
	if _, kept := m.kept["k1"]; kept {
		m.t.Errorf("tracking%s: nothing was said of a key that was read and has changed", m.track)
	}
}
