package fsm

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// FuzzItem decodes bytes as items. None panics, and those that are items are the same command when
// they are written anew.
func FuzzItem(f *testing.F) {
	f.Add(AppendItem(nil, 0, [][]byte{[]byte("GET"), []byte("key")}))
	f.Add(AppendItem(nil, 70000, [][]byte{[]byte("SET"), {}, bytes.Repeat([]byte("x"), 300)}))
	f.Add([]byte{0, 0})
	f.Add([]byte{0, 1, 0x80})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 0})
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, item []byte) {
		args, db, err := decodeItem(item, nil)
		if err != nil {
			return
		}
		if len(args) == 0 || db < 0 {
			t.Fatalf("%d arguments, database %d", len(args), db)
		}
		again := AppendItem(nil, db, args)
		if len(again) > ItemSize(args) {
			t.Errorf("the item has %d bytes, more than %d", len(again), ItemSize(args))
		}
		if len(again) > len(item) {
			t.Errorf("%d bytes became %d", len(item), len(again))
		}
		same, number, err := decodeItem(again, nil)
		if err != nil || number != db || len(same) != len(args) {
			t.Fatalf("%d arguments in database %d became %d in %d: %v", len(args), db, len(same), number, err)
		}
		for i := range args {
			if !bytes.Equal(args[i], same[i]) {
				t.Fatalf("%q became %q", args[i], same[i])
			}
		}
	})
}

// FuzzRestore restores damaged snapshots. That goes wrong without a panic and leaves the machine
// as it was, or it goes well and the machine is in order.
func FuzzRestore(f *testing.F) {
	l := newLog(f)
	l.ask("SET", "int", "12")
	l.ask("SET", "text", "some text")
	l.ask("APPEND", "raw", "3")
	l.ask("APPEND", "raw", "4")
	l.ask("SET", "due", "1", "EX", "100")
	l.ask("HSET", "h", "f", "v", "n", "7")
	long := append([]string{"HSET", "large"}, "f", string(bytes.Repeat([]byte("v"), 100)))
	l.ask(append(long, "g", "1")...)
	l.ask("HSETEX", "timed", "EX", "100", "FIELDS", "2", "f", "v", "g", "w")
	l.ask("HSETEX", "large timed", "EX", "100", "FIELDS", "2", "f", string(bytes.Repeat([]byte("v"), 100)), "g", "w")
	l.ask("RPUSH", "list", "1", "two")
	l.ask("LPUSH", "long list", "1", string(bytes.Repeat([]byte("x"), 9000)))
	l.ask("SADD", "intset", "1", "70000")
	l.ask("SADD", "set", "1", "two")
	l.ask("ZADD", "z", "1", "a", "-1.5", "b", "inf", "12")
	l.ask("ZADD", "large z", "1", "a", "2", string(bytes.Repeat([]byte("x"), 100)))
	l.ask("XADD", "s", "1-1", "f", "v")
	l.ask("XADD", "s", "1-2", "g", "v")
	l.ask("XGROUP", "CREATE", "s", "group", "0")
	l.ask("XREADGROUP", "GROUP", "group", "consumer", "STREAMS", "s", ">")
	l.apply(nil, SetNode("id", "host:1"), TakeDigest())
	f.Add(l.image())
	f.Add(newLog(f).image())
	f.Add([]byte("REDIS0010\xff\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("REDIS0010\xfe\x00\x00\x01k\x01v\xff\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, image []byte) {
		const databases = auxParameter + ParamDatabases
		if bytes.Count(image, []byte(databases)) != bytes.Count(image, []byte(databases+"\x0216\xfa")) {
			return // very many databases take very much memory
		}
		restoreMutant(t, image)
		restoreMutant(t, withChecksum(image))
	})
}

// withChecksum is a file with the checksum in the place of its last eight bytes.
func withChecksum(image []byte) []byte {
	const trailer = 8
	if len(image) < trailer {
		return image
	}
	body := image[: len(image)-trailer : len(image)-trailer]
	return append(body, make([]byte, trailer)...) // 0: the writer was told not to make one
}

func restoreMutant(t *testing.T, image []byte) {
	m := &testLog{t: t, m: New(), stamp: 1_700_000_000_000}
	m.ask("SET", "before", "value")
	m.ask("HSET", "hash", "f", "v")
	want := m.image()
	if err := m.m.Restore(bytes.NewReader(image)); err != nil {
		if !bytes.Equal(m.image(), want) {
			t.Fatalf("a restore that went wrong (%v) has changed the machine", err)
		}
		return
	}
	m.check()
	digest := m.m.DebugDigest()
	m.restart()
	if got := m.m.DebugDigest(); got != digest {
		t.Fatalf("digest %s, %s after another restore", digest, got)
	}
	m.index = m.m.state.index
	if m.index < 1<<63 {
		m.apply(nil)
		m.check()
	}
}

// FuzzHandlers runs commands, well formed or not, on a machine: writes and reads, the latter also in
// an entry, for the sake of transactions. None panics, each gives one answer, and the machine is in
// order at the end and the same as one that was restored in between.
func FuzzHandlers(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed, []byte("\x00\xff key"))
	}
	f.Fuzz(func(t *testing.T, seed uint64, word []byte) {
		rnd := rand.New(rand.NewPCG(seed, 10))
		d := &differential{T: t, log: newLog(t), commands: rnd}
		restored := newLog(t)
		specs := growStreams(dataCommands(d.log.m.table), 1)
		for range 300 {
			words := d.command(specs)
			if len(words) > 1 && rnd.IntN(10) == 0 {
				words[1+rnd.IntN(len(words)-1)] = string(word)
			}
			spec := d.accepted(words)
			if spec == nil {
				continue
			}
			d.log.stamp += int64(rnd.IntN(100_000))
			restored.stamp = d.log.stamp
			args := make([][]byte, len(words))
			for i, w := range words {
				args[i] = []byte(w)
			}
			if spec.IsLogged() || rnd.IntN(4) == 0 {
				item := AppendItem(nil, rnd.IntN(3), args)
				if a, b := replies(d.log, [][]byte{item}), replies(restored, [][]byte{item}); a != b && !ownAffair(spec) {
					t.Fatalf("%.200q: %s, restored %s", words, a, b)
				}
				continue
			}
			readBoth(t, d.log, restored, spec, args)
			if rnd.IntN(30) == 0 {
				restored.restart()
			}
		}
		compare(t, d.log, restored)
		d.log.check()
	})
}

// ownAffair reports whether what a command answers is a node's own affair.
func ownAffair(spec *command.Spec) bool {
	return spec.FullName() == "object|idletime" || spec.FullName() == "object|freq"
}

// readBoth runs a reading command on two machines, in both protocols.
func readBoth(t *testing.T, a, b *testLog, spec *command.Spec, args [][]byte) {
	t.Helper()
	for _, proto3 := range []bool{false, true} {
		var answers [2]string
		for i, l := range []*testLog{a, b} {
			out := reply.Recorder{Protocol3: proto3}
			l.m.Read(0, 7, []Call{{Spec: spec, DB: 1, Args: args, Out: &out}})
			if !out.Complete() || out.String() == "" {
				t.Fatalf("%.200q: the answer is not complete: %s", args, out.String())
			}
			answers[i] = out.String()
		}
		if answers[0] != answers[1] && !ownAffair(spec) {
			t.Fatalf("%.200q: %s, restored %s", args, answers[0], answers[1])
		}
	}
}
