package fsm

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/lua"
	"github.com/redraftdb/redraft/fsm/reply"
)

// A script runs as one command. As an item of an entry it may do all that commands may. Run by Machine.Read it
// reads: at its first write it is given up (Call.Abandoned), before it has changed anything, and has to become an
// item.

// scripting is a script as it runs: what it reaches of the machine. It implements lua.Host.
type scripting struct {
	run      *run // the command that runs the script
	inner    *run // the commands that the script runs
	table    *command.Table
	db       int
	readOnly bool       // it must not write at all
	wrote    bool       // it has run a command that writes
	starved  bool       // there is no memory for its first write
	answer   lua.Answer // to the command that runs
}

// runScript runs a script of which so many arguments are keys, and answers it.
func (r *run) runScript(s *lua.Script, readOnly bool, numkeys int) {
	r.runLua(false, readOnly, s.Flags, numkeys, func(e *lua.Engine, c lua.Call) lua.Outcome {
		return e.Run(s, c, r.out)
	})
}

// runLua has an engine run a script, or a function, which are told apart. One that says what it does, and not that
// it may run when memory is short, does not run then.
func (r *run) runLua(function, readOnly bool, flags lua.Flags, numkeys int, do func(*lua.Engine, lua.Call) lua.Outcome) {
	starved := r.writing && r.machine.starved && !flags.AllowOOM
	if starved && flags.Declared && !flags.NoWrites {
		r.out.Error(errOOM)
		return
	}
	r.reads = false // until a command of the script does
	h := &scripting{run: r, inner: &run{}, table: r.machine.known, db: r.number, readOnly: readOnly || flags.NoWrites,
		starved: starved}
	if hooks := r.machine.scripts; r.writing && hooks.Began != nil {
		hooks.Began(function, r.args)
		defer hooks.Ended()
	}
	engine := r.machine.engines.Get().(*lua.Engine)
	defer r.machine.engines.Put(engine)
	keys, args := r.args[3:3+numkeys], r.args[3+numkeys:]
	outcome := do(engine, lua.Call{Keys: keys, Args: args, Host: h, Limits: r.scriptLimits(), Seed: r.random.next()})
	h.inner.end()
	r.abandoned = outcome == lua.Abandoned
}

// scriptLimits are the limits of a script. One that only reads runs until it is killed, as in Redis: nobody but
// this node waits for it.
func (r *run) scriptLimits() lua.Limits {
	p := &r.state.parameters
	l := lua.Limits{Steps: p.luaSteps, Memory: p.luaMemory}
	if !r.writing {
		l.Steps = 1 << 62
	}
	return l
}

// Call runs a command of the script's, after the checks that Redis makes, in their order.
func (h *scripting) Call(args [][]byte, out lua.Answer) bool {
	spec, text := h.find(args)
	writes := text == "" && spec.Flags&(command.Write|command.MayReplicate) != 0
	if text == "" {
		text = h.run.denied(spec, args)
	}
	if text == "" && writes && h.readOnly {
		text = errReadOnlyScript
	}
	if text == "" && h.starved && !h.wrote && spec.Is(command.DenyOOM) {
		text = errOOM
	}
	switch {
	case text != "":
		out.Error(text)
		h.count(spec, h.db, args, true, text)
		return true
	case writes && !h.run.writing:
		return false
	}
	h.wrote, h.answer = h.wrote || writes, out
	db := h.db // SELECT changes it
	h.execute(spec, args, out)
	h.count(spec, db, args, false, out.Failed())
	return true
}

// count tells this node of a command that the script has called, if it is this node that runs the script for a
// client. One that was rejected has not run.
func (h *scripting) count(spec *command.Spec, db int, args [][]byte, rejected bool, failed string) {
	if hook := h.run.machine.scripts.Called; hook != nil && h.run.out != reply.Discard {
		hook(spec, db, args, rejected, failed)
	}
}

// Repeats is told when the script answers with an error that a command of its has answered.
func (h *scripting) Repeats(text string) {
	if hook := h.run.machine.scripts.Repeated; hook != nil && h.run.out != reply.Discard {
		hook(text)
	}
}

