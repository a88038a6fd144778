package server

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

var (
	errMemoryOrPercent = errors.New("argument must be a memory or percent value")
	errPercent         = errors.New("percentage argument must be less or equal to 100")
)

// checkClientMemory reads maxmemory-clients: bytes, or a part of maxmemory in percent.
func checkClientMemory(text string) (string, error) {
	if number, percent := strings.CutSuffix(text, "%"); percent {
		switch n, ok := fsm.ParseInt([]byte(number)); {
		case !ok || n < 0:
			return "", errMemoryOrPercent
		case n > 100:
			return "", errPercent
		case n == 0:
			return "0", nil
		}
		return text, nil
	}
	n, ok := fsm.ParseMemory(text)
	if !ok {
		return "", errMemoryOrPercent
	}
	return strconv.FormatInt(n, 10), nil
}

// clientMemoryLimit is what all clients together may take, 0 for any amount.
func (s *Server) clientMemoryLimit() int64 {
	limit := s.config.Get("maxmemory-clients")
	if number, percent := strings.CutSuffix(limit, "%"); percent {
		n, _ := strconv.ParseInt(number, 10, 64)
		return s.machine.MaxMemory() / 100 * n
	}
	n, _ := strconv.ParseInt(limit, 10, 64)
	return n
}

// clientSize is what a session takes.
type clientSize struct {
	session *session
	bytes   int64
}

// evictClients ends the sessions that take most until so many bytes are freed, and returns how many are. Those that
// CLIENT NO-EVICT protects stay, however much they take.
func (s *Server) evictClients(sizes []clientSize, excess int64) (freed int64) {
	slices.SortFunc(sizes, func(a, b clientSize) int { return cmp.Compare(b.bytes, a.bytes) })
	for _, c := range sizes {
		if freed >= excess {
			break
		}
		if c.session.profile().noEvict {
			continue
		}
		freed += c.bytes
		s.stats.evicted.Add(1)
		s.log.Info("client evicted: clients take more than maxmemory-clients allows", "client",
			string(c.session.appendLine(nil, time.Now())))
		c.session.kill()
	}
	return freed
}
