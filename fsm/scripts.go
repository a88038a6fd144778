package fsm

import (
	"errors"
	"slices"

	"github.com/redraftdb/redraft/fsm/lua"
)

// scripts are those that EVALSHA finds: part of the replicated state, so that every node has the same. What
// SCRIPT LOAD brings stays until SCRIPT FLUSH; what EVAL leaves behind makes room for newer scripts.
type scripts struct {
	byDigest  map[string]*lua.Script
	loaded    []*lua.Script // in the order in which they came
	evaluated []*lua.Script
	bytes     int // of the sources of those that were loaded
	leftover  int // of the others
}

// How many scripts there may be, in bytes of their sources. Redis keeps everything until it is out of memory.
const (
	scriptsLoaded    = 16 << 20
	scriptsEvaluated = 4 << 20
	evaluatedMost    = 500 // scripts
)

// find returns the script of a digest, in any mix of cases.
func (c *scripts) find(digest []byte) *lua.Script {
	const length = 40
	if len(digest) != length {
		return nil
	}
	var lower [length]byte
	for i, b := range digest {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		lower[i] = b
	}
	return c.byDigest[string(lower[:])]
}

// load takes a script in to stay. It reports whether there is room.
func (c *scripts) load(s *lua.Script) bool {
	if slices.ContainsFunc(c.loaded, s.Same) {
		return true
	}
	if c.bytes+len(s.Source) > scriptsLoaded {
		return false
	}
	if i := slices.IndexFunc(c.evaluated, s.Same); i >= 0 {
		c.evaluated = slices.Delete(c.evaluated, i, i+1)
		c.leftover -= len(s.Source)
	}
	c.loaded = append(c.loaded, s)
	c.bytes += len(s.Source)
	c.note(s)
	return true
}

// keep takes in a script that was evaluated, in the place of the oldest such ones if need be.
func (c *scripts) keep(s *lua.Script) {
	if c.byDigest[s.SHA] != nil {
		return
	}
	c.evaluated = append(c.evaluated, s)
	c.leftover += len(s.Source)
	c.note(s)
	for len(c.evaluated) > evaluatedMost || c.leftover > scriptsEvaluated {
		oldest := c.evaluated[0]
		c.evaluated = slices.Delete(c.evaluated, 0, 1)
		c.leftover -= len(oldest.Source)
		delete(c.byDigest, oldest.SHA)
	}
}

func (c *scripts) note(s *lua.Script) {
	if c.byDigest == nil {
		c.byDigest = map[string]*lua.Script{}
	}
	c.byDigest[s.SHA] = s
}

// What a script's field of a snapshot begins with.
const (
	scriptIsLoaded    = 'l'
	scriptIsEvaluated = 'e'
)

// aux lists the scripts as fields of a snapshot.
func (c *scripts) aux() (fields [][2]string) {
	for _, s := range c.loaded {
		fields = append(fields, [2]string{auxScript, string(scriptIsLoaded) + s.Source})
	}
	for _, s := range c.evaluated {
		fields = append(fields, [2]string{auxScript, string(scriptIsEvaluated) + s.Source})
	}
	return fields
}

var errScript = errors.New("it is not in the form that this version writes")

// read takes in a field of a snapshot.
func (c *scripts) read(text string) error {
	if text == "" || text[0] != scriptIsLoaded && text[0] != scriptIsEvaluated {
		return errScript
	}
	s, err := lua.Compile([]byte(text[1:]))
	if err != nil {
		return err
	}
	if c.byDigest[s.SHA] != nil {
		return errors.New("it comes twice")
	}
	if text[0] == scriptIsEvaluated {
		c.keep(s)
	} else if !c.load(s) {
		return errScript
	}
	return nil
}
