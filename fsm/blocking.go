package fsm

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
	"github.com/redraftdb/redraft/fsm/value"
)

// A blocking command is an item that is served at once or parked, on all nodes. Who wants to wait wraps it:
// the wrapped item tells its origin, to which the machine of the origin's node gives the answer, now or when
// the ticket is served, falls due or is dropped. A blocking command that is not wrapped, such as one in a
// transaction, does not wait.
const (
	nameBlocking = "redraft-blocking"
	nameUnblock  = "redraft-unblock"
	nameDrop     = "redraft-drop"
)

func blockingCommands() []*command.Spec {
	const flags = command.Write | command.Internal
	return []*command.Spec{
		{Name: nameBlocking, Usage: "origin item", Group: "generic", Since: "1.0.0",
			Summary: "Apply a command that may wait", Flags: flags, Handler: handler(blockingCommand)},
		{Name: nameUnblock, Usage: "origin how", Group: "generic", Since: "1.0.0",
			Summary: "End the waiting of a command", Flags: flags, Handler: handler(unblockCommand)},
		{Name: nameDrop, Usage: "node incarnation", Group: "generic", Since: "1.0.0",
			Summary: "End the waiting of a node's commands", Flags: flags, Handler: handler(dropCommand)},
	}
}

// Blocking is the item of a command that may wait. It answers OK; the command's answer goes to the Waiter
// that is registered for the origin.
func Blocking(o Origin, db int, args [][]byte) []byte {
	return AppendItem(nil, 0, [][]byte{[]byte(nameBlocking), o.append(nil), AppendItem(nil, db, args)})
}

// How a waiting command is ended before its time.
const (
	UnblockTimeout = "timeout" // as if its time were up
	UnblockError   = "error"   // by CLIENT UNBLOCK … ERROR
)

// Unblock is the item that ends the waiting of an origin. It answers 1 if that waited, else 0.
func Unblock(o Origin, how string) []byte {
	return AppendItem(nil, 0, [][]byte{[]byte(nameUnblock), o.append(nil), []byte(how)})
}

// DropWaiting is the item that ends the waiting of all sessions of a node, but for those of one of its
// incarnations, 0 for none.
func DropWaiting(node string, but uint64) []byte {
	return item(nameDrop, node, strconv.FormatUint(but, 10))
}

// A Waiter is a session of this node that waits for the answer to a blocking command. Await and Leave
// enclose the time in which the machine may write to Out.
type Waiter struct {
	Origin Origin
	Out    reply.Sink
	Wake   func() // called once, under the machine's lock, when the answer has been written

	index    uint64 // of the command's entry, as soon as that is known
	parked   bool
	answered bool
}

// Await registers a waiter, before its command is proposed.
func (m *Machine) Await(w *Waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiters.add(w)
}

// Sent tells that the waiter's command was applied at index, here or, so far, elsewhere.
func (m *Machine) Sent(w *Waiter, index uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.index = index
	m.waiters.settle(w, m.state.index)
}

// Leave ends the waiting of a waiter's session and reports whether the answer has been written.
func (m *Machine) Leave(w *Waiter) (answered bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiters.remove(w)
	return w.answered
}

// Waits reports whether commands of a node wait, other than those of one of its incarnations, 0 for none.
func (m *Machine) Waits(node string, but uint64) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.state.parked.those(ofNode(node, but))) > 0
}

// Deadlines is how many commands of a node wait for no longer than they said.
func (m *Machine) Deadlines(node string) int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n := 0
	m.state.parked.byDeadline.Scan(func(t *ticket) bool {
		if t.origin.Node == node {
			n++
		}
		return true
	})
	return n
}

func ofNode(node string, but uint64) func(*Origin) bool {
	return func(o *Origin) bool { return o.Node == node && (but == 0 || o.Incarnation != but) }
}

// waiters are those of this node.
type waiters struct {
	all      []*Waiter
	byOrigin map[Origin]*Waiter
}

