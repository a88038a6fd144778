// Package acl is who may do what: users, the rules that they are made of, and what the rules say of
// a command with its keys and channels. Texts, forms and verdicts are those of Redis 7.0.
//
// A user has passwords, a few switches, and selectors. A selector is a row of permissions that stand
// together: which commands, on which keys, in which channels. A command may run if one selector
// allows all of it; the first selector, the root, is written without parentheses.
//
// Which commands a selector allows is kept as rules, in the order in which they were given, each
// without what a later one overrides: "-@all", "+@read", "-get", "+config|get". The last rule that
// covers a command decides. So what is kept does not depend on which commands there are: a node of
// another version keeps the rules about commands that it does not know. The list of all commands
// ([command.Table]) is needed only where a client's rules are read, to refuse names that nobody has,
// and where a user is described, because Redis sums up all commands that the user may run instead of
// repeating its rules.
//
// Rules have two forms. What people write, in ACL SETUSER and in files, is read once, by [User.Set]
// and [Load], which turn it into words: the same in lower case, passwords by their hashes, each
// parenthesis by itself. Words are what the log and snapshots carry ([User.Change], [User.Words]).
//
// A User and a Users are not changed once they are made. Their methods return others, so that
// whoever has one reads it without a lock.
package acl

import (
	"slices"
	"strings"
)

// Default is the name of the user whom a connection belongs to until it authenticates. It is always
// there.
const Default = "default"

// Users are all users, at one moment.
type Users struct{ list []*User } // by name

// New returns the default user, who may do everything and needs no password.
func New() *Users { return &Users{[]*User{defaultUser()}} }

// All lists the users by name. Callers must not change the slice.
func (l *Users) All() []*User { return l.list }

// Named finds a user, or returns nil.
func (l *Users) Named(name string) *User {
	if i, ok := l.find(name); ok {
		return l.list[i]
	}
	return nil
}

func (l *Users) find(name string) (int, bool) {
	return slices.BinarySearchFunc(l.list, name, func(u *User, name string) int { return strings.Compare(u.name, name) })
}

// With returns the users with one more, or with another one of its name in the place of what is there.
func (l *Users) With(u *User) *Users {
	list := slices.Clone(l.list)
	i, there := l.find(u.name)
	if there {
		list[i] = u
	} else {
		list = slices.Insert(list, i, u)
	}
	return &Users{list}
}

// Without returns the users without some, and how many of these there were. The default user stays.
func (l *Users) Without(names ...string) (*Users, int) {
	list := slices.DeleteFunc(slices.Clone(l.list), func(u *User) bool {
		return u.name != Default && slices.Contains(names, u.name)
	})
	return &Users{list}, len(l.list) - len(list)
}
