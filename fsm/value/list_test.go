package value

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/snapshot"
)

// listModel is a list beside the plain slice that it should be equal to.
type listModel struct {
	testing.TB
	rnd    *rand.Rand
	m      *Memory
	l      List
	limits ListLimits
	model  []string
}

func newListModel(t testing.TB, rnd *rand.Rand, limits ListLimits) *listModel {
	m := NewMemory(arena.New(), testSeed)
	return &listModel{TB: t, rnd: rnd, m: &m, limits: limits, l: keepList(&m, NewList(&m, limits), limits)}
}

// keepList does what a keyspace does with a changed list.
func keepList(m *Memory, l List, limits ListLimits) List {
	if l.large != nil {
		return LargeList(m, l.large, limits)
	}
	return SmallList(m, slices.Clone(l.pack), limits)
}

// anyLimits are limits at which nodes are short.
func anyLimits(r *rand.Rand) ListLimits {
	return ListLimits{Fill: r.IntN(12) - 5, Packed: []int{1 << 30, 30, 300, 5000}[r.IntN(4)]}
}

// anyElement is short as a rule.
func anyElement(r *rand.Rand) []byte {
	switch r.IntN(12) {
	case 0:
		return randomBytes(r, r.IntN(6000))
	case 1, 2:
		return randomBytes(r, r.IntN(400))
	}
	return smallText(r.IntN(30), 35)
}

// change makes one change to the list and to its model, and returns it as a command on the key l.
func (x *listModel) change() []string {
	r, v, n := x.rnd, anyElement(x.rnd), len(x.model)
	switch kind := r.IntN(14); {
	case n == 0 || kind < 3:
		x.l.Push(v, false)
		x.model = append(x.model, string(v))
		return []string{"RPUSH", "l", string(v)}
	case kind < 6:
		x.l.Push(v, true)
		x.model = slices.Insert(x.model, 0, string(v))
		return []string{"LPUSH", "l", string(v)}
	case kind < 8:
		i := r.IntN(n)
		x.l.Set(i, v)
		x.model[i] = string(v)
		return []string{"LSET", "l", strconv.Itoa(i), string(v)}
	case kind < 11:
		return x.insert(x.model[r.IntN(n)], v)
	case kind == 11:
		return x.remove(x.model[r.IntN(n)])
	}
	from := r.IntN(min(n, 10))
	to := max(n-1-r.IntN(10), from)
	x.l.Delete(to+1, n-to-1)
	x.l.Delete(0, from)
	x.model = slices.Delete(slices.Delete(x.model, to+1, n), 0, from)
	return []string{"LTRIM", "l", strconv.Itoa(from), strconv.Itoa(to)}
}

func (x *listModel) insert(pivot string, v []byte) []string {
	i, after := x.l.Find([]byte(pivot)), x.rnd.IntN(2) == 0
	if i != slices.Index(x.model, pivot) {
		x.Fatalf("%.50q found at %d", pivot, i)
	}
	x.l.Insert(i, after, v)
	if after {
		x.model = slices.Insert(x.model, i+1, string(v))
		return []string{"LINSERT", "l", "AFTER", pivot, string(v)}
	}
	x.model = slices.Insert(x.model, i, string(v))
	return []string{"LINSERT", "l", "BEFORE", pivot, string(v)}
}

func (x *listModel) remove(v string) []string {
	limit, backwards := 1+x.rnd.IntN(3), x.rnd.IntN(2) == 0
	words := []string{"LREM", "l", strconv.Itoa(limit), v}
	if backwards {
		words[2] = "-" + words[2]
		slices.Reverse(x.model)
	}
	left := limit
	x.model = slices.DeleteFunc(x.model, func(s string) bool {
		if s == v && left > 0 {
			left--
			return true
		}
		return false
	})
	if backwards {
		slices.Reverse(x.model)
	}
	if n := x.l.Remove([]byte(v), limit, backwards); n != limit-left {
		x.Fatalf("%d elements removed, not %d", n, limit-left)
	}
	return words
}

