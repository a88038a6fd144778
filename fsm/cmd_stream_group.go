package fsm

import (
	"strconv"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func streamGroupCommands() []*command.Spec {
	return []*command.Spec{
		{Name: "xgroup", Group: "stream", Since: "5.0.0", Summary: "Manage the consumer groups of a stream", Sub: xgroupCommands()},
		{Name: "xack", Usage: "key group id [id ...]", Group: "stream", Since: "5.0.0", Complexity: "O(log(N)) for each id, N being pending",
			Summary: "Take entries that were dealt with off what is pending", Flags: command.Write | command.Fast,
			Keys: command.OneKey(command.RW | command.Update), Handler: handler(xackCommand)},
		{Name: "xpending", Usage: "key group filters=[[IDLE min-idle-time] start:string end:string count [consumer]]", Group: "stream",
			Since: "5.0.0", Complexity: "O(log(N) + M) for M entries looked at of N that are pending; O(C) for C consumers without a range",
			Summary: "Tell what is pending in a group", Flags: command.ReadOnly, Keys: command.OneKey(command.RO | command.Access),
			Tips: []string{"nondeterministic_output"}, Handler: handler(xpendingCommand)},
	}
}

func xgroupCommands() []*command.Spec {
	const w = command.Write
	insert := command.KeyAt(2, command.RW|command.Insert)
	remove := command.KeyAt(2, command.RW|command.Delete)
	return []*command.Spec{
		{Name: "create", Usage: "key groupname <id | $> [MKSTREAM] [ENTRIESREAD entries_read]", Since: "5.0.0", Complexity: "O(1)",
			Summary: "Make a group that reads behind an id; MKSTREAM makes the stream, ENTRIESREAD says how many entries that is",
			Flags:   w | command.DenyOOM, Keys: insert, Handler: handler(xgroupCreateCommand)},
		{Name: "createconsumer", Usage: "key groupname consumername", Since: "6.2.0", Complexity: "O(1)",
			Summary: "Make a consumer of a group", Flags: w | command.DenyOOM, Keys: insert, Handler: handler(xgroupCreateconsumerCommand)},
		{Name: "delconsumer", Usage: "key groupname consumername", Since: "5.0.0", Complexity: "O(N) for N entries that are pending for it",
			Summary: "Remove a consumer, and count what is no longer pending", Flags: w, Keys: remove,
			Handler: handler(xgroupDelconsumerCommand)},
		{Name: "destroy", Usage: "key groupname", Since: "5.0.0", Complexity: "O(1)",
			Summary: "Remove a group", Flags: w, Keys: remove, Handler: handler(xgroupDestroyCommand)},
		{Name: "setid", Usage: "key groupname <id | $> [ENTRIESREAD entries_read]", Since: "5.0.0", Complexity: "O(1)",
			Summary: "Set the id behind which a group reads, and how many entries that is", Flags: w,
			Keys: command.KeyAt(2, command.RW|command.Update), Handler: handler(xgroupSetidCommand)},
		command.HelpSub("5.0.0", handler(helpCommand)),
	}
}

// groupOptions are the options of XGROUP CREATE and SETID.
type groupOptions struct {
	make bool  // MKSTREAM
	read int64 // ENTRIESREAD
}

// parseGroupOptions reads options from the arguments behind the id. With ok false the command has been answered.
func (r *run) parseGroupOptions(create bool) (o groupOptions, ok bool) {
	o.read = value.ReadUnknown
	for i := 5; i < len(r.args); i++ {
		switch {
		case create && command.IsWord(r.args[i], "MKSTREAM"):
			o.make = true
		case command.IsWord(r.args[i], "ENTRIESREAD") && i+1 < len(r.args):
			i++
			if o.read, ok = r.integer(r.args[i]); !ok {
				return o, false
			}
			if o.read < 0 && o.read != value.ReadUnknown {
				r.out.Error(errEntriesRead)
				return o, false
			}
		default:
			r.out.Error(r.errSubcommand())
			return o, false
		}
	}
	return o, true
}

// existing is the stream that XGROUP changes, which must be there or the command has been answered.
func (r *run) existing() (s *value.Stream, ok bool) {
	s, ok = r.stream(r.args[2])
	if ok && s == nil {
		r.out.Error(errGroupNoKey)
	}
	return s, ok && s != nil
}

// existingGroup is the stream and the group that XGROUP changes, for a change. If they are not there the
// command has been answered.
func (r *run) existingGroup() (g *value.Group, s *value.Stream, ok bool) {
	s, ok = r.existing()
	if !ok {
		return nil, nil, false
	}
	if s.Group(r.args[3]) == nil {
		r.out.Error(errNoGroupOfKey(r.args[3], r.args[2]))
		return nil, nil, false
	}
	s = r.change(r.args[2], s)
	return s.Change(&r.db.mem, r.args[3]), s, true
}

func xgroupCreateCommand(r *run) {
	o, ok := r.parseGroupOptions(true)
	if !ok {
		return
	}
	key, name := r.args[2], r.args[3]
	s, ok := r.stream(key)
	switch {
	case !ok:
		return
	case s == nil && !o.make:
		r.out.Error(errGroupNoKey)
		return
	case len(r.args) > 8:
		r.out.Error(r.errSubcommand())
		return
	}
	var id value.StreamID
	if string(r.args[4]) != "$" {
		if id, ok = r.parseID(r.args[4]); !ok {
			return
		}
	} else if s != nil {
		id = s.Last
	}
	made := s == nil
	if made {
		s = value.NewStream(&r.db.mem)
		r.putStream(key, s)
	} else {
		s = r.change(key, s)
	}
	if !s.CreateGroup(&r.db.mem, name, id, o.read) {
		r.out.Error(errBusyGroup)
		return
	}
	if made {
		r.touched(key)
	} else {
		r.counted()
	}
	r.event(EventStream, "xgroup-create", key)
	r.out.Status("OK")
}

func xgroupSetidCommand(r *run) {
	o, ok := r.parseGroupOptions(false)
	if !ok {
		return
	}
	g, s, ok := r.existingGroup()
	if !ok {
		return
	}
	if len(r.args) != 5 && len(r.args) != 7 {
		r.out.Error(r.errSubcommand())
		return
	}
	id := s.Last
	if string(r.args[4]) != "$" {
		if id, ok = r.parseLooseID(r.args[4], 0); !ok {
			return
		}
	}
	g.Last, g.Read = id, o.read
	r.counted()
	r.event(EventStream, "xgroup-setid", r.args[2])
	r.out.Status("OK")
}

func xgroupDestroyCommand(r *run) {
	s, ok := r.existing()
	if !ok {
		return
	}
	key, name := r.args[2], r.args[3]
	if s.Group(name) == nil {
		r.out.Int(0)
		return
	}
	r.change(key, s).DestroyGroup(name)
	r.touched(key) // those who wait for the group's entries wait in vain
	r.event(EventStream, "xgroup-destroy", key)
	r.out.Int(1)
}

func xgroupCreateconsumerCommand(r *run) {
	g, _, ok := r.existingGroup()
	if !ok {
		return
	}
	if g.Consumer(r.args[4]) != nil {
		r.out.Int(0)
		return
	}
	g.Member(&r.db.mem, r.args[4], r.now)
	r.counted()
	r.event(EventStream, "xgroup-createconsumer", r.args[2])
	r.out.Int(1)
}

func xgroupDelconsumerCommand(r *run) {
	g, _, ok := r.existingGroup()
	if !ok {
		return
	}
	pending, found := g.DeleteConsumer(&r.db.mem, r.args[4])
	if found {
		r.counted()
		r.event(EventStream, "xgroup-delconsumer", r.args[2])
	}
	r.out.Int(int64(pending))
}

func xackCommand(r *run) {
	key, name := r.args[1], r.args[2]
	s, ok := r.sourceStream(key)
	if !ok {
		return
	}
	if s == nil || s.Group(name) == nil {
		r.out.Int(0)
		return
	}
	ids, ok := r.parseIDs(r.args[3:])
	if !ok {
		return
	}
	g := r.change(key, s).Change(&r.db.mem, name)
	n := 0
	for _, id := range ids {
		if g.Ack(&r.db.mem, id) {
			n++
			r.counted()
		}
	}
	r.out.Int(int64(n))
}

// pendingFilter is what XPENDING asks for.
type pendingFilter struct {
	from, to value.StreamID
	count    int64
	idle     int64  // ms since an entry was delivered, at least
	consumer []byte // nil for all
}

func xpendingCommand(r *run) {
	var q pendingFilter
	if len(r.args) > 3 {
		var ok bool
		if q, ok = r.parsePending(); !ok {
			return
		}
	}
	s, ok := r.stream(r.args[1])
	if !ok {
		return
	}
	var g *value.Group
	if s != nil {
		g = s.Group(r.args[2])
	}
	switch {
	case g == nil:
		r.out.Error(errNoGroup(r.args[1], r.args[2]))
	case len(r.args) == 3:
		r.pendingSummary(g)
	default:
		r.pendingList(g, &q)
	}
}

func (r *run) parsePending() (q pendingFilter, ok bool) {
	if len(r.args) < 6 || len(r.args) > 9 {
		r.out.Error(errSyntax)
		return q, false
	}
	at := 3
	if command.IsWord(r.args[3], "IDLE") {
		if q.idle, ok = r.integer(r.args[4]); !ok {
			return q, false
		}
		if len(r.args) < 8 {
			r.out.Error(errSyntax)
			return q, false
		}
		at += 2
	}
	if q.count, ok = r.integer(r.args[at+2]); !ok {
		return q, false
	}
	if q.from, ok = r.parseBound(r.args[at], false); !ok {
		return q, false
	}
	if q.to, ok = r.parseBound(r.args[at+1], true); !ok {
		return q, false
	}
	if at+3 < len(r.args) {
		q.consumer = r.args[at+3]
	}
	return q, true
}

// pendingSummary answers with how much is pending, between which ids, and how much for each consumer.
func (r *run) pendingSummary(g *value.Group) {
	r.out.Array(4)
	r.out.Int(int64(g.Pending()))
	first, any := g.Next(value.StreamID{})
	if !any {
		r.out.Null()
		r.out.Null()
		r.out.NullArray()
		return
	}
	r.streamID(first.ID)
	r.streamID(g.Newest())
	busy := 0
	g.EachConsumer(func(c *value.Consumer) {
		if c.Pending() > 0 {
			busy++
		}
	})
	r.out.Array(busy)
	g.EachConsumer(func(c *value.Consumer) {
		if n := c.Pending(); n > 0 {
			r.out.Array(2)
			r.out.Text(c.Name())
			r.out.Bulk(strconv.AppendInt(r.digits[:0], int64(n), 10))
		}
	})
}

// pendingList answers with what is pending, one by one.
func (r *run) pendingList(g *value.Group, q *pendingFilter) {
	var c *value.Consumer
	if q.consumer != nil {
		if c = g.Consumer(q.consumer); c == nil {
			r.out.Array(0)
			return
		}
	}
	var found []value.Pending
	if q.count > 0 {
		g.EachPending(c, q.from, func(p value.Pending) bool {
			if p.ID.Compare(q.to) > 0 {
				return false
			}
			if q.idle == 0 || r.idle(p.Delivered) >= q.idle {
				found = append(found, p)
			}
			return int64(len(found)) < q.count
		})
	}
	r.out.Array(len(found))
	for i := range found {
		p := &found[i]
		r.out.Array(4)
		r.streamID(p.ID)
		r.out.Text(p.Consumer())
		r.out.Int(max(0, r.idle(p.Delivered)))
		r.out.Int(int64(p.Count))
	}
}
