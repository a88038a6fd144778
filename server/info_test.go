package server

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

// info asks for sections and returns their fields.
func (c *client) info(sections string) map[string]string {
	c.t.Helper()
	fields := map[string]string{}
	for _, line := range strings.Split(c.do(strings.TrimSpace("info "+sections)), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

func TestInfoSections(t *testing.T) {
	c := start(t).dial()
	titles := func(line string) string {
		return strings.Join(regexp.MustCompile(`(?m)^# (\w+)`).FindAllString(c.do(line), -1), " ")
	}
	const usual = "# Server # Clients # Memory # Persistence # Stats # Replication # CPU # Modules # Errorstats # Cluster # Keyspace # Raft"
	const all = "# Server # Clients # Memory # Persistence # Stats # Replication # CPU # Modules # Commandstats # Errorstats # Latencystats # Cluster # Keyspace # Raft"
	for line, want := range map[string]string{
		"info":                             usual,
		"info default":                     usual,
		"info all":                         all,
		"info everything":                  all,
		"info SERVER":                      "# Server",
		"info cpu server":                  "# Server # CPU",
		"info default commandstats server": strings.Replace(usual, "# Errorstats", "# Commandstats # Errorstats", 1),
		"info nosuch":                      "",
	} {
		if got := titles(line); got != want {
			t.Errorf("%s shows %s", line, got)
		}
	}
	if got := c.do("info cpu"); !strings.HasPrefix(got, "# CPU\r\nused_cpu_sys:") || !strings.HasSuffix(got, "\r\n") {
		t.Errorf("%q", got)
	}
}

func TestInfoFields(t *testing.T) {
	n := start(t)
	c := n.dial()
	c.send("set a 1", "set b 2 px 100000", "get a", "get nosuch", "nosuch", "incr x y", "hset a f v", "select 5", "set z 1")
	for range 9 {
		c.read()
	}
	f := c.info("all")
	for name, want := range map[string]string{
		"redis_version": "7.0.15", "redraft_version": "1.2.3", "role": "master", "connected_slaves": "0", "loading": "0",
		"keyspace_hits": "1", "keyspace_misses": "1", "connected_clients": "1", "aof_enabled": "1",
		"db5": "keys=1,expires=0,avg_ttl=0", "errorstat_ERR": "count=2", "errorstat_WRONGTYPE": "count=1",
		"raft_node_id": "n1", "raft_state": "leader", "raft_joined": "1", "raft_applied_index": "4",
		"master_replid": "c1" + strings.Repeat("0", 38), "run_id": strings.Repeat("a", 40), "rdb_bgsave_in_progress": "0",
		"total_error_replies": "3", "tcp_port": n.addr[strings.LastIndex(n.addr, ":")+1:],
	} {
		if f[name] != want && name != "raft_applied_index" {
			t.Errorf("%s:%s, not %s", name, f[name], want)
		}
	}
	for name, want := range map[string]string{
		"db0": `^keys=2,expires=1,avg_ttl=\d+$`, "used_memory_human": `^[\d.]+[BKMG]$`, "used_memory": `^[1-9]\d+$`, "used_memory_rss": `^[1-9]\d+$`,
		"cmdstat_set": `^calls=3,usec=\d+,usec_per_call=[\d.]+,rejected_calls=0,failed_calls=0$`, "cmdstat_incr": `rejected_calls=1,failed_calls=0$`,
		"cmdstat_hset": `rejected_calls=0,failed_calls=1$`, "total_commands_processed": `^7$`, "used_cpu_user": `^\d+\.\d{6}$`,
		"rdb_last_save_time": `^\d+$`,
	} {
		if !regexp.MustCompile(want).MatchString(f[name]) {
			t.Errorf("%s:%s does not match %s", name, f[name], want)
		}
	}
	c.expect("config resetstat", "+OK")
	f = c.info("all")
	if f["keyspace_hits"] != "0" || f["total_commands_processed"] != "1" || f["cmdstat_set"] != "" || f["errorstat_ERR"] != "" {
		t.Errorf("CONFIG RESETSTAT left %v", f)
	}
	eventually(t, "a rate", func() bool {
		for range 100 {
			c.do("ping")
		}
		return c.info("stats")["instantaneous_ops_per_sec"] != "0"
	})
}

func TestInfoOfReplication(t *testing.T) {
	n := start(t)
	for i, it := range [][]byte{fsm.SetNode("n1", "10.0.0.1:7001"), fsm.SetNode("n2", "10.0.0.2:7002")} {
		n.cluster.m.Apply(uint64(i+1), 1, 1, 1, [][]byte{it}, nil)
	}
	n.cluster.index = 2
	n.cluster.members = []Member{{ID: "n1", Voter: true, Leader: true}, {ID: "n2", Voter: true, Known: true, Applied: 2, Last: 2, Contact: 1500 * time.Millisecond},
		{ID: "n3", Addr: "10.0.0.3:17003"}}
	c := n.dial()
	f := c.info("replication")
	if f["role"] != "master" || f["connected_slaves"] != "2" || f["slave0"] != "ip=10.0.0.2,port=7002,state=online,offset=2,lag=1" ||
		f["slave1"] != "ip=?,port=0,state=wait_bgsave,offset=0,lag=0" {
		t.Errorf("the leader says %v", f)
	}
	c.expect("role", "[master :2 [[10.0.0.2 7002 2] [? 0 0]]]")
	c.expect("wait 1 0", ":1")
	c.expect("wait 2 10", ":1")
	n.cluster.follows.Store(true)
	n.cluster.set(func(f *fakeCluster) { f.status.State, f.status.NodeID = "follower", "n2" })
	f = c.info("replication")
	if f["role"] != "slave" || f["master_host"] != "10.0.0.1" || f["master_port"] != "7001" || f["master_link_status"] != "up" {
		t.Errorf("a follower says %v", f)
	}
	c.expect("role", "[slave 10.0.0.1 :7001 connected :2]")
	n.cluster.set(func(f *fakeCluster) { f.status.LeaderID = "" })
	if f = c.info("replication"); f["master_link_status"] != "down" {
		t.Errorf("a follower without a leader says %v", f)
	}
	n.cluster.follows.Store(false)
	n.cluster.set(func(f *fakeCluster) { f.status.Joined = false })
	if f = c.info("replication"); f["role"] != "slave" || f["master_link_status"] != "down" {
		t.Errorf("a node that has not joined says %v", f)
	}
}

func TestRaftCommands(t *testing.T) {
	n := start(t)
	n.cluster.members = []Member{{ID: "n1", Addr: "127.0.0.1:17001", Voter: true, Leader: true, Known: true, Last: 5, Applied: 4}}
	c := n.dial()
	for _, line := range []string{"raft add n2 10.0.0.2:17002", "raft remove n2", "raft promote n2", "raft demote n2", "raft transfer", "raft transfer n3",
		"raft snapshot", "save"} {
		c.expect(line, "+OK")
	}
	want := "add n2 10.0.0.2:17002,remove n2,promote n2,demote n2,transfer ,transfer n3,snapshot,snapshot"
	if got := strings.Join(n.cluster.done, ","); got != want {
		t.Errorf("done: %s", got)
	}
	c.expect("bgsave", "+Background saving started")
	eventually(t, "a snapshot", func() bool { return !n.srv.saving.Load() })
	c.expect("raft members", "[[id n1 addr 127.0.0.1:17001 client_addr  voter :1 leader :1 last_index :5 applied :4 heard_ms_ago :0]]")
	if got := c.do("raft status"); !strings.Contains(got, "node_id n1 cluster_id c1 joined 1 state leader") {
		t.Error(got)
	}
	one, two := c.do("raft digest"), c.info("raft")
	if !strings.Contains(one, two["raft_digest"]) || len(two["raft_digest"]) != 40 {
		t.Errorf("RAFT DIGEST answers %s, INFO shows %s", one, two["raft_digest"])
	}
	n.cluster.set(func(f *fakeCluster) { f.admin = &fakeError{lead: true} })
	c.expect("raft remove n2", "-"+errNotLead)
	if help := c.do("raft help"); !strings.Contains(help, "CONSISTENCY") {
		t.Error(help)
	}
}

// Administration that a follower cannot do is answered with where it can be done.
func TestRaftCommandsOfAFollower(t *testing.T) {
	_, f := follower(t)
	f.cluster.set(func(f *fakeCluster) { f.admin = &fakeError{lead: true} })
	c := f.dial()
	for _, line := range []string{"raft add n2 10.0.0.2:17002", "raft remove n2", "raft promote n2", "raft demote n2", "raft transfer n2"} {
		c.expect(line, "-ERR this node does not lead the group; ask the leader at 127.0.0.1:7001")
	}
}

// What INFO and LASTSAVE tell of snapshots is what the cluster says, whoever wanted them.
func TestInfoOfSnapshots(t *testing.T) {
	n := start(t)
	c := n.dial()
	check := func(want map[string]string) {
		t.Helper()
		f := c.info("persistence raft")
		for name, value := range want {
			if f[name] != value {
				t.Errorf("%s:%s, not %s", name, f[name], value)
			}
		}
	}
	n.cluster.set(func(f *fakeCluster) { f.status.SnapshotTook = -1 })
	check(map[string]string{"rdb_last_bgsave_time_sec": "-1", "rdb_bgsave_in_progress": "0", "rdb_current_bgsave_time_sec": "-1",
		"rdb_last_bgsave_status": "ok", "rdb_saves": "0", "raft_log_bytes": "4711", "aof_current_size": "4711"})
	n.cluster.set(func(f *fakeCluster) {
		f.status.SnapshotTook, f.status.Snapshots, f.status.LastSnapshot = 3*time.Second, 2, time.Unix(1700000000, 0)
		f.status.SnapshotBegan, f.status.SnapshotFailed = time.Now().Add(-7*time.Second), true
		f.status.SnapshotBytes, f.status.SinceEntries, f.status.SinceBytes = 12, 34, 56
	})
	check(map[string]string{"rdb_last_bgsave_time_sec": "3", "rdb_bgsave_in_progress": "1", "rdb_current_bgsave_time_sec": "7",
		"rdb_last_bgsave_status": "err", "rdb_saves": "2", "rdb_last_save_time": "1700000000", "raft_snapshot_bytes": "12",
		"raft_since_snapshot_entries": "34", "raft_since_snapshot_bytes": "56"})
	c.expect("lastsave", ":1700000000")
	c.expect("bgsave", "-"+errSnapshot)
}

func TestSavePoints(t *testing.T) {
	n := start(t, "save", "1 3")
	c := n.dial()
	n.cluster.set(func(f *fakeCluster) { f.status.LastSnapshot = time.Now().Add(-time.Hour) })
	n.srv.saveIfDue(time.Now())
	c.send("set a 1", "set b 1", "set c 1")
	for range 3 {
		c.read()
	}
	n.srv.saveIfDue(time.Now())
	eventually(t, "a snapshot", func() bool {
		n.cluster.mu.Lock()
		defer n.cluster.mu.Unlock()
		return len(n.cluster.done) > 0
	})
}
