package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/redraftdb/redraft/server/identity"
)

// secured is what TLS connections are made with. It is replaced, never changed: connections that are open keep
// what they were made with.
type secured struct {
	clients     *tls.Config // for those who connect to tls-port
	nodes, dial *tls.Config // for the two sides of the cluster port; dial is for other nodes' tls-port as well
}

var (
	errNoCertificate = errors.New("tls-cert-file and tls-key-file are needed")
	errNoAuthority   = errors.New("tls-ca-cert-file or tls-ca-cert-dir is needed, unless tls-auth-clients, tls-cluster and tls-replication are all 'no'")
	errReplicaTLS    = errors.New("tls-replication needs tls-cluster: it is over the cluster port that nodes replicate")
)

// secure reads the files that the directives of TLS name and puts them into force for new connections.
func (s *Server) secure() error {
	next, err := newSecured(s.config)
	if err != nil {
		return fmt.Errorf("Unable to update TLS configuration: %w", err)
	}
	s.secured.Store(next)
	return nil
}

// CheckTLS finds what a server with this configuration would refuse to start with.
func CheckTLS(c *Config) error {
	_, err := newSecured(c)
	return err
}

// newSecured is nil if nothing is to speak TLS; then no file is looked at.
func newSecured(c *Config) (*secured, error) {
	if c.Int("tls-port") == 0 && !c.Bool("tls-cluster") && !c.Bool("tls-replication") {
		return nil, nil
	}
	auth := map[string]identity.Auth{"no": identity.AuthNone, "optional": identity.AuthOptional, "yes": identity.AuthRequired}[c.Get("tls-auth-clients")]
	nodes := c.Bool("tls-cluster") || c.Bool("tls-replication")
	switch {
	case c.Bool("tls-replication") && !c.Bool("tls-cluster"):
		return nil, errReplicaTLS
	case c.Get("tls-cert-file") == "" || c.Get("tls-key-file") == "":
		return nil, errNoCertificate
	case (nodes || auth != identity.AuthNone) && c.Get("tls-ca-cert-file") == "" && c.Get("tls-ca-cert-dir") == "":
		return nil, errNoAuthority
	}
	life := time.Duration(c.Int("tls-session-cache-timeout")) * time.Second
	own, err := identity.Load(identity.Options{
		Own:    identity.Pair{Cert: c.Get("tls-cert-file"), Key: c.Get("tls-key-file"), Pass: c.Get("tls-key-file-pass")},
		Client: identity.Pair{Cert: c.Get("tls-client-cert-file"), Key: c.Get("tls-client-key-file"), Pass: c.Get("tls-client-key-file-pass")},
		CAFile: c.Get("tls-ca-cert-file"), CADir: c.Get("tls-ca-cert-dir"),
		Protocols: c.Get("tls-protocols"), Ciphers: c.Get("tls-ciphers"),
		Tickets: c.Bool("tls-session-caching"), TicketLife: life,
	})
	if err != nil {
		return nil, err
	}
	next := &secured{clients: own.Listener(auth)}
	if nodes {
		next.nodes, next.dial = own.Listener(identity.AuthRequired), own.Dialer("")
		next.nodes.SessionTicketsDisabled = true
	}
	return next, nil
}

// ClusterTLS is how the cluster port is secured at the moment: the configuration of the side that listens and of
// the side that dials; nil without tls-cluster.
func (s *Server) ClusterTLS() (listen, dial *tls.Config) {
	if now := s.secured.Load(); now != nil && s.config.Bool("tls-cluster") {
		return now.nodes, now.dial
	}
	return nil, nil
}

// JoinTLS is how the node to join is asked; nil without tls-replication.
func (s *Server) JoinTLS() *tls.Config {
	if now := s.secured.Load(); now != nil && s.config.Bool("tls-replication") {
		return now.dial
	}
	return nil
}

const (
	handshakePatience = 10 * time.Second
	farewellPatience  = 50 * time.Millisecond // for the alert that ends a TLS connection
)

// secureConn is a TLS connection of a client. Closing it waits for nobody: crypto/tls would give a peer that does
// not read seconds to take the last alert.
type secureConn struct {
	*tls.Conn
	socket *hastySocket
}

func newSecureConn(socket net.Conn, config *tls.Config) *secureConn {
	hasty := &hastySocket{Conn: socket}
	return &secureConn{tls.Server(hasty, config), hasty}
}

// Close implements net.Conn.
func (c *secureConn) Close() error {
	c.socket.closing.Store(true)
	return c.Conn.Close()
}

// hastySocket is a socket whose write deadlines are short once it is being closed.
type hastySocket struct {
	net.Conn
	closing atomic.Bool
}

// SetWriteDeadline implements net.Conn.
func (s *hastySocket) SetWriteDeadline(t time.Time) error {
	if soon := time.Now().Add(farewellPatience); s.closing.Load() && (t.IsZero() || t.After(soon)) {
		t = soon
	}
	return s.Conn.SetWriteDeadline(t)
}

// shakeHands goes through the handshake of a TLS connection, which may take so long; there is none on others.
func (c *clientConn) shakeHands(limit time.Duration) error {
	secure, ok := c.Conn.(*secureConn)
	if !ok {
		return nil
	}
	_ = secure.SetDeadline(time.Now().Add(limit)) // fails on a closed connection only, as the handshake then does
	if err := secure.Handshake(); err != nil {
		return err
	}
	return secure.SetDeadline(time.Time{})
}

// arrive is what comes before a session's first command. It reports whether there may be one.
func (s *session) arrive() bool {
	if err := s.conn.shakeHands(time.Duration(s.srv.handshake.Load())); err != nil {
		s.srv.log.Log(s.srv.ctx, slog.LevelInfo-1, "a client's TLS handshake failed", "addr", s.conn.remote, "error", err)
		return false
	}
	if text := s.srv.protect(s.conn); text != "" {
		s.srv.reject(text)
		_, _ = s.conn.Write(appendErrorLine(nil, text)) // the connection ends either way
		return false
	}
	return true
}
