package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/hll"
)

func hllCommands() []*command.Spec {
	const w = command.Write | command.DenyOOM
	return []*command.Spec{
		{Name: "pfadd", Usage: "key [element [element ...]]", Group: "hyperloglog", Since: "2.8.9", Complexity: "O(1) for each element",
			Summary: "Take elements into a HyperLogLog", Flags: w | command.Fast,
			Keys: command.OneKey(command.RW | command.Insert), Handler: handler(pfaddCommand)},
		{Name: "pfcount", Usage: "key [key ...]", Group: "hyperloglog", Since: "2.8.9", Complexity: "O(1) for a key, O(N) for N of them",
			Summary: "Estimate how many distinct elements HyperLogLogs have taken in", Flags: command.ReadOnly | command.MayReplicate,
			Keys:    noted(command.KeyRange(1, -1, 1, command.RW|command.Access), "RW because the count of a single key is kept in its value"),
			Handler: handler(pfcountCommand),
			Differs: "The count of a single key is kept in its value, as in Redis, by a node that leads; a follower only answers."},
		{Name: "pfmerge", Usage: "destkey [sourcekey [sourcekey ...]]", Group: "hyperloglog", Since: "2.8.9", Complexity: "O(N) for N keys",
			Summary: "Make a HyperLogLog of all that it and others have taken in", Flags: w, Handler: handler(pfmergeCommand),
			Keys: command.Keys(command.OneKey(command.RW|command.Access|command.Insert),
				command.KeyRange(2, -1, 1, command.RO|command.Access))},
		{Name: "pfdebug", Usage: "subcommand key", Group: "hyperloglog", Since: "2.8.9", Complexity: "O(1)",
			Summary: "Look into a HyperLogLog: GETREG, DECODE, ENCODING or TODENSE", Flags: w | command.Admin | command.SysCmd,
			Keys: command.KeyAt(2, command.RW|command.Access), Handler: handler(pfdebugCommand)},
	}
}

// noted puts a note on the first key spec.
func noted(keys []command.KeySpec, note string) []command.KeySpec {
	keys[0].Notes = note
	return keys
}

// sketch is the HyperLogLog under a key, nil if there is no key. It is valid as r.text is. If the key has
// another value the command has been answered, and ok is false.
func (r *run) sketch(key []byte) (b []byte, e entry, ok bool) {
	return r.sketchAt(r.typed(key, typeString))
}

// sourceSketch is sketch for a key that the command only reads.
func (r *run) sourceSketch(key []byte) (b []byte, e entry, ok bool) {
	return r.sketchAt(r.source(key, typeString))
}

func (r *run) sketchAt(e entry, found, ok bool) (b []byte, _ entry, _ bool) {
	if !ok || !found {
		return nil, e, ok
	}
	if b = r.text(e); !hll.IsSketch(b) {
		r.out.Error(errNoSketch)
		return nil, e, false
	}
	return b, e, true
}

// ownSketch is sketch with bytes that may be changed and appended to, and are then to be put: the run's
// own, or the value's where a sketch is dense, and so changes in place.
func (r *run) ownSketch(key []byte) (b []byte, e entry, ok bool) {
	if b, e, ok = r.sketch(key); b == nil {
		return nil, e, ok
	}
	if own, private := r.db.ownBytes(e); private && hll.IsDense(b) {
		return own, e, true
	}
	r.scratch = append(r.scratch[:0], b...)
	return r.scratch, e, true
}

// putSketch makes what has become of a sketch that ownSketch returned with e the key's value.
func (r *run) putSketch(key []byte, e entry, b []byte) {
	if e.found() {
		if own, private := r.db.ownBytes(e); private && sameBytes(own, b) {
			e.setKind(kindRaw)
			return
		}
	}
	r.db.put(key, kindRaw, b, e.until())
}

func sameBytes(a, b []byte) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }

func pfaddCommand(r *run) {
	key := r.args[1]
	b, e, ok := r.ownSketch(key)
	if !ok {
		return
	}
	updated := 0
	if b == nil {
		b = hll.New()
		updated++
	}
	for _, element := range r.args[2:] {
		var changed bool
		var err error
		if b, changed, err = hll.Add(b, element, r.state.parameters.hllSparse); err != nil {
			r.putSketch(key, e, b)
			r.out.Error(errSketch)
			return
		}
		if changed {
			updated++
		}
	}
	if updated > 0 {
		hll.Invalidate(b)
	}
	r.putSketch(key, e, b)
	for range updated {
		r.touched(key)
	}
	if updated == 0 {
		r.out.Int(0)
		return
	}
	r.event(EventString, "pfadd", key)
	r.out.Int(1)
}

