package server

import (
	"fmt"
	"time"
)

// replicationLines are those of Redis' section: a node that leads is the master, and one that
// follows a slave. A node that belongs to no cluster yet is neither a master nor linked to one.
func replicationLines(v *view, line func(name, value string)) {
	r := &v.replication
	if r.leads {
		line("role", "master")
	} else {
		followerLines(r, line)
	}
	line("connected_slaves", decimalOf(len(r.replicas)))
	if least, seconds := v.srv.machine.MinReplicas(); least > 0 && r.leads {
		line("min_slaves_good_slaves", decimalOf(v.srv.goodReplicas(seconds)))
	}
	for i, p := range r.replicas {
		state, lag := "online", int64(p.Contact/time.Second)
		if !p.Known {
			state, lag = "wait_bgsave", 0
		}
		line(fmt.Sprintf("slave%d", i), fmt.Sprintf("ip=%s,port=%s,state=%s,offset=%d,lag=%d", p.host, p.port, state, p.Applied, lag))
	}
	line("master_failover_state", "no-failover")
	line("master_replid", replID(v.srv.clusterID()))
	line("master_replid2", replID(""))
	line("master_repl_offset", decimalOf(r.status.Applied))
	line("second_repl_offset", "-1")
	first, last := r.status.FirstIndex, r.status.LastIndex
	line("repl_backlog_active", yesNo(r.known))
	line("repl_backlog_size", v.srv.config.Get("repl-backlog-size"))
	line("repl_backlog_first_byte_offset", decimalOf(first)) // offsets are indexes of entries
	line("repl_backlog_histlen", decimalOf(max(first, last+1)-first))
}

func followerLines(r *replication, line func(name, value string)) {
	status, heard := "down", int64(-1)
	if r.link() == "connected" {
		status = "up"
	}
	if r.status.Contact > 0 {
		heard = int64(r.status.Contact / time.Second)
	}
	line("role", "slave")
	line("master_host", r.leaderHost)
	line("master_port", r.leaderPort)
	line("master_link_status", status)
	line("master_last_io_seconds_ago", decimalOf(heard))
	line("master_sync_in_progress", yesNo(!r.known))
	if status == "down" {
		line("master_link_down_since_seconds", decimalOf(heard))
	}
	line("slave_read_repl_offset", decimalOf(r.status.Applied))
	line("slave_repl_offset", decimalOf(r.status.Applied))
	line("slave_priority", "100")
	line("slave_read_only", "0")
	line("replica_announced", "1")
}

// replID is an id in the form of Redis' replication ids: 40 digits.
func replID(id string) string {
	const zeros = "0000000000000000000000000000000000000000"
	return (id + zeros)[:len(zeros)]
}

// clusterID is the cluster's id, empty before there is one.
func (s *Server) clusterID() string {
	if c := s.cluster(); c != nil {
		return c.Status(group).ClusterID
	}
	return ""
}

func commandstatsLines(v *view, line func(name, value string)) {
	for _, e := range v.srv.commands.all {
		calls, rejected, failed := e.stats.calls.Load(), e.stats.rejected.Load(), e.stats.failed.Load()
		if calls == 0 && rejected == 0 && failed == 0 {
			continue
		}
		usec := e.stats.nanos.Load() / 1000
		each := 0.0
		if calls > 0 {
			each = float64(usec) / float64(calls)
		}
		line("cmdstat_"+e.name, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			calls, usec, each, rejected, failed))
	}
}

func errorstatsLines(v *view, line func(name, value string)) {
	v.srv.stats.errors.each(func(word string, count uint64) {
		line("errorstat_"+word, fmt.Sprintf("count=%d", count))
	})
}

func keyspaceLines(v *view, line func(name, value string)) {
	for _, db := range v.machine.Databases {
		if db.Keys > 0 {
			line(fmt.Sprintf("db%d", db.Number), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", db.Keys, db.Expires, db.AverageTTL))
		}
	}
}

// raftFields are redraft's own section, and what RAFT STATUS answers.
func raftFields() []infoField {
	status := func(v *view) *Status { return &v.replication.status }
	return []infoField{
		{"raft_node_id", func(v *view) string { return status(v).NodeID }},
		{"raft_cluster_id", func(v *view) string { return status(v).ClusterID }},
		{"raft_joined", func(v *view) string { return yesNo(v.replication.known) }},
		{"raft_state", func(v *view) string { return status(v).State }},
		{"raft_voter", func(v *view) string { return yesNo(status(v).Voter) }},
		{"raft_leader_id", func(v *view) string { return status(v).LeaderID }},
		{"raft_leader_addr", func(v *view) string { return v.srv.clientAddr(status(v).LeaderID) }},
		{"raft_term", func(v *view) string { return decimalOf(status(v).Term) }},
		{"raft_last_index", func(v *view) string { return decimalOf(status(v).LastIndex) }},
		{"raft_commit_index", func(v *view) string { return decimalOf(status(v).Commit) }},
		{"raft_applied_index", func(v *view) string { return decimalOf(status(v).Applied) }},
		{"raft_snapshot_index", func(v *view) string { return decimalOf(status(v).SnapshotIndex) }},
		{"raft_snapshot_bytes", func(v *view) string { return decimalOf(status(v).SnapshotBytes) }},
		{"raft_since_snapshot_entries", func(v *view) string { return decimalOf(status(v).SinceEntries) }},
		{"raft_since_snapshot_bytes", func(v *view) string { return decimalOf(status(v).SinceBytes) }},
		{"raft_log_bytes", func(v *view) string { return decimalOf(v.logBytes) }},
		{"raft_clock_ms", func(v *view) string { return decimalOf(v.srv.machine.Clock()) }},
		{"raft_digest_index", func(v *view) string { index, _ := v.srv.machine.Digest(); return decimalOf(index) }},
		{"raft_digest", func(v *view) string { _, hex := v.srv.machine.Digest(); return hex }},
	}
}
