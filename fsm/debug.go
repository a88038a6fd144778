package fsm

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/redraftdb/redraft/fsm/reply"
)

// What DEBUG tells of a machine, and does to it.

// DebugDigest is the digest of the data as they are now, by the algorithm of DEBUG DIGEST, in
// hexadecimal.
func (m *Machine) DebugDigest() string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s := m.state.sum()
	return hex.EncodeToString(s[:])
}

// DebugDigestValue is the digest of the value of a key, zeros if there is none, as DEBUG DIGEST-VALUE makes it.
func (m *Machine) DebugDigestValue(db int, key []byte) string {
	var s sum
	m.look(db, key, func(r *run, e entry) { s = r.db.sumOfValue(e.cell) })
	return hex.EncodeToString(s[:])
}

// DebugObject tells how the value of a key is kept; found is false if there is no such key. The place is where
// the key's cell lies in this node's memory, in granules of the arena.
// lru is as Redis writes it, seconds since the epoch in 24 bits, or minutes in 16 bits and the count of accesses.
func (m *Machine) DebugObject(db int, key []byte, elapsed int64) (text string, found bool) {
	found = m.look(db, key, func(r *run, e entry) {
		const tail = 2 + 8 // of a payload, which Redis does not count
		size := len(r.db.appendPayload(nil, e.cell)) - tail - 1
		now := r.now + elapsed
		idle := e.idleTime(now)
		lru := uint64(now-idle) / 1000 & (1<<24 - 1)
		if word := e.access(); word&frequencyForm != 0 {
			lru = uint64(word & (1<<24 - 1))
		}
		text = fmt.Sprintf("Value at:0x%x refcount:1 encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d",
			uint32(e.ref), e.kind().encoding(), size, lru, idle/1000)
	})
	return text, found
}

// look calls visit with a key under the read lock, if it is there: one that is due as well, and nobody counts it.
func (m *Machine) look(db int, key []byte, visit func(r *run, e entry)) (found bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r := run{state: m.state, db: m.state.databases[db], now: m.state.clock}
	e, found := r.db.find(key)
	if found {
		visit(&r, e)
	}
	return found
}

// ErrReloadTwice says that what was to be read is there already.
var ErrReloadTwice = errors.New("the snapshot has keys or libraries that are there already")

// Reload writes the state as a snapshot, to memory, and reads it again in place of the one that was. Nothing is
// different afterwards, or a restart would not be safe either. Everybody waits for that. With beside it is read
// beside the one that was, which is ErrReloadTwice unless there is nothing to read.
func (m *Machine) Reload(beside bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if beside && m.state.holds() {
		return ErrReloadTwice
	}
	if m.frozen != nil {
		return ErrSnapshotRunning
	}
	v := m.state.freeze()
	var image bytes.Buffer
	err := v.write(&image)
	for _, db := range v.databases {
		for db.live.thaw(thawAtOnce) {
		}
	}
	if err != nil {
		return err
	}
	st, err := readState(&image)
	if err != nil {
		return err
	}
	st.parameters.version = m.state.parameters.version + 1
	m.state = st
	m.publish()
	return nil
}

// holds reports whether there is a key or a library.
func (st *state) holds() bool {
	for _, db := range st.databases {
		if db.keys > 0 {
			return true
		}
	}
	return len(st.functions.libraries) > 0
}

// DebugProtocol answers with a value of a kind, as DEBUG PROTOCOL does. An attribute or a message that is pushed
// takes a connection, and is nothing for it.
func DebugProtocol(kind string, out reply.Sink) {
	switch kind {
	case "string":
		out.Text("Hello World")
	case "integer":
		out.Int(12345)
	case "double":
		out.Double(3.141)
	case "bignum":
		out.BigNumber("1234567999999999999999999999999999999")
	case "null":
		out.Null()
	case "array":
		out.Array(3)
		writeCount(out, 3)
	case "set":
		out.Set(3)
		writeCount(out, 3)
	case "map":
		out.Map(3)
		for i := range 3 {
			out.Int(int64(i))
			out.Bool(i == 1)
		}
	case "verbatim":
		out.Verbatim("txt", "This is a verbatim\nstring")
	case "true", "false":
		out.Bool(kind == "true")
	case "push":
		out.Error("ERR RESP2 is not supported by this command")
	default:
		out.Error("ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false")
	}
}

func writeCount(out reply.Sink, n int) {
	for i := range n {
		out.Int(int64(i))
	}
}
