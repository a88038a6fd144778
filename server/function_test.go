package server

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// until asks again and again until the answer holds a text.
func (c *client) until(line, text string) string {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		got := c.do(line)
		if strings.Contains(got, text) {
			return got
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: %q never holds %q", line, got, text)
		}
	}
}

const endless = `"#!lua name=endless\nredis.register_function('loop', function() local a = 1 while true do a = a + 1 end end)"`

// TestFunctionKill stops a function that runs for ever. While it runs other clients are told so, and FUNCTION STATS
// tells more; SCRIPT KILL is not for functions, nor FUNCTION KILL for scripts.
func TestFunctionKill(t *testing.T) {
	f := start(t, "busy-reply-threshold", "10")
	c := f.dial()
	c.expect("function kill", "-NOTBUSY No scripts in execution right now.")
	c.expect("function load "+endless, "endless")
	for _, kind := range []string{"function", "script"} {
		runs := f.dial()
		other := "script"
		if kind == "function" {
			runs.send("fcall loop 1 key arg")
		} else {
			runs.send(`eval "while true do end" 0`)
			other = "function"
		}
		c.until("get key", "-BUSY Redis is busy running a script. You can only call "+strings.ToUpper(kind)+" KILL")
		stats := c.do("function stats")
		if kind == "function" && !strings.Contains(stats, "loop") || kind == "script" && !strings.HasPrefix(stats, "-BUSY") {
			t.Errorf("FUNCTION STATS while a %s runs: %s", kind, stats)
		}
		if got := c.do(other + " kill"); !strings.HasPrefix(got, "-BUSY") {
			t.Errorf("%s KILL: %s", other, got)
		}
		c.expect(kind+" kill", "+OK")
		if got := runs.read(); !strings.HasPrefix(got, "-ERR") || !strings.Contains(got, "Script killed by user") {
			t.Errorf("a %s that was killed answers %s", kind, got)
		}
		c.until("ping", "+PONG")
	}
}

// TestFunctionCounts looks at what INFO and FUNCTION STATS say of libraries.
func TestFunctionCounts(t *testing.T) {
	c := start(t).dial()
	for i := range 3 {
		c.expect(fmt.Sprintf(`function load "#!lua name=l%[1]d\nlocal f = redis.register_function f('a%[1]d', f) f('b%[1]d', f)"`, i), fmt.Sprintf("l%d", i))
	}
	c.expect("function delete l1", "+OK")
	info := c.info("memory")
	if info["number_of_libraries"] != "2" || info["number_of_functions"] != "4" {
		t.Errorf("%s libraries, %s functions", info["number_of_libraries"], info["number_of_functions"])
	}
	c.expect("function list \"X\\r\\n+INJECTED\"", "-ERR Unknown argument X  +INJECTED")
	c.expect("function flush", "+OK")
	if info := c.info("memory"); info["number_of_libraries"] != "0" || info["number_of_functions"] != "0" {
		t.Errorf("after FUNCTION FLUSH %s libraries, %s functions", info["number_of_libraries"], info["number_of_functions"])
	}
}

// TestFunctionReload reloads a node's data beside what it has: there is something to read that is there already.
func TestFunctionReload(t *testing.T) {
	c := start(t, "enable-debug-command", "yes").dial()
	c.expect("debug reload noflush", "+OK")
	c.expect("function load "+endless, "endless")
	c.expect("debug reload noflush", "-ERR Error trying to load the RDB dump")
	c.expect("debug reload noflush merge", "+OK")
	c.expect("debug reload", "+OK")
	c.expect("function load "+endless, "-ERR Library 'endless' already exists")
	c.expect("debug reload sometimes", "-"+errReloadOption)
	c.expect("debug reload nosave", "-"+errReloadNoSave)
}
