package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func streamCommands() []*command.Spec {
	const (
		w = command.Write
		r = command.ReadOnly
		f = command.Fast
	)
	read := command.OneKey(command.RO | command.Access)
	update := command.OneKey(command.RW | command.Update)
	remove := command.OneKey(command.RW | command.Delete)
	return []*command.Spec{
		{Name: "xadd", Group: "stream", Since: "5.0.0", Complexity: "O(1), O(N) for N entries that are trimmed",
			Usage: "key [NOMKSTREAM] trim=[<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> " +
				"field value [field value ...]",
			Summary: "Add an entry to a stream", Flags: w | command.DenyOOM | f, Keys: update,
			Tips: []string{"nondeterministic_output"}, Handler: handler(xaddCommand)},
		{Name: "xdel", Usage: "key id [id ...]", Group: "stream", Since: "5.0.0", Complexity: "O(1) for each entry",
			Summary: "Remove entries from a stream", Flags: w | f, Keys: remove, Handler: handler(xdelCommand)},
		{Name: "xlen", Usage: "key", Group: "stream", Since: "5.0.0", Complexity: "O(1)",
			Summary: "Return the number of entries of a stream", Flags: r | f, Keys: command.OneKey(command.RO),
			Handler: handler(xlenCommand)},
		{Name: "xrange", Usage: "key start:string end:string [COUNT count]", Group: "stream", Since: "5.0.0",
			Complexity: "O(log(N) + M) for M entries returned of N", Summary: "Return the entries of a range of ids",
			Flags: r, Keys: read, Handler: handler(xrangeCommand)},
		{Name: "xrevrange", Usage: "key end:string start:string [COUNT count]", Group: "stream", Since: "5.0.0",
			Complexity: "O(log(N) + M) for M entries returned of N", Summary: "Return the entries of a range of ids, the last first",
			Flags: r, Keys: read, Handler: handler(xrevrangeCommand)},
		{Name: "xsetid", Usage: "key last-id [ENTRIESADDED entries_added] [MAXDELETEDID max_deleted_entry_id]", Group: "stream",
			Since: "5.0.0", Complexity: "O(1)", Summary: "Set what a stream remembers of its ids",
			Flags: w | command.DenyOOM | f, Keys: update, Handler: handler(xsetidCommand),
			Differs: "Of a stream without entries it drops what is left of trimmed ones behind the id. Redis keeps that: " +
				"what is added next may come out of order there, and some of it to no reader of a group."},
		{Name: "xtrim", Usage: "key <MAXLEN | MINID> [= | ~] threshold [LIMIT count]", Group: "stream", Since: "5.0.0",
			Complexity: "O(N) for N entries that are removed", Summary: "Remove entries from the beginning of a stream",
			Flags: w, Keys: remove, Tips: []string{"nondeterministic_output"}, Handler: handler(xtrimCommand)},
	}
}

func xlenCommand(r *run) {
	s, ok := r.stream(r.args[1])
	switch {
	case !ok:
	case s == nil:
		r.out.Int(0)
	default:
		r.out.Int(int64(s.Len()))
	}
}

func xrangeCommand(r *run)    { r.rangeOfStream(r.args[2], r.args[3], false) }
func xrevrangeCommand(r *run) { r.rangeOfStream(r.args[3], r.args[2], true) }

func (r *run) rangeOfStream(start, end []byte, reverse bool) {
	from, ok := r.parseBound(start, false)
	if !ok {
		return
	}
	to, ok := r.parseBound(end, true)
	if !ok {
		return
	}
	count := int64(-1)
	for i := 4; i < len(r.args); i += 2 {
		if !command.IsWord(r.args[i], "COUNT") || i+1 == len(r.args) {
			r.out.Error(errSyntax)
			return
		}
		if count, ok = r.integer(r.args[i+1]); !ok {
			return
		}
		count = max(count, 0)
	}
	switch s, ok := r.stream(r.args[1]); {
	case !ok:
	case s == nil:
		r.out.Array(0)
	case count == 0:
		r.out.NullArray()
	default:
		r.streamRange(s, from, to, max(count, 0), reverse)
	}
}

func xdelCommand(r *run) {
	key := r.args[1]
	s, ok := r.stream(key)
	if !ok {
		return
	}
	if s == nil {
		r.out.Int(0)
		return
	}
	ids, ok := r.parseIDs(r.args[2:])
	if !ok {
		return
	}
	s = r.change(key, s)
	deleted := 0
	for _, id := range ids {
		if s.Delete(&r.db.mem, id) {
			deleted++
			r.touched(key)
		}
	}
	if deleted > 0 {
		r.event(EventStream, "xdel", key)
	}
	r.out.Int(int64(deleted))
}

func xsetidCommand(r *run) {
	o, ok := r.parseSetID()
	if !ok {
		return
	}
	key := r.args[1]
	s, ok := r.stream(key)
	if !ok {
		return
	}
	if s == nil {
		r.out.Error(errNoSuchKey)
		return
	}
	if newest, any := s.Newest(); any {
		switch {
		case o.id.Compare(newest) < 0:
			r.out.Error(errSetIDTop)
			return
		case o.added != -1 && uint64(s.Len()) > uint64(o.added):
			r.out.Error(errSetIDLength)
			return
		}
	}
	s = r.change(key, s)
	s.SetLast(o.id)
	if o.added != -1 {
		s.Added = uint64(o.added)
	}
	if o.deleted != (value.StreamID{}) {
		s.MaxDeleted = o.deleted
	}
	r.counted()
	r.event(EventStream, "xsetid", key)
	r.out.Status("OK")
}

// setID is what XSETID sets.
type setID struct {
	id, deleted value.StreamID
	added       int64 // -1 to leave it
}

func (r *run) parseSetID() (o setID, ok bool) {
	o.added = -1
	if o.id, ok = r.parseID(r.args[2]); !ok {
		return o, false
	}
	for i := 3; i < len(r.args); i += 2 {
		switch {
		case i+1 == len(r.args):
			r.out.Error(errSyntax)
			return o, false
		case command.IsWord(r.args[i], "ENTRIESADDED"):
			if o.added, ok = r.integer(r.args[i+1]); ok && o.added < 0 {
				r.out.Error(errEntriesAdded)
				return o, false
			}
		case command.IsWord(r.args[i], "MAXDELETEDID"):
			if o.deleted, ok = r.parseID(r.args[i+1]); ok && o.id.Compare(o.deleted) < 0 {
				r.out.Error(errMaxDeleted)
				return o, false
			}
		default:
			r.out.Error(errSyntax)
			return o, false
		}
		if !ok {
			return o, false
		}
	}
	return o, true
}
