package server

import (
	"strconv"
	"strings"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func debugCommands() []*command.Spec {
	return []*command.Spec{
		{Name: "debug", Usage: "subcommand [arg [arg ...]]", Summary: "Debug the server", Since: "1.0.0", Group: "server",
			Complexity: "Depends on subcommand.",
			Flags:      command.Admin | command.NoScript | command.Loading | command.Stale | command.Protected | command.SysCmd,
			Handler:    handler(debugCommand),
			Differs: "SLEEP stops the clients of this node, and nothing that comes from others. RELOAD and LOADAOF write and read a snapshot in memory, on this node. " +
				"Subcommands that would do nothing here are unknown: DEBUG HELP lists the others."},
	}
}

// debugVerb is one of DEBUG's words.
type debugVerb struct {
	name        string
	usage       string // what follows the word
	least, most int    // how many arguments that may be
	run         handler
	help        string
}

func debugVerbs() []debugVerb {
	const any = 1 << 20 // the most arguments that a request has
	return []debugVerb{
		{"digest", "", 0, 0, debugDigest, "Return a digest of all data, after everything that was acknowledged before."},
		{"digest-value", "<key> [<key> ...]", 0, any, debugDigestValue, "Return a digest of the value of each key."},
		{"error", "<string>", 1, 1, debugError, "Return the given error."},
		{"loadaof", "", 0, 0, debugReload, "The same as RELOAD: a log begins where a snapshot ends."},
		{"log", "<message>", 1, 1, debugLog, "Write a line to the server's log."},
		{"object", "<key>", 1, 1, debugObject, "Tell how a key's value is kept on this node."},
		{"pause-cron", "<0|1>", 1, 1, debugPauseCron, "Stop or go on with what is done now and then."},
		{"populate", "<count> [<prefix> [<size>]]", 1, 3, debugPopulate, "Store strings under <prefix>:0, <prefix>:1 and so on, unless they exist."},
		{"protocol", "<type>", 1, 1, debugProtocol, "Return a value of the given type."},
		{"quicklist-packed-threshold", "<size>", 1, 1, debugListPacked,
			"Make an element of a list from so many bytes on a node of its own, on all nodes; 0 is the default again."},
		{"reload", "[NOFLUSH] [MERGE]", 0, any, debugReload, "Write this node's data as a snapshot, to memory, and read them again."},
		{"replybuffer", "<PEAK-RESET-TIME <never|reset|ms> | RESIZING <0|1>>", 2, 2, debugReplyBuffer,
			"Choose how long a client is idle before its reply buffer shrinks."},
		{"set-active-expire", "<0|1>", 1, 1, debugActiveExpire,
			"Let keys that are due go by themselves, or only when a command comes upon them; on all nodes."},
		{"set-disable-deny-scripts", "<0|1>", 1, 1, debugDenyScripts,
			"Let scripts call, for tests, commands that they are denied; on all nodes."},
		{"sleep", "<seconds>", 1, 1, debugSleep, "Have the clients of this node wait for so many seconds."},
	}
}

func debugCommand(s *session, args [][]byte, out reply.Sink) {
	word := strings.ToLower(string(args[1]))
	if word == "help" && len(args) == 2 {
		debugHelp(out)
		return
	}
	for _, v := range debugVerbs() {
		if n := len(args) - 2; v.name == word && n >= v.least && n <= v.most {
			v.run(s, args, out)
			return
		}
	}
	out.Error(errSubcommandArgs("DEBUG", args[1]))
}

func debugHelp(out reply.Sink) {
	verbs := debugVerbs()
	out.Array(2*len(verbs) + 3)
	out.Status("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, v := range verbs {
		out.Status(strings.TrimSpace(strings.ToUpper(v.name) + " " + v.usage))
		out.Status("    " + v.help)
	}
	out.Status("HELP")
	out.Status("    Print this help.")
}

func debugSleep(s *session, args [][]byte, out reply.Sink) {
	seconds, _ := strconv.ParseFloat(string(args[2]), 64) // what is no number is none at all
	if d := time.Duration(seconds * float64(time.Second)); d > 0 {
		s.srv.asleep.begin(pauseAll, time.Now().Add(d))
		defer s.srv.asleep.end()
		ctx := s.patience.begin(d)
		gone, stop := s.conn.whileWaiting()
		select {
		case <-ctx.Done():
		case <-gone:
		}
		stop()
		s.patience.end()
	}
	out.Status("OK")
}

func debugError(_ *session, args [][]byte, out reply.Sink) { out.Error(string(args[2])) }

func debugLog(s *session, args [][]byte, out reply.Sink) {
	s.srv.log.Warn("DEBUG LOG", "text", string(args[2]))
	out.Status("OK")
}

// debugProtocol shows each kind of reply once, so that clients can be tested with it.
func debugProtocol(s *session, args [][]byte, out reply.Sink) {
	switch kind := strings.ToLower(string(args[2])); {
	case kind == "attrib":
		if out.RESP3() { // RESP2 has no attributes, only what they are about
			s.out.attribute(1)
			out.Text("key-popularity")
			out.Array(2)
			out.Text("key:123")
			out.Int(90)
		}
		out.Text("Some real reply following the attribute")
	case kind == "push" && out.RESP3():
		s.out.Push(2)
		s.out.Text("server-cpu-usage")
		s.out.Int(42)
		s.out.Text("Some real reply following the push reply")
	default:
		fsm.DebugProtocol(kind, out)
	}
}
