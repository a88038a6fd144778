package server

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func aclCommands() []*command.Spec {
	const (
		own       = command.NoScript | command.Loading | command.Stale
		admin     = own | command.Admin
		perUser   = "O(N). Where N is the number of configured users."
		onAll     = "What it changes is changed on all nodes, by an entry of the log."
		onThis    = "Each node has a log of what it has denied itself."
		fromFile  = "The file is this node's. " + onAll
		summedUp  = "Commands that redraft has and Redis has not count among those that are summed up."
		onlyNeeds = "O(N). Where N is the number of password, command and pattern rules that the user has."
	)
	return []*command.Spec{{Name: "acl", Summary: "A container for users and their permissions", Since: "6.0.0",
		Group: "server", Complexity: "Depends on subcommand.", Sub: []*command.Spec{
			{Name: "cat", Usage: "[categoryname]", Summary: "List the categories of commands, or the commands of a category", Since: "6.0.0",
				Complexity: "O(1) since the categories and commands are a fixed set.", Flags: own, Handler: handler(aclCat)},
			{Name: "deluser", Usage: "username [username ...]", Summary: "Delete users and end their connections", Since: "6.0.0",
				Complexity: "O(1) amortized time considering the typical user.", Flags: admin, Handler: handler(aclDeluser), Differs: onAll},
			{Name: "dryrun", Usage: "username command [arg [arg ...]]", Summary: "Say whether a user could run a command, without running it",
				Since: "7.0.0", Complexity: "O(1).", Flags: admin, Handler: handler(aclDryrun)},
			{Name: "getuser", Usage: "username", Summary: "Show what a user is and may do", Since: "6.0.0", Complexity: onlyNeeds,
				Flags: admin, Handler: handler(aclGetuser), Differs: summedUp},
			{Name: "genpass", Usage: "[bits]", Summary: "Make up a password that cannot be guessed", Since: "6.0.0", Complexity: "O(1)",
				Flags: own, Handler: handler(aclGenpass)},
			{Name: "list", Summary: "List the users in the form of an ACL file", Since: "6.0.0", Complexity: perUser, Flags: admin,
				Handler: handler(aclList), Differs: summedUp},
			{Name: "load", Summary: "Replace all users by those of the ACL file", Since: "6.0.0", Complexity: perUser, Flags: admin,
				Handler: handler(aclLoad), Differs: fromFile},
			{Name: "log", Usage: "operation=[count | RESET]", Summary: "List what was denied of late, or forget it", Since: "6.0.0",
				Complexity: "O(N) with N being the number of entries shown.", Flags: admin, Handler: handler(aclLogCommand), Differs: onThis},
			{Name: "save", Summary: "Write the users to the ACL file", Since: "6.0.0", Complexity: perUser, Flags: admin,
				Handler: handler(aclSave), Differs: "The file is this node's."},
			{Name: "setuser", Usage: "username [rule [rule ...]]", Summary: "Create a user or change what it is and may do", Since: "6.0.0",
				Complexity: "O(N). Where N is the number of rules provided.", Flags: admin, Handler: handler(aclSetuser), Differs: onAll},
			{Name: "users", Summary: "List the names of the users", Since: "6.0.0", Complexity: perUser, Flags: admin, Handler: handler(aclUsers)},
			{Name: "whoami", Summary: "Return the name of the connection's user", Since: "6.0.0", Complexity: "O(1)", Flags: own,
				Handler: handler(aclWhoami)},
			command.HelpSub("6.0.0", handler(helpCommand)),
		}}}
}

func aclWhoami(s *session, _ [][]byte, out reply.Sink) { out.Text(s.user) }

// usersHere is who the users are, as recent as the session's reads are.
func (s *session) usersHere() (*acl.Users, string) {
	if text := s.awaitWatch(); text != "" {
		return nil, text
	}
	return s.srv.machine.Access().Users, ""
}

