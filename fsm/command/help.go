package command

import "strings"

// HelpSub is the HELP subcommand of a container. handler answers with Help of the container.
func HelpSub(since string, handler any) *Spec {
	return &Spec{
		Name:       "help",
		Summary:    "Show what the subcommands do",
		Since:      since,
		Complexity: "O(1)",
		Flags:      Loading | Stale,
		Handler:    handler,
	}
}

// Help is the text of a container's HELP subcommand, line by line, in the shape that Redis
// gives it: a heading, two lines for each subcommand in the order of its declaration, and HELP
// itself at the end. Deprecated and internal subcommands are left out.
func Help(container *Spec) []string {
	lines := []string{
		strings.ToUpper(container.Name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
	}
	for _, sub := range container.Sub {
		if sub.Name == "help" || sub.Deprecated != "" || sub.Is(Internal) {
			continue
		}
		line := strings.ToUpper(sub.Name)
		if usage := helpUsage(sub.Syntax()); usage != "" {
			line += " " + usage
		}
		lines = append(lines, line, "    "+strings.TrimSuffix(sub.Summary, ".")+".")
	}
	return append(lines, "HELP", "    Print this help.")
}

// helpUsage writes a usage line as HELP texts do: what the reader fills in stands in angle
// brackets.
func helpUsage(syntax string) string {
	var b strings.Builder
	for i, word := range strings.Split(syntax, " ") {
		if i > 0 {
			b.WriteByte(' ')
		}
		start := len(word) - len(strings.TrimLeft(word, "[<"))
		end := len(strings.TrimRight(word, "]>"))
		if start < end && word[start:end] != "|" && word[start:end] != "..." && !isToken(word[start:end]) {
			word = word[:start] + "<" + word[start:end] + ">" + word[end:]
		}
		b.WriteString(word)
	}
	return b.String()
}
