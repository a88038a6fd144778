package command

import (
	"errors"
	"fmt"
)

// check refuses a declaration that contradicts itself. d is what was derived from it.
func (s *Spec) check(d *derived) error {
	if err := s.checkText(); err != nil {
		return err
	}
	if s.Container() {
		switch {
		case d.parent != nil:
			return errors.New("a subcommand has no subcommands")
		case s.Usage != "" || len(s.Keys) > 0:
			return errors.New("a container has neither Usage nor Keys")
		}
		return nil
	}
	if s.Handler == nil {
		return errors.New("no Handler, and no Sub")
	}
	if s.Is(Write | ReadOnly) {
		return errors.New("both Write and ReadOnly")
	}
	if err := s.Channels.check(d); err != nil {
		return err
	}
	for i := range s.Keys {
		if err := s.Keys[i].check(d); err != nil {
			return fmt.Errorf("key spec %d: %w", i, err)
		}
	}
	return s.checkKeyArguments(d)
}

// checkText refuses bad names and, of what clients may see, missing texts.
func (s *Spec) checkText() error {
	if s.Name == "" || len(s.Name) > maxName {
		return errors.New("a name has 1 to 64 bytes")
	}
	for _, c := range []byte(s.Name) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return fmt.Errorf("%q in a name", c)
		}
	}
	if s.Is(Internal) {
		return nil
	}
	if _, ok := groupCategory(s.Group); !ok {
		return fmt.Errorf("no such group: %q", s.Group)
	}
	if s.Summary == "" || s.Since == "" {
		return errors.New("Summary and Since are missing")
	}
	return nil
}

// check refuses a key spec that points where the usage line has no argument.
func (k *KeySpec) check(d *derived) error {
	if k.Flags&NotKey == 0 {
		if use := k.Flags & (RO | RW | OW | RM); use == 0 || use&(use-1) != 0 {
			return errors.New("exactly one of RO, RW, OW and RM")
		}
	}
	_, most := sequenceWords(d.args)
	words := 1
	if d.parent != nil {
		words = 2
	}
	switch k.Begin.Kind {
	case BeginIndex:
		if k.Begin.Index < words || most != unbounded && k.Begin.Index >= words+most {
			return fmt.Errorf("no argument has index %d", k.Begin.Index)
		}
	case BeginKeyword:
		if k.Begin.Keyword == "" || !isToken(k.Begin.Keyword) {
			return fmt.Errorf("a keyword is in upper case: %q", k.Begin.Keyword)
		}
		if !hasToken(d.args, k.Begin.Keyword) {
			return fmt.Errorf("the usage line has no %s", k.Begin.Keyword)
		}
		if k.Begin.From >= 0 && k.Begin.From < words {
			return fmt.Errorf("a keyword cannot stand at %d", k.Begin.From)
		}
	default:
		return nil
	}
	return k.Find.check(k.Begin, words, most)
}

// check refuses a way of finding keys that leads out of the arguments or never ends.
func (f *FindKeys) check(b BeginSearch, words, most int) error {
	if f.Kind == FindUnknown {
		return nil
	}
	if f.Step < 1 {
		return errors.New("keys run backwards, or on the spot")
	}
	if f.Kind == FindKeyNum {
		if f.NumIndex < 0 || f.First <= f.NumIndex {
			return errors.New("the keys do not follow their number")
		}
		return nil
	}
	if b.Kind == BeginIndex && f.Last >= 0 && most != unbounded && b.Index+f.Last >= words+most {
		return fmt.Errorf("no argument has index %d", b.Index+f.Last)
	}
	return nil
}

// checkKeyArguments refuses a declaration whose usage line shows keys that no spec finds, or
// whose specs find keys that the usage line does not show.
func (s *Spec) checkKeyArguments(d *derived) error {
	var err error
	keys, found := 0, 0
	walk(d.args, "", func(a *Argument, _ string) {
		if a.Type != Key {
			return
		}
		keys++
		if a.KeySpec < 0 && err == nil {
			err = fmt.Errorf("%s is a key, and no key spec finds it (write %s:string if it is none)", a.Display, a.Display)
		}
	})
	for i := range s.Keys {
		if s.Keys[i].Flags&NotKey == 0 {
			found++
		}
	}
	if err == nil && found > 0 && keys == 0 {
		err = errors.New("there are key specs, and the usage line shows no key")
	}
	return err
}

// hasToken reports whether the token is one of the arguments', at any depth.
func hasToken(args []*Argument, token string) bool {
	found := false
	walk(args, "", func(a *Argument, _ string) {
		found = found || a.HasToken() && a.Token == token
	})
	return found
}
