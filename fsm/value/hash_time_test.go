package value

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/snapshot"
)

// timedField is what a model knows of a field.
type timedField struct {
	v  string
	at int64
}

// keepTimed is keep for a hash that may have deadlines.
func keepTimed(m *Memory, h Hash) Hash {
	switch {
	case h.timed != nil:
		return TimedHash(m, h.timed)
	case h.timedPack:
		return TimedPack(m, slices.Clone(h.pack))
	}
	return keep(m, h)
}

// checkTimed compares a hash with what it should hold at a time.
func checkTimed(t *testing.T, h Hash, model map[string]timedField, now int64) {
	t.Helper()
	live, next := map[string]string{}, int64(0)
	for field, f := range model {
		if f.at != 0 && (next == 0 || f.at < next) {
			next = f.at
		}
		if f.at == 0 || f.at > now {
			live[field] = f.v
		}
	}
	h.At(now)
	if h.Len() != len(model) || h.Live() != len(live) || h.NextDue(0) != next {
		t.Fatalf("%d fields, %d live, due at %d; want %d, %d, %d", h.Len(), h.Live(), h.NextDue(0), len(model), len(live), next)
	}
	got := map[string]string{}
	h.Each(func(field, v Value) bool {
		got[field.String()] = v.String()
		return true
	})
	scanned := map[string]string{}
	for cursor, first := uint32(0), true; cursor != 0 || first; first = false {
		cursor = h.Scan(cursor, 3, func(field, v Value) { scanned[field.String()] = v.String() })
	}
	if !maps.Equal(got, live) || !maps.Equal(scanned, live) {
		t.Fatalf("has %q, by Scan %q, want %q", got, scanned, live)
	}
	for field, f := range model {
		at, ok := h.Deadline([]byte(field))
		v, there := h.Get([]byte(field))
		if want, alive := live[field]; ok != alive || there != alive || alive && (at != f.at || v.String() != want) {
			t.Fatalf("field %q: %q, %v, due at %d, %v; want %+v at %d", field, v.String(), there, at, ok, f, now)
		}
	}
	if _, ok := h.Deadline([]byte("no such field")); ok {
		t.Fatal("a field that is not there has a deadline")
	}
}

