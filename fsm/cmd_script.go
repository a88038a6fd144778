package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/lua"
	"github.com/redraftdb/redraft/fsm/value"
)

// Items about scripts that clients cannot send.
const (
	nameScript     = "redraft-script"
	nameKeepScript = "redraft-keep-script"
)

func scriptCommands() []*command.Spec {
	const (
		eval  = command.NoScript | command.Stale | command.SkipMonitor | command.NoMandatoryKeys
		write = eval | command.MayReplicate
		read  = eval | command.ReadOnly
		most  = "Depends on the script that is executed."
	)
	const source, digest = "script numkeys [key [key ...]] [arg [arg ...]]", "sha1 numkeys [key [key ...]] [arg [arg ...]]"
	keys, keysRead := command.KeyNum(2, command.RW|command.Access|command.Update), command.KeyNum(2, command.RO|command.Access)
	return []*command.Spec{
		{Name: "eval", Usage: source, Group: "scripting", Since: "2.6.0", Complexity: most,
			Summary: "Run a Lua script", Flags: write, Keys: keys, Handler: handler(evalCommand)},
		{Name: "evalsha", Usage: digest, Group: "scripting", Since: "2.6.0", Complexity: most,
			Summary: "Run a Lua script that is in the cache", Flags: write, Keys: keys, Handler: handler(evalshaCommand)},
		{Name: "eval_ro", Usage: source, Group: "scripting", Since: "7.0.0", Complexity: most,
			Summary: "Run a Lua script that only reads", Flags: read, Keys: keysRead, Handler: handler(evalCommand)},
		{Name: "evalsha_ro", Usage: digest, Group: "scripting", Since: "7.0.0", Complexity: most,
			Summary: "Run a Lua script of the cache that only reads", Flags: read, Keys: keysRead, Handler: handler(evalshaCommand)},
		{Name: "script", Group: "scripting", Since: "2.6.0", Summary: "Manage the script cache", Sub: scriptSubcommands()},
		{Name: nameScript, Usage: "user item", Group: "scripting", Since: "1.0.0", Flags: command.Write | command.Internal,
			Summary: "Run a command that runs a script, for a user", Handler: handler(scriptCommand)},
		{Name: nameKeepScript, Usage: "script", Group: "scripting", Since: "1.0.0", Flags: command.Write | command.Internal,
			Summary: "Put a script into the cache that was evaluated", Handler: handler(keepScriptCommand)},
	}
}

