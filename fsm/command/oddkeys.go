package command

import "bytes"

// A few commands publish key specs that do not tell the whole truth: flags that depend on an
// option, a keyword that may also be the value of another option, a key that another key
// stands in for. Their specs are made here, where they can be read beside the rule that
// AppendKeys follows: a spec's own locate and narrow win over what it publishes.

// SetKey is the key of SET. With GET the old value is read; without it, it is overwritten
// unseen.
func SetKey() []KeySpec {
	specs := OneKey(RW | Access | Update | VariableFlags)
	specs[0].Notes = "Without GET the old value is not read"
	specs[0].narrow = func(args [][]byte) KeyFlags {
		if hasWord(args, 3, "GET") {
			return RW | Access | Update
		}
		return OW | Update
	}
	return specs
}

// BitfieldKey is the key of BITFIELD, which changes it only by SET and INCRBY.
func BitfieldKey() []KeySpec {
	specs := OneKey(RW | Access | Update | VariableFlags)
	specs[0].Notes = "With GET alone the value is only read"
	specs[0].narrow = func(args [][]byte) KeyFlags {
		for i := 2; i < len(args); {
			switch {
			case IsWord(args[i], "GET") && i+2 < len(args):
				i += 3
			case IsWord(args[i], "OVERFLOW") && i+1 < len(args):
				i += 2
			default:
				return RW | Access | Update
			}
		}
		return RO | Access
	}
	return specs
}

// SortROKeys are the keys of SORT_RO: the one that is sorted, and those that BY and GET make up
// from its elements.
func SortROKeys() []KeySpec {
	made := UnknownKeys(RO|Access, "Keys of BY and GET are made from the elements that are sorted")
	made[0].reaches = sortReaches
	return Keys(OneKey(RO|Access), made)
}

// sortReaches is the first option of a SORT that makes up keys. As in Redis any GET does, and BY with a star.
func sortReaches(args [][]byte) (option string) {
	for i := 2; i+1 < len(args); i++ {
		switch {
		case IsWord(args[i], "LIMIT"):
			i += 2
		case IsWord(args[i], "GET"):
			return "GET"
		case IsWord(args[i], "BY"):
			if bytes.IndexByte(args[i+1], '*') >= 0 {
				return "BY"
			}
			i++
		case IsWord(args[i], "STORE"):
			i++
		}
	}
	return ""
}

// SortKeys are the keys of SORT: those of SORT_RO and the destination of STORE. The word STORE
// may also be a value of LIMIT, BY or GET, hence the destination is not published as standing
// behind a keyword.
func SortKeys() []KeySpec {
	store := UnknownKeys(OW|Update, "The destination of STORE, which may stand among the other options in any place")
	store[0].locate = func(args [][]byte) (int, int, bool) {
		at := 0
		for i := 2; i < len(args); i++ {
			switch {
			case IsWord(args[i], "LIMIT"):
				i += 2
			case IsWord(args[i], "GET"), IsWord(args[i], "BY"):
				i++
			case IsWord(args[i], "STORE") && i+1 < len(args):
				i++
				at = i // of several, the last one counts
			}
		}
		return at, at, at > 0
	}
	return Keys(SortROKeys(), store)
}

// GeoRadiusKeys are the keys of GEORADIUS and GEORADIUSBYMEMBER: the sorted set, and the
// destinations of STORE and STOREDIST, either of which may be the name of the other's. options
// is the first argument that may be an option: 6 or 5.
func GeoRadiusKeys(options int) []KeySpec {
	store, dist := KeyAfter("STORE", options, OW|Update), KeyAfter("STOREDIST", options, OW|Update)
	for _, spec := range [][]KeySpec{store, dist} {
		keyword := spec[0].Begin.Keyword
		spec[0].locate = func(args [][]byte) (int, int, bool) {
			at := 0
			for i := options; i+1 < len(args); i++ {
				if IsWord(args[i], keyword) {
					at = i + 1 // of several, the last one counts
				}
				if IsWord(args[i], "STORE") || IsWord(args[i], "STOREDIST") {
					i++
				}
			}
			return at, at, at > 0
		}
	}
	return Keys(OneKey(RO|Access), store, dist)
}

// MigrateKeys are the keys of MIGRATE: the third argument or, when that is empty, all arguments
// behind KEYS. A key in both places is an error. KEYS may also be a user name or a password.
func MigrateKeys() []KeySpec {
	behind := func(args [][]byte) int {
		for i := 6; i < len(args); i++ {
			switch {
			case IsWord(args[i], "AUTH"):
				i++
			case IsWord(args[i], "AUTH2"):
				i += 2
			case IsWord(args[i], "KEYS") && i+1 < len(args):
				return i + 1
			}
		}
		return 0
	}
	one := KeyAt(3, RW|Access|Delete)
	one[0].locate = func(args [][]byte) (int, int, bool) {
		switch {
		case behind(args) == 0:
			return 3, 3, true
		case len(args[3]) > 0:
			return 0, 0, true // out of bounds: an error
		}
		return 0, 0, false
	}
	many := KeysAfter("KEYS", -2, RW|Access|Delete|Incomplete)
	many[0].locate = func(args [][]byte) (int, int, bool) {
		first := behind(args)
		return first, len(args) - 1, first > 0
	}
	return Keys(one, many)
}

// hasWord reports whether an argument from index from on is the given word.
func hasWord(args [][]byte, from int, word string) bool {
	for i := from; i < len(args); i++ {
		if IsWord(args[i], word) {
			return true
		}
	}
	return false
}
