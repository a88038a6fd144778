package fsm

import (
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/lua"
)

// insideScript is what a command of a node's own, by its full name, does when a script calls it; nil where it cannot.
// The answers depend on the log alone: what only a node could say of itself, a script is not told.
func insideScript(name string) func(h *scripting, r *run) {
	switch name {
	case "ping":
		return pingInside
	case "echo":
		return echoInside
	case "time":
		return timeInside
	case "lastsave":
		return lastSaveInside
	case "select":
		return selectInside
	case "info":
		return infoInside
	case "debug":
		return debugInside
	}
	return nil
}

func pingInside(_ *scripting, r *run) {
	switch len(r.args) {
	case 1:
		r.out.Status("PONG")
	case 2:
		r.out.Bulk(r.args[1])
	default:
		r.out.Error(errArity(r.name()))
	}
}

func echoInside(_ *scripting, r *run) { r.out.Bulk(r.args[1]) }

// timeInside is the entry's time, or in a script that reads, that of the last entry.
func timeInside(_ *scripting, r *run) {
	const second = 1000
	r.out.Array(2)
	r.out.Text(strconv.FormatInt(r.now/second, 10))
	r.out.Text(strconv.FormatInt(r.now%second*1000, 10))
}

// lastSaveInside says that everything has been saved: it is in the log.
func lastSaveInside(_ *scripting, r *run) { r.out.Int(r.now / 1000) }

// selectInside chooses the database of the commands behind it, in this script.
func selectInside(h *scripting, r *run) {
	n, ok := r.integer(r.args[1])
	if !ok {
		return
	}
	if n < 0 || n >= int64(len(r.state.databases)) {
		r.out.Error(errDBIndex)
		return
	}
	h.db = int(n)
	r.out.Status("OK")
}

// infoInside is INFO with the sections that all nodes agree on.
func infoInside(_ *scripting, r *run) {
	wanted := func(section string) bool {
		all := len(r.args) == 1
		for _, a := range r.args[1:] {
			all = all || command.IsWord(a, strings.ToUpper(section)) || command.IsWord(a, "ALL") ||
				command.IsWord(a, "EVERYTHING") || command.IsWord(a, "DEFAULT")
		}
		return all
	}
	var parts []string
	if wanted("server") {
		parts = append(parts, "# Server\r\nredis_version:"+redisVersion+"\r\nredis_mode:standalone\r\narch_bits:64\r\n")
	}
	if wanted("keyspace") {
		text := "# Keyspace\r\n"
		for i, db := range r.state.databases {
			if db.keys > 0 {
				text += "db" + strconv.Itoa(i) + ":keys=" + strconv.Itoa(db.keys) + ",expires=" + strconv.Itoa(db.due.Len()) +
					",avg_ttl=" + strconv.FormatInt(db.averageTTL(r.now), 10) + "\r\n"
			}
		}
		parts = append(parts, text)
	}
	r.out.Verbatim("txt", strings.Join(parts, "\r\n"))
}

// debugInside is what DEBUG can do in a script, which DEBUG SET-DISABLE-DENY-SCRIPTS has to allow. SLEEP takes as many
// instructions as stand for the time, and about as long; by the script's clock no time goes by.
func debugInside(h *scripting, r *run) {
	switch word := strings.ToLower(string(r.args[1])); {
	case word == "protocol" && len(r.args) == 3 && command.IsWord(r.args[2], "ATTRIB"):
		r.out.Text("Some real reply following the attribute") // scripts do not see attributes
	case word == "protocol" && len(r.args) == 3:
		DebugProtocol(strings.ToLower(string(r.args[2])), r.out)
	case word == "sleep" && len(r.args) == 3:
		seconds, err := strconv.ParseFloat(string(r.args[2]), 64)
		if err != nil || !(seconds >= 0 && seconds < 1e6) {
			r.out.Error(errNotFloat)
			return
		}
		steps := int64(seconds * lua.StepsASecond)
		for range min(steps, r.state.parameters.luaSteps) {
			for range 8 { // about what the interpreter takes for one
				h.run.random.next()
			}
		}
		h.answer.Work(steps)
		r.out.Status("OK")
	default:
		r.out.Error(errScriptForbidden)
	}
}
