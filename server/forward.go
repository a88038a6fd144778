package server

import (
	"encoding/binary"
	"errors"
	"math"
)

// A frame carries a run of writes from the node that a client is connected to, to the leader, and
// an answer carries the replies back. docs/formats/forward.md has the layout of both and says
// what may change.

const frameVersion = 2

var (
	errFrame        = errors.New("a forwarded frame is not in the form that this version writes")
	errFrameVersion = errors.New("a forwarded frame is of another version")
)

// frame is a run of writes on its way to the leader. It carries all that the leader needs to know:
// the session stays where it is.
type frame struct {
	group     int
	request   uint64 // of the origin's node, counted from its start
	node      string // where the client is connected
	incarnate uint64 // of that node
	client    uint64 // the session's id there
	user      string
	judged    uint64 // up to which entry that node knew the users by which it let the writes pass
	protocol  byte   // 2 or 3: of the replies
	items     [][]byte
}

// append appends the frame's bytes to dst.
func (f *frame) append(dst []byte) []byte {
	dst = append(dst, frameVersion)
	dst = binary.AppendUvarint(dst, uint64(f.group))
	dst = binary.AppendUvarint(dst, f.request)
	dst = appendBytes(dst, f.node)
	dst = binary.AppendUvarint(dst, f.incarnate)
	dst = binary.AppendUvarint(dst, f.client)
	dst = appendBytes(dst, f.user)
	dst = binary.AppendUvarint(dst, f.judged)
	dst = append(dst, f.protocol)
	dst = binary.AppendUvarint(dst, uint64(len(f.items)))
	for _, item := range f.items {
		dst = appendBytes(dst, item)
	}
	return dst
}

// decode takes a frame apart. Its items are views of b, appended to what f.items has room for.
func (f *frame) decode(b []byte) error {
	r := frameReader{b: b}
	if v := r.byte(); !r.bad && v != frameVersion {
		return errFrameVersion
	}
	group := r.uvarint()
	f.group = int(group)
	f.request = r.uvarint()
	f.node = string(r.bytes())
	f.incarnate = r.uvarint()
	f.client = r.uvarint()
	f.user = string(r.bytes())
	f.judged = r.uvarint()
	f.protocol = r.byte()
	n := r.uvarint()
	f.items = f.items[:0]
	if n == 0 || n > uint64(len(r.b)) || group > 1<<16 {
		return errFrame
	}
	for range n {
		f.items = append(f.items, r.bytes())
	}
	if r.bad || len(r.b) != 0 || f.protocol != 2 && f.protocol != 3 {
		return errFrame
	}
	return nil
}

// answer is what became of a frame.
type answer struct {
	outcome outcome
	request uint64       // the frame's
	index   uint64       // of the entry, if applied; of the change that was not known, if judgedEarly
	laps    commandTimes // how long the items ran, in ns, as the machine measured it (fsm.Timed); none if it did not
	replies []byte       // RESP in the frame's protocol, an answer for each item, if applied
}

func (a *answer) append(dst []byte) []byte {
	dst = append(dst, frameVersion, byte(a.outcome))
	dst = binary.AppendUvarint(dst, a.request)
	dst = binary.AppendUvarint(dst, a.index)
	dst = binary.AppendUvarint(dst, uint64(len(a.laps)))
	for _, ns := range a.laps {
		dst = binary.AppendUvarint(dst, uint64(max(0, ns)))
	}
	return appendBytes(dst, a.replies)
}

// decode takes an answer apart. Its replies are a view of b.
func (a *answer) decode(b []byte) error {
	r := frameReader{b: b}
	if v := r.byte(); !r.bad && v != frameVersion {
		return errFrameVersion
	}
	a.outcome = outcome(r.byte())
	a.request = r.uvarint()
	a.index = r.uvarint()
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		return errFrame
	}
	for range n {
		a.laps = append(a.laps, int64(r.uvarint()&math.MaxInt64))
	}
	a.replies = r.bytes()
	if r.bad || len(r.b) != 0 || a.outcome > refusedAlone {
		return errFrame
	}
	return nil
}

func appendBytes[T string | []byte](dst []byte, s T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// frameReader reads the parts of a frame. Once something is missing it is bad, and reads nothing.
type frameReader struct {
	b   []byte
	bad bool
}

func (r *frameReader) fail() { r.bad, r.b = true, nil }

func (r *frameReader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *frameReader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *frameReader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	s := r.b[:n:n]
	r.b = r.b[n:]
	return s
}
