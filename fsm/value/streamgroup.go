package value

import "github.com/tidwall/btree"

// A Group is a consumer group of a stream: what it has read, its consumers, and what it delivered to them
// and they have not acknowledged. Whoever changes one gets it from Stream.Change.
type Group struct {
	name      string
	pending   index[Pending]
	consumers *btree.BTreeG[*Consumer] // by name
	names     int64                    // bytes of the consumers' names
	born      uint32

	// Last is the id of the last entry that was delivered.
	Last StreamID
	// Read is how many of the stream's entries were read to get there, ReadUnknown if that is not known.
	Read int64
}

// ReadUnknown stands for a number of entries that nobody can tell any more.
const ReadUnknown = -1

// A Consumer is a member of a Group.
type Consumer struct {
	name    *string // the same as in what is pending
	pending index[StreamID]
	born    uint32

	// Seen is when it last asked for something, in ms since the epoch.
	Seen int64
}

// Pending is an entry that was delivered to a consumer and not acknowledged. The entry itself may be gone.
type Pending struct {
	ID        StreamID
	Delivered int64  // when, in ms since the epoch
	Count     uint64 // how often
	owner     *string
}

// Consumer returns the name of the consumer that has the entry.
func (p *Pending) Consumer() string { return *p.owner }

func newGroup(m *Memory, name []byte, last StreamID, read int64) *Group {
	unlocked := btree.Options{NoLocks: true}
	return &Group{
		name:      string(name),
		pending:   newIndex(func(p *Pending) StreamID { return p.ID }),
		consumers: btree.NewBTreeGOptions(func(a, b *Consumer) bool { return *a.name < *b.name }, unlocked),
		born:      m.Epoch,
		Last:      last,
		Read:      read,
	}
}

// Groups returns the number of groups.
func (s *Stream) Groups() int { return s.groups.Len() }

// EachGroup visits the groups by name.
func (s *Stream) EachGroup(visit func(g *Group)) {
	s.groups.Scan(func(g *Group) bool {
		visit(g)
		return true
	})
}

// Group returns a group for reading, nil if there is none of that name.
func (s *Stream) Group(name []byte) *Group {
	g, _ := s.groups.Get(&Group{name: string(name)})
	return g
}

// Change returns a group for a change, nil if there is none of that name. The stream is Writable.
func (s *Stream) Change(m *Memory, name []byte) *Group {
	g := s.Group(name)
	if g == nil || m.Private(g.born) {
		return g
	}
	c := *g
	c.pending, c.consumers, c.born = g.pending.fork(), g.consumers.Copy(), m.Epoch
	s.groups.Set(&c)
	return &c
}

// CreateGroup adds a group and reports whether the name was free. The stream is Writable.
func (s *Stream) CreateGroup(m *Memory, name []byte, last StreamID, read int64) bool {
	if s.Group(name) != nil {
		return false
	}
	s.groups.Set(newGroup(m, name, last, read))
	return true
}

// DestroyGroup removes a group and reports whether it was there. The stream is Writable.
func (s *Stream) DestroyGroup(name []byte) bool {
	_, ok := s.groups.Delete(&Group{name: string(name)})
	return ok
}

// duplicate returns a group with the same contents for another stream.
func (g *Group) duplicate(m *Memory) *Group {
	c := newGroup(m, nil, g.Last, g.Read)
	c.name, c.names, c.pending = g.name, g.names, g.pending.duplicate(m)
	g.consumers.Scan(func(member *Consumer) bool {
		c.consumers.Load(&Consumer{name: member.name, pending: member.pending.duplicate(m), born: m.Epoch, Seen: member.Seen})
		return true
	})
	return c
}

// bytes is about how much memory the group takes.
func (g *Group) bytes() int64 {
	const itself, consumer, pending = 480, 320, 64
	return itself + int64(len(g.name)) + g.names + consumer*int64(g.consumers.Len()) + pending*int64(g.pending.len)
}

// Name returns the group's name.
func (g *Group) Name() string { return g.name }

// Pending returns the number of pending entries.
func (g *Group) Pending() int { return g.pending.len }

