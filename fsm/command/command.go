// Package command is the vocabulary: what a command is called, how it is written, what it may
// do, and where its keys stand.
//
// A command is declared once, as one literal beside its handler:
//
//	{
//		Name:       "getex",
//		Usage:      "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
//		Summary:    "Get the value of a key and optionally set its expiration",
//		Since:      "6.2.0",
//		Group:      "string",
//		Complexity: "O(1)",
//		Flags:      command.Write | command.Fast,
//		Keys:       command.OneKey(command.RW | command.Access | command.Update),
//		Handler:    handler(getexCommand),
//	}
//
// Everything else follows from that. The usage line yields the arity and the argument tree of
// COMMAND DOCS, and random invocations for tests; the key specs yield the keys of a given
// invocation, the first-last-step triple and the movablekeys flag of COMMAND INFO; flags and
// group yield the ACL categories. [NewTable] takes declarations, refuses the ones that
// contradict themselves, and finds the command of a request.
//
// Throughout, the arguments of an invocation include the command's name as args[0], and of a
// subcommand its own word as args[1]; indexes of keys count from there.
//
// # Usage lines
//
// A usage line is written in the notation of Redis' documentation:
//
//	key value                    lower case: what the caller fills in
//	KEEPTTL                      no lower-case letter: a token, which stands for itself
//	EX seconds                   a token announces the words that follow it, up to the next
//	                             token or bracket
//	[…]                          may be left out
//	[NX | XX]  <NX | XX>         one of these; a choice needs brackets around it
//	AGGREGATE <SUM | MAX>        a token announces a < > right behind it; without the < > the
//	                             bar would reach back to the token
//	key [key ...]                what the brackets repeat may come again
//	field value [field value ...]
//	GET pattern [GET pattern ...]
//	[A x | B y [A x | B y ...]]  the same for a whole choice
//
// The types of arguments follow from their words ("key" is a key, "count" an integer; typeOf
// lists them), the names of choices and of arguments in a row from their parts. Where that is
// not what Redis says, the line takes annotations that nobody else sees: a type behind a word,
// and a name before a bracket or a token:
//
//	key start:string stop:string
//	source destination wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT>
//	key number:integer sorting=ALPHA
package command

// Spec declares one command, one container of subcommands, or one subcommand.
//
// A container (CONFIG, OBJECT …) has Sub and neither Usage nor Keys, and a Handler only if it
// means something without a subcommand, as COMMAND does. Each of its subcommands is a Spec of
// its own, flags included; only an empty Group is taken over from the container.
//
// A Spec is written by its declaration and completed by NewTable; from then on nothing changes
// it, so it may be shared between goroutines and pointers to it compared.
type Spec struct {
	// Name is in lower case. Of a subcommand it is its own word: "getname", not
	// "client|getname".
	Name string

	// Usage is what follows the name (of a subcommand: both words), in the notation of Redis'
	// documentation; see the package comment.
	Usage string

	// Summary says in one sentence what the command does.
	Summary string

	// Since is the version of Redis that has had the command first.
	Since string

	// Group is one of the words of COMMAND DOCS: "string", "sorted-set", "generic", …
	Group string

	// Complexity is the cost in O notation; empty when there is nothing to say.
	Complexity string

	// Flags say what the command may do, and when it may run.
	Flags Flags

	// Keys say where the keys stand; see OneKey, KeyRange, KeyNum and their like.
	Keys []KeySpec

	// Channels say which arguments are channels of publish/subscribe, for the rules of ACLs; ChannelSpec.Of finds
	// those of an invocation.
	Channels ChannelSpec

	// Tips are hints for clients, as in COMMAND INFO: "nondeterministic_output",
	// "request_policy:all_shards", …
	Tips []string

	// Categories are the ACL categories that neither the flags nor the group imply. CatOnly
	// among them keeps the group from implying one.
	Categories Categories

	// Differs says, in a sentence or two, where redraft's command is not what Redis' is; empty for nowhere.
	// docs/commands.md shows it.
	Differs string

	// Deprecated is the version of Redis that deprecated the command, ReplacedBy what to use
	// instead. Both are empty for a command in good standing.
	Deprecated, ReplacedBy string

	// Sub are the subcommands of a container, in the order in which HELP lists them.
	Sub []*Spec

	// Check judges an invocation of a write before it goes into the log, by its arguments alone: a payload or a
	// program that is not sound must not get there. nil for nothing to check. What fails is run as a read
	// instead, for its error, so the handler changes nothing before it has found the same. It is a function
	// type of the declaring package, as Handler is.
	Check any

	// Handler runs the command. It is a function type of the declaring package, and only that
	// package looks inside.
	Handler any

	done *derived
}

