package fsm

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/lua"
	"github.com/redraftdb/redraft/fsm/reply"
)

// ErrSnapshotRunning says that a view is held already; a machine has one at a time.
var ErrSnapshotRunning = errors.New("a snapshot is being written already")

const (
	reclaimAnEntry  = 512  // cells of deleted values freed with each entry, at least
	evacuateAnEntry = 64   // cells looked at with each entry while the arena is sparse
	thawAtOnce      = 4096 // cells given back under one lock when a view is released
)

// A Machine is the replicated keyspace. Apply and Restore change it and have it for themselves;
// Read may run beside other reads. One mutex is all there is between them: like Redis, the
// machine runs one writing command at a time.
type Machine struct {
	table *command.Table

	mu      sync.RWMutex
	state   *state
	frozen  *view          // the view that is held, if any
	writer  run            // Apply's, kept for its buffers
	inner   run            // of the items inside of items, and of those that waited
	starved bool           // the leader had no memory left when it took the item that is applied
	readers sync.Pool      // of *run, for Read
	engines sync.Pool      // of *lua.Engine
	known   *command.Table // what clients can send, for scripts
	timing  stopwatch

	// What sessions of this node want to be told. None of it is replicated.
	scripts  ScriptHooks
	observer Observer
	access   func(earlier, now *Access)
	tracker  Tracker
	author   *Origin            // of the present item, if anybody wants to know
	added    []func(key []byte) // what tells the observer of new keys, by database
	deliver  func(p Publication) int
	replaced func() // the state has been, by a snapshot
	toldFrom uint64 // index of the last entry of which nobody is told
	watchers watchers
	waiters  waiters
	tails    tails

	clock       atomic.Int64
	due         atomic.Int64
	parameters  atomic.Pointer[parameters]
	users       atomic.Pointer[Access]
	hits        atomic.Uint64
	misses      atomic.Uint64
	changes     atomic.Uint64 // writes since the last snapshot
	loaded      atomic.Uint64 // keys of the snapshot restored last
	capped      atomic.Uint64 // entries that did not remove all that was due
	expireNanos atomic.Uint64
	used        atomic.Int64 // bytes; see Used
	untidy      atomic.Bool  // Tidy has something to do
	lazyFreed   uint64       // large values freed after they were deleted
	functions   atomic.Pointer[functions]
}

// New returns an empty machine.
func New() *Machine {
	table, err := command.NewTable(Commands()...)
	if err != nil {
		panic(err) // a command is declared wrongly; every test finds it
	}
	m := &Machine{table: table, state: newState()}
	m.readers.New = func() any { return new(run) }
	m.engines.New = func() any { return lua.NewEngine() }
	m.known = table
	m.users.Store(&Access{Users: m.state.users})
	m.publish()
	return m
}

// Know tells the machine which commands clients can send, those of the server's included: the ones that scripts may
// call. It is the same table on all nodes, and set before anything is applied.
func (m *Machine) Know(table *command.Table) { m.known = table }

// ScriptHooks tell a node of the scripts that run in its machine, under the machine's lock.
type ScriptHooks struct {
	Log func(level int, text string) // what redis.log writes, from level 0 (debug) to 3 (warning)
	// Began says that a script of an entry begins, one of a library's functions or not, by these arguments.
	Began func(function bool, args [][]byte)
	Ended func()
	// Called says that a script for a client of this node, or of one that follows it, has called a command, nil for
	// one that there is not; that it was rejected before it ran; and the error that it answered, if any. Of a script
	// that is given up at its first write (Call.Abandoned) it has told by then.
	Called func(spec *command.Spec, db int, args [][]byte, rejected bool, failed string)
	// Denied says that such a script was not allowed to call a command, by the rules for its user.
	Denied func(user string, v acl.Verdict, spec *command.Spec, args [][]byte)
	// Repeated says that such a script answers with an error that Called has told of.
	Repeated func(text string)
}

