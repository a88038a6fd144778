package server

import (
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
)

var errJoin = errors.New("argument must be host:port, or several of them separated by commas")

// checkJoin reads where to join: host:port[,host:port…], or host and port in two words as redis.conf's
// replicaof has them; "no one" is nowhere.
func checkJoin(value string) (string, error) {
	words := strings.Fields(value)
	switch {
	case len(words) == 0, len(words) == 2 && strings.EqualFold(value, "no one"):
		return "", nil
	case len(words) == 2:
		value = net.JoinHostPort(words[0], words[1])
	case len(words) > 2:
		return "", errJoin
	}
	for _, addr := range strings.Split(value, ",") {
		host, port, err := net.SplitHostPort(addr)
		if err != nil || host == "" || port == "" {
			return "", errJoin
		}
	}
	return value, nil
}

// applyLogLevel sets the level of the log, if the server was given a handle on it.
func (s *Server) applyLogLevel(value string) error {
	if s.logLevel != nil {
		s.logLevel.Set(map[string]slog.Level{"debug": slog.LevelDebug, "verbose": slog.LevelInfo - 1,
			"notice": slog.LevelInfo, "warning": slog.LevelWarn}[value])
	}
	return nil
}

// applyTrackingLimit keeps the keys of client-side caching within a new limit.
func (s *Server) applyTrackingLimit(value string) error {
	n, err := strconv.Atoi(value)
	s.tracking.mu.Lock()
	defer s.tracking.mu.Unlock()
	s.tracking.limit = n
	s.tracking.trim()
	return err
}

// applyRequestTimeout is for sessions, which cannot look the parameter up with every batch.
func (s *Server) applyRequestTimeout(value string) error {
	ms, err := strconv.ParseInt(value, 10, 64)
	s.requestTimeout.Store(ms)
	return err
}

// applyBacklog tells the cluster, if there is one yet.
func (s *Server) applyBacklog(value string) error {
	bytes, err := strconv.ParseInt(value, 10, 64)
	if c := s.cluster(); c != nil {
		c.KeepLog(bytes)
	}
	return err
}
