package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// seal ends a file with its end's opcode and the right checksum.
func seal(body string) []byte {
	b := append([]byte(body), byte(OpEOF))
	return binary.LittleEndian.AppendUint64(b, Checksum(0, b))
}

func TestOldVersions(t *testing.T) {
	// Version 1 has no checksum, and deadlines in seconds.
	f, err := readBytes([]byte("REDIS0001\xfe\x00\xfd\x80\x51\x01\x00\x00\x01k\x01v\xff"))
	want := item{Type: TypeString, ExpireMS: 86400 * 1000, Form: FormShort, String: "v"}
	if err != nil || !f.DBs[0]["k"].equal(want) {
		t.Errorf("version 1: %v, %v", f.DBs, err)
	}
	for version := checksumSince; version <= Version; version++ {
		body := fmt.Sprintf("REDIS%04d\xfe\x02\xf8\x0a\xf9\x05\x00\x01k\x01v", version)
		f, err := readBytes(seal(body))
		if got := f.DBs[2]["k"]; err != nil || got.String != "v" || got.Idle != 10 || got.Freq != 5 {
			t.Errorf("version %d: %v, %v", version, f.DBs, err)
		}
		if _, err := readBytes(append([]byte(body), "\xff\x00\x00\x00\x00\x00\x00\x00\x00"...)); err != nil {
			t.Errorf("version %d without a checksum: %v", version, err)
		}
		if _, err := readBytes(append([]byte(body), "\xff\x01\x00\x00\x00\x00\x00\x00\x00"...)); !errors.Is(err, ErrChecksum) {
			t.Errorf("version %d with a wrong checksum: %v", version, err)
		}
	}
}

// TestRefused goes through what a file cannot be, with the error that says so.
func TestRefused(t *testing.T) {
	const begin = "REDIS0010"
	tests := []struct {
		name, file string
		want       error
		text       string
	}{
		{"nothing", "", io.ErrUnexpectedEOF, ""},
		{"another file", "PK\x03\x04.........", ErrFormat, "signature"},
		{"no version", "REDIS00x1\xff", ErrFormat, "version"},
		{"signed version", "REDIS+001\xff", ErrFormat, "version"},
		{"version 0", "REDIS0000\xff", ErrVersion, "can't handle RDB format version 0"},
		{"version 11", "REDIS0011\xff", ErrVersion, "can't handle RDB format version 11"},
		{"unused type", begin + "\x08\x01k", ErrFormat, "neither a type nor an opcode: 8"},
		{"unknown type", begin + "\x14\x01k", ErrFormat, "20"},
		{"unknown opcode", begin + "\xf4", ErrFormat, "244"},
		{"module", begin + "\xf7", ErrUnsupported, "module"},
		{"early functions", begin + "\xf6", ErrUnsupported, "functions"},
		{"deadline of nothing", begin + "\xfc12345678\xff", ErrFormat, "opcode 255"},
		{"database", begin + "\xfe\x80\x80\x00\x00\x00", ErrLimit, "2147483648"},
		{"database is a string", begin + "\xfe\xc0\x01", ErrFormat, "a string where"},
		{"length", begin + "\x00\x82", ErrFormat, "0x82"},
		{"form", begin + "\x00\xc4", ErrFormat, "form 4"},
		{"string over 512 MiB", begin + "\x00\x80\x20\x00\x00\x01", ErrLimit, "536870913"},
		{"long string", begin + "\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff", ErrLimit, ""},
		{"hash is huge", begin + "\x04\x01k\x81\x00\x00\x00\x01\x00\x00\x00\x00", ErrLimit, "4294967296"},
		{"hash of nothing that long", begin + "\x04\x01k\x80\xff\xff\xff\xff", io.ErrUnexpectedEOF, ""},
		{"packed over the limit", begin + "\x00\xc3\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01", ErrLimit, ""},
		{"unpacked over the limit", begin + "\x00\xc3\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff", ErrLimit, ""},
		{"unpacked too short", begin + "\x00\xc3\x02\x02\x00a", ErrFormat, "expand"},
		{"unpacked from before", begin + "\x00\xc3\x02\x03\x20\x00", ErrFormat, "expand"},
		{"a set is no hash", begin + "\x02\x01k\x00", ErrFormat, "set (type 2) where a hash is wanted"},
	}
	for _, test := range tests {
		_, err := readBytes([]byte(test.file))
		if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.text) {
			t.Errorf("%s: %v, want %v with %q", test.name, err, test.want, test.text)
		}
	}
}