func aclUsers(s *session, _ [][]byte, out reply.Sink) {
	s.listUsers(out, func(u *acl.User) string { return u.Name() })
}

func aclList(s *session, _ [][]byte, out reply.Sink) {
	table := s.srv.commands.table
	s.listUsers(out, func(u *acl.User) string { return "user " + u.Name() + " " + u.Describe(table) })
}

func (s *session) listUsers(out reply.Sink, line func(*acl.User) string) {
	users, text := s.usersHere()
	if text != "" {
		out.Error(text)
		return
	}
	out.Array(len(users.All()))
	for _, u := range users.All() {
		out.Text(line(u))
	}
}

func aclGetuser(s *session, args [][]byte, out reply.Sink) {
	users, text := s.usersHere()
	if text != "" {
		out.Error(text)
		return
	}
	u := users.Named(string(args[2]))
	if u == nil {
		out.Null()
		return
	}
	selectors := u.Selectors(s.srv.commands.table)
	out.Map(6)
	out.Text("flags")
	out.Set(len(u.Flags()))
	for _, f := range u.Flags() {
		out.Text(f)
	}
	out.Text("passwords")
	out.Array(len(u.Passwords()))
	for _, p := range u.Passwords() {
		out.Text(p)
	}
	writeSelector(out, selectors[0])
	out.Text("selectors")
	out.Array(len(selectors) - 1)
	for _, d := range selectors[1:] {
		out.Map(3)
		writeSelector(out, d)
	}
}

// writeSelector writes the three fields of a selector.
func writeSelector(out reply.Sink, d acl.Selector) {
	for _, text := range []string{"commands", d.Commands, "keys", d.Keys, "channels", d.Channels} {
		out.Text(text)
	}
}

func aclCat(s *session, args [][]byte, out reply.Sink) {
	if len(args) > 3 {
		out.Error(errSubcommandArgs("ACL", args[1]))
		return
	}
	if len(args) == 2 {
		writeTexts(out, command.AnyCategory.Words())
		return
	}
	c, ok := command.Category(string(args[2]))
	if !ok {
		out.Error("ERR Unknown category '" + cText(args[2], quotedArgs) + "'")
		return
	}
	var names []string
	for _, e := range s.srv.commands.all {
		if e.spec.AllCategories()&c != 0 {
			names = append(names, e.name)
		}
	}
	writeTexts(out, names)
}

func writeTexts(out reply.Sink, texts []string) {
	out.Array(len(texts))
	for _, t := range texts {
		out.Text(t)
	}
}

const genpassMost = 4096 // bits

func aclGenpass(_ *session, args [][]byte, out reply.Sink) {
	bits := int64(256)
	if len(args) > 3 {
		out.Error(errSubcommandArgs("ACL", args[1]))
		return
	}
	if len(args) == 3 {
		var err error
		if bits, err = strconv.ParseInt(string(args[2]), 10, 64); err != nil {
			out.Error(errNotInteger)
			return
		}
	}
	if bits <= 0 || bits > genpassMost {
		out.Error("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to " +
			strconv.Itoa(genpassMost))
		return
	}
	digits := (bits + 3) / 4
	password := make([]byte, (digits+1)/2)
	_, _ = rand.Read(password) // which never fails
	out.Text(hex.EncodeToString(password)[:digits])
}

func aclDryrun(s *session, args [][]byte, out reply.Sink) {
	users, text := s.usersHere()
	if text != "" {
		out.Error(text)
		return
	}
	u := users.Named(string(args[2]))
	if u == nil {
		out.Error("ERR User '" + string(args[2]) + "' not found")
		return
	}
	args = args[3:]
	spec, found := s.srv.commands.table.Lookup(args)
	switch {
	case found != command.Found && found != command.MissingSub:
		out.Error("ERR Command '" + string(args[0]) + "' not found")
		return
	case !spec.Accepts(len(args)):
		out.Error(errArity(spec.FullName()))
		return
	}
	switch v := u.Judge(spec, args); v.Reason {
	case acl.Allowed:
		out.Status("OK")
	case acl.Command:
		out.Text("This user has no permissions to run the '" + spec.FullName() + "' command")
	case acl.Key:
		out.Text("This user has no permissions to access the '" + string(args[v.Index]) + "' key")
	default:
		out.Text("This user has no permissions to access the '" + string(args[v.Index]) + "' channel")
	}
}

