package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

// zsetOf reads the value of a sorted set.
func zsetOf(t Type, body string) (map[string]float64, error) {
	all := map[string]float64{}
	err := NewReader(strings.NewReader(body), Limits{String: 1 << 20}).ZSet(t, func(member []byte, score float64) error {
		if math.IsNaN(score) {
			return errors.New("a score that is no number came through")
		}
		if _, twice := all[string(member)]; twice {
			return errTwice
		}
		all[string(member)] = score
		return nil
	})
	return all, err
}

func TestZSetForms(t *testing.T) {
	want := map[string]float64{"a": math.Inf(-1), "-7": -1.5, "b": 3, "300": 1 << 40, "z": math.Inf(1)}
	scores := []any{"a", "-inf", -7, "-1.5", "b", 3, 300, 1 << 40, "z", "inf"}
	for typ, body := range map[Type]string{
		TypeZSet: "\x05\x01a\xff\x02-7\x04-1.5\x01b\x013\x03300\x0d1099511627776\x01z\xfe",
		TypeZSet2: value(t, func(w *Writer) {
			w.Length(5)
			for member, score := range want {
				w.Text(member)
				w.Double(score)
			}
		}),
		TypeZSetZiplist:  value(t, func(w *Writer) { w.String(ziplistOf(scores...)) }),
		TypeZSetListpack: value(t, func(w *Writer) { w.String(listpackOf(scores...)) }),
	} {
		if got, err := zsetOf(typ, body); err != nil || !maps.Equal(got, want) {
			t.Errorf("%v: %v, %v", typ, got, err)
		}
		for n := range len(body) - 1 {
			if _, err := zsetOf(typ, body[:n]); !errors.Is(err, ErrFormat) {
				t.Errorf("%v cut to %d bytes: %v", typ, n, err)
			}
		}
	}
	for name, c := range map[string]struct {
		typ  Type
		body string
	}{
		"another type":    {TypeSet, "\x01\x01a"},
		"NaN":             {TypeZSet, "\x01\x01a\xfd"},
		"no number":       {TypeZSet, "\x01\x01a\x01x"},
		"an empty number": {TypeZSet, "\x01\x01a\x00"},
		"half a pair":     {TypeZSetListpack, value(t, func(w *Writer) { w.String(listpackOf("a")) })},
		"NaN in a pack":   {TypeZSetListpack, value(t, func(w *Writer) { w.String(listpackOf("a", "nan")) })},
		"text for scores": {TypeZSetZiplist, value(t, func(w *Writer) { w.String(ziplistOf("a", "b")) })},
		"a binary NaN":    {TypeZSet2, value(t, func(w *Writer) { w.Length(1); w.Text("a"); w.Double(math.NaN()) })},
	} {
		if got, err := zsetOf(c.typ, c.body); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func FuzzZSet(f *testing.F) {
	f.Add(byte(TypeZSet), []byte("\x02\x01a\x011\x01b\xfe"))
	f.Add(byte(TypeZSet2), binary.LittleEndian.AppendUint64([]byte("\x01\x01a"), math.Float64bits(1.5)))
	f.Add(byte(TypeZSetZiplist), append([]byte{40}, ziplistOf("f", 1, -7, "1.5", "big", 1<<40)...))
	f.Add(byte(TypeZSetListpack), append([]byte{36}, listpackOf("f", 1, -7, "-inf", "big", 1<<40)...))
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		_, err := zsetOf(Type(kind), string(body))
		if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrLimit) && !errors.Is(err, errTwice) {
			t.Errorf("an error without a name: %v", err)
		}
	})
}

// TestSameVerdictOfZSets is TestSameVerdict of sorted sets. Redis does not mind what a score is when it
// loads one, and we do.
func TestSameVerdictOfZSets(t *testing.T) {
	client := startRedis(t, t.TempDir(), "--sanitize-dump-payload", "yes", "--zset-max-listpack-entries", "1000")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	sound := map[Type][][]byte{
		TypeZSetListpack: {listpackOf("f", 1, -7, "1.5", "big", 1<<40), listpackOf("", -300, strings.Repeat("y", 70), 300, 70000, 1<<20)},
		TypeZSetZiplist:  {ziplistOf("f", 1, -7, "1.5", "big", 1<<40), ziplistOf("", -300, strings.Repeat("y", 300), 300, 70000, 1<<20)},
	}
	taken := 0
	for typ, blobs := range sound {
		for range 3000 {
			blob := damaged(r, blobs[r.IntN(len(blobs))])
			theirs := restore(t, client, typ, blob)
			ours, err := zsetOf(typ, value(t, func(w *Writer) { w.String(blob) }))
			if theirs == nil && err != nil &&
				(strings.Contains(err.Error(), "wrong length behind an element") || strings.Contains(err.Error(), "a score that is no number")) {
				continue
			}
			took := err == nil && len(ours) > 0
			if took != (theirs == nil) {
				t.Fatalf("%v: %q: Redis says %v, we say %v with %v", typ, blob, theirs, err, ours)
			}
			if !took {
				continue
			}
			taken++
			got := map[string]float64{}
			pairs := inDB(t, client, 0, []any{"zrange", "k", 0, -1, "withscores"})[0].([]any)
			for i := 0; i < len(pairs); i += 2 {
				f, err := strconv.ParseFloat(fmt.Sprint(pairs[i+1]), 64)
				if err != nil {
					t.Fatal(err)
				}
				got[pairs[i].(string)] = f
			}
			if !maps.Equal(got, ours) {
				t.Fatalf("%v: %q: Redis reads %v, we %v", typ, blob, got, ours)
			}
		}
	}
	t.Logf("%d taken", taken)
}
