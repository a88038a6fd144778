package fsm

import "github.com/redraftdb/redraft/fsm/acl"

// state is the replicated state: what a snapshot holds, and what the same entries make the same
// on every node. Restore replaces it whole.
type state struct {
	index, term uint64 // of the last entry applied, configuration entries included
	clock       int64  // the last entry's stamp, ms since the epoch
	seed        uint64 // of all hashes; the first entry's, 0 before it
	expired     uint64 // keys removed because they were due
	evicted     uint64 // keys removed for want of memory
	stamp       uint32 // the access word of what is used now
	databases   []*database
	parameters  parameters
	users       *acl.Users // the default user always among them
	nodes       []NodeAddr
	digest      digest
	recent      recent
	parked      parked
	scripts     scripts
	functions   *functions
	format      uint64 // of the snapshot it was read from; 0 for none, or one that is not ours
}

func newState() *state {
	st := &state{parameters: defaultParameters(), users: acl.New(), parked: newParked(), functions: newFunctions(nil)}
	st.clear()
	return st
}

// clear makes every database an empty one.
func (st *state) clear() {
	st.databases = make([]*database, st.parameters.databases)
	for i := range st.databases {
		st.databases[i] = st.newDatabase()
	}
}

// newDatabase is an empty database of the state's.
func (st *state) newDatabase() *database {
	db := newDatabase(st.seed)
	db.stamp = st.stamp
	return db
}

// resize makes as many databases as the parameters say.
func (st *state) resize() {
	for len(st.databases) < st.parameters.databases {
		st.databases = append(st.databases, st.newDatabase())
	}
	st.databases = st.databases[:st.parameters.databases]
}

// begin takes an entry's place in the log, its clock and its seed.
func (st *state) begin(index uint64, stamp int64, seed uint64) {
	st.index = index
	st.clock = max(st.clock, stamp)
	st.restamp()
	if st.seed == 0 {
		st.reseed(seed | 1)
	}
}

// reseed gives the hashes their seed. If there are keys by then they come from another server's
// file, which has none, and their order changes.
func (st *state) reseed(seed uint64) {
	old := st.databases
	st.seed = seed
	st.clear()
	for i, from := range old {
		from.each(func(c cell) { st.databases[i].putCopy(from.keyOf(c), from, c) })
	}
}

// nextDue is the earliest deadline, in ms since the epoch; 0 if there is none. What stays though it is due does not
// count: an entry would change nothing.
func (st *state) nextDue() int64 {
	var at int64
	from := int64(0)
	if !st.parameters.activeExpire {
		from = st.clock
	}
	for _, db := range st.databases {
		for _, d := range [2]int64{db.dueAfter(from), db.fieldDueAfter(from)} {
			if d != 0 && (at == 0 || d < at) {
				at = d
			}
		}
	}
	if t, ok := st.parked.byDeadline.Min(); ok && (at == 0 || t.deadline < at) {
		at = t.deadline
	}
	return at
}

// keys is how many there are in all databases.
func (st *state) keys() (n uint64) {
	for _, db := range st.databases {
		n += uint64(db.keys)
	}
	return n
}

// freeze takes a view of everything.
func (st *state) freeze() *view {
	v := &view{aux: st.aux(), recent: st.recent.clone(), functions: st.functions}
	for i, db := range st.databases {
		if db.keys > 0 {
			v.databases = append(v.databases, db.freeze(i))
		}
	}
	return v
}
