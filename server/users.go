package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/reply"
)

var (
	errTwoKinds      = errors.New("there are both an aclfile and user lines in the configuration: define users in one of them")
	errDuplicateUser = errors.New("Duplicate user found. A user can only be defined once in config files")
)

// userLine puts the words of a user line of the configuration file into the form that the parameter user keeps:
// a name and rules, without passwords in the clear.
func userLine(words [][]byte) string {
	line := stringsOf(words)
	for i, w := range line {
		if i > 0 && strings.HasPrefix(w, ">") {
			line[i] = "#" + acl.Hash([]byte(w[1:]))
		}
	}
	return strings.Join(line, " ")
}

// ConfiguredUsers are the users that aclfile or user lines say a new cluster begins with, nil if neither is
// there. password is the default user's where user lines say nothing of that user.
func (s *Server) ConfiguredUsers() (*acl.Users, error) {
	path, lines := s.config.Get("aclfile"), s.config.Get("user")
	channels := s.config.Get(fsm.ParamChannels) == "allchannels"
	switch {
	case path != "" && lines != "":
		return nil, errTwoKinds
	case path != "":
		return s.loadUsers(path, channels)
	case lines == "":
		return nil, nil
	}
	users := acl.New()
	users = users.With(users.Named(acl.Default).WithPassword(s.config.Get(fsm.ParamRequirePass)))
	seen := map[string]bool{}
	for _, line := range strings.Split(lines, "\n") {
		words := strings.Fields(line)
		name := words[0]
		if seen[name] {
			return nil, fmt.Errorf("user %s: %w", name, errDuplicateUser)
		}
		seen[name] = true
		u, _, err := acl.Blank(name, 0, channels).Set(words[1:], s.commands.table, channels)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		users = users.With(u)
	}
	return users, nil
}

// UsersDiffer reports whether the cluster's users are others than those that the configuration says a new cluster
// begins with, if it says any.
func (s *Server) UsersDiffer() bool {
	users, err := s.ConfiguredUsers()
	return err == nil && users != nil && users.Text(s.commands.table) != s.machine.Access().Users.Text(s.commands.table)
}

// loadUsers reads an ACL file. The error is in the words of ACL LOAD.
func (s *Server) loadUsers(path string, channels bool) (*acl.Users, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		var e *fs.PathError
		if errors.As(err, &e) {
			err = e.Err
		}
		why := err.Error()
		return nil, fmt.Errorf("Error loading ACLs, opening file '%s': %s", path, strings.ToUpper(why[:1])+why[1:])
	}
	return acl.Load(path, string(text), s.commands.table, channels)
}

// aclFile is the path of the ACL file, or else it has answered that there is none.
func (s *session) aclFile(out reply.Sink) (path string) {
	if path = s.srv.config.Get("aclfile"); path == "" {
		out.Error("ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command " +
			"and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.")
	}
	return path
}

func aclLoad(s *session, _ [][]byte, out reply.Sink) {
	path := s.aclFile(out)
	if path == "" {
		return
	}
	users, err := s.srv.loadUsers(path, s.srv.machine.AllChannels())
	if err != nil {
		out.Error("ERR " + err.Error())
		return
	}
	s.changeUsers(fsm.ReplaceUsers(users), out)
}

func aclSave(s *session, _ [][]byte, out reply.Sink) {
	path := s.aclFile(out)
	if path == "" {
		return
	}
	users, text := s.usersHere()
	if text != "" {
		out.Error(text)
		return
	}
	if err := replaceFile(path, []byte(users.Text(s.srv.commands.table)), 0o600); err != nil {
		s.srv.log.Warn("the ACL file cannot be written", "error", err)
		out.Error("ERR There was an error trying to save the ACLs. Please check the server logs for more information")
		return
	}
	out.Status("OK")
}
