package server

import (
	"fmt"
	"strings"
	"time"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func latencyCommands() []*command.Spec {
	const flags = command.Admin | command.NoScript | command.Loading | command.Stale
	tips := []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"}
	return []*command.Spec{{Name: "latency", Summary: "A container for what tells of latencies", Since: "2.8.13", Group: "server",
		Complexity: "Depends on subcommand.", Sub: []*command.Spec{
			{Name: "doctor", Summary: "Get a report about latencies in words", Since: "2.8.13", Complexity: "O(1)", Flags: flags, Tips: tips,
				Handler: handler(latencyDoctor)},
			{Name: "graph", Usage: "event", Summary: "Get a drawing of an event's latencies", Since: "2.8.13", Complexity: "O(1)", Flags: flags, Tips: tips,
				Handler: handler(latencyGraph)},
			{Name: "histogram", Usage: "[command [command ...]]", Summary: "Get how the durations of commands are distributed", Since: "7.0.0",
				Complexity: "O(N) where N is the number of commands with latency information being retrieved.", Flags: flags, Tips: tips,
				Handler: handler(latencyHistogram)},
			{Name: "history", Usage: "event", Summary: "Get the latencies of an event with their times", Since: "2.8.13", Complexity: "O(1)", Flags: flags, Tips: tips,
				Handler: handler(latencyHistory)},
			{Name: "latest", Summary: "Get the latest latency of every event", Since: "2.8.13", Complexity: "O(1)", Flags: flags, Tips: tips,
				Handler: handler(latencyLatest), Differs: "Events besides command, fast-command, expire-cycle and aof-fsync-always: log-commit and read-index, for what waits for the cluster."},
			{Name: "reset", Usage: "[event [event ...]]", Summary: "Forget the latencies of events, or of all", Since: "2.8.13", Complexity: "O(1)", Flags: flags,
				Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"}, Handler: handler(latencyReset)},
			command.HelpSub("2.8.13", handler(helpCommand)),
		}}}
}

func latencyHistory(s *session, args [][]byte, out reply.Sink) {
	series := s.srv.latencies.get(string(args[2]))
	if series == nil {
		out.Array(0)
		return
	}
	out.Array(len(series.samples))
	for _, x := range series.samples {
		out.Array(2)
		out.Int(x.at)
		out.Int(x.ms)
	}
}

func latencyLatest(s *session, _ [][]byte, out reply.Sink) {
	l := &s.srv.latencies
	type latest struct {
		event  string
		series *latencySeries
	}
	var all []latest
	for _, event := range l.events() {
		if series := l.get(event); series != nil {
			all = append(all, latest{event, series})
		}
	}
	out.Array(len(all))
	for _, x := range all {
		last := x.series.samples[len(x.series.samples)-1]
		out.Array(4)
		out.Text(x.event)
		out.Int(last.at)
		out.Int(last.ms)
		out.Int(x.series.highest)
	}
}

func latencyReset(s *session, args [][]byte, out reply.Sink) {
	n := 0
	if len(args) == 2 {
		n = s.srv.latencies.reset(func(string) bool { return true })
	}
	for _, a := range args[2:] {
		n += s.srv.latencies.reset(func(event string) bool { return strings.EqualFold(event, string(a)) })
	}
	out.Int(int64(n))
}

func latencyGraph(s *session, args [][]byte, out reply.Sink) {
	event := string(args[2])
	series := s.srv.latencies.get(event)
	if series == nil {
		out.Error("ERR No samples available for event '" + cText(args[2], len(args[2])) + "'")
		return
	}
	now := time.Now()
	f := series.figures(now)
	text := fmt.Sprintf("%s - high %d ms, low %d ms (all time high %d ms)\n%s\n", event, f.most, f.least, series.highest,
		strings.Repeat("-", graphWidth))
	out.Verbatim("txt", text+series.graph(now))
}

// latencyHistogram shows how durations are distributed, of all commands or of those that are named; a container
// stands for its subcommands. What has not been called has none.
func latencyHistogram(s *session, args [][]byte, out reply.Sink) {
	type shown struct {
		name   string
		counts *histogramCounts
	}
	var list []shown
	add := func(e *entry) {
		if h := e.stats.histogram.Load(); h != nil {
			if c := h.snapshot(); c.total > 0 {
				list = append(list, shown{e.name, c})
			}
		}
	}
	c := s.srv.commands
	if len(args) == 2 {
		for _, e := range c.all {
			add(e)
		}
	}
	for _, name := range args[2:] {
		if spec := c.table.Named(string(name)); spec != nil {
			add(c.bySpec[spec])
			for _, sub := range spec.Sub {
				add(c.bySpec[sub])
			}
		}
	}
	out.Map(len(list))
	for _, x := range list {
		out.Text(x.name)
		x.counts.write(out)
	}
}

func (c *histogramCounts) write(out reply.Sink) {
	out.Map(2)
	out.Text("calls")
	out.Int(int64(c.total))
	out.Text("histogram_usec")
	n := 0
	c.ranges(func(int64, uint64) { n++ })
	out.Map(n)
	c.ranges(func(micros int64, count uint64) {
		out.Int(micros)
		out.Int(int64(count))
	})
}
