package snapshot

import (
	"bytes"
	"testing"
)

// TestPayload holds the bytes of a payload, and finds out what is not one.
func TestPayload(t *testing.T) {
	b := AppendPayload([]byte("before"), func(w *Writer) {
		w.Key(TypeString, []byte("a key that is not in it"))
		w.Int(5)
	})
	if want := "before\x00\xc0\x05\n\x00c/_f\x83/\xb3Q"; string(b) != want { // redis-server's DUMP of 5
		t.Fatalf("%q, not %q", b, want)
	}
	b = b[len("before"):]
	r, typ, ok := OpenPayload(b)
	if !ok || typ != TypeString {
		t.Fatalf("type %v, %v", typ, ok)
	}
	if s, form, err := r.String(); string(s) != "5" || form != FormInt || err != nil {
		t.Fatalf("%q, form %d, %v", s, form, err)
	}
	if _, err := r.Length(); err == nil {
		t.Error("there is more behind the value")
	}
	for i := range b {
		other := bytes.Clone(b)
		other[i] ^= 1
		if _, _, ok := OpenPayload(other); ok {
			t.Errorf("byte %d is another, and nobody notices", i)
		}
		if _, _, ok := OpenPayload(b[:i]); ok {
			t.Errorf("the first %d bytes pass for a payload", i)
		}
	}
}
