package server

import (
	"slices"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/command"
)

// rights are whom a session is taken for, and by which users its last command was judged.
type rights struct {
	user          string
	born          uint64 // of the user whose password was given: the next of its name is another
	authenticated bool
	early         bool // authenticated was settled before the node had caught up
	gave          []byte

	access *fsm.Access
	rules  *acl.User // the user in access; nil if it is gone
	upTo   uint64    // the user is known to have been the same up to this entry
}

// A session that has given no password is the default user's, and may use what needs a user while that
// needs no password.
func (s *session) forgetUser() {
	u := s.srv.machine.Access().Users.Named(acl.Default)
	s.become(u, u.Open())
}

// become makes the session a user's.
func (s *session) become(u *acl.User, authenticated bool) {
	s.rights = rights{user: u.Name(), born: u.Born(), authenticated: authenticated, early: !s.srv.ready.Load()}
	s.show(func(p *profile) { p.user, p.born = u.Name(), u.Born() })
	if s.conn != nil {
		s.conn.setAuthenticated(authenticated)
	}
}

// login makes the session a user's if user and password are right, and reports whether they are. verb is the
// command that they were given with, for the log of what was denied.
//
// What the machine knows of users may be old, or nothing yet, until the node has caught up. What the client
// gave until then is kept, and held against the machine's with every command up to the first after that.
// Whether it is early has to be known before the password is looked at.
func (s *session) login(user, password, verb []byte) bool {
	early := !s.srv.ready.Load()
	u := s.srv.machine.Access().Users.Named(string(user))
	if u == nil {
		u = acl.Blank(string(user), 0, false) // it takes as long to refuse
	}
	if !u.Accepts(password) {
		s.denied(aclDenial{reason: "auth", object: string(verb), user: string(user)})
		return false
	}
	s.become(u, true)
	if early {
		s.early, s.gave = true, slices.Clone(password)
	}
	return true
}

// admitted reports whether the session may use commands that need a user.
func (s *session) admitted() bool {
	if s.early {
		s.early = !s.srv.ready.Load()
		s.access = nil
		u := s.rulesNow()
		s.authenticated = u != nil && (s.gave == nil && u.Open() || s.gave != nil && u.Accepts(s.gave))
		s.conn.setAuthenticated(s.authenticated)
	}
	u := s.rulesNow()
	return u != nil && (s.authenticated || u.Open())
}

// rulesNow is the session's user as this node knows it, nil if it has been deleted. What was judged by other
// users goes out before the session takes note that they have changed.
func (s *session) rulesNow() *acl.User {
	if now := s.srv.machine.Access(); now != s.access {
		s.settle()
		s.access, s.rules = now, now.Users.Named(s.user)
		if s.rules != nil && s.rules.Born() != s.born {
			s.rules = nil
		}
	}
	return s.rules
}

func authGate(s *session, e *entry, _ [][]byte) string {
	if s.admitted() || e.spec.Is(command.NoAuth) {
		return ""
	}
	s.closing = s.closing || s.rules == nil
	return errNoAuth
}

// aclGate keeps commands, keys and channels from users whose rules do not allow them.
func aclGate(s *session, e *entry, args [][]byte) string {
	u := s.rulesNow()
	if u == nil || u.Free() {
		return ""
	}
	v := u.Judge(e.spec, args)
	if v.Reason == acl.Allowed {
		if option := e.spec.Reaches(args); option != "" && !s.multi.open && !u.ReadsAll(e.spec, args) {
			return acl.ReachError(option)
		}
		return ""
	}
	s.deniedCommand(e, args, v, "")
	return errDeniedCommand(e.name, v.Reason)
}

// judgeQueued finds out whether a command's user may run it now that EXEC has come, and notes the error for one
// that may not.
func (s *session) judgeQueued(q *queued) {
	q.verdict, q.refused = acl.Verdict{}, ""
	u := s.rulesNow()
	if u == nil || u.Free() {
		return
	}
	if q.verdict = u.Judge(q.spec, q.args); q.verdict.Reason != acl.Allowed {
		q.refused = errDeniedQueued(q.verdict.Reason)
	} else if option := q.spec.Reaches(q.args); option != "" && !u.ReadsAll(q.spec, q.args) {
		q.refused = acl.ReachError(option)
	}
}

// judged is the index up to which this node knew of all changes of users when the session's last command was
// judged.
func (s *session) judged() uint64 {
	if s.access == nil {
		return 0
	}
	return max(s.access.Index, s.upTo)
}

// stillJudged makes sure, before a proposal on this node, that users have not changed since the session's last
// command was judged: they may have while it waited, and a node may have become the leader meanwhile. It returns the
// error to answer with if what the session may do is not the same any more.
func (s *session) stillJudged() string {
	if now := s.srv.machine.Access(); s.access != nil && now != s.access {
		return s.judgeAgain(now.Index)
	}
	return ""
}

// judgeAgain is for what was judged before users had changed by the entry at index; a frame may have been sent back
// by the leader since this node had not heard of that: it waits for the entry. If what the session may do is still the same the frame
// may go out once more; else it returns the error to answer with.
func (s *session) judgeAgain(index uint64) string {
	earlier := s.rules
	err := s.srv.cluster().WaitApplied(s.begin(), group, index)
	s.patience.end()
	if err != nil || earlier == nil {
		return errRights
	}
	a := s.srv.machine.Access()
	now := a.Users.Named(s.user)
	if now != earlier && (now == nil || now.Born() != s.born || !slices.Equal(now.Words(), earlier.Words())) {
		return errRights
	}
	s.access, s.rules, s.upTo = a, now, index
	return ""
}

// accessChanged disconnects the sessions whose user is gone, and the subscribers that listen to what they may
// not any more. It is called under the machine's lock.
func (s *Server) accessChanged(earlier, now *fsm.Access) {
	for _, ss := range s.sessions.all() {
		p := ss.shown.Load()
		u := now.Users.Named(p.user)
		gone := u == nil || u.Born() != p.born
		if !gone {
			was := earlier.Users.Named(p.user)
			gone = was != u && (was == nil || !u.KeepsChannels(was)) && ss.listensBeyond(u)
		}
		if gone && !ss.changesUsers.Load() {
			ss.ended.Store(true)
			go ss.kill() // which may take longer than an entry can wait
		}
	}
}

// listensBeyond reports whether the session has subscribed to what a user may not listen to.
func (s *session) listensBeyond(u *acl.User) bool {
	for kind := range topicKinds {
		if s.subscriptions.count[kind].Load() == 0 {
			continue
		}
		beyond := func(name string) bool { return !u.AllowsChannel([]byte(name), kind == patternTopic) }
		if slices.ContainsFunc(s.srv.hub.subscribed(s, kind), beyond) {
			return true
		}
	}
	return false
}

// reviewSubscriptions ends the session if its user has changed while it subscribed, and may not listen to that any
// more: accessChanged may have come by in between.
func (s *session) reviewSubscriptions() {
	now := s.srv.machine.Access()
	if now == s.access {
		return
	}
	u := now.Users.Named(s.user)
	s.closing = s.closing || u == nil || s.listensBeyond(u)
}
