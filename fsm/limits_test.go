package fsm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/redraftdb/redraft/fsm/arena"
)

// TestStringsOfEverySize keeps a map beside the machine while strings grow, shrink, move and change
// names, most of them around the sizes at which keys and values are kept in another way. A view is
// held half of the time.
func TestStringsOfEverySize(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := &stringModel{testLog: newLog(t), rnd: rand.New(rand.NewPCG(seed, 6))}
	for _, n := range []int{0, 1, 7, 255, 4095, maxKeyHere, maxKeyHere + 1, 5000, 65534, 65535, 65536, 70000} {
		m.keys = append(m.keys, string(randomBytes(m.rnd, n)))
	}
	for db := range m.want {
		m.want[db] = map[string]string{}
	}
	for round := range 12 {
		var want []byte
		var write func() []byte
		if round%2 == 0 {
			want = m.image()
			write = m.view()
		}
		for range 250 {
			m.step()
		}
		if write != nil && !bytes.Equal(write(), want) {
			t.Fatal("a view has changed")
		}
		m.compare()
		if round%3 == 2 {
			digest := m.m.DebugDigest()
			m.restart()
			if got := m.m.DebugDigest(); got != digest {
				t.Fatalf("digest %s, %s after a restore", digest, got)
			}
			m.compare()
		}
	}
}

// view takes a view, and returns what writes and releases it.
func (l *testLog) view() func() []byte {
	l.t.Helper()
	write, release, err := l.m.Snapshot()
	if err != nil {
		l.t.Fatal(err)
	}
	return func() []byte {
		l.t.Helper()
		defer release()
		var b bytes.Buffer
		if err := write(&b); err != nil {
			l.t.Fatal(err)
		}
		return b.Bytes()
	}
}

// stringModel is a machine that holds strings, and maps that hold the same.
type stringModel struct {
	*testLog
	rnd  *rand.Rand
	keys []string
	want [2]map[string]string
}

// text makes up a value for a key, as a rule of a length at which something changes.
func (m *stringModel) text(key string) string {
	edges := []int{0, 1, 8, 19, 20, embstrMax, 63, 64, 255, 1024, 4096, arena.MaxCell, arena.MaxCell - cellHeader - len(key),
		arena.MaxCell - cellHeader - 8 - len(key), 16383, 16384, 65536, 100_000}
	switch m.rnd.IntN(6) {
	case 0:
		return strconv.FormatInt(int64(m.rnd.Uint64())>>m.rnd.IntN(64), 10)
	case 1:
		return string(randomBytes(m.rnd, m.rnd.IntN(100)))
	}
	return string(randomBytes(m.rnd, max(0, edges[m.rnd.IntN(len(edges))]+m.rnd.IntN(5)-2)))
}

func (m *stringModel) step() {
	m.db = m.rnd.IntN(2)
	want := m.want[m.db]
	key, other := m.keys[m.rnd.IntN(len(m.keys))], m.keys[m.rnd.IntN(len(m.keys))]
	old, found := want[key]
	switch m.rnd.IntN(12) {
	case 0, 1:
		v := m.text(key)
		m.ask("SET", key, v, []string{"GET", "KEEPTTL"}[m.rnd.IntN(2)])
		want[key] = v
	case 2:
		v := m.text(key)
		m.ask("APPEND", key, v)
		want[key] = old + v
	case 3:
		v, at := m.text(key), m.rnd.IntN(len(old)+50)
		m.ask("SETRANGE", key, strconv.Itoa(at), v)
		if v != "" {
			b := append([]byte(old), make([]byte, max(0, at+len(v)-len(old)))...)
			copy(b[at:], v)
			want[key] = string(b)
		}
	case 4:
		m.ask("DEL", key)
		delete(want, key)
	case 5:
		m.ask("EXPIRE", key, strconv.Itoa(1000+m.rnd.IntN(1000)))
	case 6:
		m.ask("PERSIST", key)
	case 7:
		if m.ask("RENAME", key, other); found && key != other {
			delete(want, key)
			want[other] = old
		}
	case 8:
		db := m.rnd.IntN(2)
		if m.ask("COPY", key, other, "DB", strconv.Itoa(db), "REPLACE"); found && (db != m.db || key != other) {
			m.want[db][other] = old
		}
	case 9:
		if m.ask("MOVE", key, strconv.Itoa(1-m.db)) == ":1\n" {
			delete(want, key)
			m.want[1-m.db][key] = old
		}
	case 10:
		n, err := strconv.ParseInt(old, 10, 32)
		if canonical := err == nil && strconv.FormatInt(n, 10) == old; canonical || !found { // "07" is no integer
			m.ask("INCRBY", key, "7")
			want[key] = strconv.FormatInt(n+7, 10)
		}
	case 11:
		m.ask("SWAPDB", "0", "1")
		m.want[0], m.want[1] = m.want[1], m.want[0]
	}
}

