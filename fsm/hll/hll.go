// Package hll counts distinct elements in little memory: HyperLogLog sketches in the bytes in which Redis
// keeps them in strings, so that a sketch is the same string on either server.
//
// A sketch is a header of 16 bytes and 16384 registers of 6 bits. An element's hash chooses a register
// by 14 of its bits; the register holds the longest row of zeros, plus one, that the other 50 bits of
// such elements began with. The header is "HYLL", a byte that tells the form, three that are not used, and
// the last count, 8 bytes little-endian, whose highest bit says that the sketch has changed since.
//
// In the dense form (0) the registers follow one another from the lowest bit of the first byte on. In
// the sparse form (1) runs of equal registers do:
//
//	00nnnnnn           n+1 registers of 0
//	01nnnnnn nnnnnnnn  the same, with the higher bits of n first
//	1vvvvvnn           n+1 registers of v+1
//
// A sketch comes from a client, so nothing in its bytes is trusted but what IsSketch has seen.
package hll

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
)

// ErrCorrupt says that the runs of a sparse sketch do not add up to all registers.
var ErrCorrupt = errors.New("the registers of a sketch are not all there")

const (
	magic      = "HYLL"
	formAt     = len(magic)
	countAt    = 8
	headerSize = 16

	dense  = 0
	sparse = 1

	indexBits    = 14
	hashBits     = 64 - indexBits
	registerBits = 6
	denseSize    = headerSize + (Registers*registerBits+7)/8
	longestZero  = 1 << 6 // registers in one byte of the sparse form
	longestValue = 1 << 2
	sparseMost   = 1 << 5 // the largest register that the sparse form holds
)

// Registers is how many registers a sketch has.
const Registers = 1 << indexBits

// New returns the sketch of no element.
func New() []byte {
	b := make([]byte, headerSize, headerSize+2)
	copy(b, magic)
	b[formAt] = sparse
	return appendRun(b, 0, Registers)
}

// IsSketch reports whether b is a sketch as far as its header tells. The other functions take nothing else.
func IsSketch(b []byte) bool {
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return false
	}
	return b[formAt] == sparse || b[formAt] == dense && len(b) == denseSize
}

// IsDense reports whether a sketch is in the dense form.
func IsDense(b []byte) bool { return b[formAt] == dense }

// Cached is the count that the header holds; ok is false if the sketch has changed since.
func Cached(b []byte) (n uint64, ok bool) {
	n = binary.LittleEndian.Uint64(b[countAt:])
	return n, n>>63 == 0
}

// SetCached puts a count into the header.
func SetCached(b []byte, n uint64) { binary.LittleEndian.PutUint64(b[countAt:], n) }

// Invalidate says in the header that the count there is an old one.
func Invalidate(b []byte) { b[headerSize-1] |= 0x80 }

// Add takes an element in and reports whether that changed a register. The sketch, which may be changed in place,
// becomes dense when it would be longer than most bytes.
func Add(b, element []byte, most int) (sketch []byte, changed bool, err error) {
	hash := murmur(element)
	return Raise(b, int(hash%Registers), byte(bits.TrailingZeros64(hash>>indexBits|1<<hashBits)+1), most)
}

// Raise makes a register at least n, not 0, otherwise as Add does.
func Raise(b []byte, index int, n byte, most int) (sketch []byte, changed bool, err error) {
	if IsDense(b) {
		return b, raiseDense(b, index, n), nil
	}
	return raiseSparse(b, index, n, most)
}

// register is a register of a dense sketch.
func register(b []byte, index int) byte {
	at, shift := denseAt(index)
	n := b[at] >> shift
	if shift > 8-registerBits {
		n |= b[at+1] << (8 - shift)
	}
	return n & (1<<registerBits - 1)
}

// denseAt is the byte in which a register begins, and at which bit.
func denseAt(index int) (at, shift int) {
	bit := index * registerBits
	return headerSize + bit/8, bit % 8
}

func raiseDense(b []byte, index int, n byte) bool {
	if n <= register(b, index) {
		return false
	}
	at, shift := denseAt(index)
	const ones = 1<<registerBits - 1
	b[at] = b[at]&^(ones<<shift) | n<<shift
	if shift > 8-registerBits {
		b[at+1] = b[at+1]&^(ones>>(8-shift)) | n>>(8-shift)
	}
	return true
}

// A run is a piece of the sparse form: so many registers of one value, in size bytes.
type run struct {
	value  byte
	length int
	size   int
}

