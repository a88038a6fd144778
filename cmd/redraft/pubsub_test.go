package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestSubscribersEverywhere has subscribers and publishers on all nodes, while leadership is handed on and the
// leader is stopped for a while. All subscribers get the same messages in the same order on the connection that
// they began with: each that was acknowledged once, and none twice.
func TestSubscribersEverywhere(t *testing.T) {
	nodes := startCluster(t, 3)
	var subscribers []*subscriber
	for _, p := range nodes {
		subscribers = append(subscribers, subscribe(t, p, 2, "SUBSCRIBE", "news"), subscribe(t, p, 3, "PSUBSCRIBE", "n?ws"),
			subscribe(t, p, 3, "SSUBSCRIBE", "news"))
	}
	acked, wait := &counter{}, sync.WaitGroup{}
	stop := make(chan struct{})
	published := make([][]fate, len(nodes))
	for i := range nodes {
		wait.Add(1)
		go func() {
			defer wait.Done()
			published[i] = publishUntil(stop, nodes[i].addr, strconv.Itoa(i), acked)
		}()
	}
	more := func(what string) {
		t.Helper()
		from := acked.get()
		eventually(t, what, func() error { return atLeast(acked.get(), from+300) })
	}
	more("messages before the change of leader")
	lead := leader(t, nodes)
	nodes[lead].must("RAFT", "TRANSFER")
	more("messages after leadership was handed on")
	lead = leader(t, nodes)
	others := slices.Delete(slices.Clone(nodes), lead, lead+1)
	sendSignal(t, nodes[lead], syscall.SIGSTOP)
	eventually(t, "another leader", func() error {
		if now := leader(t, others); others[now].addr == nodes[lead].addr {
			return fmt.Errorf("it is still %s", nodes[lead].name)
		}
		return nil
	})
	more("messages while the former leader stands still")
	sendSignal(t, nodes[lead], syscall.SIGCONT)
	nodes[lead].ready()
	more("messages after it goes on")
	close(stop)
	wait.Wait()
	nodes[0].must("PUBLISH", "news", "end")
	nodes[0].must("SPUBLISH", "news", "end")
	all, shard := subscribers[0].messages(), subscribers[2].messages()
	for i, s := range subscribers {
		if want := [][]string{all, all, shard}[i%3]; i > 0 && !slices.Equal(s.messages(), want) {
			t.Errorf("subscriber %d got other messages than the first, or in another order", i)
		}
	}
	checkPublished(t, all, published, 0)
	checkPublished(t, shard, published, 1)
	t.Logf("%d messages, %d acknowledged", len(all)+len(shard), acked.get())
}

// TestSubscribeHearsOfNoPast publishes on one node, subscribes on another once that was answered, and publishes
// again: the first message to come is the second.
func TestSubscribeHearsOfNoPast(t *testing.T) {
	nodes := startCluster(t, 3)
	var clients []*client
	for _, p := range nodes {
		c, err := connect(p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		clients = append(clients, c)
	}
	for round := range 60 {
		channel := fmt.Sprintf("c%d", round)
		w := dialWire(t, nodes[(round/3)%3].addr, 3)
		publish := func(at int, message string) {
			t.Helper()
			if _, err := clients[at%3].do("PUBLISH", channel, message); err != nil {
				t.Fatal(err)
			}
		}
		publish(round, "old")
		w.do("SUBSCRIBE", channel)
		publish(round+1, "new")
		w.out.Reset()
		if err := w.read(); err != nil || !strings.Contains(w.out.String(), `"new"`) {
			t.Fatalf("round %d: the first message is %s, %v", round, w.out.String(), err)
		}
	}
}

func sendSignal(t *testing.T, p *process, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// fate is what a publisher knows of a message.
type fate struct {
	message string
	shard   bool
	known   bool // it was acknowledged; else it may have been published
}

// publishUntil publishes messages, every other one to a shard channel, until it is told to stop.
func publishUntil(stop <-chan struct{}, addr, name string, acked *counter) (published []fate) {
	var c *client
	for n := 0; ; n++ {
		select {
		case <-stop:
			return published
		default:
		}
		var err error
		if c == nil {
			if c, err = connect(addr); err != nil {
				continue
			}
			defer c.close()
		}
		f := fate{message: fmt.Sprintf("%s:%d", name, n), shard: n%2 == 1}
		_, err = c.do(map[bool]string{false: "PUBLISH", true: "SPUBLISH"}[f.shard], "news", f.message)
		switch {
		case err == nil:
			f.known = true
			acked.add()
		case nothingDone(err):
			continue
		case !strings.HasPrefix(err.Error(), "UNCERTAIN"):
			c = nil
		}
		published = append(published, f)
	}
}

// checkPublished holds what subscribers got against what publishers know.
func checkPublished(t *testing.T, got []string, published [][]fate, kind int) {
	t.Helper()
	times := map[string]int{}
	for _, m := range got {
		times[m]++
	}
	missing := 0
	for _, list := range published {
		at := -1
		for _, f := range list {
			n := times[f.message]
			if f.shard != (kind == 1) {
				continue
			}
			if n > 1 || n == 0 && f.known {
				t.Errorf("message %s, acknowledged: %v, came %d times", f.message, f.known, n)
			}
			if n == 0 {
				missing++
				continue
			}
			if now := slices.Index(got, f.message); f.known && now < at {
				t.Errorf("message %s came before one that was published earlier", f.message)
			} else if f.known {
				at = now
			}
		}
	}
	t.Logf("%d messages got, %d unacknowledged ones did not come", len(got), missing)
}

// A subscriber reads messages from the connection on which it subscribed.
type subscriber struct {
	done chan struct{}
	got  []string
	err  error
}

func subscribe(t *testing.T, p *process, protocol int, words ...string) *subscriber {
	t.Helper()
	w := dialWire(t, p.addr, protocol)
	w.do(words...)
	_ = w.conn.SetDeadline(time.Now().Add(4 * patience))
	s := &subscriber{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for {
			w.out.Reset()
			if s.err = w.read(); s.err != nil {
				return
			}
			lines := strings.Split(strings.TrimSpace(w.out.String()), "\n")
			text, _ := strconv.Unquote(strings.TrimSpace(lines[len(lines)-1]))
			if text == "end" {
				return
			}
			s.got = append(s.got, text)
		}
	}()
	t.Cleanup(func() { _ = w.conn.Close(); <-s.done })
	return s
}

// messages waits for the last message and returns those before it.
func (s *subscriber) messages() []string {
	<-s.done
	if s.err != nil {
		return []string{s.err.Error()}
	}
	return s.got
}
