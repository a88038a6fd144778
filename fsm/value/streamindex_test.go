package value

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
)

// TestIndexModel changes an index at random beside a map, with views taken in between. Its blocks stay in order,
// and filled to a part that bounds what they waste.
func TestIndexModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 24))
	for range 30 {
		m := NewMemory(arena.New(), 1)
		x := newIndex(func(p *Pending) StreamID { return p.ID })
		want := map[StreamID]uint64{}
		var view index[Pending]
		var seen map[StreamID]uint64
		span, deletes := 1+rnd.Uint64N(3000), rnd.IntN(3)
		for step := range uint64(4000) {
			id := StreamID{MS: rnd.Uint64N(span)}
			if rnd.IntN(2) == 0 {
				id = StreamID{MS: 5000 + step} // in order
			}
			if rnd.IntN(4) < deletes {
				id = StreamID{MS: rnd.Uint64N(span)}
				p, ok := x.delete(&m, Pending{ID: id})
				if count, there := want[id]; ok != there || p.Count != count {
					t.Fatalf("deleting %v: %v, %v", id, p, ok)
				}
				delete(want, id)
			} else {
				old, replaced := x.set(&m, Pending{ID: id, Count: step})
				if count, there := want[id]; replaced != there || old.Count != count {
					t.Fatalf("setting %v: %v, %v", id, old, replaced)
				}
				want[id] = step
			}
			if step%500 == 0 {
				checkIndex(t, &x, want, StreamID{MS: rnd.Uint64N(2 * span)})
				if seen != nil {
					checkIndex(t, &view, seen, StreamID{})
					m.Release(1)
				}
				m.Freeze()
				view, seen = x, maps.Clone(want)
				x = view.fork()
			}
		}
		checkIndex(t, &x, want, StreamID{})
		c := x.duplicate(&m)
		checkIndex(t, &c, want, StreamID{})
	}
}

func checkIndex(t *testing.T, x *index[Pending], want map[StreamID]uint64, from StreamID) {
	t.Helper()
	var ids, got []StreamID
	for id, count := range want {
		if p, ok := x.get(Pending{ID: id}); !ok || p.Count != count {
			t.Fatalf("%v: %v, %v", id, p, ok)
		}
		if id.Compare(from) >= 0 {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, StreamID.Compare)
	x.ascend(Pending{ID: from}, func(p Pending) bool {
		got = append(got, p.ID)
		return true
	})
	if !slices.Equal(got, ids) || x.len != len(want) {
		t.Fatalf("%d items, has %v, want %v", x.len, got, ids)
	}
	if last, ok := x.last(); ok != (len(want) > 0) || len(ids) > 0 && last.ID != ids[len(ids)-1] {
		t.Fatalf("the last is %v, want %v", last, ids)
	}
	n := 0
	x.blocks.Scan(func(b *block[Pending]) bool {
		n++
		return true
	})
	if most := 2 + 8*len(want)/blockItems; n > most {
		t.Fatalf("%d blocks for %d items", n, len(want))
	}
}
