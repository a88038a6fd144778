package server

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// memoryCommands are the subcommands of MEMORY that tell about this process; USAGE, which is about the data, is the
// machine's.
func memoryCommands() []*command.Spec {
	report := []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"}
	return []*command.Spec{{Name: "memory", Group: "server", Since: "4.0.0", Summary: "Tell about memory", Sub: []*command.Spec{
		{Name: "doctor", Since: "4.0.0", Complexity: "O(1)", Summary: "Say what is striking about this node's memory",
			Tips: report, Handler: handler(memoryDoctor)},
		{Name: "malloc-stats", Since: "4.0.0", Complexity: "O(1)", Summary: "Return the figures of the Go runtime's memory, and the arena's",
			Tips: report, Handler: handler(memoryMallocStats)},
		{Name: "purge", Since: "4.0.0", Complexity: "O(N) for N bytes in use", Summary: "Collect garbage and give free memory back to the system",
			Tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"}, Handler: handler(memoryPurge)},
		{Name: "stats", Since: "4.0.0", Complexity: "O(1)", Summary: "Return how this node uses memory",
			Tips: report, Handler: handler(memoryStats)},
	}}}
}

func memoryStats(s *session, _ [][]byte, out reply.Sink) {
	v := s.srv.view()
	m := &v.memory
	keys := int64(0)
	for _, db := range v.machine.Databases {
		keys += int64(db.Keys)
	}
	perKey := int64(0)
	if keys > 0 {
		perKey = (m.used - m.startup) / keys
	}
	ints := func(name string, n int64) {
		out.Text(name)
		out.Int(n)
	}
	doubles := func(name string, f float64) {
		out.Text(name)
		out.Double(f)
	}
	const figures = 27 // beside those of the databases
	out.Map(figures + len(v.machine.Databases))
	ints("peak.allocated", m.peak)
	ints("total.allocated", m.used)
	ints("startup.allocated", m.startup)
	ints("replication.backlog", 0)
	ints("clients.slaves", 0)
	ints("clients.normal", m.clients)
	ints("cluster.links", 0)
	ints("aof.buffer", 0)
	ints("lua.caches", 0)
	ints("functions.caches", 0)
	for _, db := range v.machine.Databases {
		out.Text(fmt.Sprintf("db.%d", db.Number))
		out.Map(3)
		ints("overhead.hashtable.main", db.Memory.Tables)
		ints("overhead.hashtable.expires", db.Memory.Expires)
		ints("overhead.hashtable.slot-to-keys", 0)
	}
	ints("overhead.total", m.overhead())
	ints("keys.count", keys)
	ints("keys.bytes-per-key", perKey)
	ints("dataset.bytes", m.dataset())
	doubles("dataset.percentage", m.datasetShare())
	doubles("peak.percentage", 100*fraction(m.used, m.peak))
	ints("allocator.allocated", m.allocated)
	ints("allocator.active", m.active)
	ints("allocator.resident", m.mapped)
	doubles("allocator-fragmentation.ratio", fraction(m.active, m.allocated))
	ints("allocator-fragmentation.bytes", m.active-m.allocated)
	doubles("allocator-rss.ratio", fraction(m.mapped, m.active))
	ints("allocator-rss.bytes", m.mapped-m.active)
	doubles("rss-overhead.ratio", fraction(m.resident, m.mapped))
	ints("rss-overhead.bytes", m.resident-m.mapped)
	doubles("fragmentation", fraction(m.resident, m.used))
	ints("fragmentation.bytes", m.resident-m.used)
}

// memoryPurge frees what was deleted, and has the runtime collect and give back what it can.
func memoryPurge(s *session, _ [][]byte, out reply.Sink) {
	for s.srv.machine.Tidy(tidyAtOnce) {
	}
	debug.FreeOSMemory()
	out.Status("OK")
}

// memoryMallocStats lists the runtime's own figures of memory and of its collector.
func memoryMallocStats(s *session, _ [][]byte, out reply.Sink) {
	var b strings.Builder
	machine := s.srv.machine.Stats()
	fmt.Fprintf(&b, "%-52s %d\n%-52s %d\n", "arena, mapped:bytes", machine.Mapped, "arena, live:bytes", machine.Live)
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		if d.Kind == metrics.KindUint64 && (strings.HasPrefix(d.Name, "/memory/") || strings.HasPrefix(d.Name, "/gc/")) {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	metrics.Read(samples)
	for _, m := range samples {
		fmt.Fprintf(&b, "%-52s %d\n", m.Name, m.Value.Uint64())
	}
	out.Verbatim("txt", b.String())
}

// A finding is something striking about memory, with what may be done about it.
type finding struct {
	holds func(m *memory, clients, limit int64) bool
	text  string
}

// findings lists what MEMORY DOCTOR looks for. The bounds are Redis' where it looks for the same.
func findings() []finding {
	return []finding{
		{func(m *memory, _, _ int64) bool { return fraction(m.peak, m.used) > 1.5 },
			"Peak: at its peak this node used more than one and a half times what it uses now. The runtime gives such memory back " +
				"to the system after some minutes; MEMORY PURGE has it do that at once."},
		{func(m *memory, _, _ int64) bool { return fraction(m.resident, m.used) > 1.4 },
			"Resident: the system counts over 1.4 times what is in use. Garbage that is not collected yet counts there, and gaps " +
				"between live cells: there are many after deletions, and while a snapshot is written."},
		{func(m *memory, _, _ int64) bool { return m.use.Pending > m.used/4 },
			"Pending: much of what was deleted or overwritten is not free yet. A snapshot that is being written keeps it, or it " +
				"waits for its turn."},
		{func(m *memory, clients, _ int64) bool { return clients > 0 && m.clients/clients > 200<<10 },
			"Clients: connections take over 200 KB each on the average. CLIENT LIST shows those that do not read their replies " +
				"or send very long commands."},
		{func(m *memory, _, limit int64) bool { return limit > m.total },
			"Limit: maxmemory is more than this machine has, so the system ends the process before anything is evicted."},
		{func(m *memory, _, limit int64) bool { return limit > 0 && m.used-m.use.Pending > limit },
			"Full: more is in use than maxmemory allows. Keys are being evicted, or, where the policy finds none that may go, " +
				"writes refused."},
	}
}

// memoryDoctor tells what is striking. While little is in use, ratios mean nothing.
func memoryDoctor(s *session, _ [][]byte, out reply.Sink) {
	const little = 5 << 20
	v := s.srv.view()
	var found []string
	for _, f := range findings() {
		if f.holds(&v.memory, int64(s.srv.sessions.count()), s.srv.machine.MaxMemory()) {
			found = append(found, " * "+f.text)
		}
	}
	text := "Nothing is striking about this node's memory.\n"
	switch {
	case v.memory.used-v.memory.startup < little:
		text = "This node holds so little that nothing can be said of its memory.\n"
	case len(found) > 0:
		text = "Of this node's memory this is striking:\n\n" + strings.Join(found, "\n\n") + "\n"
	}
	out.Verbatim("txt", text)
}
