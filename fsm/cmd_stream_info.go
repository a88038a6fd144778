package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func streamInfoCommands() []*command.Spec {
	key := command.KeyAt(2, command.RO|command.Access)
	return []*command.Spec{
		{Name: "xinfo", Group: "stream", Since: "5.0.0", Summary: "Tell about a stream", Sub: []*command.Spec{
			{Name: "consumers", Usage: "key groupname", Since: "5.0.0", Complexity: "O(N) for N consumers",
				Summary: "Tell about the consumers of a group", Flags: command.ReadOnly, Keys: key,
				Tips: []string{"nondeterministic_output"}, Handler: handler(xinfoConsumersCommand)},
			{Name: "groups", Usage: "key", Since: "5.0.0", Complexity: "O(N) for N groups",
				Summary: "Tell about the groups of a stream", Flags: command.ReadOnly, Keys: key, Handler: handler(xinfoGroupsCommand)},
			{Name: "stream", Usage: "key [FULL [COUNT count]]", Since: "5.0.0", Complexity: "O(N) for N nodes of some hundred entries",
				Summary: "Tell about a stream; FULL shows entries, groups, consumers and what is pending", Flags: command.ReadOnly,
				Keys: key, Handler: handler(xinfoStreamCommand)},
			command.HelpSub("5.0.0", handler(helpCommand)),
		}},
	}
}

// known is the stream that XINFO tells about, which must be there or the command has been answered.
func (r *run) known() (s *value.Stream, ok bool) {
	s, ok = r.stream(r.args[2])
	if ok && s == nil {
		r.out.Error(errNoSuchKey)
	}
	return s, ok && s != nil
}

func xinfoConsumersCommand(r *run) {
	s, ok := r.known()
	if !ok {
		return
	}
	g := s.Group(r.args[3])
	if g == nil {
		r.out.Error(errNoGroupOfKey(r.args[3], r.args[2]))
		return
	}
	r.out.Array(g.Consumers())
	g.EachConsumer(func(c *value.Consumer) {
		r.out.Map(3)
		r.out.Text("name")
		r.out.Text(c.Name())
		r.count("pending", c.Pending())
		r.out.Text("idle")
		r.out.Int(max(0, r.idle(c.Seen)))
	})
}

// count answers with a number and what it counts.
func (r *run) count(what string, n int) {
	r.out.Text(what)
	r.out.Int(int64(n))
}

func xinfoGroupsCommand(r *run) {
	s, ok := r.known()
	if !ok {
		return
	}
	r.out.Array(s.Groups())
	s.EachGroup(func(g *value.Group) {
		r.out.Map(6)
		r.out.Text("name")
		r.out.Text(g.Name())
		r.count("consumers", g.Consumers())
		r.count("pending", g.Pending())
		r.groupProgress(s, g)
	})
}

// groupProgress answers with how far a group has come.
func (r *run) groupProgress(s *value.Stream, g *value.Group) {
	r.out.Text("last-delivered-id")
	r.streamID(g.Last)
	r.out.Text("entries-read")
	r.intOrNull(g.Read, g.Read != value.ReadUnknown)
	r.out.Text("lag")
	r.intOrNull(s.Lag(g))
}

func (r *run) intOrNull(n int64, ok bool) {
	if ok {
		r.out.Int(n)
	} else {
		r.out.Null()
	}
}

func xinfoStreamCommand(r *run) {
	s, ok := r.known()
	if !ok {
		return
	}
	options := r.args[3:]
	if len(options) == 0 {
		r.out.Map(10)
		r.streamTotals(s)
		r.count("groups", s.Groups())
		r.out.Text("first-entry")
		r.endOfStream(s, false)
		r.out.Text("last-entry")
		r.endOfStream(s, true)
		return
	}
	if len(options) != 1 && len(options) != 3 || !command.IsWord(options[0], "FULL") ||
		len(options) == 3 && !command.IsWord(options[1], "COUNT") {
		r.out.Error(r.errSubcommand())
		return
	}
	const usual = 10
	count := int64(usual)
	if len(options) == 3 {
		if count, ok = r.integer(options[2]); !ok {
			return
		}
		if count < 0 {
			count = usual
		}
	}
	r.out.Map(9)
	r.streamTotals(s)
	r.out.Text("entries")
	r.streamRange(s, value.StreamID{}, value.MaxStreamID(), count, false)
	r.out.Text("groups")
	r.out.Array(s.Groups())
	s.EachGroup(func(g *value.Group) { r.fullGroup(s, g, count) })
}

// streamTotals answers with the seven pairs that are about the stream as a whole.
func (r *run) streamTotals(s *value.Stream) {
	r.count("length", s.Len())
	r.count("radix-tree-keys", s.Nodes())
	r.count("radix-tree-nodes", s.RadixNodes())
	r.out.Text("last-generated-id")
	r.streamID(s.Last)
	r.out.Text("max-deleted-entry-id")
	r.streamID(s.MaxDeleted)
	r.out.Text("entries-added")
	r.out.Int(int64(s.Added))
	r.out.Text("recorded-first-entry-id")
	r.streamID(s.First)
}

// endOfStream answers with the first entry, or the last.
func (r *run) endOfStream(s *value.Stream, last bool) {
	any := false
	s.Range(value.StreamID{}, value.MaxStreamID(), last, func(e *value.StreamEntry) bool {
		r.streamEntry(e)
		any = true
		return false
	})
	if !any {
		r.out.Null()
	}
}

// fullGroup answers with all about a group, and up to count, if that is not 0, of what is pending in it, and for
// each of its consumers.
func (r *run) fullGroup(s *value.Stream, g *value.Group, count int64) {
	r.out.Map(7)
	r.out.Text("name")
	r.out.Text(g.Name())
	r.groupProgress(s, g)
	r.count("pel-count", g.Pending())
	r.out.Text("pending")
	r.fullPending(g, nil, g.Pending(), count)
	r.out.Text("consumers")
	r.out.Array(g.Consumers())
	g.EachConsumer(func(c *value.Consumer) {
		r.out.Map(4)
		r.out.Text("name")
		r.out.Text(c.Name())
		r.out.Text("seen-time")
		r.out.Int(c.Seen)
		r.count("pel-count", c.Pending())
		r.out.Text("pending")
		r.fullPending(g, c, c.Pending(), count)
	})
}

// fullPending answers with what is pending in a group, or for one of its consumers, n entries of which up to
// count are shown.
func (r *run) fullPending(g *value.Group, c *value.Consumer, n int, count int64) {
	if count > 0 {
		n = int(min(int64(n), count))
	}
	r.out.Array(n)
	if n == 0 {
		return
	}
	g.EachPending(c, value.StreamID{}, func(p value.Pending) bool {
		parts := 4
		if c != nil {
			parts = 3
		}
		r.out.Array(parts)
		r.streamID(p.ID)
		if c == nil {
			r.out.Text(p.Consumer())
		}
		r.out.Int(p.Delivered)
		r.out.Int(int64(p.Count))
		n--
		return n > 0
	})
}
