package server

import (
	"math"
	"strconv"

	"github.com/redraftdb/redraft/fsm/reply"
)

// respKeep is how large a buffer reset keeps for the next answers; a larger one is exchanged.
const respKeep = 16 << 10

// respWriter is the reply.Sink that makes wire bytes, of RESP2 or RESP3 as the client chose with
// HELLO. It only appends to a buffer of its own, so that an answer costs no allocation once the
// buffer has grown to its usual size; sending is the owner's affair. The zero respWriter speaks
// RESP2 and is ready to use. It belongs to one goroutine at a time.
type respWriter struct {
	buf   []byte
	resp3 bool
}

var _ reply.Sink = (*respWriter)(nil)

// setProtocol chooses the version, 2 or 3, of the answers to come.
func (w *respWriter) setProtocol(version int) { w.resp3 = version == 3 }

// bytes returns what was written since the last reset or take. It is a view, good until the next
// call of any other method.
func (w *respWriter) bytes() []byte { return w.buf }

// size returns the number of bytes that bytes would return.
func (w *respWriter) size() int { return len(w.buf) }

// reset forgets what was written. The buffer stays for the next answers unless a large one made it
// grow; then they get a smaller one.
func (w *respWriter) reset() {
	if cap(w.buf) > respKeep {
		w.buf = make([]byte, 0, respKeep)
		return
	}
	w.buf = w.buf[:0]
}

// take returns what was written and gives it away: the writer goes on with a new buffer.
func (w *respWriter) take() []byte {
	b := w.buf
	w.buf = nil
	return b
}

// raw appends bytes that are RESP already, such as an answer that another node encoded.
func (w *respWriter) raw(b []byte) { w.buf = append(w.buf, b...) }

// head appends a type byte, a number and the end of the line.
func (w *respWriter) head(kind byte, n int) {
	if uint(n) < 10 {
		w.buf = append(w.buf, kind, '0'+byte(n), '\r', '\n')
		return
	}
	w.buf = append(w.buf, kind)
	w.buf = strconv.AppendInt(w.buf, int64(n), 10)
	w.buf = append(w.buf, '\r', '\n')
}

// Status implements reply.Sink.
func (w *respWriter) Status(s string) {
	w.buf = append(w.buf, '+')
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '\r', '\n')
}

// Error implements reply.Sink.
func (w *respWriter) Error(text string) { w.buf = appendErrorLine(w.buf, text) }

// appendErrorLine appends text as a RESP error. A line end inside it would begin a new reply, so it
// becomes a space.
func appendErrorLine(dst []byte, text string) []byte {
	dst = append(dst, '-')
	at := len(dst)
	dst = append(dst, text...)
	for i, c := range dst[at:] {
		if c == '\r' || c == '\n' {
			dst[at+i] = ' '
		}
	}
	return append(dst, '\r', '\n')
}

// Int implements reply.Sink.
func (w *respWriter) Int(n int64) {
	if uint64(n) < 10 {
		w.buf = append(w.buf, ':', '0'+byte(n), '\r', '\n')
		return
	}
	w.buf = append(w.buf, ':')
	w.buf = strconv.AppendInt(w.buf, n, 10)
	w.buf = append(w.buf, '\r', '\n')
}

// Bulk implements reply.Sink.
func (w *respWriter) Bulk(b []byte) {
	w.head('$', len(b))
	w.buf = append(w.buf, b...)
	w.buf = append(w.buf, '\r', '\n')
}

// Text implements reply.Sink.
func (w *respWriter) Text(s string) {
	w.head('$', len(s))
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '\r', '\n')
}

// Double implements reply.Sink. The digits are those of Redis 7.0: 17 significant ones, zeros at
// the end left out.
func (w *respWriter) Double(f float64) {
	var room [32]byte
	digits := appendDouble(room[:0], f)
	if w.resp3 {
		w.buf = append(w.buf, ',')
	} else {
		w.head('$', len(digits))
	}
	w.buf = append(w.buf, digits...)
	w.buf = append(w.buf, '\r', '\n')
}

// Decimal implements reply.Sink.
func (w *respWriter) Decimal(digits []byte) {
	if !w.resp3 {
		w.Bulk(digits)
		return
	}
	w.buf = append(w.buf, ',')
	w.buf = append(w.buf, digits...)
	w.buf = append(w.buf, '\r', '\n')
}

// appendDouble appends f as C's %.17g prints it.
func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case math.IsNaN(f):
		return append(dst, "nan"...)
	}
	if n := int64(f); f == float64(n) && n > -1e15 && n < 1e15 && (n != 0 || !math.Signbit(f)) {
		return strconv.AppendInt(dst, n, 10)
	}
	return strconv.AppendFloat(dst, f, 'g', 17, 64)
}

// BigNumber implements reply.Sink.
func (w *respWriter) BigNumber(digits string) {
	if !w.resp3 {
		w.Text(digits)
		return
	}
	w.buf = append(w.buf, '(')
	w.buf = append(w.buf, digits...)
	w.buf = append(w.buf, '\r', '\n')
}

// Bool implements reply.Sink.
func (w *respWriter) Bool(b bool) {
	switch {
	case w.resp3 && b:
		w.buf = append(w.buf, "#t\r\n"...)
	case w.resp3:
		w.buf = append(w.buf, "#f\r\n"...)
	case b:
		w.buf = append(w.buf, ":1\r\n"...)
	default:
		w.buf = append(w.buf, ":0\r\n"...)
	}
}

// Verbatim implements reply.Sink. A format of another length than three is cut or filled up with
// spaces, for the wire has three bytes for it.
func (w *respWriter) Verbatim(format, text string) {
	if !w.resp3 {
		w.Text(text)
		return
	}
	w.head('=', len(text)+4)
	for i := range 3 {
		c := byte(' ')
		if i < len(format) {
			c = format[i]
		}
		w.buf = append(w.buf, c)
	}
	w.buf = append(w.buf, ':')
	w.buf = append(w.buf, text...)
	w.buf = append(w.buf, '\r', '\n')
}

// Null implements reply.Sink.
func (w *respWriter) Null() {
	if w.resp3 {
		w.buf = append(w.buf, "_\r\n"...)
		return
	}
	w.buf = append(w.buf, "$-1\r\n"...)
}

// NullArray implements reply.Sink.
func (w *respWriter) NullArray() {
	if w.resp3 {
		w.buf = append(w.buf, "_\r\n"...)
		return
	}
	w.buf = append(w.buf, "*-1\r\n"...)
}

// Array implements reply.Sink.
func (w *respWriter) Array(n int) { w.head('*', n) }

// Map implements reply.Sink.
func (w *respWriter) Map(n int) {
	if w.resp3 {
		w.head('%', n)
		return
	}
	w.head('*', 2*n)
}

// Set implements reply.Sink.
func (w *respWriter) Set(n int) { w.aggregate('~', n) }

// Push implements reply.Sink.
func (w *respWriter) Push(n int) { w.aggregate('>', n) }

// attribute announces n pairs that tell about the reply after them. RESP2 has no such thing.
func (w *respWriter) attribute(n int) { w.head('|', n) }

// aggregate announces n elements, as an array to a client that does not know the kind.
func (w *respWriter) aggregate(kind byte, n int) {
	if !w.resp3 {
		kind = '*'
	}
	w.head(kind, n)
}

// RESP3 implements reply.Sink.
func (w *respWriter) RESP3() bool { return w.resp3 }
