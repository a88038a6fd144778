package lua

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redraftdb/redraft/fsm/reply"
	lua "github.com/yuin/gopher-lua"
)

// Functions: a library is a source that, when it is run, registers functions with redis.register_function. It is run
// with globals of its own, which have little more than that.
//
// Redis runs a library once and keeps what it made. Here it is run before each call of one of its functions, since
// what a call left behind in the library's variables would differ from node to node: a node that starts from a
// snapshot has seen none of the calls, and calls that only read happen on one node alone.

// loadLimits are what a library may take to register its functions: as much as half a second stands for, which is
// what Redis gives it. They are no setting, so that a library which has been loaded can be loaded again.
func loadLimits() Limits { return Limits{Steps: StepsASecond / 2, Memory: 64 << 20} }

// A Header is a library's source and what its first line says: "#!lua name=…".
type Header struct {
	Name   string
	Source string
	body   string // from the end of the first line on, so that lines keep their numbers
}

// A Library is a source that registered functions. It never changes, and engines share it.
type Library struct {
	Header
	Functions []Function // in the order in which they were registered
	SHA       string     // SHA-1 of the source, in hexadecimal
	chunk     *lua.FunctionProto
}

// A Function is one of a library's.
type Function struct {
	Name        string
	Description string
	Described   bool // it has a description, be it an empty one
	Flags       Flags
}

// ParseHeader reads the first line of a library's source. The error is what the client is told, without the code in
// front.
func ParseHeader(source []byte) (h Header, err error) {
	text := string(source)
	if !strings.HasPrefix(text, "#!") {
		return h, errors.New(errNoMetadata)
	}
	end := strings.IndexByte(untilNUL(text), '\n')
	if end < 0 {
		return h, errors.New(errMetadata)
	}
	words, ok := splitWords(text[:end])
	if !ok || len(words) == 0 {
		return h, errors.New(errMetadata)
	}
	named := false
	for _, word := range words[1:] {
		switch {
		case !hasWord(word, "name="):
			return h, fmt.Errorf("%s: %s", errMetadataValue, untilNUL(word))
		case named:
			return h, errors.New(errMetadataName)
		}
		h.Name, named = word[len("name="):], true
	}
	engine := words[0][min(len("#!"), len(words[0])):]
	switch {
	case !named:
		return h, errors.New(errNoLibraryName)
	case !isFunctionName(h.Name):
		return h, errors.New(errLibraryName)
	case !strings.EqualFold(engine, "lua"):
		return h, fmt.Errorf("Engine '%s' not found", engine) //nolint:staticcheck // Redis' words
	}
	h.Source, h.body = text, text[end:]
	return h, nil
}

// isFunctionName reports whether a library or a function may be called so.
func isFunctionName(name string) bool {
	for i := range len(name) {
		if !isAlnum(name[i]) && name[i] != '_' {
			return false
		}
	}
	return name != ""
}

// Load compiles a library and has it register its functions. log takes what it logs, nil for nobody. The error is
// what the client is told, without the code in front.
func (e *Engine) Load(h Header, log func(level int, text string)) (*Library, error) {
	chunk, err := compile(h.body, "user_function")
	if err != nil {
		return nil, fmt.Errorf("Error compiling function: %w", err) //nolint:staticcheck // Redis' words
	}
	l := &Library{Header: h, SHA: Digest([]byte(h.Source)), chunk: chunk}
	registered, problem := e.register(l, log)
	if problem != "" {
		return nil, errors.New("Error registering functions: " + problem) //nolint:staticcheck // Redis' words
	}
	if len(registered) == 0 {
		return nil, errors.New(errNoFunctions)
	}
	for _, r := range registered {
		l.Functions = append(l.Functions, r.Function)
	}
	return l, nil
}

// CallFunction calls the function of this name of a library, which has it, and answers what it returns, or its
// error.
func (e *Engine) CallFunction(l *Library, name string, c Call, out reply.Sink) Outcome {
	registered, problem := e.register(l, nil)
	if problem != "" {
		out.Error(problem)
		return Answered
	}
	defer e.end()
	for _, r := range registered {
		if r.Name == name {
			e.begin(c.Host, c.Limits)
			e.random.begin(c.Seed)
			return e.execute(r.callback, r.Name, out, e.arrayOf(c.Keys), e.arrayOf(c.Args))
		}
	}
	out.Error("ERR " + errNoFunctions)
	return Answered
}

// registration is what register_function was told.
type registration struct {
	Function
	callback *lua.LFunction
}

// register runs a library and returns what it registered, or the error it raised.
func (e *Engine) register(l *Library, log func(level int, text string)) (registered []registration, problem string) {
	e.begin(loader{log: log}, loadLimits())
	defer e.main.SetTop(0)
	e.registering, e.registered = true, nil
	e.lookInto(e.library)
	defer func() {
		e.registering, e.registered = false, nil
		e.lookInto(e.globals)
	}()
	fn := e.main.NewFunctionFromProto(l.chunk)
	fn.Env = e.libraryGlobals
	e.main.Push(fn)
	failed := e.protect(e.main, 0)
	switch {
	case e.halted == tooLong:
		return nil, "ERR " + errLoadTimeout
	case failed != nil:
		e.place = place{}
		return nil, e.errorText(failed.Object, "")
	}
	return e.registered, ""
}

// lookInto makes a table the one in which a library's functions find their globals.
func (e *Engine) lookInto(t *lua.LTable) { e.librarySeal.RawSetString("__index", t) }

// loader is the Host of a library that registers its functions: it can write to the log.
type loader struct {
	nobody
	log func(level int, text string)
}

