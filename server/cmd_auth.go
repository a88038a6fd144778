package server

import (
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func authCommands() []*command.Spec {
	const flags = command.NoScript | command.Loading | command.Stale | command.Fast | command.NoAuth | command.AllowBusy
	return []*command.Spec{
		{Name: "auth", Usage: "[username] password", Summary: "Authenticate to the server", Since: "1.0.0", Group: "connection",
			Complexity: "O(N) where N is the number of passwords defined for the user", Flags: flags, Handler: handler(authCommand)},
		{Name: "hello", Usage: "arguments=[protover [AUTH username password] [SETNAME clientname]]",
			Summary: "Handshake with Redis", Since: "6.0.0", Group: "connection", Complexity: "O(1)", Flags: flags,
			Handler: handler(helloCommand)},
	}
}

func authCommand(s *session, args [][]byte, out reply.Sink) {
	user, password := []byte(acl.Default), args[1]
	switch {
	case len(args) > 3:
		out.Error(errSyntax)
		return
	case len(args) == 3:
		user, password = args[1], args[2]
	case s.srv.machine.Access().Users.Named(acl.Default).NoPass():
		out.Error(errNoPassword)
		return
	}
	if !s.login(user, password, args[0]) {
		out.Error(errWrongPass)
		return
	}
	out.Status("OK")
}

// greeting is what a HELLO asks for.
type greeting struct {
	protocol       int
	user, password []byte // user is nil if there is no AUTH
	name           []byte // nil if there is no SETNAME
}

// parseHello reads a HELLO's arguments, or returns the error that they deserve.
func parseHello(args [][]byte, protocol int) (greeting, string) {
	g := greeting{protocol: protocol}
	if len(args) < 2 {
		return g, ""
	}
	n, err := strconv.ParseInt(string(args[1]), 10, 64)
	if err != nil {
		return g, errProtover
	}
	if n != 2 && n != 3 {
		return g, errNoProto
	}
	g.protocol = int(n)
	for i := 2; i < len(args); i++ {
		more := len(args) - 1 - i
		switch option := strings.ToLower(string(args[i])); {
		case option == "auth" && more >= 2:
			g.user, g.password = args[i+1], args[i+2]
			i += 2
		case option == "setname" && more >= 1:
			g.name = args[i+1]
			if !validName(g.name) {
				return g, errClientName
			}
			i++
		default:
			return g, "ERR Syntax error in HELLO option '" + string(args[i]) + "'"
		}
	}
	return g, ""
}

func helloCommand(s *session, args [][]byte, out reply.Sink) {
	g, text := parseHello(args, s.out.protocol())
	if text != "" {
		out.Error(text)
		return
	}
	if g.user != nil && !s.login(g.user, g.password, args[0]) {
		out.Error(errWrongPass)
		return
	}
	if !s.admitted() {
		out.Error(errHelloNoAuth)
		return
	}
	if g.name != nil {
		s.show(func(p *profile) { p.name = string(g.name) })
	}
	s.speak(g.protocol)
	s.show(func(p *profile) { p.resp = g.protocol })
	s.greet(out)
}

// greet writes what HELLO answers.
func (s *session) greet(out reply.Sink) {
	role := "replica"
	if c := s.srv.cluster(); c != nil && c.Leads(group) {
		role = "master"
	}
	out.Map(7)
	out.Text("server")
	out.Text("redis")
	out.Text("version")
	out.Text(RedisVersion)
	out.Text("proto")
	out.Int(int64(s.out.protocol()))
	out.Text("id")
	out.Int(int64(s.id))
	out.Text("mode")
	out.Text("standalone")
	out.Text("role")
	out.Text(role)
	out.Text("modules")
	out.Array(0)
}

// validName reports whether a name can stand in CLIENT LIST without being taken apart.
func validName(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}
