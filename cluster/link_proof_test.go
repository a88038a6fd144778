package cluster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestLinkSecretAndCluster(t *testing.T) {
	linkTestLeaks(t)
	secret := func(s string) func(*linkOptions) {
		return func(o *linkOptions) { o.secret = []byte(s) }
	}
	cluster := func(s string) func(*linkOptions) {
		return func(o *linkOptions) { o.clusterID = func() string { return s } }
	}
	tests := []struct {
		name   string
		dialer func(*linkOptions)
		other  func(*linkOptions)
		want   error
	}{
		{"same secret", secret("s"), secret("s"), nil},
		{"no secret", secret(""), secret(""), nil},
		{"wrong secret", secret("s"), secret("t"), errLinkSecret},
		{"dialer without", secret(""), secret("t"), errLinkSecret},
		{"listener without", secret("s"), secret(""), errLinkSecret},
		{"other cluster", cluster("x"), cluster("y"), errLinkCluster},
		{"joiner dials", cluster(""), cluster("y"), nil},
		{"joiner is dialed", cluster("x"), cluster(""), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := linkTestOpen(t, "client", test.dialer)
			server := linkTestOpen(t, "server", test.other)
			_, err := client.call(linkTestContext(t), server.addr(), 0, 0, nil)
			if test.want == nil && err != nil {
				t.Fatal(err)
			}
			if test.want != nil {
				linkTestWants(t, err, errNotSent, test.want)
			}
		})
	}
}

func TestLinkWrongAddress(t *testing.T) {
	linkTestLeaks(t)
	server := linkTestOpen(t, "server")
	client := linkTestOpen(t, "client", func(o *linkOptions) {
		o.expect = func(addr string) string {
			if addr == server.addr() {
				return "somebody"
			}
			return ""
		}
	})
	ctx := linkTestContext(t)
	_, err := client.call(ctx, client.addr(), 0, 0, nil)
	linkTestWants(t, err, errNotSent, errLinkSelf)
	_, err = client.call(ctx, server.addr(), 0, 0, nil)
	linkTestWants(t, err, errNotSent, errLinkNode)
	_, err = client.streams(3).Dial("127.0.0.1:1", time.Second)
	linkTestWants(t, err, errNotSent)
}

