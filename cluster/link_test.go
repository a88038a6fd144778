package cluster

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// linkTestTimes are short enough for tests that wait for a limit to pass.
func linkTestTimes() linkTimes {
	return linkTimes{
		hello:  5 * time.Second,
		dial:   5 * time.Second,
		beat:   10 * time.Millisecond,
		answer: 10 * time.Second,
		idle:   10 * time.Second,
		pause:  5 * time.Millisecond,
		pauses: 20 * time.Millisecond,
	}
}

// linkTestEcho answers with what it was asked.
func linkTestEcho(_ context.Context, _ string, _ byte, _ int, body []byte) ([]byte, error) {
	return body, nil
}

// linkTestOpen starts a link named id that the test's end closes. Whoever calls it first in a
// test also has the goroutines counted afterwards.
func linkTestOpen(t *testing.T, id string, change ...func(*linkOptions)) *link {
	t.Helper()
	o := linkOptions{
		listen:    "127.0.0.1:0",
		nodeID:    id,
		clusterID: func() string { return "cluster-1" },
		secret:    []byte("open sesame"),
		handle:    linkTestEcho,
		times:     linkTestTimes(),
	}
	for _, f := range change {
		f(&o)
	}
	l, err := listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}

// linkTestLeaks checks at the test's end, after all its links are closed, that no goroutine stays.
func linkTestLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// linkTestRand is a source of random numbers whose seed the test prints.
func linkTestRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// linkTestContext bounds a test.
func linkTestContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// linkTestUntil waits for a condition.
func linkTestUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// linkTestRaise makes most at least n; many goroutines may do so at once.
func linkTestRaise(most *atomic.Int64, n int64) {
	for {
		seen := most.Load()
		if n <= seen || most.CompareAndSwap(seen, n) {
			return
		}
	}
}

func linkTestWants(t *testing.T, err error, wants ...error) {
	t.Helper()
	for _, want := range wants {
		if !errors.Is(err, want) {
			t.Fatalf("got error %v, want %v", err, want)
		}
	}
}

