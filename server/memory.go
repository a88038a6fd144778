package server

import (
	"context"
	"runtime/metrics"
	"slices"

	"github.com/redraftdb/redraft/fsm/command"
)

// What counts as used memory is what the server was made with, what the machine counts of its data, and what clients
// keep waiting. It is counted, not measured: what the collector has not looked at yet is none of it.

// usedMemory is how many bytes the server uses, but for what is given up already: what maxmemory limits.
func (s *Server) usedMemory() int64 {
	return s.startup + s.machine.Used() + s.clientMemory.Load()
}

// heapBytes is what objects take in the Go heap, those that are garbage included.
func heapBytes() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// tidyAtOnce is how many cells are freed under one lock while nobody writes.
const tidyAtOnce = 2048

// memoryGate refuses what takes memory when there is none left, if this node leads: elsewhere the leader is asked. In a
// transaction nothing is queued then, as in Redis: the queue takes memory as well. A client that keeps what it reads is
// told of what is evicted before it reads on.
func memoryGate(s *session, e *entry, _ [][]byte) string {
	if !s.srv.overMemory() {
		return ""
	}
	takes := e.spec.Is(command.DenyOOM) || s.multi.open && !e.now || e.name == "exec" && s.multi.takesMemory()
	c := s.srv.cluster()
	if c == nil || !c.Leads(group) || !takes && !e.writes() && s.tracks == nil {
		return ""
	}
	defer s.patience.end()
	if !takes && !e.writes() {
		s.srv.eviction.settle(s.begin())
		return ""
	}
	if s.srv.eviction.makeRoom(s.begin()) || !takes {
		return ""
	}
	return errOOM
}

// ration is what of items goes into the log, by the memory that this node, which leads, has left, and in the form in which
// it does. refused tells which do not, if any.
func (s *Server) ration(ctx context.Context, items [][]byte) (taken [][]byte, refused []bool) {
	if !s.overMemory() || s.eviction.makeRoom(ctx) {
		return items, nil
	}
	for i, item := range items {
		if item = s.machine.Starve(item); item != nil {
			taken = append(taken, item)
			continue
		}
		if refused == nil {
			refused = make([]bool, len(items))
		}
		refused[i] = true
	}
	return taken, refused
}

// withRefusals puts the errors of items that were refused between the replies of the others.
func withRefusals(replies []byte, refused []bool) []byte {
	if refused == nil {
		return replies
	}
	var all []byte
	for _, no := range refused {
		if no {
			all = append(all, "-"+errOOM+"\r\n"...)
			continue
		}
		n := replyEnd(replies)
		all, replies = append(all, replies[:n]...), replies[n:]
	}
	return all
}

// overMemory reports whether more memory is used than may be.
func (s *Server) overMemory() bool {
	limit := s.machine.MaxMemory()
	return limit > 0 && s.usedMemory() > limit
}

// takesMemory reports whether a command of the transaction is refused for want of memory.
func (t *transaction) takesMemory() bool {
	return slices.ContainsFunc(t.queue, func(q queued) bool { return q.spec.Is(command.DenyOOM) })
}
