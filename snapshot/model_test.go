package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"testing"
)

// item is what a file says of one key: the model that tests compare with.
type item struct {
	Type     Type
	ExpireMS int64
	Form     Form
	String   string            // of a string
	Hash     map[string]string // of a hash
	Idle     int64
	Freq     int
}

func (i item) equal(o item) bool {
	return i.Type == o.Type && i.ExpireMS == o.ExpireMS && i.Form == o.Form && i.String == o.String &&
		maps.Equal(i.Hash, o.Hash)
}

// file is what a whole file says.
type file struct {
	Aux       map[string]string
	Functions []string
	DBs       map[int]map[string]item
	Keys      map[int]uint64 // the hints, by database
	Expires   map[int]uint64
}

var errTwice = errors.New("a field or key twice")

// read reads a file of strings and hashes.
func read(r *Reader) (*file, error) {
	f := &file{
		Aux: map[string]string{}, DBs: map[int]map[string]item{}, Keys: map[int]uint64{}, Expires: map[int]uint64{},
	}
	db := 0
	for {
		e, err := r.Next()
		if err != nil {
			return f, err
		}
		switch e.Op {
		case OpAux:
			f.Aux[string(e.Key)] = string(e.Value)
		case OpFunction2:
			f.Functions = append(f.Functions, string(e.Value))
		case OpSelectDB:
			db = e.DB
		case OpResizeDB:
			f.Keys[db], f.Expires[db] = e.Keys, e.Expires
		case OpKey:
			i, err := readItem(r, e)
			if err != nil {
				return f, fmt.Errorf("key %q: %w", e.Key, err)
			}
			if f.DBs[db] == nil {
				f.DBs[db] = map[string]item{}
			}
			if _, ok := f.DBs[db][string(e.Key)]; ok {
				return f, fmt.Errorf("key %q: %w", e.Key, errTwice)
			}
			f.DBs[db][string(e.Key)] = i
		case OpEOF:
			if _, err := r.Next(); !errors.Is(err, io.EOF) {
				return f, fmt.Errorf("behind the end: %w", err)
			}
			return f, nil
		}
	}
}

func readItem(r *Reader, e Entry) (item, error) {
	i := item{Type: e.Type, ExpireMS: e.ExpireMS, Idle: e.Idle, Freq: e.Freq}
	switch e.Type {
	case TypeString:
		b, form, err := r.String()
		i.String, i.Form = string(b), form
		return i, err
	default: // Hash refuses what is none
		h, err := readHash(r, e.Type)
		i.Hash = h
		return i, err
	}
}

func readHash(r *Reader, t Type) (map[string]string, error) {
	h := map[string]string{}
	err := r.Hash(t, func(field, value []byte) error {
		if _, ok := h[string(field)]; ok {
			return errTwice
		}
		h[string(field)] = string(value)
		return nil
	})
	return h, err
}

func readBytes(b []byte) (*file, error) {
	return read(NewReader(bytes.NewReader(b), Limits{}))
}