// sample is a file with something of everything that can be read.
func sample(t testing.TB) []byte {
	return writeFile(t, func(w *Writer) {
		w.Aux("redis-ver", []byte("7.0.15"))
		w.Function([]byte("#!lua name=l\nredis.register_function('f', function() end)"))
		w.SelectDB(0)
		w.ResizeDB(7, 1)
		w.ExpireMS(4102444800000)
		w.Key(TypeString, []byte("short"))
		w.String([]byte("a string"))
		w.Key(TypeString, []byte("long"))
		w.String(bytes.Repeat([]byte("0123456789"), 30))
		w.Key(TypeString, []byte("packed"))
		w.buf = append(w.buf, "\xc3\x06\x0b\x01ab\xe0\x00\x01"...)
		w.Key(TypeHash, []byte("plain"))
		w.Length(2)
		for _, s := range []string{"f", "v", "g", ""} {
			w.String([]byte(s))
		}
		w.Key(TypeHashListpack, []byte("listpack"))
		w.String(listpackOf("f", 1, -7, "v", "big", 1<<40))
		w.SelectDB(9)
		w.Key(TypeHashZiplist, []byte("ziplist"))
		w.String(ziplistOf("f", 1, -7, "v", "big", 1<<40))
		w.Key(TypeHashZipmap, []byte("zipmap"))
		w.String(zipmapOf("f", "1", "-7", "v"))
	})
}

