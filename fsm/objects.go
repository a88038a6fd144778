package fsm

import (
	"encoding/binary"

	"github.com/redraftdb/redraft/fsm/value"
)

// objects are the values that do not fit into a cell: []byte for long strings and listpacks, or the
// structure of a large value. A cell names one by its number.
//
// An object that a snapshot's view can see keeps its number and its bytes until the view is
// released; who wants to change it works on a copy under another number.
type objects struct {
	items   []object
	free    []uint32
	retired []uint32 // given up, but in sight of a view

	bytes        int64 // what the objects take outside of the arena
	retiredBytes int64 // the same of those that a view alone can see
}

type object struct {
	key   []byte // the key, where it is too long for a cell
	value any
	bytes int64 // as they are in the sum
}

// objectSize is what an object takes beside its key and its value.
const objectSize = 48

// weight is about how many bytes an object takes outside of the arena.
func (it *object) weight() int64 {
	n := objectSize + int64(len(it.key))
	switch v := it.value.(type) {
	case []byte:
		n += int64(len(v))
	case value.Large:
		n += v.Bytes() - v.Cells()
	}
	return n
}

// weigh takes note that the value of object n is another, or has changed where it is.
func (o *objects) weigh(n uint32) {
	it := &o.items[n]
	o.bytes -= it.bytes
	it.bytes = it.weight()
	o.bytes += it.bytes
}

// replace makes v the value of object n, which no view sees.
func (o *objects) replace(n uint32, v any) {
	o.items[n].value = v
	o.weigh(n)
}

func (o *objects) add(it object) uint32 {
	it.bytes = it.weight()
	o.bytes += it.bytes
	if n := len(o.free); n > 0 {
		i := o.free[n-1]
		o.free = o.free[:n-1]
		o.items[i] = it
		return i
	}
	o.items = append(o.items, it)
	return uint32(len(o.items) - 1)
}

// drop gives up object n: now, or when the view is released.
func (o *objects) drop(n uint32, private bool) {
	o.bytes -= o.items[n].bytes
	if !private {
		o.retired = append(o.retired, n)
		o.retiredBytes += o.items[n].bytes
		return
	}
	o.recycle(n)
}

// recycle makes the number n free for another object.
func (o *objects) recycle(n uint32) {
	o.items[n] = object{}
	o.free = append(o.free, n)
}

// release gives up what drop kept for a view.
func (o *objects) release() {
	for _, n := range o.retired {
		o.recycle(n)
	}
	o.retired, o.retiredBytes = nil, 0
}

// keyOf is the key of a cell, wherever it lies.
func (o *objects) keyOf(c cell) []byte {
	if c.keyLen() == keyOutside {
		return o.items[c.object()].key
	}
	at := c.keyAt()
	return c[at : at+c.keyLen()]
}

func putUint32(b []byte, n uint32) { binary.LittleEndian.PutUint32(b, n) }
