package value

import (
	"github.com/zeebo/xxh3"

	"github.com/redraftdb/redraft/fsm/arena"
)

// Memory is where the values of one keyspace live: their cells, and what it takes to change them
// while a snapshot is being written.
//
// A view is the keyspace as it was when Freeze was called. It is read by another goroutine without
// a lock, so what it can see is neither written nor recycled until Release. What that is follows
// from epochs: Freeze begins a new one, whatever is made remembers the epoch it was born in, and
// while there is a view it sees exactly what was born in an earlier epoch than the present one.
//
// A Memory has one writer. Readers may share it while nobody writes; a view's goroutine does not
// touch it but uses the Reader that Freeze returned.
type Memory struct {
	Arena  *arena.Arena
	Seed   uint64 // of the hash that orders keys and fields: the same on every node of a cluster
	Epoch  uint32 // of what is made now
	Frozen bool   // there is a view

	// Retired are the cells that nothing but a view refers to, or did until it was released.
	Retired      []arena.Ref
	RetiredBytes int64

	scratch [2][]byte // where packed values are rebuilt, in turn
	turn    int       // which of them was written last
}

// maxScratch is the most memory in bytes that a scratch keeps for a value that needs less.
const maxScratch = 64 << 10

// Cells reads cells: an arena.Arena, or the arena.Reader of a view.
type Cells interface {
	Bytes(r arena.Ref) []byte
}

// NewMemory returns a Memory of an empty arena, with no view.
func NewMemory(a *arena.Arena, seed uint64) Memory { return Memory{Arena: a, Seed: seed} }

// Fragment returns the part of b's hash by which tables are ordered.
func (m *Memory) Fragment(b []byte) uint32 { return uint32(xxh3.HashSeed(b, m.Seed) >> 32) }

// Private reports whether what was born in an epoch may be changed in place: no view sees it.
func (m *Memory) Private(born uint32) bool { return !m.Frozen || born == m.Epoch }

// Free gives up a cell born in an epoch: now, or, where a view sees it, after Release.
func (m *Memory) Free(r arena.Ref, born uint32) {
	if m.Private(born) {
		m.Arena.Free(r)
		return
	}
	m.Retired = append(m.Retired, r)
	m.RetiredBytes += int64(len(m.Arena.Bytes(r)))
}

// Freeze begins a view and returns the reader of its cells. It takes constant time. There is one
// view at a time: the last one's Release must have reported that nothing is left to do.
func (m *Memory) Freeze() arena.Reader {
	if m.Frozen || len(m.Retired) > 0 {
		panic("value: a view begins before the last one is released")
	}
	m.Frozen = true
	m.Epoch++
	return m.Arena.Frozen()
}

// Release ends the view, if that has not been done, and frees up to limit of the cells that were
// kept for it. It is called until it reports that there are no more.
func (m *Memory) Release(limit int) (more bool) {
	m.Frozen = false
	for ; limit > 0 && len(m.Retired) > 0; limit-- {
		last := len(m.Retired) - 1
		m.RetiredBytes -= int64(len(m.Arena.Bytes(m.Retired[last])))
		m.Arena.Free(m.Retired[last])
		m.Retired = m.Retired[:last]
	}
	if len(m.Retired) > 0 {
		return true
	}
	m.Retired = nil
	return false
}

// spare returns the scratch that was not written last, for a value of about n bytes to be made
// from one that may lie in either.
func (m *Memory) spare(from []byte, n int) []byte {
	b := m.scratch[1-m.turn]
	if sameMemory(b, from) || cap(b) > maxScratch && n < maxScratch {
		return nil
	}
	return b[:0]
}

// wrote makes b, built in what spare returned, the scratch that was written last.
func (m *Memory) wrote(b []byte) {
	m.turn = 1 - m.turn
	m.scratch[m.turn] = b
}

// latest reports whether b is the scratch that was written last, and so may grow in place.
func (m *Memory) latest(b []byte) bool { return sameMemory(m.scratch[m.turn], b) }

// grew makes b what has become of the scratch that was written last.
func (m *Memory) grew(b []byte) { m.scratch[m.turn] = b }

// sameMemory reports whether two slices begin at the same byte.
func sameMemory(a, b []byte) bool {
	return cap(a) > 0 && cap(b) > 0 && &a[:1][0] == &b[:1][0]
}
