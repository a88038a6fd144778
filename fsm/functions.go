package fsm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redraftdb/redraft/fsm/lua"
	"github.com/redraftdb/redraft/snapshot"
)

// functions are the libraries of FUNCTION LOAD: part of the replicated state. A value of it never changes; what
// changes the libraries makes another.
type functions struct {
	libraries []*lua.Library           // by name
	byName    map[string]libraryMember // by the function's name in lower case
	bytes     int                      // of the sources
}

// libraryMember is a function and where it is.
type libraryMember struct {
	library  *lua.Library
	function *lua.Function
}

// functionsMost is how many bytes the sources of all libraries may have together. Redis keeps everything until it is
// out of memory.
const functionsMost = 64 << 20

var errFunctionsFull = fmt.Errorf("the libraries of functions have more than %d bytes", functionsMost)

// search is where a library is, or belongs.
func (f *functions) search(name string) (int, bool) {
	return slices.BinarySearchFunc(f.libraries, name, func(l *lua.Library, name string) int { return strings.Compare(l.Name, name) })
}

// has reports whether there is a library of a name.
func (f *functions) has(name string) bool {
	_, ok := f.search(name)
	return ok
}

// find finds a function, in any mix of cases.
func (f *functions) find(name []byte) (libraryMember, bool) {
	m, ok := f.byName[strings.ToLower(string(name))]
	return m, ok
}

// with is f and a library, which no function of f's stands in the way of. The library must not be there.
func (f *functions) with(l *lua.Library) (*functions, error) {
	for i := range l.Functions {
		if name := l.Functions[i].Name; f.byName[strings.ToLower(name)].library != nil {
			return nil, fmt.Errorf("Function %s already exists", name) //nolint:staticcheck // Redis' words
		}
	}
	if f.bytes+len(l.Source) > functionsMost {
		return nil, errFunctionsFull
	}
	at, _ := f.search(l.Name)
	return newFunctions(slices.Insert(slices.Clone(f.libraries), at, l)), nil
}

// without is f without the library of a name.
func (f *functions) without(name string) *functions {
	at, ok := f.search(name)
	if !ok {
		return f
	}
	return newFunctions(slices.Delete(slices.Clone(f.libraries), at, at+1))
}

func newFunctions(libraries []*lua.Library) *functions {
	f := &functions{libraries: libraries, byName: map[string]libraryMember{}}
	for _, l := range libraries {
		f.bytes += len(l.Source)
		for i := range l.Functions {
			f.byName[strings.ToLower(l.Functions[i].Name)] = libraryMember{l, &l.Functions[i]}
		}
	}
	return f
}

// join is f and the libraries of another, in the place of those of the same name if replace says so.
func (f *functions) join(other *functions, replace bool) (*functions, error) {
	all := f
	for _, l := range other.libraries {
		if !f.has(l.Name) {
			continue
		}
		if !replace {
			return nil, fmt.Errorf("Library %s already exists", l.Name) //nolint:staticcheck // Redis' words
		}
		all = all.without(l.Name)
	}
	for _, l := range other.libraries {
		var err error
		if all, err = all.with(l); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// load loads a source into f, on an engine.
func (f *functions) load(e *lua.Engine, source []byte, replace bool, log func(level int, text string)) (*functions, *lua.Library, error) {
	h, err := lua.ParseHeader(source)
	if err != nil {
		return nil, nil, err
	}
	if f.has(h.Name) && !replace {
		return nil, nil, fmt.Errorf("Library '%s' already exists", h.Name) //nolint:staticcheck // Redis' words
	}
	l, err := e.Load(h, log)
	if err != nil {
		return nil, nil, err
	}
	all, err := f.without(h.Name).with(l)
	return all, l, err
}

// sources are those of the libraries.
func (f *functions) sources() []string {
	out := make([]string, len(f.libraries))
	for i, l := range f.libraries {
		out[i] = l.Source
	}
	return out
}

// readFunctions loads the libraries of a payload of FUNCTION DUMP.
func readFunctions(e *lua.Engine, payload []byte) (*functions, error) {
	f := newFunctions(nil)
	err := snapshot.EachFunction(payload, func(source []byte) (err error) {
		f, _, err = f.load(e, source, false, nil)
		return err
	})
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, snapshot.ErrPayload):
		return nil, errors.New("DUMP payload version or checksum are wrong") //nolint:staticcheck // Redis' words
	case errors.Is(err, snapshot.ErrNoFunction):
		return nil, errors.New("given type is not a function")
	case errors.Is(err, snapshot.ErrFormat), errors.Is(err, snapshot.ErrLimit):
		return nil, errors.New("Failed loading library payload") //nolint:staticcheck // Redis' words
	}
	return nil, err
}

// FunctionCounts is how many libraries and functions there are.
func (m *Machine) FunctionCounts() (libraries, functions int) {
	f := m.functions.Load()
	return len(f.libraries), len(f.byName)
}
