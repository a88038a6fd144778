package server

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
)

// commandPage is docs/commands.md.
func commandPage(t *testing.T) string {
	all, err := newCommands(fsm.Commands(), sessionCommands())
	if err != nil {
		t.Fatal(err)
	}
	specs := all.table.Public()
	slices.SortStableFunc(specs, func(a, b *command.Spec) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Name, b.Name))
	})
	var b strings.Builder
	b.WriteString(`# Commands

Every command that there is, with its arguments in the notation of Redis' documentation, the version of Redis that has
had it first, and where it is not what Redis 7.0.15 has. What goes for all commands is in [compatibility.md](compatibility.md).

This page is made from the table in the program: ` + "`go test ./server -run CommandPage -rewrite`" + `.
`)
	group := ""
	for _, s := range specs {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n## %s\n\n| Command | Since | What it does | Differs |\n|---|---|---|---|\n", group)
		}
		if !s.Container() || s.Differs != "" || s.Handler != nil {
			b.WriteString(commandRow(s))
		}
		for _, sub := range s.Sub {
			b.WriteString(commandRow(sub))
		}
	}
	return b.String()
}

func commandRow(s *command.Spec) string {
	line := strings.ToUpper(strings.ReplaceAll(s.FullName(), "|", " "))
	if s.Syntax() != "" {
		line += " " + s.Syntax()
	}
	about := strings.TrimSuffix(s.Summary, ".")
	if s.Deprecated != "" {
		about += ". Deprecated since " + s.Deprecated + ": use " + s.ReplacedBy
	}
	cell := strings.NewReplacer("|", `\|`).Replace
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", cell(line), s.Since, cell(about), cell(s.Differs))
}

// TestCommandPage holds that docs/commands.md is what the table makes.
func TestCommandPage(t *testing.T) {
	const path = "../docs/commands.md"
	if *rewrite {
		if err := os.WriteFile(path, []byte(commandPage(t)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != commandPage(t) {
		t.Errorf("%s is not what the table makes; run this test with -rewrite (%v)", path, err)
	}
}
