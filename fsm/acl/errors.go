package acl

import (
	"errors"
	"strings"
)

// What is wrong with a rule, in Redis' words.
var (
	errUnknown = errors.New("Unknown command or category name in ACL")
	errSyntax  = errors.New("Syntax error")
	errHash    = errors.New("The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters")
	errNested  = errors.New("Allowing first-arg of a subcommand is not supported")

	// These depend on what the user is like so far.
	errAfterAllKeys = errors.New("Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have " +
		"any effect. Try 'resetkeys' to start with an empty list of patterns")
	errAfterAllChannels = errors.New("Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have " +
		"any effect. Try 'resetchannels' to start with an empty list of channels")
	errNoPassword = errors.New("The password you are trying to remove from the user does not exist")
)

// A ModifierError says which rule of an ACL SETUSER is wrong, and how.
type ModifierError struct {
	Modifier string // as it was written; a selector's words with spaces between them
	Err      error
}

func (e *ModifierError) Error() string {
	text, _, _ := strings.Cut(e.Modifier, "\x00") // as far as C prints it
	return "Error in ACL SETUSER modifier '" + text + "': " + e.Err.Error()
}

func (e *ModifierError) Unwrap() error { return e.Err }

// An UnmatchedError says that a selector's parenthesis is not closed.
type UnmatchedError struct{ Start string }

func (e *UnmatchedError) Error() string {
	return "Unmatched parenthesis in acl selector starting at '" + e.Start + "'."
}

// hasSpace reports whether text holds what C calls white space, or a NUL: names and patterns may not.
func hasSpace(text string) bool { return strings.ContainsAny(text, " \t\n\v\f\r\x00") }

// ValidName reports whether a user may have this name.
func ValidName(name string) bool { return !hasSpace(name) }
