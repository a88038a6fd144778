package command

// KeyFlags say what a command does with the keys of one KeySpec.
type KeyFlags uint16

// A key spec has exactly one of the first four, unless it is NotKey.
const (
	// RO: reads the value, or something about it.
	RO KeyFlags = 1 << iota
	// RW: changes the value in place.
	RW
	// OW: overwrites the value without regard to the old one.
	OW
	// RM: removes the key.
	RM
	// Access: something of the value reaches the client or another key.
	Access
	// Update: may change what the value holds.
	Update
	// Insert: may add to the value, never changing what is there.
	Insert
	// Delete: may remove parts of the value, or all of it.
	Delete
	// NotKey: the arguments are no keys (they are shard channels), but hash to slots like keys.
	NotKey
	// Incomplete: some keys may escape the spec.
	Incomplete
	// VariableFlags: the flags are the worst case; an invocation may do less.
	VariableFlags
)

var keyFlagWords = [...]string{
	"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags",
}

// Words lists the flags as COMMAND INFO and COMMAND GETKEYSANDFLAGS do.
func (f KeyFlags) Words() []string {
	words := []string{}
	for i, w := range keyFlagWords {
		if f&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return words
}

// KeySpec says where some keys of a command stand: Begin says where to start looking, Find
// which arguments from there on are keys. The fields are the ones COMMAND INFO shows.
//
// Write a declaration with the constructors below. They return slices, so that one of them is
// a whole declaration; Keys joins several:
//
//	GET key                          OneKey(RO | Access)
//	MEMORY USAGE key                 KeyAt(2, RO)
//	DEL key [key ...]                AllKeys(RM | Delete)
//	MSET key value [key value ...]   KeyRange(1, -1, 2, OW|Update)
//	BLPOP key [key ...] timeout      KeyRange(1, -2, 1, RW|Access|Delete)
//	LMPOP numkeys key [key ...] …    KeyNum(1, RW|Access|Delete)
//	ZUNIONSTORE destination …        Keys(KeyAt(1, OW|Update), KeyNum(2, RO|Access))
//	XREAD … STREAMS key [key ...] …  StreamKeys(1, RO|Access)
//
// SET, BITFIELD, SORT, SORT_RO, GEORADIUS and MIGRATE have constructors of their own.
type KeySpec struct {
	Flags KeyFlags
	Notes string
	Begin BeginSearch
	Find  FindKeys

	// locate, when set, finds the keys where Begin and Find do not tell the whole truth; !ok
	// means that the invocation has no such key, a first of 0 that it is wrong. It may rely on
	// the arity.
	locate func(args [][]byte) (first, last int, ok bool)
	// reaches, when set, is the option by which an invocation has such keys that no argument holds.
	reaches func(args [][]byte) (option string)
	// narrow, when set, tells what an invocation really does with its keys.
	narrow func(args [][]byte) KeyFlags
}

// BeginKind is the way the search for keys begins.
type BeginKind uint8

// BeginUnknown: nobody can tell. BeginIndex: at a fixed argument. BeginKeyword: behind a word.
const (
	BeginUnknown BeginKind = iota
	BeginIndex
	BeginKeyword
)

// String is the word of COMMAND INFO.
func (k BeginKind) String() string { return [...]string{"unknown", "index", "keyword"}[k] }

// BeginSearch says where the search for keys begins.
type BeginSearch struct {
	Kind BeginKind
	// Index is the argument to begin at.
	Index int
	// Keyword is the word to begin behind, in upper case, looked for from argument From on; a
	// negative From counts from the end and looks backwards.
	Keyword string
	From    int
}

// FindKind is the way the keys are found once the search has begun.
type FindKind uint8

// FindUnknown: nobody can tell. FindRange: from the beginning to a certain argument.
// FindKeyNum: as many as an argument says.
const (
	FindUnknown FindKind = iota
	FindRange
	FindKeyNum
)

// String is the word of COMMAND INFO.
func (k FindKind) String() string { return [...]string{"unknown", "range", "keynum"}[k] }

// FindKeys says which arguments are keys, seen from where the search begins.
type FindKeys struct {
	Kind FindKind
	// Last, of a range, is the last key relative to the first; negative counts from the end
	// of the arguments. A Limit above 1 makes a negative Last count from the end of the first
	// 1/Limit of the arguments that are left.
	Last, Limit int
	// Step is the distance between keys.
	Step int
	// NumIndex is the argument that tells the number of keys, First the first key, both
	// relative to the beginning.
	NumIndex, First int
}

// Keys joins the parts of a declaration.
func Keys(parts ...[]KeySpec) []KeySpec {
	var specs []KeySpec
	for _, p := range parts {
		specs = append(specs, p...)
	}
	return specs
}

// OneKey is the commonest shape: the first argument is a key.
func OneKey(f KeyFlags) []KeySpec { return KeyAt(1, f) }

// AllKeys is the shape in which all arguments are keys.
func AllKeys(f KeyFlags) []KeySpec { return KeyRange(1, -1, 1, f) }

// KeyAt is one key at argument i.
func KeyAt(i int, f KeyFlags) []KeySpec { return KeyRange(i, i, 1, f) }

// KeyRange is every step-th argument from first to last. Both count as in the triple of
// COMMAND INFO: the command's name is 0, and a negative last counts from the end, -1 being the
// last argument.
func KeyRange(first, last, step int, f KeyFlags) []KeySpec {
	if last >= 0 {
		last -= first
		if last < 0 { // backwards: let NewTable refuse it
			step = 0
		}
	}
	return []KeySpec{{
		Flags: f,
		Begin: BeginSearch{Kind: BeginIndex, Index: first},
		Find:  FindKeys{Kind: FindRange, Last: last, Step: step},
	}}
}

// KeyNum is numkeys at argument i, followed by as many keys.
func KeyNum(i int, f KeyFlags) []KeySpec {
	return []KeySpec{{
		Flags: f,
		Begin: BeginSearch{Kind: BeginIndex, Index: i},
		Find:  FindKeys{Kind: FindKeyNum, First: 1, Step: 1},
	}}
}

// KeyAfter is one key behind a keyword that stands at argument from or later. An invocation
// without the keyword has no such key.
func KeyAfter(keyword string, from int, f KeyFlags) []KeySpec {
	return []KeySpec{{
		Flags: f,
		Begin: BeginSearch{Kind: BeginKeyword, Keyword: keyword, From: from},
		Find:  FindKeys{Kind: FindRange, Step: 1},
	}}
}

// KeysAfter is all arguments behind a keyword.
func KeysAfter(keyword string, from int, f KeyFlags) []KeySpec {
	specs := KeyAfter(keyword, from, f)
	specs[0].Find.Last = -1
	return specs
}

// StreamKeys is the shape of XREAD: behind the word STREAMS, which stands at argument from or
// later, the first half of the arguments are keys.
func StreamKeys(from int, f KeyFlags) []KeySpec {
	specs := KeysAfter("STREAMS", from, f)
	specs[0].Find.Limit = 2
	return specs
}

// UnknownKeys stands for keys that the arguments do not show, such as those that a pattern
// makes up.
func UnknownKeys(f KeyFlags, notes string) []KeySpec {
	return []KeySpec{{Flags: f, Notes: notes}}
}
