package server

import (
	"net"
	"strings"
	"sync/atomic"
	"syscall"
)

const writeChunk = 256 << 10 // bytes written at once, so that progress shows

// clientConn is a client's connection as its session sees it: the guard, with its writes watched.
type clientConn struct {
	*guard
	remote, bound string // addresses as CLIENT LIST shows them
	descriptor    int    // of the socket; -1 if it has none

	waiting atomic.Int64 // bytes of the present write that have not gone out
}

func newClientConn(g *guard) *clientConn {
	return &clientConn{guard: g, remote: address(g.RemoteAddr(), g.LocalAddr()), bound: address(g.LocalAddr(), nil),
		descriptor: descriptor(g.Conn)}
}

// address is an address in Redis' notation. A Unix socket's peer has none and is shown by the
// socket's.
func address(a, otherwise net.Addr) string {
	if a.Network() != "unix" {
		return a.String()
	}
	if otherwise != nil && (a.String() == "" || a.String() == "@") {
		a = otherwise
	}
	return a.String() + ":0"
}

// descriptor is the number that the system knows a connection by, -1 if there is none.
func descriptor(conn net.Conn) int {
	fd := -1
	if secure, ok := conn.(*secureConn); ok {
		conn = secure.socket.Conn
	}
	if c, ok := conn.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			_ = raw.Control(func(n uintptr) { fd = int(n) }) // fails on a closed connection, which has none
		}
	}
	return fd
}

// unix reports whether it is a Unix socket's.
func (c *clientConn) unix() bool { return c.LocalAddr().Network() == "unix" }

// source is the client as MONITOR names it.
func (c *clientConn) source() string {
	if c.unix() {
		return "unix:" + strings.TrimSuffix(c.remote, ":0")
	}
	return c.remote
}

func (c *clientConn) local() bool { return isLocal(c.RemoteAddr()) }

// Write writes all of b, or fails. A client that has stopped reading is the guard's to give up.
func (c *clientConn) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		c.waiting.Store(int64(len(b) - written))
		n, err := c.guard.Write(b[written:min(len(b), written+writeChunk)])
		written += n
		if err != nil {
			return written, err
		}
	}
	c.waiting.Store(0)
	return written, nil
}
