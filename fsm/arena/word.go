package arena

import (
	"sync/atomic"
	"unsafe"
)

// A word is four bytes of a cell that goroutines read and write together while nobody writes anything
// else: a figure of this node's own that readers keep in the cell they read. Nobody is ever shown a part of
// it, and it orders nothing: it may be late. Its place in the cell divides by four. Cells lie at
// multiples of sixteen bytes of a slab, and a slab where the Go heap aligns 64 KiB, so the word is aligned.
//
// Whoever has the Arena for himself may treat a word as bytes, in the processor's order.

// LoadWord returns the word at a place of a cell.
func LoadWord(cell []byte, at int) uint32 {
	return atomic.LoadUint32((*uint32)(unsafe.Pointer(&cell[at : at+4][0])))
}

// StoreWord sets the word at a place of a cell.
func StoreWord(cell []byte, at int, word uint32) {
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&cell[at : at+4][0])), word)
}
