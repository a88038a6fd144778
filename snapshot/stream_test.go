package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// streamText writes down the parts of a stream.
type streamText struct{ strings.Builder }

func (s *streamText) line(format string, args ...any) error {
	fmt.Fprintf(s, format+"\n", args...)
	return nil
}

func (s *streamText) Node(id StreamID, pack []byte) error { return s.line("node %d %d", id, len(pack)) }
func (s *streamText) Totals(t StreamTotals) error         { return s.line("totals %v", t) }
func (s *streamText) Group(name []byte, last StreamID, read int64) error {
	return s.line("group %s %d %d", name, last, read)
}
func (s *streamText) Pending(id StreamID, delivered int64, count uint64) error {
	return s.line("pending %d %d %d", id, delivered, count)
}
func (s *streamText) Consumer(name []byte, seen int64) error {
	return s.line("consumer %s %d", name, seen)
}
func (s *streamText) Owned(id StreamID) error { return s.line("owned %d", id) }
func (s *streamText) EndGroup() error         { return s.line("end") }

// streamSample is a stream of two nodes, of which one entry is deleted, and one group.
type streamSample struct {
	keys    []StreamID
	packs   [][]byte
	length  uint64
	last    StreamID
	pending []StreamID
}

func sampleStream() streamSample {
	return streamSample{
		keys: []StreamID{{5, 1}, {7, 0}},
		packs: [][]byte{
			listpackOf(2, 1, 2, "f", 12, 0, 2, 0, 0, "v", 1, 5, 1, 1, 0, 1, "g", "w", 6, 2, 1, -1, "v", "v", 5),
			listpackOf(1, 0, 1, "f", 0, 2, 0, 0, "v", 4),
		},
		length: 3, last: StreamID{7, 2}, pending: []StreamID{{5, 1}, {6, 0}},
	}
}