// ServeScripts sets the hooks. Like Know it comes before anything is applied.
func (m *Machine) ServeScripts(h ScriptHooks) { m.scripts = h }

// Apply runs one committed entry: its items in order, with the clock (ms since the epoch) and the
// seed that the leader gave it. Where local has a reply.Sink at an item's place the item's answer
// goes there; it may be shorter than items. Entries arrive in the order of their indexes; an item
// that this version cannot run is a broken invariant, and Apply panics rather than diverge.
func (m *Machine) Apply(index, term uint64, stamp int64, seed uint64, items [][]byte, local []any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if index <= m.state.index {
		panic(fmt.Sprintf("fsm: entry %d applied after entry %d", index, m.state.index))
	}
	m.enter(term)
	m.state.begin(index, stamp, seed)
	if due := m.state.nextDue(); due != 0 && due <= m.state.clock {
		m.expireNanos.Add(uint64(m.timing.removing(m.expire)))
	}
	m.serveReady()
	m.timing.stale = true
	for i, item := range items {
		if i%warmKeys == 0 && len(items)-i >= warmLeast {
			m.writer.warmth.warmItems(m.state.databases[0], items[i:min(len(items), i+warmKeys)])
		}
		var out reply.Sink = reply.Discard
		if i < len(local) && local[i] != nil {
			out = local[i].(reply.Sink)
		}
		item, m.starved = unwrap(item)
		m.timing.start(out)
		m.apply(&m.writer, item, itemSeed(seed, i), out)
		m.timing.lap(out)
		m.serveReady()
	}
	m.writer.end()
	m.inner.end()
	if m.tracker != nil {
		m.tracker.Applied()
	}
	for _, db := range m.state.databases {
		m.lazyFreed += uint64(db.reclaim(reclaimAnEntry))
		db.evacuate(evacuateAnEntry)
	}
	m.publish()
}

// apply runs an item. One that this version cannot run is a broken invariant.
func (m *Machine) apply(r *run, item []byte, seed uint64, out reply.Sink) {
	spec, args, db, err := m.readItem(item, r.args[:0])
	if err != nil {
		panic(fmt.Sprintf("fsm: entry %d: %v", m.state.index, err))
	}
	around := m.author
	author, read := marks(item)
	if author != nil {
		m.author = author
	}
	r.begin(m.state, Call{Spec: spec, DB: db, Args: args, Out: out}, seed)
	r.writing, r.machine, r.item = true, m, item
	m.watchAdded()
	spec.Handler.(handler)(r)
	r.weighStreams()
	m.changes.Add(r.changes)
	if read && r.reads && m.tracker != nil && m.author != nil {
		m.tracker.Read(m.author, spec, args)
	}
	m.author = around
}

// applyInner runs an item that is part of another. With an origin it may wait.
func (m *Machine) applyInner(item []byte, seed uint64, out reply.Sink, origin *Origin) {
	m.inner.origin, m.inner.ready = origin, nil
	m.apply(&m.inner, item, seed, out)
}

// applyReady runs the item of a command that waits, for one of its keys alone, and reports whether that had
// something for it.
func (m *Machine) applyReady(item []byte, out reply.Sink, key []byte) bool {
	m.inner.origin, m.inner.ready, m.inner.served = nil, key, false
	m.apply(&m.inner, item, itemSeed(m.state.seed, int(m.state.index)), out)
	return m.inner.served
}

// readItem finds the command of an item, which must have as many arguments as it takes, and appends
// its arguments to room. A command that only reads may be an item as well.
func (m *Machine) readItem(item []byte, room [][]byte) (spec *command.Spec, args [][]byte, db int, err error) {
	return m.readItemFor(m.Databases(), item, room)
}

