package fsm

import (
	"encoding/binary"
	"fmt"

	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/command"
)

// Users are replicated state: ACL SETUSER, DELUSER and LOAD are items, so that a user that is set on one
// node is in force on all. What an item says of a user are words (package acl), with passwords by their
// hashes: the log and the snapshots hold none in the clear.
const (
	nameSetUser    = "redraft-user"
	nameDeleteUser = "redraft-deluser"
	nameUsers      = "redraft-users"
)

func userCommands() []*command.Spec {
	const flags = command.Write | command.Internal
	return []*command.Spec{
		{Name: nameSetUser, Usage: "name words", Group: "server", Since: "1.0.0", Summary: "Create or change a user",
			Flags: flags, Check: checker(checkSetUser), Handler: handler(setUserCommand)},
		{Name: nameDeleteUser, Usage: "name [name ...]", Group: "server", Since: "1.0.0", Summary: "Delete users",
			Flags: flags, Handler: handler(deleteUserCommand)},
		{Name: nameUsers, Usage: "name words [name words ...]", Group: "server", Since: "1.0.0", Summary: "Replace all users",
			Flags: flags, Check: checker(checkUsers), Handler: handler(usersCommand)},
	}
}

// SetUser is the item of an ACL SETUSER. It answers OK, or the error that the user as it is then does not
// allow the change.
func SetUser(name string, words []string) []byte {
	return AppendItem(nil, 0, [][]byte{[]byte(nameSetUser), []byte(name), acl.AppendWords(nil, words)})
}

// DeleteUsers is the item of an ACL DELUSER. It answers how many of the users there were.
func DeleteUsers(names ...string) []byte { return item(append([]string{nameDeleteUser}, names...)...) }

// ReplaceUsers is the item of an ACL LOAD: from then on there are these users and no others. All but the
// default user are new, whoever had their names. It answers OK.
func ReplaceUsers(users *acl.Users) []byte {
	args := [][]byte{[]byte(nameUsers)}
	for _, u := range users.All() {
		args = append(args, []byte(u.Name()), acl.AppendWords(nil, u.Words()))
	}
	return AppendItem(nil, 0, args)
}

func checkSetUser(r *run) (problem string) {
	words, err := acl.ReadWords(r.args[2])
	if err == nil {
		err = acl.Sound(words)
	}
	if err == nil && !acl.ValidName(string(r.args[1])) {
		err = errUserName
	}
	if err != nil {
		return "ERR " + err.Error()
	}
	return ""
}

func setUserCommand(r *run) {
	if problem := checkSetUser(r); problem != "" {
		r.out.Error(problem)
		return
	}
	name, channels := string(r.args[1]), r.state.parameters.allChannels
	words, _ := acl.ReadWords(r.args[2])
	u := r.state.users.Named(name)
	if u == nil {
		u = acl.Blank(name, r.random.next(), channels)
	}
	u, err := u.Change(words, channels)
	if err != nil {
		r.out.Error("ERR " + err.Error())
		return
	}
	r.setUsers(r.state.users.With(u))
	r.out.Status("OK")
}

func deleteUserCommand(r *run) {
	var names []string
	for _, a := range r.args[1:] {
		names = append(names, string(a))
	}
	users, n := r.state.users.Without(names...)
	if n > 0 {
		r.setUsers(users)
	}
	r.out.Int(int64(n))
}

// readUsers makes the users of a redraft-users.
func (r *run) readUsers(born uint64) (*acl.Users, error) {
	users := acl.New()
	for i := 1; i+1 < len(r.args); i += 2 {
		name, when := string(r.args[i]), born
		if name == acl.Default {
			when = users.Named(name).Born()
		}
		u, err := acl.ReadUser(name, when, r.args[i+1])
		if err != nil {
			return nil, err
		}
		users = users.With(u)
	}
	return users, nil
}

func checkUsers(r *run) (problem string) {
	if _, err := r.readUsers(0); err != nil {
		return "ERR " + err.Error()
	}
	return ""
}

func usersCommand(r *run) {
	users, err := r.readUsers(r.random.next())
	if err != nil {
		r.out.Error("ERR " + err.Error())
		return
	}
	r.setUsers(users)
	r.out.Status("OK")
}

// appendUser appends a user as a snapshot has it: by which number it is told from earlier ones of its name,
// and its words.
func appendUser(dst []byte, u *acl.User) []byte {
	return acl.AppendWords(binary.AppendUvarint(dst, u.Born()), u.Words())
}

// readUser takes in a user of a snapshot.
func (st *state) readUser(name string, b []byte) error {
	born, words, ok := cutUvarint(b)
	if !ok {
		return fmt.Errorf("user %.64q: its number is missing", name)
	}
	u, err := acl.ReadUser(name, born, words)
	if err != nil {
		return fmt.Errorf("user %.64q: %w", name, err)
	}
	st.users = st.users.With(u)
	return nil
}

// Access is who may do what on this node, from an entry on.
type Access struct {
	Users *acl.Users
	Index uint64 // of the entry that changed the users last, or of the snapshot they come from
}

// Access is who may do what, as of the last entry applied. It takes no lock.
func (m *Machine) Access() *Access { return m.users.Load() }

// ObserveAccess makes tell the one that is called, under the machine's lock, when users have changed; nil
// for none.
func (m *Machine) ObserveAccess(tell func(earlier, now *Access)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.access = tell
}

// setUsers changes the users, for this entry's later items too.
func (r *run) setUsers(users *acl.Users) {
	r.state.users = users
	r.machine.giveAccess(users)
}

func (m *Machine) giveAccess(users *acl.Users) {
	earlier, now := m.users.Load(), &Access{Users: users, Index: m.state.index}
	m.users.Store(now)
	if m.access != nil {
		m.access(earlier, now)
	}
}