// runAt is the run at a position. A second byte that is missing counts as 0, as it does in Redis.
func runAt(b []byte, at int) run {
	c := b[at]
	switch c >> 6 {
	case 0:
		return run{0, int(c) + 1, 1}
	case 1:
		low := byte(0)
		if at+1 < len(b) {
			low = b[at+1]
		}
		return run{0, int(c&0x3f)<<8 + int(low) + 1, 2}
	default:
		return run{c>>2&0x1f + 1, int(c&3) + 1, 1}
	}
}

// appendRun appends a run of n registers, which one run can hold.
func appendRun(dst []byte, value byte, n int) []byte {
	switch {
	case value > 0:
		return append(dst, 0x80|(value-1)<<2|byte(n-1))
	case n > longestZero:
		return append(dst, 0x40|byte((n-1)>>8), byte(n-1))
	default:
		return append(dst, byte(n-1))
	}
}

func raiseSparse(b []byte, index int, n byte, most int) ([]byte, bool, error) {
	if n > sparseMost {
		return raisePromoted(b, index, n)
	}
	first, before, at := 0, headerSize, headerSize // before: where the run ahead of the one at at begins
	var old run
	for ; ; first, before, at = first+old.length, at, at+old.size {
		if at >= len(b) {
			return b, false, ErrCorrupt
		}
		if old = runAt(b, at); index < first+old.length {
			break
		}
	}
	switch {
	case at+old.size > len(b):
		return b, false, ErrCorrupt
	case n <= old.value:
		return b, false, nil
	}
	var room [5]byte
	parts := room[:0]
	if head := index - first; head > 0 {
		parts = appendRun(parts, old.value, head)
	}
	parts = appendRun(parts, n, 1)
	if tail := first + old.length - index - 1; tail > 0 {
		parts = appendRun(parts, old.value, tail)
	}
	if more := len(parts) - old.size; more > 0 && len(b)+more > most {
		return raisePromoted(b, index, n)
	}
	b = join(slices.Replace(b, at, at+old.size, parts...), before)
	Invalidate(b)
	return b, true, nil
}

func raisePromoted(b []byte, index int, n byte) ([]byte, bool, error) {
	d, err := Dense(b)
	if err != nil {
		return b, false, err
	}
	raiseDense(d, index, n)
	return d, true, nil
}

// join makes one run of neighbours of the same value, among the five from a position on, as far as one run can
// hold them.
func join(b []byte, at int) []byte {
	for left := 5; left > 0 && at < len(b); left-- {
		r := runAt(b, at)
		if r.value > 0 && at+1 < len(b) {
			if next := runAt(b, at+1); next.value == r.value && r.length+next.length <= longestValue {
				appendRun(b[:at], r.value, r.length+next.length)
				b = slices.Delete(b, at+1, at+2)
				continue
			}
		}
		at += r.size
	}
	return b
}

// Dense returns a sketch in the dense form: itself if it is, or a new one.
func Dense(b []byte) ([]byte, error) {
	if IsDense(b) {
		return b, nil
	}
	d := make([]byte, denseSize)
	copy(d, b[:headerSize])
	d[formAt] = dense
	err := runs(b, func(first int, r run) {
		for i := range r.length {
			raiseDense(d, first+i, r.value)
		}
	})
	return d, err
}

// runs visits the runs of a sparse sketch, up to one that does not fit.
func runs(b []byte, visit func(first int, r run)) error {
	first := 0
	for at := headerSize; at < len(b); {
		r := runAt(b, at)
		if first+r.length > Registers {
			return ErrCorrupt
		}
		visit(first, r)
		first += r.length
		at += r.size
	}
	if first != Registers {
		return ErrCorrupt
	}
	return nil
}

// A Union has for each register the largest of several sketches.
type Union [Registers]byte

// Merge takes a sketch in.
func (u *Union) Merge(b []byte) error {
	if IsDense(b) {
		for i := range u {
			u[i] = max(u[i], register(b, i))
		}
		return nil
	}
	return runs(b, func(first int, r run) {
		for i := range r.length {
			u[first+i] = max(u[first+i], r.value)
		}
	})
}

// Seed of the hash, as in Redis.
const seed = 0xadc83b19

// murmur is MurmurHash64A, which is in the public domain.
func murmur(b []byte) uint64 {
	const m, r = 0xc6a4a7935bd1e995, 47
	h := seed ^ uint64(len(b))*m
	for ; len(b) >= 8; b = b[8:] {
		k := binary.LittleEndian.Uint64(b) * m
		k ^= k >> r
		h = (h ^ k*m) * m
	}
	if len(b) > 0 {
		var last [8]byte
		copy(last[:], b)
		h = (h ^ binary.LittleEndian.Uint64(last[:])) * m
	}
	h = (h ^ h>>r) * m
	return h ^ h>>r
}
