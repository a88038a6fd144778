package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/glob"
	"github.com/redraftdb/redraft/fsm/lua"
	"github.com/redraftdb/redraft/fsm/reply"
	"github.com/redraftdb/redraft/snapshot"
)

func functionCommands() []*command.Spec {
	const (
		call  = command.NoScript | command.Stale | command.SkipMonitor | command.NoMandatoryKeys
		usage = "function numkeys [key [key ...]] [arg [arg ...]]"
		most  = "Depends on the function that is executed."
	)
	return []*command.Spec{
		{Name: "fcall", Usage: usage, Group: "scripting", Since: "7.0.0", Complexity: most, Summary: "Call a function of a library",
			Flags: call | command.MayReplicate, Keys: command.KeyNum(2, command.RW|command.Access|command.Update), Handler: handler(fcallCommand),
			Differs: "The library is run anew before each call: what an earlier call left in its variables is not there."},
		{Name: "fcall_ro", Usage: usage, Group: "scripting", Since: "7.0.0", Complexity: most, Summary: "Call a function of a library that only reads",
			Flags: call | command.ReadOnly, Keys: command.KeyNum(2, command.RO|command.Access), Handler: handler(fcallCommand)},
		{Name: "function", Group: "scripting", Since: "7.0.0", Complexity: "Depends on subcommand.",
			Summary: "Manage libraries of functions", Sub: functionSubcommands()},
	}
}

func functionSubcommands() []*command.Spec {
	const (
		flags = command.NoScript
		write = flags | command.Write
		all   = "request_policy:all_shards"
	)
	everywhere := []string{all, "response_policy:all_succeeded"}
	return []*command.Spec{
		{Name: "delete", Usage: "library-name", Since: "7.0.0", Complexity: "O(1)", Summary: "Delete a library and its functions",
			Flags: write, Tips: everywhere, Handler: handler(functionDeleteCommand)},
		{Name: "dump", Since: "7.0.0", Complexity: "O(N) for N functions", Summary: "Write all libraries as a payload",
			Flags: flags, Handler: handler(functionDumpCommand)},
		{Name: "flush", Usage: "[ASYNC | SYNC]", Since: "7.0.0", Complexity: "O(N) for N functions", Summary: "Delete all libraries",
			Flags: write, Tips: everywhere, Handler: handler(functionFlushCommand)},
		{Name: "kill", Since: "7.0.0", Complexity: "O(1)", Summary: "Stop a function that has been running for too long",
			Flags: flags | command.AllowBusy, Tips: []string{all, "response_policy:one_succeeded"}, Handler: handler(nodesCommand)},
		{Name: "list", Usage: "[LIBRARYNAME library-name-pattern:string] [WITHCODE]", Since: "7.0.0", Complexity: "O(N) for N functions",
			Summary: "Tell about libraries and their functions", Flags: flags, Tips: []string{"nondeterministic_output_order"},
			Handler: handler(functionListCommand)},
		{Name: "load", Usage: "[REPLACE] function-code:string", Since: "7.0.0", Complexity: "O(1), and what the library takes to run",
			Summary: "Load a library", Flags: write | command.DenyOOM, Tips: everywhere,
			Check: checker(checkFunctionLoad), Handler: handler(functionLoadCommand)},
		{Name: "restore", Usage: "serialized-value:string policy=[FLUSH | APPEND | REPLACE]", Since: "7.0.0", Complexity: "O(N) for N functions of the payload",
			Summary: "Load the libraries of a payload", Flags: write | command.DenyOOM, Tips: everywhere,
			Check: checker(checkFunctionRestore), Handler: handler(functionRestoreCommand)},
		{Name: "stats", Since: "7.0.0", Complexity: "O(1)", Summary: "Tell which function runs, and how many there are",
			Flags: flags | command.AllowBusy, Tips: []string{"nondeterministic_output", all, "response_policy:special"}, Handler: handler(nodesCommand)},
		command.HelpSub("7.0.0", handler(helpCommand)),
	}
}

// fcallCommand calls a function.
func fcallCommand(r *run) {
	member, ok := r.state.functions.find(r.args[1])
	if !ok {
		r.out.Error(errNoFunction)
		return
	}
	numkeys, ok := r.scriptKeys(errKeysNumber)
	if !ok {
		return
	}
	readOnly, flags := r.spec.IsRead(), member.function.Flags
	if readOnly && !flags.NoWrites {
		r.out.Error(errScriptWrites)
		return
	}
	flags.Declared = true // a library's first line does
	r.runLua(true, readOnly, flags, numkeys, func(e *lua.Engine, c lua.Call) lua.Outcome {
		return e.CallFunction(member.library, member.function.Name, c, r.out)
	})
}

// loadOptions reads the words of FUNCTION LOAD in front of the source.
func (r *run) loadOptions() (replace bool, source []byte, problem string) {
	last := len(r.args) - 1
	for _, word := range r.args[2:last] {
		if !command.IsWord(word, "REPLACE") {
			return false, nil, "ERR Unknown option given: " + quoted(word)
		}
		replace = true
	}
	return replace, r.args[last], ""
}

