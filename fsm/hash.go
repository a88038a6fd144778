package fsm

import (
	"github.com/redraftdb/redraft/fsm/value"
	"github.com/redraftdb/redraft/snapshot"
)

func hashType() dataType {
	return dataType{name: "hash", write: writeHash, read: (*state).readHash, digest: digestHash}
}

// hashOf is the hash that a stored value is.
func (db *database) hashOf(s stored) value.Hash {
	switch s.kind {
	case kindHash:
		return value.LargeHash(&db.mem, s.large.(*value.Dict))
	case kindTimed:
		return value.TimedHash(&db.mem, s.large.(*value.Timed))
	case kindHashEx:
		return value.TimedPack(&db.mem, value.Listpack(s.bytes))
	}
	return value.SmallHash(&db.mem, value.Listpack(s.bytes))
}

// putHash makes a hash that was changed, or made, the value of key.
func (db *database) putHash(key []byte, h value.Hash, deadline int64) {
	if !h.Timed() {
		db.putAggregate(key, &h, kindHashPack, kindHash, deadline)
		return
	}
	db.putAggregate(key, &h, kindHashEx, kindTimed, deadline)
	if h.Large() == nil {
		return
	}
	if e, found := db.find(key); found {
		db.scheduleFields(e) // it may have changed where it is
	}
}

// hash is the hash under a key, for reading or writing as the run does; in writes a new one where
// there is no key. Fields that are due are absent. If the key has another type the command has been answered, and
// ok is false.
func (r *run) hash(key []byte) (h value.Hash, e entry, ok bool) {
	e, found, ok := r.typed(key, typeHash)
	switch {
	case !ok:
	case found:
		h = r.db.hashOf(r.load(e))
		h.At(r.now)
	default:
		e.cell = nil
		if r.writing {
			h = value.NewHash(&r.db.mem)
		}
	}
	return h, e, ok
}

// hashLimits are the limits up to which a hash is a listpack.
func (p *parameters) hashLimits() value.HashLimits {
	return value.HashLimits{Entries: p.hashEntries, Value: p.hashValue}
}

// readHash reads a hash of a snapshot.
func (st *state) readHash(rd *snapshot.Reader, db *database, e snapshot.Entry, deadline int64) error {
	h, err := value.DecodeHash(rd, e.Type, &db.mem, st.parameters.hashLimits())
	if err == nil {
		if st.format == 0 {
			h.Fit(st.parameters.hashLimits())
		}
		db.putHash(e.Key, h, deadline)
	}
	return err
}

func writeHash(out *snapshot.Writer, key []byte, s stored, cells value.Cells) {
	switch s.kind {
	case kindHashPack:
		out.Key(snapshot.TypeHashListpack, key)
		out.String(s.bytes)
	case kindHashEx:
		out.Key(snapshot.TypeHashListpack, key)
		out.String(value.PackPairs(s.bytes))
	case kindTimed:
		out.Key(snapshot.TypeHash, key)
		s.large.(*value.Timed).Dict().Encode(out, cells)
	default:
		out.Key(snapshot.TypeHash, key)
		s.large.(*value.Dict).Encode(out, cells)
	}
}

func digestHash(db *database, s stored, into *sum) {
	h := db.hashOf(s)
	h.Each(func(field, val value.Value) bool {
		var pair sum
		pair.mix(field.Bytes(nil))
		pair.mix(val.Bytes(nil))
		if at, _ := h.Deadline(field.Bytes(nil)); at != 0 {
			pair.join([]byte("!!hexpire!!"))
		}
		into.join(pair[:])
		return true
	})
}