// pfcountCommand keeps the count of a single key in the value, where it is not kept yet: in an entry at once; a
// read answers the same and leaves that to an entry (Call.Unfinished).
func pfcountCommand(r *run) {
	if len(r.args) > 2 {
		r.countUnion()
		return
	}
	key := r.args[1]
	b, e, ok := r.sketch(key)
	switch {
	case !ok:
		return
	case b == nil:
		r.out.Int(0)
		return
	}
	n, cached := hll.Cached(b)
	if !cached {
		var err error
		if n, err = hll.Count(b); err != nil {
			r.out.Error(errSketch)
			return
		}
	}
	r.out.Int(int64(n))
	if cached && e.kind() == kindRaw {
		return
	}
	if !r.writing {
		r.unfinished = true
		return
	}
	b, e, _ = r.ownSketch(key)
	hll.SetCached(b, n)
	r.putSketch(key, e, b)
	if !cached {
		r.touched(key)
	}
}

// countUnion is PFCOUNT of several keys.
func (r *run) countUnion() {
	var u hll.Union
	if _, ok := r.union(&u, r.args[1:]); ok {
		r.out.Int(int64(u.Count()))
	}
}

// union takes the sketches of all keys in, those that are not there apart, and tells whether one of them is
// dense. With ok false the command has been answered.
func (r *run) union(u *hll.Union, keys [][]byte) (dense, ok bool) {
	for _, key := range keys {
		b, _, ok := r.sourceSketch(key)
		if !ok {
			return false, false
		}
		if b == nil {
			continue
		}
		dense = dense || hll.IsDense(b)
		if u.Merge(b) != nil {
			r.out.Error(errSketch)
			return false, false
		}
	}
	return dense, true
}

func pfmergeCommand(r *run) {
	var u hll.Union
	dense, ok := r.union(&u, r.args[1:])
	if !ok {
		return
	}
	key := r.args[1]
	b, e, _ := r.ownSketch(key)
	if b == nil {
		b = hll.New()
	}
	if dense {
		b, _ = hll.Dense(b) // union has read it, so it is not corrupt
	}
	for i, n := range u {
		if n == 0 {
			continue
		}
		var err error
		if b, _, err = hll.Raise(b, i, n, r.state.parameters.hllSparse); err != nil {
			break // one that ends amid a run, which counts nevertheless
		}
	}
	hll.Invalidate(b)
	r.putSketch(key, e, b)
	r.touched(key)
	r.event(EventString, "pfadd", key)
	r.out.Status("OK")
}

func pfdebugCommand(r *run) {
	key := r.args[2]
	if _, found := r.lookupWrite(key); !found {
		r.out.Error(errNoKeyHere)
		return
	}
	b, e, ok := r.ownSketch(key)
	if !ok {
		return
	}
	r.putSketch(key, e, b)
	switch word := r.args[1]; {
	case command.IsWord(word, "GETREG"):
		if b, ok = r.makeDense(key, b); ok {
			values := hll.Values(b)
			r.out.Array(len(values))
			for _, n := range values {
				r.out.Int(int64(n))
			}
		}
	case command.IsWord(word, "DECODE"):
		if hll.IsDense(b) {
			r.out.Error(errNotSparse)
			return
		}
		r.out.Text(hll.Decode(b))
	case command.IsWord(word, "ENCODING"):
		r.out.Status(map[bool]string{true: "dense", false: "sparse"}[hll.IsDense(b)])
	case command.IsWord(word, "TODENSE"):
		was := hll.IsDense(b)
		if _, ok = r.makeDense(key, b); ok {
			r.out.Int(map[bool]int64{true: 0, false: 1}[was])
		}
	default:
		r.out.Error("ERR Unknown PFDEBUG subcommand '" + string(word) + "'")
	}
}

// makeDense makes the sketch under a key a dense one. With ok false the command has been answered.
func (r *run) makeDense(key, b []byte) ([]byte, bool) {
	if hll.IsDense(b) {
		return b, true
	}
	d, err := hll.Dense(b)
	if err != nil {
		r.out.Error(errSketch)
		return nil, false
	}
	e, _ := r.db.find(key)
	r.putSketch(key, e, d)
	r.touched(key)
	return d, true
}

// TestSketches runs HyperLogLogs through PFSELFTEST, on elements that depend on seed; the error is the answer.
func (m *Machine) TestSketches(seed uint64) error {
	return hll.SelfTest(seed, m.parameters.Load().hllSparse)
}
