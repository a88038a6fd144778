package server

import (
	"slices"
	"sync"
	"time"

	"github.com/redraftdb/redraft/fsm/command"
)

// replicaCount is how many followers a leader has heard of lately. It is counted anew when it is asked for and old.
type replicaCount struct {
	mu sync.Mutex
	at time.Time
	n  int
}

const replicaCountAge = 250 * time.Millisecond

// goodReplicas is how many followers this node, which leads, has heard of within so many seconds.
func (s *Server) goodReplicas(seconds int64) int {
	c := &s.replicas
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.at) < replicaCountAge {
		return c.n
	}
	c.at, c.n = now, 0
	for _, m := range s.cluster().Members(group) {
		if !m.Leader && m.Known && m.Contact <= time.Duration(seconds)*time.Second {
			c.n++
		}
	}
	return c.n
}

// tooFewReplicas reports whether min-replicas-to-write keeps this node, which leads, from taking writes.
func (s *Server) tooFewReplicas() bool {
	least, seconds := s.machine.MinReplicas()
	return least > 0 && s.goodReplicas(seconds) < least
}

// replicasGate refuses writes while too few followers are there, if this node leads: elsewhere the leader is asked.
// A script that does not say what it does may come to no write, so it is refused when it does (runsScript).
func replicasGate(s *session, e *entry, args [][]byte) string {
	if !s.srv.minReplicas() || !e.writes() && !(e.name == "exec" && s.multi.writes()) {
		return ""
	}
	if e.route == asScript {
		if hint := s.srv.machine.HintScript(e.spec, args); hint.ReadsOnly || !hint.Declared {
			return ""
		}
	}
	return s.srv.refusesAlone()
}

// minReplicas reports whether min-replicas-to-write asks for any.
func (s *Server) minReplicas() bool {
	least, _ := s.machine.MinReplicas()
	return least > 0
}

// refusesAlone is the error with which this node, if it leads, refuses writes for want of followers.
func (s *Server) refusesAlone() string {
	if c := s.cluster(); c == nil || !c.Leads(group) || !s.tooFewReplicas() {
		return ""
	}
	return errNoReplicas
}

// asksReplicas reports whether one of the items is a write that min-replicas-to-write is about.
func (s *Server) asksReplicas(items [][]byte) bool {
	return slices.ContainsFunc(items, func(item []byte) bool { return s.machine.Asks(item, command.Write) })
}
