package server

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// A session is one client's connection and what the server remembers of it. The connection's
// goroutine owns it; what other goroutines read or change is atomic.
type session struct {
	srv  *Server
	id   uint64
	conn *clientConn

	out   *output // replies not handed to the connection yet
	wrote run     // writes not proposed yet
	asked reads   // reads not executed yet
	room  argRoom // the arguments of the present batch

	last      *command.Spec // found by the last lookup, and its entry
	lastEntry *entry

	rights
	db         int
	level      level  // chosen by RAFT CONSISTENCY; unset for the node's default
	wroteAt    uint64 // index of the last write's entry
	behind     uint64 // the same, if this node may not have applied it yet; else 0
	request    uint64 // forwarded frames so far
	silent     bool   // CLIENT REPLY OFF
	skip       int    // CLIENT REPLY SKIP: commands still to go without a reply, this one included
	speaks     bool   // CLIENT REPLY ON: the present command is answered whatever was to be skipped
	closing    bool   // close the connection once the replies are out
	executed   int    // commands of the present batch
	mark       int    // where the replies of the present command begin, if it is one of the session's own
	readAtOnce int    // reads under one lock, by how large their answers have been

	took commandTimes  // of the present run's commands, or of the items proposed last
	away time.Duration // of the present command: not its own time; see apart

	multi    transaction
	inMulti  bool        // EXEC runs the session's own commands
	watch    fsm.Watcher // what WATCH watches
	watching bool        // something, or it did

	outbox        outbox
	listens       atomic.Bool // somebody may push into it, or has
	subscriptions subscriptions
	tracks        *tracker // if CLIENT TRACKING is on
	caching       bool     // CLIENT CACHING was given for the next command, or the transaction
	overtaken     bool     // what was pushed before the present part of a run of reads is in front of it
	published     bool     // what was published before the present batch has arrived here

	monitors bool // MONITOR

	patience *patience
	created  time.Time

	full     time.Time                // since when more waits for the client than the soft limit; the clock's
	active   atomic.Int64             // ms since the epoch of the last batch
	turn     turn                     // executing a batch
	command  atomic.Pointer[entry]    // the last one
	shown    atomic.Pointer[profile]  // what CLIENT LIST shows
	blocked  atomic.Pointer[blockage] // what it waits for, nil if it does not
	queued   atomic.Int32             // commands of the transaction; -1 without one
	ended    atomic.Bool              // no further command is executed: whoever ended it has been told so
	killed   atomic.Bool              // nobody counts it any more
	killOnce sync.Once
	// changesUsers keeps the connection of somebody who deletes its own user until that is answered.
	changesUsers atomic.Bool

	// Sizes in bytes, see clientFigures.
	argBytes, multiBytes, replyRoom, replyPeak atomic.Int64
}

// profile is what a session lets others see. It is replaced, never changed.
type profile struct {
	name, libName, libVersion string
	user                      string
	born                      uint64 // tells the user from others of its name
	db                        int
	resp                      int
	noEvict                   bool
	noTouch                   bool
	monitor                   bool
}

func newSession(srv *Server, id uint64, conn *clientConn) *session {
	s := &session{srv: srv, id: id, conn: conn, out: newOutput(2, nil), patience: newPatience(), created: time.Now(),
		readAtOnce: runCommands}
	s.active.Store(s.created.UnixMilli())
	s.reset()
	return s
}

// reset puts the session into the state of a new connection.
func (s *session) reset() {
	library := s.profile() // what speaks through the connection stays the same
	s.endMulti()
	s.unwatch()
	s.endMonitor()
	s.srv.hub.leave(s)
	s.untrack()
	s.db, s.level = 0, level{}
	s.silent, s.skip = false, 0
	s.speak(2)
	s.shown.Store(&profile{resp: 2, libName: library.libName, libVersion: library.libVersion})
	s.forgetUser()
}

// profile is what others see of the session.
func (s *session) profile() *profile {
	if p := s.shown.Load(); p != nil {
		return p
	}
	return &profile{}
}

// show changes what others see of the session.
func (s *session) show(change func(p *profile)) {
	p := *s.profile()
	change(&p)
	s.shown.Store(&p)
}

// read is a reading command as the session hands it to the machine. A client that touches no keys touches those of
// TOUCH, as in Redis.
func (s *session) read(e *entry, db int, args [][]byte, out reply.Sink, then func(*fsm.Call)) fsm.Call {
	return fsm.Call{Spec: e.spec, DB: db, Args: args, Out: out, User: s.user, Then: then,
		Unseen: s.shown.Load().noTouch && e.name != "touch"}
}

// quiet reports whether nobody expects the client to say anything: it subscribes or monitors.
func (s *session) quiet() bool { return s.subscriptions.mode.Load() || s.shown.Load().monitor }

// kill ends the session from any goroutine: what it waits for is given up, its connection closed, and nobody finds it
// among the subscribers any more.
func (s *session) kill() {
	s.killOnce.Do(func() {
		s.killed.Store(true)
		s.patience.cancel()
		_ = s.conn.Close()
		s.srv.hub.leave(s)
	})
}

// sessions are those that are connected.
type sessions struct {
	mu   sync.Mutex
	byID map[uint64]*session
	next uint64
	wait sync.WaitGroup
}

func (l *sessions) add(make func(id uint64) *session) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID == nil {
		l.byID = map[uint64]*session{}
	}
	l.next++
	s := make(l.next)
	l.byID[s.id] = s
	l.wait.Add(1)
	return s
}

func (l *sessions) remove(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID[s.id] == s {
		delete(l.byID, s.id)
		l.wait.Done()
	}
}

// blocked is what the session with an id waits for, nil if there is none or it does not wait.
func (l *sessions) blocked(id uint64) *blockage {
	if s := l.get(id); s != nil {
		return s.blocked.Load()
	}
	return nil
}

// get is the session with an id, nil if there is none.
func (l *sessions) get(id uint64) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id]
}

func (l *sessions) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.byID)
}

// all is every session, in no order, but for those that are being ended.
func (l *sessions) all() []*session {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*session, 0, len(l.byID))
	for _, s := range l.byID {
		if !s.killed.Load() {
			all = append(all, s)
		}
	}
	return all
}

// list is every session, oldest first.
func (l *sessions) list() []*session {
	list := l.all()
	slices.SortFunc(list, func(a, b *session) int { return cmp.Compare(a.id, b.id) })
	return list
}
