package command

// Type is the type of an argument, in the words of COMMAND DOCS.
type Type string

// The types of arguments. A pure token is a word that stands for itself; a oneof and a block
// have arguments of their own.
const (
	String    Type = "string"
	Integer   Type = "integer"
	Double    Type = "double"
	Key       Type = "key"
	Pattern   Type = "pattern"
	UnixTime  Type = "unix-time"
	PureToken Type = "pure-token"
	OneOf     Type = "oneof"
	Block     Type = "block"
)

// Argument is a node of the argument tree that COMMAND DOCS shows.
type Argument struct {
	// Name is the name of COMMAND DOCS. Names of compounds are derived, and not always the
	// ones Redis chose.
	Name string
	Type Type
	// Token is the word that announces the argument, or the word itself when Type is
	// PureToken; see HasToken.
	Token string
	// Display is the argument's word in the usage line; empty for compounds and pure tokens.
	Display string
	// KeySpec is the index of the key spec that finds this argument, -1 if it is no key.
	KeySpec int
	// Optional arguments may be left out.
	Optional bool
	// Multiple arguments may be repeated, MultipleToken ones together with their Token.
	Multiple, MultipleToken bool
	// Args are the alternatives of a oneof or the parts of a block.
	Args []*Argument
}

// HasToken reports whether the argument has a token. The token may be empty: MIGRATE takes ""
// in the place of a key.
func (a *Argument) HasToken() bool { return a.Type == PureToken || a.Token != "" }

// FlagWords lists the argument's flags as COMMAND DOCS does.
func (a *Argument) FlagWords() []string {
	var words []string
	if a.Optional {
		words = append(words, "optional")
	}
	if a.Multiple {
		words = append(words, "multiple")
	}
	if a.MultipleToken {
		words = append(words, "multiple_token")
	}
	return words
}

// unbounded is the upper bound of an argument that may be repeated.
const unbounded = -1

// words is the least and the greatest number of words that the argument takes when it is
// present.
func (a *Argument) words() (least, most int) {
	switch a.Type {
	case OneOf:
		for i, alt := range a.Args {
			l, m := alt.words()
			if i == 0 {
				least, most = l, m
				continue
			}
			least = min(least, l)
			if m == unbounded || most == unbounded {
				most = unbounded
			} else {
				most = max(most, m)
			}
		}
	case Block:
		least, most = sequenceWords(a.Args)
	default:
		least, most = 1, 1
	}
	if a.Token != "" && a.Type != PureToken {
		least++
		if most != unbounded {
			most++
		}
	}
	if a.Multiple {
		most = unbounded
	}
	return least, most
}

// sequenceWords is the least and the greatest number of words of arguments in a row.
func sequenceWords(args []*Argument) (least, most int) {
	for _, a := range args {
		l, m := a.words()
		if !a.Optional {
			least += l
		}
		if m == unbounded || most == unbounded {
			most = unbounded
		} else {
			most += m
		}
	}
	return least, most
}

// arity is the arity of a command whose name is so many words long.
func arity(words int, args []*Argument) int {
	least, most := sequenceWords(args)
	if least == most {
		return words + least
	}
	return -(words + least)
}

// assignKeySpecs tells the arguments which key spec finds them. A key behind a keyword belongs
// to the spec that begins there; one behind another token to the last spec, if nobody can tell
// where that begins; the rest in order to the specs of a fixed place, the last of which takes
// all that remain. A pattern belongs to a spec of unknown keys: it makes them up.
func assignKeySpecs(args []*Argument, specs []KeySpec) {
	fixed := []int{}
	for i := range specs {
		if specs[i].Begin.Kind == BeginIndex {
			fixed = append(fixed, i)
		}
	}
	next := 0
	walk(args, "", func(a *Argument, token string) {
		if a.Type == Pattern {
			for i := range specs {
				if specs[i].Begin.Kind == BeginUnknown {
					a.KeySpec = i
					return
				}
			}
		}
		if a.Type != Key || len(specs) == 0 {
			return
		}
		if token != "" {
			for i := range specs {
				if specs[i].Begin.Kind == BeginKeyword && specs[i].Begin.Keyword == token {
					a.KeySpec = i
					return
				}
			}
			if last := len(specs) - 1; specs[last].Begin.Kind == BeginUnknown {
				a.KeySpec = last
				return
			}
		}
		if len(fixed) > 0 {
			a.KeySpec = fixed[min(next, len(fixed)-1)]
			next++
		}
	})
}

// walk visits arguments in the order of the usage line, each with the token that announces it
// or the nearest block around it.
func walk(args []*Argument, token string, visit func(a *Argument, token string)) {
	for _, a := range args {
		t := token
		if a.Token != "" {
			t = a.Token
		}
		visit(a, t)
		walk(a.Args, t, visit)
	}
}
