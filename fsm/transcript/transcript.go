// Package transcript reads and writes tests that are conversations: commands and their whole
// replies as text. One set of files is run on a bare machine, through a server, on a cluster that
// changes its leader meanwhile, and against redis-server, which proves what they expect.
//
//	# a comment
//	> SET key "a \x00 value" EX 10
//	+OK
//	advance 20ms
//	> GET key
//	_
//
// A reply is written as reply.Recorder writes it and ends at the next command, advance, comment or
// blank line. Words are separated by spaces; one in double quotes is a Go string.
package transcript

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// A Step is one command with the reply it expects, or time that goes by, or text that is kept as
// it is.
type Step struct {
	Line    int           // where it stands in its file, from 1
	Text    string        // of a comment or a blank line
	Args    []string      // of a command
	Want    string        // its reply, each line ended by a newline
	Advance time.Duration // how much time goes by, if it is neither
}

// Parse reads a transcript.
func Parse(in io.Reader) ([]Step, error) {
	var steps []Step
	sc := bufio.NewScanner(in)
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			steps = append(steps, Step{Line: n, Text: line})
		case strings.HasPrefix(line, "> "):
			args, err := split(line[2:])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			steps = append(steps, Step{Line: n, Args: args})
		case strings.HasPrefix(line, "advance "):
			d, err := time.ParseDuration(line[len("advance "):])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			steps = append(steps, Step{Line: n, Advance: d})
		case len(steps) > 0 && steps[len(steps)-1].Args != nil:
			steps[len(steps)-1].Want += line + "\n"
		default:
			return nil, fmt.Errorf("line %d: a reply without a command: %q", n, line)
		}
	}
	return steps, sc.Err()
}

// split takes a command line apart.
func split(line string) ([]string, error) {
	var args []string
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		word, rest, _ := strings.Cut(line, " ")
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, err
			}
			rest = line[len(quoted):]
			if word, err = strconv.Unquote(quoted); err != nil {
				return nil, err
			}
		}
		args, line = append(args, word), rest
	}
	if len(args) == 0 {
		return nil, fmt.Errorf("no command")
	}
	return args, nil
}

// Format writes steps as Parse reads them.
func Format(steps []Step) string {
	var b strings.Builder
	for _, s := range steps {
		switch {
		case s.Args != nil:
			b.WriteByte('>')
			for _, a := range s.Args {
				b.WriteByte(' ')
				b.WriteString(quote(a))
			}
			b.WriteString("\n" + s.Want)
		case s.Advance != 0:
			fmt.Fprintf(&b, "advance %s\n", s.Advance)
		default:
			b.WriteString(s.Text + "\n")
		}
	}
	return b.String()
}

// quote quotes a word if it needs it.
func quote(s string) string {
	if q := strconv.Quote(s); s == "" || len(q) != len(s)+2 || strings.ContainsAny(s, " ") {
		return q
	}
	return s
}
