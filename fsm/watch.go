package fsm

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A Watcher is what WATCH leaves behind: keys, and whether one of them has changed since. Its session owns
// it, but its fields belong to the Machine, and are touched under the machine's lock alone. The zero Watcher
// watches nothing.
//
// The machine marks it as entries are applied. That covers what this node has applied; Vouch says up to
// where, and the transaction's item carries it, so that Apply can look at what has happened since.
type Watcher struct {
	keys   []watch
	marked bool
	place  int // among the machine's watchers; only with keys
}

// A watch is one watched key.
type watch struct {
	db    int
	key   string
	stale bool // it was due already, so that its removal is no change
}

// databaseKey is a key of a database.
type databaseKey struct {
	db  int
	key string
}

// watchers are those of this node, also by key.
type watchers struct {
	all   []*Watcher
	byKey map[databaseKey][]*Watcher
}

// Watch has w watch keys of a database from now on.
func (m *Machine) Watch(w *Watcher, db int, keys [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.marked {
		return
	}
	for _, key := range keys {
		at := databaseKey{db, string(key)}
		if slices.Contains(m.watchers.byKey[at], w) {
			continue
		}
		e, found := m.state.databases[db].find(key)
		m.watchers.add(w, watch{db, at.key, found && m.state.isDue(e.cell)})
	}
}

// Unwatch has w watch nothing any more, and forget that it was marked.
func (m *Machine) Unwatch(w *Watcher) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watchers.remove(w)
	w.marked = false
}

// Marked reports whether a key that w watches has changed.
func (m *Machine) Marked(w *Watcher) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return w.marked
}

// Vouch returns what Transaction needs to know of the keys that w watches, and whether all of them are as
// they were.
func (m *Machine) Vouch(w *Watcher) (watched []byte, same bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !m.holds(w) {
		return nil, false
	}
	return m.state.appendWatches(nil, w.keys), true
}

// holds reports whether the keys that w watches are as they were, as far as this node knows.
func (m *Machine) holds(w *Watcher) bool {
	return !w.marked && !slices.ContainsFunc(w.keys, m.state.hasExpired)
}

// hasExpired reports whether a key has become due since it is watched. It is still there.
func (st *state) hasExpired(w watch) bool {
	if w.stale || w.db >= len(st.databases) {
		return false
	}
	e, found := st.databases[w.db].find([]byte(w.key))
	return found && st.isDue(e.cell)
}

func (l *watchers) add(w *Watcher, k watch) {
	if len(w.keys) == 0 {
		w.place = len(l.all)
		l.all = append(l.all, w)
	}
	w.keys = append(w.keys, k)
	if l.byKey == nil {
		l.byKey = map[databaseKey][]*Watcher{}
	}
	at := databaseKey{k.db, k.key}
	l.byKey[at] = append(l.byKey[at], w)
}

func (l *watchers) remove(w *Watcher) {
	if len(w.keys) == 0 {
		return
	}
	for _, k := range w.keys {
		at := databaseKey{k.db, k.key}
		of := l.byKey[at]
		i, last := slices.Index(of, w), len(of)-1
		of[i], of[last] = of[last], nil
		if l.byKey[at] = of[:last]; last == 0 {
			delete(l.byKey, at)
		}
	}
	last := l.all[len(l.all)-1]
	l.all[w.place], last.place = last, w.place
	l.all[len(l.all)-1] = nil
	l.all = l.all[:len(l.all)-1]
	w.keys = nil
}

// mark marks w, which need not watch anything any more.
func (l *watchers) mark(w *Watcher) {
	w.marked = true
	l.remove(w)
}

// changed marks whoever watches a key that has changed.
func (l *watchers) changed(db int, key []byte) {
	for of := l.byKey[databaseKey{db, string(key)}]; len(of) > 0; of = l.byKey[databaseKey{db, string(key)}] {
		l.mark(of[len(of)-1])
	}
}

// expired marks whoever watches a key that was removed because it was due, unless it was due then.
func (l *watchers) expired(db int, key []byte) {
	of := slices.Clone(l.byKey[databaseKey{db, string(key)}])
	for _, w := range of {
		k := w.find(db, key)
		if k.stale {
			k.stale = false
			continue
		}
		l.mark(w)
	}
}

// find is the watch of a key, which there is.
func (w *Watcher) find(db int, key []byte) *watch {
	i := slices.IndexFunc(w.keys, func(k watch) bool { return k.db == db && k.key == string(key) })
	return &w.keys[i]
}

// replaced marks whoever watches a key of a database whose keys are about to become those of another, nil
// for none, if that changes the key.
func (l *watchers) replaced(st *state, db int, with *database) {
	for i := len(l.all) - 1; i >= 0; i-- {
		w := l.all[i] // what mark puts in its place has been looked at
		for j := range w.keys {
			if k := &w.keys[j]; k.db == db && st.replaces(k, with) {
				l.mark(w)
				break
			}
		}
	}
}

