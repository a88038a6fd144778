package fsm

import (
	"encoding/binary"
	"strconv"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// A run is one command as it runs: what a handler works with. It is valid for the handler's time
// only, and so is every cell it hands out, until the run changes the database.
type run struct {
	state   *state
	db      *database
	number  int // of the database
	spec    *command.Spec
	args    [][]byte
	out     reply.Sink
	now     int64 // the machine's clock, ms since the epoch
	elapsed int64 // ms since then by this node's clock; 0 in writes
	writing bool
	machine *Machine
	random  random

	scripted bool // a script has called the command: what differs from node to node must not reach it

	// Of commands that may wait; see await.
	item   []byte  // the command as an entry has it
	origin *Origin // who waits if there is nothing; nil: nobody
	ready  []byte  // the only key to look at, for one that has waited
	served bool    // it had something
	tail   *Tail   // who waits for what is not there to be read; nil: nobody

	stamp  uint32 // the access word of what is used now
	luck   random // of the counting of accesses, which no answer depends on
	unseen bool   // it leaves no mark in what it uses

	unweighed [][]byte // keys of streams that it may have changed

	// Of commands that run scripts.
	user        string      // for whom
	interrupted func() bool // whether to stop; nil: never
	abandoned   bool        // see Call.Abandoned

	hits, misses uint64 // keys looked up by readers
	changes      uint64 // what INFO calls changes since the last save
	unfinished   bool   // see Call.Unfinished
	reads        bool   // see Call.Reads; begin goes by the command, and one that runs others has to see to it

	digits  [24]byte // an integer's digits, for whoever wants them as a string
	scratch []byte
	tray    *database // where a payload's value is taken apart; see payload.go
	warmth  warmth
}

// handler runs a command. It answers r.out exactly once, and a reading one changes nothing.
type handler func(r *run)

// checker judges a command by its arguments and the parameters (command.Spec.Check). It returns what it would
// be answered if it is not to be run.
type checker func(r *run) (problem string)

func (r *run) begin(st *state, c Call, seed uint64) {
	r.state, r.spec, r.number, r.args, r.out = st, c.Spec, c.DB, c.Args, c.Out
	r.db = st.databases[c.DB]
	r.now, r.elapsed = st.clock, 0
	r.random, r.luck = random(seed), random(^seed)
	r.stamp, r.unseen = st.stamp, false
	r.changes, r.unfinished, r.scripted = 0, false, false
	r.user, r.interrupted, r.abandoned = c.User, c.Interrupted, false
	r.reads = c.Spec.IsRead()
}

// then tells the caller of a reading command that it has been answered.
func (r *run) then(c *Call) {
	if c.Reads = r.reads; c.Then != nil {
		c.Then(c)
	}
}

// end forgets what belongs to the caller.
func (r *run) end() {
	r.out, r.hits, r.misses = nil, 0, 0
	r.item, r.origin, r.ready, r.tail = nil, nil, nil, nil
	r.interrupted = nil
	if r.writing {
		clear(r.args) // the machine's own room
	} else {
		r.args = nil
	}
	const keep = 64 << 10
	if cap(r.scratch) > keep {
		r.scratch = nil
	}
}

// name is the command's name, as errors give it.
func (r *run) name() string { return r.spec.FullName() }

// lookup finds a key for reading, and takes note that it is used. A key that is due is not there, and is removed if
// the run may do that.
func (r *run) lookup(key []byte) (entry, bool) {
	e, ok := r.glance(key)
	if ok {
		r.touch(e.cell)
	}
	return e, ok
}

// glance is lookup by a command that asks about the key and does not use it.
func (r *run) glance(key []byte) (entry, bool) {
	e, ok := r.db.find(key)
	if ok && r.isDue(e.cell) {
		r.meetDue(e)
		ok = false
	}
	r.sought(key, ok)
	return e, ok
}

// sought takes note of a key that was looked up for reading.
func (r *run) sought(key []byte, found bool) {
	if found {
		r.hits++
		return
	}
	r.misses++
	r.machine.event(EventMiss, "keymiss", r.number, key)
}

// peek is lookup in any database, and counted nowhere.
func (r *run) peek(db *database, key []byte) (entry, bool) {
	e, ok := db.find(key)
	return e, ok && !r.isDue(e.cell)
}

// meetDue removes a key that is due, which a read leaves to an entry (Call.Unfinished) unless one is on
// its way anyhow.
func (r *run) meetDue(e entry) {
	if r.writing {
		r.machine.expiring(r.number, r.db.keyOf(e.cell))
		r.db.remove(e)
		return
	}
	r.unfinished = r.unfinished || !r.state.parameters.activeExpire
}

// lookupWrite finds a key for writing. A key that is due is removed first.
func (r *run) lookupWrite(key []byte) (entry, bool) { return r.lookupWriteIn(r.number, key) }

func (r *run) lookupWriteIn(number int, key []byte) (entry, bool) {
	db := r.state.databases[number]
	e, ok := db.find(key)
	if ok && r.isDue(e.cell) {
		r.machine.expiring(number, key)
		db.remove(e)
		return e, false
	}
	if ok {
		r.touch(e.cell)
	}
	return e, ok
}

// isDue reports whether a cell is due, and so absent to readers.
func (r *run) isDue(c cell) bool { return r.state.isDue(c) }

func (st *state) isDue(c cell) bool {
	at := c.deadline()
	return at != 0 && at <= st.clock
}

// typed is lookup or lookupWrite, as the command reads or writes, of a key that must have the type if it
// is there. If it has another the command has been answered, and ok is false.
func (r *run) typed(key []byte, typ int) (e entry, found, ok bool) {
	if r.spec.IsRead() {
		return r.source(key, typ)
	}
	e, found = r.lookupWrite(key)
	return e, found, r.hasType(e, found, typ)
}

// source is typed for a key that the command only reads, whatever it writes.
func (r *run) source(key []byte, typ int) (e entry, found, ok bool) {
	e, found = r.lookup(key)
	return e, found, r.hasType(e, found, typ)
}

// hasType reports whether a key has a type, or is not there, and answers the command if it has another.
func (r *run) hasType(e entry, found bool, typ int) bool {
	if found && e.typ() != typ {
		r.out.Error(errWrongType)
		return false
	}
	return true
}

// touched takes note that the command changed a key. It is called once for each change that Redis
// counts as one.
func (r *run) touched(key []byte) {
	r.changes++
	r.touchedIn(r.number, key)
}

// touchedIn takes note that a key of any database has changed, and counts nothing.
func (r *run) touchedIn(number int, key []byte) { r.machine.changed(number, key) }

// load is the value of a key.
func (r *run) load(e entry) stored { return loadValue(e.cell, &r.db.objects) }

// text is the value of a string's entry. It is valid until the next call of text or change.
func (r *run) text(e entry) []byte {
	s := r.load(e)
	if s.kind == kindInt {
		return strconv.AppendInt(r.digits[:0], decodeInt(s.bytes), 10)
	}
	return s.bytes
}

func decodeInt(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) }

// A random is a source of numbers that depend on its first value alone (splitmix64).
type random uint64

// next is the next number.
func (x *random) next() uint64 {
	*x += 0x9e3779b97f4a7c15
	z := uint64(*x)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is a number in [0, n), each as likely as the others.
func (x *random) below(n int) int {
	limit := -uint64(n) % uint64(n) // 2^64 mod n: what would make the first numbers likelier
	for {
		if v := x.next(); v >= limit {
			return int(v % uint64(n))
		}
	}
}

// itemSeed is the seed of the i-th item of an entry.
func itemSeed(seed uint64, i int) uint64 {
	x := random(seed ^ uint64(i)*0xd6e8feb86659fd93)
	return x.next()
}
