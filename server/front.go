package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/server/socket"
)

// front is the server's doors, each with an accept loop behind it.
type front struct {
	mu     sync.Mutex
	doors  []door
	open   bool // Listen was called
	closed bool
	wait   sync.WaitGroup
}

// door is a listener.
type door struct {
	net.Listener
	at place
}

// place is where the configuration wants a listener.
type place struct {
	network, address string
	secure           bool // TLS is spoken there
	optional         bool // it may be missing on this machine
}

// Listen binds the configured addresses and serves whoever connects. Nothing is left bound if it
// fails.
func (s *Server) Listen() error {
	if len(s.places()) == 0 {
		return errors.New("neither port nor tls-port nor unixsocket is set: nobody could connect")
	}
	s.front.mu.Lock()
	s.front.open = true
	s.front.mu.Unlock()
	err := s.relisten()
	if err != nil {
		s.front.close()
	}
	return err
}

// Serve serves whoever connects to a listener, which Close closes. It returns at once.
func (s *Server) Serve(l net.Listener) { s.serveAt(door{Listener: l}) }

// ServeTLS is Serve for clients that speak TLS, which has to be configured.
func (s *Server) ServeTLS(l net.Listener) { s.serveAt(door{l, place{secure: true}}) }

func (s *Server) serveAt(d door) {
	f := &s.front
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		_ = d.Close()
		return
	}
	f.doors = append(f.doors, d)
	f.wait.Add(1)
	go func() {
		defer f.wait.Done()
		s.admitFrom(guardListener(&sockets{d, s}, s.guardOptions()))
	}()
}

// relisten closes what the configuration does not want bound any more, and binds what it wants and is not yet.
// Whoever is connected stays so. Before Listen it does nothing.
func (s *Server) relisten() error {
	places := s.places()
	if !s.front.leave(places) {
		return nil
	}
	if err := s.secure(); err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(places), s.front.has)
	open, err := bindAll(missing, os.FileMode(s.config.Int("unixsocketperm")))
	if err != nil {
		return fmt.Errorf("Unable to listen on this port: %w", err)
	}
	if len(open) == 0 && len(missing) > 0 && len(missing) == len(places) {
		return errors.New("none of the addresses of bind is this machine's")
	}
	for _, d := range open {
		s.serveAt(d)
	}
	return nil
}

// bindAll listens at each place, or at none if that fails. perm is for a Unix socket.
func bindAll(places []place, perm os.FileMode) (open []door, err error) {
	for _, at := range places {
		l, err := bind(at, perm)
		if err == nil {
			open = append(open, door{l, at})
			continue
		}
		if !at.optional {
			for _, d := range open {
				_ = d.Close()
			}
			return nil, err
		}
	}
	return open, nil
}

// leave closes the doors that are at none of the places, and reports whether others are to be opened.
func (f *front) leave(places []place) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open {
		return false
	}
	f.doors = slices.DeleteFunc(f.doors, func(d door) bool {
		stays := d.at.network == "" || slices.Contains(places, d.at)
		if !stays {
			_ = d.Close()
		}
		return !stays
	})
	return true
}

// listens reports whether Listen was called.
func (f *front) listens() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open
}

func (f *front) has(at place) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.doors, func(d door) bool { return d.at == at })
}

// admitFrom accepts connections until the listener is closed, and gives a session to each that may
// come in.
func (s *Server) admitFrom(l *guardedListener) {
	for {
		g, err := l.accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the listener takes its time before the next
		}
		s.stats.connections.Add(1)
		if int64(s.sessions.count()) < s.config.Int("maxclients") {
			s.welcome(newClientConn(g))
			continue
		}
		s.reject(errMaxClients)
		if _, secure := g.Conn.(*secureConn); !secure { // over TLS nothing can be said before a handshake, which others wait for
			_, _ = g.Write(appendErrorLine(nil, errMaxClients)) // it fits what any socket buffers
		}
		_ = g.Close()
	}
}

// Addrs are the addresses the server listens on.
func (s *Server) Addrs() []net.Addr {
	s.front.mu.Lock()
	defer s.front.mu.Unlock()
	var addrs []net.Addr
	for _, d := range s.front.doors {
		addrs = append(addrs, d.Addr())
	}
	return addrs
}

func (f *front) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, d := range f.doors {
		_ = d.Close()
	}
}

