package main

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// testHello is the first message of a node called name.
func testHello(name string) []byte {
	rest := append([]byte{1, 0, 0, 0, byte(len(name))}, name...)
	return append([]byte{'r', 'd', 'f', 't', 1, 0, byte(len(rest))}, rest...)
}

// proxied is a connection from a node "a" to a node "b" through a network: both its ends.
func proxied(t *testing.T, n *network, l net.Listener) (a, b net.Conn) {
	t.Helper()
	n.mu.Lock()
	addr := n.proxies[0].Addr().String()
	n.mu.Unlock()
	a, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	hello := testHello("a")
	if _, err := a.Write(hello); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	expectBytes(t, b, string(hello))
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return a, b
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func expectBytes(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("%q, %v; want %q", got, err, want)
	}
}

// expectNothing waits a moment in which nothing must come.
func expectNothing(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes, %v", n, err)
	}
}

// TestFaultsNetwork: a cut holds bytes one way and keeps their order, a halved connection is open on
// one end, a broken one on none.
func TestFaultsNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := newNetwork(func(string) string { return l.Addr().String() })
	defer n.close()
	n.proxy(t, "127.0.0.1:0", "b")
	all := func(*relay) bool { return true }

	a, b := proxied(t, n, l)
	say(t, a, "1")
	expectBytes(t, b, "1")
	n.set([]string{"a"}, []string{"b"}, way{cut: true})
	say(t, a, "2")
	say(t, b, "back")
	expectBytes(t, a, "back")
	expectNothing(t, b)
	_ = a.Close()
	expectNothing(t, b) // the end is held as well
	n.heal()
	expectBytes(t, b, "2")
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("the end: %v", err)
	}

	a, b = proxied(t, n, l)
	n.halve(all)
	_ = a.SetReadDeadline(time.Now().Add(patience))
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("the dialer's end of a halved connection: %v", err)
	}
	expectNothing(t, b)

	a, b = proxied(t, n, l)
	n.reset(all)
	for _, end := range []net.Conn{a, b} {
		_ = end.SetReadDeadline(time.Now().Add(patience))
		if _, err := end.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) {
			t.Errorf("an end of a broken connection: %v", err)
		}
	}
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}
