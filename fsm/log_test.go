package fsm

import (
	"bytes"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// testLog drives a machine as a cluster of one would.
type testLog struct {
	t     testing.TB
	m     *Machine
	index uint64
	stamp int64 // ms since the epoch, of the next entry
	db    int
	term  uint64 // 0 is 1
}

func newLog(t testing.TB) *testLog {
	return &testLog{t: t, m: New(), stamp: 1_700_000_000_000}
}

// do runs a command as a session would: an entry for a write, a read for the rest.
func (l *testLog) do(out reply.Sink, words ...string) {
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	spec, _ := l.m.table.Lookup(args)
	switch {
	case spec == nil || !spec.Accepts(len(args)):
		l.t.Fatalf("%q is no command", words)
	case spec.IsLogged() && !(spec.Group == "scripting" && spec.Is(command.NoMandatoryKeys)) && l.m.Check(spec, args) == "":
		l.apply([]reply.Sink{out}, AppendItem(nil, l.db, args))
	default:
		if l.stamp > l.m.Clock() {
			l.apply(nil)
		}
		calls := []Call{{Spec: spec, DB: l.db, Args: args, Out: out, User: "default"}}
		l.m.Read(0, 1, calls)
		switch {
		case calls[0].Abandoned:
			l.apply([]reply.Sink{out}, ForScript("default", AppendItem(nil, l.db, args)))
		case calls[0].Unfinished && spec.Group == "scripting":
			l.apply(nil, KeepScript(args[1]))
		case calls[0].Unfinished:
			l.apply(nil, AppendItem(nil, l.db, args))
		}
	}
}

// ask is do with the answer as text.
func (l *testLog) ask(words ...string) string {
	var out reply.Recorder
	l.do(&out, words...)
	return out.String()
}

// apply applies one entry.
func (l *testLog) apply(sinks []reply.Sink, items ...[]byte) {
	l.index++
	local := make([]any, len(sinks))
	for i, s := range sinks {
		local[i] = s
	}
	l.m.Apply(l.index, max(1, l.term), l.stamp, l.index*0x9e3779b97f4a7c15, items, local)
}

// check checks what must hold of a machine at any time.
func (l *testLog) check() {
	l.t.Helper()
	for i, db := range l.m.state.databases {
		db.check(l.t, i)
	}
}

func (db *database) check(t testing.TB, number int) {
	t.Helper()
	keys, due, outside, timed := 0, 0, 0, 0
	bytes := int64(0)
	for n := range db.slots {
		table := &db.slots[n]
		inBlock := table.Len()
		keys += inBlock
		table.Scan(0, func(frag, ref uint32) bool {
			c := db.cellAt(arena.Ref(ref))
			key := db.keyOf(c)
			if p := db.place(key); int(p.slot) != n || p.frag != frag {
				t.Errorf("database %d: key %q lies at slot %d, fragment %x", number, key, n, frag)
			}
			if e, ok := db.find(key); !ok || uint32(e.ref) != ref {
				t.Errorf("database %d: key %q is not found where it lies", number, key)
			}
			if at := c.deadline(); at != 0 {
				due++
				if _, ok := db.due.Get(deadline{at, db.place(key), arena.Ref(ref)}); !ok {
					t.Errorf("database %d: key %q has a deadline that the index has not", number, key)
				}
			}
			bytes += db.bytesOf(c)
			if c.kind().timed() && db.nextFieldDue(c, 0) == 0 {
				bytes -= fieldsSize
			}
			if at := db.nextFieldDue(c, 0); at != 0 {
				timed++
				if _, ok := db.fields.order.Get(deadline{at, db.place(key), arena.Ref(ref)}); !ok || db.fields.at[arena.Ref(ref)] != at {
					t.Errorf("database %d: a field of %q falls due at %d, which the index has not", number, key, at)
				}
			}
			if c.has(flagOutside) {
				outside++
				if db.objects.items[c.object()].value == nil {
					t.Errorf("database %d: key %q has no object", number, key)
				}
			}
			return true
		})
	}
	if u := db.memory(); bytes != u.Data+u.Expires+placeSize*int64(keys) {
		t.Errorf("database %d: its keys take %d bytes, counted as %+v", number, bytes, u)
	}
	if keys != db.keys || due != db.due.Len() {
		t.Errorf("database %d: %d keys counted as %d, %d deadlines as %d", number, keys, db.keys, due, db.due.Len())
	}
	if timed != db.fields.order.Len() || timed != len(db.fields.at) {
		t.Errorf("database %d: %d hashes with deadlines counted as %d and %d", number, timed, db.fields.order.Len(), len(db.fields.at))
	}
	if live := len(db.objects.items) - len(db.objects.free) - len(db.objects.retired); live != outside {
		t.Errorf("database %d: %d objects for %d cells", number, live, outside)
	}
}

// image is the machine's state as a snapshot.
func (l *testLog) image() []byte {
	l.t.Helper()
	write, release, err := l.m.Snapshot()
	if err != nil {
		l.t.Fatal(err)
	}
	defer release()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		l.t.Fatal(err)
	}
	return b.Bytes()
}
