package snapshot

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
)

// TestGolden holds the bytes of a file against the format, piece by piece.
func TestGolden(t *testing.T) {
	got := writeFile(t, func(w *Writer) {
		w.Aux("redraft-clock", []byte("17"))
		w.Function([]byte("#!lua name=l\n"))
		w.SelectDB(3)
		w.ResizeDB(4, 1)
		w.ExpireMS(1700000000000)
		w.Key(TypeString, []byte("i"))
		w.Int(-300)
		w.Key(TypeString, []byte("raw"))
		w.WideString([]byte("ab"))
		w.Key(TypeHash, []byte("h"))
		w.Length(1)
		w.String([]byte("f"))
		w.String([]byte("v"))
		w.Key(TypeHashListpack, []byte("s"))
		w.String(listpackOf("f", 1))
	})
	want := strings.Join([]string{
		"524544495330303130",                    // REDIS0010
		"fa 0d 726564726166742d636c6f636b",      // AUX redraft-clock
		"02 3137",                               // 17
		"f5 0d 23216c7561206e616d653d6c0a",      // FUNCTION2
		"fe 03",                                 // SELECTDB 3
		"fb 04 01",                              // RESIZEDB 4 1
		"fc 0068e5cf8b010000",                   // EXPIRETIME_MS
		"00 01 69 c1 d4fe",                      // string i, 16-bit integer
		"00 03 726177 4002 6162",                // string raw, 14-bit length
		"04 01 68 01 01 66 01 76",               // hash h of one pair
		"10 01 73 0c 0c0000000200 8166020101ff", // hash s, a listpack
		"ff",
	}, " ")
	wantBytes, err := hex.DecodeString(strings.ReplaceAll(want, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	body, sum := got[:len(got)-8], got[len(got)-8:]
	if !bytes.Equal(body, wantBytes) {
		t.Errorf("wrote\n%x, want\n%x", body, wantBytes)
	}
	if want := "9c3c02d9421adffe"; hex.EncodeToString(sum) != want {
		t.Errorf("the checksum is %x, want %s", sum, want)
	}
}

// edges are lengths on both sides of every step of the forms and of the buffers.
var edges = []int{
	0, 1, 44, 45, 63, 64, 65, 16383, 16384, 16385, chunk/2 - 1, chunk / 2, chunk/2 + 1,
	chunk - 1, chunk, chunk + 1, 2*chunk + 1, 5 * chunk,
}

func TestStringForms(t *testing.T) {
	long := make([]byte, 5*chunk)
	for i := range long {
		long[i] = byte(i * 7 >> 3)
	}
	b := writeFile(t, func(w *Writer) {
		for _, n := range edges {
			w.Key(TypeString, fmt.Append(nil, "s", n))
			w.String(long[:n])
			w.Key(TypeString, fmt.Append(nil, "w", n))
			w.WideString(long[:n])
			w.Key(TypeString, fmt.Append(nil, "t", n))
			w.Text(string(long[:n]))
		}
	})
	f, err := readBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range edges {
		form := FormShort
		if n >= 64 {
			form = FormWide
		}
		if n >= 16384 {
			form = FormLong
		}
		for _, kind := range "swt" {
			key := fmt.Sprint(string(kind), n)
			want := item{Type: TypeString, ExpireMS: NoExpiry, Form: form, String: string(long[:n])}
			if kind == 'w' {
				want.Form = max(form, FormWide)
			}
			if got := f.DBs[0][key]; !got.equal(want) {
				t.Errorf("%s: %d bytes of form %d, want %d of form %d", key, len(got.String), got.Form, n, want.Form)
			}
		}
	}
}

func TestInts(t *testing.T) {
	ints := []int64{
		0, 1, -1, 127, 128, -128, -129, 32767, 32768, -32768, -32769,
		math.MaxInt32, math.MaxInt32 + 1, math.MinInt32, math.MinInt32 - 1, math.MaxInt64, math.MinInt64,
	}
	b := writeFile(t, func(w *Writer) {
		for _, n := range ints {
			w.Key(TypeString, fmt.Append(nil, n))
			w.Int(n)
		}
	})
	f, err := readBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range ints {
		key := fmt.Sprint(n)
		want := item{Type: TypeString, ExpireMS: NoExpiry, Form: FormInt, String: key}
		if got := f.DBs[0][key]; !got.equal(want) {
			t.Errorf("%s came back as %q of form %d", key, got.String, got.Form)
		}
	}
}

// TestDigitsAreNoInt: digits that are not what an integer is printed as stay a string, under
// whatever length.
func TestDigitsAreNoInt(t *testing.T) {
	for _, s := range []string{"007", "+5", "-0", "", "9223372036854775808", "5 "} {
		w := new(bytes.Buffer)
		writer := NewWriter(w)
		writer.length32(uint32(len(s)))
		writer.bytes([]byte(s))
		if err := writer.Flush(); err != nil {
			t.Fatal(err)
		}
		b, form, err := NewReader(w, Limits{}).String()
		if err != nil || string(b) != s || form != FormLong {
			t.Errorf("%q came back as %q of form %d, %v", s, b, form, err)
		}
	}
}

func TestLengths(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	lengths := []uint64{0, 63, 64, 16383, 16384, math.MaxUint32, math.MaxUint32 + 1, math.MaxUint64}
	for _, n := range lengths {
		w.Length(n)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := 1 + 1 + 2 + 2 + 5 + 5 + 9 + 9; b.Len() != want {
		t.Errorf("%d bytes, want %d", b.Len(), want)
	}
	r := NewReader(&b, Limits{Elements: math.MaxUint64})
	for _, want := range lengths {
		if got, err := r.Length(); err != nil || got != want {
			t.Errorf("%d came back as %d, %v", want, got, err)
		}
	}
}

// brittle takes some bytes and then fails.
type brittle struct {
	left int
	err  error
}

func (b *brittle) Write(p []byte) (int, error) {
	n := min(b.left, len(p))
	b.left -= n
	if n < len(p) {
		return n, b.err
	}
	return n, nil
}

func TestWriterErrorStays(t *testing.T) {
	full := errors.New("no space")
	for _, left := range []int{0, 5, chunk, 3 * chunk} {
		w := NewWriter(&brittle{left, full})
		w.Header()
		for range 20 {
			w.String(make([]byte, chunk/4))
			w.String(make([]byte, chunk*3/4))
			w.Int(1)
		}
		if err := w.Flush(); !errors.Is(err, full) {
			t.Errorf("Flush says %v", err)
		}
		if err := w.Close(); !errors.Is(err, full) {
			t.Errorf("Close says %v", err)
		}
		if cap(w.buf) > chunk {
			t.Errorf("the buffer has grown to %d", cap(w.buf))
		}
		if w.Written() != int64(left) {
			t.Errorf("Written is %d, and %d were taken", w.Written(), left)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	w := NewWriter(io.Discard)
	key, value := []byte("user:1000001"), make([]byte, 100)
	b.ReportAllocs()
	b.SetBytes(int64(len(key) + len(value) + 12))
	for b.Loop() {
		w.ExpireMS(1700000000000)
		w.Key(TypeString, key)
		w.String(value)
	}
}
