package server

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// A level is what a read promises.
type level struct {
	kind levelKind
	age  time.Duration // of bounded
}

type levelKind byte

const (
	unset              levelKind = iota // a session that has not chosen: the node's default
	stale                               // whatever is here
	bounded                             // no older than age
	sessionLevel                        // the session's own writes, and never back in time
	linearizable                        // every write that was answered before the read arrived
	linearizableStrict                  // the same, whatever clocks do
)

var errLevel = errors.New("argument must be stale, bounded:MS, session, linearizable or linearizable-strict")

// parseLevel reads a level as RAFT CONSISTENCY and read-consistency spell it.
func parseLevel(s string) (level, error) {
	s = strings.ToLower(s)
	switch s {
	case "stale":
		return level{kind: stale}, nil
	case "session":
		return level{kind: sessionLevel}, nil
	case "linearizable":
		return level{kind: linearizable}, nil
	case "linearizable-strict":
		return level{kind: linearizableStrict}, nil
	}
	if ms, ok := strings.CutPrefix(s, "bounded:"); ok {
		n, err := strconv.ParseUint(ms, 10, 31)
		if err == nil {
			return level{bounded, time.Duration(n) * time.Millisecond}, nil
		}
	}
	return level{}, errLevel
}

func checkLevel(s string) (string, error) {
	l, err := parseLevel(s)
	if err != nil {
		return "", err
	}
	return l.String(), nil
}

// String is the level as parseLevel reads it.
func (l level) String() string {
	switch l.kind {
	case stale:
		return "stale"
	case bounded:
		return "bounded:" + strconv.FormatInt(l.age.Milliseconds(), 10)
	case sessionLevel:
		return "session"
	case linearizable:
		return "linearizable"
	case linearizableStrict:
		return "linearizable-strict"
	}
	return "default"
}

func (s *Server) applyReadLevel(value string) error {
	l, err := parseLevel(value)
	s.readLevel.Store(&l)
	return err
}

// defaultLevel is the level of sessions that have not chosen one.
func (s *Server) defaultLevel(leads bool) level {
	if leads {
		return level{kind: linearizable}
	}
	return *s.readLevel.Load()
}

// What a follower does with a write.
const (
	writesForward int32 = iota
	writesMoved
	writesReadOnly
)

func (s *Server) applyReplicaWrites(value string) error {
	s.replicaWrites.Store(map[string]int32{"forward": writesForward, "moved": writesMoved, "readonly": writesReadOnly}[value])
	return nil
}
