package server

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm"
)

// TestEvictionBoundsMemory writes through a leader and a follower, several times what maxmemory allows, under each policy.
// Memory stays within its limit, but for what writes on their way bring; keys that the policy spares stay, and
// both nodes have the same.
func TestEvictionBoundsMemory(t *testing.T) {
	for _, policy := range []string{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random"} {
		t.Run(policy, func(t *testing.T) {
			const slack = (256 + 100) << 10
			n := start(t)
			f := n.follower()
			us, them := n.dial(), f.dial()
			us.expect("set stays here", "+OK")
			limit := n.srv.usedMemory() + 1<<20
			us.expect(fmt.Sprintf("config set maxmemory %d maxmemory-policy %s", limit, policy), "+OK")
			volatile := strings.HasPrefix(policy, "volatile")
			for i := range 400 {
				value := strings.Repeat("v", 1+rand.IntN(200))
				var lines []string
				for j := range 20 {
					lines = append(lines, fmt.Sprintf("set key:%d:%d %s ex 1000", i, j, value))
				}
				lines = append(lines, fmt.Sprintf("rpush list:%d %s", i, strings.Repeat("e ", 50)), fmt.Sprintf("expire list:%d 1000", i),
					fmt.Sprintf("sadd set:%d %s", i, strings.Repeat("m", i+1)), fmt.Sprintf("expire set:%d 1000", i))
				if i%20 == 0 {
					lines = append(lines, fmt.Sprintf("set plain:%d v", i))
				}
				c := []*client{us, them}[i%2]
				c.send(lines...)
				for _, line := range lines {
					if got := c.read(); got[0] == '-' {
						t.Fatalf("%.30s: %s", line, got)
					}
				}
				if used := n.srv.usedMemory(); used > limit+slack {
					t.Fatalf("%d bytes are in use after round %d, %d over the limit", used, i, used-limit)
				}
			}
			eventually(t, "memory is within its limit", func() bool { return !n.srv.overMemory() })
			evicted := n.srv.machine.Stats().Evicted
			if evicted < 1000 {
				t.Errorf("%d keys were evicted", evicted)
			}
			if volatile {
				us.expect("get stays", "here")
				for i := 0; i < 400; i += 20 {
					us.expect(fmt.Sprintf("get plain:%d", i), "v")
				}
			}
			if a, b := n.srv.machine.DebugDigest(), f.srv.machine.DebugDigest(); a != b || f.srv.machine.Stats().Evicted != evicted {
				t.Errorf("the leader has %s, the follower %s", a, b)
			}
			if info := us.do("info stats"); !strings.Contains(info, "evicted_keys:"+strconv.FormatUint(evicted, 10)) {
				t.Error(info)
			}
		})
	}
}

// TestEvictionByItself lowers the limit while nobody writes, and raises it again.
func TestEvictionByItself(t *testing.T) {
	n := start(t)
	c := n.dial()
	for i := range 2000 {
		c.send(fmt.Sprintf("set k%d %s", i, strings.Repeat("v", 100)))
	}
	for range 2000 {
		c.read()
	}
	limit := n.srv.usedMemory() - 100<<10
	c.expect(fmt.Sprintf("config set maxmemory-policy allkeys-lru maxmemory %d maxmemory-eviction-tenacity 0", limit), "+OK")
	eventually(t, "enough is evicted", func() bool { return !n.srv.overMemory() })
	evicted := n.srv.machine.Stats().Evicted
	if evicted == 0 || evicted > 1500 {
		t.Errorf("%d keys were evicted", evicted)
	}
	total, present := n.srv.eviction.exceeded(n.srv.stats.started)
	if present > 0 && total == 0 {
		t.Errorf("memory is over its limit for %v, and has been for %v", present, total)
	}
	// A limit below what an empty server takes cannot be met: all keys go, then writes are refused.
	c.expect("config set maxmemory 1", "+OK")
	eventually(t, "all keys are gone", func() bool { return c.do("dbsize") == ":0" })
	c.expect("set k v", "-"+errOOM)
	c.expect("config set maxmemory 0", "+OK")
	c.expect("set k v", "+OK")
}

// TestEvictionOnLeaderOnly finds that a node which follows evicts nothing, however full it is.
func TestEvictionOnLeaderOnly(t *testing.T) {
	n := start(t)
	c := n.dial()
	c.expect("set k v", "+OK")
	n.cluster.follows.Store(true)
	n.cluster.mu.Lock()
	n.cluster.index++
	n.cluster.applyLocked([][]byte{fsm.SetParameters(fsm.Setting{Name: "maxmemory", Value: "1"}, fsm.Setting{Name: "maxmemory-policy", Value: "allkeys-random"})}, nil)
	n.cluster.mu.Unlock()
	for range 3 { // as the clock would
		n.srv.eviction.rouse()
		n.srv.eviction.take()
	}
	if n.srv.machine.Stats().Evicted != 0 {
		t.Error("a follower evicted")
	}
	c.expect("get k", "v")
}

// TestRefusedAmongForwarded forwards a pipeline of which some commands are refused for want of memory: each gets its own
// answer.
func TestRefusedAmongForwarded(t *testing.T) {
	n := start(t)
	c := n.follower().dial()
	c.expect("set a 1", "+OK")
	n.dial().expect("config set maxmemory 1", "+OK")
	c.send("set b 1", "del a", "incr a", "rpush l x", "expire a 10", "lpush l y")
	oom := "-" + errOOM
	for i, want := range []string{oom, ":1", oom, oom, ":0", oom} {
		if got := c.read(); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
	c.send("set b 1", "incr a")
	for range 2 {
		if got := c.read(); got != oom {
			t.Errorf("%s, want %s", got, oom)
		}
	}
}
