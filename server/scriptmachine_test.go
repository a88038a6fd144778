package server

import (
	"fmt"
	"math/rand/v2"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// scriptMachine is a machine that is told scripts as entries.
type scriptMachine struct {
	m     *fsm.Machine
	index uint64
}

// newScriptMachine makes the machine of the i-th node, which has subscribers, observers and scripts' hooks of its own.
func newScriptMachine(i int, table *commands) *scriptMachine {
	m := fsm.New()
	m.Know(table.table)
	m.Deliver(func(fsm.Publication) int { return 7 * i })
	if i > 0 {
		m.Observe(func(fsm.EventClass, string, int, []byte) {})
		m.ServeScripts(fsm.ScriptHooks{Log: func(int, string) {}})
	}
	return &scriptMachine{m: m}
}

// run calls a command from a script, in RESP2 and RESP3, and returns what it answers, as the text of a Lua value.
func (s *scriptMachine) run(args [][]byte) string {
	const source = `
		local function show(v)
			if type(v) ~= 'table' then return type(v) .. ':' .. tostring(v) end
			local parts = {}
			for k, x in pairs(v) do parts[#parts+1] = show(k) .. '=' .. show(x) end
			return '{' .. table.concat(parts, ',') .. '}'
		end
		redis.setresp(tonumber(KEYS[1]))
		return show(redis.pcall(unpack(ARGV)))`
	all := ""
	for _, protocol := range []string{"2", "3"} {
		words := append([][]byte{[]byte("eval"), []byte(source), []byte("1"), []byte(protocol)}, args...)
		var out reply.Recorder
		s.index++
		s.m.Apply(s.index, 1, 1_700_000_000_000+int64(s.index), s.index, [][]byte{fsm.ForScript("default", fsm.AppendItem(nil, 0, words))}, []any{&out})
		all += out.String()
	}
	return all
}

// randomWords is a made-up invocation of a command.
func randomWords(seed uint64, spec *command.Spec) [][]byte {
	rnd := rand.New(rand.NewPCG(seed, 1))
	return spec.Random(rnd.IntN, func(a *command.Argument) []byte {
		switch a.Type {
		case command.Key:
			return fmt.Appendf(nil, "%s:%d", spec.Group, rnd.IntN(3))
		case command.Integer, command.UnixTime, command.Double:
			return fmt.Append(nil, rnd.IntN(50))
		}
		return nil
	})
}
