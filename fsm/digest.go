package fsm

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
)

// sum is a digest as Redis' DEBUG DIGEST makes it: SHA-1 values of parts, joined by exclusive or
// where order does not count and by hashing again where it does.
type sum [sha1.Size]byte

// join takes data in without regard to order.
func (s *sum) join(data []byte) {
	h := sha1.Sum(data)
	for i := range s {
		s[i] ^= h[i]
	}
}

// mix takes data in, after what was taken in before.
func (s *sum) mix(data []byte) {
	s.join(data)
	*s = sha1.Sum(s[:])
}

// digest is the answer of a RAFT DIGEST: what the data came to at an index.
type digest struct {
	index uint64
	hex   string
}

func digestCommand(r *run) {
	s := r.state.sum()
	for _, source := range r.state.functions.sources() {
		s.mix([]byte(source))
	}
	r.state.digest = digest{r.state.index, hex.EncodeToString(s[:])}
	r.out.Array(2)
	r.out.Int(int64(r.state.digest.index))
	r.out.Text(r.state.digest.hex)
}

// Digest is what the last RAFT DIGEST noted: the entry's index, 0 if there was none, and the digest.
func (m *Machine) Digest() (index uint64, hex string) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.digest.index, m.state.digest.hex
}

func (st *state) sum() sum {
	var all sum
	for i, db := range st.databases {
		if db.keys == 0 {
			continue
		}
		all.mix(binary.BigEndian.AppendUint32(nil, uint32(i)))
		db.each(func(c cell) {
			one := db.sumOf(c)
			all.join(one[:])
		})
	}
	return all
}

// sumOf is the digest of one key.
func (db *database) sumOf(c cell) sum {
	var s sum
	s.mix(db.keyOf(c))
	db.mixValue(&s, c)
	return s
}

// sumOfValue is the digest of a value, whatever its key.
func (db *database) sumOfValue(c cell) sum {
	var s sum
	db.mixValue(&s, c)
	return s
}

// mixValue takes a value in, and whether it falls due.
func (db *database) mixValue(s *sum, c cell) {
	s.mix(binary.BigEndian.AppendUint32(nil, uint32(c.typ())))
	typeOf(c.typ()).digest(db, loadValue(c, &db.objects), s)
	if c.deadline() != 0 {
		s.join([]byte("!!expire!!"))
	}
}
