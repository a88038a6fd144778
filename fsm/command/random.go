package command

import "strings"

// Random makes up an invocation that follows the usage line, names included: options come and
// go and change places, lists grow and shrink, and counts agree with what they count. It is
// well formed as far as the usage line tells; whether it means anything is for a server to say.
//
// pick(n) returns a number from 0 to n-1 and is the only source of chance: the same numbers
// make the same invocation. value makes up what stands for an argument that is no token; it
// may return nil to have one made up by type. A nil value leaves all of them to their types.
func (s *Spec) Random(pick func(n int) int, value func(a *Argument) []byte) [][]byte {
	g := generator{pick: pick, value: value}
	if parent := s.Parent(); parent != nil {
		g.word(parent.Name)
	}
	g.word(s.Name)
	args := s.Arguments()
	g.keys = 1 + pick(3)
	walk(args, "", func(a *Argument, _ string) {
		if a.Type == Key && a.Multiple && a.Optional {
			g.keys = pick(3) // EVAL's keys: numkeys may be 0
			g.loose = true
		}
	})
	g.row(args, false)
	return g.out
}

// generator writes one invocation.
type generator struct {
	pick  func(n int) int
	value func(a *Argument) []byte
	keys  int  // the length of all lists that have to be equally long
	loose bool // the list of keys may be empty
	count int  // the length of the next list, if a number before it has told it
	out   [][]byte
}

func (g *generator) word(w string) { g.out = append(g.out, []byte(w)) }

// row writes arguments in a row. Options that stand side by side change places, unless one of
// them takes all that follows it. In a listing, as behind STREAMS, a list that follows the keys
// is as long as they are.
func (g *generator) row(args []*Argument, listing bool) {
	paired := false
	for len(args) > 0 {
		n := 0
		for n < len(args) && args[n].movable() {
			n++
		}
		if n < 2 {
			g.argument(args[0], paired)
			paired = paired || listing && args[0].Type == Key && args[0].Multiple
			args = args[1:]
			continue
		}
		options := append([]*Argument(nil), args[:n]...)
		for i := range options {
			j := i + g.pick(n-i)
			options[i], options[j] = options[j], options[i]
			g.argument(options[i], false)
		}
		args = args[n:]
	}
}

// movable reports whether the argument is an option that says what it is and where it ends.
func (a *Argument) movable() bool {
	_, most := a.words()
	return a.Optional && a.announced() && (most != unbounded || a.MultipleToken || a.Args == nil && a.counted())
}

// announced reports whether the argument begins with a token, whichever way it is written.
func (a *Argument) announced() bool {
	switch {
	case a.HasToken():
		return true
	case a.Type == Block:
		return !a.Args[0].Optional && a.Args[0].announced()
	case a.Type == OneOf:
		for _, alt := range a.Args {
			if !alt.announced() {
				return false
			}
		}
		return true
	}
	return false
}

// counted reports whether numkeys tells the number of the argument's repetitions.
func (a *Argument) counted() bool { return a.Name == "weight" }

// argument writes one argument, or leaves it out if it may be.
func (g *generator) argument(a *Argument, paired bool) {
	keys := a.Type == Key && a.Multiple
	if a.Optional && !(keys && g.loose) && g.pick(2) == 0 {
		return
	}
	n := 1
	switch {
	case !a.Multiple:
	case g.count > 0:
		n, g.count = g.count, 0
	case keys, a.counted(), paired:
		n = g.keys
	default:
		n += g.pick(3)
	}
	for i := range n {
		if a.HasToken() && (i == 0 || a.MultipleToken || a.Type == PureToken) {
			g.word(a.Token)
		}
		switch a.Type {
		case PureToken:
		case Block:
			g.row(a.Args, a.Token != "")
		case OneOf:
			alt := *a.Args[g.pick(len(a.Args))]
			alt.Optional = false
			g.argument(&alt, false)
		default:
			g.out = append(g.out, g.made(a))
		}
	}
}

// made makes up a value.
func (g *generator) made(a *Argument) []byte {
	if a.Name == "numkeys" {
		return []byte{'0' + byte(g.keys)}
	}
	if a.Name == "numfields" {
		g.count = 1 + g.pick(3)
		return []byte{'0' + byte(g.count)}
	}
	if g.value != nil {
		if v := g.value(a); v != nil {
			return v
		}
	}
	choices := values(a)
	return []byte(choices[g.pick(len(choices))])
}

// values are the values to make up for an argument: by its name where that promises a form,
// by its type otherwise. Few keys, fields and members, so that they meet again; numbers around
// the edges.
func values(a *Argument) []string {
	switch a.Name {
	case "bit":
		return []string{"0", "1"}
	case "encoding":
		return []string{"u1", "u8", "i8", "u16", "i64", "u63"}
	case "operation":
		return []string{"AND", "OR", "XOR", "NOT"}
	case "yes/no":
		return []string{"yes", "no"}
	case "id", "last-id", "max_deleted_entry_id":
		return []string{"0", "0-1", "1-1", "1-2", "2-0", "5", "18446744073709551615-18446744073709551615"}
	case "latitude":
		return []string{"0", "38.115556", "-85", "51.5", "89"}
	case "longitude":
		return []string{"0", "13.361389", "-180", "179.5", "-0.12"}
	case "cursor":
		return []string{"0"}
	case "threshold":
		return []string{"0", "1", "3", "1-1"}
	case "min", "max", "start", "stop", "end":
		if a.Type == String { // a bound of scores, members or ids
			return []string{"-", "+", "[a", "(b", "0", "1", "-inf", "+inf", "(1", "0-1"}
		}
	}
	switch a.Type {
	case Key:
		return []string{"k", "k1", "k2", "{k}3", ""}
	case Integer:
		return []string{"0", "1", "2", "3", "10", "-1", "-2", "100", "9223372036854775807", "-9223372036854775808"}
	case Double:
		return []string{"0", "1", "-1.5", "3.0e2", "0.1", "inf", "-inf", "100"}
	case Pattern:
		return []string{"*", "k*", "?", "[a-b]*", "\\*", "none"}
	case UnixTime:
		if strings.HasSuffix(a.Name, "milliseconds") {
			return []string{"1", "4102444800000", "33177117420000"}
		}
		return []string{"1", "4102444800", "33177117420"}
	}
	return []string{"a", "b", "c", "ab", "", "1", "12", "-7", "3.5", "a\x00\r\n\xff"}
}
