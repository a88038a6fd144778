package snapshot

import (
	"cmp"
	"encoding/binary"
	"fmt"
)

// StreamID names an entry of a stream: the ms since the epoch at which it was added, and a number that
// tells apart what was added in the same ms.
type StreamID struct{ MS, Seq uint64 }

// streamIDLen is the size of an id in binary: both numbers, most significant byte first.
const streamIDLen = 16

// Compare returns -1, 0 or 1 as id comes before o, is o, or comes after it.
func (id StreamID) Compare(o StreamID) int {
	if c := cmp.Compare(id.MS, o.MS); c != 0 {
		return c
	}
	return cmp.Compare(id.Seq, o.Seq)
}

// Binary returns the id's sixteen bytes, which are in order as ids are.
func (id StreamID) Binary() (b [streamIDLen]byte) {
	binary.BigEndian.PutUint64(b[:], id.MS)
	binary.BigEndian.PutUint64(b[8:], id.Seq)
	return b
}

func streamIDOf(b []byte) StreamID {
	return StreamID{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// StreamTotals is what a file says of a stream as a whole.
type StreamTotals struct {
	Length            uint64   // entries
	Last              StreamID // the newest id that was ever given
	First, MaxDeleted StreamID // of the oldest entry, and the newest that was deleted
	Added             uint64   // entries ever
	// Old is set for TypeStreamListpacks, which lacks First, MaxDeleted, Added and what groups have read.
	Old bool
}

// StreamParts takes the parts of a stream in the order in which a file has them: the nodes, the totals,
// then group after group, each with its pending entries, its consumers, and each of these with the ids
// that it owns. Slices are valid during the call. An error ends the reading.
type StreamParts interface {
	// Node takes a listpack of entries. The Reader has checked it: see Reader.Stream.
	Node(id StreamID, pack []byte) error
	// Totals comes once, behind the nodes.
	Totals(t StreamTotals) error
	// Group begins a group. read is how many entries it has read, -1 if that is not known.
	Group(name []byte, last StreamID, read int64) error
	// Pending is an entry that the group has delivered, at a time in ms, and how often. Ids ascend.
	Pending(id StreamID, delivered int64, count uint64) error
	// Consumer begins a consumer of the group, with the time in ms at which it was last seen.
	Consumer(name []byte, seen int64) error
	// Owned is a pending entry of the consumer. Ids ascend.
	Owned(id StreamID) error
	// EndGroup ends the group.
	EndGroup() error
}

// Stream reads the value of a stream of either of its types, part by part.
//
// The nodes have been checked when they arrive: each is a sound listpack and holds what its counts say,
// entry by entry, the numbers to walk it backwards included; the ids of nodes ascend, and so do those of
// all entries that are not deleted, each of which lies between its node's id and the next node's. The
// totals agree with the nodes. Whether the parts of a group agree is for to to say.
func (r *Reader) Stream(t Type, to StreamParts) error {
	if t != TypeStreamListpacks && t != TypeStreamListpacks2 {
		return r.corrupt("a %s where a stream is wanted", t)
	}
	totals := StreamTotals{Old: t == TypeStreamListpacks}
	if err := r.streamNodes(&totals, to); err != nil {
		return err
	}
	groups, err := r.Length()
	for ; err == nil && groups > 0; groups-- {
		err = r.streamGroup(totals.Old, to)
	}
	return err
}

// streamNodes reads the nodes and the totals.
func (r *Reader) streamNodes(totals *StreamTotals, to StreamParts) error {
	var check streamCheck
	nodes, err := r.Length()
	if err != nil {
		return err
	}
	for range nodes {
		key, _, err := r.scratch(&r.field)
		if err != nil {
			return err
		}
		if len(key) != streamIDLen {
			return r.corrupt("a stream's node under an id of %d bytes", len(key))
		}
		pack, _, err := r.scratch(&r.value)
		if err != nil {
			return err
		}
		id := streamIDOf(key)
		if err := check.node(id, pack); err != nil {
			return r.badValue(err)
		}
		if err := to.Node(id, pack); err != nil {
			return r.badValue(err)
		}
	}
	if err := r.streamTotals(totals); err != nil {
		return err
	}
	if totals.Length != check.live || check.live > 0 && totals.Last.Compare(check.last) < 0 {
		return r.corrupt("a stream whose totals are not those of its entries")
	}
	if err := to.Totals(*totals); err != nil {
		return r.badValue(err)
	}
	return nil
}

func (r *Reader) streamTotals(t *StreamTotals) error {
	parts := []*uint64{&t.Length, &t.Last.MS, &t.Last.Seq, &t.First.MS, &t.First.Seq, &t.MaxDeleted.MS, &t.MaxDeleted.Seq, &t.Added}
	if t.Old {
		parts = parts[:3]
	}
	return r.numbers(parts...)
}

// numbers reads numbers that are written as lengths.
func (r *Reader) numbers(into ...*uint64) (err error) {
	const all = 1<<64 - 1
	for _, n := range into {
		if *n, err = r.number(all); err != nil {
			return err
		}
	}
	return nil
}

// time reads a time in ms since the epoch.
func (r *Reader) time() (int64, error) {
	b, err := r.take(8)
	if err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint64(b)), nil
}

func (r *Reader) streamGroup(old bool, to StreamParts) error {
	name, _, err := r.scratch(&r.value)
	if err != nil {
		return err
	}
	var last StreamID
	read := ^uint64(0)
	parts := []*uint64{&last.MS, &last.Seq, &read}
	if old {
		parts = parts[:2]
	}
	if err := r.numbers(parts...); err != nil {
		return err
	}
	if err := to.Group(name, last, int64(read)); err != nil {
		return r.badValue(err)
	}
	err = r.ids(func(id StreamID) error {
		var count uint64
		at, err := r.time()
		if err == nil {
			err = r.numbers(&count)
		}
		if err != nil {
			return err
		}
		return to.Pending(id, at, count)
	})
	if err != nil {
		return err
	}
	consumers, err := r.Length()
	for ; err == nil && consumers > 0; consumers-- {
		err = r.streamConsumer(to)
	}
	if err != nil {
		return err
	}
	if err := to.EndGroup(); err != nil {
		return r.badValue(err)
	}
	return nil
}

func (r *Reader) streamConsumer(to StreamParts) error {
	name, _, err := r.scratch(&r.value)
	if err != nil {
		return err
	}
	seen, err := r.time()
	if err != nil {
		return err
	}
	if err := to.Consumer(name, seen); err != nil {
		return r.badValue(err)
	}
	return r.ids(to.Owned)
}

// ids reads a count and as many ids, which ascend, and visits each.
func (r *Reader) ids(visit func(id StreamID) error) error {
	n, err := r.Length()
	if err != nil {
		return err
	}
	var last StreamID
	for i := range n {
		var b [streamIDLen]byte
		if err := r.full(b[:]); err != nil {
			return err
		}
		id := streamIDOf(b[:])
		if i > 0 && id.Compare(last) <= 0 {
			return r.corrupt("pending entries out of order")
		}
		last = id
		if err := visit(id); err != nil {
			return r.badValue(err)
		}
	}
	return nil
}

// StreamNode writes a node of a stream: its id and its listpack.
func (w *Writer) StreamNode(id StreamID, pack []byte) {
	b := id.Binary()
	w.String(b[:])
	w.String(pack)
}

// StreamID writes an id as two numbers, which is how all but those of nodes and pending entries stand.
func (w *Writer) StreamID(id StreamID) {
	w.Length(id.MS)
	w.Length(id.Seq)
}

// PendingID writes the id of a pending entry, sixteen bytes.
func (w *Writer) PendingID(id StreamID) {
	b := id.Binary()
	w.bytes(b[:])
}

// Time writes a time in ms since the epoch, eight bytes.
func (w *Writer) Time(ms int64) {
	w.room(8)
	w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(ms))
}

