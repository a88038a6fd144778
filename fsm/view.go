package fsm

import (
	"io"
	"slices"
	"strconv"

	"github.com/redraftdb/redraft/fsm/arena"
	"github.com/redraftdb/redraft/fsm/table"
	"github.com/redraftdb/redraft/snapshot"
)

// A view is the replicated state as it was at one index. Taking it copies the roots and nothing
// else; from then on it is read without the machine's lock, beside Apply, because whatever it can
// reach is neither written nor recycled until it is released. It belongs to one goroutine.
type view struct {
	aux       [][2]string
	recent    recent
	functions *functions
	databases []*databaseView
}

// databaseView is one database as it was.
type databaseView struct {
	number    int
	live      *database // to release; may have been replaced in the machine since
	cells     arena.Reader
	slots     []table.Table
	objects   objects
	keys, due int
}

// freeze takes the view of a database that has keys.
func (db *database) freeze(number int) *databaseView {
	return &databaseView{
		number:  number,
		live:    db,
		cells:   db.mem.Freeze(),
		slots:   slices.Clone(db.slots),
		objects: objects{items: db.objects.items},
		keys:    db.keys,
		due:     db.due.Len(),
	}
}

// thaw gives back a bounded part of what was kept for a view and reports whether there is more.
func (db *database) thaw(cells int) (more bool) {
	db.objects.release()
	return db.mem.Release(cells)
}

// write writes the view as an RDB file.
func (v *view) write(w io.Writer) error {
	out := snapshot.NewWriter(w)
	out.Header()
	for _, kv := range v.aux {
		out.Aux(kv[0], []byte(kv[1]))
	}
	out.Aux(auxRecent, v.recent.append(nil))
	for _, source := range v.functions.sources() {
		out.Function([]byte(source))
	}
	for _, db := range v.databases {
		out.SelectDB(db.number)
		out.ResizeDB(uint64(db.keys), uint64(db.due))
		db.each(func(c cell) { db.writeKey(out, c) })
	}
	return out.Close()
}

// each visits the view's cells in canonical order.
func (v *databaseView) each(visit func(cell)) {
	for i := range v.slots {
		v.slots[i].Scan(0, func(_, ref uint32) bool {
			visit(cell(v.cells.Bytes(arena.Ref(ref))))
			return true
		})
	}
}

// writeKey writes one key with its deadline and value.
func (v *databaseView) writeKey(out *snapshot.Writer, c cell) {
	if at := c.deadline(); at != 0 {
		out.ExpireMS(at)
	}
	s := loadValue(c, &v.objects)
	typeOf(c.typ()).write(out, v.objects.keyOf(c), s, v.cells)
	if s.kind.timed() {
		writeFieldDeadlines(out, s, v.cells)
	}
}

// aux lists what RDB has no place for, as fields that Redis skips.
func (st *state) aux() [][2]string {
	num := func(n uint64) string { return strconv.FormatUint(n, 10) }
	out := [][2]string{
		{"redis-ver", redisVersion},
		{"redis-bits", "64"},
		{auxFormat, num(snapshotFormat)},
		{auxIndex, num(st.index)},
		{auxTerm, num(st.term)},
		{auxClock, num(uint64(st.clock))},
		{auxSeed, num(st.seed)},
		{auxExpired, num(st.expired)},
		{auxEvicted, num(st.evicted)},
		{auxDigest, num(st.digest.index) + " " + st.digest.hex},
	}
	for _, p := range st.parameters.list() {
		out = append(out, [2]string{auxParameter + p.Name, p.Value})
	}
	for _, u := range st.users.All() {
		out = append(out, [2]string{auxUser + u.Name(), string(appendUser(nil, u))})
	}
	for _, n := range st.nodes {
		out = append(out, [2]string{auxNode + n.ID, n.Addr})
	}
	st.parked.tickets.Scan(func(t *ticket) bool {
		out = append(out, [2]string{auxWaiting, string(t.append(nil))})
		return true
	})
	return append(out, st.scripts.aux()...)
}
