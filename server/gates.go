package server

import (
	"net"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
)

// A gate is one condition under which a command may run: it returns the error to answer with, or
// nothing to let the command pass.
type gate func(s *session, e *entry, args [][]byte) string

// gates lists the conditions in the order in which Redis checks them, which shows where a command
// fails more than one.
func gates() []gate {
	return []gate{
		arityGate,
		debugGate,
		authGate,
		multiGate,
		aclGate,
		sizeGate,
		busyGate,
		subscriberGate,
		startGate,
		monitorGate,
		memoryGate,
		replicasGate,
	}
}

// admit finds the command and passes it through the gates. It returns the error to answer with;
// the entry is nil if there is no such command.
func (s *session) admit(args [][]byte) (*entry, string) {
	e, text := s.find(args)
	if text != "" {
		return nil, text
	}
	for _, g := range s.srv.gates {
		if text := g(s, e, args); text != "" {
			return e, text
		}
	}
	return e, ""
}

// find looks the command up. A client mostly sends what it sent before, so the entry of the last
// lookup is at hand.
func (s *session) find(args [][]byte) (*entry, string) {
	spec, found := s.srv.commands.table.Lookup(args)
	switch found {
	case command.Found:
	case command.UnknownSub:
		return nil, errUnknownSubcommand(spec.Name, args[1])
	case command.MissingSub:
		if spec.Name != "command" {
			return nil, errArity(spec.Name)
		}
	default:
		return nil, errUnknownCommand(args)
	}
	if spec != s.last {
		s.last, s.lastEntry = spec, s.srv.commands.bySpec[spec]
	}
	return s.lastEntry, ""
}

func arityGate(_ *session, e *entry, args [][]byte) string {
	if e.spec.Accepts(len(args)) || e.spec.Container() {
		return ""
	}
	return errArity(e.name)
}

// debugGate keeps commands that enable-debug-command guards from those whom it does not name.
func debugGate(s *session, e *entry, _ [][]byte) string {
	if !e.spec.Is(command.Protected) {
		return ""
	}
	switch s.srv.config.Get("enable-debug-command") {
	case "yes":
		return ""
	case "local":
		if s.conn.local() {
			return ""
		}
	}
	return errDebug
}

func multiGate(s *session, e *entry, _ [][]byte) string {
	if s.multi.open && e.spec.Is(command.NoMulti) {
		return errInsideMulti
	}
	return ""
}

func sizeGate(s *session, e *entry, args [][]byte) string {
	if e.writes() && fsm.ItemSize(args) > s.srv.maxItem {
		return errItemLength
	}
	return ""
}

// busyGate refuses most commands while a script runs that should have ended. It comes before whatever takes the
// machine's lock, which the script holds.
func busyGate(s *session, e *entry, _ [][]byte) string {
	if e.spec.Is(command.AllowBusy) {
		return ""
	}
	if r := s.srv.overdue(); r != nil {
		return busyText(r)
	}
	return ""
}

// openToSubscribers reports whether a command is there for a subscriber of RESP2, who could not tell other replies from
// messages.
func openToSubscribers(name string) bool {
	switch name {
	case "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe", "ping", "quit", "reset":
		return true
	}
	return false
}

func subscriberGate(s *session, e *entry, _ [][]byte) string {
	if !e.open && s.subscriptions.mode.Load() && s.out.protocol() == 2 {
		return errSubscriber(e.name)
	}
	return ""
}

// startGate holds back, until the node has caught up with its cluster, what needs more than the
// state that its disk held; until that is there, whatever Redis holds back while it loads.
func startGate(s *session, e *entry, args [][]byte) string {
	if s.srv.ready.Load() || e.spec.Is(command.Loading) && !e.writes() {
		return ""
	}
	c := s.srv.cluster()
	switch {
	case c == nil:
		return errLoading
	case e.route == onSession && !e.spec.Is(command.Admin) && !e.writes():
		return ""
	case e.reads() && s.readLevel(c.Leads(group)).kind == stale:
		return ""
	}
	if text := s.awaitStart(); text != "" {
		return text
	}
	if text := authGate(s, e, args); text != "" { // by the users that the node knows now
		return text
	}
	return aclGate(s, e, args)
}

// isLocal reports whether a connection comes from this machine.
func isLocal(addr net.Addr) bool {
	switch a := addr.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
