package snapshot

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"strconv"
)

// NoExpiry is Entry.ExpireMS of a key that has no deadline. As in Redis, a deadline of -1 in
// a file means the same.
const NoExpiry = -1

// Limits bound what a Reader takes. They are a matter of policy: within them, memory is
// allocated only as bytes arrive, or, for a compressed string, once its bytes have been found
// to expand to the length announced, which is at most 88 times theirs.
type Limits struct {
	// String is the most bytes of any string: of a key, of a value, of an element, of a
	// compact form such as a listpack, of an AUX field. 0 means 512 MiB, Redis' own default.
	String uint64
	// Elements is the largest count that Reader.Length lets pass. 0 means 2^32 - 1. A caller
	// that makes room by a count must bound it by itself.
	Elements uint64
}

// Entry is one entry of a file. Its slices are valid until the next call of Reader.Next.
type Entry struct {
	// Op says what it is: OpAux, OpSelectDB, OpResizeDB, OpFunction2, OpKey or OpEOF.
	Op Op
	// Key is the key of OpKey and the name of OpAux.
	Key []byte
	// Value is the value of OpAux and the source of OpFunction2.
	Value []byte

	// Type is the type of OpKey. The value is still to be read.
	Type Type
	// ExpireMS is the deadline of OpKey in milliseconds since the epoch, or NoExpiry.
	ExpireMS int64
	// Idle is for how many seconds nobody had used the key of OpKey, -1 if the file does not
	// say.
	Idle int64
	// Freq is the key's access frequency (LFU) of OpKey, -1 if the file does not say.
	Freq int

	// DB is the database of OpSelectDB, from 0 to 2^31 - 1.
	DB int
	// Keys and Expires are the hints of OpResizeDB. They are not to be trusted.
	Keys, Expires uint64
}

// Reader reads a file of any version from 1 to Version: Next for each entry and, after an
// OpKey, the methods that read the value, as its type asks; Next goes wrong if a value was
// left unread or read in part. A value alone, without a file around it, is read by the same
// methods without Next.
//
// The first error stays and is returned by every later call. A Reader may read ahead of the
// file's end. It belongs to one goroutine at a time.
type Reader struct {
	source
	limits  Limits
	version int // 0 before the header has been read
	small   [8]byte

	// Scratch space, none of it over a chunk: longer strings get memory of their own.
	key, field, value, packed []byte
	pairs                     pairCheck
}

// NewReader returns a Reader of the file that r begins with.
func NewReader(r io.Reader, limits Limits) *Reader { return newReader(newSource(r), limits) }

func newReader(s source, limits Limits) *Reader {
	if limits.String == 0 {
		limits.String = 512 << 20
	}
	if limits.Elements == 0 {
		limits.Elements = math.MaxUint32
	}
	return &Reader{source: s, limits: limits, pairs: pairCheck{seed: maphash.MakeSeed()}}
}

// Offset returns how many bytes of the file have been consumed.
func (r *Reader) Offset() int64 {
	return r.offset()
}

// Next reads the next entry. At the file's end it checks the checksum and returns OpEOF; after
// that, io.EOF. A checksum of 0 is not checked: the writer was told not to make one.
func (r *Reader) Next() (Entry, error) {
	if r.version == 0 {
		if err := r.header(); err != nil {
			return Entry{}, err
		}
	}
	e := Entry{ExpireMS: NoExpiry, Idle: -1, Freq: -1}
	for qualified := false; ; qualified = true {
		b, err := r.byte()
		if err != nil {
			return Entry{}, err
		}
		op := Op(b)
		switch {
		case op == OpExpireTimeMS || op == OpExpireTime || op == OpIdle || op == OpFreq:
			err = r.qualifier(op, &e)
		case Type(b).known():
			e.Op, e.Type = OpKey, Type(b)
			e.Key, _, err = r.scratch(&r.key)
			return e, err
		case qualified:
			return Entry{}, r.corrupt("opcode %d between a key and what qualifies it", op)
		default:
			e.Op = op
			return e, r.operands(&e)
		}
		if err != nil {
			return Entry{}, err
		}
	}
}

func (r *Reader) header() error {
	var h [headerLen]byte
	if err := r.full(h[:]); err != nil {
		return err
	}
	version, err := parseHeader(h[:])
	if err != nil {
		return r.fail(err)
	}
	r.version = version
	return nil
}

// parseHeader returns the version that a file's first headerLen bytes announce, which is one
// that can be read.
func parseHeader(h []byte) (int, error) {
	if string(h[:len(magic)]) != magic {
		return 0, fmt.Errorf("%w: wrong signature", ErrFormat)
	}
	version, err := strconv.ParseUint(string(h[len(magic):]), 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%w: no version behind the signature", ErrFormat)
	}
	if version < 1 || version > Version {
		return 0, fmt.Errorf("%w %d", ErrVersion, version)
	}
	return int(version), nil
}

// qualifier reads the operand of an opcode that says something of the next key.
func (r *Reader) qualifier(op Op, e *Entry) error {
	switch op {
	case OpExpireTimeMS:
		b, err := r.take(8)
		if err != nil {
			return err
		}
		e.ExpireMS = int64(binary.LittleEndian.Uint64(b))
	case OpExpireTime:
		b, err := r.take(4)
		if err != nil {
			return err
		}
		e.ExpireMS = int64(int32(binary.LittleEndian.Uint32(b))) * 1000
	case OpIdle:
		n, err := r.number(math.MaxInt64)
		if err != nil {
			return err
		}
		e.Idle = int64(n)
	case OpFreq:
		b, err := r.byte()
		if err != nil {
			return err
		}
		e.Freq = int(b)
	}
	return nil
}

// operands reads what follows the opcode of an entry that is no key.
func (r *Reader) operands(e *Entry) (err error) {
	switch e.Op {
	case OpAux:
		if e.Key, _, err = r.scratch(&r.key); err == nil {
			e.Value, _, err = r.scratch(&r.value)
		}
	case OpFunction2:
		e.Value, _, err = r.scratch(&r.value)
	case OpSelectDB:
		var n uint64
		n, err = r.number(math.MaxInt32)
		e.DB = int(n)
	case OpResizeDB:
		if e.Keys, err = r.number(math.MaxUint64); err == nil {
			e.Expires, err = r.number(math.MaxUint64)
		}
	case OpEOF:
		err = r.end()
	case OpFunctionPreGA:
		err = r.unsupported("a pre-release form of functions")
	case OpModuleAux:
		err = r.unsupported("data of a module")
	default:
		err = r.corrupt("neither a type nor an opcode: %d", e.Op)
	}
	return err
}

// end reads and checks the checksum, if the version has one.
func (r *Reader) end() error {
	if r.version >= checksumSince {
		sum := r.checksum()
		b, err := r.take(8)
		if err != nil {
			return err
		}
		if want := binary.LittleEndian.Uint64(b); want != 0 && want != sum {
			return r.fail(checksumError(want, sum))
		}
	}
	r.err = io.EOF
	return nil
}

func (r *Reader) unsupported(what string) error {
	return r.fail(fmt.Errorf("%w at byte %d: %s", ErrUnsupported, r.offset(), what))
}

// take consumes n bytes, at most 8. They are valid until the next call.
func (r *Reader) take(n int) ([]byte, error) {
	b := r.small[:n]
	return b, r.full(b)
}
