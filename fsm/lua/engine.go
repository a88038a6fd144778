package lua

import (
	"github.com/redraftdb/redraft/fsm/reply"
	lua "github.com/yuin/gopher-lua"
)

// A Host is what scripts can reach of the server.
type Host interface {
	// Call runs a command and answers it, in the protocol that the sink speaks. It returns false if the script
	// is not to go on; then it need not have answered.
	Call(args [][]byte, out Answer) bool
	// Repeats is told when the answer of the script will be an error that a command it called has answered.
	Repeats(text string)
	// Permitted reports whether there is such a command and whether the user who runs the script may run it.
	Permitted(args [][]byte) (known, permitted bool)
	// Log takes a line of a script's for the server's log; level is 0 to 3, from debug to warning.
	Log(level int, text string)
	// Interrupted is asked now and then whether the script is to be stopped.
	Interrupted() bool
}

// An Answer is where a command that a script calls writes its answer.
type Answer interface {
	reply.Sink
	// Failed is the error that was the answer, empty if it was none.
	Failed() string
	// Work counts so many instructions for what the command does.
	Work(steps int64)
}

// An Engine runs one script at a time, and nothing of a script stays behind in it.
type Engine struct {
	main     *lua.LState
	globals  *lua.LTable
	readOnly *lua.LTable // the metatable that marks a table as read-only
	sealed   *lua.LTable // the same of the globals
	strings  *lua.LTable // what scripts see as the metatable of strings
	foreign  *lua.LTable // the metatable of values that are none of Lua's

	library        *lua.LTable // what a library sees when it registers its functions
	libraryGlobals *lua.LTable // the globals of libraries, which are empty
	librarySeal    *lua.LTable // the metatable of those: where their functions look instead
	registering    bool        // a library registers its functions
	registered     []registration

	guard     *lua.LFunction // see protect
	nextIndex *lua.LFunction // see baseIpairs

	// Of the run.
	host       Host
	limits     Limits
	steps      int64         // left
	checkpoint int64         // when the next interval is over
	memory     int64         // left
	held       int64         // by strings in the making, see builder
	drafted    int64         // see draft
	fresh      []*lua.LTable // tables that functions have made since the last instruction
	halted     halt
	panicked   any
	protocol   int
	random     rand48
	serials    map[lua.LValue]int // of tables and others, as tostring writes them
	own        lua.LValue         // the last error that a script raised itself
	place      place              // where the last error was raised
	json       jsonSettings
}

// place is a line of a chunk.
type place struct {
	source string
	line   int
}

// NewEngine returns an engine that is ready.
func NewEngine() *Engine {
	e := &Engine{}
	e.main = lua.NewState(lua.Options{
		SkipOpenLibs:        true,
		CallStackSize:       callsMost + 256,
		MinimizeStackMemory: true,
		RegistrySize:        512,
		RegistryMaxSize:     registryMost,
		RegistryGrowStep:    2048,
	})
	e.newThread(e.main)
	e.globals = e.main.Get(lua.GlobalsIndex).(*lua.LTable)
	e.readOnly, e.sealed = e.main.NewTable(), e.main.NewTable()
	e.guard = e.main.NewFunction(e.guarded)
	e.nextIndex = e.function(nextIndex)
	e.unlimited()
	e.openLibraries()
	return e
}

// unlimited is for what the engine does by itself.
func (e *Engine) unlimited() {
	e.begin(nobody{}, Limits{1 << 40, 1 << 40})
}

// begin makes the engine ready for a run.
func (e *Engine) begin(host Host, limits Limits) {
	e.host, e.limits = host, limits
	e.steps, e.memory = limits.Steps, limits.Memory
	e.checkpoint = max(0, e.steps-interval)
	e.halted, e.panicked, e.protocol = running, nil, 2
	e.held, e.drafted, e.fresh = 0, 0, nil
	e.serials, e.own = nil, nil
	e.place = place{}
	e.json.defaults()
}

// Outcome is how a run ended.
type Outcome int

// The outcomes.
const (
	Answered  Outcome = iota // the answer has been written, be it an error
	Abandoned                // the Host wanted it not to go on; nothing has been written
)

// A Call is what a script is called with.
type Call struct {
	Keys, Args [][]byte
	Host       Host
	Limits     Limits
	Seed       uint64 // of math.random
}

// Run runs a script and answers what it returns, or its error. A panic of the Host's goes through.
func (e *Engine) Run(s *Script, c Call, out reply.Sink) Outcome {
	e.begin(c.Host, c.Limits)
	e.random.begin(c.Seed)
	e.globals.RawSetString("KEYS", e.arrayOf(c.Keys))
	e.globals.RawSetString("ARGV", e.arrayOf(c.Args))
	outcome := e.execute(e.main.NewFunctionFromProto(s.chunk), s.SHA, out)
	e.globals.RawSetString("KEYS", lua.LNil)
	e.globals.RawSetString("ARGV", lua.LNil)
	e.end()
	return outcome
}

// execute calls a function and answers.
func (e *Engine) execute(fn *lua.LFunction, name string, out reply.Sink, args ...lua.LValue) Outcome {
	L := e.main
	L.Push(fn)
	for _, a := range args {
		L.Push(a)
	}
	failed := e.protect(L, len(args))
	switch {
	case e.halted == abandoned:
		return Abandoned
	case e.halted == broken:
		panic(e.panicked)
	case failed != nil:
		text := e.errorText(failed.Object, name)
		e.repeats(failed.Object, text)
		out.Error(text)
	default:
		var result lua.LValue = lua.LNil
		if L.GetTop() > 0 {
			result = L.Get(1)
		}
		e.answer(result, out)
	}
	return Answered
}

// end forgets the run.
func (e *Engine) end() {
	e.main.SetTop(0)
	e.host, e.serials, e.panicked = nobody{}, nil, nil
}

// arrayOf is a table of strings.
func (e *Engine) arrayOf(words [][]byte) *lua.LTable {
	t := e.main.CreateTable(len(words), 0)
	for i, w := range words {
		t.RawSetInt(i+1, lua.LString(w))
	}
	return t
}

// nobody is the Host while no script runs.
type nobody struct{}

func (nobody) Call(_ [][]byte, out Answer) bool           { out.Error("ERR no script runs"); return true }
func (nobody) Permitted([][]byte) (known, permitted bool) { return false, false }
func (nobody) Repeats(string)                             {}
func (nobody) Log(int, string)                            {}
func (nobody) Interrupted() bool                          { return false }
