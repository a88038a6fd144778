// Package socket makes system calls of connections cheap where many threads compete for few processors.
//
// Go's scheduler is told of each read and write of a net.Conn. While one is under way it may give its processor to
// another thread, and does when the call takes long; on a node under load it takes long because the thread itself
// waits for a processor, and a good part of what a short command costs is then such changes of threads. But a
// socket that does not block is read and written at once, or not at all. So nobody is told here
// (docs/performance.md has the figures).
package socket

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// A Conn is a connection that reads and writes its socket in this way.
type Conn struct {
	net.Conn
	raw     syscall.RawConn
	in, out transfer
}

// A transfer is what is being read or written.
type transfer struct {
	mu   sync.Mutex
	work func(fd uintptr) (done bool)
	p    []byte // what is left of it
	now  bool   // without waiting
	err  error
}

// Of is a connection's Conn, or the connection itself if it has no socket of its own.
func Of(conn net.Conn) net.Conn {
	has, ok := conn.(syscall.Conn)
	if !ok {
		return conn
	}
	raw, err := has.SyscallConn()
	if err != nil {
		return conn
	}
	c := &Conn{Conn: conn, raw: raw}
	c.in.work, c.out.work = c.in.read, c.out.write
	return c
}

// SyscallConn implements syscall.Conn.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.raw, nil }

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return c.in.run(c.raw.Read, p, false)
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) { return c.out.run(c.raw.Write, p, false) }

// WriteNow writes what the socket takes without waiting, and returns how much that is. It says nothing of errors:
// the next Write meets them.
func (c *Conn) WriteNow(p []byte) int {
	n, _ := c.out.run(c.raw.Write, p, true)
	return n
}

// run has do call the work until it is done, and returns how much of p that was.
func (t *transfer) run(do func(func(fd uintptr) bool) error, p []byte, now bool) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.p, t.now, t.err = p, now, nil
	err := do(t.work)
	n := len(p) - len(t.p)
	t.p = nil
	if err == nil {
		err = t.err
	}
	return n, err
}

// read is the work of a read: it is done with the first bytes, or the end.
func (t *transfer) read(fd uintptr) (done bool) {
	n, err := t.call(readSocket, fd)
	switch {
	case err == syscall.EAGAIN:
		return false
	case err != nil:
		t.err = os.NewSyscallError("read", err)
	case n == 0:
		t.err = io.EOF
	}
	return true
}

// write is the work of a write: it is done when nothing is left.
func (t *transfer) write(fd uintptr) (done bool) {
	for len(t.p) > 0 {
		switch _, err := t.call(writeSocket, fd); {
		case err == syscall.EAGAIN:
			return t.now
		case err != nil:
			t.err = os.NewSyscallError("write", err)
			return true
		}
	}
	return true
}

// callMost bounds the bytes of one system call, so that it takes no longer than the scheduler can spare a processor.
const callMost = 64 << 10

// call makes a system call on what is left, again if a signal came between, and takes off what it has done.
func (t *transfer) call(system func(fd uintptr, p []byte) (int, error), fd uintptr) (int, error) {
	for {
		n, err := system(fd, t.p[:min(len(t.p), callMost)])
		switch err {
		case nil:
			t.p = t.p[n:]
			return n, nil
		case syscall.EINTR:
		default:
			return 0, err
		}
	}
}
