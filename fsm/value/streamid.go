package value

import (
	"bytes"
	"math"
	"strconv"

	"github.com/redraftdb/redraft/snapshot"
)

// StreamID names an entry of a stream.
type StreamID = snapshot.StreamID

// MaxStreamID returns the last id that there is.
func MaxStreamID() StreamID { return StreamID{MS: math.MaxUint64, Seq: math.MaxUint64} }

// NextStreamID returns the id behind id; ok is false for the last one.
func NextStreamID(id StreamID) (next StreamID, ok bool) {
	switch {
	case id.Seq < math.MaxUint64:
		return StreamID{MS: id.MS, Seq: id.Seq + 1}, true
	case id.MS < math.MaxUint64:
		return StreamID{MS: id.MS + 1}, true
	}
	return StreamID{}, false
}

// PrevStreamID returns the id ahead of id; ok is false for 0-0.
func PrevStreamID(id StreamID) (prev StreamID, ok bool) {
	switch {
	case id.Seq > 0:
		return StreamID{MS: id.MS, Seq: id.Seq - 1}, true
	case id.MS > 0:
		return StreamID{MS: id.MS - 1, Seq: math.MaxUint64}, true
	}
	return MaxStreamID(), false
}

// AppendStreamID appends the id as clients see it: both numbers, with a hyphen in between.
func AppendStreamID(dst []byte, id StreamID) []byte {
	dst = append(strconv.AppendUint(dst, id.MS, 10), '-')
	return strconv.AppendUint(dst, id.Seq, 10)
}

// maxStreamIDText is the longest text, in bytes, that is looked at as an id.
const maxStreamIDText = 127

// ParseStreamID reads an id: its two numbers, or the first alone, which missing then completes. In place
// of the second there may be an asterisk, if auto is not nil: it is set, and the number 0. As in Redis,
// a zero byte ends the text.
func ParseStreamID(b []byte, missing uint64, auto *bool) (id StreamID, ok bool) {
	if len(b) > maxStreamIDText {
		return StreamID{}, false
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	ms, seq, both := bytes.Cut(b, []byte{'-'})
	if id.MS, ok = parseUint(ms); !ok {
		return StreamID{}, false
	}
	switch {
	case !both:
		id.Seq = missing
	case auto != nil && string(seq) == "*":
		*auto = true
	default:
		id.Seq, ok = parseUint(seq)
	}
	return id, ok
}

// parseUint reads an unsigned number of 64 bits as Redis does: in canonical form, or, if it is not an
// int64 in that form, as C's strtoull reads all of it: with spaces in front, a sign, leading zeros.
func parseUint(b []byte) (uint64, bool) {
	if n, ok := ParseInt(b); ok {
		return uint64(n), n >= 0
	}
	b = bytes.TrimLeft(b, " \t\n\v\f\r")
	negative := false
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		negative, b = b[0] == '-', b[1:]
	}
	n, err := strconv.ParseUint(string(b), 10, 64)
	if negative {
		n = -n
	}
	return n, err == nil
}