func TestLinkCallsInAnyOrder(t *testing.T) {
	linkTestLeaks(t)
	rng := linkTestRand(t)
	handle := func(_ context.Context, from string, kind byte, group int, body []byte) ([]byte, error) {
		for range int(kind) % 4 {
			runtime.Gosched()
		}
		if kind%16 == 7 {
			return nil, fmt.Errorf("%s refused kind %d group %d, %d bytes", from, kind, group, len(body))
		}
		return append([]byte{kind, byte(group >> 8), byte(group)}, body...), nil
	}
	server := linkTestOpen(t, "server", func(o *linkOptions) { o.handle = handle })
	client := linkTestOpen(t, "client")
	ctx := linkTestContext(t)
	var callers sync.WaitGroup
	for range 32 {
		source := rand.New(rand.NewPCG(rng.Uint64(), 0))
		callers.Go(func() {
			for range 100 {
				if err := linkTestExchange(ctx, client, server.addr(), source); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
}

// linkTestExchange makes one random call to a handler that puts kind and group before the body.
func linkTestExchange(ctx context.Context, from *link, addr string, source *rand.Rand) error {
	kind, group := byte(source.Uint32()), int(source.Uint32N(1<<16))
	body := make([]byte, source.Uint32N(300))
	if source.Uint32N(20) == 0 {
		body = make([]byte, source.Uint32N(400<<10))
	}
	for rest := body; len(rest) >= 8; rest = rest[min(len(rest), 1+len(body)/64):] {
		binary.BigEndian.PutUint64(rest, source.Uint64())
	}
	want := append([]byte{kind, byte(group >> 8), byte(group)}, body...)
	got, err := from.call(ctx, addr, kind, group, body)
	clear(body) // ours again
	if kind%16 == 7 {
		text := fmt.Sprintf("client refused kind %d group %d, %d bytes", kind, group, len(body))
		if !errors.Is(err, errRemote) || err.Error() != text {
			return fmt.Errorf("got error %v, want %q", err, text)
		}
		return nil
	}
	if err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("kind %d group %d: %d bytes and error %v, want %d bytes",
			kind, group, len(got), err, len(want))
	}
	return nil
}

func TestLinkSizes(t *testing.T) {
	linkTestLeaks(t)
	limit := func(o *linkOptions) { o.maxFrame = 4 << 20 }
	server := linkTestOpen(t, "server", limit, func(o *linkOptions) {
		o.handle = func(_ context.Context, _ string, kind byte, _ int, body []byte) ([]byte, error) {
			switch kind {
			case 1:
				return make([]byte, 4<<20), nil
			case 2:
				return nil, errors.New(strings.Repeat("x", 5<<20))
			}
			return body, nil
		}
	})
	client := linkTestOpen(t, "client", limit)
	ctx := linkTestContext(t)
	for _, size := range []int{0, 1, linkTrust, linkTrust + 1, 1 << 20, 4<<20 - linkFrameHead} {
		body := bytes.Repeat([]byte{byte(size + 1)}, size)
		got, err := client.call(ctx, server.addr(), 0, 0, body)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%d bytes: %d came back, error %v", size, len(got), err)
		}
	}
	_, err := client.call(ctx, server.addr(), 0, 0, make([]byte, 4<<20-linkFrameHead+1))
	linkTestWants(t, err, errNotSent, errLinkTooLarge)
	_, err = client.call(ctx, server.addr(), 0, 1<<16, nil)
	linkTestWants(t, err, errNotSent, errLinkGroupID)
	_, err = client.call(ctx, server.addr(), 1, 0, nil)
	linkTestWants(t, err, errRemote)
	_, err = client.call(ctx, server.addr(), 2, 0, nil)
	linkTestWants(t, err, errRemote)
	if len(err.Error()) != 4<<20-linkFrameHead {
		t.Fatalf("the text of the error has %d bytes", len(err.Error()))
	}
}

// More calls than the window are held back by the caller, the connection stays alive however long
// the handlers take, and what was never sent is known to be.
func TestLinkWindow(t *testing.T) {
	linkTestLeaks(t)
	times := linkTestTimes()
	times.hello, times.answer, times.idle = time.Second, 500*time.Millisecond, 500*time.Millisecond
	short := func(o *linkOptions) {
		o.times = times
		o.express = func(kind byte) bool { return kind == 9 }
	}
	var running, most atomic.Int64
	release := make(chan struct{})
	server := linkTestOpen(t, "server", short, func(o *linkOptions) {
		o.handle = func(ctx context.Context, _ string, kind byte, _ int, body []byte) ([]byte, error) {
			if kind == 9 {
				return body, nil
			}
			linkTestRaise(&most, running.Add(1))
			defer running.Add(-1)
			select {
			case <-release:
			case <-ctx.Done():
			}
			return body, nil
		}
	})
	client := linkTestOpen(t, "client", short)
	ctx := linkTestContext(t)
	results := make(chan error, linkWindow+100)
	for range cap(results) {
		go func() {
			_, err := client.call(ctx, server.addr(), 0, 0, []byte("x"))
			results <- err
		}()
	}
	linkTestUntil(t, "a full window", func() bool { return running.Load() == linkWindow })
	impatient, cancel := context.WithTimeout(ctx, 1200*time.Millisecond) // beyond all other limits
	defer cancel()
	_, err := client.call(impatient, server.addr(), 0, 0, []byte("x"))
	linkTestWants(t, err, errNotSent, context.DeadlineExceeded)
	if _, err := client.call(ctx, server.addr(), 9, 0, nil); err != nil {
		t.Errorf("the express waited: %v", err)
	}
	close(release)
	for range cap(results) {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
	if most.Load() != linkWindow {
		t.Errorf("%d handlers ran at once, want %d", most.Load(), linkWindow)
	}
}

// Unanswered requests of one connection hold no more bytes than one frame may have.
func TestLinkWeight(t *testing.T) {
	linkTestLeaks(t)
	limit := func(o *linkOptions) { o.maxFrame = 1 << 20 }
	var weight, most atomic.Int64
	server := linkTestOpen(t, "server", limit, func(o *linkOptions) {
		o.handle = func(_ context.Context, _ string, _ byte, _ int, body []byte) ([]byte, error) {
			linkTestRaise(&most, weight.Add(int64(len(body))))
			time.Sleep(time.Millisecond)
			weight.Add(-int64(len(body)))
			return nil, nil
		}
	})
	client := linkTestOpen(t, "client", limit)
	var waiting sync.WaitGroup
	for i := range 40 {
		waiting.Go(func() {
			body := make([]byte, min(i*50<<10, 1<<20-linkFrameHead))
			if _, err := client.call(linkTestContext(t), server.addr(), 0, 0, body); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	if most.Load() > 1<<20 {
		t.Errorf("%d bytes of requests were being handled at once", most.Load())
	}
}

func TestLinkContextEnds(t *testing.T) {
	linkTestLeaks(t)
	started := make(chan struct{}, 1)
	server := linkTestOpen(t, "server", func(o *linkOptions) {
		o.handle = func(ctx context.Context, _ string, kind byte, _ int, body []byte) ([]byte, error) {
			if kind == 1 {
				started <- struct{}{}
				<-ctx.Done()
			}
			return body, nil
		}
	})
	client := linkTestOpen(t, "client")
	ctx, cancel := context.WithCancel(linkTestContext(t))
	go func() {
		<-started
		cancel()
	}()
	_, err := client.call(ctx, server.addr(), 1, 0, nil)
	linkTestWants(t, err, errBroken, context.Canceled)
	var unknown interface{ Unknown() bool }
	if !errors.As(err, &unknown) || !unknown.Unknown() {
		t.Errorf("%v does not say that the outcome is unknown", err)
	}
	_, err = client.call(ctx, server.addr(), 0, 0, nil)
	linkTestWants(t, err, errNotSent, context.Canceled)
	// The connection is as good as before.
	if _, err := client.call(linkTestContext(t), server.addr(), 0, 0, nil); err != nil {
		t.Fatal(err)
	}
}

func TestLinkReconnects(t *testing.T) {
	linkTestLeaks(t)
	hold, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := hold.Addr().String()
	_ = hold.Close()
	long := linkTestTimes()
	long.pause, long.pauses = time.Hour, time.Hour
	patient := linkTestOpen(t, "patient", func(o *linkOptions) { o.times = long })
	client := linkTestOpen(t, "client")
	ctx := linkTestContext(t)
	for _, want := range []bool{false, true, true} {
		_, err := patient.call(ctx, addr, 0, 0, nil)
		linkTestWants(t, err, errNotSent)
		if errors.Is(err, errLinkPause) != want {
			t.Fatalf("got %v, want failing at once to be %v", err, want)
		}
	}
	for range 3 {
		server := linkTestOpen(t, "server", func(o *linkOptions) { o.listen = addr })
		linkTestUntil(t, "a connection", func() bool {
			_, err := client.call(ctx, addr, 0, 0, nil)
			return err == nil
		})
		server.close()
	}
}

func TestLinkClose(t *testing.T) {
	linkTestLeaks(t)
	started := make(chan struct{}, 64)
	var ended atomic.Int64
	wait := func(ctx context.Context, _ string, _ byte, _ int, _ []byte) ([]byte, error) {
		started <- struct{}{}
		<-ctx.Done()
		ended.Add(1)
		return nil, nil
	}
	a := linkTestOpen(t, "a", func(o *linkOptions) { o.handle = wait })
	b := linkTestOpen(t, "b", func(o *linkOptions) { o.handle = wait })
	stranger, err := net.Dial("tcp", a.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	results := make(chan error, 64)
	for range 32 {
		go func() { _, err := a.call(t.Context(), b.addr(), 0, 0, nil); results <- err }()
		go func() { _, err := b.call(t.Context(), a.addr(), 0, 0, nil); results <- err }()
	}
	for range 64 {
		<-started
	}
	a.close()
	for range 64 {
		linkTestWants(t, <-results, errBroken)
	}
	linkTestUntil(t, "the end of b's handlers", func() bool { return ended.Load() == 64 })
	_, err = a.call(t.Context(), b.addr(), 0, 0, nil)
	linkTestWants(t, err, errNotSent, errLinkClosed)
	if _, err := a.streams(0).Accept(); err == nil {
		t.Error("a closed link accepts streams")
	}
	a.close()
}

func TestLinkOptions(t *testing.T) {
	for name, o := range map[string]linkOptions{
		"no node id":      {listen: "127.0.0.1:0"},
		"long node id":    {listen: "127.0.0.1:0", nodeID: strings.Repeat("x", linkNameMax+1)},
		"long cluster id": {listen: "127.0.0.1:0", nodeID: "a", clusterID: func() string { return strings.Repeat("x", 65) }},
		"bad address":     {listen: "127.0.0.1:-1", nodeID: "a"},
	} {
		if l, err := listen(o); err == nil {
			l.close()
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestLinkFrameBytes(t *testing.T) {
	f := linkFrame{number: 0x0102030405060708, kind: 9, group: 0x0a0b, body: []byte("body")}
	want := []byte("\x00\x00\x00\x0f\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0bbody")
	if got := f.append(nil); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := binary.BigEndian.Uint32(want); int(n) != f.size()-4 {
		t.Errorf("length %d, size %d", n, f.size())
	}
}