// Find returns what is pending under an id.
func (g *Group) Find(id StreamID) (p Pending, ok bool) { return g.pending.get(Pending{ID: id}) }

// EachPending visits what is pending, of a consumer or of all if it is nil, from an id on, until visit says
// false. The visitor changes nothing.
func (g *Group) EachPending(c *Consumer, from StreamID, visit func(p Pending) bool) {
	if c == nil {
		g.pending.ascend(Pending{ID: from}, visit)
		return
	}
	c.pending.ascend(from, func(id StreamID) bool {
		p, _ := g.Find(id)
		return visit(p)
	})
}

// Next returns the first pending entry from an id on.
func (g *Group) Next(from StreamID) (p Pending, ok bool) {
	g.EachPending(nil, from, func(first Pending) bool {
		p, ok = first, true
		return false
	})
	return p, ok
}

// Newest returns the id of the last pending entry, 0-0 without any.
func (g *Group) Newest() StreamID {
	p, _ := g.pending.last()
	return p.ID
}

// Consumers returns the number of consumers.
func (g *Group) Consumers() int { return g.consumers.Len() }

// EachConsumer visits the consumers by name.
func (g *Group) EachConsumer(visit func(c *Consumer)) {
	g.consumers.Scan(func(c *Consumer) bool {
		visit(c)
		return true
	})
}

// Name returns the consumer's name.
func (c *Consumer) Name() string { return *c.name }

// Pending returns the number of the consumer's pending entries.
func (c *Consumer) Pending() int { return c.pending.len }

// Consumer returns a consumer for reading, nil if there is none of that name.
func (g *Group) Consumer(name []byte) *Consumer {
	text := string(name)
	c, _ := g.consumers.Get(&Consumer{name: &text})
	return c
}

// Member returns a consumer, which is made if it is not there. In either case it was seen now.
func (g *Group) Member(m *Memory, name []byte, now int64) (c *Consumer, created bool) {
	if c = g.Consumer(name); c != nil {
		c = g.own(m, c)
	} else {
		created = true
		text := string(name)
		c = &Consumer{
			name:    &text,
			pending: newIndex(func(id *StreamID) StreamID { return *id }),
			born:    m.Epoch,
		}
		g.consumers.Set(c)
		g.names += int64(len(text))
	}
	c.Seen = now
	return c, created
}

// own returns a consumer of the group, or the copy that is put in its place, for a change.
func (g *Group) own(m *Memory, c *Consumer) *Consumer {
	if m.Private(c.born) {
		return c
	}
	c = &Consumer{name: c.name, pending: c.pending.fork(), born: m.Epoch, Seen: c.Seen}
	g.consumers.Set(c)
	return c
}

// Assign makes an entry pending for a consumer that Member returned, whoever had it before.
func (g *Group) Assign(m *Memory, c *Consumer, p Pending) {
	p.owner = c.name
	old, found := g.pending.set(m, p)
	switch {
	case found && old.owner == p.owner:
		return
	case found:
		g.release(m, &old)
	}
	c.pending.set(m, p.ID)
}

// release takes what is pending from its consumer, as the group no longer has it there.
func (g *Group) release(m *Memory, p *Pending) {
	c, _ := g.consumers.Get(&Consumer{name: p.owner})
	g.own(m, c).pending.delete(m, p.ID)
}

// Ack removes what is pending under an id and reports whether it was there.
func (g *Group) Ack(m *Memory, id StreamID) bool {
	p, ok := g.pending.delete(m, Pending{ID: id})
	if ok {
		g.release(m, &p)
	}
	return ok
}

// DeleteConsumer removes a consumer with all that is pending for it, and returns how much that was.
func (g *Group) DeleteConsumer(m *Memory, name []byte) (pending int, ok bool) {
	c := g.Consumer(name)
	if c == nil {
		return 0, false
	}
	c.pending.ascend(StreamID{}, func(id StreamID) bool {
		g.pending.delete(m, Pending{ID: id})
		return true
	})
	g.consumers.Delete(c)
	g.names -= int64(len(*c.name))
	return c.pending.len, true
}
