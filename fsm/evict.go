package fsm

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/fsm/command"
)

// The leader chooses what to evict, by its own memory and the access words of its own cells, and logs the
// choice: the item is the same on every node, and what it finds there is too.

// nameEvict removes keys for want of memory.
const nameEvict = "redraft-evict"

func evictCommands() []*command.Spec {
	return []*command.Spec{
		{Name: nameEvict, Usage: "key [key ...]", Group: "server", Since: "1.0.0",
			Summary: "Remove keys for want of memory", Flags: command.Write | command.Internal,
			Keys: command.KeyRange(1, -1, 1, command.RM|command.Delete), Handler: handler(evictCommand)},
	}
}

// Evict is the item that removes keys of a database for want of memory. Those that the policy spares by then, for
// want of a deadline, stay.
func Evict(db int, keys [][]byte) []byte {
	return AppendItem(nil, db, append([][]byte{[]byte(nameEvict)}, keys...))
}

func evictCommand(r *run) {
	n := 0
	for _, key := range r.args[1:] {
		e, found := r.lookupWrite(key)
		if !found || r.state.parameters.policy.spares(e.cell) {
			continue
		}
		r.db.remove(e)
		r.state.evicted++
		r.touchedIn(r.number, key)
		r.event(EventEvicted, "evicted", key)
		n++
	}
	r.out.Int(int64(n))
}

// spares reports whether a key is not to be evicted. Under noeviction what was chosen before goes.
func (p policy) spares(c cell) bool { return p.volatile() && c.deadline() == 0 }

// A Victim is a key that was chosen to be evicted.
type Victim struct {
	DB    int
	Key   []byte
	Bytes int64 // what its removal gives
}

// An Eviction chooses victims. It belongs to who asks, one at a time: it remembers good candidates from one
// choice to the next, which makes a few samples go a long way, and what it has chosen until Done. The zero value
// is ready.
type Eviction struct {
	pool   []candidate // the worst to lose first, the best to evict last
	policy policy      // that the pool is about
	chosen map[databaseKey]bool
	turn   int // the database whose turn it is, where any key will do
}

const (
	poolSize   = 16
	chooseMost = 64 // victims under one lock
)

// candidate is a key that might be evicted.
type candidate struct {
	db    int
	key   []byte
	score uint64 // the greater, the better it is to evict
}

// Choose returns keys whose removal gives at least need bytes, or as many as it finds under one lock; none if there is
// nothing that the policy lets go. elapsed is as in Read, seed where chance comes from.
func (m *Machine) Choose(ev *Eviction, elapsed int64, seed uint64, need int64) (victims []Victim) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	p := &m.state.parameters
	if p.policy == noEviction {
		return nil
	}
	if ev.policy != p.policy {
		ev.policy, ev.pool = p.policy, nil
	}
	s := sampling{m.state, ev, random(seed), m.state.clock + elapsed}
	for len(victims) < chooseMost && need > 0 {
		v, ok := s.next()
		if !ok {
			break
		}
		ev.choose(v)
		victims = append(victims, v)
		need -= v.Bytes
	}
	return victims
}

func (ev *Eviction) choose(v Victim) {
	if ev.chosen == nil {
		ev.chosen = map[databaseKey]bool{}
	}
	ev.chosen[databaseKey{v.DB, string(v.Key)}] = true
}

// Done forgets victims, which have been evicted or will not be.
func (ev *Eviction) Done(victims []Victim) {
	for _, v := range victims {
		delete(ev.chosen, databaseKey{v.DB, string(v.Key)})
	}
}

func (ev *Eviction) has(db int, key []byte) bool { return ev.chosen[databaseKey{db, string(key)}] }

// sampling is one choice as it is made.
type sampling struct {
	*state
	ev     *Eviction
	random random
	now    int64
}

// next is the next victim.
func (s *sampling) next() (Victim, bool) {
	if s.parameters.policy.random() {
		return s.any()
	}
	for range 4 * poolSize {
		if s.parameters.policy != volatileTTL || len(s.ev.pool) == 0 { // deadlines are in order: the pool is exact
			s.refill()
		}
		n := len(s.ev.pool)
		if n == 0 {
			break
		}
		c := s.ev.pool[n-1]
		s.ev.pool = s.ev.pool[:n-1]
		if v, ok := s.victim(c.db, c.key, c.score); ok {
			return v, true
		}
	}
	return Victim{}, false
}

// victim is a key as a victim, if it may be one and is still as good to evict as a score says.
func (s *sampling) victim(number int, key []byte, score uint64) (Victim, bool) {
	if number >= len(s.databases) || s.ev.has(number, key) {
		return Victim{}, false
	}
	db := s.databases[number]
	e, found := db.find(key)
	if !found || s.parameters.policy.spares(e.cell) || s.score(e.cell) < score {
		return Victim{}, false
	}
	return Victim{number, key, db.bytesOf(e.cell)}, true
}

