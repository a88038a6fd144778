package fsm

import "slices"

// A Tail is a session of this node that waits for new entries of streams: XREAD with BLOCK takes nothing, so
// nobody else hears of it. Follow and Unfollow enclose the time in which the machine may write to Call.Out.
type Tail struct {
	Call Call
	Wake func() // called once, under the machine's lock, when the answer has been written

	reader *streamReader // what it waits for; nil if it does not
}

// tails are those of this node that wait.
type tails struct {
	all   []*Tail
	byKey map[databaseKey]int // how many wait for a key
	ready []databaseKey       // keys that were touched since
}

// count adds n to the tails that wait for each key of one.
func (l *tails) count(t *Tail, n int) {
	if l.byKey == nil {
		l.byKey = map[databaseKey]int{}
	}
	for _, k := range t.reader.keys {
		key := databaseKey{t.Call.DB, string(k)}
		if l.byKey[key] += n; l.byKey[key] == 0 {
			delete(l.byKey, key)
		}
	}
}

// Follow runs a reading command as Read does. If there is nothing to read and the command wants to wait, it
// returns true and for how long, in ms, 0 for ever: the answer is written as soon as there is something.
func (m *Machine) Follow(t *Tail, elapsed int64, seed uint64) (limit int64, waits bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.readers.Get().(*run)
	defer m.readers.Put(r)
	r.begin(m.state, t.Call, seed)
	r.writing, r.machine, r.elapsed, r.tail = false, m, elapsed, t
	t.Call.Spec.Handler.(handler)(r)
	r.then(&t.Call)
	r.end()
	if t.reader == nil {
		return 0, false
	}
	m.tails.all = append(m.tails.all, t)
	m.tails.count(t, 1)
	return t.reader.block, true
}

// Unfollow ends the waiting, and reports whether the answer has been written.
func (m *Machine) Unfollow(t *Tail) (answered bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(m.tails.all, t)
	if i >= 0 {
		m.tails.all = slices.Delete(m.tails.all, i, i+1)
		m.tails.count(t, -1)
	}
	return i < 0
}

// touched notes a key that may have something for who waits.
func (l *tails) touched(key databaseKey) {
	if l.byKey[key] > 0 && !slices.Contains(l.ready, key) {
		l.ready = append(l.ready, key)
	}
}

// touchedAll is touched for every key that somebody waits for.
func (l *tails) touchedAll() {
	for _, t := range l.all {
		for _, key := range t.reader.keys {
			l.touched(databaseKey{t.Call.DB, string(key)})
		}
	}
}

// wants is the place of a key among those that a tail reads, -1 if it does not.
func (t *Tail) wants(key databaseKey) int {
	if t.Call.DB != key.db {
		return -1
	}
	return slices.IndexFunc(t.reader.keys, func(k []byte) bool { return string(k) == key.key })
}

// serveTails answers who waits for a key that was touched, with what there is under that key alone.
func (m *Machine) serveTails() {
	for _, key := range m.tails.ready {
		m.tails.all = slices.DeleteFunc(m.tails.all, func(t *Tail) bool {
			i := t.wants(key)
			if i < 0 || !m.serveTail(t, i) {
				return false
			}
			m.tails.count(t, -1)
			return true
		})
	}
	m.tails.ready = m.tails.ready[:0]
}

// serveTail answers a tail with what the i-th of its streams has for it, if that is anything.
func (m *Machine) serveTail(t *Tail, i int) bool {
	r := m.readers.Get().(*run)
	defer m.readers.Put(r)
	r.begin(m.state, t.Call, 0)
	r.writing, r.machine = false, m
	defer r.end()
	a, ok := r.serve(t.reader, i)
	if ok {
		r.answerReader(t.reader, []served{a})
		t.Wake()
	}
	return ok
}
