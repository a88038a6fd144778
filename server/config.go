package server

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// ErrUnknownParameter says that a name is none of the server's parameters.
var ErrUnknownParameter = errors.New("Bad directive or wrong number of arguments")

// A Config holds the value of every parameter: those of this node, and, of replicated ones, what
// file and flags would seed an empty cluster with. It is filled by Set and Load before a Server
// exists, and by CONFIG SET afterwards. Its methods may be called from any goroutine.
type Config struct {
	table  []*Parameter
	byName map[string]*Parameter

	mu     sync.RWMutex
	values map[string]string // by Parameter.Name, canonical
	given  map[string]bool   // set by file, flags or CONFIG SET
}

// NewConfig returns a Config in which every parameter has its default.
func NewConfig() *Config {
	c := &Config{table: Parameters(), byName: map[string]*Parameter{}, values: map[string]string{}, given: map[string]bool{}}
	for _, p := range c.table {
		for _, name := range p.names() {
			c.byName[name] = p
		}
		c.values[p.Name] = p.Default
	}
	return c
}

// Parameters is the table behind the configuration, in the order of help and documentation.
func (c *Config) Parameters() []*Parameter { return c.table }

// Lookup finds a parameter by any of its names, in any case.
func (c *Config) Lookup(name string) (*Parameter, bool) {
	p, ok := c.byName[strings.ToLower(name)]
	return p, ok
}

// Set gives a parameter a value, as a flag or a line of a file does. Immutable parameters may be
// set this way. The error names the parameter.
func (c *Config) Set(name, value string) error {
	p, ok := c.Lookup(name)
	if !ok {
		return fmt.Errorf("%q: %w", name, ErrUnknownParameter)
	}
	v, err := p.checkChange(c.Get(p.Name), value)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	c.store(p, v)
	return nil
}

func (c *Config) store(p *Parameter, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values[p.Name] = value
	c.given[p.Name] = true
}

// Get is the value of a parameter by its first name. It panics if there is none of that name: the
// name is part of the program.
func (c *Config) Get(name string) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.values[name]
	if !ok {
		panic("server: no parameter " + name)
	}
	return v
}

// Int is Get of a parameter of kind Int, Memory or Octal, as a number.
func (c *Config) Int(name string) int64 {
	base := 10
	if c.byName[name].Kind == Octal {
		base = 8
	}
	n, err := strconv.ParseInt(c.Get(name), base, 64)
	if err != nil {
		panic("server: parameter " + name + " is no number")
	}
	return n
}

// Bool is Get of a parameter of kind Bool.
func (c *Config) Bool(name string) bool { return c.Get(name) == "yes" }

// Given reports whether file, flags or CONFIG SET have set a parameter, even to its default.
func (c *Config) Given(name string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.given[name]
}

// Seeds are the replicated parameters with their values here, name after value, in the table's
// order: what an empty cluster begins with.
func (c *Config) Seeds() []string {
	var seeds []string
	for _, p := range c.table {
		if p.Replicated {
			seeds = append(seeds, p.Name, c.Get(p.Name))
		}
	}
	return seeds
}

// match calls yield with every name of CONFIG that one of the patterns matches, and its
// parameter. Patterns without a wildcard are looked up.
func (c *Config) match(patterns [][]byte, glob func(pattern, name []byte) bool, yield func(name string, p *Parameter)) {
	done := map[string]bool{}
	show := func(name string, p *Parameter) {
		if !done[name] && !p.Secret {
			done[name] = true
			yield(name, p)
		}
	}
	for _, pattern := range patterns {
		text := strings.ToLower(string(pattern))
		if !strings.ContainsAny(text, `*?[\`) {
			if p, ok := c.byName[text]; ok {
				show(text, p)
			}
			continue
		}
		for _, p := range c.table {
			for _, name := range p.names() {
				if !p.Hidden && glob([]byte(text), []byte(name)) {
					show(name, p)
				}
			}
		}
	}
}