func (l *waiters) add(w *Waiter) {
	if l.byOrigin == nil {
		l.byOrigin = map[Origin]*Waiter{}
	}
	l.byOrigin[w.Origin] = w
	l.all = append(l.all, w)
}

func (l *waiters) remove(w *Waiter) {
	if i := slices.Index(l.all, w); i >= 0 {
		l.all = slices.Delete(l.all, i, i+1)
		delete(l.byOrigin, w.Origin)
	}
}

// sink is where the answer to an origin goes on this node.
func (l *waiters) sink(o Origin) reply.Sink {
	if w := l.byOrigin[o]; w != nil {
		return w.Out
	}
	return reply.Discard
}

// answered wakes the waiter of an origin, if there is one here, after its answer has been written.
func (l *waiters) answered(o Origin) {
	if w := l.byOrigin[o]; w != nil {
		l.wake(w)
	}
}

func (l *waiters) wake(w *Waiter) {
	l.remove(w)
	w.answered = true
	w.Wake()
}

// settle answers a waiter whose command has been applied, by a snapshot, without this node having seen what
// came of it.
func (l *waiters) settle(w *Waiter, applied uint64) {
	if w.index != 0 && w.index <= applied && !w.parked && !w.answered {
		w.Out.Error(errMissed)
		l.wake(w)
	}
}

// restored takes note of the tickets of a state that has come in the place of another.
func (l *waiters) restored(now *state) {
	for _, w := range slices.Clone(l.all) {
		was := w.parked
		w.parked = now.parked.byOrigin[w.Origin] != nil
		if was && !w.parked {
			w.index = now.index
		}
		l.settle(w, now.index)
	}
}

func blockingCommand(r *run) {
	origin, _, _ := cutOrigin(r.args[1])
	m := r.machine
	m.author = &origin
	m.applyInner(r.args[2], uint64(r.random), m.waiters.sink(origin), &origin)
	if r.state.parked.byOrigin[origin] == nil {
		m.waiters.answered(origin)
	} else if w := m.waiters.byOrigin[origin]; w != nil {
		w.parked = true
	}
	r.out.Status("OK")
}

// checkBlocking is CheckItem for the arguments of a wrapped command.
func (m *Machine) checkBlocking(args [][]byte) error {
	if err := checkOrigin(args[1]); err != nil {
		return err
	}
	return m.checkWait(m.Databases(), args[2])
}

func checkOrigin(b []byte) error {
	if _, rest, ok := cutOrigin(b); !ok || len(rest) > 0 {
		return fmt.Errorf("an origin: %w", errItem)
	}
	return nil
}

// checkWait reports whether an item is that of a command that may wait, where there are so many databases.
func (m *Machine) checkWait(databases int, item []byte) error {
	spec, _, _, err := m.readItemFor(databases, item, nil)
	if err == nil && !spec.Is(command.Blocking|command.Write) {
		err = errNested
	}
	return err
}

// checkParked checks what waits in a snapshot: what cannot be run would stop the node when it is served.
func (m *Machine) checkParked(st *state) (err error) {
	st.parked.tickets.Scan(func(t *ticket) bool {
		err = m.checkWait(len(st.databases), t.item)
		return err == nil
	})
	return err
}

func unblockCommand(r *run) {
	origin, _, _ := cutOrigin(r.args[1])
	t := r.state.parked.byOrigin[origin]
	if t == nil {
		r.out.Int(0)
		return
	}
	if string(r.args[2]) == UnblockError {
		r.machine.drop(t, errUnblocked)
	} else {
		r.machine.timeOut(t)
	}
	r.out.Int(1)
}

func dropCommand(r *run) {
	but, _ := strconv.ParseUint(string(r.args[2]), 10, 64)
	r.machine.dropThose(ofNode(string(r.args[1]), but))
	r.out.Status("OK")
}

// drop ends the waiting of a ticket with an error.
func (m *Machine) drop(t *ticket, text string) {
	m.state.parked.remove(t)
	m.waiters.sink(t.origin).Error(text)
	m.waiters.answered(t.origin)
}