// writeFile returns the file that write makes between header and end.
func writeFile(t testing.TB, write func(w *Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	w.Header()
	write(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Written() != int64(b.Len()) {
		t.Errorf("Written is %d of %d bytes", w.Written(), b.Len())
	}
	return b.Bytes()
}

// listpackOf makes a listpack of strings and int64s, each in its shortest form.
func listpackOf(elements ...any) []byte {
	lp := make([]byte, listpackHeader)
	for _, e := range elements {
		begin := len(lp)
		switch e := e.(type) {
		case int:
			lp = appendListpackInt(lp, int64(e))
		case string:
			switch n := len(e); {
			case n < 1<<6:
				lp = append(lp, 0x80|byte(n))
			case n < 1<<12:
				lp = append(lp, 0xe0|byte(n>>8), byte(n))
			default:
				lp = append(lp, 0xf0)
				lp = binary.LittleEndian.AppendUint32(lp, uint32(n))
			}
			lp = append(lp, e...)
		}
		lp = append(lp, backOf(len(lp)-begin)...)
	}
	lp = append(lp, compactEnd)
	binary.LittleEndian.PutUint32(lp, uint32(len(lp)))
	binary.LittleEndian.PutUint16(lp[4:], uint16(min(len(elements), uncounted)))
	return lp
}

func appendListpackInt(lp []byte, n int64) []byte {
	switch {
	case n >= 0 && n < 1<<7:
		return append(lp, byte(n))
	case n >= -1<<12 && n < 1<<12:
		return append(lp, 0xc0|byte(n>>8)&0x1f, byte(n))
	case n == int64(int16(n)):
		return append(lp, 0xf1, byte(n), byte(n>>8))
	case n >= -1<<23 && n < 1<<23:
		return append(lp, 0xf2, byte(n), byte(n>>8), byte(n>>16))
	case n == int64(int32(n)):
		return binary.LittleEndian.AppendUint32(append(lp, 0xf3), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(lp, 0xf4), uint64(n))
}

// backOf makes the length behind an element.
func backOf(size int) []byte {
	n := 1
	for _, limit := range []int{1<<7 - 1, 1<<14 - 2, 1<<21 - 2, 1<<28 - 2} {
		if size > limit {
			n++
		}
	}
	b := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		b[i] = byte(size&0x7f) | 0x80
		size >>= 7
	}
	b[0] &= 0x7f
	return b
}

// ziplistOf makes a ziplist of strings and ints. The bytes of a wide element announce the size
// of the one before in five bytes whatever it is.
func ziplistOf(elements ...any) []byte {
	zl := make([]byte, ziplistHeader)
	tail, before := ziplistHeader, 0
	for i, e := range elements {
		tail = len(zl)
		if before < fourBytes && i%3 != 2 {
			zl = append(zl, byte(before))
		} else {
			zl = append(zl, fourBytes)
			zl = binary.LittleEndian.AppendUint32(zl, uint32(before))
		}
		switch e := e.(type) {
		case int:
			zl = appendZiplistInt(zl, int64(e))
		case string:
			switch n := len(e); {
			case n < 1<<6:
				zl = append(zl, byte(n))
			case n < 1<<14:
				zl = append(zl, 0x40|byte(n>>8), byte(n))
			default:
				zl = binary.BigEndian.AppendUint32(append(zl, 0x80), uint32(n))
			}
			zl = append(zl, e...)
		}
		before = len(zl) - tail
	}
	zl = append(zl, compactEnd)
	binary.LittleEndian.PutUint32(zl, uint32(len(zl)))
	binary.LittleEndian.PutUint32(zl[4:], uint32(tail))
	binary.LittleEndian.PutUint16(zl[8:], uint16(min(len(elements), uncounted)))
	return zl
}

func appendZiplistInt(zl []byte, n int64) []byte {
	switch {
	case n >= 0 && n <= 12:
		return append(zl, 0xf1+byte(n))
	case n == int64(int8(n)):
		return append(zl, 0xfe, byte(n))
	case n == int64(int16(n)):
		return append(zl, 0xc0, byte(n), byte(n>>8))
	case n >= -1<<23 && n < 1<<23:
		return append(zl, 0xf0, byte(n), byte(n>>8), byte(n>>16))
	case n == int64(int32(n)):
		return binary.LittleEndian.AppendUint32(append(zl, 0xd0), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(zl, 0xe0), uint64(n))
}

// zipmapOf makes a zipmap of pairs, with some unused bytes behind every second value.
func zipmapOf(texts ...string) []byte {
	zm := []byte{byte(min(len(texts)/2, fourBytes))}
	for i, s := range texts {
		if len(s) < fourBytes {
			zm = append(zm, byte(len(s)))
		} else {
			zm = binary.LittleEndian.AppendUint32(append(zm, fourBytes), uint32(len(s)))
		}
		unused := 0
		if i%2 == 1 {
			unused = i % 4
			zm = append(zm, byte(unused))
		}
		zm = append(zm, s...)
		zm = append(zm, make([]byte, unused)...)
	}
	return append(zm, compactEnd)
}
