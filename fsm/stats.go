package fsm

// Stats are figures about a machine, as INFO shows them.
type Stats struct {
	Databases    []DatabaseStats // those that have keys
	Hits, Misses uint64          // keys that readers found, and did not, since the process began
	Expired      uint64          // keys removed because they were due, since the cluster began
	Evicted      uint64          // keys removed for want of memory, since the cluster began
	LazyFreed    uint64          // large values, and keys of databases that were emptied, whose memory was given back later
	LazyPending  uint64          // large values that are not given back yet
	Changes      uint64          // since the last snapshot
	Loaded       uint64          // keys of the snapshot that was restored last
	ExpireCapped uint64          // entries that left what was due to the next, since the process began
	ExpireNanos  uint64          // spent on removing what was due, since the process began, if the machine is timed
	Mapped       int64           // bytes of memory that cells lie in, free ones included
	Live         int64           // bytes of cells in use
	Memory       MemoryUse
	Scripts      int // in the cache of scripts
	ScriptBytes  int // of their sources
}

// DatabaseStats are the figures of one database.
type DatabaseStats struct {
	Number     int
	Keys       int
	Expires    int   // keys with a deadline
	AverageTTL int64 // ms, an estimate
	Memory     MemoryUse
}

// Stats returns the figures as they are now.
func (m *Machine) Stats() Stats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	st := m.state
	s := Stats{Hits: m.hits.Load(), Misses: m.misses.Load(), Expired: st.expired, Evicted: st.evicted,
		LazyFreed: m.lazyFreed, Changes: m.changes.Load(), Memory: st.memory(),
		Scripts: len(st.scripts.byDigest), ScriptBytes: st.scripts.bytes + st.scripts.leftover,
		Loaded: m.loaded.Load(), ExpireCapped: m.capped.Load(), ExpireNanos: m.expireNanos.Load()}
	for i, db := range st.databases {
		a := db.mem.Arena.Stats()
		s.Mapped += a.Mapped
		s.Live += a.Live
		s.LazyPending += uint64(len(db.doomed))
		if db.keys > 0 {
			s.Databases = append(s.Databases, DatabaseStats{i, db.keys, db.due.Len(), db.averageTTL(st.clock), db.memory()})
		}
	}
	return s
}