// The flags of an entry in a stream's node.
const (
	streamDeleted = 1 << 0
	streamSame    = 1 << 1 // the entry has the fields of the node's head, and only its values follow
)

// streamCheck checks the nodes of a stream, one after the other. A node is a listpack: its head, which is
// the number of entries and of deleted ones, the number of fields of the first entry and their names, and
// a zero; then for each entry its flags, its id's two numbers less those of the node's, the number of its
// fields, these and their values, or the values alone, and the number of all its elements before this one.
type streamCheck struct {
	any  bool
	key  StreamID // of the last node
	last StreamID // of the last entry that is not deleted
	live uint64
}

func (c *streamCheck) node(key StreamID, lp []byte) error {
	if _, err := ValidateListpack(lp); err != nil {
		return err
	}
	if c.any && (key.Compare(c.key) <= 0 || c.live > 0 && key.Compare(c.last) <= 0) {
		return streamError("its nodes are out of order")
	}
	c.any, c.key = true, key
	p := listpackCursor{lp: lp, at: listpackHeader}
	live, deleted, names := p.integer(), p.integer(), p.integer()
	p.skip(names)
	if p.integer() != 0 || p.bad {
		return streamError("a node without a head")
	}
	for !p.end() {
		gone, err := c.entry(&p, key, names)
		if err != nil {
			return err
		}
		if gone {
			deleted--
		} else {
			live--
		}
	}
	if live != 0 || deleted != 0 {
		return streamError("a node that counts its entries wrong")
	}
	return nil
}

// entry checks the entry at p and reports whether it is deleted. Its flags are one byte, which a deletion
// relies on.
func (c *streamCheck) entry(p *listpackCursor, key StreamID, names int64) (gone bool, err error) {
	at := p.at
	flags := p.integer()
	id := StreamID{key.MS + uint64(p.integer()), key.Seq + uint64(p.integer())}
	size, fields := int64(3), names
	if flags&streamSame == 0 {
		fields = p.integer()
		p.skip(fields)
		size += 1 + fields
	}
	p.skip(fields)
	if p.integer() != size+fields || p.bad || flags&^(streamDeleted|streamSame) != 0 || p.lp[at] != byte(flags) {
		return false, streamError("an entry that is none")
	}
	if flags&streamDeleted != 0 {
		return true, nil
	}
	if id.Compare(key) < 0 || c.live > 0 && id.Compare(c.last) <= 0 {
		return false, streamError("its entries are out of order")
	}
	c.last = id
	c.live++
	return false, nil
}

func streamError(what string) error { return fmt.Errorf("%w: a stream: %s", ErrFormat, what) }

// listpackCursor reads the elements of a sound listpack in turn. It goes bad at an element that is not
// there or not what is asked for, and stays so.
type listpackCursor struct {
	lp  []byte
	at  int
	bad bool
}

func (c *listpackCursor) end() bool { return c.bad || c.at == len(c.lp)-1 }

func (c *listpackCursor) next() (e Element) {
	if c.end() {
		c.bad = true
		return Element{}
	}
	rest := c.lp[c.at : len(c.lp)-1]
	e, size := listpackElement(rest)
	c.at += size + backLength(rest[size:], size)
	return e
}

// integer reads an element that is an integer.
func (c *listpackCursor) integer() int64 {
	e := c.next()
	c.bad = c.bad || !e.IsInt
	return e.Int
}

// skip passes n elements. It ends with the listpack, however large n is.
func (c *listpackCursor) skip(n int64) {
	c.bad = c.bad || n < 0
	for ; n > 0 && !c.bad; n-- {
		c.next()
	}
}
