package lua

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// What scripts see as Redis' version.
const (
	redisVersion    = "7.0.15"
	redisVersionNum = 0x07000f
)

// Levels of redis.log.
const (
	logDebug = iota
	logVerbose
	logNotice
	logWarning
)

// Where set_repl of Redis sends a script's writes.
const (
	replAOF     = 1
	replReplica = 2
)

// openRedis makes the table redis.
func openRedis(e *Engine) *lua.LTable {
	t := e.table(map[string]function{
		"call":               redisCall,
		"pcall":              redisPCall,
		"error_reply":        redisErrorReply,
		"status_reply":       redisStatusReply,
		"sha1hex":            redisSHA1,
		"log":                redisLog,
		"setresp":            redisSetResp,
		"set_repl":           redisSetRepl,
		"acl_check_cmd":      redisACLCheck,
		"replicate_commands": redisReplicateCommands,
		"breakpoint":         redisBreakpoint,
		"debug":              redisDebug,
	})
	for name, n := range map[string]int{
		"LOG_DEBUG": logDebug, "LOG_VERBOSE": logVerbose, "LOG_NOTICE": logNotice, "LOG_WARNING": logWarning,
		"REPL_NONE": 0, "REPL_AOF": replAOF, "REPL_SLAVE": replReplica, "REPL_REPLICA": replReplica,
		"REPL_ALL": replAOF | replReplica, "REDIS_VERSION_NUM": redisVersionNum,
	} {
		t.RawSetString(name, lua.LNumber(n))
	}
	t.RawSetString("REDIS_VERSION", lua.LString(redisVersion))
	return t
}

func redisCall(e *Engine, L *lua.LState) int  { return e.command(L, true) }
func redisPCall(e *Engine, L *lua.LState) int { return e.command(L, false) }

// command runs a command of the server's and pushes its answer, or raises it if it is an error.
func (e *Engine) command(L *lua.LState, raise bool) int {
	problem := ""
	words, ok := e.wordsOf(L)
	switch {
	case !ok:
		problem = errArguments
	case len(words) == 0:
		problem = errNoArguments
	}
	if problem != "" {
		t := e.errorReply(L, "ERR "+problem)
		if raise {
			L.Error(t, 0)
		}
		L.Push(t)
		return 1
	}
	size := 0
	for _, w := range words {
		size += len(w)
	}
	e.work(L, callSteps+size/bytesAStep)
	out := &values{L: L, protocol: e.protocol, result: lua.LNil, most: e.memory}
	goOn := e.ask(words, out)
	e.grow(L, int(out.cost))
	e.work(L, int(out.steps))
	if !goOn {
		e.halted = abandoned
		e.stop(L)
	}
	if out.failed != "" && raise {
		L.Error(out.result, 0)
	}
	L.Push(out.result)
	return 1
}

// ask has the Host run a command. A panic of its has to get through the interpreter, which catches all.
func (e *Engine) ask(words [][]byte, out *values) (goOn bool) {
	defer func() {
		if p := recover(); p != nil {
			e.halted, e.panicked = broken, p
			panic(p)
		}
	}()
	return e.host.Call(words, out)
}

func redisErrorReply(e *Engine, L *lua.LState) int {
	text, ok := L.Get(1).(lua.LString)
	if !ok || L.GetTop() != 1 {
		L.Push(e.errorReply(L, "ERR wrong number or type of arguments"))
		return 1
	}
	L.Push(e.errorReply(L, errorLine(strings.TrimPrefix(string(text), "-"))))
	return 1
}

func redisStatusReply(e *Engine, L *lua.LState) int {
	text, ok := L.Get(1).(lua.LString)
	if !ok || L.GetTop() != 1 {
		L.Push(e.errorReply(L, "ERR wrong number or type of arguments"))
		return 1
	}
	t := e.newTable(L, 0, 1)
	t.RawSetString("ok", text)
	L.Push(t)
	return 1
}

func redisSHA1(e *Engine, L *lua.LState) int {
	if L.GetTop() != 1 {
		e.failReply(L, "ERR wrong number of arguments")
	}
	text, _ := textOf(L.Get(1))
	e.work(L, len(text)/bytesAStep)
	sum := sha1.Sum([]byte(text))
	L.Push(lua.LString(hex.EncodeToString(sum[:])))
	return 1
}

func redisLog(e *Engine, L *lua.LState) int {
	if L.GetTop() < 2 {
		e.failReply(L, "ERR redis.log() requires two arguments or more.")
	}
	n, ok := numberOf(L.Get(1))
	if !ok {
		e.failReply(L, "ERR First argument must be a number (log level).")
	}
	level := int(integer(n))
	if level < logDebug || level > logWarning {
		e.failReply(L, "ERR Invalid debug level.")
	}
	var line strings.Builder
	for i := 2; i <= L.GetTop(); i++ {
		text, ok := textOf(L.Get(i))
		if !ok {
			continue
		}
		e.draft(L, 2*len(text)+1)
		if i > 2 {
			line.WriteByte(' ')
		}
		line.WriteString(text)
	}
	e.host.Log(level, line.String())
	return 0
}

func redisSetResp(e *Engine, L *lua.LState) int {
	if L.GetTop() != 1 {
		e.failReply(L, "ERR redis.setresp() requires one argument.")
	}
	n, _ := numberOf(L.Get(1))
	if n := integer(n); n != 2 && n != 3 {
		e.failReply(L, "ERR RESP version must be 2 or 3.")
	}
	e.protocol = int(n)
	return 0
}

// redisSetRepl takes what Redis takes. Where a script's writes go to is not the script's to choose here: the log
// has the script.
func redisSetRepl(e *Engine, L *lua.LState) int {
	if L.GetTop() != 1 {
		e.failReply(L, "ERR redis.set_repl() requires two arguments.")
	}
	n, _ := numberOf(L.Get(1))
	if integer(n)&^(replAOF|replReplica) != 0 {
		e.failReply(L, "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
	}
	return 0
}

func redisACLCheck(e *Engine, L *lua.LState) int {
	words, ok := e.wordsOf(L)
	switch {
	case !ok:
		e.failReply(L, "ERR "+errArguments)
	case len(words) == 0:
		e.failReply(L, "ERR "+errNoArguments)
	}
	known, permitted := e.host.Permitted(words)
	if !known {
		e.failReply(L, "ERR Invalid command passed to redis.acl_check_cmd()")
	}
	L.Push(lua.LBool(permitted))
	return 1
}

func redisReplicateCommands(_ *Engine, L *lua.LState) int {
	L.Push(lua.LTrue)
	return 1
}

// redisBreakpoint answers what it does outside of a debugging session; there are none.
func redisBreakpoint(_ *Engine, L *lua.LState) int {
	L.Push(lua.LFalse)
	return 1
}

func redisDebug(*Engine, *lua.LState) int { return 0 }

// textOf is a string, or a number as text.
func textOf(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return formatNumber(float64(v)), true
	}
	return "", false
}

// numberOf is a number, or the one that a string says.
func numberOf(v lua.LValue) (float64, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v), true
	case lua.LString:
		return parseNumber(string(v))
	}
	return 0, false
}
