package fsm

import (
	"bytes"
	"cmp"

	"github.com/redraftdb/redraft/fsm/arena"
)

// expireAnEntry bounds how many due keys one entry removes; the next entry goes on.
const expireAnEntry = 1000

// deadline is an element of a database's index of what falls due. Its order is the order in which
// keys are removed, so it depends on nothing but times and keys.
type deadline struct {
	at int64 // ms since the epoch
	place
	ref arena.Ref
}

// sooner is the order of deadlines.
func (db *database) sooner(a, b deadline) bool {
	if c := cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.slot, b.slot), cmp.Compare(a.frag, b.frag)); c != 0 {
		return c < 0
	}
	return a.ref != b.ref && bytes.Compare(db.keyOf(db.cellAt(a.ref)), db.keyOf(db.cellAt(b.ref))) < 0
}

// expire ends the waiting of whose time is up, and removes what is due, within the bound of one entry.
func (m *Machine) expire() {
	now := m.state.clock
	for t := m.state.parked.due(now); t != nil; t = m.state.parked.due(now) {
		m.timeOut(t)
	}
	if !m.state.parameters.activeExpire {
		return
	}
	left := expireAnEntry
	for i, db := range m.state.databases {
		left -= db.expire(now, left, func(key []byte) { m.expiring(i, key) })
	}
	if left <= 0 {
		m.capped.Add(1)
	}
	m.expireFields(left)
}

// expiring takes note that a key is about to be removed because it is due.
func (m *Machine) expiring(db int, key []byte) {
	m.state.expired++
	m.state.note(expiredKey, db, key)
	if m.tracker != nil {
		m.tracker.Changed(nil, key)
	}
	if len(m.watchers.all) > 0 {
		m.watchers.expired(db, key)
	}
	if m.state.parked.tickets.Len() > 0 {
		m.state.signal(databaseKey{db, string(key)})
	}
	m.event(EventExpired, "expired", db, key)
}

// expire removes what is due at now, at most limit keys, each after it has told of it, and returns how many
// it removed.
func (db *database) expire(now int64, limit int, tell func(key []byte)) int {
	n := 0
	for ; n < limit; n++ {
		d, ok := db.due.Min()
		if !ok || d.at > now {
			break
		}
		e := entry{d.place, d.ref, db.cellAt(d.ref)}
		tell(db.keyOf(e.cell))
		db.remove(e)
	}
	return n
}

// dueAfter is the first deadline of a key that is later than now, 0 if there is none.
func (db *database) dueAfter(now int64) (at int64) {
	if d, ok := db.due.Min(); !ok || d.at > now {
		return d.at
	}
	behind := deadline{at: now, place: place{slot: slotCount}} // all that are due at now
	db.due.Ascend(behind, func(d deadline) bool {
		at = d.at
		return false
	})
	return at
}

// averageTTL estimates the mean time to live in ms, from a few deadlines spread over the index.
func (db *database) averageTTL(now int64) int64 {
	const samples = 16
	n := db.due.Len()
	if n == 0 {
		return 0
	}
	var sum int64
	for i := range samples {
		d, _ := db.due.GetAt(i * (n - 1) / (samples - 1))
		sum += max(0, d.at-now)
	}
	return sum / samples
}
