package command

import (
	"fmt"
	"sort"
)

// maxName is the length of the longest name a command or a subcommand may have, in bytes.
const maxName = 64

// Table finds commands by name. It is immutable and safe for concurrent use.
type Table struct {
	byName map[string]*Spec
	all    []*Spec
	public []*Spec
}

// Result says what a look-up came to.
type Result uint8

const (
	// Unknown: there is no such command.
	Unknown Result = iota
	// Found: the command, the subcommand of a container, or a container that can do without.
	Found
	// UnknownSub: the container has no such subcommand.
	UnknownSub
	// MissingSub: the container was named alone, and means nothing by itself.
	MissingSub
)

// NewTable completes the declarations and makes a table of them. It refuses declarations that
// contradict themselves or each other; the error names the command. A Spec may be in several
// tables; the first one completes it, so they must not be made at the same time.
func NewTable(specs ...*Spec) (*Table, error) {
	t := &Table{byName: make(map[string]*Spec, len(specs))}
	for _, s := range specs {
		if err := s.complete(nil); err != nil {
			return nil, err
		}
		if t.byName[s.Name] != nil {
			return nil, fmt.Errorf("command %q: declared twice", s.Name)
		}
		t.byName[s.Name] = s
		t.all = append(t.all, s)
	}
	sort.SliceStable(t.all, func(i, j int) bool { return t.all[i].Name < t.all[j].Name })
	for _, s := range t.all {
		if !s.Is(Internal) {
			t.public = append(t.public, s)
		}
	}
	return t, nil
}

// complete checks a declaration and computes what follows from it, its subcommands included.
func (s *Spec) complete(parent *Spec) error {
	if s.done != nil {
		if s.done.parent != parent {
			return fmt.Errorf("command %q: declared in two places", s.done.full)
		}
		return nil
	}
	if s.Group == "" && parent != nil {
		s.Group = parent.Group
	}
	d, err := s.compute(parent)
	if err == nil {
		err = s.check(d)
	}
	if err != nil {
		return fmt.Errorf("command %q: %w", d.full, err)
	}
	if s.Container() {
		d.subs = make(map[string]*Spec, len(s.Sub))
	}
	for _, sub := range s.Sub {
		if err := sub.complete(s); err != nil {
			return err
		}
		if d.subs[sub.Name] != nil {
			return fmt.Errorf("command %q: declared twice", sub.done.full)
		}
		d.subs[sub.Name] = sub
	}
	s.done = d
	return nil
}

// Lookup finds the command of a request by its first argument, and within a container by its
// second. Of UnknownSub and MissingSub it returns the container. It does not look at the arity,
// allocates nothing, and takes names in any mix of cases.
func (t *Table) Lookup(args [][]byte) (*Spec, Result) {
	if len(args) == 0 {
		return nil, Unknown
	}
	var buf [maxName]byte
	name, ok := lower(&buf, args[0])
	if !ok {
		return nil, Unknown
	}
	s := t.byName[string(name)]
	switch {
	case s == nil:
		return nil, Unknown
	case !s.Container():
		return s, Found
	case len(args) == 1 && s.Handler == nil:
		return s, MissingSub
	case len(args) == 1:
		return s, Found
	}
	if name, ok = lower(&buf, args[1]); ok {
		if sub := s.done.subs[string(name)]; sub != nil {
			return sub, Found
		}
	}
	return s, UnknownSub
}

// Named finds a command by its full name, such as "config|get", in any mix of cases: what
// COMMAND INFO and ACL rules refer to. Containers are found by their own name; nil means that
// there is no such command.
func (t *Table) Named(full string) *Spec {
	name, sub := []byte(full), []byte(nil)
	for i, c := range name {
		if c == '|' {
			name, sub = name[:i], name[i+1:]
			break
		}
	}
	var buf [maxName]byte
	low, ok := lower(&buf, name)
	if !ok {
		return nil
	}
	s := t.byName[string(low)]
	if s == nil || sub == nil {
		return s
	}
	if low, ok = lower(&buf, sub); !ok {
		return nil
	}
	return s.done.subs[string(low)]
}

// All is every command and container, internal ones included, in the order of their names.
// Subcommands are in the Sub of their containers. The slice is shared: callers must not change
// it.
func (t *Table) All() []*Spec { return t.all }

// Public is All without the internal commands: what clients may know about.
func (t *Table) Public() []*Spec { return t.public }

// Count is the number of public commands, containers counted once: COMMAND COUNT.
func (t *Table) Count() int { return len(t.public) }
