package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWatchCounter has clients on all nodes increment a counter by WATCH, GET, MULTI, SET, EXEC, while the
// leader is killed. Every increment that was confirmed counts; what is unknown may.
func TestWatchCounter(t *testing.T) {
	nodes := startCluster(t, 3)
	clients, each := 50, 20
	if testing.Short() {
		clients, each = 20, 10
	}
	var confirmed, unknown counter
	var wait sync.WaitGroup
	for i := range clients {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for done := 0; done < each; {
				switch ok, err := incrementWatched(nodes[(i+int(unknown.get()))%len(nodes)].addr); {
				case err != nil && ok:
					unknown.add()
					done++
				case err != nil:
					time.Sleep(10 * time.Millisecond) // nothing was sent, or it was refused
				case ok:
					confirmed.add()
					done++
				}
			}
		}()
	}
	eventually(t, "a third is confirmed", func() error { return atLeast(confirmed.get(), int64(clients*each/3)) })
	lead := leader(t, nodes)
	nodes[lead].kill()
	nodes[lead].start()
	wait.Wait()
	nodes[lead].ready()
	agree(t, nodes)
	lead = leader(t, nodes)
	n, err := strconv.ParseInt(fmt.Sprint(nodes[lead].must("GET", "counter")), 10, 64)
	if err != nil || n < confirmed.get() || n > confirmed.get()+unknown.get() {
		t.Fatalf("%d increments were confirmed and %d are unknown, and the counter is at %d (%v)", confirmed.get(), unknown.get(), n, err)
	}
	t.Logf("%d confirmed, %d unknown, %d", confirmed.get(), unknown.get(), n)
}

// incrementWatched adds one to the counter on a connection of its own, as often as it takes. With an error, ok
// tells that it may have happened all the same.
func incrementWatched(addr string) (ok bool, err error) {
	c, err := connect(addr)
	if err != nil {
		return false, err
	}
	defer c.close()
	for {
		if _, err := c.do("WATCH", "counter"); err != nil {
			return false, err
		}
		old, err := c.do("GET", "counter")
		if err != nil {
			return false, err
		}
		n := 0
		if s, ok := old.(string); ok {
			n, _ = strconv.Atoi(s)
		}
		for _, words := range [][]string{{"MULTI"}, {"SET", "counter", strconv.Itoa(n + 1)}} {
			if _, err := c.do(words...); err != nil {
				return false, err
			}
		}
		answer, err := c.do("EXEC")
		if err != nil {
			return !nothingDone(err), err
		}
		if answer != nil {
			return true, nil
		}
	}
}

// nothingDone reports whether an error says that nothing was applied.
func nothingDone(err error) bool {
	for _, word := range []string{"CLUSTERDOWN", "TRYAGAIN", "LOADING", "EXECABORT"} {
		if strings.HasPrefix(err.Error(), word) {
			return true
		}
	}
	return false
}

type counter struct {
	mu sync.Mutex
	n  int64
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *counter) get() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func atLeast(have, want int64) error {
	if have < want {
		return fmt.Errorf("%d of %d", have, want)
	}
	return nil
}

// TestQueueWorkers has workers on all nodes wait at a queue, while elements are pushed and the leader is
// killed. Each element is delivered once or still there; one that was taken for an answer which nobody has
// got, because the leader or the worker's node died with it, is accounted for by an uncertain answer.
func TestQueueWorkers(t *testing.T) {
	nodes := startCluster(t, 3)
	workers, elements := 50, 1000
	if testing.Short() {
		workers, elements = 20, 300
	}
	q := &queue{seen: map[string]int{}, stop: make(chan struct{})}
	var wait sync.WaitGroup
	for i := range workers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			q.work(nodes, i)
		}()
	}
	pushed := 0
	for pushed < elements {
		if pushed == elements/2 {
			lead := leader(t, nodes)
			nodes[lead].kill()
			nodes[lead].start()
			nodes[(lead+1)%3].ready()
		}
		switch c, err := connect(nodes[pushed%3].addr); {
		case err != nil:
			time.Sleep(10 * time.Millisecond)
		default:
			if _, err = c.do("RPUSH", "queue", fmt.Sprint(pushed)); err == nil || !nothingDone(err) {
				pushed++ // an unknown push may have been applied: it is not pushed again
			}
			if err != nil && !nothingDone(err) {
				q.lost()
			}
			c.close()
		}
	}
	for _, p := range nodes {
		p.ready()
	}
	lead := leader(t, nodes)
	eventually(t, "the queue is empty", func() error {
		if n := nodes[lead].must("LLEN", "queue"); n != int64(0) {
			return fmt.Errorf("it has %v elements", n)
		}
		return nil
	})
	close(q.stop)
	for range workers {
		nodes[lead].must("RPUSH", "queue", "stop")
	}
	wait.Wait()
	q.check(t, elements)
	agree(t, nodes)
}

// queue is what workers have been given.
type queue struct {
	mu        sync.Mutex
	seen      map[string]int
	uncertain int
	stop      chan struct{}
}

// work takes elements until it is told to stop.
func (q *queue) work(nodes []*process, i int) {
	for unknown := 0; ; i++ {
		c, err := connect(nodes[i%len(nodes)].addr)
		for err == nil {
			var answer any
			if answer, err = c.do("BLPOP", "queue", "0"); err == nil {
				pair, _ := answer.([]any)
				element := fmt.Sprint(pair[1])
				if element == "stop" {
					c.close()
					return
				}
				q.note(element)
			}
		}
		if c == nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		c.close()
		if !nothingDone(err) && !strings.HasPrefix(err.Error(), "UNBLOCKED") {
			if unknown++; unknown == 1 { // with one leader lost, one of its answers may have been
				q.lost()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func (q *queue) note(element string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.seen[element]++
}

func (q *queue) lost() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.uncertain++
}

func (q *queue) check(t *testing.T, elements int) {
	missing := 0
	for i := range elements {
		switch n := q.seen[fmt.Sprint(i)]; {
		case n > 1:
			t.Errorf("element %d was delivered %d times", i, n)
		case n == 0:
			missing++
		}
	}
	if missing > q.uncertain {
		t.Errorf("%d elements were delivered to nobody, and %d workers and pushes have answers that are unknown", missing, q.uncertain)
	}
	t.Logf("%d of %d elements were not delivered, %d workers and pushes have unknown answers", missing, elements, q.uncertain)
}
