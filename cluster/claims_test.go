package cluster

import (
	"context"
	"errors"
	"testing"
	"time"
)

// newTestProposer is a proposer without a raft.
func newTestProposer() *proposer {
	o := Options{ElectionTimeout: time.Second, InFlight: 1, MaxItemBytes: 1 << 20, QueueBytes: 1 << 20}
	g := &group{node: &Node{id: "n1", options: o}, progress: newProgress()}
	return newProposer(g)
}

// sent puts one proposal in a flight and takes off.
func (p *proposer) sent(t *testing.T, sink any) *flight {
	t.Helper()
	f, _, err := p.enqueue([][]byte{[]byte("k=v")}, []any{sink}, 3)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue, p.queued = nil, 0
	p.sequence++
	f.sequence = p.sequence
	f.state = flightSent
	p.pending[f.sequence] = f
	return f
}

func (p *proposer) head(f *flight) entryHead {
	return entryHead{origin: p.origin, incarnation: p.incarnation, sequence: f.sequence}
}

// fate checks what became of a flight.
func fate(t *testing.T, f *flight, want string) {
	t.Helper()
	select {
	case <-f.done:
	default:
		if want != "open" {
			t.Errorf("the flight has no fate, want %s", want)
		}
		return
	}
	var nl *notLeader
	var un *unknown
	got := "applied"
	switch {
	case errors.As(f.err, &nl):
		got = "not applied"
	case errors.As(f.err, &un):
		got = "unknown"
	case f.err != nil:
		got = f.err.Error()
	}
	if got != want {
		t.Errorf("the flight's fate is %s, want %s", got, want)
	}
}

func TestClaimTakenOnce(t *testing.T) {
	p := newTestProposer()
	f := p.sent(t, "sink")
	if got := p.claim(p.head(f), 7); got != f || got.local[0] != "sink" {
		t.Fatalf("claimed %v", got)
	}
	if p.claim(p.head(f), 7) != nil {
		t.Error("claimed twice")
	}
	p.applied(f, 7, nil)
	fate(t, f, "applied")
	if f.index != 7 {
		t.Errorf("index %d", f.index)
	}
}

func TestClaimOfOthers(t *testing.T) {
	p := newTestProposer()
	f := p.sent(t, nil)
	other := p.head(f)
	other.incarnation++
	if p.claim(other, 7) != nil {
		t.Error("an entry from before the start was claimed")
	}
	other = p.head(f)
	other.origin++
	if p.claim(other, 8) != nil {
		t.Error("another node's entry was claimed")
	}
	fate(t, f, "open") // no verdict yet: its own index is not known
}

func TestLostThenApplied(t *testing.T) {
	p := newTestProposer()
	f := p.sent(t, nil)
	p.lose(f, 7)
	p.passed(6)
	fate(t, f, "open")
	if p.claim(p.head(f), 7) != f {
		t.Fatal("a lost flight's entry came out of the log and was not claimed")
	}
	p.applied(f, 7, nil)
	fate(t, f, "applied")
}

func TestLostThenPassed(t *testing.T) {
	p := newTestProposer()
	f := p.sent(t, nil)
	p.lose(f, 7)
	p.claim(entryHead{}, 7)
	fate(t, f, "not applied")
	if p.claim(p.head(f), 8) != nil {
		t.Error("claimed after its fate")
	}
}

func TestPassedBeforeLost(t *testing.T) {
	p := newTestProposer()
	f := p.sent(t, nil)
	p.passed(9) // the log went on before raft's verdict came
	fate(t, f, "open")
	p.lose(f, 7)
	fate(t, f, "not applied")
}

func TestAppliedBeforeLost(t *testing.T) {
	p := newTestProposer()
	f := p.sent(t, nil)
	p.claim(p.head(f), 7)
	p.lose(f, 7) // raft's verdict comes while the applier has it
	fate(t, f, "open")
	p.applied(f, 7, nil)
	fate(t, f, "applied")
}

func TestLostThenReplaced(t *testing.T) {
	p := newTestProposer()
	f := p.sent(t, nil)
	p.lose(f, 7)
	p.replaced(6)
	fate(t, f, "open")
	p.replaced(20)
	fate(t, f, "unknown")
}

func TestReplacedBeforeLost(t *testing.T) {
	p := newTestProposer()
	f := p.sent(t, nil)
	p.replaced(20)
	p.passed(21)
	p.lose(f, 7)
	fate(t, f, "unknown")
}

func TestLostDeadline(t *testing.T) {
	p := newTestProposer()
	f := p.sent(t, nil)
	p.lose(f, 7)
	p.expire(time.Now().Add(time.Second))
	fate(t, f, "open")
	p.expire(time.Now().Add(3 * time.Second))
	fate(t, f, "unknown")
	if p.claim(p.head(f), 7) != nil {
		t.Error("claimed after its deadline")
	}
	if p.lost != 0 {
		t.Errorf("%d lost flights are still counted", p.lost)
	}
}

func TestSentDeadline(t *testing.T) {
	p := newTestProposer()
	sent := p.sent(t, nil)
	queued, _, err := p.enqueue([][]byte{[]byte("k=v")}, nil, 3)
	if err != nil {
		t.Fatal(err)
	}
	p.expire(time.Now().Add(proposalLimit + time.Second))
	fate(t, sent, "unknown")
	fate(t, queued, errLogBusy.Error()) // it was never sent
}

func TestAbandonedSink(t *testing.T) {
	p := newTestProposer()
	f := p.sent(t, "sink")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var un *unknown
	if _, err := p.abandon(ctx, f, 0, 1); !errors.As(err, &un) {
		t.Fatalf("abandoned with %v", err)
	}
	if got := p.claim(p.head(f), 7); got != f || got.local[0] != nil {
		t.Errorf("the machine would get the abandoned sink %v", got.local[0])
	}
}

func TestAbandonedTooLate(t *testing.T) {
	p := newTestProposer()
	f := p.sent(t, "sink")
	p.claim(p.head(f), 7)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	go p.applied(f, 7, nil)
	if index, err := p.abandon(ctx, f, 0, 1); index != 7 || err != nil {
		t.Errorf("%d, %v, want the outcome", index, err)
	}
}

func TestQueueBound(t *testing.T) {
	p := newTestProposer()
	p.group.node.options.QueueBytes = 1000
	add := func(n int) error {
		_, _, err := p.enqueue([][]byte{make([]byte, n)}, nil, n)
		return err
	}
	if err := add(5000); err != nil {
		t.Errorf("an empty queue refused a proposal: %v", err)
	}
	var full interface{ QueueFull() bool }
	if err := add(1); !errors.As(err, &full) || !full.QueueFull() {
		t.Errorf("a full queue says %v", err)
	}
}

func TestFlightSize(t *testing.T) {
	p := newTestProposer()
	p.group.node.options.QueueBytes = 10 << 20
	for range 5 {
		if _, _, err := p.enqueue([][]byte{make([]byte, entrySoftLimit/2)}, nil, entrySoftLimit/2); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := p.enqueue([][]byte{make([]byte, 3*entrySoftLimit)}, nil, 3*entrySoftLimit); err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, f := range p.queue {
		got = append(got, len(f.items))
	}
	if want := []int{2, 2, 1, 1}; len(got) != 4 || got[0] != want[0] || got[2] != want[2] {
		t.Errorf("items in flights: %v, want %v", got, want)
	}
}
