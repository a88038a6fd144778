package server

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/server/socket"
)

// guardLimits bounds what a client may make the server hold. They may be exchanged while
// connections are open; a guard judges each header and each write by those in force.
type guardLimits struct {
	bulk  int64         // longest argument in bytes: proto-max-bulk-len
	args  int           // most arguments of a command
	query int64         // most bytes of an unfinished command, over which the connection closes: client-query-buffer-limit
	stall time.Duration // how long the peer may take to accept guardChunk bytes of replies; 0: for ever
}

// defaultGuardLimits returns Redis' defaults, but for two it has no setting for: a command has at
// most 1,048,576 arguments, as in Redis before 7.0 (since then it is 2^31-1, and a client could
// announce them all and have their headers parsed before anything else is checked), and a reader
// that stands still is given up after a minute.
func defaultGuardLimits() guardLimits {
	return guardLimits{bulk: 512 << 20, args: 1 << 20, query: 1 << 30, stall: time.Minute}
}

// guardCause says why a guard gave a connection up.
type guardCause int

const (
	guardProtocol guardCause = iota + 1 // malformed, or over a limit that Redis answers; Redis logs it at verbose level
	guardForeign                        // a command named POST or Host: – somebody makes a browser talk to us; Redis warns
	guardOverfull                       // an unfinished command over guardLimits.query; Redis warns
	guardStalled                        // the peer does not read its replies; Redis warns
)

// guardRefusal is why a guard gave a connection up, for the log and as the error of Read or Write.
type guardRefusal struct {
	cause guardCause
	text  string // for guardProtocol what the client is told, without "ERR "
	query []byte // the first bytes of what was received and not executed, at most 128; the client's own, so escape them
}

// Error implements error.
func (r *guardRefusal) Error() string { return r.text }

// guardOptions is what the guards of a listener share.
type guardOptions struct {
	limits   *atomic.Pointer[guardLimits]    // never nil, nor what it points to
	received *atomic.Int64                   // counts bytes from clients; nil: not counted
	sent     *atomic.Int64                   // counts bytes to clients; nil: not counted
	refused  func(g *guard, r *guardRefusal) // told once a connection, before it is answered and closed, on the goroutine that reads or writes; it must do neither. nil: nobody
}

const (
	guardSmall = 4 << 10  // buffer of a connection that is idle or has not authenticated
	guardBurst = 64 << 10 // largest buffer of a connection that pipelines; only what is longer needs more
	guardAhead = 1 << 20  // most bytes read ahead while a session waits
	guardIdle  = time.Second
	guardDump  = 128 // bytes of the query in a refusal
	guardChunk = 256 << 10
)

// guard stands between a client's socket and redcon's parser. It follows the framing of what is
// received and hands on nothing but whole commands in canonical RESP, so the parser behind it meets
// no malformed, oversized, inline or unfinished input. What breaks a rule is answered here, after
// everything before it has been executed and answered, and the connection is closed.
//
// next belongs to the goroutine that serves the connection, and so do all fields but those in their
// own group below; while a session waits (whileWaiting), the reading side belongs to the goroutine
// that reads ahead. Write may be called from any goroutine.
//
// What is handed on lies in the guard's own buffer, so a command is copied nowhere on its way to its
// handler. The buffer grows with what arrives, never with what is announced.
type guard struct {
	net.Conn
	options *guardOptions

	frame framer
	buf   []byte // received; what lies before frame.start is handed on
	lent  bool   // and still in use there
	burst int    // size of the buffer when no command needs a larger one
	lean  int    // reads in a row that a smaller buffer would have served
	typed []byte // the last inline command, in RESP
	ready []byte // the same, if it waits for what came before it to be executed

	ended error // what reading the socket ended with

	authenticated atomic.Bool
	queued, spare atomic.Int64                 // bytes of the buffer, for CLIENT LIST: not executed, and free
	refusal       atomic.Pointer[guardRefusal] // set once
	deadline      guardDeadline
	writing       sync.Mutex
	timed         bool         // the socket has a write deadline; under writing
	socket        *socket.Conn // the connection, unless something is around its socket, as TLS is
}

func newGuard(conn net.Conn, options *guardOptions) *guard {
	direct, _ := conn.(*socket.Conn)
	return &guard{
		Conn: conn, options: options, burst: guardSmall,
		deadline: guardDeadline{conn: conn}, socket: direct,
	}
}

// setAuthenticated tells the guard whether the client has proved who it is, or need not. Until then
// it may send little. It may be called from any goroutine, and holds for what is handed on after the
// commands that were handed on before.
func (g *guard) setAuthenticated(yes bool) { g.authenticated.Store(yes) }

