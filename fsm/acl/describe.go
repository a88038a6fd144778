package acl

import (
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
)

// Flags are the user's switches, as ACL GETUSER shows them.
func (u *User) Flags() []string {
	flags := []string{"off"}
	if u.enabled {
		flags[0] = "on"
	}
	if u.open {
		flags = append(flags, "nopass")
	}
	switch u.sanitize {
	case sanitizeSkip:
		flags = append(flags, "skip-sanitize-payload")
	case sanitizeAlways:
		flags = append(flags, "sanitize-payload")
	}
	return flags
}

// Passwords are the hashes of the user's passwords. Callers must not change the slice.
func (u *User) Passwords() []string { return u.passwords }

// A Selector is what ACL GETUSER shows of one.
type Selector struct{ Commands, Keys, Channels string }

// Selectors describes the user's selectors, the root first, as ACL GETUSER does.
func (u *User) Selectors(table *command.Table) []Selector {
	var list []Selector
	for i := range u.selectors {
		s := &u.selectors[i]
		d := Selector{Commands: strings.Join(s.describeCommands(table), " "), Keys: "~*", Channels: "&*"}
		if !s.allKeys {
			d.Keys = strings.Join(s.keyWords(pattern.String), " ")
		}
		if !s.allChannels {
			d.Channels = strings.Join(s.channelWords(), " ")
		}
		list = append(list, d)
	}
	return list
}

// Describe is the user as ACL LIST shows it, without its name.
func (u *User) Describe(table *command.Table) string {
	return u.describe(table, style{key: pattern.String, inner: func(word string) string { return word }})
}

// line is the user as a line of an ACL file. Unlike what ACL LIST shows it is never misread: quotes and parentheses
// have a meaning in a selector, and a pattern that is a star means something else by itself.
func (u *User) line(table *command.Table) string {
	return "user " + u.name + " " + u.describe(table, style{key: pattern.word, inner: quoted})
}

// quoted is a word as command.SplitLine gives it back.
func quoted(word string) string {
	if !strings.ContainsAny(word, `"'()`) {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}

// style is how a description is written.
type style struct {
	key   func(pattern) string
	inner func(word string) string // a word of a selector in parentheses
}

func (u *User) describe(table *command.Table, how style) string {
	words := u.Flags()
	for _, p := range u.passwords {
		words = append(words, "#"+p)
	}
	words = append(words, u.selectors[0].describe(table, how)...)
	for i := range u.selectors[1:] {
		inner := u.selectors[i+1].describe(table, how)
		for i, w := range inner {
			inner[i] = how.inner(w)
		}
		words = append(words, "("+strings.Join(inner, " ")+")")
	}
	return strings.Join(words, " ")
}

func (s *selector) describe(table *command.Table, how style) []string {
	var words []string
	if s.allKeys {
		words = append(words, "~*")
	} else {
		words = append(words, s.keyWords(how.key)...)
	}
	if s.allChannels {
		words = append(words, "&*")
	} else {
		words = append(append(words, "resetchannels"), s.channelWords()...)
	}
	return append(words, s.describeCommands(table)...)
}

func (s *selector) keyWords(word func(pattern) string) []string {
	var words []string
	for _, p := range s.keys {
		words = append(words, word(p))
	}
	return words
}

func (s *selector) channelWords() []string {
	var words []string
	for _, c := range s.channels {
		words = append(words, "&"+c)
	}
	return words
}

// describeCommands sums up which of the commands there are may run, as Redis does: from all of them
// or none on, by the categories that fit best, then one by one. The first rule says what becomes of
// commands that do not exist yet.
func (s *selector) describeCommands(table *command.Table) []string {
	sum := newSummary(table, s)
	words := []string{"-@all"}
	if sum.base {
		words[0] = "+@all"
	}
	for {
		c, ok := sum.bestCategory()
		if !ok {
			break
		}
		sum.takeCategory(c)
		words = append(words, sign(!sum.base)+"@"+c.Words()[0])
	}
	for i := range sum.specs {
		if spec := sum.specs[i].spec; spec.Parent() == nil {
			words = sum.single(words, s, i)
		}
	}
	return words
}

func sign(allow bool) string {
	if allow {
		return "+"
	}
	return "-"
}

// A summary is a selector's description as it grows.
type summary struct {
	base    bool // whether it begins with all commands
	specs   []summed
	applied command.Categories
}

// summed is one command of a summary. Containers stand before their subcommands.
type summed struct {
	spec       *command.Spec
	categories command.Categories
	subs       int  // how many subcommands follow
	allowed    bool // what has to be described
	left       bool // the same, without what a category has told already
	told       bool // what the words so far say
}

func newSummary(table *command.Table, s *selector) *summary {
	sum := &summary{base: s.commands[0].allow}
	add := func(spec *command.Spec) {
		allowed := s.allows(spec, nil)
		sum.specs = append(sum.specs, summed{spec: spec, categories: spec.AllCategories(), subs: len(spec.Sub),
			allowed: allowed, left: allowed, told: sum.base})
	}
	for _, spec := range table.Public() {
		add(spec)
		for _, sub := range spec.Sub {
			add(sub)
		}
	}
	return sum
}

// bestCategory is the category that has more commands in common with the selector than not: the one
// with the fewest that it has not, and of several the one with the most in common.
func (sum *summary) bestCategory() (best command.Categories, ok bool) {
	leastOff, mostOn := 0, 0
	for c := command.Categories(1); c <= command.AnyCategory; c <<= 1 {
		if sum.applied&c != 0 {
			continue
		}
		on, off := 0, 0
		for i := range sum.specs {
			switch e := &sum.specs[i]; {
			case e.categories&c == 0:
			case e.left != sum.base:
				on++
			default:
				off++
			}
		}
		if on > off && (!ok || off < leastOff || off == leastOff && on > mostOn) {
			best, leastOff, mostOn, ok = c, off, on, true
		}
	}
	return best, ok
}

// takeCategory takes note that the description says a category.
func (sum *summary) takeCategory(c command.Categories) {
	sum.applied |= c
	for i := range sum.specs {
		if sum.specs[i].categories&c == 0 {
			continue
		}
		for j := i; j <= i+sum.specs[i].subs; j++ {
			sum.specs[j].left, sum.specs[j].told = sum.base, !sum.base
		}
	}
}

// single adds what the words so far do not say of the i-th command and its subcommands.
func (sum *summary) single(words []string, s *selector, i int) []string {
	e := &sum.specs[i]
	if e.told != e.allowed {
		words = append(words, sign(e.allowed)+e.spec.FullName())
		for j := i; j <= i+e.subs; j++ {
			sum.specs[j].told = e.allowed
		}
	}
	for j := i + 1; j <= i+e.subs; j++ {
		words = sum.single(words, s, j)
	}
	if !e.allowed {
		for _, arg := range s.firstArguments(e.spec) {
			words = append(words, "+"+e.spec.FullName()+"|"+arg)
		}
	}
	return words
}