// replaces reports whether a watched key changes when its database's keys become those of another. What is
// due is as good as absent, before and after.
func (st *state) replaces(k *watch, with *database) bool {
	_, before := st.databases[k.db].find([]byte(k.key))
	after, dueAfter := false, false
	if with != nil {
		var e entry
		e, after = with.find([]byte(k.key))
		dueAfter = after && st.isDue(e.cell)
	}
	switch {
	case !before && !after:
		return false
	case k.stale && !after:
		k.stale = false
		return false
	case k.stale && dueAfter:
		return false
	case !before && dueAfter:
		k.stale = true
		return false
	}
	return true
}

// The flags of a watched key in a transaction's item.
const (
	watchStale  = 1 << iota // it was due when it was first watched, and is still there
	watchAbsent             // it is not there
	watchFlags  = 2         // bits
)

// appendWatches appends the keys and the index up to which they are known to be unchanged:
//
//	uvarint   index
//	for each  uvarint, database << 2 | flags; uvarint length, key
//
// Nothing at all stands for no keys.
func (st *state) appendWatches(dst []byte, keys []watch) []byte {
	if len(keys) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, st.index)
	for _, k := range keys {
		flags := uint64(0)
		if k.stale {
			flags |= watchStale
		}
		if _, found := st.databases[k.db].find([]byte(k.key)); !found {
			flags |= watchAbsent
		}
		dst = binary.AppendUvarint(dst, uint64(k.db)<<watchFlags|flags)
		dst = binary.AppendUvarint(dst, uint64(len(k.key)))
		dst = append(dst, k.key...)
	}
	return dst
}

// A promise is the watched keys of a transaction as its item has them.
type promise struct {
	index uint64
	keys  []promisedKey // in the order of their hashes
}

type promisedKey struct {
	watch
	absent bool
	hash   uint64
}

// readWatches reads what appendWatches has written.
func (st *state) readWatches(b []byte) (p promise, ok bool) {
	if len(b) == 0 {
		return p, true
	}
	if p.index, b, ok = cutUvarint(b); !ok {
		return p, false
	}
	for len(b) > 0 {
		head, rest, ok := cutUvarint(b)
		size, rest, ok2 := cutUvarint(rest)
		db := head >> watchFlags
		if !ok || !ok2 || size > uint64(len(rest)) || db >= uint64(len(st.databases)) {
			return p, false
		}
		key := rest[:size]
		p.keys = append(p.keys, promisedKey{
			watch:  watch{int(db), string(key), head&watchStale != 0},
			absent: head&watchAbsent != 0,
			hash:   st.hashOf(int(db), key),
		})
		b = rest[size:]
	}
	slices.SortFunc(p.keys, func(a, b promisedKey) int { return cmp.Compare(a.hash, b.hash) })
	return p, true
}

// kept reports whether the promised keys are as they were. That is unknown, and so false, if more has
// happened since than the machine remembers.
func (st *state) kept(p *promise) bool {
	if len(p.keys) == 0 {
		return true
	}
	if st.recent.lost > p.index {
		return false
	}
	kept := true
	seen := map[uint64]bool{} // what has been found to be no change
	st.recent.since(p.index, func(what uint64) bool {
		if what%changeKinds == changedKey || what%changeKinds == expiredKey {
			kept = !p.changedBy(what)
		} else if !seen[what] {
			seen[what] = true
			kept = !slices.ContainsFunc(p.keys, func(k promisedKey) bool { return k.replacedBy(what) })
		}
		return kept
	})
	return kept && !slices.ContainsFunc(p.keys, func(k promisedKey) bool { return st.hasExpired(k.watch) })
}

// changedBy reports whether a change of a key is one of a promised key.
func (p *promise) changedBy(what uint64) bool {
	hash := what &^ (changeKinds - 1)
	i, found := slices.BinarySearchFunc(p.keys, hash, func(k promisedKey, hash uint64) int { return cmp.Compare(k.hash, hash) })
	for ; found && i < len(p.keys) && p.keys[i].hash == hash; i++ {
		if what%changeKinds == changedKey || !p.keys[i].stale {
			return true
		}
	}
	return false
}

// replacedBy reports whether a change of a database is one of the key.
func (k *promisedKey) replacedBy(what uint64) bool {
	if what/changeKinds != uint64(k.db) {
		return false
	}
	return what%changeKinds == swappedDatabase || !k.stale && !k.absent
}

// restored marks whoever watches a key that has changed, or may have, between the state that was and the
// one that has come in its place.
func (l *watchers) restored(old, now *state) {
	for i := len(l.all) - 1; i >= 0; i-- {
		w := l.all[i] // what mark puts in its place has been looked at
		if p, ok := now.readWatches(old.appendWatches(nil, w.keys)); !ok || !now.kept(&p) {
			l.mark(w)
		}
	}
}
