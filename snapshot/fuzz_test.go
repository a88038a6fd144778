package snapshot

import (
	"bytes"
	"errors"
	"hash/maphash"
	"testing"
)

// FuzzReader reads any bytes as a file, and once more with the checksum put right, so that
// the fuzzer gets past it.
func FuzzReader(f *testing.F) {
	f.Add(sample(f))
	f.Add([]byte("REDIS0001\xfe\x00\xfd\x80\x51\x01\x00\x00\x01k\x01v\xff"))
	f.Add([]byte("REDIS0010\x00\x01k\xc3\x06\x0b\x01ab\xe0\x00\x01\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		limits := Limits{String: 1 << 20}
		_, err := read(NewReader(bytes.NewReader(b), limits))
		if verified := Verify(bytes.NewReader(b)); verified == nil && errors.Is(err, ErrChecksum) {
			t.Errorf("Verify finds nothing, Reader: %v", err)
		}
		sealed := seal(string(b))
		if err := Verify(bytes.NewReader(sealed)); errors.Is(err, ErrChecksum) {
			t.Errorf("the checksum put right is wrong: %v", err)
		}
		_, _ = read(NewReader(bytes.NewReader(sealed), limits)) // it must not panic
	})
}

// FuzzCompact reads any bytes as each compact form of a hash. What a form's walk visits must
// lie inside the bytes and survive being written again.
func FuzzCompact(f *testing.F) {
	f.Add(byte(TypeHashListpack), listpackOf("f", 1, -7, "v", "big", 1<<40))
	f.Add(byte(TypeHashZiplist), ziplistOf("f", 1, -7, "v", "big", 1<<40))
	f.Add(byte(TypeHashZipmap), zipmapOf("f", "1", "-7", "v"))
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		var all []any
		size := 0
		err := compactHash(Type(kind), b, func(field, value []byte) error {
			all = append(all, string(field), string(value))
			size += len(field) + len(value)
			return nil
		})
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("an error without a name: %v", err)
			}
			return
		}
		if size > len(b)*maxDigits {
			t.Errorf("%d bytes of text in %d bytes", size, len(b))
		}
		if n, err := ValidateListpack(listpackOf(all...)); err != nil || n != len(all) {
			t.Errorf("written again: %d of %d elements, %v", n, len(all), err)
		}
	})
}

// FuzzListpack: a sound listpack can be walked from behind, too.
func FuzzListpack(f *testing.F) {
	c := pairCheck{seed: maphash.MakeSeed()}
	f.Add(listpackOf("a", 1, "x", -4096, 300, 70000, 1<<30, 1<<40))
	f.Add(listpackOf(string(bytes.Repeat([]byte("x"), 130)), "y"))
	f.Fuzz(func(t *testing.T, lp []byte) {
		var sizes []int
		err := WalkListpack(lp, func(e Element) error {
			sizes = append(sizes, len(e.Text))
			return nil
		})
		if err != nil {
			return
		}
		at := len(lp) - 1
		for range sizes {
			size, shift := 0, 0
			for at--; lp[at]&0x80 != 0; at-- {
				size |= int(lp[at]&0x7f) << shift
				shift += 7
			}
			at -= size | int(lp[at])<<shift
		}
		if at != listpackHeader {
			t.Errorf("walked from behind, it begins at %d", at)
		}
		_ = c.check(lp) // it must not panic
	})
}

// FuzzPacked expands any bytes.
func FuzzPacked(f *testing.F) {
	f.Add([]byte("\x01ab\xe0\x00\x01"))
	f.Add([]byte("\x02abc\x20\x02\x00d"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		size, ok := lzfSize(packed)
		if !ok {
			return
		}
		if size > 88*len(packed) {
			t.Errorf("%d bytes expand to %d", len(packed), size)
		}
		if got := lzfExpand([]byte("head"), packed); len(got) != len("head")+size {
			t.Errorf("expands to %d bytes, want %d", len(got), size)
		}
	})
}

// FuzzString writes any string in each form and reads it back.
func FuzzString(f *testing.F) {
	f.Add([]byte("short"), int64(1))
	f.Add(bytes.Repeat([]byte("long"), 5000), int64(-1<<40))
	f.Fuzz(func(t *testing.T, s []byte, n int64) {
		var b bytes.Buffer
		w := NewWriter(&b)
		w.String(s)
		w.WideString(s)
		w.Text(string(s))
		w.Int(n)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r := NewReader(&b, Limits{})
		for i := range 3 {
			got, form, err := r.String()
			if err != nil || !bytes.Equal(got, s) || (form == FormShort) != (len(s) < 64 && i != 1) {
				t.Errorf("string %d: %q of form %d, %v", i, got, form, err)
			}
		}
		if got, form, err := r.String(); err != nil || form != FormInt || !isDecimal(got) {
			t.Errorf("%d came back as %q of form %d, %v", n, got, form, err)
		}
	})
}
