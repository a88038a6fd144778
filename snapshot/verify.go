package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Verify reads a file to its end and reports whether it is whole: that it begins with a
// header of a version that can be read, that its checksum is right, and that nothing follows
// the end. It does not look at the entries, so it runs as fast as the checksum does. A file
// without a checksum, of version 4 or less or with a checksum of 0, is only seen to end as a
// file does.
//
// It returns nil, or an error that wraps ErrFormat, ErrVersion, ErrChecksum or what r failed
// with.
func Verify(r io.Reader) error {
	buf := make([]byte, chunk)
	n, err := io.ReadFull(r, buf[:headerLen])
	if err != nil {
		return readError(int64(n), err)
	}
	version, err := parseHeader(buf[:n])
	if err != nil {
		return err
	}
	sum, tail, err := sumAllBut(r, buf, n, trailerLen(version))
	switch {
	case err != nil:
		return err
	case Op(tail[0]) != OpEOF:
		return fmt.Errorf("%w: the file does not end where it stops", ErrFormat)
	case len(tail) == 1:
		return nil
	}
	want := binary.LittleEndian.Uint64(tail[1:])
	if sum = Checksum(sum, tail[:1]); want != 0 && want != sum {
		return checksumError(want, sum)
	}
	return nil
}

// trailerLen returns the size of a file's end: the opcode and the checksum, if there is one.
func trailerLen(version int) int {
	if version < checksumSince {
		return 1
	}
	return 1 + 8
}

// sumAllBut reads r to its end and returns the checksum of all but the last keep bytes, and
// those. The header, held bytes long, stands in buf already and is not part of the end.
func sumAllBut(r io.Reader, buf []byte, held, keep int) (sum uint64, tail []byte, err error) {
	sum = Checksum(0, buf[:held])
	total := int64(held)
	held = 0
	for err == nil {
		var n int
		n, err = io.ReadFull(r, buf[held:])
		held += n
		total += int64(n)
		if done := held - keep; done > 0 {
			sum = Checksum(sum, buf[:done])
			held = copy(buf, buf[done:held])
		}
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, nil, readError(total, err)
	}
	if held < keep {
		return 0, nil, readError(total, io.ErrUnexpectedEOF)
	}
	return sum, buf[:keep], nil
}
