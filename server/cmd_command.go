package server

import (
	"errors"
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/glob"
	"github.com/redraftdb/redraft/fsm/reply"
)

func commandCommands() []*command.Spec {
	const flags = command.Loading | command.Stale
	const each = "O(N) where N is the number of commands to look up"
	unordered := []string{"nondeterministic_output_order"}
	return []*command.Spec{{Name: "command", Summary: "Describe all commands", Since: "2.8.13", Group: "server",
		Complexity: "O(N) where N is the total number of Redis commands", Flags: flags, Categories: command.CatConnection,
		Tips: unordered, Handler: handler(commandCommand), Sub: []*command.Spec{
			{Name: "count", Summary: "Get the total number of commands", Since: "2.8.13", Complexity: "O(1)", Flags: flags,
				Categories: command.CatConnection, Handler: handler(commandCount)},
			{Name: "docs", Usage: "[command-name [command-name ...]]", Summary: "Get the documentation of commands", Since: "7.0.0",
				Complexity: each, Flags: flags, Categories: command.CatConnection, Tips: unordered, Handler: handler(commandDocs)},
			{Name: "getkeys", Usage: "command arg [arg ...]", Summary: "Extract the keys of a full command", Since: "2.8.13",
				Complexity: "O(N) where N is the number of arguments to the command", Flags: flags,
				Categories: command.CatConnection, Handler: handler(commandGetkeys)},
			{Name: "getkeysandflags", Usage: "command arg [arg ...]", Summary: "Extract the keys of a full command, and what it does with them",
				Since: "7.0.0", Complexity: "O(N) where N is the number of arguments to the command", Flags: flags,
				Categories: command.CatConnection, Handler: handler(commandGetkeys)},
			{Name: "info", Usage: "[command-name [command-name ...]]", Summary: "Describe commands, or all of them", Since: "2.8.13",
				Complexity: each, Flags: flags, Categories: command.CatConnection, Tips: unordered, Handler: handler(commandInfo)},
			{Name: "list", Usage: "[FILTERBY filterby=<MODULE module-name | ACLCAT category | PATTERN pattern>]",
				Summary: "List the names of commands", Since: "7.0.0", Complexity: "O(N) where N is the total number of Redis commands",
				Flags: flags, Categories: command.CatConnection, Tips: unordered, Handler: handler(commandList)},
			commandHelp(),
		}}}
}

func commandHelp() *command.Spec {
	spec := command.HelpSub("5.0.0", handler(helpCommand))
	spec.Categories = command.CatConnection
	return spec
}

// commandCommand is COMMAND alone.
func commandCommand(s *session, _ [][]byte, out reply.Sink) {
	all := s.srv.commands.table.Public()
	out.Array(len(all))
	for _, spec := range all {
		writeSpec(out, spec)
	}
}

func commandCount(s *session, _ [][]byte, out reply.Sink) {
	out.Int(int64(s.srv.commands.table.Count()))
}

func commandInfo(s *session, args [][]byte, out reply.Sink) {
	if len(args) == 2 {
		commandCommand(s, args, out)
		return
	}
	out.Array(len(args) - 2)
	for _, name := range args[2:] {
		if spec := s.srv.commands.table.Named(string(name)); spec != nil {
			writeSpec(out, spec)
		} else {
			out.Null()
		}
	}
}

func commandDocs(s *session, args [][]byte, out reply.Sink) {
	specs := s.srv.commands.table.Public()
	if len(args) > 2 {
		specs = nil
		for _, name := range args[2:] {
			if spec := s.srv.commands.table.Named(string(name)); spec != nil {
				specs = append(specs, spec)
			}
		}
	}
	out.Map(len(specs))
	for _, spec := range specs {
		out.Text(spec.FullName())
		writeDocs(out, spec)
	}
}

func commandGetkeys(s *session, args [][]byte, out reply.Sink) {
	withFlags := strings.EqualFold(string(args[1]), "getkeysandflags")
	request := args[2:]
	spec, found := s.srv.commands.table.Lookup(request)
	if found != command.Found {
		out.Error("ERR Invalid command specified")
		return
	}
	refs, err := spec.AppendKeyRefs(nil, request)
	if err != nil {
		out.Error("ERR " + err.Error())
		return
	}
	out.Array(len(refs))
	for _, ref := range refs {
		if withFlags {
			out.Array(2)
		}
		out.Bulk(request[ref.Index])
		if withFlags {
			writeWords(out, ref.Flags.Words())
		}
	}
}

// specFilter says which commands COMMAND LIST lists.
type specFilter func(spec *command.Spec) bool

var errFilter = errors.New("no such filter")

func parseFilter(args [][]byte) (specFilter, error) {
	if len(args) == 0 {
		return func(*command.Spec) bool { return true }, nil
	}
	if len(args) != 3 || !strings.EqualFold(string(args[0]), "filterby") {
		return nil, errFilter
	}
	switch strings.ToLower(string(args[1])) {
	case "module":
		return func(*command.Spec) bool { return false }, nil
	case "aclcat":
		category, ok := command.Category(string(args[2]))
		return func(spec *command.Spec) bool { return ok && spec.AllCategories()&category != 0 }, nil
	case "pattern":
		return func(spec *command.Spec) bool { return glob.MatchFold(args[2], []byte(spec.FullName())) }, nil
	}
	return nil, errFilter
}

func commandList(s *session, args [][]byte, out reply.Sink) {
	keep, err := parseFilter(args[2:])
	if err != nil {
		out.Error(errSyntax)
		return
	}
	var names []string
	for _, e := range s.srv.commands.all {
		if keep(e.spec) {
			names = append(names, e.name)
		}
	}
	out.Array(len(names))
	for _, name := range names {
		out.Text(name)
	}
}
