package server

import (
	"errors"
	"slices"
	"strings"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/glob"
	"github.com/redraftdb/redraft/fsm/reply"
)

func configCommands() []*command.Spec {
	const flags = command.Admin | command.NoScript | command.Loading | command.Stale
	return []*command.Spec{{Name: "config", Summary: "A container for server configuration commands", Since: "2.0.0",
		Group: "server", Complexity: "Depends on subcommand.", Sub: []*command.Spec{
			{Name: "get", Usage: "parameter [parameter ...]", Summary: "Get the values of configuration parameters", Since: "2.0.0",
				Complexity: "O(N) when N is the number of configuration parameters provided", Flags: flags, Handler: handler(configGet)},
			{Name: "set", Usage: "parameter value [parameter value ...]", Summary: "Set configuration parameters to the given values", Since: "2.0.0",
				Complexity: "O(N) when N is the number of configuration parameters provided", Flags: flags,
				Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"}, Handler: handler(configSet),
				Differs: "What commands read as they are applied is set on all nodes. A value that would do nothing here is refused; docs/configuration.md lists them."},
			{Name: "resetstat", Summary: "Reset the statistics that INFO shows", Since: "2.0.0", Complexity: "O(1)", Flags: flags,
				Handler: handler(configResetstat)},
			{Name: "rewrite", Summary: "Rewrite the configuration file", Since: "2.8.0", Complexity: "O(1)", Flags: flags,
				Handler: handler(configRewrite), Differs: "Parameters of the cluster are written as the cluster has them."},
			command.HelpSub("5.0.0", handler(helpCommand)),
		}}}
}

// current is the value of a parameter: the cluster's if it is replicated, else this node's.
func (s *Server) current(p *Parameter) string {
	if p.Replicated {
		for _, set := range s.machine.Settings() {
			if set.Name == p.Name {
				return set.Value
			}
		}
	}
	return s.config.Get(p.Name)
}

func configGet(s *session, args [][]byte, out reply.Sink) {
	var pairs []string
	s.srv.config.match(args[2:], glob.Match, func(name string, p *Parameter) {
		pairs = append(pairs, name, s.srv.current(p))
	})
	out.Map(len(pairs) / 2)
	for _, text := range pairs {
		out.Text(text)
	}
}

func configResetstat(s *session, _ [][]byte, out reply.Sink) {
	s.srv.stats.reset(s.srv.commands.all, s.srv.machine.Stats())
	out.Status("OK")
}

// change is one pair of a CONFIG SET.
type change struct {
	p          *Parameter
	name       string // as the client wrote it
	value, old string
}

var (
	errImmutable = errors.New("can't set immutable config")
	errDuplicate = errors.New("duplicate parameter")
)

// parseConfigSet checks every pair before anything is changed.
func (s *Server) parseConfigSet(args [][]byte) ([]change, string) {
	if len(args)%2 != 0 {
		return nil, errSyntax
	}
	var changes []change
	for i := 0; i < len(args); i += 2 {
		name := string(args[i])
		p, ok := s.config.Lookup(name)
		if !ok {
			return nil, "ERR Unknown option or number of arguments for CONFIG SET - '" + name + "'"
		}
		changes = append(changes, change{p: p, name: name, value: string(args[i+1])})
	}
	seen := map[string]bool{}
	for i := range changes {
		c := &changes[i]
		lower := strings.ToLower(c.name)
		if seen[lower] {
			return nil, errConfigSet(c.name, errDuplicate)
		}
		seen[lower] = true
		if err := s.checkChange(c); err != nil {
			return nil, errConfigSet(c.name, err)
		}
	}
	return changes, ""
}

// checkChange puts the value into its canonical form. What cannot be changed may be set to what it is.
func (s *Server) checkChange(c *change) error {
	c.old = s.current(c.p)
	value, err := c.p.checkChange(c.old, c.value)
	if c.p.Immutable && (err != nil || value != c.old) {
		return errImmutable
	}
	c.value = value
	return err
}

// configSet changes parameters all or none: this node's own first, then the cluster's by one
// entry. What was changed before something failed is changed back.
func configSet(s *session, args [][]byte, out reply.Sink) {
	srv := s.srv
	srv.configSet.Lock()
	defer srv.configSet.Unlock()
	changes, text := srv.parseConfigSet(args[2:])
	if text != "" {
		out.Error(text)
		return
	}
	if text := srv.applyChanges(changes); text != "" {
		out.Error(text)
		return
	}
	if text := s.setReplicated(changes); text != "" {
		srv.undo(changes)
		out.Error(text)
		return
	}
	srv.refreshLimits()
	out.Status("OK")
}

// setReplicated proposes the changes of replicated parameters, if there are any.
func (s *session) setReplicated(changes []change) string {
	var settings []fsm.Setting
	for _, c := range changes {
		if c.p.Replicated {
			settings = append(settings, fsm.Setting{Name: c.p.Name, Value: c.value})
		}
	}
	if len(settings) == 0 {
		return ""
	}
	answer, text := s.proposeItem(fsm.SetParameters(settings...))
	if text == "" && len(answer) > 3 && answer[0] == '-' {
		text = string(answer[1 : len(answer)-2])
	}
	return text
}

// applyChanges puts what is this node's own into force, or nothing of it if something fails.
func (s *Server) applyChanges(changes []change) (text string) {
	for i, c := range changes {
		if err := s.apply(c.p, c.value); err != nil {
			s.undo(changes[:i+1])
			return errConfigSet(c.name, err)
		}
	}
	for _, j := range joints(changed(changes)) {
		if err := j.apply(s); err != nil {
			s.undo(changes)
			at := slices.IndexFunc(changes, func(c change) bool { return c.p.joint == j })
			return errConfigSet(changes[at].name, err)
		}
	}
	return ""
}

// changed are the parameters of changes.
func changed(changes []change) []*Parameter {
	var list []*Parameter
	for _, c := range changes {
		list = append(list, c.p)
	}
	return list
}

// apply puts a value of this node's own into force.
func (s *Server) apply(p *Parameter, value string) error {
	if p.Replicated {
		return nil
	}
	if p.apply != nil {
		if err := p.apply(s, value); err != nil {
			return err
		}
	}
	s.config.store(p, value)
	return nil
}

// undo puts the values from before the changes back, the last change first.
func (s *Server) undo(changes []change) {
	for i := len(changes) - 1; i >= 0; i-- {
		if err := s.apply(changes[i].p, changes[i].old); err != nil {
			s.log.Error("a parameter could not be changed back", "parameter", changes[i].p.Name, "error", err)
		}
	}
	for _, j := range joints(changed(changes)) {
		if err := j.apply(s); err != nil {
			s.log.Error("parameters could not be changed back", "error", err)
		}
	}
}
