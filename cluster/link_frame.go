package cluster

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"
)

// A connection for calls carries frames both ways: requests from the end that dialed, answers
// from the other. Numbers are big-endian.
const (
	// linkFrameHead: length of what follows the length (u32), number (u64), kind (u8), group (u16).
	linkFrameHead = 4 + linkFrameRest
	linkFrameRest = 8 + 1 + 2

	// linkBatch is how many bytes of small frames go into one write.
	linkBatch = 256 << 10
	// linkTrust is how many bytes of a body are allocated before any of them has arrived.
	linkTrust = 64 << 10
	// linkBuffer is the size of a read buffer.
	linkBuffer = 64 << 10
)

// Kinds of answers.
const (
	linkAnswer byte = 0 // the body is the handler's
	linkFailed byte = 1 // the body is the text of the handler's error
)

// linkFrame is one request or answer. number 0 is a ping, or its answer; requests count from 1,
// and an answer bears the number of its request. An answer's group is 0.
type linkFrame struct {
	number uint64
	kind   byte
	group  uint16
	body   []byte
}

// size is the length of f on the wire.
func (f *linkFrame) size() int { return linkFrameHead + len(f.body) }

// append encodes f.
func (f *linkFrame) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(linkFrameRest+len(f.body)))
	dst = binary.BigEndian.AppendUint64(dst, f.number)
	dst = append(dst, f.kind)
	dst = binary.BigEndian.AppendUint16(dst, f.group)
	return append(dst, f.body...)
}

// readLinkFrame reads a frame of at most limit bytes. The body is the caller's. A length that the
// peer merely claims costs at most linkTrust bytes of memory.
func readLinkFrame(r *bufio.Reader, limit int) (linkFrame, error) {
	head, err := r.Peek(linkFrameHead)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return linkFrame{}, err
	}
	length := uint64(binary.BigEndian.Uint32(head))
	f := linkFrame{
		number: binary.BigEndian.Uint64(head[4:]),
		kind:   head[12],
		group:  binary.BigEndian.Uint16(head[13:]),
	}
	if length < linkFrameRest || length+4 > uint64(limit) {
		return linkFrame{}, fmt.Errorf("a frame of %d bytes: %w", length+4, errLinkHello)
	}
	_, _ = r.Discard(linkFrameHead) // was peeked
	f.body, err = readLinkBody(r, int(length)-linkFrameRest)
	return f, err
}

// readLinkBody reads size bytes into memory that grows with what has arrived.
func readLinkBody(r io.Reader, size int) ([]byte, error) {
	body := make([]byte, min(size, linkTrust))
	for have := 0; ; {
		n, err := io.ReadFull(r, body[have:])
		have += n
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if have == size {
			return body, nil
		}
		grown := make([]byte, min(size, 2*have))
		copy(grown, body)
		body = grown
	}
}

// linkEar reads from a connection and notes that something was heard.
type linkEar struct {
	r     io.Reader
	heard *atomic.Bool
}

func (e linkEar) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if n > 0 && !e.heard.Load() {
		e.heard.Store(true)
	}
	return n, err
}
