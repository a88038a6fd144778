package server

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func multiCommands() []*command.Spec {
	const flags = command.NoScript | command.Loading | command.Stale
	const brief = flags | command.Fast | command.AllowBusy
	return []*command.Spec{
		{Name: "multi", Summary: "Begin a transaction", Since: "1.2.0", Group: "transactions", Complexity: "O(1)",
			Flags: brief, Handler: handler(multiCommand)},
		{Name: "exec", Summary: "Execute the commands of a transaction, unless a watched key has changed", Since: "1.2.0",
			Group: "transactions", Complexity: "Depends on commands in the transaction", Flags: flags | command.SkipSlowlog,
			Handler: handler(execCommand)},
		{Name: "discard", Summary: "Discard the commands of a transaction", Since: "2.0.0", Group: "transactions",
			Complexity: "O(N), when N is the number of queued commands", Flags: brief, Handler: handler(discardCommand)},
		{Name: "watch", Usage: "key [key ...]", Summary: "Let the next transaction depend on keys staying as they are", Since: "2.2.0",
			Group: "transactions", Complexity: "O(1) for every key.", Flags: brief,
			Keys: command.KeyRange(1, -1, 1, command.RO), Handler: handler(watchCommand)},
		{Name: "unwatch", Summary: "Forget all watched keys", Since: "2.2.0", Group: "transactions", Complexity: "O(1)",
			Flags: brief, Handler: handler(unwatchCommand)},
	}
}

func multiCommand(s *session, _ [][]byte, out reply.Sink) {
	if s.multi.open {
		out.Error(errNestedMulti)
		return
	}
	s.beginMulti()
	out.Status("OK")
}

func execCommand(s *session, _ [][]byte, out reply.Sink) {
	if !s.multi.open {
		out.Error(errExecWithout)
		return
	}
	t := s.endMulti()
	if t.broken {
		s.unwatch()
		out.Error(errExecAbort)
		return
	}
	s.executeMulti(&t)
}

func discardCommand(s *session, _ [][]byte, out reply.Sink) {
	if !s.multi.open {
		out.Error(errDiscardWithout)
		return
	}
	s.endMulti()
	s.unwatch()
	out.Status("OK")
}

// watchCommand reads which state the keys are in, so it waits for what a read would wait for; and for the
// connection's own writes at any level, or they would count as those of others.
func watchCommand(s *session, args [][]byte, out reply.Sink) {
	if s.multi.open {
		out.Error(errWatchInside)
		return
	}
	if text := s.apart(s.awaitWatch); text != "" {
		out.Error(text)
		return
	}
	s.srv.machine.Watch(&s.watch, s.db, args[1:])
	s.watching = true
	out.Status("OK")
}

func (s *session) awaitWatch() string {
	if s.srv.cluster() == nil {
		return ""
	}
	if text := s.awaitLevel(); text != "" {
		return text
	}
	return s.awaitOwn()
}

// awaitOwn waits until this node has applied the session's own writes.
func (s *session) awaitOwn() string {
	if s.behind == 0 {
		return ""
	}
	err := s.srv.cluster().WaitApplied(s.begin(), group, s.behind)
	s.patience.end()
	if err != nil {
		return errReadWait
	}
	s.behind = 0
	return ""
}

func unwatchCommand(s *session, _ [][]byte, out reply.Sink) {
	s.unwatch()
	out.Status("OK")
}
