package server

import (
	"math/rand/v2"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// nodesOwn is the handler of a command that the machine declares, since it is of a family of the machine's, and a
// node answers.
func nodesOwn(name string) handler {
	switch name {
	case "script|kill", "function|kill":
		return scriptKillCommand
	case "function|stats":
		return functionStatsCommand
	case "script|debug":
		return scriptDebugCommand
	}
	return nil
}

func scriptKillCommand(s *session, args [][]byte, out reply.Sink) {
	if text := s.srv.killScripts(command.IsWord(args[0], "FUNCTION")); text != "" {
		out.Error(text)
		return
	}
	out.Status("OK")
}

// functionStatsCommand tells of the function that runs on this node, and of how many there are. While a script that is
// none is overdue, it has no more to say than other commands.
func functionStatsCommand(s *session, _ [][]byte, out reply.Sink) {
	if r := s.srv.overdue(); r != nil && !r.function {
		out.Error(busyText(r))
		return
	}
	out.Map(2)
	out.Text("running_script")
	if words, began := s.srv.scripts.runningFunction(); words == nil {
		out.Null()
	} else {
		out.Map(3)
		out.Text("name")
		out.Text(words[1])
		out.Text("command")
		out.Array(len(words))
		for _, w := range words {
			out.Text(w)
		}
		out.Text("duration_ms")
		out.Int(time.Since(began).Milliseconds())
	}
	libraries, functions := s.srv.machine.FunctionCounts()
	out.Text("engines")
	out.Map(1)
	out.Text("LUA")
	out.Map(2)
	out.Text("libraries_count")
	out.Int(int64(libraries))
	out.Text("functions_count")
	out.Int(int64(functions))
}

// scriptDebugCommand leaves the debugger off, and cannot switch it on.
func scriptDebugCommand(_ *session, args [][]byte, out reply.Sink) {
	switch {
	case command.IsWord(args[2], "NO"):
		out.Status("OK")
	case command.IsWord(args[2], "YES"), command.IsWord(args[2], "SYNC"):
		out.Error(errNoDebugger)
	default:
		out.Error(errDebugWord)
	}
}

// runsScript is the handler of a command that runs a script. If it may write, it is run as a read first where this
// node leads: most scripts that find nothing to do end there, and cost no entry. At its first write it is given
// up, with nothing done, and goes through the log.
func runsScript(e *entry) handler {
	return func(s *session, args [][]byte, out reply.Sink) {
		hint := s.srv.machine.HintScript(e.spec, args)
		leads, refused := s.srv.cluster().Leads(group), ""
		if !hint.ReadsOnly {
			refused = s.refusesWrite(e, args)
		}
		if !hint.ReadsOnly && refused == "" && (!leads || s.srv.overMemory()) { // in the log there is a verdict on memory
			s.proposeScript(e, args, out)
			return
		}
		wrote, text := s.readScript(e, args, !hint.ReadsOnly && leads)
		if !hint.ReadsOnly {
			s.srv.scripts.habits.tried(hint.Name, wrote)
		}
		switch {
		case text != "":
			out.Error(text)
		case wrote && refused != "":
			out.Error(refused)
		case wrote && s.srv.refusesAlone() != "":
			out.Error(errNoReplicas)
		case wrote:
			s.proposeScript(e, args, out)
		}
	}
}

// callsFunction reports whether a command runs a function of a library, rather than a script.
func callsFunction(spec *command.Spec) bool { return spec.Name == "fcall" || spec.Name == "fcall_ro" }

// readScript runs a script as a read and answers, or reports that it has come to a write; then nothing is
// answered. As a read in the place of a write it sees all that was acknowledged before.
func (s *session) readScript(e *entry, args [][]byte, first bool) (wrote bool, text string) {
	if text := s.apart(func() string { return s.awaitLevelOf(first) }); text != "" {
		return false, text
	}
	r := s.srv.scripts.begin(callsFunction(e.spec), false, args)
	defer s.srv.scripts.end(r)
	calls := []fsm.Call{s.read(e, s.db, args, s.out, s.then(s.remembers()))}
	calls[0].Interrupted = s.srv.interrupted(r)
	s.overtaken = false
	s.srv.machine.Read(s.srv.cluster().Elapsed(group), rand.Uint64(), calls)
	s.keepScript(calls[0])
	return calls[0].Abandoned, ""
}

// keepScript has the cluster keep the script of an EVAL that read, so that EVALSHA finds it.
func (s *session) keepScript(c fsm.Call) {
	if c.Unfinished && !c.Abandoned && s.finishes() {
		_, _ = s.proposeItem(fsm.KeepScript(c.Args[1]))
	}
}

// proposeScript runs a script as part of an entry.
func (s *session) proposeScript(e *entry, args [][]byte, out reply.Sink) {
	item := s.scriptItem(e, args)
	if len(item) > s.srv.maxItem {
		out.Error(errItemLength)
		return
	}
	replies, text := s.proposeItem(item)
	if text != "" {
		out.Error(text)
		return
	}
	s.out.raw(replies)
	s.out.errors += errorsIn(replies)
}

// scriptItem is the item of a command that runs a script.
func (s *session) scriptItem(e *entry, args [][]byte) []byte {
	return fsm.ForScript(s.user, s.appendItem(nil, e, s.remembers(), s.db, args))
}

// writesAlong reports whether a command's script goes into the log right away, together with the writes around it.
func (s *session) writesAlong(e *entry, args [][]byte) bool {
	const frame = 128 // bytes of an item around a command
	if e.spec.IsRead() || s.srv.overMemory() || s.srv.minReplicas() || s.srv.cluster() == nil || !s.srv.cluster().Leads(group) ||
		fsm.ItemSize(args)+len(s.user)+frame > s.srv.maxItem {
		return false
	}
	hint := s.srv.machine.HintScript(e.spec, args)
	return !hint.ReadsOnly && s.srv.scripts.habits.writes(hint.Name)
}