// check compares the list with its model and checks what must hold of it.
func (x *listModel) check() {
	x.Helper()
	if x.l.Len() != len(x.model) {
		x.Fatalf("%d elements, want %d", x.l.Len(), len(x.model))
	}
	for _, backwards := range []bool{false, true} {
		i, step := 0, 1
		if backwards {
			i, step = len(x.model)-1, -1
		}
		x.l.Each(i, backwards, func(v Value) bool {
			if v.String() != x.model[i] {
				x.Fatalf("element %d is %.50q, want %.50q", i, v.String(), x.model[i])
			}
			i += step
			return true
		})
		if i != -1 && i != len(x.model) {
			x.Fatalf("the walk ended at element %d", i)
		}
	}
	for range 5 {
		i := x.rnd.IntN(len(x.model)+4) - 2
		if v, ok := x.l.At(i); ok != (i >= 0 && i < len(x.model)) || ok && v.String() != x.model[i] {
			x.Fatalf("element %d is %.50q, %v", i, v.String(), ok)
		}
	}
	if q := x.l.large; q != nil {
		checkNodes(x, q)
	}
	if len(x.model) > 0 {
		x.checkCoding()
	}
}

// checkNodes checks the invariants of a large list.
func checkNodes(t testing.TB, q *Quicklist) {
	t.Helper()
	depths, bytes := map[int]bool{}, 0
	var walk func(b *listBranch, depth int) (nodes, elements int)
	walk = func(b *listBranch, depth int) (nodes, elements int) {
		if len(b.parts) > branchWidth || len(b.parts) == 0 && depth > 0 {
			t.Fatalf("a branch of %d parts", len(b.parts))
		}
		for i := range b.parts {
			p := &b.parts[i]
			n, e := 1, 1
			switch {
			case p.sub != nil:
				n, e = walk(p.sub, depth+1)
			case !p.plain:
				if e = p.pack().Count(); e == 0 || !Valid(p.bytes) {
					t.Fatalf("a node of %d elements: %x", e, p.bytes)
				}
			}
			if p.sub == nil {
				depths[depth] = true
				bytes += len(p.bytes)
			}
			if n != p.nodes || e != p.elements {
				t.Fatalf("%d nodes counted as %d, %d elements as %d", n, p.nodes, e, p.elements)
			}
			nodes, elements = nodes+n, elements+e
		}
		return nodes, elements
	}
	walk(q.root, 0)
	if len(depths) > 1 || int64(bytes) != q.bytes {
		t.Fatalf("depths %v, %d bytes counted as %d", depths, bytes, q.bytes)
	}
}