// linkTestRaw is a bare connection to a link.
func linkTestRaw(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// linkTestPretender is a listener that treats each connection as f says.
func linkTestPretender(t *testing.T, f func(conn net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			f(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return listener.Addr().String()
}

func TestLinkVersions(t *testing.T) {
	linkTestLeaks(t)
	l := linkTestOpen(t, "l")
	conn := linkTestRaw(t, l.addr())
	hello := (&linkHello{purpose: linkCalls, node: "x"}).encode()
	hello[len(linkMagic)] = 77
	_, _ = conn.Write(hello)
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, []byte{byte(linkBadVersion), linkVersion}) {
		t.Fatalf("a hello of version 77 was answered %q, %v", got, err)
	}
	newer := linkTestPretender(t, func(conn net.Conn) {
		_, _, _ = readLinkHello(conn)
		_, _ = conn.Write([]byte{byte(linkBadVersion), 78})
	})
	_, err = l.call(linkTestContext(t), newer, 0, 0, nil)
	linkTestWants(t, err, errNotSent, errLinkVersion)
	if !strings.Contains(err.Error(), "protocol version 78") {
		t.Errorf("%q does not name the version", err)
	}
}

// What is no peer gets no answer, and a length that it claims nothing but a closed connection.
func TestLinkGarbage(t *testing.T) {
	linkTestLeaks(t)
	rng := linkTestRand(t)
	l := linkTestOpen(t, "l")
	noise := make([]byte, 8<<10)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	long := append([]byte(linkMagic), linkVersion, 0xff, 0xff)
	inner := (&linkHello{purpose: linkCalls, node: "x"}).encode()
	inner[linkHeadSize+3] = 200 // length of the cluster id
	for name, b := range map[string][]byte{
		"noise":     noise,
		"http":      []byte("POST / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"oversize":  append(long, noise...),
		"bad names": inner,
		"nameless":  (&linkHello{purpose: linkCalls}).encode(),
		"purpose":   (&linkHello{purpose: 9, node: "x"}).encode(),
	} {
		conn := linkTestRaw(t, l.addr())
		_, _ = conn.Write(b)
		if got, _ := io.ReadAll(conn); len(got) > 0 {
			t.Errorf("%s: answered %q", name, got)
		}
	}
	linkTestUntil(t, "an empty crowd", func() bool { return l.strangers.size() == 0 })
}

func TestLinkSlowHello(t *testing.T) {
	linkTestLeaks(t)
	times := linkTestTimes()
	times.hello = 100 * time.Millisecond
	l := linkTestOpen(t, "l", func(o *linkOptions) { o.times = times })
	conn := linkTestRaw(t, l.addr())
	began := time.Now()
	hello := (&linkHello{purpose: linkCalls, node: strings.Repeat("x", linkNameMax)}).encode()
	for _, b := range hello { // a byte every 10 ms: never silent for long
		if _, err := conn.Write([]byte{b}); err != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a slow hello was listened to for %v", took)
	}
	linkTestUntil(t, "an empty crowd", func() bool { return l.strangers.size() == 0 })
}

func TestLinkCrowd(t *testing.T) {
	linkTestLeaks(t)
	l := linkTestOpen(t, "l")
	conns := make([]net.Conn, linkStrangers+20)
	for i := range conns {
		conns[i] = linkTestRaw(t, l.addr())
	}
	linkTestUntil(t, "a full crowd", func() bool { return l.strangers.size() == linkStrangers })
	for i := range 20 {
		if _, err := conns[i].Read(make([]byte, 1)); err == nil {
			t.Fatal("a stranger was answered")
		}
	}
	client := linkTestOpen(t, "client")
	if _, err := client.call(linkTestContext(t), l.addr(), 0, 0, nil); err != nil {
		t.Fatalf("a peer was shut out: %v", err)
	}
	if n := l.strangers.size(); n > linkStrangers {
		t.Errorf("%d strangers", n)
	}
}

// A pretender who knows no secret plays back to the dialer what the dialer said.
func TestLinkReflectionToDialer(t *testing.T) {
	linkTestLeaks(t)
	victim := linkTestOpen(t, "victim")
	for name, disguise := range map[string]string{"own name": "victim", "other name": "other"} {
		got := make(chan []byte, 1)
		addr := linkTestPretender(t, func(conn net.Conn) {
			hello, _, err := readLinkHello(conn)
			if err != nil {
				return
			}
			hello.node = disguise // and the nonce is the victim's own
			_, _ = conn.Write(linkTestReply(hello))
			proof := make([]byte, 32)
			n, _ := io.ReadFull(conn, proof)
			got <- proof[:n]
			_, _ = conn.Write(append([]byte{byte(linkGo)}, proof...))
			_, _ = conn.Read(proof)
		})
		_, err := victim.call(linkTestContext(t), addr, 0, 0, []byte("precious"))
		if disguise == "victim" {
			linkTestWants(t, err, errNotSent, errLinkSelf)
			if proof := <-got; len(proof) > 0 {
				t.Errorf("%s: the victim proved itself to its own image", name)
			}
			continue
		}
		linkTestWants(t, err, errNotSent, errLinkSecret)
	}
}

// linkTestReply is a listener's introduction on the wire.
func linkTestReply(h linkHello) []byte {
	rest := h.append(nil)
	return append(binary.BigEndian.AppendUint16([]byte{byte(linkGo)}, uint16(len(rest))), rest...)
}

// Somebody who knows no secret dials and plays the listener's challenge back to it, as a proof,
// or as the hello of another connection from which he takes whatever comes.
func TestLinkReflectionToListener(t *testing.T) {
	linkTestLeaks(t)
	victim := linkTestOpen(t, "victim")
	challenge := func(h linkHello) (net.Conn, linkHello) {
		conn := linkTestRaw(t, victim.addr())
		_, _ = conn.Write(h.encode())
		reply := make([]byte, 3)
		if _, err := io.ReadFull(conn, reply); err != nil {
			t.Fatal(err)
		}
		own, _, err := readLinkRest(conn, reply, int(binary.BigEndian.Uint16(reply[1:])))
		if err != nil {
			t.Fatal(err)
		}
		return conn, own
	}
	first, own := challenge(linkHello{purpose: linkCalls, node: "stranger"})
	image := own
	image.node = "stranger"
	second, again := challenge(image)
	for i, conn := range []net.Conn{first, second} {
		nonce := own.nonce
		if i == 1 {
			nonce = again.nonce
		}
		_, _ = conn.Write(nonce[:])
		got, _ := io.ReadAll(conn)
		if !bytes.Equal(got, []byte{byte(linkBadSecret), linkVersion}) {
			t.Errorf("connection %d: an echoed challenge was answered %q", i, got)
		}
	}
}

// Somebody between a victim's dial and the victim's own listener hands everything on unchanged.
func TestLinkReflectionThroughThirdParty(t *testing.T) {
	linkTestLeaks(t)
	victim := linkTestOpen(t, "victim")
	proxy := newLinkTestProxy(t, victim.addr(), nil)
	_, err := victim.call(linkTestContext(t), proxy.addr(), 0, 0, nil)
	linkTestWants(t, err, errNotSent, errLinkSelf)
}

// Any bit changed on the way in either direction spoils the exchange: the proofs cover all of it.
func TestLinkTampering(t *testing.T) {
	linkTestLeaks(t)
	rng := linkTestRand(t)
	times := linkTestTimes()
	times.hello, times.dial = 300*time.Millisecond, 300*time.Millisecond
	short := func(o *linkOptions) { o.times = times }
	asked := make(chan struct{}, 1)
	server := linkTestOpen(t, "server", short)
	hello := linkHello{cluster: "cluster-1", node: "client"}
	sizes := map[bool]int{true: len(hello.encode()) + 32, false: len(linkTestReply(hello)) + 33}
	for up, size := range sizes {
		for at := range size {
			bit := byte(1) << rng.Uint32N(8)
			proxy := newLinkTestProxy(t, server.addr(), func(fromDialer bool, offset int, b []byte) {
				if i := at - offset; fromDialer == up && i >= 0 && i < len(b) {
					b[i] ^= bit
					asked <- struct{}{}
				}
			})
			client := linkTestOpen(t, "client", short)
			_, err := client.call(linkTestContext(t), proxy.addr(), 0, 0, nil)
			if err == nil {
				t.Errorf("bit %#x of byte %d changed (from the dialer: %v), and the call went through", bit, at, up)
			}
			client.close()
			proxy.close()
			select {
			case <-asked:
			default:
				t.Fatalf("byte %d was never sent", at)
			}
		}
	}
}

func TestLinkHelloBytes(t *testing.T) {
	h := linkHello{purpose: linkRaft, group: 0x0102, cluster: "cl", node: "n"}
	for i := range h.nonce {
		h.nonce[i] = byte(i)
	}
	want := fmt.Sprintf("rdft\x01\x00\x28\x01\x01\x02\x02cl\x01n%s", h.nonce[:])
	if got := h.encode(); string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got := linkProof([]byte("secret"), linkDialerLabel, []byte(want), []byte("reply"))
	const proof = "6dee8949053392c5afc16ac34a905e21b0545e129da552385dff2084c7c6530f"
	if fmt.Sprintf("%x", got) != proof {
		t.Errorf("proof %x, want %s", got, proof)
	}
	longest := linkHello{cluster: strings.Repeat("c", linkClusterMax), node: strings.Repeat("n", linkNameMax)}
	if n := len(longest.encode()); n > linkHelloMax {
		t.Errorf("the longest hello has %d bytes", n)
	}
}
