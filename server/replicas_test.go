package server

import (
	"strings"
	"testing"
	"time"
)

// TestMinReplicas has a leader hear of more and of fewer followers than it must for writes, its own and those of a
// follower.
func TestMinReplicas(t *testing.T) {
	n := start(t)
	follower := n.follower()
	c, f, queueing := n.dial(), follower.dial(), follower.dial()
	hear := func(contacts ...time.Duration) {
		members := []Member{{ID: "n1", Leader: true, Known: true}}
		for _, d := range contacts {
			members = append(members, Member{ID: "n", Known: d >= 0, Contact: d})
		}
		n.cluster.set(func(c *fakeCluster) { c.members = members })
		n.srv.replicas.mu.Lock()
		n.srv.replicas.at = time.Time{}
		n.srv.replicas.mu.Unlock()
	}
	hear(time.Second, 11*time.Second, -1)
	c.expect("config set min-replicas-to-write 1", "+OK")
	c.expect("config get min-slaves-to-write", "[min-slaves-to-write 1]")
	c.expect("set k v", "+OK")
	f.expect("set k v", "+OK")
	if info := c.do("info replication"); !strings.Contains(info, "min_slaves_good_slaves:1\r\n") {
		t.Error(info)
	}
	c.expect("multi", "+OK")
	c.expect("del k", "+QUEUED")
	queueing.expect("multi", "+OK")
	queueing.expect("del k", "+QUEUED")
	c.expect("config set min-replicas-to-write 2", "+QUEUED")
	c.expect("discard", "+OK")
	c.expect("config set min-replicas-to-write 2", "+OK")
	refused := "-" + errNoReplicas
	for _, who := range []*client{c, f} {
		for _, line := range []string{"set k w", "del k", "blpop k 0", "lmove k k left left", "blmove k k left left 0"} {
			who.expect(line, refused)
		}
		who.expect("get k", "v")
		who.expect("exists k", ":1")
	}
	queueing.expect("exec", "-"+errExecRefused(errNoReplicas))
	f.expect("get k", "v")
	c.expect("config set min-replicas-max-lag 20", "+OK")
	hear(time.Second, 11*time.Second, -1)
	c.expect("set k w", "+OK")
	f.expect("set k w", "+OK")
	hear(time.Second)
	f.expect("set k w", refused)
	f.expect("config set min-replicas-max-lag 0", "+OK")
	c.expect("set k x", "+OK")
	if info := c.do("info replication"); strings.Contains(info, "min_slaves_good_slaves") {
		t.Error(info)
	}
}
