package cluster

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// linkTestProxy carries connections to a target and may change what passes.
type linkTestProxy struct {
	listener net.Listener
	running  sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
}

// newLinkTestProxy starts a proxy. touch may change b, whose first byte is number offset of its
// direction; it is called by one goroutine a direction.
func newLinkTestProxy(t *testing.T, target string, touch func(fromDialer bool, offset int, b []byte)) *linkTestProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &linkTestProxy{listener: listener}
	pass := func(to, from net.Conn, up bool) {
		b := make([]byte, 4096)
		for offset := 0; ; {
			n, err := from.Read(b)
			if touch != nil && n > 0 {
				touch(up, offset, b[:n])
			}
			offset += n
			if _, werr := to.Write(b[:n]); err != nil || werr != nil {
				_ = to.Close()
				_ = from.Close()
				return
			}
		}
	}
	p.running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				_ = near.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, near, far)
			p.mu.Unlock()
			p.running.Go(func() { pass(far, near, true) })
			p.running.Go(func() { pass(near, far, false) })
		}
	})
	t.Cleanup(p.close)
	return p
}

func (p *linkTestProxy) addr() string { return p.listener.Addr().String() }

func (p *linkTestProxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

// linkTestConn is a connection that takes only so many bytes and can be made deaf.
type linkTestConn struct {
	net.Conn
	limited atomic.Bool
	deaf    atomic.Bool

	mu   sync.Mutex
	left int
	sent []byte // what was taken since limited
}

func (c *linkTestConn) Write(b []byte) (int, error) {
	if !c.limited.Load() {
		return c.Conn.Write(b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(b), c.left)
	c.left -= n
	c.sent = append(c.sent, b[:n]...)
	if n > 0 {
		if m, err := c.Conn.Write(b[:n]); err != nil {
			return m, err
		}
	}
	if n < len(b) {
		return n, errors.New("cut here")
	}
	return n, nil
}

func (c *linkTestConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.deaf.Load() {
			return n, err
		}
	}
}

// linkTestHooked opens a client whose connections are linkTestConns; the latest is in the pointer.
// Once that is limited, no other is made.
func linkTestHooked(t *testing.T, change ...func(*linkOptions)) (*link, *atomic.Pointer[linkTestConn]) {
	t.Helper()
	var latest atomic.Pointer[linkTestConn]
	hook := func(o *linkOptions) {
		o.dial = func(ctx context.Context, addr string) (net.Conn, error) {
			if former := latest.Load(); former != nil && former.limited.Load() {
				return nil, errors.New("no more")
			}
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			if err != nil {
				return nil, err
			}
			c := &linkTestConn{Conn: conn}
			latest.Store(c)
			return c, nil
		}
	}
	return linkTestOpen(t, "client", append(change, hook)...), &latest
}

// The connection takes a random number of bytes and then fails. Each call must be told the truth:
// a request of which a byte went out is of unknown fate unless it was answered, every other was
// surely not sent.
func TestLinkCutWhileSending(t *testing.T) {
	linkTestLeaks(t)
	rng := linkTestRand(t)
	server := linkTestOpen(t, "server", func(o *linkOptions) {
		o.handle = func(ctx context.Context, _ string, kind byte, _ int, body []byte) ([]byte, error) {
			if kind == 1 {
				<-ctx.Done()
			}
			return body[:min(len(body), 4)], nil
		}
	})
	for range 40 {
		client, latest := linkTestHooked(t)
		ctx := linkTestContext(t)
		if _, err := client.call(ctx, server.addr(), 0, 0, []byte("warm")); err != nil {
			t.Fatal(err)
		}
		conn := latest.Load()
		conn.left = int(rng.Uint32N(20000))
		conn.limited.Store(true)
		const calls = 64
		results := make([]error, calls)
		var waiting sync.WaitGroup
		for i := range calls {
			kind, body := byte(rng.Uint32N(2)), make([]byte, 4+rng.Uint32N(700))
			binary.BigEndian.PutUint32(body, uint32(i))
			waiting.Go(func() { _, results[i] = client.call(ctx, server.addr(), kind, 0, body) })
		}
		linkTestUntil(t, "the cut", func() bool {
			conn.mu.Lock()
			defer conn.mu.Unlock()
			return conn.left == 0
		})
		client.close()
		waiting.Wait()
		linkTestJudge(t, results, conn.sent)
		if t.Failed() {
			return
		}
	}
}

// linkTestJudge compares what the calls were told with what went out.
func linkTestJudge(t *testing.T, results []error, sent []byte) {
	t.Helper()
	began := map[int]bool{}
	unnamed := 0 // requests that were cut before their number
	for r := bufio.NewReader(bytes.NewReader(sent)); ; {
		head, err := r.Peek(linkFrameHead + 4)
		if err != nil {
			if len(head) > 0 && !(len(head) >= linkFrameHead && binary.BigEndian.Uint64(head[4:]) == 0) {
				unnamed = 1
			}
			if len(head) < linkFrameHead || binary.BigEndian.Uint64(head[4:]) != 0 {
				break
			}
		} else if binary.BigEndian.Uint64(head[4:]) != 0 {
			began[int(binary.BigEndian.Uint32(head[linkFrameHead:]))] = true
		}
		if _, err := r.Discard(4 + int(binary.BigEndian.Uint32(head))); err != nil {
			break
		}
	}
	for i, err := range results {
		switch {
		case err == nil && !began[i]:
			t.Errorf("call %d was answered and never sent", i)
		case errors.Is(err, errNotSent) && began[i]:
			t.Errorf("call %d was sent: %v", i, err)
		case errors.Is(err, errBroken) && !began[i]:
			unnamed--
		case err != nil && !errors.Is(err, errNotSent) && !errors.Is(err, errBroken):
			t.Errorf("call %d: %v", i, err)
		}
	}
	if unnamed < 0 || unnamed > 1 {
		t.Errorf("%d calls too many were told that their fate is unknown", -unnamed)
	}
}

// The answering node goes away: what it has been sent is of unknown fate, what waited for the
// window surely was not sent.
func TestLinkCutWhileWaiting(t *testing.T) {
	linkTestLeaks(t)
	var running atomic.Int64
	server := linkTestOpen(t, "server", func(o *linkOptions) {
		o.handle = func(ctx context.Context, _ string, _ byte, _ int, _ []byte) ([]byte, error) {
			running.Add(1)
			<-ctx.Done()
			return nil, nil
		}
	})
	proxy := newLinkTestProxy(t, server.addr(), nil)
	client := linkTestOpen(t, "client")
	ctx := linkTestContext(t)
	const extra = 50
	results := make(chan error, linkWindow+extra)
	for range cap(results) {
		go func() {
			_, err := client.call(ctx, proxy.addr(), 0, 0, []byte("x"))
			results <- err
		}()
	}
	linkTestUntil(t, "a full window", func() bool { return running.Load() == linkWindow })
	linkTestUntil(t, "a queue", func() bool { return linkTestQueue(client, proxy.addr()) == extra })
	proxy.close()
	var unknown, notSent int
	for range cap(results) {
		switch err := <-results; {
		case errors.Is(err, errBroken):
			unknown++
		case errors.Is(err, errNotSent):
			notSent++
		default:
			t.Fatalf("got %v", err)
		}
	}
	if unknown != linkWindow || notSent != extra {
		t.Errorf("%d unknown, %d not sent", unknown, notSent)
	}
}

// linkTestQueue is the number of calls to addr that have not been sent.
func linkTestQueue(l *link, addr string) int {
	p := l.peer(linkRoute{addr: addr})
	p.mu.Lock()
	c := p.current
	p.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for call := c.queue.head; call != nil; call = call.next {
		n++
	}
	return n
}

// Nothing arrives any more, though the connection stands: pings find out.
func TestLinkHalfOpen(t *testing.T) {
	linkTestLeaks(t)
	times := linkTestTimes()
	times.answer = 60 * time.Millisecond
	server := linkTestOpen(t, "server")
	client, latest := linkTestHooked(t, func(o *linkOptions) { o.times = times })
	ctx := linkTestContext(t)
	if _, err := client.call(ctx, server.addr(), 0, 0, nil); err != nil {
		t.Fatal(err)
	}
	conn := latest.Load()
	conn.deaf.Store(true)
	_, err := client.call(ctx, server.addr(), 0, 0, []byte("into the void"))
	linkTestWants(t, err, errBroken, errLinkSilent, errLinkLost)
	linkTestUntil(t, "a fresh connection", func() bool {
		_, err := client.call(ctx, server.addr(), 0, 0, nil)
		return err == nil
	})
	if latest.Load() == conn {
		t.Error("the dead connection was used again")
	}
}

// The peer proves itself and then reads nothing: writing blocks, and still every call ends.
func TestLinkPeerReadsNothing(t *testing.T) {
	linkTestLeaks(t)
	times := linkTestTimes()
	times.answer = 500 * time.Millisecond
	server := linkTestOpen(t, "server")
	release := make(chan struct{})
	addr := linkTestPretender(t, func(conn net.Conn) {
		_, _ = server.admit(conn)
		<-release
	})
	client := linkTestOpen(t, "client", func(o *linkOptions) { o.times = times })
	results := make(chan error, 64)
	for range cap(results) {
		go func() {
			_, err := client.call(linkTestContext(t), addr, 0, 0, make([]byte, 512<<10))
			results <- err
		}()
	}
	var unknown, notSent int
	for range cap(results) {
		err := <-results
		linkTestWants(t, err, errLinkSilent)
		if errors.Is(err, errBroken) {
			unknown++
		} else {
			notSent++
		}
	}
	close(release)
	if unknown == 0 || notSent == 0 {
		t.Errorf("%d unknown, %d not sent, want some of both", unknown, notSent)
	}
}

// A proven peer that falls silent is let go by the answering side.
func TestLinkIdlePeer(t *testing.T) {
	linkTestLeaks(t)
	times := linkTestTimes()
	times.idle = 60 * time.Millisecond
	server := linkTestOpen(t, "server", func(o *linkOptions) { o.times = times })
	client := linkTestOpen(t, "client")
	conn, err := client.connect(linkTestContext(t), server.addr(), linkCalls, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("got %v, want the end of the connection", err)
	}
}

// A proven peer that breaks the rules of the frames loses the connection, and nothing else.
func TestLinkBadFrames(t *testing.T) {
	linkTestLeaks(t)
	server := linkTestOpen(t, "server", func(o *linkOptions) { o.maxFrame = 1 << 20 })
	client := linkTestOpen(t, "client")
	ctx := linkTestContext(t)
	for name, b := range map[string][]byte{
		"too long":  append(binary.BigEndian.AppendUint32(nil, 1<<20), make([]byte, 64)...),
		"too short": make([]byte, 64),
	} {
		conn, err := client.connect(ctx, server.addr(), linkCalls, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write(b)
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: the connection stands (%v)", name, err)
		}
		_ = conn.Close()
	}
	if _, err := client.call(ctx, server.addr(), 0, 0, nil); err != nil {
		t.Fatal(err)
	}
}

// An answer to a question that was not asked breaks the connection.
func TestLinkStrayAnswer(t *testing.T) {
	linkTestLeaks(t)
	server := linkTestOpen(t, "server")
	var proxy *linkTestProxy
	hello := len(linkTestReply(linkHello{cluster: "cluster-1", node: "server"})) + 33
	proxy = newLinkTestProxy(t, server.addr(), func(fromDialer bool, offset int, b []byte) {
		if !fromDialer && offset >= hello && b[12-1] != 0 {
			b[12-1]++ // the number's last byte
		}
	})
	client := linkTestOpen(t, "client", func(o *linkOptions) { o.times.beat = time.Hour })
	_, err := client.call(linkTestContext(t), proxy.addr(), 0, 0, []byte("x"))
	linkTestWants(t, err, errBroken, errLinkHello)
}
