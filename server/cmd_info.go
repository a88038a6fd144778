package server

import (
	"slices"
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func infoCommands() []*command.Spec {
	return []*command.Spec{
		{Name: "info", Usage: "[section [section ...]]", Summary: "Get information and statistics about the server", Since: "1.0.0", Group: "server",
			Complexity: "O(1)", Flags: command.Loading | command.Stale, Categories: command.CatDangerous,
			Tips:    []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
			Handler: handler(infoCommand)},
	}
}

// infoField is a line of INFO: a name, and what it is now.
type infoField struct {
	name  string
	value func(v *view) string
}

// infoSection is a part of INFO: a fixed row of fields, or lines that depend on what there is.
type infoSection struct {
	title  string
	fields []infoField
	lines  func(v *view, line func(name, value string))
	extra  bool // shown by "all" and "everything" only
}

// infoSections lists the sections in the order of the answer.
func infoSections() []infoSection {
	return []infoSection{
		{title: "Server", fields: serverFields()},
		{title: "Clients", fields: clientFields()},
		{title: "Memory", fields: memoryFields()},
		{title: "Persistence", fields: persistenceFields()},
		{title: "Stats", fields: statsFields()},
		{title: "Replication", lines: replicationLines},
		{title: "CPU", fields: cpuFields()},
		{title: "Modules"},
		{title: "Commandstats", lines: commandstatsLines, extra: true},
		{title: "Errorstats", lines: errorstatsLines},
		{title: "Latencystats", lines: latencystatsLines, extra: true},
		{title: "Cluster", fields: []infoField{{"cluster_enabled", func(*view) string { return "0" }}}},
		{title: "Keyspace", lines: keyspaceLines},
		{title: "Raft", fields: raftFields()},
	}
}

// wantedSections reads INFO's arguments: which sections by name, and whether "default" or "all" was
// among them.
func wantedSections(args [][]byte) (names []string, usual, all bool) {
	for _, a := range args {
		switch name := strings.ToLower(string(a)); name {
		case "default":
			usual = true
		case "all", "everything":
			all = true
		default:
			names = append(names, name)
		}
	}
	return names, usual || len(args) == 0, all
}

func infoCommand(s *session, args [][]byte, out reply.Sink) {
	names, usual, all := wantedSections(args[1:])
	v := s.srv.view()
	var b strings.Builder
	for _, section := range infoSections() {
		if !(all || usual && !section.extra || slices.Contains(names, strings.ToLower(section.title))) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		section.write(&b, v)
	}
	out.Verbatim("txt", b.String())
}

func (section *infoSection) write(b *strings.Builder, v *view) {
	line := func(name, value string) {
		b.WriteString(name)
		b.WriteByte(':')
		b.WriteString(value)
		b.WriteString("\r\n")
	}
	b.WriteString("# " + section.title + "\r\n")
	for _, f := range section.fields {
		line(f.name, f.value(v))
	}
	if section.lines != nil {
		section.lines(v, line)
	}
}
