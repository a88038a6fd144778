package cluster

import (
	"io"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// linkTestTransport runs hashicorp/raft's transport over a group of l.
func linkTestTransport(t *testing.T, l *link, group int) *raft.NetworkTransport {
	t.Helper()
	layer := l.streams(group)
	transport := raft.NewNetworkTransport(layer, 3, 10*time.Second, io.Discard)
	t.Cleanup(func() {
		_ = transport.Close()
		transport.CloseStreams()
	})
	return transport
}

func TestLinkStreamsCarryRaft(t *testing.T) {
	linkTestLeaks(t)
	a, b := linkTestOpen(t, "a"), linkTestOpen(t, "b")
	from := linkTestTransport(t, a, 0)
	for _, group := range []int{0, 1} {
		linkTestTransport(t, b, group) // group 1 must not see what is meant for group 0
	}
	to := linkTestTransport(t, b, 0) // replaces the first
	if string(to.LocalAddr()) != b.addr() {
		t.Errorf("local address %s, want %s", to.LocalAddr(), b.addr())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			rpc := <-to.Consumer()
			rpc.Respond(&raft.AppendEntriesResponse{LastLog: rpc.Command.(*raft.AppendEntriesRequest).Term}, nil)
		}
	}()
	for term := range uint64(20) {
		var got raft.AppendEntriesResponse
		request := raft.AppendEntriesRequest{Term: term, Entries: []*raft.Log{{Data: make([]byte, term*10000)}}}
		if err := from.AppendEntries("b", raft.ServerAddress(b.addr()), &request, &got); err != nil || got.LastLog != term {
			t.Fatalf("got %d, %v, want %d", got.LastLog, err, term)
		}
	}
	<-done
}

func TestLinkStreamsRouting(t *testing.T) {
	linkTestLeaks(t)
	a := linkTestOpen(t, "a")
	b := linkTestOpen(t, "b", func(o *linkOptions) {
		o.advertise = "b.example:1"
		o.times.hello = 500 * time.Millisecond
	})
	addr := raft.ServerAddress(b.listener.Addr().String())
	if got := b.streams(0).Addr(); got.String() != "b.example:1" || got.Network() != "tcp" {
		t.Errorf("address %v", got)
	}
	_, err := a.streams(7).Dial(addr, 5*time.Second)
	linkTestWants(t, err, errNotSent, errLinkGroup)
	_, err = a.streams(1<<16).Dial(addr, 5*time.Second)
	linkTestWants(t, err, errLinkGroupID)

	six, seven := b.streams(6), b.streams(7)
	dialed, err := a.streams(7).Dial(addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := seven.Accept()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(600 * time.Millisecond) // the time for the hello must not end the stream
	if _, err := dialed.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(accepted, got); err != nil || string(got) != "hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	_ = seven.Close()
	if _, err := io.ReadFull(dialed, got); err == nil {
		t.Error("closing the layer left its stream open")
	}
	if _, err := seven.Accept(); err == nil {
		t.Error("a closed layer accepts")
	}
	_, err = a.streams(7).Dial(addr, 5*time.Second)
	linkTestWants(t, err, errLinkGroup)
	if dialed, err = a.streams(6).Dial(addr, 0); err != nil {
		t.Fatal(err)
	}
	b.close()
	if _, err := io.ReadFull(dialed, got); err == nil {
		t.Error("closing the link left a stream open")
	}
	_ = six.Close()
}
