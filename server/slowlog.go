package server

import (
	"bytes"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

const (
	slowlogArgs  = 32  // arguments of a command that an entry keeps
	slowlogBytes = 128 // bytes of each
	slowlogShown = 10  // entries that SLOWLOG GET shows unless it is told how many
)

func slowlogCommands() []*command.Spec {
	const flags = command.Admin | command.Loading | command.Stale
	const nodes, varies = "request_policy:all_nodes", "nondeterministic_output"
	return []*command.Spec{{Name: "slowlog", Summary: "A container for the log of slow commands", Since: "2.2.12", Group: "server",
		Complexity: "Depends on subcommand.", Sub: []*command.Spec{
			{Name: "get", Usage: "[count]", Summary: "Get the newest entries of the slow log", Since: "2.2.12",
				Complexity: "O(N) where N is the number of entries returned", Flags: flags, Tips: []string{nodes, varies},
				Handler: handler(slowlogGet), Differs: "A write's time is that of its execution, without its way through the log: see LATENCY for that."},
			{Name: "len", Summary: "Get the number of entries in the slow log", Since: "2.2.12", Complexity: "O(1)", Flags: flags,
				Tips: []string{nodes, "response_policy:agg_sum", varies}, Handler: handler(slowlogLen)},
			{Name: "reset", Summary: "Empty the slow log", Since: "2.2.12", Complexity: "O(N) where N is the number of entries in the slowlog",
				Flags: flags, Tips: []string{nodes, "response_policy:all_succeeded"}, Handler: handler(slowlogReset)},
			command.HelpSub("6.2.0", handler(helpCommand)),
		}}}
}

// slowlog keeps the newest of the commands that took long on this node.
type slowlog struct {
	slower atomic.Int64 // µs: slowlog-log-slower-than; negative for none
	most   atomic.Int64 // entries: slowlog-max-len

	mu      sync.Mutex
	entries []slowEntry // oldest first
	next    int64       // id of the next
}

// slowEntry is one command that took long.
type slowEntry struct {
	id     int64
	at     time.Time
	micros int64
	args   [][]byte
	addr   string
	name   string // of the client
}

// add takes in a command. args are those that may be shown; they are copied.
func (l *slowlog) add(micros int64, args [][]byte, addr, name string) {
	e := slowEntry{at: time.Now(), micros: micros, args: trimArgs(args), addr: addr, name: name}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id = l.next
	l.next++
	l.entries = append(l.entries, e)
	l.trim()
}

// trim drops what is more than there may be.
func (l *slowlog) trim() {
	if over := len(l.entries) - int(l.most.Load()); over > 0 {
		clear(l.entries[:over])
		l.entries = l.entries[over:]
	}
}

// trimArgs copies arguments as far as an entry keeps them, and says what it left out.
func trimArgs(args [][]byte) [][]byte {
	kept := make([][]byte, 0, min(len(args), slowlogArgs))
	for i, a := range args {
		switch {
		case i == slowlogArgs-1 && len(args) > slowlogArgs:
			return append(kept, []byte("... ("+strconv.Itoa(len(args)-i)+" more arguments)"))
		case len(a) > slowlogBytes:
			kept = append(kept, []byte(string(a[:slowlogBytes])+"... ("+strconv.Itoa(len(a)-slowlogBytes)+" more bytes)"))
		default:
			kept = append(kept, bytes.Clone(a))
		}
	}
	return kept
}

func slowlogGet(s *session, args [][]byte, out reply.Sink) {
	count := int64(slowlogShown)
	if len(args) > 3 {
		out.Error("ERR unknown subcommand or wrong number of arguments for '" + string(args[1]) + "'. Try SLOWLOG HELP.")
		return
	}
	if len(args) == 3 {
		n, ok := fsm.ParseInt(args[2])
		if !ok || n < -1 {
			out.Error("ERR count should be greater than or equal to -1")
			return
		}
		if count = n; n == -1 {
			count = math.MaxInt64
		}
	}
	l := &s.srv.slowlog
	l.mu.Lock()
	defer l.mu.Unlock()
	n := int(min(count, int64(len(l.entries))))
	out.Array(n)
	for i := range n {
		l.entries[len(l.entries)-1-i].write(out)
	}
}

func (e *slowEntry) write(out reply.Sink) {
	out.Array(6)
	out.Int(e.id)
	out.Int(e.at.Unix())
	out.Int(e.micros)
	out.Array(len(e.args))
	for _, a := range e.args {
		out.Bulk(a)
	}
	out.Text(e.addr)
	out.Text(e.name)
}

func slowlogLen(s *session, _ [][]byte, out reply.Sink) {
	l := &s.srv.slowlog
	l.mu.Lock()
	defer l.mu.Unlock()
	out.Int(int64(len(l.entries)))
}

func slowlogReset(s *session, _ [][]byte, out reply.Sink) {
	l := &s.srv.slowlog
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
	out.Status("OK")
}

func (s *Server) applySlowlogSlower(value string) (err error) {
	micros, err := strconv.ParseInt(value, 10, 64)
	s.slowlog.slower.Store(micros)
	return err
}

func (s *Server) applySlowlogMost(value string) error {
	n, err := strconv.ParseInt(value, 10, 64)
	l := &s.slowlog
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most.Store(n)
	l.trim()
	return err
}
