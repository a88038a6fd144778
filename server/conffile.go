package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
)

var errQuotes = errors.New("Unbalanced quotes in configuration line")

// Load reads a configuration file in the syntax of redis.conf: a directive a line, its arguments
// separated by spaces and quoted where they must be, "#" in front of a comment. An error names the
// file and the line.
func (c *Config) Load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	seen := map[string]bool{}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		if err := c.directive(in.Text(), seen); err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
	return in.Err()
}

// directive takes in one line. seen holds the parameters that earlier lines of the file have set.
func (c *Config) directive(line string, seen map[string]bool) error {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil
	}
	words, ok := command.SplitLine([]byte(line)) // Redis splits both in the same way
	if !ok {
		return errQuotes
	}
	name := string(words[0])
	p, ok := c.Lookup(name)
	if !ok || len(words) < 2 {
		return fmt.Errorf("%q: %w", name, ErrUnknownParameter)
	}
	value := string(bytes.Join(words[1:], []byte(" ")))
	if p.line != nil {
		value = p.line(words[1:])
		if seen[p.Name] {
			value = c.Get(p.Name) + "\n" + value
		}
	}
	if p.Lines && seen[p.Name] && value != "" {
		value = strings.TrimSpace(c.Get(p.Name) + " " + value)
	}
	seen[p.Name] = true
	return c.Set(name, value)
}
