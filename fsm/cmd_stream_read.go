package fsm

import (
	"bytes"
	"slices"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func streamReadCommands() []*command.Spec {
	return []*command.Spec{
		{Name: "xread", Usage: "[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]", Group: "stream",
			Since: "5.0.0", Complexity: "O(log(N) + M) for M entries returned of N", Flags: command.ReadOnly | command.Blocking,
			Summary: "Return the entries of streams behind an id of each", Keys: command.StreamKeys(1, command.RO|command.Access),
			Handler: handler(xreadCommand)},
		{Name: "xreadgroup", Group: "stream", Since: "5.0.0", Complexity: "O(log(N) + M) for M entries returned of N",
			Usage: "GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]",
			Flags: command.Write | command.Blocking, Keys: command.StreamKeys(4, command.RO|command.Access),
			Summary: "Return entries of streams to a consumer of a group: new ones, or again those that are pending for it",
			Handler: handler(xreadgroupCommand)},
	}
}

// A streamReader is what XREAD or XREADGROUP asks for.
type streamReader struct {
	keys            [][]byte
	after           []value.StreamID // of each key; newEntries with a group for what it has not read yet
	group, consumer []byte           // nil for XREAD
	noack           bool
	count           int64 // of each stream; 0 for all
	block           int64 // how long to wait for entries, in ms, 0 for ever; -1 for not at all
}

// newEntries is what > stands for.
func newEntries() value.StreamID { return value.MaxStreamID() }

func xreadCommand(r *run)      { r.readStreams(false) }
func xreadgroupCommand(r *run) { r.readStreams(true) }

func (r *run) readStreams(group bool) {
	if r.ready != nil {
		r.readReady()
		return
	}
	q, ok := r.parseReader(group)
	if !ok {
		return
	}
	var all []served
	for i := range q.keys {
		if a, ok := r.serve(q, i); ok {
			all = append(all, a)
		}
	}
	switch {
	case len(all) > 0:
		r.answerReader(q, all)
	case q.block < 0:
		r.out.NullArray()
	case group:
		r.park(wait{keys: q.keys, timeout: q.block, minds: true})
	case r.tail != nil:
		r.tail.reader = q
	default:
		r.out.NullArray()
	}
}

// readReady is XREADGROUP that has waited, for the one stream where something has happened.
func (r *run) readReady() {
	q, ok := r.parseReaderArgs(true)
	if !ok {
		return // what was parsed before
	}
	i := slices.IndexFunc(q.keys, func(key []byte) bool { return bytes.Equal(key, r.ready) })
	e, found := r.db.find(r.ready)
	switch {
	case !found || r.isDue(e.cell) || e.typ() != typeStream:
		r.out.Error(errStreamGone)
		r.served = true
		return
	case streamOf(r.load(e)).Group(q.group) == nil:
		r.out.Error(errGroupGone)
		r.served = true
		return
	}
	q.after[i] = newEntries()
	if a, ok := r.serve(q, i); ok {
		r.answerReader(q, []served{a})
		r.served = true
	}
}

// A served is what a stream has for a reader.
type served struct {
	key    []byte
	stream *value.Stream
	from   value.StreamID
	items  []delivery // with a group
}

// A delivery is an entry that a consumer is given, or was given and is gone since.
type delivery struct {
	value.StreamEntry
	gone bool
}

// serve takes what the reader's i-th stream has for it. With a group it is pending for the consumer from then
// on, and the next call takes what comes behind it. ok is false when there is nothing, and nothing has changed.
//
// It is for those who wait too: what they wait for is there as soon as ok is true, and answerReader answers them.
func (r *run) serve(q *streamReader, i int) (a served, ok bool) {
	key, after := q.keys[i], q.after[i]
	e, found := r.db.find(key)
	if !found || r.isDue(e.cell) || e.typ() != typeStream {
		return a, false
	}
	s := streamOf(r.load(e))
	newest, any := s.Newest()
	if q.group == nil {
		from, _ := value.NextStreamID(after)
		return served{key: key, stream: s, from: from}, any && newest.Compare(after) > 0
	}
	g := s.Group(q.group)
	switch {
	case g == nil:
		return a, false
	case after != newEntries():
		a.items = r.deliverAgain(q, key, s, after)
	case any && newest.Compare(g.Last) > 0:
		a.items = r.deliver(q, key, s, g.Last)
	default:
		return a, false
	}
	a.key = key
	r.counted()
	return a, true
}

// member is the reader's group of a stream, for a change, and its consumer, which is made if it is not there.
func (r *run) member(key []byte, s *value.Stream, group, consumer []byte) (*value.Group, *value.Consumer) {
	g := s.Change(&r.db.mem, group)
	c, created := g.Member(&r.db.mem, consumer, r.now)
	if created {
		r.counted()
		r.event(EventStream, "xgroup-createconsumer", key)
	}
	return g, c
}

// deliver hands new entries of a stream, which are behind an id, to the reader's consumer.
func (r *run) deliver(q *streamReader, key []byte, s *value.Stream, after value.StreamID) (items []delivery) {
	s = r.change(key, s)
	g, c := r.member(key, s, q.group, q.consumer)
	from, _ := value.NextStreamID(after)
	s.Range(from, value.MaxStreamID(), false, func(e *value.StreamEntry) bool {
		s.Advance(g, e.ID)
		if !q.noack {
			g.Assign(&r.db.mem, c, value.Pending{ID: e.ID, Delivered: r.now, Count: 1})
		}
		items = append(items, delivery{StreamEntry: *e})
		return q.count == 0 || int64(len(items)) < q.count
	})
	return items
}

// deliverAgain hands the reader's consumer what is pending for it behind an id.
func (r *run) deliverAgain(q *streamReader, key []byte, s *value.Stream, after value.StreamID) (items []delivery) {
	s = r.change(key, s)
	g, c := r.member(key, s, q.group, q.consumer)
	from, _ := value.NextStreamID(after)
	var pending []value.Pending
	g.EachPending(c, from, func(p value.Pending) bool {
		pending = append(pending, p)
		return q.count == 0 || int64(len(pending)) < q.count
	})
	for _, p := range pending {
		e, there := s.Entry(p.ID)
		e.ID = p.ID
		items = append(items, delivery{e, !there})
		if there {
			p.Delivered = r.now
			p.Count++
			g.Assign(&r.db.mem, c, p)
		}
	}
	return items
}

// answerReader answers with what streams have for a reader.
func (r *run) answerReader(q *streamReader, all []served) {
	if r.out.RESP3() {
		r.out.Map(len(all))
	} else {
		r.out.Array(len(all))
	}
	for _, a := range all {
		if !r.out.RESP3() {
			r.out.Array(2)
		}
		r.out.Bulk(a.key)
		if q.group == nil {
			r.streamRange(a.stream, a.from, value.MaxStreamID(), q.count, false)
			continue
		}
		r.out.Array(len(a.items))
		for i := range a.items {
			r.delivered(&a.items[i])
		}
	}
}

func (r *run) delivered(d *delivery) {
	if !d.gone {
		r.streamEntry(&d.StreamEntry)
		return
	}
	r.out.Array(2)
	r.streamID(d.ID)
	r.out.NullArray()
}

// parseReader reads the arguments of XREAD or XREADGROUP and finds out what the ids mean. With ok false the
// command has been answered.
func (r *run) parseReader(group bool) (q *streamReader, ok bool) {
	if q, ok = r.parseReaderArgs(group); !ok {
		return nil, false
	}
	ids := r.args[len(r.args)-len(q.keys):]
	for i := range q.keys {
		if !r.readAfter(q, i, ids[i]) {
			return nil, false
		}
	}
	return q, true
}

// parseReaderArgs is parseReader but for the ids.
func (r *run) parseReaderArgs(group bool) (q *streamReader, ok bool) {
	q = &streamReader{block: -1}
	at := 1
	for ; at < len(r.args); at++ {
		if command.IsWord(r.args[at], "STREAMS") && at+1 < len(r.args) {
			break
		}
		if at, ok = r.parseReaderOption(q, at, group); !ok {
			return nil, false
		}
	}
	words := r.args[min(at+1, len(r.args)):]
	switch {
	case len(words)%2 != 0:
		r.out.Error(errReadUnbalanced)
		return nil, false
	case len(words) == 0:
		r.out.Error(errSyntax)
		return nil, false
	case group && q.group == nil:
		r.out.Error(errReadNoGroup)
		return nil, false
	}
	q.keys, q.after = words[:len(words)/2], make([]value.StreamID, len(words)/2)
	return q, true
}

// parseReaderOption reads the option at an argument's index and returns the index of its last argument.
func (r *run) parseReaderOption(q *streamReader, at int, group bool) (last int, ok bool) {
	arg, more := r.args[at], len(r.args)-at-1
	switch {
	case command.IsWord(arg, "BLOCK") && more > 0:
		if r.scripted {
			r.out.Error(errScriptBlock(r.args[0]))
			return at, false
		}
		at++
		q.block, ok = r.milliseconds(r.args[at])
		return at, ok
	case command.IsWord(arg, "COUNT") && more > 0:
		at++
		q.count, ok = r.integer(r.args[at])
		q.count = max(q.count, 0)
		return at, ok
	case command.IsWord(arg, "GROUP") && more > 1:
		if !group {
			r.out.Error(errReadOption("GROUP"))
			return at, false
		}
		q.group, q.consumer = r.args[at+1], r.args[at+2]
		return at + 2, true
	case command.IsWord(arg, "NOACK"):
		if !group {
			r.out.Error(errReadOption("NOACK"))
			return at, false
		}
		q.noack = true
		return at, true
	}
	r.out.Error(errSyntax)
	return at, false
}

// milliseconds reads how long to wait; if it is no such time the command has been answered.
func (r *run) milliseconds(arg []byte) (int64, bool) {
	n, ok := value.ParseInt(arg)
	switch {
	case !ok:
		r.out.Error(errTimeoutInteger)
	case n < 0:
		r.out.Error(errTimeoutNegative)
	}
	return n, ok && n >= 0
}

// readAfter finds out behind which id the reader's i-th stream is to be read. The stream, and its group if the
// reader has one, must be what it says, or the command has been answered.
func (r *run) readAfter(q *streamReader, i int, arg []byte) (ok bool) {
	s, ok := r.sourceStream(q.keys[i])
	if !ok {
		return false
	}
	if q.group != nil && (s == nil || s.Group(q.group) == nil) {
		r.out.Error(errNoGroupToRead(q.keys[i], q.group))
		return false
	}
	switch string(arg) {
	case "$":
		if q.group != nil {
			r.out.Error(errReadLast)
			return false
		}
		if s != nil {
			q.after[i] = s.Last
		}
		return true
	case ">":
		if q.group == nil {
			r.out.Error(errReadNew)
			return false
		}
		q.after[i] = newEntries()
		return true
	}
	q.after[i], ok = r.parseID(arg)
	return ok
}
