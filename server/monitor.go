package server

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func monitorCommands() []*command.Spec {
	return []*command.Spec{
		{Name: "monitor", Summary: "Be shown every command that the clients of this node send", Since: "1.0.0", Group: "server",
			Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
			Handler: handler(monitorCommand),
			Differs: "It shows what the clients of the node that is asked send; what comes from other nodes by way of the log is shown there."},
	}
}

// monitors are the sessions that are shown what the others do.
type monitors struct {
	count atomic.Int32 // of them; what every command looks at

	mu   sync.Mutex
	list []*session
}

func (m *monitors) add(s *session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, s)
	m.count.Store(int32(len(m.list)))
}

func (m *monitors) remove(s *session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = slices.DeleteFunc(m.list, func(other *session) bool { return other == s })
	m.count.Store(int32(len(m.list)))
}

// show shows a command to all of them. source is where it comes from: a client's address, or lua.
func (m *monitors) show(db int, source string, args [][]byte) {
	line := appendMonitorLine(nil, time.Now(), db, source, args)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.list {
		s.push(line)
	}
}

// appendMonitorLine appends what MONITOR says of a command, as a status reply.
func appendMonitorLine(dst []byte, at time.Time, db int, source string, args [][]byte) []byte {
	micros := strconv.Itoa(at.Nanosecond() / 1000)
	dst = append(dst, '+')
	dst = strconv.AppendInt(dst, at.Unix(), 10)
	dst = append(dst, '.')
	dst = append(dst, "000000"[len(micros):]...)
	dst = append(dst, micros...)
	dst = append(dst, " ["...)
	dst = strconv.AppendInt(dst, int64(db), 10)
	dst = append(dst, ' ')
	dst = append(dst, source...)
	dst = append(dst, ']')
	for _, a := range args {
		dst = append(dst, ' ')
		dst = appendQuoted(dst, a)
	}
	return append(dst, '\r', '\n')
}

// appendQuoted appends bytes in double quotes, in the form in which inline commands and files have them: what is
// not printable ASCII is escaped.
func appendQuoted(dst, b []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range b {
		if i := strings.IndexByte("\\\"\n\r\t\a\b", c); i >= 0 {
			dst = append(dst, '\\', "\\\"nrtab"[i])
		} else if c < ' ' || c > '~' {
			dst = append(dst, '\\', 'x', digits[c>>4], digits[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// monitored shows a command of this session to those who monitor. What is the operator's is too dangerous to be
// shown, as in Redis; the flag SkipMonitor is for the commands that run scripts, which show themselves as they
// are taken in, in front of what the script does: as all commands on the data do here.
func (s *session) monitored(e *entry, db int, args [][]byte) {
	if s.srv.monitors.count.Load() > 0 && !e.spec.Is(command.Admin) {
		s.srv.monitors.show(db, s.conn.source(), s.srv.redacted(e, args))
	}
}

// called shows a command that a script has called.
func (m *monitors) called(spec *command.Spec, db int, args [][]byte) {
	if m.count.Load() > 0 && !spec.Is(command.Admin) {
		m.show(db, "lua", args)
	}
}

// monitorCommand makes the session one that is shown what the others do. One that is already gets no answer,
// as in Redis.
func monitorCommand(s *session, _ [][]byte, out reply.Sink) {
	switch {
	case s.inMulti:
		out.Error("ERR MONITOR isn't allowed for DENY BLOCKING client")
	case !s.monitors:
		s.monitors = true
		s.show(func(p *profile) { p.monitor = true })
		out.Status("OK")
		s.listen()
		s.srv.monitors.add(s)
	}
}

// endMonitor ends what monitorCommand began, if it did.
func (s *session) endMonitor() {
	if s.monitors {
		s.monitors = false
		s.srv.monitors.remove(s)
		s.show(func(p *profile) { p.monitor = false })
	}
}

// monitorGate keeps those who monitor from the data: pauses do not hold them.
func monitorGate(s *session, e *entry, _ [][]byte) string {
	if s.monitors && (e.reads() || e.writes() || e.spec.Flags&(command.Write|command.MayReplicate) != 0) {
		return errReplicaData
	}
	return ""
}
