package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTracking has clients of a follower keep what they have read there, while the leader is written to, and killed.
func TestTracking(t *testing.T) {
	nodes := startCluster(t, 3)
	lead := leader(t, nodes)
	follower, third := nodes[(lead+1)%3], nodes[(lead+2)%3]
	cache, loop := newCache(t, follower, "ON"), newCache(t, follower, "ON", "BCAST", "NOLOOP", "PREFIX", "loop:")
	old := oldCache(t, follower)

	nodes[lead].must("SET", "key", "1")
	cache.awaitValue("key", "1")
	nodes[lead].must("SET", "key", "2")
	cache.awaitPush("key")
	old.data.do("GET", "key")
	third.must("SET", "key", "3")
	if got := old.told(); !strings.Contains(got, "__redis__:invalidate") || !strings.Contains(got, "key") {
		t.Errorf("the subscriber was told %q", got)
	}
	loop.w.do("SET", "loop:mine", "1") // goes through the leader, and comes back with its author
	nodes[lead].must("SET", "loop:other", "1")
	if got := loop.push(); strings.Contains(got, "mine") || !strings.Contains(got, "other") {
		t.Errorf("NOLOOP: told %q", got)
	}

	done, stopped := make(chan struct{}), make(chan int)
	go increment([]*process{follower, third}, done, stopped)
	until := time.Now().Add(500 * time.Millisecond)
	for killed := false; time.Now().Before(until) || !killed; cache.read("counter") {
		if !killed && time.Now().After(until) {
			nodes[lead].kill()
			killed, until = true, time.Now().Add(3*time.Second)
		}
	}
	leader(t, []*process{follower, third})
	before := cache.pushes
	eventually(t, "nothing is told under the new leader", func() error {
		if cache.read("counter"); cache.pushes < before+3 {
			return errors.New("too few invalidations")
		}
		return nil
	})
	close(done)
	if n := <-stopped; n == 0 {
		t.Error("nothing was written")
	}
	third.must("SET", "loop:end", "1")
	for got := loop.push(); !strings.Contains(got, "loop:end"); got = loop.push() {
	}
	// The follower has applied the counter's last increment too, and told of it.
	cache.ping()
	now := fmt.Sprint(follower.must("GET", "counter"))
	if kept, is := cache.kept["counter"]; is && kept != now {
		t.Errorf("the counter is kept as %s and is %s", kept, now)
	}
	t.Logf("counter %s, %d invalidations", now, cache.pushes)
}

// increment increments a counter through nodes in turn until done, and tells how often it did.
func increment(nodes []*process, done chan struct{}, stopped chan int) {
	n := 0
	for i := 0; ; i++ {
		select {
		case <-done:
			stopped <- n
			return
		default:
		}
		if _, err := nodes[i%len(nodes)].ask("INCR", "counter"); err == nil {
			n++
		} else {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// cache is a client of RESP3 that keeps what it has read until it is told that it has changed.
type cache struct {
	t      *testing.T
	w      *wire
	kept   map[string]string
	pushes int
	number int
}

func newCache(t *testing.T, p *process, options ...string) *cache {
	t.Helper()
	c := &cache{t: t, w: dialWire(t, p.addr, 3), kept: map[string]string{}}
	if got := c.w.do(append([]string{"CLIENT", "TRACKING"}, options...)...); got != "+OK\n" {
		t.Fatalf("CLIENT TRACKING: %s", got)
	}
	return c
}

// do sends a command and returns what comes back that was not pushed.
func (c *cache) do(words ...string) string {
	reply := c.w.do(words...)
	for strings.HasPrefix(reply, ">") {
		c.forget(reply)
		reply = c.next()
	}
	return strings.Trim(reply, "\"+\n")
}

func (c *cache) next() string {
	c.t.Helper()
	c.w.out.Reset()
	if err := c.w.read(); err != nil {
		c.t.Fatal(err)
	}
	return c.w.out.String()
}

func (c *cache) forget(push string) {
	c.pushes++
	for key := range c.kept {
		if strings.Contains(push, strconv.Quote(key)) {
			delete(c.kept, key)
		}
	}
}

// read reads a key unless it has kept it; now and then it asks for nothing, so as to hear.
func (c *cache) read(key string) string {
	c.ping()
	if _, kept := c.kept[key]; !kept {
		value := c.do("GET", key)
		c.kept[key] = value
	}
	return c.kept[key]
}

func (c *cache) ping() {
	c.number++
	mark := fmt.Sprint("mark", c.number)
	if got := c.do("PING", mark); got != mark {
		c.t.Fatalf("PING %s is answered %q", mark, got)
	}
}

// push waits for the next push.
func (c *cache) push() string {
	c.t.Helper()
	got := c.next()
	if !strings.HasPrefix(got, ">") {
		c.t.Fatalf("%q was no push", got)
	}
	c.forget(got)
	return got
}

func (c *cache) awaitValue(key, value string) {
	c.t.Helper()
	eventually(c.t, key, func() error {
		if got := c.read(key); got != value {
			return errors.New(got)
		}
		return nil
	})
}

// awaitPush waits until the cache is told that a key that it keeps has changed.
func (c *cache) awaitPush(key string) {
	c.t.Helper()
	for _, kept := c.kept[key]; kept; _, kept = c.kept[key] {
		c.push()
	}
}

// oldStyle is a client of RESP2, which hears of invalidations on a second connection.
type oldStyle struct{ data, ear *wire }

func oldCache(t *testing.T, p *process) oldStyle {
	t.Helper()
	c := oldStyle{dialWire(t, p.addr, 2), dialWire(t, p.addr, 2)}
	id := strings.Trim(c.ear.do("CLIENT", "ID"), ":\n")
	c.ear.do("SUBSCRIBE", "__redis__:invalidate")
	if got := c.data.do("CLIENT", "TRACKING", "ON", "REDIRECT", id); got != "+OK\n" {
		t.Fatalf("CLIENT TRACKING: %s", got)
	}
	return c
}

func (c oldStyle) told() string {
	c.ear.out.Reset()
	if err := c.ear.read(); err != nil {
		c.ear.t.Fatal(err)
	}
	return c.ear.out.String()
}
