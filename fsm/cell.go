package fsm

import (
	"encoding/binary"

	"github.com/redraftdb/redraft/fsm/arena"
)

// A cell is a key with its value, or with the number of the object that is its value, in one
// piece of arena memory:
//
//	0  u32  epoch of birth: whether a snapshot's view can see the cell (value.Memory)
//	4  u8   type in the high four bits, encoding in the low four
//	5  u8   flags
//	6  u16  length of the key, keyOutside when the key lies in the object
//	8  u32  length of the value that follows the key
//	12 u32  reserved for the access clock
//	16 i64  deadline in ms since the epoch, if flagDeadline
//	…       the key, then the value
//
// With flagOutside the value is a u32, the object's number. All integers are little-endian.
// A cell is bytes of the arena: it is valid until its database changes, and never after the
// machine's lock is released.
type cell []byte

const (
	cellHeader = 16
	keyOutside = 1<<16 - 1
	maxKeyHere = 4 << 10 // longer keys lie in the object

	flagDeadline = 1 << 0
	flagOutside  = 1 << 1
)

// kind is a type and an encoding as a cell keeps them.
type kind byte

// The types have the numbers that Redis gives them: DEBUG DIGEST hashes them.
const (
	typeString = 0
	typeList   = 1
	typeSet    = 2
	typeZSet   = 3
	typeHash   = 4
	typeStream = 6
)

// The encodings of OBJECT ENCODING. A number is never used again for another: cells do not
// outlive the process, but the numbers are compared across versions in bug reports.
const (
	encodingInt = iota + 1 // eight bytes, a 64-bit integer
	encodingEmbstr
	encodingRaw
	encodingListpack
	encodingHashtable
	encodingQuicklist
	encodingIntset
	encodingSkiplist
	encodingStream
	encodingListpackEx // a listpack with deadlines of fields
	encodingTimed      // a table with deadlines of fields
)

const (
	kindInt      = kind(typeString<<4 | encodingInt)
	kindEmbstr   = kind(typeString<<4 | encodingEmbstr)
	kindRaw      = kind(typeString<<4 | encodingRaw)
	kindList     = kind(typeList<<4 | encodingQuicklist) // a listpack, or a structure
	kindIntset   = kind(typeSet<<4 | encodingIntset)
	kindSet      = kind(typeSet<<4 | encodingHashtable)
	kindHashPack = kind(typeHash<<4 | encodingListpack)
	kindHash     = kind(typeHash<<4 | encodingHashtable)
	kindHashEx   = kind(typeHash<<4 | encodingListpackEx)
	kindTimed    = kind(typeHash<<4 | encodingTimed)
	kindZSetPack = kind(typeZSet<<4 | encodingListpack)
	kindZSet     = kind(typeZSet<<4 | encodingSkiplist)
	kindStream   = kind(typeStream<<4 | encodingStream)
)

func (k kind) typ() int { return int(k >> 4) }

// encoding is the word of OBJECT ENCODING.
func (k kind) encoding() string {
	return [...]string{
		encodingInt:       "int",
		encodingEmbstr:    "embstr",
		encodingRaw:       "raw",
		encodingListpack:  "listpack",
		encodingHashtable: "hashtable",
		encodingQuicklist: "quicklist",
		encodingIntset:    "intset",
		encodingSkiplist:  "skiplist",
		encodingStream:    "stream",

		encodingListpackEx: "listpackex",
		encodingTimed:      "hashtable",
	}[k&15]
}

// timed reports whether a value is a hash with room for deadlines of fields.
func (k kind) timed() bool { return k == kindHashEx || k == kindTimed }

func (c cell) born() uint32      { return binary.LittleEndian.Uint32(c) }
func (c cell) kind() kind        { return kind(c[4]) }
func (c cell) typ() int          { return c.kind().typ() }
func (c cell) has(f byte) bool   { return c[5]&f != 0 }
func (c cell) keyLen() int       { return int(binary.LittleEndian.Uint16(c[6:])) }
func (c cell) valueLen() int     { return int(binary.LittleEndian.Uint32(c[8:])) }
func (c cell) setKind(k kind)    { c[4] = byte(k) }
func (c cell) setValueLen(n int) { binary.LittleEndian.PutUint32(c[8:], uint32(n)) }

// deadline is when the key falls due, in ms since the epoch; 0 is never.
func (c cell) deadline() int64 {
	if !c.has(flagDeadline) {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(c[cellHeader:]))
}

func (c cell) setDeadline(at int64) {
	binary.LittleEndian.PutUint64(c[cellHeader:], uint64(at))
}

// keyAt is where the key begins, or would.
func (c cell) keyAt() int {
	if c.has(flagDeadline) {
		return cellHeader + 8
	}
	return cellHeader
}

// valueAt is where the value begins.
func (c cell) valueAt() int {
	if n := c.keyLen(); n != keyOutside {
		return c.keyAt() + n
	}
	return c.keyAt()
}

// inline is the value's bytes in the cell.
func (c cell) inline() []byte {
	at := c.valueAt()
	return c[at : at+c.valueLen()]
}

// object is the number of the object that holds the value; only with flagOutside.
func (c cell) object() uint32 { return binary.LittleEndian.Uint32(c[c.valueAt():]) }

// cellSize is the room for a key of keyLen bytes, keyOutside for none, and a value.
func cellSize(keyLen, valueLen int, deadline bool) int {
	n := cellHeader + valueLen
	if deadline {
		n += 8
	}
	if keyLen != keyOutside {
		n += keyLen
	}
	return n
}

// fits reports whether a value goes into the cell beside its key.
func fits(key []byte, valueLen int) bool {
	return len(key) <= maxKeyHere && cellSize(len(key), valueLen, true) <= arena.MaxCell
}

// form writes a cell's header and key into fresh memory and returns the room for its value.
func (c cell) form(born uint32, k kind, flags byte, key []byte, valueLen int, deadline int64) []byte {
	binary.LittleEndian.PutUint32(c, born)
	c[4] = byte(k)
	keyLen := len(key)
	if keyLen > maxKeyHere {
		keyLen = keyOutside
	}
	binary.LittleEndian.PutUint16(c[6:], uint16(keyLen))
	c.setValueLen(valueLen)
	binary.LittleEndian.PutUint32(c[12:], 0)
	c[5] = flags
	if deadline != 0 {
		c[5] |= flagDeadline
		c.setDeadline(deadline)
	}
	if keyLen != keyOutside {
		copy(c[c.keyAt():], key)
	}
	at := c.valueAt()
	return c[at : at+valueLen]
}