func TestSample(t *testing.T) {
	b := sample(t)
	for name, r := range map[string]io.Reader{
		"at once":      bytes.NewReader(b),
		"by the byte":  iotest.OneByteReader(bytes.NewReader(b)),
		"EOF with":     iotest.DataErrReader(bytes.NewReader(b)),
		"with a tail":  io.MultiReader(bytes.NewReader(b), strings.NewReader("what follows")),
		"half by half": iotest.HalfReader(bytes.NewReader(b)),
	} {
		f, err := read(NewReader(r, Limits{}))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f.Aux["redis-ver"] != "7.0.15" || len(f.Functions) != 1 || f.Keys[0] != 7 || f.Expires[0] != 1 {
			t.Errorf("%s: %+v", name, f)
		}
		if got := f.DBs[0]["short"]; got.ExpireMS != 4102444800000 || got.String != "a string" {
			t.Errorf("%s: short is %+v", name, got)
		}
		if got := f.DBs[0]["packed"]; got.Form != FormLZF || got.String != "abababababa" {
			t.Errorf("%s: packed is %+v", name, got)
		}
		wants := map[string]string{"f": "1", "-7": "v", "big": "1099511627776"}
		for _, got := range []item{f.DBs[0]["listpack"], f.DBs[9]["ziplist"]} {
			if !maps.Equal(got.Hash, wants) {
				t.Errorf("%s: %v", name, got)
			}
		}
		if got := f.DBs[9]["zipmap"].Hash; !maps.Equal(got, map[string]string{"f": "1", "-7": "v"}) {
			t.Errorf("%s: %v", name, got)
		}
		if got := f.DBs[0]["plain"].Hash; !maps.Equal(got, map[string]string{"f": "v", "g": ""}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestCutShort ends the sample at each of its bytes.
func TestCutShort(t *testing.T) {
	b := sample(t)
	for n := range b {
		if _, err := readBytes(b[:n]); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, ErrFormat) {
			t.Errorf("%d of %d bytes: %v", n, len(b), err)
		}
	}
}

// TestBitFlips: a file with one bit wrong is never read to its end.
func TestBitFlips(t *testing.T) {
	b := sample(t)
	for i := range len(b) * 8 {
		b[i/8] ^= 1 << (i % 8)
		if _, err := readBytes(b); err == nil {
			t.Errorf("bit %d of byte %d makes no difference", i%8, i/8)
		}
		b[i/8] ^= 1 << (i % 8)
	}
}

func TestReaderErrorStays(t *testing.T) {
	gone := errors.New("disk gone")
	b := sample(t)
	r := NewReader(io.MultiReader(bytes.NewReader(b[:100]), iotest.ErrReader(gone)), Limits{})
	_, first := read(r)
	if !errors.Is(first, gone) || errors.Is(first, ErrFormat) {
		t.Fatalf("got %v", first)
	}
	_, next := r.Next()
	_, _, str := r.String()
	_, length := r.Length()
	hash := r.Hash(TypeHashZiplist, nil)
	_, listpack := r.PairListpack()
	for i, err := range []error{next, str, length, hash, listpack} {
		if !errors.Is(err, gone) {
			t.Errorf("call %d after the error: %v", i, err)
		}
	}
}

// TestVisitorStops: the visitor's error is the Reader's from then on.
func TestVisitorStops(t *testing.T) {
	stop := errors.New("enough")
	values := map[Type]func(w *Writer){
		TypeHash: func(w *Writer) {
			w.Length(2)
			for range 4 {
				w.Text("x")
			}
		},
		TypeHashZipmap:   func(w *Writer) { w.String(zipmapOf("a", "b", "c", "d")) },
		TypeHashZiplist:  func(w *Writer) { w.String(ziplistOf("a", "b", "c", "d")) },
		TypeHashListpack: func(w *Writer) { w.String(listpackOf("a", "b", "c", "d")) },
	}
	for hash, write := range values {
		var b bytes.Buffer
		w := NewWriter(&b)
		write(w)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r, visits := NewReader(&b, Limits{}), 0
		err := r.Hash(hash, func(_, _ []byte) error {
			visits++
			return stop
		})
		if _, next := r.Next(); !errors.Is(err, stop) || !errors.Is(next, stop) || visits != 1 {
			t.Errorf("%v: %v, then %v, after %d visits", hash, err, next, visits)
		}
	}
}

// TestLifetimes: a key outlives the reading of its value, AppendString appends.
func TestLifetimes(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	w.Header()
	w.Key(TypeString, []byte("key"))
	w.Text("value")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := NewReader(&b, Limits{})
	e, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := r.AppendString([]byte("this "))
	if err != nil || string(got) != "this value" || string(e.Key) != "key" {
		t.Errorf("%q of %q, %v", got, e.Key, err)
	}
	if r.Offset() != int64(headerLen+1+4+6) {
		t.Errorf("the offset is %d", r.Offset())
	}
}

// TestMemory announces much and delivers little.
func TestMemory(t *testing.T) {
	for name, body := range map[string]string{
		"string": "REDIS0010\x00\x01k\x80\x1f\xff\xff\xff" + strings.Repeat("x", 1000),
		"packed": "REDIS0010\x00\x01k\xc3\x80\x1f\xff\xff\xff\x80\x1f\xff\xff\xff" + strings.Repeat("x", 1000),
		"bomb":   "REDIS0010\x00\x01k\xc3\x04\x80\x1f\xff\xff\xff\x00a\x20\x00",
		"hash":   "REDIS0010\x04\x01k\x80\xff\xff\xff\xff" + strings.Repeat("\x01x", 500),
		"key":    "REDIS0010\x00\x80\x1f\xff\xff\xff" + strings.Repeat("x", 1000),
		"aux":    "REDIS0010\xfa\x01k\x80\x1f\xff\xff\xff" + strings.Repeat("x", 1000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readBytes([]byte(body))
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 8*chunk {
			t.Errorf("%s: %d bytes allocated", name, took)
		}
	}
}

func TestLimits(t *testing.T) {
	limits := Limits{String: 10, Elements: 3}
	tests := []struct {
		value string
		ok    bool
	}{
		{"\x0a0123456789", true},
		{"\x0b0123456789x", false},
		{"\xc3\x05\x0a\x01ab\xc0\x01", true},
		{"\xc3\x05\x0b\x01ab\xe0\x00\x01", false},
		{"\xc3\x0b\x05", false},
	}
	for _, test := range tests {
		_, _, err := NewReader(strings.NewReader(test.value), limits).String()
		if (err == nil) != test.ok || !test.ok && !errors.Is(err, ErrLimit) {
			t.Errorf("%q: %v", test.value, err)
		}
	}
	for n, want := range []error{nil, nil, nil, nil, ErrLimit} {
		_, err := NewReader(bytes.NewReader([]byte{byte(n)}), limits).Length()
		if !errors.Is(err, want) {
			t.Errorf("%d elements: %v", n, err)
		}
	}
}

func BenchmarkReader(b *testing.B) {
	file := writeFile(b, func(w *Writer) {
		for i := range 10000 {
			w.ExpireMS(1700000000000)
			w.Key(TypeString, fmt.Append(nil, "user:", i))
			w.String(make([]byte, 100))
		}
	})
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(bytes.NewReader(file), Limits{})
		for {
			e, err := r.Next()
			if err != nil {
				b.Fatal(err)
			}
			if e.Op == OpEOF {
				break
			}
			if _, _, err := r.String(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
