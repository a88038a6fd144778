package acl

import (
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
)

// Set returns the user as the arguments of an ACL SETUSER make it, all of them or none, and the words
// that say the same. Names of commands and categories are looked up in table; channels is
// acl-pubsub-default. The error is in the words of ACL SETUSER.
func (u *User) Set(args []string, table *command.Table, channels bool) (next *User, words []string, err error) {
	modifiers, err := merge(args)
	if err != nil {
		return nil, nil, err
	}
	next = u.clone()
	for _, m := range modifiers {
		more, err := next.setOne(m, table, channels)
		if err != nil {
			return nil, nil, &ModifierError{m, err}
		}
		words = append(words, more...)
	}
	next.derive()
	return next, words, nil
}

// setOne makes the change that one modifier stands for, on a user nobody else has.
func (u *User) setOne(modifier string, table *command.Table, channels bool) ([]string, error) {
	words, err := translate(modifier, table)
	if err == nil && len(words) > 0 {
		_, err = u.applyNext(words, channels)
	}
	return words, err
}

// merge makes one modifier of each selector whose words stand in several arguments.
func merge(args []string) ([]string, error) {
	var merged []string
	open, selector, start := false, "", ""
	for _, a := range args {
		ends := strings.HasSuffix(a, ")")
		switch {
		case strings.HasPrefix(a, "(") && !ends:
			open, selector, start = true, a, a
		case !open:
			merged = append(merged, a)
		default:
			if selector += " " + a; ends {
				merged, open = append(merged, selector), false
			}
		}
	}
	if open {
		return nil, &UnmatchedError{start}
	}
	return merged, nil
}

// translate reads a modifier as a caller wrote it. An empty one stands for nothing.
func translate(modifier string, table *command.Table) ([]string, error) {
	switch {
	case modifier == "":
		return nil, nil
	case modifier[0] == '>':
		return []string{"#" + Hash([]byte(modifier[1:]))}, nil
	case modifier[0] == '<':
		return []string{"!" + Hash([]byte(modifier[1:]))}, nil
	case modifier[0] != '(' || !strings.HasSuffix(modifier, ")"):
		word, err := translateWord(modifier, table)
		return []string{word}, err
	}
	words := []string{"("}
	inner, _ := command.SplitLine([]byte(modifier[1 : len(modifier)-1])) // what has no end allows nothing
	for _, w := range inner {
		word := string(w)
		if word == "" || strings.ContainsRune("#!()", rune(word[0])) || isSwitch(word) {
			return nil, errSyntax
		}
		word, err := translateWord(word, table)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	return append(words, ")"), nil
}

// isSwitch reports whether a word is about the user and has no place in a selector.
func isSwitch(word string) bool {
	switch strings.ToLower(word) {
	case "on", "off", "skip-sanitize-payload", "sanitize-payload", "nopass", "resetpass", "clearselectors", "reset":
		return true
	}
	return false
}

// translateWord puts a word into the form that it is kept in.
func translateWord(word string, table *command.Table) (string, error) {
	switch word[0] {
	case '+', '-':
		if len(word) > 1 && word[1] == '@' {
			return translateCategory(word)
		}
		return translateCommand(word, table)
	case '#', '!', '~', '%', '&', '(', ')':
		return word, nil
	}
	return strings.ToLower(word), nil
}

func translateCategory(word string) (string, error) {
	low := strings.ToLower(word)
	if _, ok := command.Category(low[2:]); !ok && low[1:] != all {
		return "", errUnknown
	}
	return low, nil
}

// translateCommand looks up a command, a subcommand, or a command with a first argument.
func translateCommand(word string, table *command.Table) (string, error) {
	sign, name := word[:1], word[1:]
	at := strings.LastIndexByte(name, '|')
	if sign == "-" || at < 0 {
		if spec := public(table, name); spec != nil {
			return sign + spec.FullName(), nil
		}
		return "", errUnknown
	}
	spec, arg := public(table, name[:at]), name[at+1:]
	switch {
	case spec == nil:
		return "", errUnknown
	case spec.Parent() != nil:
		return "", errNested
	case arg == "":
		return "", errSyntax
	case !spec.Container():
		return sign + spec.Name + "|" + arg, nil
	}
	if spec = public(table, name); spec == nil {
		return "", errUnknown
	}
	return sign + spec.FullName(), nil
}

// public finds a command that clients may know of.
func public(table *command.Table, name string) *command.Spec {
	spec := table.Named(name)
	if spec == nil || spec.Is(command.Internal) || strings.Count(name, "|") > 1 {
		return nil
	}
	return spec
}
