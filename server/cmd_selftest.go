package server

import (
	"math/rand/v2"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func selftestCommands() []*command.Spec {
	return []*command.Spec{{Name: "pfselftest", Summary: "Count millions of elements and see how far off the estimates are", Since: "2.8.9",
		Group: "hyperloglog", Complexity: "N/A", Flags: command.Admin | command.SysCmd, Handler: handler(pfselftestCommand)}}
}

// pfselftestCommand keeps a processor busy for seconds, and nobody waiting but its client.
func pfselftestCommand(s *session, _ [][]byte, out reply.Sink) {
	if err := s.srv.machine.TestSketches(rand.Uint64()); err != nil {
		out.Error("ERR " + err.Error())
		return
	}
	out.Status("OK")
}
