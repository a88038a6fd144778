package acl

import (
	"slices"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/glob"
)

// A Reason is what a user lacks for a command.
type Reason byte

// The reasons, the weaker ones first: of several selectors that refuse a command each for another
// reason, the last in this order is told.
const (
	Allowed Reason = iota
	Command        // the command
	Key            // one of its keys
	Channel        // one of its channels
)

// A Verdict says whether a user may run a command. The zero Verdict says yes.
type Verdict struct {
	Reason Reason
	Index  int // of the argument that is the key or channel
}

// Judge says whether the user may run a command with these arguments, of which the command's arity
// admits the number.
func (u *User) Judge(spec *command.Spec, args [][]byte) Verdict {
	if u.free {
		return Verdict{}
	}
	worst := Verdict{Reason: Command}
	a := access{spec: spec, args: args}
	for i := range u.selectors {
		v := u.selectors[i].judge(&a)
		if v.Reason == Allowed {
			return v
		}
		if v.Reason > worst.Reason || v.Reason == worst.Reason && v.Index > worst.Index {
			worst = v
		}
	}
	return worst
}

// access is an invocation as selectors judge it. Its keys are found once for all selectors.
type access struct {
	spec  *command.Spec
	args  [][]byte
	room  [8]command.KeyRef
	keys  []command.KeyRef
	found bool
}

// refs are the keys of the invocation. Arguments that make no sense have none: the command refuses
// them.
func (a *access) refs() []command.KeyRef {
	if !a.found {
		a.found = true
		a.keys, _ = a.spec.AppendKeyRefs(a.room[:0], a.args)
	}
	return a.keys
}

func (s *selector) judge(a *access) Verdict {
	if !a.spec.Is(command.NoAuth) && !s.allows(a.spec, a.args) {
		return Verdict{Reason: Command}
	}
	if !s.allKeys && a.spec.HasKeys() {
		for _, ref := range a.refs() {
			if !s.allowsKey(a.args[ref.Index], ref.Flags) {
				return Verdict{Key, ref.Index}
			}
		}
	}
	c := a.spec.Channels
	if s.allChannels || c.Flags&(command.ChannelPublish|command.ChannelSubscribe) == 0 {
		return Verdict{}
	}
	for i, channel := range c.Of(a.args) {
		if !s.allowsChannel(channel, c.Flags&command.ChannelPattern != 0) {
			return Verdict{Channel, c.First + i}
		}
	}
	return Verdict{}
}

// accesses are what the flags of a key come to.
func accesses(flags command.KeyFlags) (read, write bool) {
	return flags&command.Access != 0, flags&(command.Insert|command.Delete|command.Update) != 0
}

func (s *selector) allowsKey(key []byte, flags command.KeyFlags) bool {
	read, write := accesses(flags)
	return s.allKeys || slices.ContainsFunc(s.keys, func(p pattern) bool {
		return (p.read || !read) && (p.write || !write) && glob.Match([]byte(p.text), key)
	})
}

// allowsChannel reports whether a channel may be used. A pattern of channels is no channel: it must
// stand among the user's patterns as it is.
func (s *selector) allowsChannel(channel []byte, isPattern bool) bool {
	return s.allChannels || slices.ContainsFunc(s.channels, func(p string) bool {
		if isPattern {
			return p == string(channel)
		}
		return glob.Match([]byte(p), channel)
	})
}

// AllowsChannel reports whether the user may listen to a channel, or to a pattern of channels.
func (u *User) AllowsChannel(channel []byte, isPattern bool) bool {
	return slices.ContainsFunc(u.selectors, func(s selector) bool { return s.allowsChannel(channel, isPattern) })
}

// ReadsAll reports whether the user may run a command and, by the same permissions, read every key:
// what it takes for an invocation that reads keys whose names are not among its arguments
// ([command.Spec.Reaches]).
func (u *User) ReadsAll(spec *command.Spec, args [][]byte) bool {
	if u.free {
		return true
	}
	a := access{spec: spec, args: args}
	return slices.ContainsFunc(u.selectors, func(s selector) bool {
		readsAll := s.allKeys || slices.ContainsFunc(s.keys, func(p pattern) bool { return p.read && p.text == "*" })
		return readsAll && s.judge(&a).Reason == Allowed
	})
}

// KeepsChannels reports whether everything that an earlier form of the user could listen to it can
// listen to still, so far as the patterns tell without a look at what they are compared with.
func (u *User) KeepsChannels(earlier *User) bool {
	if slices.ContainsFunc(u.selectors, func(s selector) bool { return s.allChannels }) {
		return true
	}
	for i := range earlier.selectors {
		if earlier.selectors[i].allChannels {
			return false
		}
		for _, p := range earlier.selectors[i].channels {
			if !slices.ContainsFunc(u.selectors, func(s selector) bool { return slices.Contains(s.channels, p) }) {
				return false
			}
		}
	}
	return true
}

// JudgeScript judges a command of a script, for the user in whose name the script runs, and returns the error that
// the script is told, empty if the command may run. A user who is gone meanwhile may run nothing.
func (l *Users) JudgeScript(user string, spec *command.Spec, args [][]byte) (v Verdict, problem string) {
	const prefix = "ERR The user executing the script "
	u := l.Named(user)
	if u == nil {
		u = Blank(user, 0, false)
	}
	switch v = u.Judge(spec, args); v.Reason {
	case Command:
		return v, prefix + "can't run this command or subcommand"
	case Key:
		return v, prefix + "can't access at least one of the keys mentioned in the command arguments"
	case Channel:
		return v, prefix + "can't publish to the channel mentioned in the command"
	}
	if option := spec.Reaches(args); option != "" && !u.ReadsAll(spec, args) {
		return v, ReachError(option)
	}
	return v, ""
}

// ReachError is the answer to an option of SORT that reads keys which only the data name.
func ReachError(option string) string {
	return "ERR " + option + " option of SORT denied due to insufficient ACL permissions."
}
