package command

import (
	"fmt"
	"strings"
)

// node is a piece of a usage line as it is written: a word, or a group in brackets.
type node struct {
	at    int      // byte of the line
	text  string   // the word; empty for a group
	label string   // the annotated name
	typ   Type     // the annotated type, of a word
	open  byte     // '[' or '<', of a group; 0 for a word; '*' for a run of repeated nodes
	alts  [][]node // the alternatives of a group, at least one, none of them empty

	// written is the node as it stands in the line, evenly spaced, without annotations. It
	// stays when folding changes alts.
	written string

	repeat   bool // the group was written with a ... at its end
	multiple bool // a repeat group behind it says that it may come again
}

// maxDepth bounds the nesting of groups. Redis' own lines need six.
const maxDepth = 16

// usageError is an error in a usage line, with the place.
type usageError struct {
	at   int // byte of the line
	what string
}

func (e *usageError) Error() string { return fmt.Sprintf("usage, column %d: %s", e.at+1, e.what) }

// scanner reads a usage line into nodes.
type scanner struct {
	line string
	at   int
}

func (s *scanner) fail(what string) error { return &usageError{s.at, what} }

// sequence reads alternatives up to the given closing bracket, or to the end of the line when
// it is 0. repeat reports a ... before the closing bracket.
func (s *scanner) sequence(closing byte, depth int) (alts [][]node, repeat bool, err error) {
	if depth > maxDepth {
		return nil, false, s.fail("groups nested too deep")
	}
	var row []node
	for {
		for s.at < len(s.line) && s.line[s.at] == ' ' {
			s.at++
		}
		if s.at == len(s.line) {
			if closing != 0 {
				return nil, false, s.fail("a group is not closed")
			}
			return append(alts, row), false, nil
		}
		c := s.line[s.at]
		switch {
		case repeat && c != closing:
			return nil, false, s.fail("... does not end its group")
		case c < ' ' || c > '~':
			return nil, false, s.fail("a usage line is plain ASCII")
		}
		switch c {
		case closing, '|':
			if c == '|' && closing == 0 {
				return nil, false, s.fail("alternatives need < > or [ ] around them")
			}
			if len(row) == 0 {
				return nil, false, s.fail("nothing stands here")
			}
			s.at++
			alts, row = append(alts, row), nil
			if c == closing {
				return alts, repeat, nil
			}
		case ']', '>':
			return nil, false, s.fail("this closes nothing")
		default:
			n, err := s.node(depth)
			if err != nil {
				return nil, false, err
			}
			if n.text == "..." {
				if closing != ']' {
					return nil, false, s.fail("... belongs at the end of [ ]")
				}
				repeat = true
				continue
			}
			row = append(row, n)
		}
	}
}

// node reads a word or a group, and the label before it.
func (s *scanner) node(depth int) (node, error) {
	n := node{at: s.at}
	if w := s.word(); w != "" {
		n.text = w
		name, rest, labelled := strings.Cut(w, "=")
		if !labelled || name == "" {
			return n.finish(), nil
		}
		n.label, n.text = name, rest
		if isToken(name) || rest != "=" && strings.Contains(rest, "=") {
			return n, s.fail("a name is one word in lower case")
		}
		if rest != "" {
			return n.finish(), nil
		}
		if s.at == len(s.line) || s.line[s.at] != '[' && s.line[s.at] != '<' {
			return n, s.fail("a name labels nothing")
		}
	}
	n.open = s.line[s.at]
	closing := byte(']')
	if n.open == '<' {
		closing = '>'
	}
	s.at++
	var err error
	n.alts, n.repeat, err = s.sequence(closing, depth+1)
	n.written = string(n.open) + writtenAll(n.alts)
	if n.repeat {
		n.written += " ..."
	}
	n.written += string(closing)
	return n, err
}

// word reads up to the next space or bracket.
func (s *scanner) word() string {
	start := s.at
	for s.at < len(s.line) {
		if c := s.line[s.at]; c <= ' ' || c > '~' || strings.IndexByte("[]<>|", c) >= 0 {
			break
		}
		s.at++
	}
	return s.line[start:s.at]
}

// finish takes the type off a word such as start:integer. Other colons belong to the word, as
// in ip:port.
func (n node) finish() node {
	if i := strings.LastIndexByte(n.text, ':'); i > 0 {
		switch t := Type(n.text[i+1:]); t {
		case String, Integer, Double, Key, Pattern, UnixTime:
			n.text, n.typ = n.text[:i], t
		}
	}
	n.written = n.text
	return n
}

// isToken reports whether the node is a word that stands for itself.
func (n node) isToken() bool { return n.open == 0 && isToken(n.text) }

// isToken reports whether a word of a usage line stands for itself: it has no lower-case
// letter.
func isToken(word string) bool {
	for _, c := range []byte(word) {
		if 'a' <= c && c <= 'z' {
			return false
		}
	}
	return true
}

// written is a row as a usage line, without annotations.
func written(row []node) string {
	words := make([]string, len(row))
	for i, n := range row {
		words[i] = n.written
	}
	return strings.Join(words, " ")
}

// writtenAll is several alternatives as a usage line, without annotations.
func writtenAll(alts [][]node) string {
	rows := make([]string, len(alts))
	for i, row := range alts {
		rows[i] = written(row)
	}
	return strings.Join(rows, " | ")
}
