package value

import (
	"bytes"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/snapshot"
)

// FuzzStream reads any bytes as a stream. What is taken for one is written and read again the same, and no
// command on it panics.
func FuzzStream(f *testing.F) {
	m := NewMemory(arena.New(), 1)
	s := NewStream(&m)
	for i := range uint64(6) {
		_ = s.Add(&m, StreamID{MS: 5, Seq: i + 1}, [][]byte{[]byte("field"), {'a' + byte(i)}}, StreamLimits{Entries: 4})
	}
	s.Delete(&m, StreamID{MS: 5, Seq: 2})
	s.CreateGroup(&m, []byte("group"), StreamID{}, ReadUnknown)
	g := s.Change(&m, []byte("group"))
	c, _ := g.Member(&m, []byte("consumer"), 5)
	g.Assign(&m, c, Pending{ID: StreamID{MS: 5, Seq: 1}, Delivered: 5, Count: 1})
	f.Add(encoded(f, s), true)
	f.Add(encoded(f, NewStream(&m)), true)
	f.Add([]byte("\x00\x00\x05\x01\x00"), false)
	f.Fuzz(func(t *testing.T, b []byte, newer bool) {
		kind := snapshot.TypeStreamListpacks
		if newer {
			kind = snapshot.TypeStreamListpacks2
		}
		m := NewMemory(arena.New(), 1)
		s, err := DecodeStream(snapshot.NewReader(bytes.NewReader(b), snapshot.Limits{}), kind, &m)
		if err != nil {
			return
		}
		image := encoded(t, s)
		m.Freeze()
		view := s
		s = s.Writable(&m)
		exercise(t, &m, s)
		if !bytes.Equal(encoded(t, view), image) {
			t.Fatal("a view has changed")
		}
		if again, err := DecodeStream(snapshot.NewReader(bytes.NewReader(image), snapshot.Limits{}),
			snapshot.TypeStreamListpacks2, &m); err != nil || !bytes.Equal(encoded(t, again), image) {
			t.Fatalf("written and read it is another: %v", err)
		}
	})
}

// exercise does to a stream what commands do, until nothing is left of it.
func exercise(t *testing.T, m *Memory, s *Stream) {
	checkGroups(t, s)
	var ids []StreamID
	s.Range(StreamID{}, MaxStreamID(), true, func(e *StreamEntry) bool {
		ids = append(ids, e.ID)
		flatten(e)
		return true
	})
	if n := s.Count(StreamID{}, MaxStreamID(), 0); n != s.Len() || n != len(ids) {
		t.Fatalf("%d entries counted as %d, and %d", len(ids), n, s.Len())
	}
	s.RadixNodes()
	if id, ok := s.NextID(0); ok {
		if err := s.Add(m, id, [][]byte{[]byte("f"), []byte("v")}, StreamLimits{}); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	s.EachGroup(func(g *Group) { names = append(names, g.Name()) })
	for _, name := range names {
		g := s.Change(m, []byte(name))
		s.Lag(g)
		for _, id := range ids {
			s.Advance(g, id)
			c, _ := g.Member(m, []byte("new"), 1)
			g.Assign(m, c, Pending{ID: id})
		}
		for p, ok := g.Next(StreamID{}); ok; p, ok = g.Next(StreamID{}) {
			g.Ack(m, p.ID)
		}
	}
	checkGroups(t, s)
	if len(ids) > 0 {
		s.Trim(m, StreamTrim{ByID: true, Min: ids[len(ids)-1]})
	}
	for i, id := range ids {
		if i%2 == 0 && !s.Delete(m, id) {
			t.Fatalf("%v is not there", id)
		}
	}
	s.Trim(m, StreamTrim{})
	if s.Len() != 0 || s.packed != 0 || s.Nodes() != 0 {
		t.Fatalf("%d entries, %d bytes are left", s.Len(), s.packed)
	}
}
