package command

// triple is how COMMAND INFO told the keys of a command before there were key specs: every
// step-th argument from first to last, a negative last counting from the end. first is 0 when
// there is nothing to tell; movable means that it does not tell all.
type triple struct {
	first, last, step int
	movable           bool
}

// legacyTriple derives the triple from key specs as Redis does. A single range is taken as it
// is. Of several specs, those are taken that are ranges of step 1 and follow one another
// without a gap; a spec that has to be passed over, or is incomplete itself, makes the keys
// movable.
func legacyTriple(specs []KeySpec) triple {
	var t triple
	for i := range specs {
		k := &specs[i]
		last, ok := k.absoluteLast()
		if !ok || len(specs) > 1 && (k.Find.Step != 1 || t.last != 0 && t.last != k.Begin.Index-1) {
			t.movable = true
			continue
		}
		if k.Flags&Incomplete != 0 {
			t.movable = true
		}
		if t.first == 0 || k.Begin.Index < t.first {
			t.first = k.Begin.Index
		}
		t.step = k.Find.Step
		// Counted from the end is further than counted from the start, and -1 further than
		// -2: the order of unsigned numbers.
		if uint(last) > uint(t.last) {
			t.last = last
		}
	}
	return t
}

// absoluteLast is the last key of a plain range, counted like the triple's; !ok means that the
// spec is of another shape.
func (k *KeySpec) absoluteLast() (last int, ok bool) {
	if k.Begin.Kind != BeginIndex || k.Find.Kind != FindRange {
		return 0, false
	}
	if k.Find.Last >= 0 {
		return k.Begin.Index + k.Find.Last, true
	}
	return k.Find.Last, true
}