// Log takes a line.
func (l loader) Log(level int, text string) {
	if l.log != nil {
		l.log(level, text)
	}
}

// openFunctions makes what libraries find when they register their functions: a table redis, with register_function
// and what redis.log needs.
func (e *Engine) openFunctions() {
	api := e.table(map[string]function{"register_function": registerFunction})
	all := e.globals.RawGetString("redis").(*lua.LTable)
	for _, name := range []string{
		"log", "LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING", "REDIS_VERSION", "REDIS_VERSION_NUM",
	} {
		api.RawSetString(name, all.RawGetString(name))
	}
	e.library = e.main.NewTable()
	e.library.RawSetString("redis", api)
	api.Metatable, e.library.Metatable = e.sealed, e.sealed
	e.libraryGlobals, e.librarySeal = e.main.NewTable(), e.main.NewTable()
	e.libraryGlobals.Metatable = e.librarySeal
	e.librarySeal.Metatable = e.readOnly
	e.lookInto(e.globals)
}

// registerFunction is redis.register_function: with a name and a function, or with a table of named arguments.
func registerFunction(e *Engine, L *lua.LState) int {
	if !e.registering {
		e.failReply(L, "ERR "+errRegisterOutside)
	}
	var r registration
	problem := ""
	switch L.GetTop() {
	case 1:
		problem = r.named(e, L)
	case 2:
		problem = r.positional(L)
	default:
		problem = errRegisterArguments
	}
	switch {
	case problem != "":
	case !isFunctionName(r.Name):
		problem = errLibraryName
	case e.isRegistered(r.Name):
		problem = errRegisterTwice
	}
	if problem != "" {
		e.failReply(L, "ERR "+problem)
	}
	e.grow(L, tableSize+len(r.Name)+len(r.Description))
	e.registered = append(e.registered, r)
	return 0
}

// isRegistered reports whether the library has a function of this name. Names are called in any mix of cases.
func (e *Engine) isRegistered(name string) bool {
	for _, r := range e.registered {
		if strings.EqualFold(r.Name, name) {
			return true
		}
	}
	return false
}

// positional reads a name and a function.
func (r *registration) positional(L *lua.LState) (problem string) {
	var ok bool
	if r.Name, ok = textOf(L.Get(1)); !ok {
		return errRegisterName
	}
	if r.callback, ok = L.Get(2).(*lua.LFunction); !ok {
		return errRegisterCallback
	}
	return ""
}

// named reads a table of named arguments.
func (r *registration) named(e *Engine, L *lua.LState) (problem string) {
	t, ok := L.Get(1).(*lua.LTable)
	if !ok {
		return errRegisterSingle
	}
	hasName := false
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		e.work(L, 1)
		key, ok := textOf(k)
		if !ok {
			return errNamedKey
		}
		switch strings.ToLower(key) {
		case "function_name":
			if r.Name, hasName = textOf(v); !hasName {
				return errNamedName
			}
		case "description":
			if r.Description, r.Described = textOf(v); !r.Described {
				return errNamedDescription
			}
		case "callback":
			if r.callback, ok = v.(*lua.LFunction); !ok {
				return errNamedCallback
			}
		case "flags":
			flags, ok := v.(*lua.LTable)
			if !ok {
				return errNamedFlags
			}
			if !r.flags(e, L, flags) {
				return errNamedFlag
			}
		default:
			return errNamedUnknown
		}
	}
	switch {
	case !hasName:
		return errNamedNoName
	case r.callback == nil:
		return errNamedNoCallback
	}
	return ""
}

// flags reads a list of flags, and reports whether it knows them all.
func (r *registration) flags(e *Engine, L *lua.LState, list *lua.LTable) bool {
	r.Flags = Flags{Declared: true}
	for i := 1; ; i++ {
		e.work(L, 1)
		v := list.RawGetInt(i)
		if v == lua.LNil {
			return true
		}
		if name, ok := textOf(v); !ok || !r.Flags.Set(strings.ToLower(name)) {
			return false
		}
	}
}

// splitWords splits a line into words as Redis' configuration does: in double quotes a backslash escapes, in single
// quotes only a quote does, and what follows a closing quote is space. ok is false where a quote is not closed so.
func splitWords(line string) (words []string, ok bool) {
	for {
		line = line[skipSpace(line):]
		if line == "" {
			return words, true
		}
		var word []byte
		for line != "" && skipSpace(line) == 0 {
			if c := line[0]; c != '"' && c != '\'' {
				word, line = append(word, c), line[1:]
				continue
			}
			part, rest, closed := unquoteWord(line)
			if !closed || rest != "" && skipSpace(rest) == 0 {
				return nil, false
			}
			word, line = append(word, part...), rest
		}
		words = append(words, string(word))
	}
}

// unquoteWord reads what stands in quotes at the head of a line.
func unquoteWord(line string) (part []byte, rest string, closed bool) {
	quote := line[0]
	for i := 1; i < len(line); i++ {
		c := line[i]
		switch {
		case c == quote:
			return part, line[i+1:], true
		case c != '\\' || i+1 == len(line):
		case quote == '\'':
			if line[i+1] == '\'' {
				i++
				c = '\''
			}
		case line[i+1] == 'x' && i+3 < len(line) && isHexDigit(line[i+2]) && isHexDigit(line[i+3]):
			c = hexValue(line[i+2])<<4 | hexValue(line[i+3])
			i += 3
		default:
			i++
			c = escapedByte(line[i])
		}
		part = append(part, c)
	}
	return nil, "", false
}

// escapedByte is what a byte behind a backslash stands for.
func escapedByte(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

// hexValue is the value of a hexadecimal digit.
func hexValue(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
