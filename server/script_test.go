package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

// applied is the index of the last entry.
func (n *node) applied() uint64 {
	index, _ := n.cluster.m.Applied()
	return index
}

// A script that reads makes no entry, one that writes one; what only the first run of an EVAL does is keep its script.
func TestScriptEntries(t *testing.T) {
	n := start(t)
	c := n.dial()
	c.expect("set key value", "+OK")
	c.expect(`eval "return redis.call('get',KEYS[1])" 1 key`, "value")
	before := n.applied()
	c.expect(`eval "return redis.call('get',KEYS[1])" 1 key`, "value")
	c.expect(`eval_ro "return redis.call('get',KEYS[1])" 1 key`, "value")
	c.expect(`eval "return redis.call('ping')" 0`, "+PONG")
	c.expect(`eval "return redis.call('ping')" 0`, "+PONG")
	if got := n.applied(); got != before+1 {
		t.Errorf("reading scripts made %d entries, want that of one script to keep", got-before)
	}
	before = n.applied()
	for i := range 20 {
		c.expect(`eval "return redis.call('incr',KEYS[1])" 1 counter`, fmt.Sprint(":", i+1))
	}
	if got := n.applied(); got != before+20 {
		t.Errorf("20 writing scripts made %d entries", got-before)
	}
}

// What commands of a node's own say inside of a script, and that SELECT counts for the script alone.
func TestScriptNodeCommands(t *testing.T) {
	c := start(t).dial()
	for _, step := range [][2]string{
		{`eval "return redis.call('ping')" 0`, "+PONG"},
		{`eval "return redis.call('ping','x')" 0`, "x"},
		{`eval "return redis.call('echo','x')" 0`, "x"},
		{`eval "return #redis.call('time')" 0`, ":2"},
		{`eval "return redis.call('select',1)" 0`, "+OK"},
		{`eval "redis.call('select',1) redis.call('set','there',1) return redis.call('dbsize')" 0`, ":1"},
		{"dbsize", ":0"},
		{`eval "return redis.pcall('select',99).err" 0`, "ERR DB index is out of range"},
		{`eval "return redis.pcall('multi').err" 0`, "ERR This Redis command is not allowed from script"},
		{`eval "return redis.pcall('config','get','x').err" 0`, "ERR This Redis command is not allowed from script"},
		{`eval "return redis.pcall('eval','return 1',0).err" 0`, "ERR This Redis command is not allowed from script"},
		{`eval "return redis.pcall('redraft-digest').err" 0`, "ERR Unknown Redis command called from script"},
		{"script debug no", "+OK"},
		{"script debug maybe", "-ERR Use SCRIPT DEBUG YES/SYNC/NO"},
		{"script kill", "-NOTBUSY No scripts in execution right now."},
	} {
		c.expect(step[0], step[1])
	}
}

// Scripts in transactions, in pipelines and on followers.
func TestScriptEverywhere(t *testing.T) {
	leader := start(t)
	for name, n := range map[string]*node{"leader": leader, "follower": leader.follower()} {
		t.Run(name, func(t *testing.T) {
			c := n.dial()
			c.expect("flushall", "+OK")
			c.expect(`eval "return redis.call('incr',KEYS[1])" 1 n`, ":1")
			for _, line := range []string{"multi", `eval "return redis.call('incr',KEYS[1])" 1 n`,
				`eval_ro "return redis.call('get',KEYS[1])" 1 n`, "get n"} {
				c.do(line)
			}
			c.expect("exec", "[:2 2 2]")
			c.expect("multi", "+OK")
			c.expect(`eval_ro "return redis.call('get',KEYS[1])" 1 n`, "+QUEUED")
			c.expect("exec", "[2]")
			var lines []string
			for range 30 {
				lines = append(lines, `eval "return redis.call('incr',KEYS[1])" 1 n`, "get n")
			}
			c.send(lines...)
			for i := range 30 {
				if a, b := c.read(), c.read(); a != fmt.Sprint(":", i+3) || b != fmt.Sprint(i+3) {
					t.Fatalf("%d: %s, %s", i, a, b)
				}
			}
		})
	}
}

