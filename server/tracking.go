package server

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
)

// A tracking knows which of this node's sessions may have kept which keys, and tells them when those change: what
// CLIENT TRACKING asks for. As in Redis a key has the same name in all databases here, and a session is told of a key
// once; then the key is forgotten until somebody reads it again.
//
// It is the machine's tracker as long as anybody tracks. Keys are remembered before the lock is released under
// which they were read, and the reply is in the session's output by then, so a change that comes later is told of,
// behind the reply.
type tracking struct {
	srv *Server

	switching sync.Mutex // held while the machine is told whether to tell; before the machine's lock

	mu       sync.Mutex // after the machine's lock, before those of the sessions and of their outboxes
	clients  map[uint64]*tracker
	keys     map[string][]uint64 // by key the clients that have read it, in order; they may have gone since
	items    int                 // clients of all keys
	limit    int                 // keys; 0: any number
	overdue  int                 // how often in a row there were too many
	prefixes map[string]*prefix
	lengths  []int     // of the prefixes, each once
	changed  []*prefix // that the present entry has keys of
	own      []owned   // what the present entry has changed itself of what its authors have read
}

// owned is an invalidation for the session that has caused it, which is told when the entry is done, since its
// answer may not have been made yet.
type owned struct {
	by *tracker
	m  *message
}

// A tracker is a session that tracks. Its session may read what the session itself changes; the rest, and
// everybody else, under the mutex of tracking.
type tracker struct {
	of *session
	trackingOptions
	broken   bool // the session to redirect to is gone
	prefixes []string
}

// trackingOptions are the options of CLIENT TRACKING.
type trackingOptions struct {
	redirect                     uint64 // the session that is told; 0: the one that tracks
	bcast, optin, optout, noloop bool
}

// A prefix is one that sessions in BCAST mode listen to.
type prefix struct {
	text    string
	clients []*tracker
	changed map[string]uint64 // keys that the present entry has changed, and who did: a session of this node or 0
}

// enable makes a session track, or changes how it does.
func (t *tracking) enable(s *session, o trackingOptions, prefixes []string) *tracker {
	t.switching.Lock()
	defer t.switching.Unlock()
	if t.count() == 0 {
		t.srv.machine.Track(t)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.clients[s.id]
	if c == nil {
		c = &tracker{of: s}
		t.clients[s.id] = c
	}
	c.trackingOptions, c.broken = o, false
	if o.bcast && len(prefixes) == 0 {
		prefixes = []string{""}
	}
	for _, p := range prefixes {
		t.listenTo(c, p)
	}
	return c
}

// listenTo adds a prefix to those of a client.
func (t *tracking) listenTo(c *tracker, text string) {
	at, there := slices.BinarySearch(c.prefixes, text)
	if there {
		return
	}
	c.prefixes = slices.Insert(c.prefixes, at, text)
	p := t.prefixes[text]
	if p == nil {
		p = &prefix{text: text, changed: map[string]uint64{}}
		t.prefixes[text] = p
		t.measure()
	}
	p.clients = append(p.clients, c)
}

// measure notes which lengths prefixes have.
func (t *tracking) measure() {
	t.lengths = t.lengths[:0]
	for text := range t.prefixes {
		t.lengths = append(t.lengths, len(text))
	}
	slices.Sort(t.lengths)
	t.lengths = slices.Compact(t.lengths)
}

// disable ends a session's tracking. With the last one everything is forgotten.
func (t *tracking) disable(c *tracker) {
	t.switching.Lock()
	defer t.switching.Unlock()
	if t.remove(c) == 0 {
		t.srv.machine.Track(nil)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.forget()
	}
}

// remove takes a client out, and returns how many are left. The keys that it has read keep its number until they
// change: to look for them would take long.
func (t *tracking) remove(c *tracker) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.clients, c.of.id)
	for _, text := range c.prefixes {
		p := t.prefixes[text]
		p.clients = slices.DeleteFunc(p.clients, func(other *tracker) bool { return other == c })
		if len(p.clients) == 0 {
			delete(t.prefixes, text)
			t.changed = slices.DeleteFunc(t.changed, func(other *prefix) bool { return other == p })
		}
	}
	t.measure()
	return len(t.clients)
}

// forget forgets all keys.
func (t *tracking) forget() { t.keys, t.items = map[string][]uint64{}, 0 }

// count is how many sessions track.
func (t *tracking) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.clients)
}

// remember notes that a client has read the keys of a command.
func (t *tracking) remember(c *tracker, spec *command.Spec, args [][]byte) {
	keys, err := spec.AppendKeys(nil, args)
	if err != nil || len(keys) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		t.add(key, c.of.id)
	}
	t.trim()
}