// candidates is how many keys of a database the policy lets go.
func (s *sampling) candidates(db *database) int {
	if s.parameters.policy.volatile() {
		return db.due.Len()
	}
	return db.keys
}

// draw is any of them.
func (s *sampling) draw(db *database) cell {
	if s.parameters.policy.volatile() {
		d, _ := db.due.GetAt(s.random.below(db.due.Len()))
		return db.cellAt(d.ref)
	}
	return db.nth(s.random.below(db.keys))
}

// any is a victim of the random policies, from one database after the other.
func (s *sampling) any() (Victim, bool) {
	const tries = 8 // where most keys are chosen already
	for range s.databases {
		s.ev.turn = (s.ev.turn + 1) % len(s.databases)
		db := s.databases[s.ev.turn]
		if s.candidates(db) == 0 {
			continue
		}
		for range tries {
			if v, ok := s.victim(s.ev.turn, bytes.Clone(db.keyOf(s.draw(db))), 0); ok {
				return v, true
			}
		}
	}
	return Victim{}, false
}

// refill looks at some keys of each database and keeps those that are better to evict than what the pool has.
func (s *sampling) refill() {
	for i, db := range s.databases {
		n := s.candidates(db)
		if n == 0 {
			continue
		}
		switch samples := min(n, s.parameters.samples); {
		case s.parameters.policy == volatileTTL:
			s.soonest(i, db)
		case s.parameters.policy.volatile():
			for range samples {
				s.consider(i, db, s.draw(db))
			}
		default:
			s.neighbours(i, db, samples)
		}
	}
}

// neighbours considers so many keys that follow each other in the order of their hashes, from any of them on.
func (s *sampling) neighbours(number int, db *database, samples int) {
	p := db.nthPlace(s.random.below(db.keys))
	look := func(c cell) {
		if samples > 0 {
			s.consider(number, db, c)
			samples--
		}
	}
	db.scan(uint64(p.slot)<<32|uint64(p.frag), samples, look)
	if samples > 0 {
		db.scan(0, samples, look)
	}
}

// soonest considers the keys of a database that fall due first.
func (s *sampling) soonest(number int, db *database) {
	left := poolSize
	db.due.Scan(func(d deadline) bool {
		c := db.cellAt(d.ref)
		if !s.ev.has(number, db.keyOf(c)) {
			s.consider(number, db, c)
			left--
		}
		return left > 0
	})
}

// consider puts a key into the pool if it is better than the worst there, or there is room.
func (s *sampling) consider(number int, db *database, c cell) {
	pool, score := s.ev.pool, s.score(c)
	if len(pool) == poolSize && score <= pool[0].score {
		return
	}
	key := db.keyOf(c)
	if s.ev.has(number, key) || slices.ContainsFunc(pool, func(o candidate) bool { return o.db == number && bytes.Equal(o.key, key) }) {
		return
	}
	if len(pool) == poolSize {
		pool = slices.Delete(pool, 0, 1)
	}
	at, _ := slices.BinarySearchFunc(pool, score, func(o candidate, score uint64) int { return cmp.Compare(o.score, score) })
	s.ev.pool = slices.Insert(pool, at, candidate{number, bytes.Clone(key), score})
}

// score says how good it is to evict a key.
func (s *sampling) score(c cell) uint64 {
	switch p := &s.parameters; {
	case p.policy == volatileTTL:
		return ^uint64(c.deadline())
	case p.policy.counts():
		return uint64(countMask - p.agedCount(c.access(), p.accessTime(s.now)))
	}
	return uint64(c.idleTime(s.now))
}

// nthPlace is the place of the n-th key in canonical order.
func (db *database) nthPlace(n int) place {
	slot, n := db.nthSlot(n)
	frag, _ := db.slots[slot].Nth(n)
	return place{uint16(slot), frag}
}

// nthSlot is the slot of the n-th key in canonical order, and the key's number in there.
func (db *database) nthSlot(n int) (slot, rest int) {
	b := 0
	for ; n >= db.blocks[b]; b++ {
		n -= db.blocks[b]
	}
	slot = b * slotsBlock
	for ; n >= db.slots[slot].Len(); slot++ {
		n -= db.slots[slot].Len()
	}
	return slot, n
}

// nth is the n-th key in canonical order, 0 ≤ n < keys.
func (db *database) nth(n int) cell {
	slot, n := db.nthSlot(n)
	_, ref := db.slots[slot].Nth(n)
	return db.cellAt(arena.Ref(ref))
}