// A script that reads for too long keeps others away until it is killed.
func TestScriptBusy(t *testing.T) {
	n := start(t, "busy-reply-threshold", "10")
	slow, other := n.dial(), n.dial()
	slow.send(`eval "while true do pcall(redis.call,'get','x') end" 0`)
	eventually(t, "others are told", func() bool { return strings.HasPrefix(other.do("ping"), "-BUSY") })
	other.expect("get x", "-"+errBusyScript)
	other.expect("function kill", "-"+errBusyScript)
	other.expect("script kill", "+OK")
	if got := slow.read(); !strings.HasPrefix(got, "-ERR Script killed by user with SCRIPT KILL... script: ") {
		t.Error(got)
	}
	eventually(t, "it is over", func() bool { return other.do("ping") == "+PONG" })
	slow.expect("ping", "+PONG")
}

// One that has written is not killed, and stops by itself, after as many instructions everywhere.
func TestScriptRunsAway(t *testing.T) {
	n := start(t, "busy-reply-threshold", "10")
	slow, other := n.dial(), n.dial()
	other.expect("config set lua-max-steps 20000000", "+OK")
	slow.send(`eval "redis.call('set','x',1) while true do end" 0`)
	eventually(t, "others are told", func() bool { return strings.HasPrefix(other.do("ping"), "-BUSY") })
	other.expect("script kill", "-"+errUnkillable)
	if got := slow.read(); !strings.Contains(got, "lua-max-steps") {
		t.Error(got)
	}
	eventually(t, "it is over", func() bool { return other.do("ping") == "+PONG" })
	other.expect("get x", "1")
}

// A server that ends does not wait for a script that reads.
func TestScriptEndsWithServer(t *testing.T) {
	n := start(t, "busy-reply-threshold", "10")
	n.dial().send(`eval "while true do end" 0`)
	eventually(t, "it runs", func() bool { return n.srv.overdue() != nil })
	began := time.Now()
	n.srv.cancel()
	eventually(t, "it is over", func() bool { return n.srv.scripts.oldest.Load() == nil })
	t.Logf("after %v", time.Since(began))
}

// TestScriptDeterminism runs every command from scripts on two machines, whose nodes differ in all that is a node's
// own: replies and data are the same.
func TestScriptDeterminism(t *testing.T) {
	table, err := newCommands(fsm.Commands(), sessionCommands())
	if err != nil {
		t.Fatal(err)
	}
	var machines [2]*scriptMachine
	for i := range machines {
		machines[i] = newScriptMachine(i, table)
	}
	for _, e := range table.all {
		if e.spec.Container() {
			continue
		}
		for seed := range uint64(8) {
			args := randomWords(seed, e.spec)
			a, b := machines[0].run(args), machines[1].run(args)
			if a != b {
				t.Fatalf("%q: one machine answered\n%s\nthe other\n%s", args, a, b)
			}
		}
	}
	if a, b := machines[0].m.DebugDigest(), machines[1].m.DebugDigest(); a != b {
		t.Errorf("digests: %s and %s", a, b)
	}
}

// Who monitors is shown what scripts call, behind the script.
func TestScriptMonitored(t *testing.T) {
	n := start(t)
	c, seen := n.dial(), n.dial()
	seen.expect("monitor", "+OK")
	c.expect(`eval "redis.call('select',3) return redis.call('set',KEYS[1],'v')" 1 k`, "+OK")
	c.expect(`eval_ro "return redis.pcall('get')" 0`, "-ERR Wrong number of args calling Redis command from script")
	for _, want := range []string{`"eval"`, ` lua] "select" "3"`, `[3 lua] "set" "k" "v"`, `"eval_ro"`} {
		got := seen.read()
		for want == `[3 lua] "set" "k" "v"` && strings.Contains(got, "select") {
			got = seen.read() // the script was run as a read up to its first write
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A script that is known to write goes into the log at once, and is shown as it was sent all the same.
func TestScriptMonitoredAlong(t *testing.T) {
	n := start(t, "slowlog-log-slower-than", "0")
	c, seen := n.dial(), n.dial()
	const line = `eval "return redis.call('incr',KEYS[1])" 1 k`
	for i := range 20 {
		c.expect(line, fmt.Sprintf(":%d", i+1))
	}
	seen.expect("monitor", "+OK")
	c.expect(line, ":21")
	if got := seen.read(); !strings.Contains(got, `"eval" "return redis.call('incr',KEYS[1])" "1" "k"`) {
		t.Errorf("a script is shown as %s", got)
	}
	if got := c.do("slowlog get -1"); strings.Contains(got, "redraft-") || !strings.Contains(got, "[eval return redis.call('incr',KEYS[1]) 1 k]") {
		t.Errorf("the slow log is %s", got)
	}
}
