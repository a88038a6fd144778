package fsm

import (
	"bytes"
	"strconv"

	"github.com/redraftdb/redraft/fsm/value"
	"github.com/redraftdb/redraft/snapshot"
)

func streamType() dataType {
	return dataType{name: "stream", write: writeStream, read: (*state).readStream, digest: digestStream}
}

// streamOf is the stream that a stored value is.
func streamOf(s stored) *value.Stream { return s.large.(*value.Stream) }

// stream is the stream under a key for reading, nil where there is no key. If the key has another type the
// command has been answered, and ok is false.
func (r *run) stream(key []byte) (s *value.Stream, ok bool) {
	return r.streamAt(r.typed(key, typeStream))
}

// sourceStream is stream for a key that the command reads first of all, whatever it changes then.
func (r *run) sourceStream(key []byte) (s *value.Stream, ok bool) {
	return r.streamAt(r.source(key, typeStream))
}

func (r *run) streamAt(e entry, found, ok bool) (s *value.Stream, _ bool) {
	if found && ok {
		s = streamOf(r.load(e))
	}
	return s, ok
}

// change is what a stream that stream returned becomes for a change. It is the key's value from then on.
func (r *run) change(key []byte, s *value.Stream) *value.Stream {
	r.unweighed = append(r.unweighed, key)
	w := s.Writable(&r.db.mem)
	if w != s {
		e, _ := r.db.find(key)
		r.db.putObject(key, kindStream, w, e.until())
	}
	return w
}

// putStream makes a new stream, which may still change, the value of a key that is not there.
func (r *run) putStream(key []byte, s *value.Stream) {
	r.unweighed = append(r.unweighed, key)
	r.db.putObject(key, kindStream, s, 0)
}

// weighStreams takes note of the size of the streams that the command was handed for a change.
func (r *run) weighStreams() {
	for i, key := range r.unweighed {
		if e, found := r.db.find(key); found && e.has(flagOutside) {
			r.db.objects.weigh(e.object())
		}
		r.unweighed[i] = nil
	}
	r.unweighed = r.unweighed[:0]
}

// counted takes note of a change that Redis counts and tells no WATCH of: what it is, the stream's entries
// are the same.
func (r *run) counted() { r.changes++ }

// streamLimits are the limits of a stream's nodes.
func (p *parameters) streamLimits() value.StreamLimits {
	return value.StreamLimits{Bytes: p.streamBytes, Entries: p.streamEntries}
}

func (st *state) readStream(rd *snapshot.Reader, db *database, e snapshot.Entry, deadline int64) error {
	s, err := value.DecodeStream(rd, e.Type, &db.mem)
	if err == nil {
		db.putObject(e.Key, kindStream, s, deadline)
	}
	return err
}

func writeStream(out *snapshot.Writer, key []byte, s stored, _ value.Cells) {
	out.Key(snapshot.TypeStreamListpacks2, key)
	streamOf(s).Encode(out)
}

func digestStream(_ *database, s stored, into *sum) {
	streamOf(s).Range(value.StreamID{}, value.MaxStreamID(), false, func(e *value.StreamEntry) bool {
		id := strconv.AppendUint(nil, e.ID.MS, 10)
		into.mix(strconv.AppendUint(append(id, '.'), e.ID.Seq, 10))
		e.Each(func(field, v value.Value) {
			into.mix(field.Bytes(nil))
			into.mix(v.Bytes(nil))
		})
		return true
	})
}

// idle is how many ms have passed since a time.
func (r *run) idle(since int64) int64 { return r.now + r.elapsed - since }

// streamID answers with an id.
func (r *run) streamID(id value.StreamID) {
	r.scratch = value.AppendStreamID(r.scratch[:0], id)
	r.out.Bulk(r.scratch)
}

// streamEntry answers with an entry.
func (r *run) streamEntry(e *value.StreamEntry) {
	r.out.Array(2)
	r.streamID(e.ID)
	r.out.Array(2 * e.Len())
	e.Each(func(field, v value.Value) {
		r.out.Bulk(field.Bytes(r.digits[:]))
		r.out.Bulk(v.Bytes(r.digits[:]))
	})
}

// streamRange answers with the entries of a range, or as many of them as count says if it is not 0. An answer
// begins with their number: few are found first and then written, of many it is quicker to count them first.
func (r *run) streamRange(s *value.Stream, from, to value.StreamID, count int64, reverse bool) {
	const few = 128
	if count > 0 && count <= few {
		entries := make([]value.StreamEntry, 0, count)
		s.Range(from, to, reverse, func(e *value.StreamEntry) bool {
			entries = append(entries, *e)
			return len(entries) < cap(entries)
		})
		r.out.Array(len(entries))
		for i := range entries {
			r.streamEntry(&entries[i])
		}
		return
	}
	n := s.Count(from, to, int(count))
	r.out.Array(n)
	if n == 0 {
		return
	}
	s.Range(from, to, reverse, func(e *value.StreamEntry) bool {
		r.streamEntry(e)
		n--
		return n > 0
	})
}

// parseID reads an id, of which the second number may be missing and then is 0; if it is none the command
// has been answered.
func (r *run) parseID(arg []byte) (value.StreamID, bool) { return r.parseIDOr(arg, 0, nil) }

func (r *run) parseIDOr(arg []byte, missing uint64, auto *bool) (value.StreamID, bool) {
	id, ok := value.ParseStreamID(arg, missing, auto)
	if !ok {
		r.out.Error(errStreamID)
	}
	return id, ok
}

// parseBound reads the beginning of a range of ids, or its end: an id, - or + for the least and the greatest,
// or an id behind a parenthesis that is not part of the range. If it is none the command has been answered.
func (r *run) parseBound(arg []byte, end bool) (id value.StreamID, ok bool) {
	var missing uint64
	step, failure := value.NextStreamID, errStreamStart
	if end {
		missing, step, failure = ^uint64(0), value.PrevStreamID, errStreamEnd
	}
	if len(arg) < 2 || arg[0] != '(' {
		return r.parseLooseID(arg, missing)
	}
	if id, ok = r.parseIDOr(arg[1:], missing, nil); !ok {
		return id, false
	}
	if id, ok = step(id); !ok {
		r.out.Error(failure)
	}
	return id, ok
}

// parseLooseID reads an id, - or +.
func (r *run) parseLooseID(arg []byte, missing uint64) (id value.StreamID, ok bool) {
	switch text, _, _ := bytes.Cut(arg, []byte{0}); {
	case string(text) == "-":
		return value.StreamID{}, true
	case string(text) == "+":
		return value.MaxStreamID(), true
	}
	return r.parseIDOr(arg, missing, nil)
}

// parseIDs reads ids; if one is none the command has been answered.
func (r *run) parseIDs(args [][]byte) ([]value.StreamID, bool) {
	ids := make([]value.StreamID, len(args))
	for i, arg := range args {
		var ok bool
		if ids[i], ok = r.parseID(arg); !ok {
			return nil, false
		}
	}
	return ids, true
}