func scriptSubcommands() []*command.Spec {
	const flags = command.NoScript
	return []*command.Spec{
		{Name: "debug", Usage: "<YES | SYNC | NO>", Since: "3.2.0", Complexity: "O(1)",
			Summary: "Choose whether scripts run in the debugger, which there is none of", Flags: flags, Handler: handler(nodesCommand),
			Differs: "There is no debugger: YES and SYNC are refused."},
		{Name: "exists", Usage: "sha1 [sha1 ...]", Since: "2.6.0", Complexity: "O(N) for N digests",
			Summary: "Tell which scripts are in the cache", Flags: flags,
			Tips: []string{"request_policy:all_shards", "response_policy:agg_logical_and"}, Handler: handler(scriptExistsCommand)},
		{Name: "flush", Usage: "[ASYNC | SYNC]", Since: "2.6.0", Complexity: "O(N) for N scripts in the cache",
			Summary: "Empty the cache", Flags: flags | command.MayReplicate,
			Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"}, Handler: handler(scriptFlushCommand)},
		{Name: "kill", Since: "2.6.0", Complexity: "O(1)", Summary: "Stop a script that has been running for too long",
			Flags: flags | command.AllowBusy, Tips: []string{"request_policy:all_shards", "response_policy:one_succeeded"}, Handler: handler(nodesCommand)},
		{Name: "load", Usage: "script", Since: "2.6.0", Complexity: "O(N) for N bytes of the script",
			Summary: "Put a script into the cache", Flags: flags | command.MayReplicate | command.Stale, Check: checker(checkScriptLoad),
			Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"}, Handler: handler(scriptLoadCommand)},
		command.HelpSub("5.0.0", handler(helpCommand)),
	}
}

// nodesCommand stands for what a node answers without its machine.
func nodesCommand(r *run) { r.out.Error(errNodes) }

// ForScript is the item that runs the item of a command which runs a script, for a user.
func ForScript(user string, item []byte) []byte {
	return AppendItem(nil, 0, [][]byte{[]byte(nameScript), []byte(user), item})
}

// KeepScript is the item that puts a script into the cache which Read has evaluated (Call.Unfinished).
func KeepScript(source []byte) []byte {
	return AppendItem(nil, 0, [][]byte{[]byte(nameKeepScript), source})
}

// scriptCommand runs the command of an item inside of its own.
func scriptCommand(r *run) {
	spec, args, db, err := r.machine.readItem(r.args[2], nil)
	if err != nil {
		panic("fsm: " + err.Error())
	}
	m, around := r.machine, r.machine.author
	author, read := marks(r.args[2])
	if author != nil {
		m.author = author
	}
	r.user = string(r.args[1])
	r.spec, r.args, r.number, r.db = spec, args, db, r.state.databases[db]
	spec.Handler.(handler)(r)
	if read && r.reads && m.tracker != nil && m.author != nil {
		m.tracker.Read(m.author, spec, args)
	}
	m.author = around
}

// checkScript is CheckItem for the arguments of such an item.
func (m *Machine) checkScript(args [][]byte) error {
	spec, _, _, err := m.readItem(args[2], nil)
	if err == nil && spec.Group != "scripting" || err == nil && spec.Is(command.Internal) {
		err = errNested
	}
	return err
}

func keepScriptCommand(r *run) {
	s, err := lua.Compile(r.args[1])
	if err != nil {
		r.out.Error("ERR " + err.Error())
		return
	}
	r.state.scripts.keep(s)
	r.out.Status("OK")
}

// evalCommand runs a script whose source it has. The source is in the cache from then on.
func evalCommand(r *run) {
	numkeys, ok := r.scriptKeys(errNotInteger)
	if !ok {
		return
	}
	source := r.args[1]
	s := r.state.scripts.find([]byte(lua.Digest(source)))
	if s == nil {
		var err error
		if s, err = lua.Compile(source); err != nil {
			r.out.Error("ERR " + err.Error())
			return
		}
		if r.writing {
			r.state.scripts.keep(s)
		} else {
			r.unfinished = true
		}
	}
	r.evaluate(s, numkeys)
}

// evalshaCommand runs a script of the cache.
func evalshaCommand(r *run) {
	if len(r.args[1]) != 40 {
		r.out.Error(errNoScript)
		return
	}
	numkeys, ok := r.scriptKeys(errNotInteger)
	if !ok {
		return
	}
	s := r.state.scripts.find(r.args[1])
	if s == nil {
		r.out.Error(errNoScript)
		return
	}
	r.evaluate(s, numkeys)
}

// scriptKeys reads how many of the arguments of a script, or a function, are keys, or answers what is wrong with
// that: notNumber if it is no number.
func (r *run) scriptKeys(notNumber string) (int, bool) {
	n, ok := value.ParseInt(r.args[2])
	switch {
	case !ok:
		r.out.Error(notNumber)
		return 0, false
	case n > int64(len(r.args)-3):
		r.out.Error(errTooManyKeys)
		return 0, false
	case n < 0:
		r.out.Error(errNegativeKeys)
		return 0, false
	}
	return int(n), true
}

func (r *run) evaluate(s *lua.Script, numkeys int) {
	readOnly := r.spec.IsRead()
	if readOnly && s.Flags.Declared && !s.Flags.NoWrites {
		r.out.Error(errScriptWrites)
		return
	}
	r.runScript(s, readOnly, numkeys)
}

func scriptExistsCommand(r *run) {
	r.out.Array(len(r.args) - 2)
	for _, digest := range r.args[2:] {
		if r.state.scripts.find(digest) != nil {
			r.out.Int(1)
		} else {
			r.out.Int(0)
		}
	}
}

func scriptFlushCommand(r *run) {
	if len(r.args) > 3 || len(r.args) == 3 && !command.IsWord(r.args[2], "ASYNC") && !command.IsWord(r.args[2], "SYNC") {
		r.out.Error(errScriptFlush)
		return
	}
	if r.writing {
		r.state.scripts = scripts{}
	}
	r.out.Status("OK")
}

// checkScriptLoad keeps a source out of the log that does not compile.
func checkScriptLoad(r *run) string {
	if _, err := lua.Compile(r.args[2]); err != nil {
		return "ERR " + err.Error()
	}
	return ""
}

func scriptLoadCommand(r *run) {
	s, err := lua.Compile(r.args[2])
	switch {
	case err != nil:
		r.out.Error("ERR " + err.Error())
	case !r.state.scripts.load(s):
		r.out.Error(errScriptsFull)
	default:
		r.out.Text(s.SHA)
	}
}
