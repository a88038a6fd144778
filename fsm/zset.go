package fsm

import (
	"github.com/redraftdb/redraft/fsm/value"
	"github.com/redraftdb/redraft/snapshot"
)

func zsetType() dataType {
	return dataType{name: "zset", write: writeZSet, read: (*state).readZSet, digest: digestZSet, row: zsetRow}
}

// zsetOf is the sorted set that a stored value is.
func (db *database) zsetOf(s stored) value.ZSet {
	if s.large != nil {
		return value.LargeZSet(&db.mem, s.large.(*value.Ranked))
	}
	return value.SmallZSet(&db.mem, value.Listpack(s.bytes))
}

// putZSet makes a sorted set that was changed, or made, the value of key.
func (db *database) putZSet(key []byte, z value.ZSet, deadline int64) {
	db.putAggregate(key, &z, kindZSetPack, kindZSet, deadline)
}

// zset is the sorted set under a key, for reading or writing as the run does; in writes a new one where
// there is no key. If the key has another type the command has been answered, and ok is false.
func (r *run) zset(key []byte) (z value.ZSet, e entry, ok bool) {
	return r.zsetAt(r.typed(key, typeZSet))
}

// sourceZSet is zset for a key that the command only reads.
func (r *run) sourceZSet(key []byte) (z value.ZSet, e entry, ok bool) {
	return r.zsetAt(r.source(key, typeZSet))
}

func (r *run) zsetAt(e entry, found, ok bool) (value.ZSet, entry, bool) {
	var z value.ZSet
	switch {
	case !ok:
	case found:
		z = r.db.zsetOf(r.load(e))
	default:
		e.cell = nil
		if r.writing {
			z = value.NewZSet(&r.db.mem)
		}
	}
	return z, e, ok
}

// newZSet is an empty sorted set for so many members, the longest of so many bytes. It is large at once if
// that exceeds the limits, which shows: a listpack does not tell -0 from 0.
func (r *run) newZSet(members, longest int) value.ZSet {
	limits := r.state.parameters.zsetLimits()
	if members > limits.Entries || longest > limits.Value {
		return value.LargeZSet(&r.db.mem, value.NewRanked(&r.db.mem))
	}
	return value.NewZSet(&r.db.mem)
}

// zsetGone publishes that a key is gone if a change has left its sorted set without members.
func (r *run) zsetGone(key []byte, z *value.ZSet) {
	if z.Len() == 0 {
		r.event(EventGeneric, "del", key)
	}
}

// zsetLimits are the limits up to which a sorted set is a listpack.
func (p *parameters) zsetLimits() value.ZSetLimits {
	return value.ZSetLimits{Entries: p.zsetEntries, Value: p.zsetValue}
}

// readZSet reads a sorted set of a snapshot.
func (st *state) readZSet(rd *snapshot.Reader, db *database, e snapshot.Entry, deadline int64) error {
	z, err := value.DecodeZSet(rd, e.Type, &db.mem, st.parameters.zsetLimits())
	if err == nil {
		db.putZSet(e.Key, z, deadline)
	}
	return err
}

func writeZSet(out *snapshot.Writer, key []byte, s stored, cells value.Cells) {
	if s.large == nil {
		out.Key(snapshot.TypeZSetListpack, key)
		out.String(s.bytes)
		return
	}
	out.Key(snapshot.TypeZSet2, key)
	s.large.(*value.Ranked).Encode(out, cells)
}

func digestZSet(db *database, s stored, into *sum) {
	z := db.zsetOf(s)
	z.Each(func(member value.Value, score float64) bool {
		var pair sum
		pair.mix(member.Bytes(nil))
		pair.mix(value.AppendFloat(nil, score))
		into.join(pair[:])
		return true
	})
}