// find looks a command up, or says why the script cannot have it.
func (h *scripting) find(args [][]byte) (*command.Spec, string) {
	spec, found := h.table.Lookup(args)
	switch {
	case found == command.MissingSub:
		return spec, errScriptArity
	case found != command.Found || spec.Is(command.Internal):
		return nil, errScriptUnknown
	case !spec.Accepts(len(args)):
		return spec, errScriptArity
	case spec.Is(command.NoScript) && (!h.run.state.parameters.allowScripts || spec.Group == "scripting"):
		return spec, errScriptForbidden
	}
	return spec, ""
}

// execute runs a command that has passed.
func (h *scripting) execute(spec *command.Spec, args [][]byte, out reply.Sink) {
	r := h.inner
	r.begin(h.run.state, Call{Spec: spec, DB: h.db, Args: args, Out: out}, h.run.random.next())
	r.writing, r.machine, r.elapsed, r.user = h.run.writing, h.run.machine, h.run.elapsed, h.run.user
	r.scripted, r.stamp, r.unseen = true, h.run.stamp, h.run.unseen
	h.run.reads = h.run.reads || spec.IsRead()
	if do, ok := spec.Handler.(handler); ok {
		do(r)
	} else if do := insideScript(spec.FullName()); do != nil {
		do(h, r)
	} else {
		out.Error(errScriptForbidden)
	}
	r.weighStreams()
	h.run.changes += r.changes
	h.run.hits, h.run.misses = h.run.hits+r.hits, h.run.misses+r.misses
	r.hits, r.misses = 0, 0
}

// Permitted is acl_check_cmd.
func (h *scripting) Permitted(args [][]byte) (known, permitted bool) {
	spec, found := h.table.Lookup(args)
	if found != command.Found || spec.Is(command.Internal) {
		return false, false
	}
	return true, h.run.allowed(spec, args) == ""
}

// Log hands a line on to this node's log, if it is this node that runs the script for a client.
func (h *scripting) Log(level int, text string) {
	if log := h.run.scriptLog(); log != nil {
		log(level, text)
	}
}

// scriptLog is this node's log, nil if it is not this node that runs the script for a client.
func (r *run) scriptLog() func(level int, text string) {
	if r.out == reply.Discard {
		return nil
	}
	return r.machine.scripts.Log
}

// Interrupted reports whether the script is to be stopped. One that runs in an entry never is.
func (h *scripting) Interrupted() bool {
	return h.run.interrupted != nil && h.run.interrupted()
}

// A ScriptHint is what can be known of the script of a command without running it.
type ScriptHint struct {
	Name      string // the same for the same script, or function of a library
	ReadsOnly bool   // it cannot write: it says so itself
	Declared  bool   // it says what it does
}

// HintScript is the hint for a command of the kinds of EVAL and FCALL.
func (m *Machine) HintScript(spec *command.Spec, args [][]byte) (h ScriptHint) {
	switch spec.Name {
	case "eval", "eval_ro":
		f, _, err := lua.ParseFlags(args[1])
		h = ScriptHint{Name: lua.Digest(args[1]), ReadsOnly: err == nil && f.NoWrites, Declared: err == nil && f.Declared}
	case "evalsha", "evalsha_ro":
		m.mu.RLock()
		defer m.mu.RUnlock()
		h.Name = string(args[1]) // this node may not know it yet
		if s := m.state.scripts.find(args[1]); s != nil {
			h.ReadsOnly, h.Declared = s.Flags.NoWrites, s.Flags.Declared
		}
	case "fcall", "fcall_ro":
		h = ScriptHint{Name: string(args[1]), Declared: true}
		if f, ok := m.functions.Load().find(args[1]); ok {
			h.Name, h.ReadsOnly = f.library.SHA+" "+f.function.Name, f.function.Flags.NoWrites
		}
	}
	h.ReadsOnly = h.ReadsOnly || spec.IsRead()
	return h
}
