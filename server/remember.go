package server

import (
	"strings"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
)

// untrack ends the session's tracking.
func (s *session) untrack() {
	if s.tracks != nil {
		s.srv.tracking.disable(s.tracks)
		s.tracks, s.caching = nil, false
	}
}

// remembers reports whether the keys of a command are remembered that would run now.
func (s *session) remembers() bool { return s.tracks != nil && s.tracks.wants(s.caching) }

// wants reports whether the keys of a command are remembered, by whether CLIENT CACHING was given for it.
func (o *trackingOptions) wants(caching bool) bool {
	return !o.bcast && (!o.optin || caching) && !(o.optout && caching)
}

// endCaching ends what CLIENT CACHING was given for, after a command: it holds for the next that is none of
// CLIENT's, or a whole transaction.
func (s *session) endCaching(e *entry) {
	if !s.multi.open && (e == nil || !strings.HasPrefix(e.name, "client|")) {
		s.caching = false
	}
}

// then is what a reading command calls under the machine's lock (fsm.Call.Then). A session that nobody pushes to
// has nothing to do there.
func (s *session) then(remember bool) func(c *fsm.Call) {
	switch {
	case !s.listens.Load():
		return nil
	case remember:
		return s.rememberRead
	}
	return s.haveRead
}

// haveRead puts what was pushed so far in front of the replies that a run of reads makes under one lock: all of that
// happened before, and what comes later happens after it.
func (s *session) haveRead(*fsm.Call) {
	if !s.overtaken {
		s.overtaken = true
		s.overtake()
	}
}

// rememberRead is haveRead of a command whose keys are to be remembered.
func (s *session) rememberRead(c *fsm.Call) {
	s.haveRead(c)
	if c.Reads {
		s.srv.tracking.remember(s.tracks, c.Spec, c.Args)
	}
}

// reads reports whether a command may read data where it is applied: a script may.
func (e *entry) mayRead() bool { return e.reads() || e.spec.Is(command.MayReplicate) }

// appendItem appends the item of a command of the session. It names the session as its author if that makes a
// difference to its tracking; remembered is whether what it reads is to be remembered.
func (s *session) appendItem(dst []byte, e *entry, remembered bool, db int, args [][]byte) []byte {
	remembered = remembered && e.mayRead()
	return fsm.AppendItemOf(dst, s.author(remembered), remembered, db, args)
}

// author is the session's name in the log, if a command's effect on its tracking depends on that.
func (s *session) author(remembered bool) *fsm.Origin {
	if s.tracks != nil && (remembered || s.tracks.noloop) {
		return &fsm.Origin{Node: s.srv.nodeID, Incarnation: s.srv.incarnation, Session: s.id}
	}
	return nil
}

// remembered says of each command of a transaction whether what it reads is remembered. CLIENT CACHING among them
// counts for those behind it. So would CLIENT TRACKING, but it runs when the data have been read: what is read
// behind it is not remembered, and the client is told so (disown).
func (s *session) remembered(t *transaction) []bool {
	marks := make([]bool, len(t.queue))
	if s.tracks == nil {
		return marks
	}
	caching := s.caching
	for i, q := range t.queue {
		switch {
		case q.name == "client|tracking":
			return marks
		case q.name == "client|caching":
			caching = true
		case q.mayRead():
			marks[i] = s.tracks.wants(caching)
		}
	}
	return marks
}

// disown has the client forget what a transaction has read behind a CLIENT TRACKING.
func (s *session) disown(t *transaction) {
	if s.tracks == nil {
		return
	}
	behind := false
	for _, q := range t.queue {
		behind = behind || q.name == "client|tracking"
		if !behind || !q.mayRead() {
			continue
		}
		if keys, err := q.spec.AppendKeys(nil, q.args); err == nil && len(keys) > 0 {
			s.srv.tracking.tellOf(s.tracks, keys)
		}
	}
}
