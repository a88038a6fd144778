package snapshot

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Writer writes a file of RDB version 10: Header, then the entries, then Close.
//
// A key is Key, preceded by ExpireMS if it has a deadline, followed by its value's parts as
// the type asks: one string for TypeString and TypeHashListpack, Length and that many pairs
// of strings for TypeHash. The Writer does not check that the parts add up.
//
// The first error of the underlying writer stays: what is written after it goes nowhere, and
// Flush and Close return it. A Writer belongs to one goroutine at a time.
type Writer struct {
	w       io.Writer
	buf     []byte // not yet written and not yet in crc
	crc     uint64
	written int64 // bytes that left buf
	keyless bool  // Key writes the type alone
	err     error
}

// NewWriter returns a Writer to w. It has a buffer of its own.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, buf: make([]byte, 0, chunk)}
}

// Header begins the file.
func (w *Writer) Header() {
	w.room(headerLen)
	w.buf = fmt.Appendf(w.buf, "%s%04d", magic, Version)
}

// Aux writes a field beside the keyspace. A reader that does not know the name skips it.
func (w *Writer) Aux(name string, value []byte) {
	w.op(OpAux)
	w.Text(name)
	w.String(value)
}

// Function writes a library of functions: its source, with the line that names engine and
// library.
func (w *Writer) Function(source []byte) {
	w.op(OpFunction2)
	w.String(source)
}

// SelectDB makes n the database of the keys that follow.
func (w *Writer) SelectDB(n int) {
	w.op(OpSelectDB)
	w.Length(uint64(n))
}

// ResizeDB says how many keys the selected database holds, and how many of them have a
// deadline, so that a reader can make room. Both are hints.
func (w *Writer) ResizeDB(keys, expires uint64) {
	w.op(OpResizeDB)
	w.Length(keys)
	w.Length(expires)
}

// ExpireMS gives the next key a deadline in milliseconds since the epoch.
func (w *Writer) ExpireMS(ms int64) {
	w.op(OpExpireTimeMS)
	w.room(8)
	w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(ms))
}

// Key begins a key. The parts of its value follow.
func (w *Writer) Key(t Type, key []byte) {
	w.op(Op(t))
	if !w.keyless {
		w.String(key)
	}
}

// Length writes a count, in the shortest form.
func (w *Writer) Length(n uint64) {
	switch {
	case n < 1<<6:
		w.room(1)
		w.buf = append(w.buf, byte(n))
	case n < 1<<14:
		w.length14(n)
	case n <= math.MaxUint32:
		w.length32(uint32(n))
	default:
		w.room(9)
		w.buf = append(w.buf, length64Bit)
		w.buf = binary.BigEndian.AppendUint64(w.buf, n)
	}
}

// String writes a string as it is, without compression, under the shortest length.
func (w *Writer) String(b []byte) {
	w.Length(uint64(len(b)))
	w.bytes(b)
}

// Text is String of a string.
func (w *Writer) Text(s string) {
	w.Length(uint64(len(s)))
	if len(s) > chunk {
		w.bytes([]byte(s))
		return
	}
	w.room(len(s))
	w.buf = append(w.buf, s...)
}

// WideString is String, but announces a short string with a length of 14 bits, which a Reader
// reports as FormWide.
func (w *Writer) WideString(b []byte) {
	if len(b) >= 1<<6 {
		w.String(b)
		return
	}
	w.length14(uint64(len(b)))
	w.bytes(b)
}

// Int writes a string that is an integer, in binary if it fits 32 bits. A Reader reports
// FormInt.
func (w *Writer) Int(n int64) {
	w.room(32)
	switch {
	case n == int64(int8(n)):
		w.buf = append(w.buf, lengthSpecial<<6|specialInt8, byte(n))
	case n == int64(int16(n)):
		w.buf = append(w.buf, lengthSpecial<<6|specialInt16)
		w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(n))
	case n == int64(int32(n)):
		w.buf = append(w.buf, lengthSpecial<<6|specialInt32)
		w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(n))
	default:
		var digits [maxDigits]byte
		text := strconv.AppendInt(digits[:0], n, 10)
		w.length32(uint32(len(text)))
		w.buf = append(w.buf, text...)
	}
}

// Written returns how many bytes the file has so far, those in the buffer included.
func (w *Writer) Written() int64 {
	return w.written + int64(len(w.buf))
}

// Flush hands everything buffered to the underlying writer and returns the first error met.
func (w *Writer) Flush() error {
	if w.err == nil && len(w.buf) > 0 {
		w.crc = Checksum(w.crc, w.buf)
		w.send(w.buf)
	}
	w.buf = w.buf[:0]
	return w.err
}

// Close ends the file with the end's opcode and the checksum, flushes, and returns the first
// error met. It does not close the underlying writer. Nothing may be written afterwards.
func (w *Writer) Close() error {
	w.op(OpEOF)
	if err := w.Flush(); err != nil {
		return err
	}
	w.buf = binary.LittleEndian.AppendUint64(w.buf, w.crc)
	return w.Flush()
}

func (w *Writer) op(o Op) {
	w.room(1)
	w.buf = append(w.buf, byte(o))
}

func (w *Writer) length14(n uint64) {
	w.room(2)
	w.buf = append(w.buf, length14Bit<<6|byte(n>>8), byte(n))
}

func (w *Writer) length32(n uint32) {
	w.room(5)
	w.buf = append(w.buf, length32Bit)
	w.buf = binary.BigEndian.AppendUint32(w.buf, n)
}

// bytes writes b, past the buffer if it is long.
func (w *Writer) bytes(b []byte) {
	if len(b) <= chunk/2 {
		w.room(len(b))
		w.buf = append(w.buf, b...)
		return
	}
	if w.Flush() == nil {
		w.crc = Checksum(w.crc, b)
		w.send(b)
	}
}

// room sees to it that n more bytes, at most chunk, fit the buffer.
func (w *Writer) room(n int) {
	if cap(w.buf)-len(w.buf) < n || w.err != nil {
		_ = w.Flush() // the error stays in w.err
	}
}

func (w *Writer) send(b []byte) {
	n, err := w.w.Write(b)
	w.written += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	w.err = err
}
