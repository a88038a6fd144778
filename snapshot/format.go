// Package snapshot reads and writes the RDB format: Redis' dump files, which are what a
// redraft snapshot is too.
//
// A file is a header, a row of entries and an end. The header is "REDIS" and a version of
// four digits. An entry is an opcode with its operands, or a key: a type byte, the key as a
// string and the value in the form that belongs to the type. The end is an opcode, and from
// version 5 on a CRC-64 over every byte before it. Numbers are little-endian except for
// lengths, whose own first two bits tell their size.
//
// Writer makes files of version 10, which Redis 7.0 and later load. Reader takes versions 1
// to 10, so the forms that older servers gave strings and hashes. Both stream: neither holds
// more of a file than one value.
//
// # Strings and what their form says
//
// The format leaves a writer some choice in how it announces a string. This package puts that
// choice to use, so that what Redis calls a string's encoding survives:
//
//	an integer                      Writer.Int         FormInt
//	a short string (embstr)         Writer.String      FormShort, a length of 6 bits
//	a short string grown by APPEND  Writer.WideString  FormWide, a length of 14 bits
//
// Any reader of RDB gets the same bytes from each. A file that Redis wrote carries no such
// hint beyond the integers that fit 32 bits: there, short strings are FormShort or FormLZF,
// whatever they were.
//
// # Trust
//
// Nothing that a Reader is given is trusted. Memory is allocated only as far as bytes have
// arrived that fill it, every length inside a value is checked against the value's end, and
// no input makes it panic. The checksum guards against accidents and is known only at the
// end, so what has been read must not be used for good before Reader.Next has returned OpEOF.
package snapshot

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Version is the RDB version that Writer writes, and the newest that Reader takes.
const Version = 10

const (
	magic     = "REDIS"
	headerLen = len(magic) + 4
	// checksumSince is the first version whose files end with a checksum.
	checksumSince = 5
	// chunk is the size of the buffers, and the most that is allocated on a length's word.
	chunk = 64 << 10
)

// Errors of reading, grouped by what they say of the file. They arrive wrapped, with the
// offset in the file and what was expected there.
var (
	// ErrFormat says that the bytes are not RDB. A file that is cut short also wraps
	// io.ErrUnexpectedEOF.
	ErrFormat = errors.New("corrupt RDB")
	// ErrChecksum says that the file as a whole is well-formed and yet not what was written.
	ErrChecksum = errors.New("wrong RDB checksum")

	// ErrVersion says that the file is of a version newer than Version, or of version 0.
	ErrVersion = errors.New("can't handle RDB format version")
	// ErrUnsupported says that the file is RDB and holds something this package has no
	// reading for: a module's data, or functions as Redis 7.0's release candidates wrote them.
	ErrUnsupported = errors.New("unsupported RDB content")
	// ErrLimit says that a length exceeds what Limits allow.
	ErrLimit = errors.New("RDB length over the limit")
)

// readError returns the error for one of the underlying reader, met at an offset. The reader's
// end is such an error, since a file has an end of its own.
func readError(offset int64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w at byte %d: %w", ErrFormat, offset, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("reading RDB at byte %d: %w", offset, err)
}

// checksumError returns the error for a file that ends with one checksum and has another.
func checksumError(want, got uint64) error {
	return fmt.Errorf("%w: the file says %016x, its bytes give %016x", ErrChecksum, want, got)
}

// Op is an opcode of the format, or OpKey, which stands for all type bytes.
type Op byte

// The opcodes, with their numbers in the file. Reader folds those that qualify the next key
// (expiry, idle time, frequency) into that key's Entry.
const (
	// OpKey is no opcode: a key and its value follow.
	OpKey           Op = 0
	OpFunction2     Op = 245 // a library of functions: its source
	OpFunctionPreGA Op = 246 // the same as release candidates of 7.0 wrote it
	OpModuleAux     Op = 247 // a module's data outside the keyspace
	OpIdle          Op = 248 // the next key's idle time in seconds, a length
	OpFreq          Op = 249 // the next key's access frequency, one byte
	OpAux           Op = 250 // a name and a value; unknown names are skipped
	OpResizeDB      Op = 251 // how many keys, and deadlines, the database holds
	OpExpireTimeMS  Op = 252 // the next key's deadline in ms since the epoch, 8 bytes
	OpExpireTime    Op = 253 // the next key's deadline in s since the epoch, 4 bytes
	OpSelectDB      Op = 254 // the database of the keys that follow
	OpEOF           Op = 255 // the end; the checksum follows
)

// Type is the type byte of a key: its data type and the form of its value.
type Type byte

// The types, with their numbers in the file. 8 was never used.
const (
	TypeString           Type = 0
	TypeList             Type = 1 // strings
	TypeSet              Type = 2 // strings
	TypeZSet             Type = 3 // strings and scores as text
	TypeHash             Type = 4 // pairs of strings
	TypeZSet2            Type = 5 // strings and scores as binary doubles
	TypeModulePreGA      Type = 6
	TypeModule2          Type = 7
	TypeHashZipmap       Type = 9
	TypeListZiplist      Type = 10
	TypeSetIntset        Type = 11
	TypeZSetZiplist      Type = 12
	TypeHashZiplist      Type = 13
	TypeListQuicklist    Type = 14 // ziplists
	TypeStreamListpacks  Type = 15
	TypeHashListpack     Type = 16
	TypeZSetListpack     Type = 17
	TypeListQuicklist2   Type = 18 // listpacks and plain elements
	TypeStreamListpacks2 Type = 19 // with the fields that 7.0 added
	lastType             Type = TypeStreamListpacks2
)

// known reports whether Redis 7.0 has a type of that number.
func (t Type) known() bool {
	return t <= TypeModule2 || TypeHashZipmap <= t && t <= lastType
}

// String returns the data type's name in Redis' words, and the number.
func (t Type) String() string {
	name := "unknown"
	switch t {
	case TypeString:
		name = "string"
	case TypeList, TypeListZiplist, TypeListQuicklist, TypeListQuicklist2:
		name = "list"
	case TypeSet, TypeSetIntset:
		name = "set"
	case TypeZSet, TypeZSet2, TypeZSetZiplist, TypeZSetListpack:
		name = "zset"
	case TypeHash, TypeHashZipmap, TypeHashZiplist, TypeHashListpack:
		name = "hash"
	case TypeModulePreGA, TypeModule2:
		name = "module"
	case TypeStreamListpacks, TypeStreamListpacks2:
		name = "stream"
	}
	return name + " (type " + strconv.Itoa(int(t)) + ")"
}

// The two top bits of a length's first byte, and the two whole bytes that announce a length
// in four or eight bytes of its own, most significant first.
const (
	length6Bit    = 0
	length14Bit   = 1
	lengthOwn     = 2
	lengthSpecial = 3 // no length: the low six bits name a form of string
	length32Bit   = 0x80
	length64Bit   = 0x81
)

// The special forms of a string.
const (
	specialInt8  = 0
	specialInt16 = 1
	specialInt32 = 2
	specialLZF   = 3
)

// Form is how a string stood in the file. The package comment says what to make of it.
type Form uint8

const (
	// FormShort is a length of 6 bits and the bytes.
	FormShort Form = iota
	// FormWide is a length of 14 bits and the bytes.
	FormWide
	// FormLong is a length of 32 or 64 bits and the bytes.
	FormLong
	// FormInt is an integer: binary, or, beyond 32 bits, its decimal digits under a length of
	// 32 bits, as Writer.Int has it. The string is the digits in either case.
	FormInt
	// FormLZF is a compressed string.
	FormLZF
)
