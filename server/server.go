// Package server is the face that redraft shows to clients: it speaks Redis' protocol, which redcon
// parses, keeps a session for each connection, and sends what a command asks to where it is done.
//
//	bytes → guard → redcon → session → command table → gates → route
//	  a command of the session's own   its handler                                  → reply
//	  a read                           the level's wait, then Machine.Read          → reply
//	  a write                          Propose, or a frame to the leader, or a word
//	                                   of refusal, as replica-writes says           → reply
//
// A connection has one goroutine, which owns the session and executes what arrives in order.
// Commands that arrive together are executed in runs: neighbouring writes are one proposal,
// neighbouring reads take the machine's lock once, and the replies go out in one piece.
//
// The server needs two things from elsewhere: the Machine, from the start, and the Cluster, once
// there is one. A start has three stages (startGate):
//
//   - until Attach it answers -LOADING to whatever Redis answers so;
//   - then the Machine has what this node's disk held, which may be old: reads at the level stale
//     are served, and what needs more waits for Ready, or is refused while there is no leader;
//   - from Ready on the node has caught up with what the cluster had acknowledged at its start.
package server

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

// RedisVersion is the version of Redis whose commands it speaks, which clients are told.
const RedisVersion = "7.0.15"

// Options is what a Server is made of.
type Options struct {
	Machine *fsm.Machine
	// Config holds the parameters; NewConfig's defaults if nil. The Server owns it from now on.
	Config *Config
	// Log takes what an operator should know; nothing is logged if nil. LogLevel, if not nil, is
	// set when the parameter loglevel is.
	Log      *slog.Logger
	LogLevel *slog.LevelVar
	// Version is redraft's own, as INFO shows it.
	Version string
	// RunID is what INFO calls run_id: 40 hexadecimal digits, new at each start.
	RunID string
	// ConfigFile is the path INFO shows; empty if there is none.
	ConfigFile string
	// Shutdown is called when a client sends SHUTDOWN, with whether a snapshot was asked for. It
	// must return at once and have the process end; an error is the client's answer.
	Shutdown func(save bool, now bool) error
}

// A Server serves clients. New makes one, Listen binds its addresses, Attach gives it its cluster,
// Ready opens it for everything, Close ends it. Its methods may be called from any goroutine.
type Server struct {
	machine    *fsm.Machine
	config     *Config
	log        *slog.Logger
	logLevel   *slog.LevelVar
	version    string
	runID      string
	configFile string
	shutdown   func(save, now bool) error
	commands   *commands
	gates      []gate
	maxItem    int
	eviction   *evictor
	replicas   replicaCount

	startup      int64 // bytes in use when the server was made
	clientMemory atomic.Int64

	attached    atomic.Pointer[attachment]
	ready       atomic.Bool   // Ready was called
	caughtUp    chan struct{} // closed then
	nodeID      string        // set by Attach, before any session can need it
	incarnation uint64

	sessions      sessions
	stats         stats
	front         front
	hub           hub
	tracking      tracking
	monitors      monitors
	aclLog        aclLog
	slowlog       slowlog
	latencies     latencies
	tracksLatency atomic.Bool               // latency-tracking
	percentiles   atomic.Pointer[[]float64] // latency-tracking-info-percentiles
	paused        pause                     // CLIENT PAUSE
	asleep        pause                     // DEBUG SLEEP
	forwards      forwardedPool
	now           atomic.Int64 // ms since the epoch, as of the last tick

	// What parameters come to, for the paths that cannot look them up.
	readLevel      atomic.Pointer[level]
	replicaWrites  atomic.Int32
	requestTimeout atomic.Int64 // ms
	outputLimits   atomic.Pointer[outputLimits]
	guarding       atomic.Pointer[guardLimits]
	savePoints     atomic.Pointer[[]savePoint]
	secured        atomic.Pointer[secured] // nil without TLS

	replyIdle  atomic.Int64 // ms after which a client's reply buffer is given back; negative for never
	cronPaused atomic.Bool  // DEBUG PAUSE-CRON

	blocked  atomic.Int64 // sessions that wait
	dropping atomic.Bool  // an item that ends the waiting of a node's sessions is on its way

	handshake  atomic.Int64 // ns for the whole of a client's TLS handshake; tests shorten it
	announcing atomic.Bool  // the cluster is being told of another port for clients
	saving     atomic.Bool  // a snapshot that a client asked for is being taken
	configSet  sync.Mutex   // held by CONFIG SET
	close      sync.Once
	ctx        context.Context // ends with Close
	cancel     context.CancelFunc
	done       sync.WaitGroup

	scripts   scripts
	busyAfter atomic.Int64 // busy-reply-threshold, in ms
}

// attachment is the cluster, once there is one.
type attachment struct{ cluster Cluster }