// places are those that port, tls-port, bind and unixsocket ask for. In bind "*" is every IPv4 address, "::*"
// every IPv6 address; an address with a leading "-" is left out if this machine does not have it. No address
// means all.
func (s *Server) places() []place {
	var list []place
	addresses := strings.Fields(s.config.Get("bind"))
	if len(addresses) == 0 {
		addresses = []string{"*", "-::*"}
	}
	for _, name := range []string{"port", "tls-port"} {
		port := s.config.Get(name)
		if port == "0" {
			continue
		}
		for _, a := range addresses {
			host, optional := strings.CutPrefix(a, "-")
			network := "tcp"
			switch host {
			case "*":
				host, network = "0.0.0.0", "tcp4"
			case "::*":
				host, network = "::", "tcp6"
			}
			list = append(list, place{network, net.JoinHostPort(host, port), name == "tls-port", optional})
		}
	}
	if path := s.config.Get("unixsocket"); path != "" {
		list = append(list, place{network: "unix", address: path})
	}
	return list
}

// bind listens at a place; perm is for a Unix socket.
func bind(at place, perm os.FileMode) (net.Listener, error) {
	if at.network == "unix" {
		return bindUnix(at.address, perm)
	}
	return net.Listen(at.network, at.address)
}

// bindUnix listens on a path, in the place of a socket that a process left there.
func bindUnix(path string, perm os.FileMode) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		_ = os.Remove(path)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if perm != 0 {
		if err := os.Chmod(path, perm); err != nil {
			_ = l.Close()
			return nil, err
		}
	}
	return l, nil
}

// port is the TCP port clients connect to: the one without TLS if there is one; 0 if there is none.
func (s *Server) port() int {
	for _, a := range s.Addrs() {
		if tcp, ok := a.(*net.TCPAddr); ok {
			return tcp.Port
		}
	}
	if port := s.config.Int("port"); port != 0 {
		return int(port)
	}
	return int(s.config.Int("tls-port"))
}

// welcome gives a connection its session.
func (s *Server) welcome(conn *clientConn) {
	ss := s.sessions.add(func(id uint64) *session { return newSession(s, id, conn) })
	if s.ctx.Err() != nil { // Close may have listed the sessions just before
		ss.kill()
	}
	go ss.run()
}

// farewell is for a session that has ended.
func (s *Server) farewell(ss *session) {
	ss.kill()
	ss.unwatch()
	ss.endMonitor()
	s.hub.leave(ss)
	ss.untrack()
	ss.outbox.close()
	s.sessions.remove(ss)
}

// sockets sets up each connection of a door: as tcp-keepalive says, and with TLS where that is spoken. The
// handshake is the session's affair.
type sockets struct {
	door
	srv *Server
}

// Accept returns the next connection.
func (l *sockets) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		seconds := l.srv.config.Int("tcp-keepalive")
		// The probes follow each other as in Redis: a third of the idle time apart, three of them.
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: seconds > 0, Idle: time.Duration(seconds) * time.Second,
			Interval: max(time.Second, time.Duration(seconds)*time.Second/3), Count: 3})
	}
	if err != nil {
		return nil, err
	}
	conn = socket.Of(conn)
	if !l.at.secure {
		return conn, nil
	}
	now := l.srv.secured.Load()
	if now == nil { // it came in while CONFIG SET closed the door
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	return newSecureConn(conn, now.clients), nil
}

// guardOptions is what the guards share.
func (s *Server) guardOptions() guardOptions {
	return guardOptions{limits: &s.guarding, received: &s.stats.netIn, sent: &s.stats.netOut, refused: s.refusedByGuard}
}

// refreshLimits hands the guards the limits in force, some of which are the cluster's.
func (s *Server) refreshLimits() {
	l := defaultGuardLimits()
	l.bulk, l.query = s.machine.ProtoMaxBulk(), s.config.Int("client-query-buffer-limit")
	if old := s.guarding.Load(); old == nil || *old != l {
		s.guarding.Store(&l)
	}
}

// refusedByGuard logs why a guard gave a connection up.
func (s *Server) refusedByGuard(g *guard, r *guardRefusal) {
	level := slog.LevelWarn
	if r.cause == guardProtocol {
		level = slog.LevelInfo - 1
		s.stats.errors.add("ERR")
	}
	s.log.Log(s.ctx, level, "client disconnected: "+r.text, "addr", g.RemoteAddr().String(), "query", strconv.Quote(string(r.query)))
}

// protect is what protected mode has against a client, if anything.
func (s *Server) protect(c *clientConn) string {
	if s.config.Bool("protected-mode") && s.machine.Access().Users.Named(acl.Default).NoPass() && !c.local() {
		return errDenied
	}
	return ""
}

// reject counts a client that was not let in.
func (s *Server) reject(text string) {
	s.stats.rejected.Add(1)
	s.stats.errors.add(text)
}
