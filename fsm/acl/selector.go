package acl

import (
	"slices"
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
)

// A selector is permissions that stand together.
type selector struct {
	allKeys, allChannels bool
	keys                 []pattern // none if allKeys
	channels             []string  // none if allChannels
	commands             []rule    // the first is about all commands, the others narrow it down
}

// A pattern is of keys, with what may be done to them.
type pattern struct {
	text        string
	read, write bool
}

// all is the name of the category that every command is in, those of later versions included.
const all = "@all"

// A rule is about one command, one subcommand, a container with all of its subcommands, a category
// with the subcommands of its containers, a command with one first argument, or all commands.
type rule struct {
	allow    bool
	name     string             // "get", "config|get", "@read"; "select|0" for a first argument
	category command.Categories // of a name with an @; 0 if this version does not have it
}

func newSelector(channels bool) selector {
	return selector{allChannels: channels, commands: []rule{{name: all}}}
}

func (s *selector) clone() selector {
	c := *s
	c.keys, c.channels, c.commands = slices.Clone(s.keys), slices.Clone(s.channels), slices.Clone(s.commands)
	return c
}

// apply makes the change that one word stands for.
func (s *selector) apply(word string) error {
	switch word {
	case "allkeys", "~*":
		s.allKeys, s.keys = true, nil
	case "resetkeys":
		s.allKeys, s.keys = false, nil
	case "allchannels", "&*":
		s.allChannels, s.channels = true, nil
	case "resetchannels":
		s.allChannels, s.channels = false, nil
	case "allcommands":
		s.addCommand(rule{allow: true, name: all})
	case "nocommands":
		s.addCommand(rule{name: all})
	default:
		switch word[0] {
		case '~', '%':
			return s.addKeys(word)
		case '&':
			return s.addChannels(word[1:])
		case '+', '-':
			return s.addNamed(word[0] == '+', word[1:])
		}
		return errSyntax
	}
	return nil
}

func (s *selector) addKeys(word string) error {
	p, ok := parsePattern(word)
	switch {
	case s.allKeys:
		return errAfterAllKeys
	case !ok:
		return errSyntax
	}
	for i := range s.keys {
		if k := &s.keys[i]; k.text == p.text {
			k.read, k.write = k.read || p.read, k.write || p.write
			return nil
		}
	}
	s.keys = append(s.keys, p)
	return nil
}

// parsePattern reads ~pattern, %R~pattern, %W~pattern or %RW~pattern. As in Redis the tilde may be
// missing where nothing follows it.
func parsePattern(word string) (p pattern, ok bool) {
	if text, both := strings.CutPrefix(word, "~"); both {
		return pattern{text, true, true}, !hasSpace(text)
	}
	access, text, _ := strings.Cut(word[1:], "~")
	for _, c := range access {
		switch {
		case (c == 'R' || c == 'r') && !p.read:
			p.read = true
		case (c == 'W' || c == 'w') && !p.write:
			p.write = true
		default:
			return p, false
		}
	}
	p.text = text
	return p, (p.read || p.write) && !hasSpace(text)
}

// word is what adds the pattern. Its shortest form would mean something else for "*" with both
// accesses: that the pattern is the only one.
func (p pattern) word() string {
	if p.read && p.write && p.text == "*" {
		return "%RW~*"
	}
	return p.String()
}

// String is how Redis shows the pattern.
func (p pattern) String() string {
	switch {
	case p.read && p.write:
		return "~" + p.text
	case p.read:
		return "%R~" + p.text
	}
	return "%W~" + p.text
}

func (s *selector) addChannels(text string) error {
	switch {
	case s.allChannels:
		return errAfterAllChannels
	case hasSpace(text):
		return errSyntax
	case !slices.Contains(s.channels, text):
		s.channels = append(s.channels, text)
	}
	return nil
}

// addNamed adds a rule about the command or the category of a name.
func (s *selector) addNamed(allow bool, name string) error {
	r := rule{allow: allow, name: name}
	if category, ok := strings.CutPrefix(name, "@"); ok {
		r.category, _ = command.Category(category)
	}
	if name == "" || name == "@" {
		return errUnknown
	}
	s.addCommand(r)
	return nil
}

// addCommand puts a rule behind the others and takes those away that it overrides.
func (s *selector) addCommand(r rule) {
	if r.name == all {
		s.commands = []rule{r}
		return
	}
	meets := func(later rule) bool { return later.isCategory() || r.overrides(later) }
	if i := slices.IndexFunc(s.commands, r.same); i >= 0 && !r.isCategory() && !slices.ContainsFunc(s.commands[i+1:], meets) {
		return // nothing since then has been about the same commands; first arguments keep their order
	}
	s.commands = append(slices.DeleteFunc(s.commands, r.overrides), r)
}

func (r rule) isCategory() bool { return r.name[0] == '@' }

// same reports whether another rule says the same. First arguments are the same in any case.
func (r rule) same(other rule) bool {
	return r.allow == other.allow && strings.EqualFold(r.name, other.name)
}

// overrides reports whether nothing of another, earlier rule is left after this one.
func (r rule) overrides(other rule) bool {
	below := len(other.name) > len(r.name) && other.name[len(r.name)] == '|' && other.name[:len(r.name)] == r.name
	return other.name != all && (strings.EqualFold(other.name, r.name) || below)
}

// covers reports whether the rule is about a command, whatever its arguments. What it says of a
// container it says of the subcommands.
func (r *rule) covers(spec *command.Spec) bool {
	parent := spec.Parent()
	switch {
	case r.name == all:
		return true
	case r.isCategory():
		return (spec.AllCategories()|parentCategories(parent))&r.category != 0
	case parent != nil && r.name == parent.Name:
		return true
	}
	return r.name == spec.FullName()
}

func parentCategories(parent *command.Spec) command.Categories {
	if parent == nil {
		return 0
	}
	return parent.AllCategories()
}

// firstArgument is the only first argument with which the rule allows a command, if it is a rule of
// that kind and about this command.
func (r *rule) firstArgument(spec *command.Spec) (arg string, ok bool) {
	name, arg, ok := strings.Cut(r.name, "|")
	return arg, ok && name == spec.Name && spec.Parent() == nil && !spec.Container()
}

// allows reports whether a command may run: args tell its first argument, if there is one.
func (s *selector) allows(spec *command.Spec, args [][]byte) bool {
	for i := len(s.commands) - 1; i >= 0; i-- {
		r := &s.commands[i]
		if r.covers(spec) {
			return r.allow
		}
		if arg, ok := r.firstArgument(spec); ok && len(args) > 1 && strings.EqualFold(string(args[1]), arg) {
			return true
		}
	}
	return false
}

// firstArguments are those with which a command that is not allowed may run.
func (s *selector) firstArguments(spec *command.Spec) []string {
	var list []string
	for i := len(s.commands) - 1; i >= 0 && !s.commands[i].covers(spec); i-- {
		if arg, ok := s.commands[i].firstArgument(spec); ok {
			list = append(list, arg)
		}
	}
	slices.Reverse(list)
	return list
}
