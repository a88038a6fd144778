package server

import (
	"strings"
	"time"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func saveCommands() []*command.Spec {
	const admin = command.Admin | command.NoScript | command.NoAsyncLoading
	return []*command.Spec{
		{Name: "bgsave", Usage: "[SCHEDULE]", Summary: "Take a snapshot of the data set in the background", Since: "1.0.0", Group: "server",
			Complexity: "O(1)", Flags: admin, Handler: handler(bgsaveCommand)},
		{Name: "bgrewriteaof", Summary: "Take a snapshot in the background and cut the log", Since: "1.0.0", Group: "server",
			Complexity: "O(1)", Flags: admin, Handler: handler(bgrewriteaofCommand),
			Differs: "The log is what Redis calls AOF: a snapshot takes the place of its beginning, as with BGSAVE."},
		{Name: "save", Summary: "Take a snapshot of the data set and wait for it", Since: "1.0.0", Group: "server",
			Complexity: "O(N) where N is the total number of keys in all databases", Flags: admin | command.NoMulti,
			Handler: handler(saveCommand)},
		{Name: "lastsave", Summary: "Get the time of the last snapshot", Since: "1.0.0",
			Group: "server", Complexity: "O(1)", Flags: command.Loading | command.Stale | command.Fast,
			Categories: command.CatAdmin | command.CatDangerous, Tips: []string{"nondeterministic_output"}, Handler: handler(lastsaveCommand)},
		{Name: "shutdown", Usage: "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", Summary: "End the server, after handing leadership over",
			Since: "1.0.0", Group: "server", Complexity: "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
			Flags:   command.Admin | command.NoScript | command.Loading | command.Stale | command.NoMulti | command.AllowBusy,
			Handler: handler(shutdownCommand)},
	}
}

// inBackground starts a snapshot and answers with what Redis says when it has.
func (s *session) inBackground(out reply.Sink, started string) {
	c := s.srv.cluster()
	switch {
	case c == nil:
		out.Error(errNotJoined)
	case !c.Status(group).SnapshotBegan.IsZero() || s.srv.startSave(c) != nil:
		out.Error(errSnapshot)
	default:
		out.Status(started)
	}
}

func bgsaveCommand(s *session, args [][]byte, out reply.Sink) {
	if len(args) > 2 || len(args) == 2 && !strings.EqualFold(string(args[1]), "schedule") {
		out.Error(errSyntax)
		return
	}
	s.inBackground(out, "Background saving started")
}

func bgrewriteaofCommand(s *session, _ [][]byte, out reply.Sink) {
	s.inBackground(out, "Background append only file rewriting started")
}

func saveCommand(s *session, _ [][]byte, out reply.Sink) {
	c := s.srv.cluster()
	switch {
	case c == nil:
		out.Error(errNotJoined)
	case !s.srv.saving.CompareAndSwap(false, true):
		out.Error(errSnapshot)
	default:
		err := c.Snapshot(s.srv.ctx, group)
		s.srv.saving.Store(false)
		if err != nil {
			out.Error("ERR " + err.Error())
			return
		}
		out.Status("OK")
	}
}

func lastsaveCommand(s *session, _ [][]byte, out reply.Sink) { out.Int(s.srv.lastSave().Unix()) }

// lastSave is when the newest snapshot on this node's disk was complete, or the server's start if there
// is none, as in Redis.
func (s *Server) lastSave() time.Time {
	if c := s.cluster(); c != nil {
		if t := c.Status(group).LastSnapshot; !t.IsZero() {
			return t
		}
	}
	return s.stats.started
}

// shutdownCommand ends the process. Nothing is lost without a snapshot: the log has every write.
func shutdownCommand(s *session, args [][]byte, out reply.Sink) {
	var save, nosave, now, force, abort bool
	for _, a := range args[1:] {
		word, ok := map[string]*bool{"save": &save, "nosave": &nosave, "now": &now, "force": &force,
			"abort": &abort}[strings.ToLower(string(a))]
		if !ok {
			out.Error(errSyntax)
			return
		}
		*word = true
	}
	if save && nosave || abort && len(args) > 2 {
		out.Error(errSyntax)
		return
	}
	if abort { // an end that has begun is not called off
		out.Error("ERR No shutdown in progress.")
		return
	}
	if err := s.srv.shutdown(save, now); err != nil && !force {
		out.Error("ERR Errors trying to SHUTDOWN: " + err.Error())
		return
	}
	s.silent, s.closing = true, true
}