// next returns the commands that have been received whole, at least one, in RESP and one after the
// other. It blocks until there is one. The bytes are the caller's, until it calls next again.
func (g *guard) next() ([]byte, error) {
	g.lent = false
	for {
		batch, event := g.scan()
		switch {
		case len(batch) > 0:
			g.lent = true
			return batch, nil
		case event != frameMore:
			return nil, g.refuse()
		}
		if err := g.receive(); err != nil {
			return nil, err
		}
	}
}

// scan returns the whole commands that lie one after the other in the buffer, and what comes behind
// them if that is no command. An inline command makes a batch of its own.
func (g *guard) scan() (batch []byte, event frameEvent) {
	if len(g.ready) > 0 {
		batch, g.ready = g.ready, nil
		return batch, frameCommand
	}
	if g.refusal.Load() != nil {
		return nil, frameFault
	}
	limits, authenticated := g.options.limits.Load(), g.authenticated.Load()
	from := g.frame.start
	for {
		batch = g.buf[from:g.frame.start]
		switch event = g.frame.next(g.buf, limits, authenticated); event {
		case frameEmpty:
			if len(batch) > 0 {
				return batch, event
			}
			from = g.frame.start
		case frameCommand:
			if isForeign(g.buf[g.frame.name:g.frame.nameEnd]) {
				return batch, g.foreign()
			}
		case frameLine:
			from = g.frame.start
			switch event = g.translate(g.buf[g.frame.from : g.frame.start-1]); {
			case event == frameEmpty && len(batch) == 0:
			case event == frameCommand && len(batch) == 0:
				return g.typed, event
			case event == frameCommand:
				g.ready = g.typed
				return batch, event
			default:
				return batch, event
			}
		default:
			return batch, event
		}
	}
}

// translate puts an inline command into typed, in RESP; frameEmpty means that the line holds none.
func (g *guard) translate(line []byte) frameEvent {
	words, ok := command.SplitLine(line)
	switch {
	case !ok:
		g.frame.undo()
		return g.frame.broken(faultQuotes)
	case len(words) == 0:
		return frameEmpty
	case isForeign(words[0]):
		return g.foreign()
	}
	g.typed = appendRequest(g.typed[:0], words)
	return frameCommand
}

// isForeign reports whether a command's name is the first word of a line of HTTP.
func isForeign(name []byte) bool {
	switch len(name) {
	case 4:
		return name[0]|0x20 == 'p' && bytes.EqualFold(name, []byte("post"))
	case 5:
		return name[0]|0x20 == 'h' && bytes.EqualFold(name, []byte("host:"))
	}
	return false
}

// foreign gives the connection up at once: not even the answers to what came just before are sent.
func (g *guard) foreign() frameEvent {
	g.frame.undo()
	_ = g.giveUp(guardForeign, "a command named POST or Host: was received", g.buf[g.frame.line:])
	return frameFault
}

// giveUp records why the connection ends and tells whoever logs it. Only the first time counts.
func (g *guard) giveUp(cause guardCause, text string, query []byte) *guardRefusal {
	r := &guardRefusal{cause: cause, text: text, query: bytes.Clone(query[:min(len(query), guardDump)])}
	if !g.refusal.CompareAndSwap(nil, r) {
		return g.refusal.Load()
	}
	if g.options.refused != nil {
		g.options.refused(g, r)
	}
	return r
}

// refuse ends a stream that broke a rule. The commands before it have been executed, and their
// answers sent: otherwise nobody would have asked for the next.
func (g *guard) refuse() error {
	if r := g.refusal.Load(); r != nil {
		return r
	}
	r := g.giveUp(guardProtocol, g.frame.fault, g.buf[g.frame.line:])
	if r.cause == guardProtocol {
		// The connection closes whether or not the answer gets through.
		_, _ = g.transmit(appendErrorLine(nil, "ERR "+r.text))
	}
	return r
}

// guardListener returns a listener whose connections are guards with the options o.
func guardListener(ln net.Listener, o guardOptions) *guardedListener {
	return &guardedListener{Listener: ln, options: &o, closed: make(chan struct{})}
}

type guardedListener struct {
	net.Listener
	options *guardOptions
	pause   time.Duration // before the next failure is reported
	once    sync.Once
	closed  chan struct{}
}

// accept returns the next connection. It may be called again at once after a failure: one that
// lasts, such as running out of file descriptors, is reported at a growing distance, at most a
// second. A closed listener's is net.ErrClosed.
func (l *guardedListener) accept() (*guard, error) {
	conn, err := l.Accept()
	if err == nil {
		l.pause = 0
		return newGuard(conn, l.options), nil
	}
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	case <-time.After(l.pause):
	}
	l.pause = min(max(2*l.pause, 5*time.Millisecond), time.Second)
	return nil, err
}

// Close implements net.Listener.
func (l *guardedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