// timeOut ends the waiting of a ticket whose time is up.
func (m *Machine) timeOut(t *ticket) {
	m.state.parked.remove(t)
	m.waiters.sink(t.origin).NullArray()
	m.waiters.answered(t.origin)
}

// dropThose drops the tickets that a condition selects, as a server does that is made a replica.
func (m *Machine) dropThose(selects func(*Origin) bool) {
	for _, t := range m.state.parked.those(selects) {
		m.drop(t, errForced)
	}
}

// enter takes note of the term of an entry. Nobody waits from one term into another: a leader that is lost
// may have answered what nobody will ever know.
func (m *Machine) enter(term uint64) {
	if term != m.state.term {
		m.dropThose(func(*Origin) bool { return true })
	}
	m.state.term = term
}

// serveReady serves those who wait for keys that were touched until nobody can be served: key after key in
// the order in which they were touched, and at each key first come, first served.
func (m *Machine) serveReady() {
	p := &m.state.parked
	for len(p.ready) > 0 {
		keys := p.ready
		p.ready = nil
		for _, key := range keys {
			m.serveKey(key)
		}
	}
	if len(m.tails.ready) > 0 {
		m.serveTails()
	}
}

func (m *Machine) serveKey(key databaseKey) {
	st := m.state
	for t := st.parked.next(key, 0); t != nil; t = st.parked.next(key, t.number) {
		e, found := st.databases[key.db].find([]byte(key.key))
		found = found && !st.isDue(e.cell)
		if !found && st.parked.minding[key] == 0 {
			return
		}
		if found || t.minds {
			m.serve(t, key)
		}
	}
}

// serve hands to a ticket what a key has for it, if anything.
func (m *Machine) serve(t *ticket, key databaseKey) {
	m.author = &t.origin
	defer func() { m.author = nil }()
	if m.applyReady(t.item, m.waiters.sink(t.origin), []byte(key.key)) {
		m.state.parked.remove(t)
		m.waiters.answered(t.origin)
	}
}

// A wait is what a blocking command looks for.
type wait struct {
	keys    [][]byte
	typ     int                   // of the values it can use
	timeout int64                 // ms; 0 for ever
	serve   func(key []byte) bool // answers, unless the key has nothing for the command
	minds   bool                  // the keys have such a value, and the command is answered when it goes
	nothing func(out reply.Sink)  // answers for one that may not wait; nil for NullArray
}

// await serves a blocking command from the first key that has something for it, or parks it.
func (r *run) await(w wait) {
	if r.ready != nil {
		e, found := r.lookupWrite(r.ready)
		r.served = found && e.typ() == w.typ && w.serve(r.ready)
		return
	}
	for _, key := range w.keys {
		if w.serve(key) {
			return
		}
	}
	r.park(w)
}

// park parks a blocking command, or answers it if it may not wait.
func (r *run) park(w wait) {
	if r.origin == nil {
		if w.nothing != nil {
			w.nothing(r.out)
		} else {
			r.out.NullArray()
		}
		return
	}
	t := &ticket{origin: *r.origin, item: slices.Clone(r.item), minds: w.minds}
	for _, key := range w.keys {
		t.keys = append(t.keys, databaseKey{r.number, string(key)})
	}
	if w.timeout > 0 {
		t.deadline = r.now + min(w.timeout, math.MaxInt64-r.now)
	}
	r.state.parked.add(t)
}

// timeout reads a time-out in seconds and returns it in ms. If it is none the command has been answered.
func (r *run) timeout(arg []byte) (ms int64, ok bool) {
	seconds, numeric := value.ParseFloat(arg)
	ceiling := math.Ceil(seconds * 1000)
	switch {
	case !numeric:
		r.out.Error(errTimeout)
	case ceiling < 0 || ceiling >= 1<<63: // Redis has -2^63 where the conversion overflows
		r.out.Error(errTimeoutNegative)
	default:
		return int64(ceiling), true
	}
	return 0, false
}
