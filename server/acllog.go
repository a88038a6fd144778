package server

import (
	"slices"
	"sync"
	"time"

	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/command"
)

const (
	aclLogGroup = time.Minute // how long the same denial is one entry
	aclLogScan  = 10          // of the latest entries that are looked through for it
)

// aclLog is what this node has denied to users, the latest first. Its methods may be called from any
// goroutine.
type aclLog struct {
	mu      sync.Mutex
	entries []aclLogEntry
}

// aclDenial is what was denied to whom.
type aclDenial struct {
	reason  string // auth, command, key or channel
	context string // toplevel, multi or lua; empty for the session's
	object  string // the command, key or channel
	user    string
}

type aclLogEntry struct {
	aclDenial
	count  int64
	at     time.Time // the last time
	client string    // what CLIENT LIST said of the last one
}

// add takes note of a denial. When it is a new one no more than most entries are kept.
func (l *aclLog) add(d aclDenial, client string, most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := aclLogEntry{aclDenial: d, count: 1, at: time.Now(), client: client}
	recent := l.entries[:min(len(l.entries), aclLogScan)]
	if i := slices.IndexFunc(recent, func(o aclLogEntry) bool { return o.aclDenial == d && e.at.Sub(o.at) <= aclLogGroup }); i >= 0 {
		e.count += l.entries[i].count
		l.entries = slices.Delete(l.entries, i, i+1)
	}
	l.entries = slices.Insert(l.entries, 0, e)
	if e.count == 1 {
		l.entries = l.entries[:min(len(l.entries), most)]
	}
}

// latest are the latest entries, n of them at the most.
func (l *aclLog) latest(n int) []aclLogEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries[:min(len(l.entries), n)])
}

func (l *aclLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

// denied takes note of what the session was denied.
func (s *session) denied(d aclDenial) {
	if d.context == "" {
		d.context = "toplevel"
		if s.multi.open {
			d.context = "multi"
		}
	}
	s.srv.aclLog.add(d, string(s.appendLine(nil, time.Now())), int(s.srv.config.Int("acllog-max-len")))
}

// deniedCommand takes note that the session was denied a command, because of v.
func (s *session) deniedCommand(e *entry, args [][]byte, v acl.Verdict, context string) {
	d := aclDenial{reason: aclReason(v.Reason), context: context, object: e.name, user: s.user}
	if v.Reason != acl.Command {
		d.object = string(args[v.Index])
	}
	s.denied(d)
}

// deniedScript takes note that a script was denied a command. Whose connection it was the log does not say.
func (s *Server) deniedScript(user string, v acl.Verdict, spec *command.Spec, args [][]byte) {
	d := aclDenial{reason: aclReason(v.Reason), context: "lua", object: spec.FullName(), user: user}
	if v.Reason != acl.Command {
		d.object = string(args[v.Index])
	}
	s.aclLog.add(d, "user="+user, int(s.config.Int("acllog-max-len")))
}

// aclReason is the word of ACL LOG for a reason.
func aclReason(r acl.Reason) string {
	switch r {
	case acl.Key:
		return "key"
	case acl.Channel:
		return "channel"
	}
	return "command"
}
