package server

import (
	"strings"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func clientCommands() []*command.Spec {
	const own = command.NoScript | command.Loading | command.Stale
	const admin = own | command.Admin
	const all = "O(N) where N is the number of client connections"
	return []*command.Spec{{Name: "client", Summary: "A container for client connection commands", Since: "2.4.0",
		Group: "connection", Complexity: "Depends on subcommand.", Sub: append(trackingCommands(), []*command.Spec{
			{Name: "getname", Summary: "Get the current connection name", Since: "2.6.9", Complexity: "O(1)", Flags: own,
				Handler: handler(clientGetname)},
			{Name: "id", Summary: "Return the id of the current connection", Since: "5.0.0", Complexity: "O(1)", Flags: own,
				Handler: handler(clientID)},
			{Name: "info", Summary: "Return what CLIENT LIST says of the current connection", Since: "6.2.0", Complexity: "O(1)", Flags: own,
				Tips: []string{"nondeterministic_output"}, Handler: handler(clientInfo)},
			{Name: "kill", Usage: killUsage,
				Summary: "Close the connections that the filters select", Since: "2.4.0", Complexity: all, Flags: admin,
				Handler: handler(clientKill)},
			{Name: "list", Usage: "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
				Summary: "List the client connections", Since: "2.4.0", Complexity: all, Flags: admin,
				Tips: []string{"nondeterministic_output"}, Handler: handler(clientList)},
			{Name: "no-evict", Usage: "enabled=<ON | OFF>", Summary: "Exempt the current connection from eviction, or do not", Since: "7.0.0",
				Complexity: "O(1)", Flags: admin, Handler: handler(clientNoEvict)},
			{Name: "no-touch", Usage: "enabled=<ON | OFF>", Summary: "Leave no mark in the keys that the current connection reads, or do", Since: "7.2.0",
				Complexity: "O(1)", Flags: own, Handler: handler(clientNoTouch),
				Differs: "Keys that it writes are marked all the same: the log knows nothing of it."},
			{Name: "pause", Usage: "timeout:integer mode=[WRITE | ALL]", Summary: "Have the commands of this node's clients wait", Since: "2.9.50",
				Complexity: "O(1)", Flags: admin, Handler: handler(clientPause),
				Differs: "It holds the clients of the node that is asked. Keys that are due expire all the same: expiry is the log's, and the whole cluster's."},
			{Name: "reply", Usage: "<ON | OFF | SKIP>", Summary: "Choose whether commands are answered", Since: "3.2.0",
				Complexity: "O(1)", Flags: own, Handler: handler(clientReply)},
			{Name: "setinfo", Usage: "<LIB-NAME libname | LIB-VER libver>", Summary: "Set the name or the version of the client's library", Since: "7.2.0",
				Complexity: "O(1)", Flags: own, Handler: handler(clientSetinfo)},
			{Name: "setname", Usage: "connection-name", Summary: "Set the current connection name", Since: "2.6.9",
				Complexity: "O(1)", Flags: own, Handler: handler(clientSetname)},
			{Name: "unblock", Usage: "client-id [TIMEOUT | ERROR]", Summary: "End the waiting of a client", Since: "5.0.0",
				Complexity: "O(log N) where N is the number of client connections", Flags: admin, Handler: handler(clientUnblock)},
			{Name: "unpause", Summary: "End the waiting that CLIENT PAUSE began", Since: "6.2.0",
				Complexity: "O(N) Where N is the number of paused clients", Flags: admin, Handler: handler(clientUnpause)},
			command.HelpSub("5.0.0", handler(helpCommand)),
		}...)}}
}

// killUsage names the filters of CLIENT KILL, of which there may be several.
const (
	killFilters = "[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME yes/no]"
	killUsage   = "filter=<ip:port | new-format=<" + killFilters + "> [" + killFilters + " ...]>"
)

// helpCommand is the HELP of any container.
func helpCommand(s *session, args [][]byte, out reply.Sink) {
	spec, _ := s.srv.commands.table.Lookup(args)
	lines := command.Help(spec.Parent())
	out.Array(len(lines))
	for _, l := range lines {
		out.Status(l)
	}
}

func clientID(s *session, _ [][]byte, out reply.Sink) { out.Int(int64(s.id)) }

func clientGetname(s *session, _ [][]byte, out reply.Sink) {
	if name := s.profile().name; name != "" {
		out.Text(name)
	} else {
		out.Null()
	}
}

func clientSetname(s *session, args [][]byte, out reply.Sink) {
	if !validName(args[2]) {
		out.Error(errClientName)
		return
	}
	s.show(func(p *profile) { p.name = string(args[2]) })
	out.Status("OK")
}

func clientSetinfo(s *session, args [][]byte, out reply.Sink) {
	attribute, value := strings.ToLower(string(args[2])), string(args[3])
	switch {
	case attribute != "lib-name" && attribute != "lib-ver":
		out.Error("ERR Unrecognized option '" + string(args[2]) + "'")
		return
	case !validName(args[3]):
		out.Error("ERR " + attribute + " cannot contain spaces, newlines or special characters.")
		return
	case attribute == "lib-name":
		s.show(func(p *profile) { p.libName = value })
	default:
		s.show(func(p *profile) { p.libVersion = value })
	}
	out.Status("OK")
}

func clientNoEvict(s *session, args [][]byte, out reply.Sink) {
	s.choose(args[2], out, func(p *profile, on bool) { p.noEvict = on })
}

func clientNoTouch(s *session, args [][]byte, out reply.Sink) {
	s.choose(args[2], out, func(p *profile, on bool) { p.noTouch = on })
}

// choose sets what a word, ON or OFF, switches, and answers.
func (s *session) choose(word []byte, out reply.Sink, set func(p *profile, on bool)) {
	on := command.IsWord(word, "ON")
	if !on && !command.IsWord(word, "OFF") {
		out.Error(errSyntax)
		return
	}
	s.show(func(p *profile) { set(p, on) })
	out.Status("OK")
}

// clientReply is the one handler that may leave a command without an answer.
func clientReply(s *session, args [][]byte, out reply.Sink) {
	switch strings.ToLower(string(args[2])) {
	case "on":
		s.silent, s.speaks = false, true
		out.Status("OK")
	case "off":
		s.silent = true
	case "skip":
		if !s.silent {
			s.skip = 1
		}
	default:
		out.Error(errSyntax)
	}
}

func clientInfo(s *session, args [][]byte, out reply.Sink) {
	s.argBytes.Store(argBytes(args))
	out.Verbatim("txt", string(append(s.appendLine(nil, time.Now()), '\n')))
	s.argBytes.Store(0)
}

func clientList(s *session, args [][]byte, out reply.Sink) {
	f, text := parseClientList(args[2:])
	if text != "" {
		out.Error(text)
		return
	}
	var b []byte
	now := time.Now()
	s.argBytes.Store(argBytes(args))
	for _, other := range f.from(&s.srv.sessions) {
		b = append(other.appendLine(b, now), '\n')
	}
	s.argBytes.Store(0)
	out.Verbatim("txt", string(b))
}

// clientKill closes connections. One client given by its address alone is the old form, which has
// answers of its own.
func clientKill(s *session, args [][]byte, out reply.Sink) {
	f, text := parseClientKill(args[2:], s.srv.machine.Access().Users)
	if text != "" {
		out.Error(text)
		return
	}
	killed := 0
	for _, other := range s.srv.sessions.list() {
		if f.skipMe && other == s || !f.selects(other) {
			continue
		}
		killed++
		if other == s {
			s.closing = true // once the reply is out
		} else {
			other.kill()
		}
	}
	switch {
	case len(args) > 3:
		out.Int(int64(killed))
	case killed == 0:
		out.Error("ERR No such client")
	default:
		out.Status("OK")
	}
}

// clientUnblock ends the waiting of a client of this node.
func clientUnblock(s *session, args [][]byte, out reply.Sink) {
	why, how := endTimeout, fsm.UnblockTimeout
	id, ok := fsm.ParseInt(args[2])
	switch {
	case len(args) > 4:
		out.Error(errSubcommandArgs("CLIENT", args[1]))
		return
	case len(args) == 4 && command.IsWord(args[3], "ERROR"):
		why, how = endError, fsm.UnblockError
	case len(args) == 4 && !command.IsWord(args[3], "TIMEOUT"):
		out.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		return
	}
	if !ok {
		out.Error(errNotInteger)
		return
	}
	b := s.srv.sessions.blocked(uint64(id))
	switch {
	case b == nil || b.end == nil: // nothing but a pause holds it
		out.Int(0)
	case b.origin == nil:
		b.finish(why)
		out.Int(1)
	default:
		answer, text := s.proposeItem(fsm.Unblock(*b.origin, how))
		if text != "" {
			out.Error(text)
			return
		}
		s.out.raw(answer)
	}
}
