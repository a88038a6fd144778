package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/redcon"
	"go.uber.org/goleak"
)

// startGuardNode serves a few commands with redcon's parser behind guards, and returns its address.
// When the test ends it checks that nothing goes on. A password, if not empty, must be given with AUTH.
func startGuardNode(t testing.TB, o guardOptions, password string) (addr string) {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := guardListener(inner, o)
	var open sync.WaitGroup
	open.Go(func() {
		for {
			g, err := ln.accept()
			if err != nil {
				return
			}
			g.setAuthenticated(password == "")
			open.Go(func() { serveGuard(g, password) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		open.Wait()
		goleak.VerifyNone(t, leaks)
	})
	return inner.Addr().String()
}

// serveGuard answers batch by batch.
func serveGuard(g *guard, password string) {
	defer g.Close()
	for {
		batch, err := g.next()
		if err != nil {
			return
		}
		var out respWriter
		for len(batch) > 0 {
			var args [][]byte
			if _, args, _, batch, err = redcon.ReadNextCommand(batch, nil); err != nil {
				return
			}
			guardCommand(g, &out, args, password)
		}
		if _, err := g.Write(out.buf); err != nil {
			return
		}
	}
}

// guardCommand executes the commands that the tests send, with Redis' replies.
func guardCommand(g *guard, out *respWriter, args [][]byte, password string) {
	switch name := strings.ToLower(string(args[0])); {
	case name == "auth" && len(args) == 2 && string(args[1]) == password:
		g.setAuthenticated(true)
		out.Status("OK")
	case !g.authenticated.Load():
		out.Error("NOAUTH Authentication required.")
	case name == "ping" && len(args) == 1:
		out.Status("PONG")
	case (name == "ping" || name == "echo") && len(args) == 2:
		out.Bulk(args[1])
	case name == "eval" && len(args) > 2: // return ARGV
		out.Array(len(args) - 3)
		for _, arg := range args[3:] {
			out.Bulk(arg)
		}
	case name == "strlen" && len(args) == 2: // of the argument itself
		out.Int(int64(len(args[1])))
	default:
		out.Error("ERR unknown command")
	}
}

func dialGuard(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(60 * time.Second))
	return c
}

// guardHeapPeak runs f and returns how far the heap grew above what it was.
func guardHeapPeak(f func()) (peak uint64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	runtime.GC()
	metrics.Read(sample)
	base := sample[0].Value.Uint64()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			metrics.Read(sample)
			if now := sample[0].Value.Uint64(); now > base {
				peak = max(peak, now-base)
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	<-done
	return peak
}

// TestGuardLargeCommand measures what a long argument costs, and what stays.
func TestGuardLargeCommand(t *testing.T) {
	const long = 64 << 20
	addr := startGuardNode(t, *guardTestOptions(nil), "")
	client := dialGuard(t, addr)
	answers := bufio.NewReader(client)
	expect := func(want string) {
		t.Helper()
		if got, err := answers.ReadString('\n'); err != nil || got != want+"\r\n" {
			t.Fatalf("answered %q, %v; want %q", got, err, want)
		}
	}
	send := func(size int) time.Duration {
		start := time.Now()
		fmt.Fprintf(client, "*2\r\n$6\r\nSTRLEN\r\n$%d\r\n", size)
		for rest, piece := size, make([]byte, 1<<20); rest > 0; {
			k, err := client.Write(piece[:min(rest, len(piece))])
			if err != nil {
				t.Fatal(err)
			}
			rest -= k
		}
		fmt.Fprint(client, "\r\n")
		expect(fmt.Sprintf(":%d", size))
		return time.Since(start)
	}
	var took [2]time.Duration
	peak := guardHeapPeak(func() {
		took[0] = send(long / 8)
		took[1] = send(long)
	})
	t.Logf("8 MiB in %v, 64 MiB in %v; at most %.1f times its size in memory", took[0], took[1], float64(peak)/long)
	if peak > 6*long {
		t.Errorf("the heap grew by %d MiB", peak>>20)
	}
	fmt.Fprint(client, "PING\r\n") // the buffer goes with the next read
	expect("+PONG")
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 16<<20 {
		t.Errorf("%d MiB stay", m.HeapAlloc>>20)
	}
}

// TestGuardManySlowClients has clients that send a byte at a time beside one that wants answers.
func TestGuardManySlowClients(t *testing.T) {
	slow, asks := 200, 100
	if os.Getenv("REDRAFT_NIGHTLY") == "1" {
		slow, asks = 1000, 20000
	}
	addr := startGuardNode(t, *guardTestOptions(nil), "")
	conns := make([]net.Conn, slow)
	for i := range conns {
		conns[i] = dialGuard(t, addr)
	}
	var bytesSent atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		request := appendRequest(nil, [][]byte{[]byte("ECHO"), make([]byte, 10000)})
		for i := range request {
			for _, c := range conns {
				c.Write(request[i : i+1])
				bytesSent.Add(1)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	client := dialGuard(t, addr)
	answer := make([]byte, 7)
	took := make([]time.Duration, asks)
	for i := range took {
		start := time.Now()
		fmt.Fprint(client, "PING\r\n")
		if _, err := io.ReadFull(client, answer); err != nil {
			t.Fatal(err)
		}
		took[i] = time.Since(start)
	}
	close(stop)
	<-stopped
	slices.Sort(took)
	t.Logf("%d slow clients sent %d bytes; PING median %v, worst %v", slow, bytesSent.Load(), took[asks/2], took[asks-1])
	if took[asks/2] > 50*time.Millisecond {
		t.Errorf("the median PING took %v", took[asks/2])
	}
}

// guardBrokenListener fails until it is closed.
type guardBrokenListener struct {
	net.Listener
	calls atomic.Int64
}

func (l *guardBrokenListener) Accept() (net.Conn, error) {
	l.calls.Add(1)
	return nil, io.ErrUnexpectedEOF
}

func (l *guardBrokenListener) Close() error { return nil }

func TestGuardListenerDoesNotSpin(t *testing.T) {
	defer goleak.VerifyNone(t)
	inner := &guardBrokenListener{}
	ln := guardListener(inner, *guardTestOptions(nil))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := ln.accept(); err == net.ErrClosed {
				return
			}
		}
	}()
	time.Sleep(60 * time.Millisecond) // the time itself is the subject
	ln.Close()
	<-done
	if calls := inner.calls.Load(); calls < 2 || calls > 20 {
		t.Errorf("%d attempts in 60 ms", calls)
	}
}
