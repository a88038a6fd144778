package server

import (
	"math"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func waitCommands() []*command.Spec {
	const categories = command.CatOnly | command.CatConnection
	tips := []string{"request_policy:all_shards", "response_policy:agg_min"}
	return []*command.Spec{
		{Name: "wait", Usage: "numreplicas timeout:integer", Summary: "Wait until the connection's writes are on so many replicas",
			Since: "3.0.0", Group: "generic", Complexity: "O(1)", Flags: command.NoScript,
			Categories: categories, Tips: tips, Handler: handler(waitCommand)},
		{Name: "waitaof", Usage: "numlocal numreplicas timeout:integer", Summary: "Wait until the connection's writes are in so many logs on disk",
			Since: "7.2.0", Group: "generic", Complexity: "O(1)", Flags: command.NoScript, Categories: categories, Tips: tips,
			Handler: handler(waitaofCommand), Differs: "The log is what Redis calls AOF, and always on disk before a write is answered. Any node takes it."},
	}
}

const waitPoll = 5 * time.Millisecond // how often is looked whether what a session waits for has come

// waitCommand counts the replicas that have the connection's last write on disk. An answered write
// is on a majority already; for more than that the leader watches what the replicas report.
func waitCommand(s *session, args [][]byte, out reply.Sink) {
	want, ok := fsm.ParseInt(args[1])
	if !ok {
		out.Error(errNotInteger)
		return
	}
	limit, text := waitLimit(args[2])
	if text != "" {
		out.Error(text)
		return
	}
	if s.awaitCopies(limit, func() bool { return s.srv.replicasWith(s.wroteAt) >= want }) == endError {
		out.Error(errUnblocked)
		return
	}
	out.Int(s.srv.replicasWith(s.wroteAt))
}

// waitaofCommand counts where the connection's last write is in a log on disk: here, and on the replicas.
func waitaofCommand(s *session, args [][]byte, out reply.Sink) {
	here, ok := fsm.ParseInt(args[1])
	if !ok || here < 0 || here > 1 {
		out.Error("ERR value is out of range, value must between 0 and 1")
		return
	}
	there, ok := fsm.ParseInt(args[2])
	if !ok || there < 0 {
		out.Error(errNotPositive)
		return
	}
	limit, text := waitLimit(args[3])
	if text != "" {
		out.Error(text)
		return
	}
	enough := func() bool { return s.srv.logged(s.wroteAt) >= here && s.srv.replicasWith(s.wroteAt) >= there }
	if s.awaitCopies(limit, enough) == endError {
		out.Error(errUnblocked)
		return
	}
	out.Array(2)
	out.Int(s.srv.logged(s.wroteAt))
	out.Int(s.srv.replicasWith(s.wroteAt))
}

// waitLimit is how long the last argument of WAIT has it wait, or the error; 0 is for ever.
func waitLimit(arg []byte) (time.Duration, string) {
	ms, text := parseTimeout(arg)
	if text == "" && ms == 0 {
		ms = math.MaxInt64
	}
	return duration(ms), text
}

// awaitCopies waits until enough nodes have the connection's last write.
func (s *session) awaitCopies(limit time.Duration, enough func() bool) ending {
	if enough() || s.inMulti {
		return endDone
	}
	return s.wait(&blockage{end: make(chan ending, 1)}, limit, nil, enough)
}

// logged is 1 if this node has the entry at index in its log, which is on disk, and 0 otherwise.
func (s *Server) logged(index uint64) int64 {
	if c := s.cluster(); c != nil && c.Status(group).LastIndex >= index {
		return 1
	}
	return 0
}

// replicasWith is how many other nodes surely have the entry at index, which has been committed.
func (s *Server) replicasWith(index uint64) int64 {
	c := s.cluster()
	if c == nil {
		return 0
	}
	var voters, known int64
	for _, m := range c.Members(group) {
		if m.Voter {
			voters++
		}
		if m.Known && m.ID != s.nodeID && m.Last >= index {
			known++
		}
	}
	return max(known, voters/2)
}
