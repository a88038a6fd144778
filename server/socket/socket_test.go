package socket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// pair is a Conn and the plain connection at its other end.
func pair(t testing.TB, network, at string) (*Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, ok := Of(conn).(*Conn)
	if !ok {
		t.Fatal("a socket without a Conn")
	}
	t.Cleanup(func() { _, _ = c.Close(), other.Close() })
	return c, other
}

func TestConn(t *testing.T) {
	for network, at := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "s")} {
		t.Run(network, func(t *testing.T) {
			c, other := pair(t, network, at)
			large := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // more than a socket takes at once
			written := make(chan error, 1)
			go func() {
				n, err := c.Write(large)
				if n != len(large) {
					err = errors.Join(err, io.ErrShortWrite)
				}
				written <- err
			}()
			got := make([]byte, len(large))
			if _, err := io.ReadFull(other, got); err != nil || !bytes.Equal(got, large) {
				t.Errorf("other bytes, %v", err)
			}
			if err := <-written; err != nil {
				t.Error(err)
			}
			if n, err := c.Read(nil); n != 0 || err != nil {
				t.Errorf("nothing: %d, %v", n, err)
			}
			go func() { _, _ = other.Write(large); _ = other.Close() }()
			if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, large) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestWriteNow(t *testing.T) {
	c, other := pair(t, "tcp", "127.0.0.1:0")
	if n := c.WriteNow([]byte("abc")); n != 3 {
		t.Errorf("%d bytes", n)
	}
	total := 3
	for piece := make([]byte, 1<<20); ; {
		n := c.WriteNow(piece)
		if total += n; n < len(piece) {
			break
		}
	}
	go func() { _ = c.Conn.(*net.TCPConn).CloseWrite() }()
	got, err := io.ReadAll(other)
	if err != nil || len(got) != total {
		t.Errorf("%d bytes of %d, %v", len(got), total, err)
	}
}

func TestErrors(t *testing.T) {
	c, other := pair(t, "tcp", "127.0.0.1:0")
	timeout := func(err error) bool {
		var network net.Error
		return errors.As(err, &network) && network.Timeout() && errors.Is(err, os.ErrDeadlineExceeded)
	}
	_ = c.SetDeadline(time.Now().Add(5 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !timeout(err) {
		t.Errorf("reading nothing: %d, %v", n, err)
	}
	large := make([]byte, 64<<20)
	_ = c.SetDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Write(large); n == 0 || !timeout(err) {
		t.Errorf("writing to who does not read: %d, %v", n, err)
	}
	_ = c.SetDeadline(time.Time{})
	_ = other.(*net.TCPConn).SetLinger(0)
	_ = other.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reading from who has gone: %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("writing to who has gone: %v", err)
	}
	if n := c.WriteNow([]byte("x")); n != 0 {
		t.Errorf("%d bytes", n)
	}
	ended := make(chan error, 1)
	c, _ = pair(t, "tcp", "127.0.0.1:0")
	go func() {
		_, err := c.Read(make([]byte, 1))
		ended <- err
	}()
	_ = c.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading what is closed: %v", err)
	}
	if a, _ := net.Pipe(); Of(a) != a {
		t.Error("what has no socket has become another")
	}
}

// BenchmarkConn is a short question and its answer.
func BenchmarkConn(b *testing.B) {
	for name, of := range map[string]func(net.Conn) net.Conn{"socket": Of, "net": func(c net.Conn) net.Conn { return c }} {
		b.Run(name, func(b *testing.B) {
			c, other := pair(b, "tcp", "127.0.0.1:0")
			go func() {
				conn, p := of(c.Conn), make([]byte, 64)
				for {
					n, err := conn.Read(p)
					if err != nil {
						return
					}
					_, _ = conn.Write(p[:n])
				}
			}()
			p := make([]byte, 32)
			for b.Loop() {
				_, _ = other.Write(p)
				_, _ = other.Read(p)
			}
		})
	}
}
