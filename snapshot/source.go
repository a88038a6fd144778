package snapshot

import (
	"fmt"
	"io"
	"slices"
)

// source is a file being read: a buffer, the checksum of what has been consumed, and the
// first error met, after which every call fails with the same one.
type source struct {
	r        io.Reader
	buf      []byte
	pos, end int    // buf[pos:end] is not consumed yet
	summed   int    // buf[:summed] is in crc
	crc      uint64 // of everything consumed before buf[summed]
	base     int64  // the file's offset of buf[0]
	err      error
}

func newSource(r io.Reader) source {
	return source{r: r, buf: make([]byte, chunk)}
}

// offset returns how many bytes have been consumed.
func (s *source) offset() int64 {
	return s.base + int64(s.pos)
}

// checksum returns the CRC of all bytes consumed.
func (s *source) checksum() uint64 {
	s.crc = Checksum(s.crc, s.buf[s.summed:s.pos])
	s.summed = s.pos
	return s.crc
}

// fail records err as the source's error unless there is one, and returns the one that holds.
func (s *source) fail(err error) error {
	if s.err == nil {
		s.err = err
	}
	return s.err
}

// corrupt fails with ErrFormat, the offset and what is wrong.
func (s *source) corrupt(format string, args ...any) error {
	return s.fail(fmt.Errorf("%w at byte %d: %s", ErrFormat, s.offset(), fmt.Sprintf(format, args...)))
}

// broken fails with an error of the underlying reader.
func (s *source) broken(err error) error {
	return s.fail(readError(s.offset(), err))
}

// fill reads more into a buffer that is wholly consumed.
func (s *source) fill() error {
	if s.err != nil {
		return s.err
	}
	s.checksum()
	s.base += int64(s.end)
	s.pos, s.end, s.summed = 0, 0, 0
	n, err := io.ReadAtLeast(s.r, s.buf, 1)
	s.end = n
	if err != nil {
		return s.broken(err)
	}
	return nil
}

// byte consumes one byte.
func (s *source) byte() (byte, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.pos == s.end {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	b := s.buf[s.pos]
	s.pos++
	return b, nil
}

// full consumes len(p) bytes into p.
func (s *source) full(p []byte) error {
	for len(p) > 0 {
		if s.err != nil {
			return s.err
		}
		if s.pos == s.end {
			if len(p) >= len(s.buf) {
				return s.direct(p)
			}
			if err := s.fill(); err != nil {
				return err
			}
		}
		n := copy(p, s.buf[s.pos:s.end])
		s.pos += n
		p = p[n:]
	}
	return nil
}

// direct consumes len(p) bytes past the buffer, which is wholly consumed.
func (s *source) direct(p []byte) error {
	s.checksum()
	s.base += int64(s.end)
	s.pos, s.end, s.summed = 0, 0, 0
	n, err := io.ReadFull(s.r, p)
	s.crc = Checksum(s.crc, p[:n])
	s.base += int64(n)
	if err != nil {
		return s.broken(err)
	}
	return nil
}

// append consumes n bytes and appends them to dst. It asks for memory in steps: a chunk
// first, then as much again as has arrived.
func (s *source) append(dst []byte, n uint64) ([]byte, error) {
	begin := len(dst)
	for n > 0 {
		have := len(dst)
		step := int(min(n, uint64(max(chunk, have-begin))))
		dst = slices.Grow(dst, step)[:have+step]
		if err := s.full(dst[have:]); err != nil {
			return dst[:begin], err
		}
		n -= uint64(step)
	}
	return dst, nil
}