// derived is what follows from a declaration. NewTable computes it once.
type derived struct {
	parent     *Spec            // the container, of a subcommand
	subs       map[string]*Spec // of a container: by the subcommand's word
	full       string           // FullName
	arity      int
	args       []*Argument
	syntax     string // the usage line without annotations
	triple     triple
	flagWords  []string
	categories Categories
}

// derive returns what follows from the declaration. Before NewTable has seen the Spec it is
// computed anew each time, as far as it goes without a table.
func (s *Spec) derive() *derived {
	if s.done != nil {
		return s.done
	}
	d, _ := s.compute(nil)
	return d
}

// compute derives what follows from the declaration of s as a subcommand of parent, or as a
// command when parent is nil. When the usage line does not parse it returns the error together
// with what the rest of the declaration yields.
func (s *Spec) compute(parent *Spec) (*derived, error) {
	d := &derived{parent: parent, full: s.Name}
	words := 1
	if parent != nil {
		d.full = parent.Name + "|" + s.Name
		words = 2
	}
	usage, err := parseUsage(s.Usage)
	if err == nil {
		d.args, d.syntax = usage.args, usage.syntax
		assignKeySpecs(d.args, s.Keys)
	}
	d.arity = arity(words, d.args)
	if s.Container() && s.Handler == nil {
		d.arity = -2
	} else if s.Container() {
		d.arity = -1
	}
	d.triple = legacyTriple(s.Keys)
	d.flagWords = s.Flags.words(d.triple.movable)
	d.categories = s.impliedCategories()
	return d, err
}

// FullName is the name under which ACL rules, COMMAND INFO and error texts know the command:
// "get", "config|get".
func (s *Spec) FullName() string { return s.derive().full }

// Container reports whether the Spec is a roof over subcommands.
func (s *Spec) Container() bool { return len(s.Sub) > 0 }

// Parent is the container of a subcommand, nil for a command.
func (s *Spec) Parent() *Spec { return s.derive().parent }

// Arity is the number of arguments, names included, in Redis' convention: n > 0 means exactly
// n, n < 0 means -n or more. A container's is -2, or -1 if it has a Handler.
func (s *Spec) Arity() int { return s.derive().arity }

// Accepts reports whether an invocation of n arguments, names included, satisfies the arity.
func (s *Spec) Accepts(n int) bool {
	a := s.Arity()
	return a == n || a < 0 && n >= -a
}

// Arguments is the argument tree of the usage line, as COMMAND DOCS shows it. It is shared:
// callers must not change it.
func (s *Spec) Arguments() []*Argument { return s.derive().args }

// Syntax is the usage line without annotations, evenly spaced, fit for people.
func (s *Spec) Syntax() string { return s.derive().syntax }

// FirstKey is the index of the first key, 0 for none: the first number of the triple that
// COMMAND INFO shows to clients that know no key specs. Keys that a triple cannot describe are
// left out, and MovableKeys says so.
func (s *Spec) FirstKey() int { return s.derive().triple.first }

// LastKey is the index of the last key of the triple; negative counts from the end of the
// arguments, -1 being the last of them.
func (s *Spec) LastKey() int { return s.derive().triple.last }

// Step is the distance between the keys of the triple.
func (s *Spec) Step() int { return s.derive().triple.step }

// MovableKeys reports whether the triple does not tell all keys.
func (s *Spec) MovableKeys() bool { return s.derive().triple.movable }

// Is reports whether the command has all of the flags f.
func (s *Spec) Is(f Flags) bool { return s.Flags&f == f }

// IsWrite reports whether the command changes the data set, and so has to go through the log; see
// IsLogged for others that do.
func (s *Spec) IsWrite() bool { return s.Is(Write) }

// IsLogged reports whether the command goes through the log: it is a write, or of a kind of its own of which the
// other nodes have to hear (EVAL, PUBLISH).
func (s *Spec) IsLogged() bool { return s.IsWrite() || s.Is(MayReplicate) && !s.IsRead() }

// IsRead reports whether the command looks at the data set and leaves it as it is. A command
// that neither reads nor writes (PING, CONFIG …) is an affair of the session.
func (s *Spec) IsRead() bool { return s.Is(ReadOnly) }

// FlagWords are the flags as COMMAND INFO shows them, movablekeys included. The slice is
// shared: callers must not change it.
func (s *Spec) FlagWords() []string { return s.derive().flagWords }

// DocFlagWords are the doc_flags of COMMAND DOCS.
func (s *Spec) DocFlagWords() []string {
	var words []string
	if s.Deprecated != "" {
		words = append(words, "deprecated")
	}
	if s.Is(SysCmd) {
		words = append(words, "syscmd")
	}
	return words
}

// AllCategories are the ACL categories of the command: those that its flags and its group
// imply, and the ones it declares.
func (s *Spec) AllCategories() Categories { return s.derive().categories }
