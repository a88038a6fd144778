package cluster

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

var testHead = entryHead{origin: 0x0102030405060708, incarnation: 0x1112131415161718, sequence: 3,
	stamp: 1700000000123, seed: 0xffeeddccbbaa9988}

// The bytes of an entry outlive the program that wrote them.
const goldenEntry = "01" + "00" +
	"0807060504030201" + "1817161514131211" + "0300000000000000" +
	"7b68e5cf8b010000" + "8899aabbccddeeff" +
	"03" + "01" + "61" + "00" + "03" + "000102" + "7df603e7"

func TestEntryGolden(t *testing.T) {
	got := hex.EncodeToString(appendEntry(nil, testHead, [][]byte{[]byte("a"), {}, {0, 1, 2}}))
	if got != goldenEntry {
		t.Fatalf("got  %s\nwant %s", got, goldenEntry)
	}
}

func TestEntryRoundTrip(t *testing.T) {
	for _, items := range [][][]byte{
		nil,
		{{}},
		{bytes.Repeat([]byte("x"), 127), bytes.Repeat([]byte("y"), 128), bytes.Repeat([]byte("z"), 1<<15)},
	} {
		data := appendEntry([]byte("before"), testHead, items)[len("before"):]
		if len(data) != entrySize(items) {
			t.Errorf("%d items: %d bytes, entrySize says %d", len(items), len(data), entrySize(items))
		}
		head, got, err := decodeEntry(data, nil)
		if err != nil || head != testHead || len(got) != len(items) {
			t.Fatalf("%d items: %+v, %d items, %v", len(items), head, len(got), err)
		}
		for i := range items {
			if !bytes.Equal(got[i], items[i]) {
				t.Errorf("item %d differs", i)
			}
		}
	}
}

func TestEntryDamage(t *testing.T) {
	data := appendEntry(nil, testHead, [][]byte{[]byte("one"), []byte("two")})
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			if _, _, err := decodeEntry(data, nil); err == nil {
				t.Errorf("bit %d of byte %d changed, and nobody noticed", bit, i)
			}
			data[i] ^= 1 << bit
		}
		if _, _, err := decodeEntry(data[:i], nil); err == nil {
			t.Errorf("cut to %d bytes, and nobody noticed", i)
		}
	}
}

// seal puts a right checksum behind bytes that are otherwise whatever they are.
func seal(body []byte) []byte {
	sum := entryChecksum(body)
	return append(bytes.Clone(body), byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
}

func TestEntryRefusals(t *testing.T) {
	good := appendEntry(nil, testHead, nil)
	body := good[:len(good)-entrySumSize]
	changed := func(at int, to byte) []byte {
		b := bytes.Clone(body)
		b[at] = to
		return seal(b)
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"version":   {changed(0, 2), errEntryVersion},
		"flags":     {changed(1, 1), errEntryFlags},
		"no items":  {changed(entryHeadSize, 1), errEntryShort},
		"many":      {seal(append(bytes.Clone(body[:entryHeadSize]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0)), errEntryShort},
		"long item": {seal(append(bytes.Clone(body[:entryHeadSize]), 1, 0xff, 0x7f)), errEntryShort},
		"left over": {seal(append(bytes.Clone(body), 0)), errEntryLong},
		"empty":     {nil, errEntryShort},
	} {
		if _, _, err := decodeEntry(c.data, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestEntryAllocations(t *testing.T) {
	items := make([][]byte, 100)
	for i := range items {
		items[i] = []byte("a value of no great length")
	}
	room := make([]byte, 0, entrySize(items))
	var data []byte
	if n := testing.AllocsPerRun(100, func() { data = appendEntry(room, testHead, items) }); n != 0 {
		t.Errorf("encoding allocates %v times", n)
	}
	views := make([][]byte, 0, len(items))
	if n := testing.AllocsPerRun(100, func() { _, _, _ = decodeEntry(data, views) }); n != 0 {
		t.Errorf("decoding allocates %v times", n)
	}
}

func FuzzEntry(f *testing.F) {
	raw, err := hex.DecodeString(goldenEntry)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw[:len(raw)-entrySumSize])
	f.Fuzz(func(t *testing.T, body []byte) {
		data := seal(body)
		head, items, err := decodeEntry(data, nil)
		if err != nil {
			return
		}
		if again := appendEntry(nil, head, items); len(again) > len(data) {
			t.Errorf("%x decodes to what encodes to the longer %x", data, again)
		}
	})
}
