package fsm

import (
	"bytes"
	"testing"
)

// TestItemBytes holds the bytes of items, which logs keep.
func TestItemBytes(t *testing.T) {
	get := [][]byte{[]byte("get"), []byte("k")}
	author := &Origin{Node: "n1", Incarnation: 7, Session: 300}
	for _, c := range []struct {
		name string
		item []byte
		want string
	}{
		{"plain", AppendItem(nil, 3, get), "\x03\x02\x03get\x01k"},
		{"of an author", AppendItemOf(nil, author, false, 3, get), "\x83\x80\x80\x80\x10\x02n1\x07\xac\x02\x00\x02\x03get\x01k"},
		{"that an author reads", AppendItemOf(nil, author, true, 3, get), "\x83\x80\x80\x80\x30\x02n1\x07\xac\x02\x00\x02\x03get\x01k"},
		{"in a transaction, read", AppendItemOf(nil, nil, true, 0, get), "\x80\x80\x80\x80\x20\x02\x03get\x01k"},
		{"in a high database", AppendItem(nil, 1<<14, get), "\x80\x80\x01\x02\x03get\x01k"},
	} {
		if string(c.item) != c.want {
			t.Errorf("%s: %q, not %q", c.name, c.item, c.want)
		}
		args, _, err := decodeItem(c.item, nil)
		if err != nil || len(args) != 2 || !bytes.Equal(args[1], get[1]) {
			t.Errorf("%s: %q, %v", c.name, args, err)
		}
		for n := range c.item {
			if _, _, err := decodeItem(c.item[:n], nil); err == nil {
				t.Errorf("%s: %d bytes are taken for all of it", c.name, n)
			}
		}
	}
}

// TestItemMarks reads back who an item is from.
func TestItemMarks(t *testing.T) {
	get := [][]byte{[]byte("get"), []byte("k")}
	want := &Origin{Node: "node", Incarnation: 1 << 60, Session: 9}
	for _, db := range []int{0, 15, 1 << 14, 1 << 20} {
		for _, author := range []*Origin{nil, want} {
			for _, read := range []bool{false, true} {
				got, gotRead := marks(AppendItemOf(nil, author, read, db, get))
				if gotRead != read || (got == nil) != (author == nil) || got != nil && *got != *want {
					t.Errorf("database %d, author %v, read %v: %v and %v", db, author, read, got, gotRead)
				}
			}
		}
	}
}
