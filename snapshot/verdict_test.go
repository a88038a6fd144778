package snapshot

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestSameVerdict damages compact forms at random and asks Redis, told to look closely, which
// of them it takes; we take the same, and read the same pairs from them.
func TestSameVerdict(t *testing.T) {
	dir := t.TempDir()
	client := startRedis(t, dir, "--sanitize-dump-payload", "yes", "--hash-max-listpack-entries", "1000")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	sound := map[Type][][]byte{
		TypeHashListpack: {
			listpackOf("f", 1, -7, "v", "big", 1<<40), listpackOf("", strings.Repeat("x", 100), strings.Repeat("y", 70), 300, 70000, 1<<20),
		},
		TypeHashZiplist: {
			ziplistOf("f", 1, -7, "v", "big", 1<<40), ziplistOf("", strings.Repeat("x", 300), strings.Repeat("y", 70), 300, 70000, 1<<20),
		},
		TypeHashZipmap: {zipmapOf("f", "1", "-7", "v"), zipmapOf("", strings.Repeat("x", 300), "f", "v", "g", "w")},
	}
	taken, total := 0, 0
	for hash, blobs := range sound {
		for range 3000 {
			blob := damaged(r, blobs[r.IntN(len(blobs))])
			theirs := restore(t, client, hash, blob)
			ours, err := readHash(valueReader(t, blob), hash)
			if err == nil && hash == TypeHashListpack {
				_, err = valueReader(t, blob).PairListpack()
			}
			if theirs == nil && err != nil && weStricter(hash, blob, err) {
				continue
			}
			took := err == nil && len(ours) > 0
			if took != (theirs == nil) {
				t.Fatalf("%v: %q: Redis says %v, we say %v with %d pairs", hash, blob, theirs, err, len(ours))
			}
			total++
			if took {
				taken++
				if got := hgetall(t, client, 0, "k"); !maps.Equal(got, ours) {
					t.Fatalf("%v: %q: Redis reads %q, we %q", hash, blob, got, ours)
				}
			}
		}
	}
	t.Logf("%d of %d taken", taken, total)
}

// weStricter reports whether we refuse a blob that Redis takes for one of two reasons. Of the
// length behind a listpack's element Redis asks that, read from behind, it comes to the right
// number, be it with the help of the element's own bytes. Of a zipmap it takes 0xff for a
// value's length in four bytes, and does not mind what follows the end mark.
func weStricter(hash Type, blob []byte, err error) bool {
	return hash == TypeHashListpack && strings.Contains(err.Error(), "wrong length behind an element") ||
		hash == TypeHashZipmap && slices.Index(blob, compactEnd) < len(blob)-1
}

// damaged changes, drops or inserts up to three bytes of b.
func damaged(r *rand.Rand, b []byte) []byte {
	b = slices.Clone(b)
	for range r.IntN(4) {
		at := r.IntN(len(b))
		with := []byte{byte(r.Uint32()), 0, 1, 0x40, 0x80, 0xc0, 0xf0, 0xfe, 0xff, b[at] + 1, b[at] - 1, b[at] ^ 0x80}[r.IntN(12)]
		switch r.IntN(8) {
		case 0:
			b = slices.Insert(b, at, with)
		case 1:
			b = slices.Delete(b, at, at+1)
		default:
			b[at] = with
		}
		if len(b) == 0 {
			return b
		}
	}
	return b
}

// restore hands a hash to RESTORE under the key "k" and returns its error.
func restore(t *testing.T, client *redis.Client, hash Type, blob []byte) error {
	t.Helper()
	return restoreValue(t, client, hash, value(t, func(w *Writer) { w.String(blob) }))
}

// restoreValue is restore of a value that is more than one string.
func restoreValue(t *testing.T, client *redis.Client, typ Type, value string) error {
	t.Helper()
	b := binary.LittleEndian.AppendUint16(append([]byte{byte(typ)}, value...), Version)
	b = binary.LittleEndian.AppendUint64(b, Checksum(0, b))
	return client.Do(t.Context(), "restore", "k", 0, b, "replace").Err()
}

func valueReader(t *testing.T, blob []byte) *Reader {
	t.Helper()
	return NewReader(strings.NewReader(value(t, func(w *Writer) { w.String(blob) })), Limits{})
}

// value returns what write writes.
func value(t testing.TB, write func(w *Writer)) string {
	t.Helper()
	var b strings.Builder
	w := NewWriter(&b)
	write(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
