package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestEviction fills three nodes, through all of them, beyond what maxmemory allows while the leader is killed. The limit
// was set on one node, and is in force whoever leads: memory is within it, and the nodes agree on what is left.
func TestEviction(t *testing.T) {
	nodes := startCluster(t, 3)
	lead := leader(t, nodes)
	limit := nodes[lead].figure("memory", "used_memory") + 2<<20
	follower := (lead + 1) % len(nodes)
	nodes[follower].must("CONFIG", "SET", "maxmemory", strconv.FormatInt(limit, 10), "maxmemory-policy", "allkeys-lru")
	fill := func(round int) {
		var wait sync.WaitGroup
		for i := range nodes {
			wait.Go(func() {
				c, err := connect(nodes[i].addr)
				if err != nil {
					return // it is the one that is down
				}
				defer c.close()
				for j := range 100 {
					words := []string{"MSET"}
					for k := range 50 {
						words = append(words, fmt.Sprintf("key:%d:%d:%d:%d", round, i, j, k), strings.Repeat("v", 100))
					}
					if _, err := c.do(words...); err != nil && strings.HasPrefix(err.Error(), "OOM") {
						t.Errorf("round %d, node %d: %v", round, i, err)
						return
					}
				}
			})
		}
		wait.Wait()
	}
	within := func() {
		t.Helper()
		lead := leader(t, nodes)
		eventually(t, "the leader's memory is within its limit", func() error {
			const startup = 2 << 20 // nodes are made with more or less in use
			return atLeast(limit+startup, nodes[lead].figure("memory", "used_memory")-nodes[lead].figure("memory", "mem_not_counted_for_evict"))
		})
	}
	fill(1)
	within()
	lead = leader(t, nodes)
	before := nodes[lead].figure("stats", "evicted_keys")
	nodes[lead].kill()
	eventually(t, "another leads", func() error {
		_, err := nodes[(lead+1)%len(nodes)].ask("SET", "another", "leads")
		return err
	})
	fill(2)
	nodes[lead].start()
	nodes[lead].ready()
	within()
	agree(t, nodes)
	for i, n := range nodes {
		if got := n.must("CONFIG", "GET", "maxmemory"); fmt.Sprint(got) != fmt.Sprintf("[maxmemory %d]", limit) {
			t.Errorf("node %d: %v", i, got)
		}
	}
	lead = leader(t, nodes)
	if before == 0 {
		t.Error("nothing was evicted before the leader was killed")
	}
	if size := nodes[lead].must("DBSIZE"); size == int64(0) {
		t.Error("everything was evicted")
	}
}

// figure is a number of INFO.
func (p *process) figure(section, name string) int64 {
	p.t.Helper()
	for _, line := range strings.Split(fmt.Sprint(p.must("INFO", section)), "\r\n") {
		if text, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return n
		}
	}
	p.t.Fatalf("INFO %s has no %s", section, name)
	return 0
}