func aclLogCommand(s *session, args [][]byte, out reply.Sink) {
	count := int64(10)
	switch {
	case len(args) > 3:
		out.Error(errSubcommandArgs("ACL", args[1]))
		return
	case len(args) == 3 && command.IsWord(args[2], "RESET"):
		s.srv.aclLog.reset()
		out.Status("OK")
		return
	case len(args) == 3:
		var err error
		if count, err = strconv.ParseInt(string(args[2]), 10, 64); err != nil {
			out.Error(errNotInteger)
			return
		}
	}
	entries := s.srv.aclLog.latest(int(max(0, min(count, 1<<30))))
	out.Array(len(entries))
	for _, e := range entries {
		out.Map(7)
		out.Text("count")
		out.Int(e.count)
		for _, text := range []string{"reason", e.reason, "context", e.context, "object", e.object, "username", e.user, "age-seconds"} {
			out.Text(text)
		}
		out.Double(float64(time.Since(e.at).Milliseconds()) / 1000)
		out.Text("client-info")
		out.Text(e.client)
	}
}

// aclSetuser tries the rules on the user as it is now, so that most errors are told in the words in which they
// were written, and proposes what they come to.
func aclSetuser(s *session, args [][]byte, out reply.Sink) {
	name := string(args[2])
	if !acl.ValidName(name) {
		out.Error("ERR Usernames can't contain spaces or null characters")
		return
	}
	if text := s.awaitLatest(); text != "" {
		out.Error(text)
		return
	}
	channels := s.srv.machine.AllChannels()
	u := s.srv.machine.Access().Users.Named(name)
	if u == nil {
		u = acl.Blank(name, 0, channels)
	}
	_, words, err := u.Set(stringsOf(args[3:]), s.srv.commands.table, channels)
	if err != nil {
		out.Error("ERR " + err.Error())
		return
	}
	s.changeUsers(fsm.SetUser(name, words), out)
}

// awaitLatest waits until this node has applied what the leader had applied by now, so that what is refused is
// not refused for what has been changed elsewhere.
func (s *session) awaitLatest() string {
	c := s.srv.cluster()
	if c == nil {
		return errNotJoined
	}
	err := c.ReadIndex(s.begin(), group, false)
	s.patience.end()
	switch {
	case err == nil:
		return ""
	case outcomeOf(err) == notApplied:
		return errNoLeader
	}
	return errReadWait
}

// changeUsers has an item applied that changes users. If the session's own user goes by it the session ends,
// when the answer is out.
func (s *session) changeUsers(item []byte, out reply.Sink) {
	s.changesUsers.Store(true)
	defer s.changesUsers.Store(false)
	answer, text := s.proposeItem(item)
	if text == "" {
		_ = s.awaitOwn() // or else it ends as soon as this node hears of it
	}
	u := s.srv.machine.Access().Users.Named(s.user)
	s.closing = s.closing || u == nil || u.Born() != s.born
	if text != "" {
		out.Error(text)
		return
	}
	s.out.raw(answer)
	if len(answer) > 0 && answer[0] == '-' {
		s.out.errors++
	}
}

func aclDeluser(s *session, args [][]byte, out reply.Sink) {
	names := stringsOf(args[2:])
	for _, name := range names {
		if name == acl.Default {
			out.Error("ERR The 'default' user cannot be removed")
			return
		}
	}
	s.changeUsers(fsm.DeleteUsers(names...), out)
}

func stringsOf(args [][]byte) []string {
	texts := make([]string, len(args))
	for i, a := range args {
		texts[i] = string(a)
	}
	return texts
}