func (m *stringModel) compare() {
	m.t.Helper()
	for m.db = range m.want {
		for _, key := range m.keys {
			want := "_\n"
			v, found := m.want[m.db][key]
			if found {
				want = strconv.Quote(v) + "\n"
			}
			if got := m.ask("GET", key); got != want {
				m.t.Fatalf("database %d, key of %d bytes: %d bytes as text, not %d", m.db, len(key), len(got), len(want))
			}
		}
		if got, want := m.ask("DBSIZE"), fmt.Sprintf(":%d\n", len(m.want[m.db])); got != want {
			m.t.Fatalf("database %d: %s keys, not %s", m.db, got, want)
		}
	}
	m.check()
}

// TestHashesOfEverySize does the same with fields and values around every size, in hashes with and
// without room for another field, under names that fit into a cell and one that does not.
func TestHashesOfEverySize(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 7))
	l := newLog(t)
	keys := []string{"h", "small", string(randomBytes(rnd, maxKeyHere)), string(randomBytes(rnd, maxKeyHere+1))}
	want := map[string]map[string]string{}
	sizes := []int{0, 1, 20, 63, 64, 65, 126, 127, 128, 4094, 4096, 8186, 8187, 8188, 8192, 16383, 16384, 20000}
	size := func(key string) int {
		n := sizes[rnd.IntN(len(sizes))]
		if key == "small" {
			return n % 65
		}
		return n
	}
	for round := range 10 {
		image, write := l.image(), l.view()
		for range 200 {
			key := keys[rnd.IntN(len(keys))]
			if want[key] == nil {
				want[key] = map[string]string{}
			}
			field := string(bytes.Repeat([]byte{byte('a' + rnd.IntN(4))}, size(key)))
			switch rnd.IntN(8) {
			case 0, 1:
				l.ask("HDEL", key, field)
				delete(want[key], field)
			case 2:
				l.ask("EXPIRE", key, "1000")
			case 3:
				other := keys[rnd.IntN(len(keys))]
				if l.ask("RENAME", key, other) == "+OK\n" && key != other {
					want[other] = want[key]
					delete(want, key)
				}
			default:
				v := string(randomBytes(rnd, size(key)))
				l.ask("HSET", key, field, v)
				want[key][field] = v
			}
		}
		if round%2 == 1 && !bytes.Equal(write(), image) {
			t.Fatal("a view has changed")
		} else if round%2 == 0 {
			write()
		}
		if round%3 == 0 {
			l.restart()
		}
		compareHashes(t, l, keys, want)
	}
}

func compareHashes(t *testing.T, l *testLog, keys []string, want map[string]map[string]string) {
	t.Helper()
	for _, key := range keys {
		var pairs []string
		for f, v := range want[key] {
			pairs = append(pairs, fmt.Sprintf("  %q\n  %q", f, v))
		}
		slices.Sort(pairs)
		if got := elements(l.ask("HGETALL", key), 2); !slices.Equal(got, pairs) && len(pairs)+len(got) > 0 {
			t.Fatalf("hash of %d bytes' name: %d fields, not %d", len(key), len(got), len(pairs))
		}
	}
	l.check()
}