// checkTimedCoding writes a hash with its deadlines, reads it back and wants the same form with the same bytes.
func checkTimedCoding(t *testing.T, m *Memory, h *Hash) {
	t.Helper()
	if h.Len() == 0 || !h.Timed() {
		return
	}
	var all []FieldDeadline
	add := func(field []byte, at int64) bool {
		all = append(all, FieldDeadline{bytes.Clone(field), at})
		return true
	}
	if h.timed != nil {
		h.timed.EachDeadline(m.Arena, add)
	} else {
		EachPackDeadline(h.pack, add)
	}
	var b bytes.Buffer
	w := snapshot.NewWriter(&b)
	h.Encode(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	other := NewMemory(arena.New(), m.Seed)
	again, err := DecodeHash(snapshot.NewReader(&b, snapshot.Limits{}), h.Type(), &other, HashLimits{})
	if err == nil {
		err = again.SetDeadlines(all)
	}
	if err != nil {
		t.Fatal(err)
	}
	if again.Encoding() != h.Encoding() || !bytes.Equal(again.pack, h.pack) || again.NextDue(0) != h.NextDue(0) || again.Bytes() != h.Bytes() {
		t.Fatalf("reads back as another hash: %s, %q, want %s, %q", again.Encoding(), again.pack, h.Encoding(), h.pack)
	}
}

// TestTimedHashModel changes hashes with deadlines, views of them held now and then, and compares them with a map.
func TestTimedHashModel(t *testing.T) {
	r := newRand(t)
	for range 60 {
		limits := HashLimits{Entries: r.IntN(40), Value: 10 + r.IntN(30)}
		m := NewMemory(arena.New(), testSeed)
		h, model, now := keepTimed(&m, NewHash(&m)), map[string]timedField{}, int64(1000)
		for range 20 {
			if r.IntN(3) == 0 && !m.Frozen {
				m.Freeze()
			}
			before, old := slices.Clone(h.pack), h.pack
			h.At(now)
			for range r.IntN(10) {
				changeTimed(t, &h, model, now, limits, r.IntN)
			}
			if now += int64(r.IntN(60)); r.IntN(3) == 0 {
				removeDue(t, &h, model, now, 1+r.IntN(5))
			}
			if !bytes.Equal(old, before) {
				t.Fatal("a change wrote into the old value")
			}
			h = keepTimed(&m, h)
			checkTimed(t, h, model, now)
			checkTimed(t, h, model, 0)
			checkTimedCoding(t, &m, &h)
			if h.timed != nil && r.IntN(3) == 0 {
				for from, more := uint32(0), true; more; {
					from, more = h.timed.Evacuate(&m, from, 4)
				}
			}
			for m.Frozen && r.IntN(3) == 0 && m.Release(10) {
				continue
			}
			for !m.Frozen && m.Release(10) {
				continue
			}
		}
		if h.timed != nil {
			freeTimed(t, &m, h.timed)
		}
	}
}

// changeTimed makes one change.
func changeTimed(t *testing.T, h *Hash, model map[string]timedField, now int64, limits HashLimits, pick func(int) int) {
	t.Helper()
	field, v := smallText(pick(50), 25), smallText(pick(200), 25)
	f, had := model[string(field)]
	live := had && (f.at == 0 || f.at > now)
	switch pick(5) {
	case 0:
		if h.Delete(field) != live {
			t.Fatalf("Delete(%q) is wrong", field)
		}
		if live {
			delete(model, string(field))
		}
	case 1:
		if h.Set(field, v, limits) == live {
			t.Fatalf("Set(%q) is wrong", field)
		}
		model[string(field)] = timedField{string(v), 0}
	case 2:
		if h.Update(field, v, limits) == live {
			t.Fatalf("Update(%q) is wrong", field)
		}
		if !live {
			f.at = 0
		}
		model[string(field)] = timedField{string(v), f.at}
	default:
		if live {
			at := int64(0)
			if pick(4) > 0 {
				at = now + 1 + int64(pick(200))
			}
			h.SetDeadline(field, at)
			model[string(field)] = timedField{f.v, at}
		}
	}
}

// removeDue removes what is due, within a limit, and takes out of the model what has gone.
func removeDue(t *testing.T, h *Hash, model map[string]timedField, now int64, limit int) {
	t.Helper()
	if !h.Timed() {
		return
	}
	due := 0
	for _, f := range model {
		if f.at != 0 && f.at <= now {
			due++
		}
	}
	if n := h.RemoveDue(now, limit); n != min(due, limit) {
		t.Fatalf("%d fields removed of %d that are due, at most %d", n, due, limit)
	}
	h.now = 0
	for field, f := range model {
		if !h.Exists([]byte(field)) {
			if f.at == 0 || f.at > now {
				t.Fatalf("%q is gone and was not due", field)
			}
			delete(model, field)
		}
	}
}

// freeTimed gives a Timed up in parts and wants its cells back.
func freeTimed(t *testing.T, m *Memory, z *Timed) {
	t.Helper()
	for m.Release(1000) {
		continue
	}
	n, total := z.Len(), 0
	for done := false; !done; {
		var freed int
		if freed, done = z.FreeSome(m, 3); freed > 3+n {
			t.Fatalf("%d cells freed at once", freed)
		}
		total += freed
	}
	if live := m.Arena.Stats().Live; total != n || live != 0 {
		t.Fatalf("%d cells freed for %d fields, %d bytes are left", total, n, live)
	}
}

// TestSetDeadlinesRefuses reads deadlines that cannot be a hash's.
func TestSetDeadlinesRefuses(t *testing.T) {
	for _, large := range []bool{false, true} {
		m := NewMemory(arena.New(), testSeed)
		limits := HashLimits{Entries: 100, Value: 100}
		if large {
			limits.Entries = 1
		}
		list := func(words ...any) (all []FieldDeadline) {
			for i := 0; i < len(words); i += 2 {
				all = append(all, FieldDeadline{[]byte(words[i].(string)), int64(words[i+1].(int))})
			}
			return all
		}
		for i, all := range [][]FieldDeadline{
			list("none", 5), list("a", 0), list("a", -1), list("a", MaxDeadline+1), list("a", 5, "a", 6), list("a", 5, "none", 6),
		} {
			h := NewHash(&m)
			for n := range 5 {
				h.Set([]byte{'a' + byte(n)}, strconv.AppendInt(nil, int64(n), 10), limits)
			}
			h = keepTimed(&m, h)
			if err := h.SetDeadlines(all); !errors.Is(err, snapshot.ErrFormat) {
				t.Errorf("large %v, list %d: %v", large, i, err)
			}
		}
	}
}

// TestTimedEvacuates gives up most fields of a large hash and moves what is left together.
func TestTimedEvacuates(t *testing.T) {
	m := NewMemory(arena.New(), testSeed)
	const n, every = 40000, 20
	h, model := NewHash(&m), map[string]timedField{}
	for i := range n {
		field := strconv.AppendInt(nil, int64(i), 10)
		h.Set(field, []byte("value"), HashLimits{})
		if i%3 > 0 {
			h.SetDeadline(field, int64(1000+i))
		}
	}
	for i := range n {
		field := strconv.AppendInt(nil, int64(i), 10)
		if i%every > 0 {
			h.Delete(field)
			continue
		}
		at, _ := h.Deadline(field)
		model[string(field)] = timedField{"value", at}
	}
	before := m.Arena.Stats().Mapped
	for from, more := uint32(0), true; more; {
		next, again := h.timed.Evacuate(&m, from, 10)
		if again && next <= from {
			t.Fatalf("from %d on to %d", from, next)
		}
		from, more = next, again
	}
	if after := m.Arena.Stats().Mapped; after >= before {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	checkTimed(t, h, model, 0)
	checkTimed(t, h, model, 2000)
}
