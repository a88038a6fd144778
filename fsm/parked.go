package fsm

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/tidwall/btree"
)

// An Origin names a blocking command of a session, on all nodes and for ever.
type Origin struct {
	Node        string // where the client is connected
	Incarnation uint64 // of that node
	Session     uint64 // the client there
	Request     uint64 // counts what the session has asked for
}

// append appends the origin's bytes: the node under its length, then the numbers, all as uvarints.
func (o *Origin) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(o.Node)))
	dst = append(dst, o.Node...)
	dst = binary.AppendUvarint(dst, o.Incarnation)
	dst = binary.AppendUvarint(dst, o.Session)
	return binary.AppendUvarint(dst, o.Request)
}

// cutOrigin takes an origin off the front of b.
func cutOrigin(b []byte) (o Origin, rest []byte, ok bool) {
	size, b, ok := cutUvarint(b)
	if !ok || size > uint64(len(b)) {
		return o, nil, false
	}
	o.Node, b = string(b[:size]), b[size:]
	for _, n := range []*uint64{&o.Incarnation, &o.Session, &o.Request} {
		if *n, b, ok = cutUvarint(b); !ok {
			return o, nil, false
		}
	}
	return o, b, true
}

// A ticket is a blocking command that waits, on all nodes, for one of its keys to have something for it.
type ticket struct {
	number   uint64 // tickets are served, and fall due, in the order of their numbers
	origin   Origin
	deadline int64 // ms since the epoch; 0 for never
	keys     []databaseKey
	item     []byte // the command
	minds    bool   // it waits for a value that is there, and is answered when that goes
}

// waiting is one ticket at one key.
type waiting struct {
	databaseKey
	number uint64
	ticket *ticket
}

// parked is every ticket, in each of the orders in which tickets are looked for. It is replicated state. The
// numbers are not: what counts is their order.
type parked struct {
	last       uint64 // number given
	tickets    *btree.BTreeG[*ticket]
	byOrigin   map[Origin]*ticket
	byDeadline *btree.BTreeG[*ticket]
	byKey      *btree.BTreeG[waiting]
	minding    map[databaseKey]int // tickets that mind, by the keys that they wait for
	ready      []databaseKey       // keys that have been touched while tickets wait for them, each once
}

func newParked() parked {
	o := btree.Options{NoLocks: true}
	return parked{
		byOrigin: map[Origin]*ticket{},
		minding:  map[databaseKey]int{},
		tickets:  btree.NewBTreeGOptions(func(a, b *ticket) bool { return a.number < b.number }, o),
		byDeadline: btree.NewBTreeGOptions(func(a, b *ticket) bool {
			return cmp.Or(cmp.Compare(a.deadline, b.deadline), cmp.Compare(a.number, b.number)) < 0
		}, o),
		byKey: btree.NewBTreeGOptions(func(a, b waiting) bool {
			return cmp.Or(cmp.Compare(a.db, b.db), cmp.Compare(a.key, b.key), cmp.Compare(a.number, b.number)) < 0
		}, o),
	}
}

// add parks a ticket behind all others.
func (p *parked) add(t *ticket) {
	p.last++
	t.number = p.last
	p.tickets.Set(t)
	p.byOrigin[t.origin] = t
	if t.deadline != 0 {
		p.byDeadline.Set(t)
	}
	for _, k := range t.keys {
		if _, twice := p.byKey.Set(waiting{k, t.number, t}); t.minds && !twice {
			p.minding[k]++
		}
	}
}

// remove forgets a ticket.
func (p *parked) remove(t *ticket) {
	p.tickets.Delete(t)
	delete(p.byOrigin, t.origin)
	p.byDeadline.Delete(t)
	for _, k := range t.keys {
		if _, there := p.byKey.Delete(waiting{k, t.number, t}); !there || !t.minds {
			continue
		}
		if p.minding[k]--; p.minding[k] == 0 {
			delete(p.minding, k)
		}
	}
}

// next is the first ticket behind a number that waits for a key; nil if there is none.
func (p *parked) next(key databaseKey, number uint64) *ticket {
	var found *ticket
	p.byKey.Ascend(waiting{key, number + 1, nil}, func(w waiting) bool {
		if w.databaseKey == key {
			found = w.ticket
		}
		return false
	})
	return found
}

// signal notes that a key may have something for those who wait for it, if there is anybody.
func (st *state) signal(key databaseKey) {
	p := &st.parked
	if p.next(key, 0) == nil || slices.Contains(p.ready, key) {
		return
	}
	if e, found := st.databases[key.db].find([]byte(key.key)); found && awaited(e.typ()) || p.minding[key] > 0 {
		p.ready = append(p.ready, key)
	}
}

// awaited reports whether commands wait for values of a type.
func awaited(typ int) bool { return typ == typeList || typ == typeZSet || typ == typeStream }

// signalAll is signal for every key of a database that somebody waits for.
func (st *state) signalAll(db int) {
	st.parked.byKey.Ascend(waiting{databaseKey{db: db}, 0, nil}, func(w waiting) bool {
		if w.db == db {
			st.signal(w.databaseKey)
		}
		return w.db == db
	})
}

// due is the first ticket whose time has come, nil if there is none.
func (p *parked) due(now int64) *ticket {
	if t, ok := p.byDeadline.Min(); ok && t.deadline <= now {
		return t
	}
	return nil
}

// those lists the tickets that a condition selects, in their order.
func (p *parked) those(selects func(o *Origin) bool) []*ticket {
	var list []*ticket
	p.tickets.Scan(func(t *ticket) bool {
		if selects(&t.origin) {
			list = append(list, t)
		}
		return true
	})
	return list
}

// append appends a ticket in the form that snapshots have: its origin; uvarints with the deadline, with 1 if it
// minds or else 0, and with the number of keys; for each key the database and its bytes under their length; then the command's item.
func (t *ticket) append(dst []byte) []byte {
	dst = t.origin.append(dst)
	dst = binary.AppendUvarint(dst, uint64(t.deadline))
	minds := uint64(0)
	if t.minds {
		minds = 1
	}
	dst = binary.AppendUvarint(dst, minds)
	dst = binary.AppendUvarint(dst, uint64(len(t.keys)))
	for _, k := range t.keys {
		dst = binary.AppendUvarint(dst, uint64(k.db))
		dst = binary.AppendUvarint(dst, uint64(len(k.key)))
		dst = append(dst, k.key...)
	}
	return append(dst, t.item...)
}

var errTicket = errors.New("it is no waiting command in the form that this version writes")

// readTicket reads what append has written.
func readTicket(b []byte) (*ticket, error) {
	o, b, ok := cutOrigin(b)
	deadline, b, ok2 := cutUvarint(b)
	minds, b, ok3 := cutUvarint(b)
	n, b, ok4 := cutUvarint(b)
	if !ok || !ok2 || !ok3 || !ok4 || minds > 1 || n > uint64(len(b)) {
		return nil, errTicket
	}
	t := &ticket{origin: o, deadline: int64(deadline), minds: minds == 1}
	for range n {
		db, rest, ok := cutUvarint(b)
		size, rest, ok2 := cutUvarint(rest)
		if !ok || !ok2 || size > uint64(len(rest)) || db > 1<<31 {
			return nil, errTicket
		}
		t.keys = append(t.keys, databaseKey{int(db), string(rest[:size])})
		b = rest[size:]
	}
	t.item = slices.Clone(b)
	return t, nil
}
