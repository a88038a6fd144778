package server

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// sessionCommands lists the commands that sessions run themselves, family by family.
func sessionCommands() []*command.Spec {
	return slices.Concat(
		connectionCommands(),
		multiCommands(),
		pubsubCommands(),
		authCommands(),
		aclCommands(),
		clientCommands(),
		monitorCommands(),
		slowlogCommands(),
		latencyCommands(),
		lolwutCommands(),
		configCommands(),
		commandCommands(),
		infoCommands(),
		memoryCommands(),
		saveCommands(),
		serverCommands(),
		waitCommands(),
		migrateCommands(),
		debugCommands(),
		selftestCommands(),
		clusterCommands(),
		raftCommands(),
	)
}

func connectionCommands() []*command.Spec {
	const (
		always  = command.Loading | command.Stale | command.Fast
		anyNode = "Redis refuses it outside cluster mode; here every node takes every command, and this changes nothing."
	)
	return []*command.Spec{
		{Name: "ping", Usage: "[message]", Summary: "Ping the server", Since: "1.0.0", Group: "connection",
			Complexity: "O(1)", Flags: command.Fast, Tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Handler: handler(pingCommand)},
		{Name: "echo", Usage: "message", Summary: "Echo the given string", Since: "1.0.0", Group: "connection",
			Complexity: "O(1)", Flags: always, Handler: handler(echoCommand)},
		{Name: "select", Usage: "index", Summary: "Change the selected database for the current connection", Since: "1.0.0",
			Group: "connection", Complexity: "O(1)", Flags: always, Handler: handler(selectCommand)},
		{Name: "quit", Usage: "[arg [arg ...]]", Summary: "Close the connection", Since: "1.0.0", Group: "connection",
			Complexity: "O(1)", Flags: always | command.NoScript | command.NoAuth | command.AllowBusy, Handler: handler(quitCommand)},
		{Name: "reset", Summary: "Reset the connection", Since: "6.2.0", Group: "connection", Complexity: "O(1)",
			Flags: always | command.NoScript | command.NoAuth | command.AllowBusy, Handler: handler(resetCommand)},
		{Name: "readonly", Summary: "Enable reads on a connection to a replica", Since: "3.0.0",
			Group: "cluster", Complexity: "O(1)", Flags: always, Categories: command.CatConnection, Handler: handler(okCommand),
			Differs: anyNode},
		{Name: "readwrite", Summary: "Disable reads on a connection to a replica", Since: "3.0.0",
			Group: "cluster", Complexity: "O(1)", Flags: always, Categories: command.CatConnection, Handler: handler(okCommand),
			Differs: anyNode},
	}
}

func pingCommand(s *session, args [][]byte, out reply.Sink) {
	subscriber := s.subscriptions.mode.Load() && !out.RESP3() // who gets nothing but arrays
	switch {
	case len(args) > 2:
		out.Error(errArity("ping"))
	case subscriber:
		out.Array(2)
		out.Text("pong")
		out.Bulk(bytes.Join(args[1:], nil))
	case len(args) == 2:
		out.Bulk(args[1])
	default:
		out.Status("PONG")
	}
}

func echoCommand(_ *session, args [][]byte, out reply.Sink) { out.Bulk(args[1]) }

func selectCommand(s *session, args [][]byte, out reply.Sink) {
	n, text := s.srv.parseDatabase(args[1])
	if text != "" {
		out.Error(text)
		return
	}
	s.db = n
	s.show(func(p *profile) { p.db = n })
	out.Status("OK")
}

// parseDatabase reads the number of a database, or returns the error.
func (s *Server) parseDatabase(arg []byte) (n int, text string) {
	n, err := strconv.Atoi(string(arg))
	switch {
	case err != nil:
		return 0, errNotInteger
	case n < 0 || n >= s.machine.Databases():
		return 0, errDBIndex
	}
	return n, ""
}

func quitCommand(s *session, _ [][]byte, out reply.Sink) {
	out.Status("OK")
	s.closing = true
}

func resetCommand(s *session, _ [][]byte, out reply.Sink) {
	s.reset()
	out.Status("RESET")
}

// okCommand is for READONLY and READWRITE, which clients of a Redis Cluster send on connecting.
// Every node here takes reads at all times, at the level that RAFT CONSISTENCY chooses.
func okCommand(_ *session, _ [][]byte, out reply.Sink) { out.Status("OK") }
