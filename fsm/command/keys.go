package command

// keyError is an error of COMMAND GETKEYS, in the words that clients know.
type keyError string

func (e keyError) Error() string { return string(e) }

// Errors of AppendKeys and AppendKeyRefs. Their texts lack the ERR that a reply begins with.
const (
	// ErrNoKeys: the command never has keys.
	ErrNoKeys = keyError("The command has no key arguments")
	// ErrArity: too few arguments, or too many.
	ErrArity = keyError("Invalid number of arguments specified for command")
	// ErrArguments: the arguments do not add up, such as a numkeys beyond their number.
	ErrArguments = keyError("Invalid arguments specified for command")
)

// KeyRef is one key of an invocation: the argument that holds it, and what the invocation does
// with it. The flags are never Incomplete or VariableFlags, which speak of specs.
type KeyRef struct {
	Index int
	Flags KeyFlags
}

// HasKeys reports whether the command may have keys at all. A command of shard channels has
// none.
func (s *Spec) HasKeys() bool {
	for i := range s.Keys {
		if s.Keys[i].Flags&NotKey == 0 {
			return true
		}
	}
	return false
}

// AppendKeys appends the keys of an invocation to dst, in the order of the key specs; a key
// that is written twice comes twice. The appended slices are those of args. On an error dst
// comes back as it was. A command of NoMandatoryKeys yields no keys rather than ErrArguments.
func (s *Spec) AppendKeys(dst [][]byte, args [][]byte) ([][]byte, error) {
	if err := s.checkKeys(args); err != nil {
		return dst, err
	}
	out := dst
	for i := range s.Keys {
		k := &s.Keys[i]
		if k.Flags&NotKey != 0 {
			continue
		}
		r := k.find(args)
		if r.broken {
			out = out[:len(dst)]
			break
		}
		for at := r.first; at <= r.last; at += r.step {
			out = append(out, args[at])
		}
	}
	return out, s.checkFound(len(out) - len(dst))
}

// AppendKeyRefs is AppendKeys with the index and the flags of each key in place of the key: the
// data of COMMAND GETKEYSANDFLAGS and of ACL checks.
func (s *Spec) AppendKeyRefs(dst []KeyRef, args [][]byte) ([]KeyRef, error) {
	if err := s.checkKeys(args); err != nil {
		return dst, err
	}
	out := dst
	for i := range s.Keys {
		k := &s.Keys[i]
		if k.Flags&NotKey != 0 {
			continue
		}
		r := k.find(args)
		if r.broken {
			out = out[:len(dst)]
			break
		}
		flags := k.Flags
		if k.narrow != nil {
			flags = k.narrow(args)
		}
		for at := r.first; at <= r.last; at += r.step {
			out = append(out, KeyRef{Index: at, Flags: flags &^ (Incomplete | VariableFlags)})
		}
	}
	return out, s.checkFound(len(out) - len(dst))
}

// Reaches is the option, in upper case, by which an invocation reads keys whose names only the data tell, so that
// they are not among those of AppendKeys; empty if it does not.
func (s *Spec) Reaches(args [][]byte) (option string) {
	for i := range s.Keys {
		if reaches := s.Keys[i].reaches; reaches != nil {
			return reaches(args)
		}
	}
	return ""
}

// checkKeys refuses what can be refused before looking for keys.
func (s *Spec) checkKeys(args [][]byte) error {
	if !s.HasKeys() {
		return ErrNoKeys
	}
	if !s.Accepts(len(args)) {
		return ErrArity
	}
	return nil
}

// checkFound judges an invocation by the number of keys found in it.
func (s *Spec) checkFound(n int) error {
	if n == 0 && !s.Is(NoMandatoryKeys) {
		return ErrArguments
	}
	return nil
}

// keyRun is every step-th argument from first to last, none when last < first. broken means
// that the invocation contradicts its spec, and that none of its keys can be trusted.
type keyRun struct {
	first, last, step int
	broken            bool
}

var (
	noRun     = keyRun{first: 0, last: -1, step: 1}
	brokenRun = keyRun{first: 0, last: -1, step: 1, broken: true}
)

// find applies a spec to an invocation. The run it returns lies within args.
func (k *KeySpec) find(args [][]byte) keyRun {
	if k.locate != nil {
		first, last, ok := k.locate(args)
		if !ok {
			return noRun
		}
		return bounded(first, last, 1, len(args))
	}
	var first int
	switch k.Begin.Kind {
	case BeginIndex:
		first = k.Begin.Index
	case BeginKeyword:
		if first = k.Begin.behind(args); first == 0 {
			return noRun
		}
	default:
		return noRun
	}
	switch k.Find.Kind {
	case FindRange:
		return bounded(first, k.Find.lastOf(first, len(args)), k.Find.Step, len(args))
	case FindKeyNum:
		at := first + k.Find.NumIndex
		if at >= len(args) {
			return brokenRun
		}
		n, ok := keyCount(args[at])
		if !ok || n > len(args) {
			return brokenRun
		}
		first += k.Find.First
		return bounded(first, first+(n-1)*k.Find.Step, k.Find.Step, len(args))
	default:
		return noRun
	}
}

// bounded makes a run, or a broken one when it leaves the arguments or has no key.
func bounded(first, last, step, args int) keyRun {
	if first < 1 || last < first || last >= args || step < 1 {
		return brokenRun
	}
	return keyRun{first: first, last: last, step: step}
}

// behind is the index of the argument behind the keyword, 0 when the keyword is missing.
func (b *BeginSearch) behind(args [][]byte) int {
	if b.From < 0 {
		for i := min(len(args)+b.From, len(args)-1); i > 0; i-- {
			if IsWord(args[i], b.Keyword) {
				return i + 1
			}
		}
		return 0
	}
	for i := b.From; i < len(args); i++ {
		if IsWord(args[i], b.Keyword) {
			return i + 1
		}
	}
	return 0
}

// lastOf is the index of the last key of a range that begins at first, among args arguments.
func (f *FindKeys) lastOf(first, args int) int {
	switch {
	case f.Last >= 0:
		return first + f.Last
	case f.Limit > 1:
		return first + (args-first)/f.Limit + f.Last
	default:
		return args + f.Last
	}
}

// keyCount reads a numkeys argument as strictly as Redis reads integers: digits only, no
// leading zero. Numbers beyond any possible count are no count.
func keyCount(b []byte) (int, bool) {
	if len(b) == 0 || len(b) > 9 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