// New returns a Server that listens to nobody yet. It fails if the configuration contradicts itself.
func New(o Options) (*Server, error) {
	if o.Config == nil {
		o.Config = NewConfig()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Shutdown == nil {
		o.Shutdown = func(bool, bool) error { return errors.New("ERR Errors trying to SHUTDOWN. Check logs.") }
	}
	table, err := newCommands(fsm.Commands(), sessionCommands())
	if err != nil {
		return nil, err
	}
	s := &Server{machine: o.Machine, config: o.Config, log: o.Log, logLevel: o.LogLevel, version: o.Version, runID: o.RunID,
		configFile: o.ConfigFile, shutdown: o.Shutdown, commands: table, gates: gates(), caughtUp: make(chan struct{}),
		maxItem: int(o.Config.Int("max-item-bytes"))}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.handshake.Store(int64(handshakePatience))
	s.stats.started = time.Now()
	s.now.Store(s.stats.started.UnixMilli())
	s.replyIdle.Store(replyIdleDefault)
	s.machine.TellAfter(math.MaxUint64) // until Attach knows what is old
	s.machine.Deliver(s.hub.publish)
	s.tracking.srv, s.tracking.clients, s.tracking.prefixes = s, map[uint64]*tracker{}, map[string]*prefix{}
	s.tracking.forget()
	s.machine.Restored(s.restored)
	s.fitMaxclients()
	if err := s.applyAll(); err != nil {
		return nil, err
	}
	s.machine.Know(table.table)
	s.serveScripts()
	s.machine.Time(func() int64 { return int64(time.Since(s.stats.started)) },
		func(event string, ns int64) { s.Took(event, time.Duration(ns)) })
	if _, err := s.ConfiguredUsers(); err != nil {
		return nil, err
	}
	s.refreshLimits()
	s.eviction, s.startup = newEvictor(s), heapBytes()
	s.done.Add(2)
	s.machine.ObserveAccess(s.accessChanged)
	go s.tick()
	go s.eviction.run()
	return s, nil
}

// applyAll puts every parameter's value into force.
func (s *Server) applyAll() error {
	for _, p := range s.config.Parameters() {
		if p.apply == nil {
			continue
		}
		if err := p.apply(s, s.config.Get(p.Name)); err != nil {
			return err
		}
	}
	for _, j := range joints(s.config.Parameters()) {
		if err := j.apply(s); err != nil {
			return err
		}
	}
	return nil
}

// Attach ends the loading state: it gives the server its cluster, whose machine has the state that
// this node's disk held.
func (s *Server) Attach(c Cluster) {
	st := c.Status(group)
	s.nodeID, s.incarnation = st.NodeID, st.Incarnate
	s.machine.TellAfter(st.LastIndex)
	s.attached.Store(&attachment{c})
	c.KeepLog(s.config.Int("repl-backlog-size"))
}

// Ready opens the server for everything: the node is a member, and has applied whatever the cluster
// had acknowledged when it was asked. Attach comes first, and Ready is called once.
func (s *Server) Ready() {
	machine := s.machine.Stats()
	s.stats.machineThen.Store(&machine)
	s.ready.Store(true)
	close(s.caughtUp)
}

// cluster is nil until Attach.
func (s *Server) cluster() Cluster {
	if a := s.attached.Load(); a != nil {
		return a.cluster
	}
	return nil
}

// elapsed is how many ms have passed on this node since the machine's clock stood where it stands.
func (s *Server) elapsed() int64 {
	if c := s.cluster(); c != nil {
		return c.Elapsed(group)
	}
	return 0
}

// leaderAddr is where clients reach the leader, empty if there is none or its address unknown.
func (s *Server) leaderAddr() string {
	c := s.cluster()
	if c == nil {
		return ""
	}
	return s.clientAddr(c.Status(group).LeaderID)
}

// clientAddr is where clients reach the node id, empty if it is unknown.
func (s *Server) clientAddr(id string) string {
	for _, n := range s.machine.Nodes() {
		if n.ID == id && id != "" {
			return n.Addr
		}
	}
	return ""
}

// restored is for a machine that has installed a snapshot, which holds its lock.
func (s *Server) restored() {
	if n := s.hub.size.Load(); n > 0 {
		s.log.Warn("subscribers disconnected: this node was sent a snapshot, and does not know the messages in between", "subscriptions", n)
	}
	s.hub.disconnect()
}

// Close stops listening, ends every session and waits for their goroutines, or for ctx. Writes
// that sessions wait for are given up: their outcome is unknown to their clients.
func (s *Server) Close(ctx context.Context) error {
	s.close.Do(func() {
		s.cancel()
		s.front.close()
		for _, ss := range s.sessions.all() {
			ss.kill()
		}
	})
	ended := make(chan struct{})
	go func() {
		s.front.wait.Wait()
		s.sessions.wait.Wait()
		s.done.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