// checkFunctionLoad keeps a library out of the log that cannot be loaded.
func checkFunctionLoad(r *run) string {
	_, source, problem := r.loadOptions()
	if problem != "" {
		return problem
	}
	return r.onEngine(func(e *lua.Engine) error {
		_, _, err := newFunctions(nil).load(e, source, false, nil)
		return err
	})
}

func functionLoadCommand(r *run) {
	replace, source, problem := r.loadOptions()
	var now *functions
	var library *lua.Library
	if problem == "" {
		problem = r.onEngine(func(e *lua.Engine) (err error) {
			now, library, err = r.state.functions.load(e, source, replace, r.scriptLog())
			return err
		})
	}
	if problem != "" {
		r.out.Error(problem)
		return
	}
	r.setFunctions(now)
	r.out.Text(library.Name)
}

// onEngine lends an engine to do and returns its error as an answer.
func (r *run) onEngine(do func(e *lua.Engine) error) (problem string) {
	e := r.machine.engines.Get().(*lua.Engine)
	defer r.machine.engines.Put(e)
	if err := do(e); err != nil {
		return "ERR " + err.Error()
	}
	return ""
}

// setFunctions puts other libraries in the place of those that there are.
func (r *run) setFunctions(f *functions) {
	if r.writing {
		r.state.functions = f
		r.changes++
	}
}

func functionDeleteCommand(r *run) {
	name := string(r.args[2])
	if !r.state.functions.has(name) {
		r.out.Error(errNoLibrary)
		return
	}
	r.setFunctions(r.state.functions.without(name))
	r.out.Status("OK")
}

func functionFlushCommand(r *run) {
	switch {
	case len(r.args) > 3:
		r.out.Error(r.errSubcommand())
	case len(r.args) == 3 && !command.IsWord(r.args[2], "ASYNC") && !command.IsWord(r.args[2], "SYNC"):
		r.out.Error(errFunctionFlush)
	default:
		r.setFunctions(newFunctions(nil))
		r.out.Status("OK")
	}
}

func functionDumpCommand(r *run) {
	r.out.Bulk(snapshot.AppendFunctions(nil, r.state.functions.sources()))
}

// checkFunctionRestore keeps a payload out of the log that is not what was written, or whose libraries cannot be
// loaded.
func checkFunctionRestore(r *run) string {
	return r.onEngine(func(e *lua.Engine) error {
		_, err := readFunctions(e, r.args[2])
		return err
	})
}

func functionRestoreCommand(r *run) {
	policy := "APPEND"
	switch {
	case len(r.args) > 4:
		r.out.Error(r.errSubcommand())
		return
	case len(r.args) == 4 && command.IsWord(r.args[3], "REPLACE"):
		policy = "REPLACE"
	case len(r.args) == 4 && command.IsWord(r.args[3], "FLUSH"):
		policy = "FLUSH"
	case len(r.args) == 4 && !command.IsWord(r.args[3], policy):
		r.out.Error(errRestorePolicy)
		return
	}
	var now *functions
	problem := r.onEngine(func(e *lua.Engine) (err error) {
		if now, err = readFunctions(e, r.args[2]); err == nil && policy != "FLUSH" {
			now, err = r.state.functions.join(now, policy == "REPLACE")
		}
		return err
	})
	if problem != "" {
		r.out.Error(problem)
		return
	}
	r.setFunctions(now)
	r.out.Status("OK")
}

// listOptions are those of FUNCTION LIST.
type listOptions struct {
	pattern  []byte
	named    bool // there is a pattern
	withCode bool
}

// read reads them.
func (o *listOptions) read(args [][]byte) (problem string) {
	for i := 0; i < len(args); i++ {
		switch {
		case !o.withCode && command.IsWord(args[i], "WITHCODE"):
			o.withCode = true
		case !o.named && command.IsWord(args[i], "LIBRARYNAME"):
			if i++; i == len(args) {
				return errNoLibraryName
			}
			o.named, o.pattern = true, args[i]
		default:
			return "ERR Unknown argument " + quoted(args[i])
		}
	}
	return ""
}

func functionListCommand(r *run) {
	var o listOptions
	if problem := o.read(r.args[2:]); problem != "" {
		r.out.Error(problem)
		return
	}
	var listed []*lua.Library
	for _, l := range r.state.functions.libraries {
		if !o.named || glob.MatchFold(o.pattern, []byte(l.Name)) {
			listed = append(listed, l)
		}
	}
	r.out.Array(len(listed))
	for _, l := range listed {
		describeLibrary(r.out, l, o.withCode)
	}
}

func describeLibrary(out reply.Sink, l *lua.Library, withCode bool) {
	fields := 3
	if withCode {
		fields++
	}
	out.Map(fields)
	out.Text("library_name")
	out.Text(l.Name)
	out.Text("engine")
	out.Text("LUA")
	out.Text("functions")
	out.Array(len(l.Functions))
	for _, f := range l.Functions {
		out.Map(3)
		out.Text("name")
		out.Text(f.Name)
		out.Text("description")
		if f.Described {
			out.Text(f.Description)
		} else {
			out.Null()
		}
		out.Text("flags")
		names := f.Flags.Names()
		out.Set(len(names))
		for _, name := range names {
			out.Status(name)
		}
	}
	if withCode {
		out.Text("library_code")
		out.Text(l.Source)
	}
}