// readItemFor is readItem where there are so many databases.
func (m *Machine) readItemFor(databases int, item []byte, room [][]byte) (spec *command.Spec, args [][]byte, db int, err error) {
	args, db, err = decodeItem(item, room)
	if err != nil {
		return nil, nil, 0, err
	}
	spec, found := m.table.Lookup(args)
	if found != command.Found || !spec.Accepts(len(args)) || db >= databases {
		return nil, nil, 0, fmt.Errorf("this version cannot run %.64q with %d arguments on database %d",
			args[0], len(args)-1, db)
	}
	return spec, args, db, nil
}

// CheckItem reports whether an item may go into the log: Apply can run it, and it is sound (Check). A node
// checks what others hand it to propose, since an item that cannot be run stops every replica.
func (m *Machine) CheckItem(item []byte) error {
	spec, args, _, err := m.readItem(item, nil)
	switch {
	case err != nil:
		return err
	case spec.Name == nameTransaction:
		return m.checkTransaction(args)
	case spec.Name == nameBlocking:
		return m.checkBlocking(args)
	case spec.Name == nameUnblock:
		return checkOrigin(args[1])
	case spec.Name == nameScript:
		return m.checkScript(args)
	}
	if problem := m.Check(spec, args); problem != "" {
		return fmt.Errorf("fsm: %s is refused: %s", spec.FullName(), problem)
	}
	return nil
}

// Check judges a command by its Spec's Check before it goes into the log, without looking at the data. It returns
// an error if there is one. Whoever proposes a command asks for it; handlers find out the same again, since a
// script or a transaction has commands that were proposed as something else.
func (m *Machine) Check(spec *command.Spec, args [][]byte) (problem string) {
	check, ok := spec.Check.(checker)
	if !ok {
		return ""
	}
	r := m.readers.Get().(*run)
	defer m.readers.Put(r)
	r.state = &state{parameters: *m.parameters.Load()}
	r.spec, r.args, r.machine = spec, args, m
	problem = check(r)
	r.state, r.args = nil, nil
	return problem
}

// changed tells whoever wants to know, in the log and on this node, that a key has changed.
func (m *Machine) changed(db int, key []byte) {
	m.state.note(changedKey, db, key)
	if m.tracker != nil {
		m.tracker.Changed(m.author, key)
	}
	if len(m.watchers.all) > 0 {
		m.watchers.changed(db, key)
	}
	if m.state.parked.tickets.Len() > 0 {
		m.state.signal(databaseKey{db, string(key)})
	}
	if len(m.tails.all) > 0 {
		m.tails.touched(databaseKey{db, string(key)})
	}
}

// Skip takes note of an entry that is not a command.
func (m *Machine) Skip(index, term uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.enter(term)
	m.state.index = index
	m.publish()
}

// publish makes what others read without the lock.
func (m *Machine) publish() {
	m.clock.Store(m.state.clock)
	m.due.Store(m.state.nextDue())
	m.measure()
	m.functions.Store(m.state.functions)
	if p := m.parameters.Load(); p == nil || p.version != m.state.parameters.version {
		now := m.state.parameters
		m.parameters.Store(&now)
	}
}

// A Call is a reading command as a session hands it in.
type Call struct {
	Spec *command.Spec
	DB   int
	Args [][]byte // the command's name first
	Out  reply.Sink
	// Unfinished is set by Read when the command, as an item of an entry, would also have changed something,
	// as PFCOUNT does when it keeps the count. The answer is right either way.
	Unfinished bool
	// User is whose rules hold for what a script calls, Interrupted whether it is to be stopped, nil for never.
	User        string
	Interrupted func() bool
	// Abandoned is set by Read when the command runs a script that wants to write. Nothing has been answered: it
	// has to become an item (ForScript).
	Abandoned bool
	// Took is set by Read to how long the command ran, in ns, if the machine is timed (Time) and the command is not
	// one that is always fast; else it is 0.
	Took int64
	// Reads is set by Read when the command has read data, and for one that runs others when one of those has.
	Reads bool
	// Then, if not nil, is called when the command has been answered, before the lock is released: what it does is
	// as if it were part of the command. It must not call the machine.
	Then func(c *Call)
	// Unseen commands leave no mark in the keys that they read: nobody can tell by OBJECT IDLETIME, and eviction
	// takes no notice.
	Unseen bool
}

