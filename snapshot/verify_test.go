package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

func TestVerify(t *testing.T) {
	files := [][]byte{writeFile(t, func(*Writer) {}), sample(t)}
	// Files that end on and around the buffer's end.
	for n := chunk - 40; n < chunk; n++ {
		files = append(files, writeFile(t, func(w *Writer) { w.Aux("n", make([]byte, n)) }))
	}
	for _, b := range files {
		for _, r := range []io.Reader{
			bytes.NewReader(b), iotest.HalfReader(bytes.NewReader(b)), iotest.DataErrReader(bytes.NewReader(b)),
		} {
			if err := Verify(r); err != nil {
				t.Fatalf("a file of %d bytes: %v", len(b), err)
			}
		}
		if err := Verify(bytes.NewReader(append(slices.Clone(b), 0))); !errors.Is(err, ErrFormat) {
			t.Errorf("%d bytes and one more: %v", len(b), err)
		}
		damaged := slices.Clone(b)
		damaged[len(b)-10] ^= 1
		if err := Verify(bytes.NewReader(damaged)); err == nil {
			t.Errorf("%d bytes, damaged, pass", len(b))
		}
		unchecked := append(slices.Clone(b[:len(b)-8]), make([]byte, 8)...)
		if err := Verify(bytes.NewReader(unchecked)); err != nil {
			t.Errorf("%d bytes without a checksum: %v", len(b), err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	b := sample(t)
	for n := range b {
		// Cut behind a byte that looks like the end mark, it is the checksum that is wrong.
		if err := Verify(bytes.NewReader(b[:n])); !errors.Is(err, ErrFormat) && !errors.Is(err, ErrChecksum) {
			t.Errorf("%d of %d bytes: %v", n, len(b), err)
		}
	}
	for i := range len(b) * 8 {
		b[i/8] ^= 1 << (i % 8)
		if err := Verify(bytes.NewReader(b)); err == nil {
			// A file may also come to say that it is of a version without a checksum, but
			// then it does not end where its end mark is.
			t.Errorf("bit %d of byte %d makes no difference", i%8, i/8)
		}
		b[i/8] ^= 1 << (i % 8)
	}
	sum := binary.LittleEndian.Uint64(b[len(b)-8:])
	binary.LittleEndian.PutUint64(b[len(b)-8:], sum+1)
	if err := Verify(bytes.NewReader(b)); !errors.Is(err, ErrChecksum) {
		t.Errorf("a wrong checksum: %v", err)
	}
	gone := errors.New("disk gone")
	err := Verify(io.MultiReader(bytes.NewReader(b[:100]), iotest.ErrReader(gone)))
	if !errors.Is(err, gone) || errors.Is(err, ErrFormat) {
		t.Errorf("a broken reader: %v", err)
	}
	for file, want := range map[string]error{
		"REDIS0004\xff": nil, "REDIS0004\xfe": ErrFormat, "REDIS0004": io.ErrUnexpectedEOF,
		"REDIS0011\xff": ErrVersion, "RUDIS0010\xff": ErrFormat, "": io.ErrUnexpectedEOF,
		"REDIS0005\xff": io.ErrUnexpectedEOF, "REDIS0005\xff\x00\x00\x00\x00\x00\x00\x00\x00": nil,
	} {
		if err := Verify(bytes.NewReader([]byte(file))); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", file, err, want)
		}
	}
}
