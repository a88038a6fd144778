package fsm

// What is known of memory is counted as it is taken and given up: it depends on no collection, and asking costs
// nothing. It counts the arena's cells in use, what large values take beside them, and the indexes at what they
// take on the average, so that without anything given up it is the sum of what MEMORY USAGE says of all keys.

// What a key takes beside its cell, in bytes.
const (
	placeSize    = 11 // of a table that is about three quarters full
	deadlineSize = 48 // the element, in nodes that are about half full
	fieldsSize   = 80 // the element, and its place in the map
)

// tablesSize is what a database takes that has had a key.
const tablesSize = slotCount * 40

// MemoryUse says what a machine takes, in bytes.
type MemoryUse struct {
	Data    int64 // keys and values
	Tables  int64 // the tables that keys are found by
	Expires int64 // the indexes of deadlines
	Pending int64 // given up and not yet free: seen by a snapshot that is written, or waiting for its turn
}

// Used is all but what is given up already.
func (u MemoryUse) Used() int64 { return u.Data + u.Tables + u.Expires }

func (u *MemoryUse) add(o MemoryUse) {
	u.Data += o.Data
	u.Tables += o.Tables
	u.Expires += o.Expires
	u.Pending += o.Pending
}

// cellBytes is the bytes of cells in use, without those that a view alone sees.
func (db *database) cellBytes() int64 { return db.mem.Arena.Stats().Live - db.mem.RetiredBytes }

// memory is what the database takes.
func (db *database) memory() MemoryUse {
	u := MemoryUse{
		Data:    db.cellBytes() - db.doomedBytes + db.objects.bytes,
		Tables:  placeSize * int64(db.keys),
		Expires: deadlineSize*int64(db.due.Len()) + fieldsSize*int64(len(db.fields.at)),
		Pending: db.mem.RetiredBytes + db.doomedBytes + db.objects.retiredBytes,
	}
	if db.slots != nil {
		u.Tables += tablesSize
	}
	return u
}

// memory is what the state takes.
func (st *state) memory() MemoryUse {
	var u MemoryUse
	for _, db := range st.databases {
		u.add(db.memory())
	}
	return u
}

// measure makes what others read of memory without the lock.
func (m *Machine) measure() {
	untidy := false
	for _, db := range m.state.databases {
		untidy = untidy || len(db.doomed) > 0 || db.holes()
	}
	m.used.Store(m.state.memory().Used())
	m.untidy.Store(untidy)
}

// Used is how many bytes the data take, as of the last entry: what is given up does not count, whether it is free
// already or not.
func (m *Machine) Used() int64 { return m.used.Load() }

// MaxMemory is how many bytes the leader may use, 0 for no limit.
func (m *Machine) MaxMemory() int64 { return m.parameters.Load().maxMemory }

// Tenacity is maxmemory-eviction-tenacity.
func (m *Machine) Tenacity() int { return m.parameters.Load().tenacity }

// Tidy frees up to so many cells of values that were deleted and moves as many out of memory that is nearly empty,
// and reports whether there is more to do. Entries do the same as they are applied; Tidy is for when there are none.
func (m *Machine) Tidy(cells int) (more bool) {
	if !m.untidy.Load() {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, db := range m.state.databases {
		m.lazyFreed += uint64(db.reclaim(cells))
		db.evacuate(min(cells, evacuateAnEntry*8))
		more = more || len(db.doomed) > 0
	}
	m.measure()
	return more
}
