package fsm

import (
	"errors"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

// addOptions are the options of XADD, and those of XTRIM among them.
type addOptions struct {
	id       value.StreamID
	given    bool // an id, rather than *
	auto     bool // the id's second number is to be made up
	existing bool // NOMKSTREAM
	trims    bool
	trim     value.StreamTrim
	limited  bool // LIMIT
}

func xaddCommand(r *run) {
	o, at, ok := r.parseAdd(true)
	if !ok {
		return
	}
	pairs := r.args[min(at+1, len(r.args)):] // the id comes right before them
	if len(pairs) < 2 || len(pairs)%2 != 0 {
		r.out.Error(errArity(r.name()))
		return
	}
	if o.given && !o.auto && o.id == (value.StreamID{}) {
		r.out.Error(errAddZero)
		return
	}
	key := r.args[1]
	old, ok := r.stream(key)
	switch {
	case !ok:
		return
	case old == nil && o.existing:
		r.out.Null()
		return
	}
	r.addEntry(key, old, &o, pairs)
}

// addEntry is XADD once its arguments are read. old is the key's stream, nil if there is none.
func (r *run) addEntry(key []byte, old *value.Stream, o *addOptions, pairs [][]byte) {
	s := old
	if s == nil {
		s = value.NewStream(&r.db.mem)
	}
	if s.Last == value.MaxStreamID() {
		r.out.Error(errAddExhausted)
		return
	}
	id, ok := o.id, true
	switch {
	case !o.given:
		id, ok = s.NextID(r.now)
	case o.auto:
		id, ok = s.NextIDIn(o.id.MS)
	}
	err := value.ErrStreamSize
	if ok {
		if old != nil {
			s = r.change(key, s)
		}
		err = s.Add(&r.db.mem, id, pairs, r.state.parameters.streamLimits())
	}
	switch {
	case errors.Is(err, value.ErrStreamID):
		r.out.Error(errAddSmaller)
		return
	case err != nil:
		r.out.Error(errAddLarge)
		return
	}
	if old == nil {
		r.putStream(key, s)
	}
	r.touched(key)
	r.event(EventStream, "xadd", key)
	if o.trims && s.Trim(&r.db.mem, o.trim) > 0 {
		r.event(EventStream, "xtrim", key)
	}
	r.streamID(id)
}

func xtrimCommand(r *run) {
	o, _, ok := r.parseAdd(false)
	if !ok {
		return
	}
	key := r.args[1]
	s, ok := r.stream(key)
	if !ok {
		return
	}
	if s == nil {
		r.out.Int(0)
		return
	}
	n := r.change(key, s).Trim(&r.db.mem, o.trim)
	if n > 0 {
		r.touched(key)
		r.changes += uint64(n) - 1
		r.event(EventStream, "xtrim", key)
	}
	r.out.Int(n)
}

// parseAdd reads the options of XADD up to its id, and says where that is, or those of XTRIM. With ok false
// the command has been answered.
func (r *run) parseAdd(add bool) (o addOptions, at int, ok bool) {
	for at = 2; at < len(r.args); at++ {
		arg, more := r.args[at], at+1 < len(r.args)
		switch {
		case add && string(arg) == "*":
			return o, at, r.finishTrim(&o, add)
		case more && (command.IsWord(arg, "MAXLEN") || command.IsWord(arg, "MINID")):
			if at, ok = r.parseThreshold(&o, at); !ok {
				return o, at, false
			}
		case more && command.IsWord(arg, "LIMIT"):
			at++
			if o.trim.Limit, ok = r.integer(r.args[at]); !ok {
				return o, at, false
			}
			if o.trim.Limit < 0 {
				r.out.Error(errTrimLimit)
				return o, at, false
			}
			o.limited = true
		case add && command.IsWord(arg, "NOMKSTREAM"):
			o.existing = true
		case add:
			o.given = true
			if o.id, ok = r.parseIDOr(arg, 0, &o.auto); !ok {
				return o, at, false
			}
			return o, at, r.finishTrim(&o, add)
		default:
			r.out.Error(errSyntax)
			return o, at, false
		}
	}
	return o, at, r.finishTrim(&o, add)
}

// parseThreshold reads MAXLEN or MINID, at an argument's index, up to its threshold, whose index it returns.
func (r *run) parseThreshold(o *addOptions, at int) (next int, ok bool) {
	if o.trims {
		r.out.Error(errTrimTwice)
		return at, false
	}
	o.trims, o.trim.ByID = true, command.IsWord(r.args[at], "MINID")
	at++
	if word := string(r.args[at]); at+1 < len(r.args) && (word == "~" || word == "=") {
		o.trim.Approx = word == "~"
		at++
	}
	if o.trim.ByID {
		o.trim.Min, ok = r.parseID(r.args[at])
		return at, ok
	}
	if o.trim.Max, ok = r.integer(r.args[at]); ok && o.trim.Max < 0 {
		r.out.Error(errTrimLength)
		return at, false
	}
	return at, ok
}

// finishTrim checks what the options come to together.
func (r *run) finishTrim(o *addOptions, add bool) bool {
	switch {
	case o.trim.Limit != 0 && !o.trims:
		r.out.Error(errTrimLimitAlone)
	case !add && !o.trims:
		r.out.Error(errTrimNothing)
	case o.limited && !o.trim.Approx:
		r.out.Error(errTrimLimitExact)
	default:
		if o.trim.Approx && !o.limited {
			o.trim.Limit = r.state.parameters.streamLimits().Work()
		}
		return true
	}
	return false
}