func (t *tracking) add(key []byte, id uint64) {
	ids, found := t.keys[string(key)]
	at, there := slices.BinarySearch(ids, id)
	if there {
		return
	}
	if found && len(ids) == cap(ids) { // before it grows, those that have gone make room
		before := len(ids)
		ids = slices.DeleteFunc(ids, func(id uint64) bool { return t.srv.sessions.get(id) == nil })
		t.items -= before - len(ids)
		at, _ = slices.BinarySearch(ids, id)
	}
	t.keys[string(key)] = slices.Insert(ids, at, id)
	t.items++
}

// trimAtOnce is how many keys are forgotten at once; more, if that is not enough again and again.
const trimAtOnce = 100

// trim keeps the number of keys within its limit: some that nobody has changed are told as if somebody had.
func (t *tracking) trim() {
	if t.limit == 0 || len(t.keys) <= t.limit {
		t.overdue = 0
		return
	}
	t.overdue++
	most := trimAtOnce * t.overdue
	for key := range t.keys { // in an order that nobody knows
		if len(t.keys) <= t.limit || most == 0 {
			break
		}
		t.invalidate([]byte(key), 0)
		most--
	}
}

// trimSoon is trim for the clock.
func (t *tracking) trimSoon() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trim()
}

// Changed implements fsm.Tracker.
func (t *tracking) Changed(author *fsm.Origin, key []byte) {
	by := t.here(author)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range t.lengths {
		if n > len(key) {
			break
		}
		if p := t.prefixes[string(key[:n])]; p != nil {
			if len(p.changed) == 0 {
				t.changed = append(t.changed, p)
			}
			p.changed[string(key)] = by
		}
	}
	t.invalidate(key, by)
}

// here is the session of this node that is an item's author, 0 if none is.
func (t *tracking) here(author *fsm.Origin) uint64 {
	if author == nil || t.srv.cluster() == nil || author.Incarnation != t.srv.incarnation || author.Node != t.srv.nodeID {
		return 0
	}
	return author.Session
}

// invalidate tells those who have read a key, but for the session that has changed it if it does not want to know.
func (t *tracking) invalidate(key []byte, by uint64) {
	ids, found := t.keys[string(key)]
	if !found {
		return
	}
	m := invalidation(bytes.Clone(key))
	for _, id := range ids {
		if c := t.clients[id]; c != nil && !c.bcast && !(c.noloop && id == by) {
			t.tellBy(by, c, m)
		}
	}
	t.items -= len(ids)
	delete(t.keys, string(key))
}

// tellBy tells a client what a session has caused; itself when the entry is done.
func (t *tracking) tellBy(by uint64, c *tracker, m *message) {
	if c.of.id == by {
		t.own = append(t.own, owned{c, m})
		return
	}
	t.tell(c, m)
}

// Flushed implements fsm.Tracker.
func (t *tracking) Flushed(author *fsm.Origin) {
	by := t.here(author)
	t.mu.Lock()
	defer t.mu.Unlock()
	m := invalidation()
	for _, id := range slices.Sorted(maps.Keys(t.clients)) {
		t.tellBy(by, t.clients[id], m)
	}
	t.forget()
}

// Read implements fsm.Tracker.
func (t *tracking) Read(author *fsm.Origin, spec *command.Spec, args [][]byte) {
	id := t.here(author)
	t.mu.Lock()
	c := t.clients[id]
	t.mu.Unlock()
	if c != nil {
		t.remember(c, spec, args)
	}
}

// Applied implements fsm.Tracker: those who listen to prefixes are told of an entry's keys together.
func (t *tracking) Applied() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, o := range t.own {
		t.tell(o.by, o.m)
		t.own[i] = owned{}
	}
	t.own = t.own[:0]
	if len(t.changed) == 0 {
		return
	}
	slices.SortFunc(t.changed, func(a, b *prefix) int { return cmp.Compare(a.text, b.text) })
	for _, p := range t.changed {
		t.broadcast(p)
		clear(p.changed)
	}
	clear(t.changed)
	t.changed = t.changed[:0]
}

func (t *tracking) broadcast(p *prefix) {
	names := slices.Sorted(maps.Keys(p.changed))
	all := make([][]byte, len(names))
	for i, name := range names {
		all[i] = []byte(name)
	}
	m := invalidation(all...)
	for _, c := range p.clients {
		if !c.noloop {
			t.tell(c, m)
			continue
		}
		var others [][]byte
		for _, key := range all {
			if p.changed[string(key)] != c.of.id {
				others = append(others, key)
			}
		}
		if len(others) > 0 {
			t.tell(c, invalidation(others...))
		}
	}
}

// trackingFigures are what INFO tells.
type trackingFigures struct{ clients, keys, items, prefixes int }

func (t *tracking) figures() trackingFigures {
	t.mu.Lock()
	defer t.mu.Unlock()
	return trackingFigures{len(t.clients), len(t.keys), t.items, len(t.prefixes)}
}
