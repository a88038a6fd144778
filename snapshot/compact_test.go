package snapshot

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"testing"
)

// elements holds something on both sides of every step of the forms.
func elements() (all []any, texts []string) {
	for _, n := range []int{0, 1, 63, 64, 127, 128, 253, 254, 255, 4095, 4096, 16370, 16378, 16379, 16383, 16384, 70000} {
		all = append(all, strings.Repeat("x", n))
	}
	for _, n := range []int{
		0, 1, 12, 13, 127, 128, -1, -128, -129, 4095, 4096, -4096, -4097, math.MaxInt16, math.MaxInt16 + 1, math.MinInt16,
		math.MinInt16 - 1, 1<<23 - 1, 1 << 23, -1 << 23, -1<<23 - 1, math.MaxInt32, math.MaxInt32 + 1, math.MinInt32,
		math.MinInt32 - 1, math.MaxInt64, math.MinInt64,
	} {
		all = append(all, n)
	}
	for _, e := range all {
		texts = append(texts, fmt.Sprint(e))
	}
	return all, texts
}

func TestElements(t *testing.T) {
	all, want := elements()
	for name, walk := range map[string]func(visit func(Element) error) error{
		"listpack": func(visit func(Element) error) error { return WalkListpack(listpackOf(all...), visit) },
		"ziplist":  func(visit func(Element) error) error { return walkZiplist(ziplistOf(all...), visit) },
	} {
		var got []string
		err := walk(func(e Element) error {
			if _, isInt := all[len(got)].(int); isInt != e.IsInt {
				t.Errorf("%s: element %d is taken for the other kind", name, len(got))
			}
			got = append(got, string(e.AppendTo(nil)))
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %.80q, %v", name, got, err)
		}
	}
}

func TestZipmap(t *testing.T) {
	texts := []string{"", "", "f", strings.Repeat("v", 253), strings.Repeat("g", 254), strings.Repeat("w", 70000)}
	for range 300 {
		texts = append(texts, fmt.Sprint("f", len(texts)), "v")
	}
	for n := 0; n <= len(texts); n += 2 {
		var got []string
		err := walkZipmap(zipmapOf(texts[:n]...), func(field, value []byte) error {
			got = append(got, string(field), string(value))
			return nil
		})
		if err != nil || !slices.Equal(got, texts[:n]) {
			t.Fatalf("%d pairs: %.80q, %v", n/2, got, err)
		}
	}
}

func TestManyElements(t *testing.T) {
	for _, n := range []int{0, 1, uncounted - 1, uncounted, uncounted + 1} {
		all := make([]any, n)
		for i := range all {
			all[i] = i % 5
		}
		if got, err := ValidateListpack(listpackOf(all...)); err != nil || got != n {
			t.Errorf("a listpack of %d: %d, %v", n, got, err)
		}
		count := 0
		err := walkZiplist(ziplistOf(all...), func(Element) error {
			count++
			return nil
		})
		if err != nil || count != n {
			t.Errorf("a ziplist of %d: %d, %v", n, count, err)
		}
	}
}

// TestUnsound damages each kind where the walk has to notice.
func TestUnsound(t *testing.T) {
	damage := func(b []byte, at int, to ...byte) []byte {
		b = slices.Clone(b)
		if at < 0 {
			at += len(b)
		}
		copy(b[at:], to)
		return b
	}
	lp, zl, zm := listpackOf("ab", 5000, "c", "d"), ziplistOf("ab", 5000, "c", "d"), zipmapOf("a", "b", "c", "d")
	tests := map[Type]map[string][]byte{
		TypeHashListpack: {
			"nothing": {}, "one byte": {0xff}, "header alone": lp[:6], "no end": damage(lp, -1, 0),
			"size": damage(lp, 0, 99), "size over": damage(lp, 3, 0x80), "count": damage(lp, 4, 3), "early end": damage(lp, 6, 0xff),
			"unused head": damage(lp, 6, 0xf5), "text past the end": damage(lp, 6, 0xbf), "back length": damage(lp, 9, 4),
			"int past the end": damage(lp, -4, 0xf4), "long text": damage(lp, 6, 0xf0, 0xff, 0xff, 0xff, 0xff),
			"half a head": {8, 0, 0, 0, 1, 0, 0xe1, 0xff}, "half of 13 bits": {8, 0, 0, 0, 1, 0, 0xc1, 0xff},
			"no back length": {8, 0, 0, 0, 1, 0, 0x01, 0xff}, "long text's head cut": {8, 0, 0, 0, 1, 0, 0xf0, 0xff},
			"odd": listpackOf("a", "b", "c"),
		},
		TypeHashZiplist: {
			"nothing": {}, "one byte": {0xff}, "header alone": zl[:10], "no end": damage(zl, -1, 0), "size": damage(zl, 0, 99),
			"tail": damage(zl, 4, 11), "count": damage(zl, 8, 3), "early end": damage(zl, 10, 0xff), "before the first": damage(zl, 10, 1),
			"head": damage(zl, 11, 0xff), "text past the end": damage(zl, 11, 0x3f), "wide length cut": damage(zl, -4, 0xfe),
			"int past the end": damage(zl, -3, 0xe0), "long text": damage(zl, 11, 0x80, 0xff, 0xff, 0xff, 0xff),
			"odd": ziplistOf("a", "b", "c"), "half a head": damage(zl, -3, 0x40), "no head": damage(damage(zl, 23, 3), 27, 9),
		},
		TypeHashZipmap: {
			"nothing": {}, "one byte": {0xff}, "no end": damage(zm, -1, 0), "count": damage(zm, 0, 3), "count 255": damage(zm, 0, 255),
			"field past the end": damage(zm, 1, 99), "value past the end": damage(zm, 3, 99), "unused past the end": damage(zm, 4, 99),
			"wide length": damage(zm, 1, 0xfe, 0xff, 0xff, 0xff, 0xff), "early end": damage(zm, 1, 0xff),
		},
	}
	for kind, cases := range tests {
		for name, b := range cases {
			err := compactHash(kind, b, func(_, _ []byte) error { return nil })
			if !errors.Is(err, ErrFormat) {
				t.Errorf("%v: %s: %v", kind, name, err)
			}
		}
	}
}

func TestPairCheck(t *testing.T) {
	tests := []struct {
		name string
		lp   []byte
		ok   bool
	}{
		{"pairs", listpackOf("a", "a", 1, "a", "b", 1), true},
		{"none", listpackOf(), false},
		{"odd", listpackOf("a", "b", "c"), false},
		{"twice", listpackOf("a", "1", "b", "2", "a", "3"), false},
		{"twice in two forms", listpackOf(17, "1", "b", "2", "17", "3"), false},
		{"value as field", listpackOf("a", "b", "b", "a"), true},
	}
	c := pairCheck{seed: maphash.MakeSeed()}
	for _, test := range tests {
		if err := c.check(test.lp); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestPackedText expands items of every kind, overlapping copies among them.
func TestPackedText(t *testing.T) {
	tests := []struct {
		packed, want string
		ok           bool
	}{
		{"", "", true},
		{"\x00a", "a", true},
		{"\x00a\x20\x00", "aaaa", true},
		{"\x01ab\xe0\x00\x01", "abababababa", true},
		{"\x02abc\x20\x02\x00d", "abcabcd", true},
		{"\x00a\xe0\xff\x00", strings.Repeat("a", 265), true},
		{"\x01a", "", false},
		{"\x00a\x20", "", false},
		{"\x00a\xe0", "", false},
		{"\x00a\xe0\x00", "", false},
		{"\x00a\x20\x01", "", false},
		{"\x20\x00", "", false},
		{"\x1f", "", false},
	}
	for _, test := range tests {
		size, ok := lzfSize([]byte(test.packed))
		if ok != test.ok || ok && size != len(test.want) {
			t.Errorf("%q: %d bytes, %v", test.packed, size, ok)
		}
		if !ok {
			continue
		}
		if got := string(lzfExpand([]byte("head"), []byte(test.packed))); got != "head"+test.want {
			t.Errorf("%q expands to %q", test.packed, got)
		}
	}
}

func BenchmarkPairCheck(b *testing.B) {
	var all []any
	for n := range 128 {
		all = append(all, fmt.Sprint("field:", n), fmt.Sprint("value:", n*n))
	}
	lp, c := listpackOf(all...), pairCheck{seed: maphash.MakeSeed()}
	b.SetBytes(int64(len(lp)))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.check(lp); err != nil {
			b.Fatal(err)
		}
	}
}
