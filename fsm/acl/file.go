package acl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
)

// Text is the users as an ACL file, a line for each.
func (l *Users) Text(table *command.Table) string {
	var b strings.Builder
	for _, u := range l.list {
		b.WriteString(u.line(table))
		b.WriteByte('\n')
	}
	return b.String()
}

// Load reads the text of an ACL file: nothing but lines that begin with "user", and empty ones. A
// default user who is not in it may do everything. The error lists all that is wrong, in one line
// and in the words of ACL LOAD; path is what it calls the file.
func Load(path, text string, table *command.Table, channels bool) (*Users, error) {
	l := &loading{path: path, table: table, channels: channels, users: &Users{}}
	for i, line := range strings.Split(text, "\n") {
		l.number = i + 1
		if line = strings.Trim(line, " \t\r\n"); line != "" {
			l.line(strings.Split(line, " "))
		}
	}
	if l.wrong.Len() > 0 {
		return nil, errors.New(l.wrong.String() + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
	}
	if l.users.Named(Default) == nil {
		l.users = l.users.With(defaultUser())
	}
	return l.users, nil
}

// loading is an ACL file as it is read.
type loading struct {
	path     string
	table    *command.Table
	channels bool
	number   int // of the line, from 1
	users    *Users
	wrong    strings.Builder
}

func (l *loading) complain(format string, args ...any) { fmt.Fprintf(&l.wrong, format, args...) }

func (l *loading) line(words []string) {
	if words[0] != "user" || len(words) < 2 {
		l.complain("%s:%d should start with user keyword followed by the username. ", l.path, l.number)
		return
	}
	name := words[1]
	switch {
	case !ValidName(name):
		l.complain("'%s:%d: username '%s' contains invalid characters. ", l.path, l.number, name)
		return
	case l.users.Named(name) != nil:
		l.complain("WARNING: Duplicate user '%s' found on line %d. ", name, l.number)
		return
	}
	u := Blank(name, 0, l.channels)
	l.rules(u, words[2:])
	u.derive()
	l.users = l.users.With(u)
}

// rules makes a line's changes to its user. Of names that nobody has all are told, since they may be
// told without giving a secret away; of other errors the first one of a line.
func (l *loading) rules(u *User, args []string) {
	modifiers, err := merge(args)
	if err != nil {
		l.complain("%s:%d: Unmatched parenthesis in selector definition.", l.path, l.number)
	}
	told := false
	for _, m := range modifiers {
		m = strings.Trim(m, "\t\r\n")
		_, err := u.setOne(m, l.table, l.channels)
		switch {
		case err == nil:
		case errors.Is(err, errUnknown):
			l.complain("%s:%d: Error in applying operation '%s': %s. ", l.path, l.number, m, err)
		case !told:
			told = true
			l.complain("%s:%d: %s. ", l.path, l.number, err)
		}
	}
}
