package server

import (
	"slices"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// handler runs a command of the session's own. It answers out exactly once.
type handler func(s *session, args [][]byte, out reply.Sink)

// route says where a command runs.
type route byte

const (
	onSession route = iota // here, by its handler
	asRead                 // in Machine.Read
	asWrite                // in Machine.Apply, by way of the log
	asWait                 // the same, alone, and with an answer that may take its time
	asTail                 // in Machine.Follow if it wants to wait, else as a read
	asScript               // as a read, or alone as a write, as the script turns out
)

// entry is a command as the server sees it.
type entry struct {
	spec  *command.Spec
	route route
	run   handler // of all but asRead and asWrite
	name  string  // the full name
	now   bool    // it is not queued between MULTI and EXEC
	open  bool    // it is there for subscribers of RESP2 too
	stats commandStats
}

// commands is the table of everything a client may send: the machine's commands and the server's.
type commands struct {
	table  *command.Table
	all    []*entry // in the table's order, subcommands after their container
	bySpec map[*command.Spec]*entry
}

func newCommands(data, own []*command.Spec) (*commands, error) {
	var specs []*command.Spec
	for _, s := range data {
		if !s.Is(command.Internal) {
			specs = append(specs, s)
		}
	}
	for _, s := range own {
		i := slices.IndexFunc(specs, func(other *command.Spec) bool { return other.Name == s.Name && s.Container() })
		if i < 0 {
			specs = append(specs, s)
			continue
		}
		specs[i].Sub = append(slices.Clone(s.Sub), specs[i].Sub...) // a container of which either side has a part
	}
	table, err := command.NewTable(specs...)
	if err != nil {
		return nil, err
	}
	c := &commands{table: table, bySpec: map[*command.Spec]*entry{}}
	for _, s := range table.All() {
		c.add(s)
		for _, sub := range s.Sub {
			c.add(sub)
		}
	}
	return c, nil
}

// fast reports whether the command should never take long, logsSlow whether the slow log has it if it does.
func (e *entry) fast() bool     { return e.spec.Is(command.Fast) }
func (e *entry) logsSlow() bool { return !e.spec.Is(command.SkipSlowlog) }

// reads reports whether the command looks at the data without going through the log.
func (e *entry) reads() bool {
	return e.route == asRead || e.route == asTail || e.route == asScript && e.spec.IsRead()
}

// writes reports whether the command goes through the log, or may.
func (e *entry) writes() bool {
	switch e.route {
	case asWrite, asWait:
		return true
	case asScript:
		return !e.spec.IsRead()
	case onSession: // by entries that it proposes
		return e.spec.IsWrite()
	}
	return false
}

func (c *commands) add(s *command.Spec) {
	e := &entry{spec: s, name: s.FullName(), now: runsInMulti(s.FullName()), open: openToSubscribers(s.FullName())}
	switch run, own := s.Handler.(handler); {
	case own:
		e.run = run
	case nodesOwn(s.FullName()) != nil:
		e.run = nodesOwn(s.FullName())
	case s.Group == "scripting" && s.Is(command.NoMandatoryKeys): // EVAL, FCALL and their like
		e.route, e.run = asScript, runsScript(e)
	case s.IsWrite() && s.Is(command.Blocking):
		e.route, e.run = asWait, waitable(e)
	case s.Name == "help" && s.Parent() != nil: // of any container: it needs no data
		e.run = helpCommand
	case s.IsRead() && s.Is(command.Blocking):
		e.route, e.run = asTail, tail
	case s.IsLogged():
		e.route = asWrite
	default:
		e.route = asRead
	}
	c.all = append(c.all, e)
	c.bySpec[s] = e
}