// bytes is the sample as a value, of the older type or the newer.
func (s *streamSample) bytes(t testing.TB, old bool) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	w.Length(uint64(len(s.keys)))
	for i, key := range s.keys {
		w.StreamNode(key, s.packs[i])
	}
	w.Length(s.length)
	w.StreamID(s.last)
	if !old {
		w.StreamID(StreamID{5, 1})
		w.StreamID(StreamID{6, 1})
		w.Length(9)
	}
	w.Length(1)
	w.Text("group")
	w.StreamID(StreamID{6, 0})
	if !old {
		w.Length(1<<64 - 1)
	}
	w.Length(uint64(len(s.pending)))
	for _, id := range s.pending {
		w.PendingID(id)
		w.Time(1_700_000_000_000)
		w.Length(1)
	}
	w.Length(1)
	w.Text("consumer")
	w.Time(-1)
	w.Length(uint64(len(s.pending)))
	for _, id := range s.pending {
		w.PendingID(id)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readStream(b []byte, t Type) (string, error) {
	var s streamText
	err := NewReader(bytes.NewReader(b), Limits{}).Stream(t, &s)
	return s.String(), err
}

// TestStream reads a stream of either type.
func TestStream(t *testing.T) {
	const group = `pending {5 1} 1700000000000 1
pending {6 0} 1700000000000 1
consumer consumer -1
owned {5 1}
owned {6 0}
end
`
	s := sampleStream()
	for kind, want := range map[Type]string{
		TypeStreamListpacks2: "node {5 1} 64\nnode {7 0} 29\ntotals {3 {7 2} {5 1} {6 1} 9 false}\ngroup group {6 0} -1\n",
		TypeStreamListpacks:  "node {5 1} 64\nnode {7 0} 29\ntotals {3 {7 2} {0 0} {0 0} 0 true}\ngroup group {6 0} -1\n",
	} {
		got, err := readStream(s.bytes(t, kind == TypeStreamListpacks), kind)
		if err != nil || got != want+group {
			t.Errorf("%v: %v\n%swant\n%s", kind, err, got, want+group)
		}
	}
}

// TestStreamRefused reads streams in which one thing is wrong.
func TestStreamRefused(t *testing.T) {
	second := func(elements ...any) func(*streamSample) {
		return func(s *streamSample) { s.packs[1] = listpackOf(elements...) }
	}
	for name, spoil := range map[string]func(*streamSample){
		"nodes out of order":     func(s *streamSample) { s.keys[1] = StreamID{5, 0} },
		"a node twice":           func(s *streamSample) { s.keys[1] = s.keys[0] },
		"a node before an entry": func(s *streamSample) { s.keys[1] = StreamID{6, 0} },
		"a length too short":     func(s *streamSample) { s.length = 2 },
		"a last id too small":    func(s *streamSample) { s.last = StreamID{6, 9} },
		"pending out of order":   func(s *streamSample) { s.pending[0] = StreamID{6, 0} },
		"no listpack":            func(s *streamSample) { s.packs[1] = []byte("listpack") },
		"an empty listpack":      second(),
		"a count that is text":   second("x", 0, 1, "f", 0, 2, 0, 0, "v", 4),
		"a count too large":      second(2, 0, 1, "f", 0, 2, 0, 0, "v", 4),
		"a count of deleted":     second(1, 1, 1, "f", 0, 2, 0, 0, "v", 4),
		"a negative number":      second(1, 0, -1, "f", 0, 2, 0, 0, "v", 4),
		"too many names":         second(1, 0, 1<<40, "f", 0, 2, 0, 0, "v", 4),
		"no end of the head":     second(1, 0, 1, "f", 1, 2, 0, 0, "v", 4),
		"unknown flags":          second(1, 0, 1, "f", 0, 6, 0, 0, "v", 4),
		"a wrong back link":      second(1, 0, 1, "f", 0, 2, 0, 0, "v", 5),
		"a back link that is 0":  second(1, 0, 1, "f", 0, 2, 0, 0, "v", 0),
		"an entry cut short":     second(1, 0, 1, "f", 0, 2, 0, 0),
		"an id that is text":     second(1, 0, 1, "f", 0, 2, "x", 0, "v", 4),
		"an id before the node":  second(1, 0, 1, "f", 0, 2, -1, 0, "v", 4),
		"an id twice":            second(2, 0, 1, "f", 0, 2, 0, 0, "v", 4, 2, 0, 0, "v", 4),
		"more fields than there": second(1, 0, 1, "f", 0, 0, 0, 0, 3, "f", "v", 9),
		"something behind":       second(1, 0, 1, "f", 0, 2, 0, 0, "v", 4, 1),
	} {
		s := sampleStream()
		spoil(&s)
		for _, old := range []bool{false, true} {
			kind := map[bool]Type{false: TypeStreamListpacks2, true: TypeStreamListpacks}[old]
			if got, err := readStream(s.bytes(t, old), kind); !errors.Is(err, ErrFormat) {
				t.Errorf("%s, %v: %v\n%s", name, kind, err, got)
			}
		}
	}
	s := sampleStream()
	whole := s.bytes(t, false)
	for n := range len(whole) {
		if _, err := readStream(whole[:n], TypeStreamListpacks2); !errors.Is(err, ErrFormat) {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
	if _, err := readStream(whole, TypeHash); !errors.Is(err, ErrFormat) {
		t.Errorf("a stream in a hash: %v", err)
	}
}

// TestStreamWideFlags refuses flags of more than one byte, which a deletion would write over.
func TestStreamWideFlags(t *testing.T) {
	s := sampleStream()
	pack := listpackOf(1, 0, 1, "f", 0, 300, 0, 0, "v", 4)
	at := bytes.Index(pack, []byte{0xc1, 0x2c})
	if at < 0 {
		t.Fatal("300 is written in another way")
	}
	pack[at], pack[at+1] = 0xc0, 2
	s.packs[1] = pack
	if got, err := readStream(s.bytes(t, false), TypeStreamListpacks2); !errors.Is(err, ErrFormat) {
		t.Errorf("%v\n%s", err, got)
	}
}
