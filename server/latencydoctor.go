package server

import (
	"fmt"
	"strings"
	"time"

	"github.com/redraftdb/redraft/fsm/reply"
)

// latencyDoctor tells what there is to tell of each event, and what could be done about it.
func latencyDoctor(s *session, _ [][]byte, out reply.Sink) {
	l := &s.srv.latencies
	events := l.events()
	var b strings.Builder
	switch {
	case len(events) > 0:
		s.srv.diagnose(&b, events)
	case l.threshold.Load() == 0:
		b.WriteString("Latencies are not monitored on this node. CONFIG SET latency-monitor-threshold <ms> has it keep whatever takes so long or longer.\n")
	default:
		fmt.Fprintf(&b, "Nothing on this node has taken %d ms or longer since the last LATENCY RESET.\n", l.threshold.Load())
	}
	out.Verbatim("txt", b.String())
}

// diagnose writes a line for each event, then advice, each once.
func (s *Server) diagnose(b *strings.Builder, events []string) {
	now := time.Now()
	b.WriteString("These events have taken long on this node:\n\n")
	var advice []string
	for i, event := range events {
		series := s.latencies.get(event)
		if series == nil {
			continue
		}
		f := series.figures(now)
		fmt.Fprintf(b, "%d. %s: %d latency spikes (average %dms, mean deviation %dms, period %.2f sec). Worst all time event %dms.\n",
			i+1, event, f.samples, f.mean, f.spread, float64(f.period)/float64(f.samples), series.highest)
		advice = append(advice, s.advise(event)...)
	}
	b.WriteString("\nWhat could help:\n\n")
	seen := map[string]bool{}
	for _, line := range advice {
		if !seen[line] {
			seen[line] = true
			b.WriteString("- " + line + "\n")
		}
	}
}

// advise is what an operator might do about an event.
func (s *Server) advise(event string) []string {
	const (
		disk = "The log is synced before a write is answered, so the disk's sync is part of every write. Give the data directory a disk of its own, an SSD with power-loss protection if there is one; see what else writes to it."
		peer = "A write waits for a majority of the voters, and a read on a follower for the leader. Look at the nodes' disks and at the network between them: INFO raft and INFO replication tell how far behind each is."
		cpu  = "What should take microseconds took milliseconds: the process did not get the processor, or waited for its memory. Look for other load on this machine, for a limit of its container, and for swapping."
	)
	switch event {
	case eventCommand:
		return append(s.adviseSlowlog(), "Commands that look at many elements hold up the others. Use their COUNT options, the SCAN family instead of KEYS, and smaller values.")
	case eventFast:
		return []string{cpu}
	case eventExpire:
		return []string{"Many keys fell due at the same moment. Spread their deadlines a little."}
	case EventLogSync:
		return []string{disk}
	case eventCommit:
		return []string{disk, peer}
	case eventReadIndex:
		return []string{peer, "Reads that may be a little old need not wait: RAFT CONSISTENCY and the parameter read-consistency choose what is enough."}
	}
	return nil
}

// adviseSlowlog says how the slow log can name the commands.
func (s *Server) adviseSlowlog() []string {
	threshold := s.latencies.threshold.Load() * 1000
	switch slower := s.slowlog.slower.Load(); {
	case slower < 0:
		return []string{fmt.Sprintf("The slow log is off. CONFIG SET slowlog-log-slower-than %d has it name the commands.", threshold)}
	case threshold > 0 && slower > threshold:
		return []string{fmt.Sprintf("The slow log names slower commands than these only. CONFIG SET slowlog-log-slower-than %d would name them.", threshold)}
	}
	return []string{"SLOWLOG GET names the commands."}
}
