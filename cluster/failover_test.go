package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"
)

// load proposes items on whoever leads until it is stopped, and keeps what became of each.
type load struct {
	c    *testCluster
	stop chan struct{}
	all  sync.WaitGroup

	mu      sync.Mutex
	applied []string // acknowledged
	refused []string // surely not applied
	unknown []string
}

func newLoad(c *testCluster, sessions int) *load {
	l := &load{c: c, stop: make(chan struct{})}
	for s := range sessions {
		l.all.Go(func() { l.session(s) })
	}
	return l
}

func (l *load) session(s int) {
	for i := 0; ; i++ {
		select {
		case <-l.stop:
			return
		default:
		}
		n := l.c.nodes[i%len(l.c.nodes)]
		item := fmt.Sprintf("s%d-%d=%d", s, i, i)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_, err := n.Propose(ctx, 0, [][]byte{[]byte(item)}, nil)
		cancel()
		var un *unknown
		l.mu.Lock()
		switch {
		case err == nil:
			l.applied = append(l.applied, item)
		case errors.As(err, &un):
			l.unknown = append(l.unknown, item)
		default:
			l.refused = append(l.refused, item)
		}
		l.mu.Unlock()
		if err != nil {
			time.Sleep(time.Millisecond)
		}
	}
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.applied)
}

// check compares what the sessions were told with a node's history.
func (l *load) check(t *testing.T, n *testNode) {
	t.Helper()
	times := map[string]int{}
	for _, e := range n.machine.history() {
		times[e.Item]++
	}
	for _, item := range l.applied {
		if times[item] != 1 {
			t.Errorf("%s was acknowledged and is there %d times", item, times[item])
		}
	}
	for _, item := range l.unknown {
		if times[item] > 1 {
			t.Errorf("%s is there %d times", item, times[item])
		}
	}
	for _, item := range l.refused {
		if times[item] != 0 {
			t.Errorf("%s was refused and is there", item)
		}
	}
}

// checkEqual waits for all nodes that live to have the same history and the same values.
func (c *testCluster) checkEqual() {
	c.t.Helper()
	index := c.leader().put("last=1")
	var want []testEvent
	var values map[string]string
	for _, n := range c.nodes {
		if n.dead {
			continue
		}
		if err := n.WaitApplied(testContext(c.t), 0, index); err != nil {
			c.t.Fatal(err)
		}
		got := n.machine.history()
		if values == nil {
			want, values = got, n.machine.values()
		}
		if !maps.Equal(values, n.machine.values()) {
			c.t.Fatal("two nodes have different values")
		}
		if len(got) != len(want) {
			c.t.Fatalf("%d events on one node, %d on another", len(want), len(got))
		}
		for i := range got {
			if got[i] != want[i] {
				c.t.Fatalf("event %d: %v on one node, %v on another", i, want[i], got[i])
			}
		}
	}
}

func TestKillTheLeader(t *testing.T) {
	c := newTestCluster(t, 3, func(o *Options) { o.InFlight = 2 })
	l := newLoad(c, 8)
	for range 2 {
		old := c.leader()
		from := l.count()
		eventually(t, "some writes", func() bool { return l.count() > from+200 })
		c.net.cut(old.Addr())
		fresh := c.leader(old)
		from = l.count()
		eventually(t, "writes again", func() bool { return l.count() > from+100 })
		c.net.heal(old.Addr())
		eventually(t, "the old leader to follow", func() bool { return old.Status(0).LeaderID == fresh.ID() })
	}
	close(l.stop)
	l.all.Wait()
	victim := c.leader()
	victim.kill()
	c.leader(victim)
	c.restart(victim, nil)
	c.checkEqual()
	for _, n := range c.nodes {
		l.check(t, n)
	}
	t.Logf("%d applied, %d refused, %d unknown", len(l.applied), len(l.refused), len(l.unknown))
}

func TestDeposedLeaderServesNoReads(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	old := c.leader()
	old.put("a=1")
	stop := make(chan struct{})
	var reads sync.WaitGroup
	var mu sync.Mutex
	var begun []time.Time // of reads that the old leader answered
	reads.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			start := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			err := old.ReadIndex(ctx, 0, true)
			cancel()
			if err == nil {
				mu.Lock()
				begun = append(begun, start)
				mu.Unlock()
			}
		}
	})
	c.net.cut(old.Addr())
	cut := time.Now()
	fresh := c.leader(old)
	fresh.put("a=2")
	written := time.Now()
	close(stop)
	reads.Wait()
	for _, at := range begun {
		if at.After(cut) {
			t.Errorf("a read begun %v after the cut was answered (the write came after %v)", at.Sub(cut), written.Sub(cut))
		}
	}
	c.net.heal(old.Addr())
	eventually(t, "the old leader to answer reads as a follower", func() bool {
		return old.ReadIndex(testContext(t), 0, false) == nil
	})
	if got := old.machine.get("a"); got != "2" {
		t.Errorf("a = %q", got)
	}
}

func TestReadsOnFollowers(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	leader := c.leader()
	for i := range 50 {
		want := fmt.Sprint(i)
		leader.put("a=" + want)
		for _, f := range c.followers() {
			if err := f.ReadIndex(testContext(t), 0, i%2 == 0); err != nil {
				t.Fatal(err)
			}
			if got := f.machine.get("a"); got != want {
				t.Fatalf("a = %q, want %q", got, want)
			}
		}
	}
	f := c.followers()[0]
	if err := f.Bounded(testContext(t), 0, time.Minute); err != nil {
		t.Error(err)
	}
	c.net.cut(f.Addr())
	if err := f.Bounded(testContext(t), 0, time.Minute); err != nil {
		t.Errorf("what was fresh a moment ago is not: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := f.Bounded(ctx, 0, 0); err == nil {
		t.Error("a node that is cut off knows that it is up to date")
	}
}

func TestForward(t *testing.T) {
	var c *testCluster
	c = newTestCluster(t, 3, func(o *Options) {
		at := len(c0(c).nodes)
		o.Handle = func(ctx context.Context, _ int, _ string, frame []byte) []byte {
			if _, err := c.nodes[at].Propose(ctx, 0, [][]byte{frame}, nil); err != nil {
				return []byte(err.Error())
			}
			return append([]byte("did "), frame...)
		}
	})
	leader := c.leader()
	for i, n := range c.nodes {
		got, err := n.Forward(testContext(t), 0, fmt.Appendf(nil, "f%d=1", i))
		if err != nil || string(got) != fmt.Sprintf("did f%d=1", i) {
			t.Errorf("%q, %v", got, err)
		}
	}
	f := c.followers()[0]
	if b := f.groups()[0].serveForward(testContext(t), "x", nil); len(b) == 0 || b[0] != answerNotLeader {
		t.Errorf("a follower answers %q", b)
	}
	var nl interface{ NotLeader() string }
	_, err := f.Propose(testContext(t), 0, [][]byte{[]byte("a=1")}, nil)
	if !errors.As(err, &nl) || nl.NotLeader() != leader.Addr() {
		t.Errorf("a proposal on a follower: %v", err)
	}
	c.net.cut(f.Addr())
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err = f.Forward(ctx, 0, []byte("g=1"))
	if !errors.As(err, &nl) {
		t.Errorf("forwarding without a way: %v", err)
	}
}

// c0 is c, or an empty cluster while c is being made.
func c0(c *testCluster) *testCluster {
	if c == nil {
		return &testCluster{}
	}
	return c
}
