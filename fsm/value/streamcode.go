package value

import (
	"fmt"
	"slices"

	"github.com/redraftdb/redraft/snapshot"
)

// Encode writes the stream as the value of a key of type snapshot.TypeStreamListpacks2. A view's goroutine
// may call it.
func (s *Stream) Encode(w *snapshot.Writer) {
	w.Length(uint64(s.nodes.Len()))
	s.nodes.Scan(func(n *streamNode) bool {
		w.StreamNode(n.id, n.pack)
		return true
	})
	w.Length(s.length)
	w.StreamID(s.Last)
	w.StreamID(s.First)
	w.StreamID(s.MaxDeleted)
	w.Length(s.Added)
	w.Length(uint64(s.groups.Len()))
	s.EachGroup(func(g *Group) { g.encode(w) })
}

func (g *Group) encode(w *snapshot.Writer) {
	w.Text(g.name)
	w.StreamID(g.Last)
	w.Length(uint64(g.Read))
	w.Length(uint64(g.pending.len))
	g.pending.ascend(Pending{}, func(p Pending) bool {
		w.PendingID(p.ID)
		w.Time(p.Delivered)
		w.Length(p.Count)
		return true
	})
	w.Length(uint64(g.consumers.Len()))
	g.EachConsumer(func(c *Consumer) {
		w.Text(*c.name)
		w.Time(c.Seen)
		w.Length(uint64(c.pending.len))
		c.pending.ascend(StreamID{}, func(id StreamID) bool {
			w.PendingID(id)
			return true
		})
	})
}

// DecodeStream reads the value of a key of one of the stream types. Errors are the Reader's, which wrap
// snapshot.ErrFormat for a stream whose parts do not agree.
func DecodeStream(r *snapshot.Reader, t snapshot.Type, m *Memory) (*Stream, error) {
	b := streamBuilder{m: m, s: NewStream(m)}
	if err := r.Stream(t, &b); err != nil {
		return nil, err
	}
	return b.s, nil
}

// streamBuilder makes a stream of the parts of a file.
type streamBuilder struct {
	m     *Memory
	s     *Stream
	old   bool
	group *Group
	last  *Consumer // of the group
	owned int       // pending entries of the group that have a consumer
}

func (b *streamBuilder) Node(id StreamID, pack []byte) error {
	n := &streamNode{id: id, pack: slices.Clone(pack), born: b.m.Epoch}
	b.s.nodes.Load(n)
	b.s.packed += int64(len(pack))
	return nil
}

func (b *streamBuilder) Totals(t snapshot.StreamTotals) error {
	b.old = t.Old
	b.s.length, b.s.Last, b.s.First, b.s.MaxDeleted, b.s.Added = t.Length, t.Last, t.First, t.MaxDeleted, t.Added
	if t.Old {
		b.s.Added = t.Length
		b.s.first()
	}
	return nil
}

func (b *streamBuilder) Group(name []byte, last StreamID, read int64) error {
	if b.old {
		read = b.s.Position(last)
	}
	if !b.s.CreateGroup(b.m, name, last, read) {
		return disagreement("a group twice")
	}
	b.group, b.owned = b.s.Group(name), 0
	return nil
}

func (b *streamBuilder) Pending(id StreamID, delivered int64, count uint64) error {
	b.group.pending.set(b.m, Pending{ID: id, Delivered: delivered, Count: count})
	return nil
}

func (b *streamBuilder) Consumer(name []byte, seen int64) error {
	c, created := b.group.Member(b.m, name, seen)
	if !created {
		return disagreement("a consumer twice")
	}
	b.last = c
	return nil
}

func (b *streamBuilder) Owned(id StreamID) error {
	p, ok := b.group.Find(id)
	if !ok || p.owner != nil {
		return disagreement("an entry pending for a consumer that is not pending, or for another one too")
	}
	p.owner = b.last.name
	b.group.pending.set(b.m, p)
	b.last.pending.set(b.m, id)
	b.owned++
	return nil
}

func (b *streamBuilder) EndGroup() error {
	if b.owned != b.group.pending.len {
		return disagreement("entries pending for nobody")
	}
	return nil
}

func disagreement(what string) error {
	return fmt.Errorf("%w: a stream with %s", snapshot.ErrFormat, what)
}
