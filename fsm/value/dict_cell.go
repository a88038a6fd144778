package value

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/redraftdb/redraft/fsm/arena"
)

// A field's cell is
//
//	0  u32      epoch of birth (Memory)
//	4  uvarint  code of the field
//	   uvarint  code of the value
//	   field
//	   value
//
// A part is its bytes, and its code twice their number; or, if it is too long for a cell, four
// bytes, its number among the Dict's long parts, and its code is 1. Numbers are little-endian. A
// cell may be longer than what it holds.

const (
	// maxPart is the most bytes of a field or a value that lie in the cell: with two of them, and
	// two codes of three bytes, the cell still fits the arena.
	maxPart = (arena.MaxCell - 4 - 2*3) / 2

	codeLong = 1
)

func bornIn(cell []byte) uint32             { return binary.LittleEndian.Uint32(cell) }
func setBorn(cell []byte, epoch uint32)     { binary.LittleEndian.PutUint32(cell, epoch) }
func codeSize(code int) int                 { return (bits.Len(uint(code)|1) + 6) / 7 }
func partNumber(cell []byte, at int) uint32 { return binary.LittleEndian.Uint32(cell[at:]) }

// codeAt reads the code at an offset and returns the offset behind it.
func codeAt(cell []byte, at int) (code, next int) {
	if b := cell[at]; b < 0x80 {
		return int(b), at + 1
	}
	u, n := binary.Uvarint(cell[at:])
	return int(u), at + n
}

// codeOf returns a part's code and its size in the cell.
func codeOf(b []byte) (code, size int) {
	if len(b) > maxPart {
		return codeLong, 4
	}
	return 2 * len(b), len(b)
}

// field returns the field of a cell.
func (d *Dict) field(cell []byte) []byte {
	f, at := codeAt(cell, 4)
	_, at = codeAt(cell, at)
	field, _ := d.part(cell, f, at)
	return field
}

// pair returns the field and the value of a cell.
func (d *Dict) pair(cell []byte) (field, v []byte) {
	f, at := codeAt(cell, 4)
	c, at := codeAt(cell, at)
	field, at = d.part(cell, f, at)
	v, _ = d.part(cell, c, at)
	return field, v
}

// part returns a part with its code that lies at an offset, and the offset behind it.
func (d *Dict) part(cell []byte, code, at int) (b []byte, next int) {
	if code == codeLong {
		return d.long.parts[partNumber(cell, at)], at + 4
	}
	next = at + code/2
	return cell[at:next:next], next
}

// newCell returns a cell that holds a field and its value.
func (d *Dict) newCell(m *Memory, field, v []byte) arena.Ref {
	f, fieldSize := codeOf(field)
	c, valueSize := codeOf(v)
	ref := m.Arena.Alloc(4 + codeSize(f) + codeSize(c) + fieldSize + valueSize)
	cell := m.Arena.Bytes(ref)
	d.cells += int64(len(cell))
	setBorn(cell, m.Epoch)
	at := 4 + binary.PutUvarint(cell[4:], uint64(f))
	at += binary.PutUvarint(cell[at:], uint64(c))
	for _, b := range [2][]byte{field, v} {
		if len(b) <= maxPart {
			at += copy(cell[at:], b)
			continue
		}
		binary.LittleEndian.PutUint32(cell[at:], d.long.add(m, b))
		at += 4
	}
	return ref
}

// overwrite puts a value into a cell in place, if nobody else sees it, and the cell is as large as
// a new one would be, and nothing in it has to move.
func (d *Dict) overwrite(m *Memory, ref arena.Ref, v []byte) bool {
	cell := m.Arena.Bytes(ref)
	code, size := codeOf(v)
	f, valueCode := codeAt(cell, 4)
	old, at := codeAt(cell, valueCode)
	if old == codeLong || code == codeLong || codeSize(old) != codeSize(code) || !m.Private(bornIn(cell)) {
		return false
	}
	_, at = d.part(cell, f, at)
	if arena.ClassSize(at+size) != len(cell) {
		return false
	}
	copy(cell[at:], v)
	binary.PutUvarint(cell[valueCode:], uint64(code))
	return true
}

// dispose gives up a cell that the table no longer has, and its long parts.
func (d *Dict) dispose(m *Memory, ref arena.Ref) {
	cell := m.Arena.Bytes(ref)
	d.cells -= int64(len(cell))
	f, at := codeAt(cell, 4)
	c, at := codeAt(cell, at)
	if f == codeLong {
		d.long.drop(m, partNumber(cell, at))
	}
	if _, at = d.part(cell, f, at); c == codeLong {
		d.long.drop(m, partNumber(cell, at))
	}
	m.Free(ref, bornIn(cell))
}

// longParts are the fields and values of a Dict that are too long for a cell, by number. A part
// is never written after it was added; the slices are copied before they are first changed in an
// epoch in which a view may read them.
type longParts struct {
	parts [][]byte
	free  []uint32
	bytes int64
	born  uint32
}

// own makes the slices ones that may be changed.
func (l *longParts) own(m *Memory) {
	if m.Private(l.born) {
		return
	}
	l.parts, l.free, l.born = slices.Clone(l.parts), slices.Clone(l.free), m.Epoch
}

// add keeps a copy of b and returns its number.
func (l *longParts) add(m *Memory, b []byte) uint32 {
	l.own(m)
	l.bytes += int64(len(b))
	b = slices.Clone(b)
	if n := len(l.free); n > 0 {
		i := l.free[n-1]
		l.free = l.free[:n-1]
		l.parts[i] = b
		return i
	}
	l.parts = append(l.parts, b)
	return uint32(len(l.parts) - 1)
}

func (l *longParts) drop(m *Memory, i uint32) {
	l.own(m)
	l.bytes -= int64(len(l.parts[i]))
	l.parts[i] = nil
	l.free = append(l.free, i)
}