// Read runs reading commands under one read lock. elapsed is how many ms have passed on this node
// since the machine's clock stood where it stands; it counts in times to live and in how long
// ago something was, and in nothing else. Random answers draw on seed.
func (m *Machine) Read(elapsed int64, seed uint64, calls []Call) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	m.read(elapsed, seed, calls)
}

func (m *Machine) read(elapsed int64, seed uint64, calls []Call) {
	r := m.readers.Get().(*run)
	defer m.readers.Put(r)
	stamp := m.state.parameters.accessTime(m.state.clock + elapsed)
	for i := range calls {
		if i%warmKeys == 0 && len(calls)-i >= warmLeast {
			r.warmth.warmCalls(m.state.databases[calls[i].DB], calls[i:min(len(calls), i+warmKeys)])
		}
		c := &calls[i]
		r.begin(m.state, *c, itemSeed(seed, i))
		r.writing, r.machine, r.elapsed = false, m, elapsed
		r.stamp, r.unseen = stamp, c.Unseen
		m.readCall(r, c)
	}
	m.hits.Add(r.hits)
	m.misses.Add(r.misses)
	r.end()
}

// readCall runs a reading command.
func (m *Machine) readCall(r *run, c *Call) {
	if !m.timing.measures(c.Spec) {
		c.Spec.Handler.(handler)(r)
	} else {
		from := m.timing.now()
		c.Spec.Handler.(handler)(r)
		c.Took = m.timing.now() - from
	}
	c.Unfinished, c.Abandoned = r.unfinished, r.abandoned
	r.then(c)
}

// Applied is the index of the last entry, and its term.
func (m *Machine) Applied() (index, term uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.index, m.state.term
}

// Clock is the machine's clock: the last entry's stamp, in ms since the epoch.
func (m *Machine) Clock() int64 { return m.clock.Load() }

// Due is the earliest deadline, in ms since the epoch, 0 if there is none.
func (m *Machine) Due() int64 { return m.due.Load() }

// Snapshot takes a view of the state as it is. write writes it as an RDB file, from any goroutine
// and beside Apply; release must be called once, whether write was called or not.
func (m *Machine) Snapshot() (write func(io.Writer) error, release func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.frozen != nil {
		return nil, nil, ErrSnapshotRunning
	}
	v := m.state.freeze()
	m.frozen = v
	of, changes := m.state, m.changes.Load()
	write = func(w io.Writer) error {
		err := v.write(w)
		if err == nil {
			m.saved(of, changes)
		}
		return err
	}
	return write, func() { m.release(v) }, nil
}

// saved takes note that so many changes of a state are in a snapshot. Restore may have put another
// state in its place since, whose count began at 0.
func (m *Machine) saved(of *state, changes uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.state == of {
		m.changes.Add(-changes)
	}
}

// release gives back what a view kept, a little under each lock.
func (m *Machine) release(v *view) {
	for _, db := range v.databases {
		for more := true; more; {
			m.mu.Lock()
			more = db.live.thaw(thawAtOnce)
			m.mu.Unlock()
		}
	}
	m.mu.Lock()
	m.frozen = nil
	m.mu.Unlock()
}

// Restore replaces the state by that of a snapshot. On an error nothing has changed.
func (m *Machine) Restore(r io.Reader) error {
	st, err := readState(r)
	if err == nil {
		err = m.checkParked(st)
	}
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	st.parameters.version = m.state.parameters.version + 1
	if m.tracker != nil {
		m.tracker.Flushed(nil)
	}
	m.watchers.restored(m.state, st)
	m.waiters.restored(st)
	m.state = st
	m.loaded.Store(st.keys())
	m.giveAccess(st.users)
	if m.replaced != nil {
		m.replaced()
	}
	m.tails.touchedAll()
	m.serveTails()
	m.changes.Store(0)
	m.publish()
	return nil
}