func encodeList(t testing.TB, l *List) []byte {
	t.Helper()
	var b bytes.Buffer
	w := snapshot.NewWriter(&b)
	if l.large != nil {
		l.large.Encode(w)
	} else {
		EncodeSmallList(w, l.pack)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// checkCoding writes the list, reads it back and wants the same form and nodes.
func (x *listModel) checkCoding() {
	x.Helper()
	file := encodeList(x, &x.l)
	m := NewMemory(arena.New(), testSeed)
	again, err := DecodeList(snapshot.NewReader(bytes.NewReader(file), snapshot.Limits{}), snapshot.TypeListQuicklist2, &m, x.limits)
	if err != nil {
		x.Fatal(err)
	}
	if (again.large == nil) != (x.l.large == nil) || !bytes.Equal(encodeList(x, &again), file) {
		x.Fatal("reads back as another list")
	}
	if again.large != nil && again.large.Bytes() != x.l.large.Bytes() {
		x.Fatal("reads back as one of another size")
	}
}

// TestListModel changes lists while views of them are taken and released.
func TestListModel(t *testing.T) {
	r := newRand(t)
	for i := range 40 {
		x := newListModel(t, r, anyLimits(r))
		for n := range i % 5 * 500 {
			v := strconv.AppendInt(nil, int64(n), 10)
			x.l.Push(v, false)
			x.model = append(x.model, string(v))
		}
		x.l = keepList(x.m, x.l, x.limits)
		for range 10 {
			old, was, frozen := x.l, slices.Clone(x.model), r.IntN(2) == 0
			small := slices.Clone(x.l.pack)
			if frozen {
				x.m.Freeze()
			}
			var seen []byte
			if len(was) > 0 {
				seen = encodeList(t, &old)
			}
			for range r.IntN(60) {
				x.change()
			}
			if !bytes.Equal(old.pack, small) {
				t.Fatal("a change wrote into the old value")
			}
			if frozen && len(was) > 0 && !bytes.Equal(encodeList(t, &old), seen) {
				t.Fatal("the view saw a change")
			}
			for x.m.Frozen && x.m.Release(10) {
				continue
			}
			x.l = keepList(x.m, x.l, x.limits)
			x.check()
		}
	}
}

// FuzzList changes lists within any limits.
func FuzzList(f *testing.F) {
	f.Add(uint64(1), -2, 1<<30, 300)
	f.Add(uint64(2), 3, 30, 300)
	f.Add(uint64(3), 0, 0, 100)
	f.Fuzz(func(t *testing.T, seed uint64, fill, packed, changes int) {
		if fill < -1<<31 || changes > 1000 {
			return
		}
		x := newListModel(t, rand.New(rand.NewPCG(seed, 0)), ListLimits{Fill: fill, Packed: packed})
		for range changes {
			x.change()
		}
		x.check()
	})
}

// TestListAgainstRedis makes the same changes here and in redis-server and wants the same nodes.
func TestListAgainstRedis(t *testing.T) {
	server := startRedis(t)
	r := newRand(t)
	for range 40 {
		limits := anyLimits(r)
		server.do("CONFIG", "SET", "list-max-listpack-size", strconv.Itoa(limits.Fill))
		server.do("DEBUG", "QUICKLIST-PACKED-THRESHOLD", strconv.Itoa(limits.Packed))
		server.do("DEL", "l")
		x := newListModel(t, r, limits)
		for i := range 150 {
			words := x.change()
			if got := server.do(words...); got[:1] == "-" {
				t.Fatalf("%.100q: %s", words, got)
			}
			if len(x.model) == 0 {
				continue
			}
			typ, body := server.dump("l")
			if ours := encodeList(t, &x.l); typ != byte(snapshot.TypeListQuicklist2) || !bytes.Equal(body, ours) {
				t.Fatalf("change %d, %.100q, limits %v: other nodes than redis-server's:\n%s\n%s", i, words, limits, nodesOf(t, ours), nodesOf(t, body))
			}
		}
		x.check()
	}
}

// nodesOf shows how many elements and bytes each node of a list has.
func nodesOf(t testing.TB, file []byte) (s string) {
	err := snapshot.NewReader(bytes.NewReader(file), snapshot.Limits{}).ListNodes(func(n snapshot.ListNode) error {
		s += fmt.Sprintf(" %d:%d", n.Elements, len(n.Bytes))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDecodeList(t *testing.T) {
	ziplist := "\x11\x00\x00\x00\x0d\x00\x00\x00\x02\x00\x00\x01a\x03\xfe\x07\xff"
	for _, c := range []struct {
		name, file string
		typ        snapshot.Type
		want       []string
		err        error
	}{
		{"strings", "\x02\x03foo\x03bar", snapshot.TypeList, []string{"foo", "bar"}, nil},
		{"ziplist", "\x11" + ziplist, snapshot.TypeListZiplist, []string{"a", "7"}, nil},
		{"ziplists", "\x02\x11" + ziplist + "\x11" + ziplist, snapshot.TypeListQuicklist, []string{"a", "7", "a", "7"}, nil},
		{"nodes", "\x02\x01\x03foo\x02\x09\x09\x00\x00\x00\x01\x00\x07\x01\xff", snapshot.TypeListQuicklist2, []string{"foo", "7"}, nil},
		{"an empty node", "\x02\x01\x03foo\x02\x07\x07\x00\x00\x00\x00\x00\xff", snapshot.TypeListQuicklist2, []string{"foo"}, nil},
		{"only an empty node", "\x01\x02\x07\x07\x00\x00\x00\x00\x00\xff", snapshot.TypeListQuicklist2, nil, ErrEmpty},
		{"no nodes", "\x00", snapshot.TypeListQuicklist2, nil, ErrEmpty},
		{"no strings", "\x00", snapshot.TypeList, nil, ErrEmpty},
		{"a node of another kind", "\x01\x03\x03foo", snapshot.TypeListQuicklist2, nil, snapshot.ErrFormat},
		{"no listpack", "\x01\x02\x03foo", snapshot.TypeListQuicklist2, nil, snapshot.ErrFormat},
		{"no ziplist", "\x03foo", snapshot.TypeListZiplist, nil, snapshot.ErrFormat},
		{"cut short", "\x02\x03foo\x03ba", snapshot.TypeList, nil, snapshot.ErrFormat},
		{"of another type", "\x03foo", snapshot.TypeHashZipmap, nil, snapshot.ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewMemory(arena.New(), testSeed)
			l, err := DecodeList(snapshot.NewReader(bytes.NewReader([]byte(c.file)), snapshot.Limits{}), c.typ, &m, ListLimits{Fill: -2, Packed: 1 << 30})
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			var got []string
			l.Each(0, false, func(v Value) bool {
				got = append(got, v.String())
				return true
			})
			if !slices.Equal(got, c.want) {
				t.Fatalf("got %q", got)
			}
		})
	}
}
