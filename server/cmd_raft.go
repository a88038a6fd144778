package server

import (
	"context"
	"strings"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// raftCommands administer the cluster. They are redraft's own.
func raftCommands() []*command.Spec {
	const look = command.NoScript | command.Loading | command.Stale
	const change = command.NoScript | command.Admin
	return []*command.Spec{{Name: "raft", Summary: "A container for commands that administer the cluster", Since: "7.0.0",
		Group: "server", Complexity: "Depends on subcommand.", Differs: "redraft's own.", Sub: []*command.Spec{
			{Name: "status", Summary: "Tell what this node knows of itself and its group", Since: "7.0.0", Complexity: "O(1)",
				Flags: look, Tips: []string{"nondeterministic_output"}, Handler: handler(raftStatus)},
			{Name: "members", Summary: "List the nodes of the group", Since: "7.0.0", Complexity: "O(N) where N is the number of nodes",
				Flags: look, Tips: []string{"nondeterministic_output"}, Handler: handler(raftMembers)},
			{Name: "add", Usage: "id host:port", Summary: "Add a node, by its id and its address for other nodes", Since: "7.0.0",
				Complexity: "O(1)", Flags: change, Handler: handler(raftAdd)},
			{Name: "remove", Usage: "id", Summary: "Remove a node for good", Since: "7.0.0", Complexity: "O(1)", Flags: change,
				Handler: handler(raftRemove)},
			{Name: "promote", Usage: "id", Summary: "Give a node a vote", Since: "7.0.0", Complexity: "O(1)", Flags: change,
				Handler: handler(raftPromote)},
			{Name: "demote", Usage: "id", Summary: "Take a node's vote away", Since: "7.0.0", Complexity: "O(1)", Flags: change,
				Handler: handler(raftDemote)},
			{Name: "transfer", Usage: "[id]", Summary: "Hand leadership to a node, or to the fittest", Since: "7.0.0",
				Complexity: "O(1)", Flags: change, Handler: handler(raftTransfer)},
			{Name: "snapshot", Summary: "Take a snapshot on this node and wait for it", Since: "7.0.0",
				Complexity: "O(N) where N is the total number of keys in all databases", Flags: change, Handler: handler(saveCommand)},
			{Name: "digest", Summary: "Have all nodes note the digest of their data at one index, and return this node's",
				Since: "7.0.0", Complexity: "O(N) where N is the total number of keys in all databases", Flags: command.NoScript | command.Admin,
				Handler: handler(raftDigest)},
			{Name: "consistency", Usage: "[level]", Summary: "Get or set what reads of this connection promise", Since: "7.0.0",
				Complexity: "O(1)", Flags: look, Handler: handler(raftConsistency)},
			command.HelpSub("7.0.0", handler(helpCommand)),
		}}}
}

func raftAdd(s *session, args [][]byte, out reply.Sink) {
	s.administer(out, func(ctx context.Context, c Cluster) error {
		return c.Add(ctx, group, string(args[2]), string(args[3]))
	})
}

func raftRemove(s *session, args [][]byte, out reply.Sink) {
	s.administer(out, func(ctx context.Context, c Cluster) error { return c.Remove(ctx, group, string(args[2])) })
}

func raftPromote(s *session, args [][]byte, out reply.Sink) {
	s.administer(out, func(ctx context.Context, c Cluster) error { return c.Promote(ctx, group, string(args[2])) })
}

func raftDemote(s *session, args [][]byte, out reply.Sink) {
	s.administer(out, func(ctx context.Context, c Cluster) error { return c.Demote(ctx, group, string(args[2])) })
}

func raftTransfer(s *session, args [][]byte, out reply.Sink) {
	to := ""
	if len(args) > 2 {
		to = string(args[2])
	}
	s.administer(out, func(ctx context.Context, c Cluster) error { return c.Transfer(ctx, group, to) })
}

// raftDigest makes all nodes note their digest at the index of one entry; asked on each of them,
// INFO raft then shows whether they agree.
func raftDigest(s *session, _ [][]byte, out reply.Sink) {
	answer, text := s.proposeItem(fsm.TakeDigest())
	if text != "" {
		out.Error(text)
		return
	}
	s.out.raw(answer)
}

func raftConsistency(s *session, args [][]byte, out reply.Sink) {
	if len(args) == 2 {
		c := s.srv.cluster()
		out.Text(s.readLevel(c != nil && c.Leads(group)).String())
		return
	}
	if strings.EqualFold(string(args[2]), "default") {
		s.level = level{}
		out.Status("OK")
		return
	}
	l, err := parseLevel(string(args[2]))
	if err != nil {
		out.Error("ERR " + err.Error())
		return
	}
	s.level = l
	out.Status("OK")
}

func raftStatus(s *session, _ [][]byte, out reply.Sink) {
	fields := raftFields()
	v := s.srv.view()
	out.Map(len(fields))
	for _, f := range fields {
		out.Text(strings.TrimPrefix(f.name, "raft_"))
		out.Text(f.value(v))
	}
}

func raftMembers(s *session, _ [][]byte, out reply.Sink) {
	c := s.srv.cluster()
	if c == nil {
		out.Error(errNotJoined)
		return
	}
	members := c.Members(group)
	out.Array(len(members))
	for _, m := range members {
		out.Map(8)
		out.Text("id")
		out.Text(m.ID)
		out.Text("addr")
		out.Text(m.Addr)
		out.Text("client_addr")
		out.Text(s.srv.clientAddr(m.ID))
		out.Text("voter")
		out.Bool(m.Voter)
		out.Text("leader")
		out.Bool(m.Leader)
		writeProgress(out, m)
	}
}

// writeProgress writes what the leader knows of a member's progress, as three pairs; -1 stands for
// not known.
func writeProgress(out reply.Sink, m Member) {
	last, applied, heard := int64(-1), int64(-1), int64(-1)
	if m.Known {
		last, applied, heard = int64(m.Last), int64(m.Applied), m.Contact.Milliseconds()
	}
	out.Text("last_index")
	out.Int(last)
	out.Text("applied")
	out.Int(applied)
	out.Text("heard_ms_ago")
	out.Int(heard)
}
