package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/redraftdb/redraft/server"
)

// subcommand is a first word that makes redraft something else than a node.
type subcommand struct {
	name, usage, help string
	run               func(args []string) error
}

func subcommands() []subcommand {
	return []subcommand{
		{"dev", "[--nodes 3] [--port 7001] [--dir redraft-dev] [-- flags for every node]",
			"run a cluster on this machine in the foreground; Ctrl-C stops it", dev},
		{"ping", "[--host 127.0.0.1] [--port 6379]",
			"exit with 0 if a node runs: it answers, and belongs to a cluster", ping},
		{"check", "FILE…", "read snapshot files to their ends and say whether they are whole", check},
		{"help", "", "print this", func([]string) error { fmt.Print(helpText()); return nil }},
	}
}

const helpWidth = 100 // columns

// helpText is all there is to know about the command line, from the table of parameters.
func helpText() string {
	w := new(strings.Builder)
	w.WriteString(`redraft is a replicated database that speaks Redis' protocol.

  redraft [file] [flags]    run a node; file has the syntax of redis.conf, flags win over it
`)
	for _, s := range subcommands() {
		fmt.Fprintf(w, "  redraft %s\n", strings.TrimSpace(s.name+" "+s.usage))
		wrap(w, 8, s.help)
	}
	fmt.Fprintln(w, "\nFlags:")
	o := &options{config: server.NewConfig()}
	flags, _, _ := newFlags(o)
	for _, name := range []string{"help", "version", "check-config", "pprof", "cluster-secret-file"} {
		value, usage := pflag.UnquoteUsage(flags.Lookup(name))
		fmt.Fprintln(w, strings.TrimRight("  --"+name+" "+value, " "))
		wrap(w, 8, usage)
	}
	fmt.Fprintln(w, "\nParameters, as flags or as lines of the file without the dashes:")
	group := ""
	for _, p := range o.config.Parameters() {
		if p.Group != group {
			group = p.Group
			fmt.Fprintf(w, "\n%s\n", group)
		}
		printParameter(w, p)
	}
	return w.String()
}

// printParameter writes one parameter: name, value, what it is, default.
func printParameter(w *strings.Builder, p *server.Parameter) {
	if p.Only != nil {
		fmt.Fprintf(w, "  --%s %s\n", p.Name, strings.Join(p.Only, "|"))
		wrap(w, 8, p.Help)
		return
	}
	usage, help := p.Usage, p.Help
	switch {
	case p.Kind == server.Bool:
		usage = "yes|no"
	case p.Kind == server.Enum:
		usage = strings.Join(p.Values, "|")
		if len(usage) > helpWidth-len(p.Name) {
			usage, help = "word", help+": "+strings.Join(p.Values, ", ")
		}
	case usage == "" && p.Kind == server.Memory:
		usage = "bytes"
	case usage == "" && p.Kind == server.Int:
		usage = "number"
	case usage == "":
		usage = "text"
	}
	fmt.Fprintf(w, "  --%s %s\n", p.Name, usage)
	if p.Default != "" {
		help += " (default " + p.Default + ")"
	}
	if other := p.Aliases; len(other) > 0 {
		help += " (also " + strings.Join(other, ", ") + ")"
	}
	wrap(w, 8, help)
}

// wrap writes text in lines of at most helpWidth columns, indented.
func wrap(w *strings.Builder, indent int, text string) {
	line := strings.Repeat(" ", indent-1)
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > helpWidth {
			fmt.Fprintln(w, line)
			line = strings.Repeat(" ", indent-1)
		}
		line += " " + word
	}
	fmt.Fprintln(w, line)
}
