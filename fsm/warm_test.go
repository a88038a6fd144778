package fsm

import (
	"bytes"
	"fmt"
	"testing"
)

func TestSecondWord(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"SET", "key", "value"}, "key"},
		{[]string{"GET", ""}, ""},
		{[]string{"DBSIZE"}, ""},
	} {
		whole := item(c.words...)
		if got := secondWord(whole); string(got) != c.want {
			t.Errorf("%q: %q", c.words, got)
		}
		for n := range len(whole) {
			if got := secondWord(whole[:n]); len(got) > n || !bytes.Contains(whole, got) {
				t.Errorf("%q cut to %d bytes: %q", c.words, n, got)
			}
		}
	}
}

// Warming changes nothing, whatever the batch holds.
func TestWarmingHasNoEffect(t *testing.T) {
	together, apart := newLog(t), newLog(t)
	var items [][]byte
	for i := range 100 {
		items = append(items, item("SET", fmt.Sprint("key", i%70), fmt.Sprint(i)), item("DBSIZE"), item("DEL", fmt.Sprint("key", i%9)))
	}
	together.apply(nil, items...)
	for _, it := range items {
		apart.apply(nil, it)
	}
	if a, b := together.m.DebugDigest(), apart.m.DebugDigest(); a != b {
		t.Errorf("digest %s of one entry, %s of many", a, b)
	}
}
