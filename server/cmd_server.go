package server

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func serverCommands() []*command.Spec {
	const dangerous = command.CatAdmin | command.CatDangerous
	return []*command.Spec{
		{Name: "time", Summary: "Return the current server time", Since: "2.6.0", Group: "server", Complexity: "O(1)",
			Flags: command.Loading | command.Stale | command.Fast, Tips: []string{"nondeterministic_output"}, Handler: handler(timeCommand)},
		{Name: "role", Summary: "Return the role of the instance in the context of replication", Since: "2.8.12",
			Group: "server", Complexity: "O(1)", Flags: command.NoScript | command.Loading | command.Stale | command.Fast,
			Categories: dangerous, Handler: handler(roleCommand)},
	}
}

func timeCommand(_ *session, _ [][]byte, out reply.Sink) {
	now := time.Now()
	out.Array(2)
	out.Text(strconv.FormatInt(now.Unix(), 10))
	out.Text(strconv.Itoa(now.Nanosecond() / 1000))
}

func roleCommand(s *session, _ [][]byte, out reply.Sink) {
	r := s.srv.replication()
	if r.leads {
		out.Array(3)
		out.Text("master")
		out.Int(int64(r.status.Applied))
		out.Array(len(r.replicas))
		for _, p := range r.replicas {
			out.Array(3)
			out.Text(p.host)
			out.Text(p.port)
			out.Text(strconv.FormatUint(p.Applied, 10))
		}
		return
	}
	out.Array(5)
	out.Text("slave")
	out.Text(r.leaderHost)
	port, _ := strconv.ParseInt(r.leaderPort, 10, 64)
	out.Int(port)
	out.Text(r.link())
	out.Int(int64(r.status.Applied))
}

// replication is what ROLE and INFO replication tell, in Redis' words: the leader is the master,
// everybody else a replica.
type replication struct {
	status                 Status
	leads                  bool
	known                  bool // there is a cluster, and this node belongs to it
	leaderHost, leaderPort string
	replicas               []replicaOf
}

type replicaOf struct {
	Member
	host, port string
}

func (s *Server) replication() replication {
	c := s.cluster()
	if c == nil {
		return replication{leaderHost: unknownHost, leaderPort: unknownPort}
	}
	r := replication{status: c.Status(group), leads: c.Leads(group)}
	r.known = r.status.Joined
	r.leads = r.leads && r.known
	r.leaderHost, r.leaderPort = splitAddr(s.clientAddr(r.status.LeaderID))
	if !r.leads {
		return r
	}
	for _, m := range c.Members(group) {
		if m.ID != r.status.NodeID {
			host, port := splitAddr(s.clientAddr(m.ID))
			r.replicas = append(r.replicas, replicaOf{m, host, port})
		}
	}
	return r
}

// link is the state of a follower's connection to its leader.
func (r *replication) link() string {
	switch {
	case !r.known:
		return "connect"
	case r.status.LeaderID == "":
		return "connecting"
	}
	return "connected"
}

// What stands for an address that is not known.
const (
	unknownHost = "?"
	unknownPort = "0"
)

func splitAddr(addr string) (host, port string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return unknownHost, unknownPort
	}
	return host, port
}

// administer runs a change that only the leader can make, and answers with its outcome.
func (s *session) administer(out reply.Sink, change func(ctx context.Context, c Cluster) error) {
	c := s.srv.cluster()
	if c == nil {
		out.Error(errNotJoined)
		return
	}
	err := change(s.begin(), c)
	s.patience.end()
	if err == nil {
		out.Status("OK")
		return
	}
	switch o := outcomeOf(err); {
	case o == notApplied:
		out.Error(s.srv.whoLeads())
	case o == refusedFull:
		out.Error(errMovingOn)
	default:
		out.Error("ERR " + err.Error())
	}
}

// whoLeads is the answer to administration that this node cannot do.
func (s *Server) whoLeads() string {
	if addr := s.leaderAddr(); addr != "" {
		return "ERR this node does not lead the group; ask the leader at " + addr
	}
	return errNotLead
}
