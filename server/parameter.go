package server

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/fsm"
)

// Kind says how a parameter's value is written and checked.
type Kind int

// The kinds of parameters.
const (
	String Kind = iota // any text
	Bool               // yes or no
	Int                // a decimal integer between Min and Max
	Memory             // bytes: an integer with an optional unit, kb, mb, gb (of 1024) or k, m, g (of 1000)
	Enum               // one of Values
	Octal              // file permissions
)

// A Parameter is one setting of the server: a directive of the configuration file, a flag of the
// command line and a name of CONFIG GET and SET, all three from this one description.
type Parameter struct {
	Name     string
	Group    string   // the heading that help and documentation have it under
	Aliases  []string // other names, which CONFIG GET shows as well
	Phrase   bool     // under an alias the value may be several words: replicaof host port
	Kind     Kind
	Default  string
	Min, Max int64    // bounds of an Int or a Memory
	Values   []string // of an Enum
	// Only, if set, lists the values that are true of this server; any other is refused with
	// Because. It is how a parameter of Redis whose effect redraft does not have, or always
	// has, stays readable without a lie.
	Only    []string
	Because string
	// Immutable parameters are set by file and flags and not by CONFIG SET.
	Immutable bool
	// Replicated parameters belong to the cluster: CONFIG SET proposes an entry, and file and flags
	// only seed an empty cluster.
	Replicated bool
	// Secret parameters are never shown: CONFIG GET does not know them.
	Secret bool
	// Lines says how a directive that stands in several lines of a file adds up: not at all (the
	// last wins), or each line after a space.
	Lines bool
	line  func(words [][]byte) string // of a directive each of whose lines stands by itself: the line that is kept
	// Parts says that a value sets some parts of the parameter and leaves the others as they are.
	Parts bool
	// Hidden parameters are shown by CONFIG GET only by their full name.
	Hidden bool
	// Sensitive parameters are left out of what MONITOR and the slow log show.
	Sensitive bool
	Usage     string // what the value is called in help: "port", "bytes"
	Help      string // one line

	check func(value string) (string, error) // after the kind's own check; may put the value into its canonical form
	apply func(s *Server, value string) error
	joint *joint
}

// A joint puts parameters into force that make sense only together. It runs once all that a file, flags or a
// CONFIG SET have to say of them is there, and changes nothing if it fails.
type joint struct{ apply func(s *Server) error }

// joints are those of parameters, each once.
func joints(parameters []*Parameter) []*joint {
	var list []*joint
	for _, p := range parameters {
		if p.joint != nil && !slices.Contains(list, p.joint) {
			list = append(list, p.joint)
		}
	}
	return list
}

var (
	errNotBool   = errors.New("argument must be 'yes' or 'no'")
	errNotInt    = errors.New("argument couldn't be parsed into an integer")
	errNotMemory = errors.New("argument must be a memory value")
	errNotOctal  = errors.New("argument couldn't be parsed as an octal number")
)

// Check gives the canonical form of a value of this parameter, or an error that says what is
// wrong with it, in Redis' words where Redis has some.
func (p *Parameter) Check(value string) (string, error) { return p.checkChange(p.Default, value) }

// checkChange is Check where the parameter has the value old so far.
func (p *Parameter) checkChange(old, value string) (string, error) {
	if p.Parts {
		value = old + " " + value
	}
	value, err := p.canonical(value)
	if err == nil && p.check != nil {
		value, err = p.check(value)
	}
	if err == nil && p.Only != nil && !slices.Contains(p.Only, value) {
		err = p.refusal()
	}
	return value, err
}

func (p *Parameter) refusal() error {
	return fmt.Errorf("only '%s' is true of this server: %s", strings.Join(p.Only, "' or '"), p.Because)
}

func (p *Parameter) canonical(value string) (string, error) {
	switch p.Kind {
	case Bool:
		v := strings.ToLower(value)
		if v != "yes" && v != "no" {
			return "", errNotBool
		}
		return v, nil
	case Int:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return "", errNotInt
		}
		return p.bounded(n)
	case Memory:
		n, ok := fsm.ParseMemory(value)
		if !ok {
			return "", errNotMemory
		}
		return p.bounded(n)
	case Enum:
		if v := strings.ToLower(value); slices.Contains(p.Values, v) {
			return v, nil
		}
		return "", fmt.Errorf("argument(s) must be one of the following: %s", strings.Join(p.Values, ", "))
	case Octal:
		n, err := strconv.ParseUint(value, 8, 32)
		if err != nil || n > 0o777 {
			return "", errNotOctal
		}
		return strconv.FormatUint(n, 8), nil
	}
	return value, nil
}

func (p *Parameter) bounded(n int64) (string, error) {
	if n < p.Min || n > p.Max {
		return "", fmt.Errorf("argument must be between %d and %d inclusive", p.Min, p.Max)
	}
	return strconv.FormatInt(n, 10), nil
}

// names are all the names by which CONFIG knows the parameter.
func (p *Parameter) names() []string { return append([]string{p.Name}, p.Aliases...) }
