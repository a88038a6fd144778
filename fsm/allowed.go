package fsm

import (
	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// allowed judges whether the user for whom a script runs may run a command with these arguments. It
// returns the error that the script is told if not. The rules are part of the replicated state, so that every
// node judges alike.
func (r *run) allowed(spec *command.Spec, args [][]byte) string {
	_, problem := r.state.users.JudgeScript(r.user, spec, args)
	return problem
}

// denied is allowed for a command that is about to run: a refusal is told to this node, if it runs the script for a
// client.
func (r *run) denied(spec *command.Spec, args [][]byte) string {
	v, problem := r.state.users.JudgeScript(r.user, spec, args)
	if hook := r.machine.scripts.Denied; hook != nil && v.Reason != acl.Allowed && r.out != reply.Discard {
		hook(r.user, v, spec, args)
	}
	return problem
}
