package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// payloadTail is what follows the value in a payload of DUMP: the version, 2 bytes, and the checksum of all
// before it, 8 bytes.
const payloadTail = 2 + 8

// AppendPayload appends the payload that DUMP makes of a value: its type byte, its parts, the version of
// the format and a checksum. write writes the value as it would a key of a file; the key itself is left out.
func AppendPayload(dst []byte, write func(*Writer)) []byte {
	out := bytes.NewBuffer(dst)
	w := NewWriter(out)
	w.keyless = true
	write(w)
	_ = w.Flush() // a buffer takes everything
	begin := len(dst)
	dst = binary.LittleEndian.AppendUint16(out.Bytes(), Version)
	return binary.LittleEndian.AppendUint64(dst, Checksum(0, dst[begin:]))
}

// OpenPayload takes a payload of DUMP, of this server or of Redis, and returns the type of its value and a Reader
// that stands at the value's parts. ok is false if it is of a newer version or not what was written. That
// the parts are sound remains to be seen, and that is up to whoever reads them.
func OpenPayload(b []byte) (r *Reader, t Type, ok bool) {
	if len(b) < payloadTail {
		return nil, 0, false
	}
	sum := len(b) - 8
	version := binary.LittleEndian.Uint16(b[sum-2:])
	if version > Version || binary.LittleEndian.Uint64(b[sum:]) != Checksum(0, b[:sum]) {
		return nil, 0, false
	}
	// The value is in the buffer already, and there is nothing behind it.
	value := b[:sum-2]
	r = newReader(source{r: bytes.NewReader(nil), buf: value, end: len(value)}, Limits{})
	first, err := r.byte()
	if err != nil {
		return r, Type(OpEOF), true // which no value has
	}
	return r, Type(first), true
}

// AppendFunctions appends the payload of FUNCTION DUMP: libraries by their sources, the version of the format and a
// checksum.
func AppendFunctions(dst []byte, sources []string) []byte {
	return AppendPayload(dst, func(w *Writer) {
		for _, source := range sources {
			w.op(OpFunction2)
			w.Text(source)
		}
	})
}

// Errors of EachFunction.
var (
	// ErrPayload says that a payload is of a newer version or not what was written.
	ErrPayload = errors.New("payload of another version, or with a wrong checksum")
	// ErrNoFunction says that a payload holds something else than libraries.
	ErrNoFunction = errors.New("payload holds no function")
)

// EachFunction takes a payload of FUNCTION DUMP apart, of this server or of Redis, and hands the sources of its
// libraries to use, which has them for the time of the call. It ends with use's first error, or with ErrPayload,
// ErrNoFunction or what is wrong with a source's bytes.
func EachFunction(b []byte, use func(source []byte) error) error {
	r, t, ok := OpenPayload(b)
	switch {
	case !ok:
		return ErrPayload
	case len(b) == payloadTail:
		return nil
	}
	for op := Op(t); ; {
		if op != OpFunction2 {
			return ErrNoFunction
		}
		source, _, err := r.scratch(&r.value)
		if err == nil {
			err = use(source)
		}
		if err != nil || r.pos == r.source.end {
			return err
		}
		next, err := r.byte()
		if err != nil {
			return err
		}
		op = Op(next)
	}
}
