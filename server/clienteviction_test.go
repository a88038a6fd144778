package server

import (
	"fmt"
	"strings"
	"testing"
)

// maxmemory-clients is set and refused in the words of redis-server.
func TestClientMemoryParameter(t *testing.T) {
	failed := "-ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - "
	ask := func(t *testing.T, c *client) {
		for _, step := range []struct{ set, answer, get string }{
			{"5%", "+OK", "5%"},
			{"100%", "+OK", "100%"},
			{"101%", failed + "percentage argument must be less or equal to 100", "100%"},
			{"10mb", "+OK", "10485760"},
			{"-1", failed + "argument must be a memory or percent value", "10485760"},
			{"-5%", failed + "argument must be a memory or percent value", "10485760"},
			{"007%", failed + "argument must be a memory or percent value", "10485760"},
			{"5 %", failed + "argument must be a memory or percent value", "10485760"},
			{"%", failed + "argument must be a memory or percent value", "10485760"},
			{"x", failed + "argument must be a memory or percent value", "10485760"},
			{"0%", "+OK", "0"},
		} {
			c.expect(fmt.Sprintf("config set maxmemory-clients '%s'", step.set), step.answer)
			c.expect("config get maxmemory-clients", "[maxmemory-clients "+step.get+"]")
		}
	}
	t.Run("redis-server", func(t *testing.T) { ask(t, dialAddr(t, guardRedis(t))) })
	t.Run("redraft", func(t *testing.T) { ask(t, start(t).dial()) })
}

// Of clients that take more than they may together those go that take most, but none that is protected.
func TestClientEviction(t *testing.T) {
	const mb = 1 << 20
	n := start(t)
	c := n.dial()
	c.expect("client no-evict on", "+OK")
	hold := func(bytes int) *client { // in a transaction that is not run
		h := n.dial()
		h.expect("multi", "+OK")
		h.expect("set k "+strings.Repeat("x", bytes), "+QUEUED")
		return h
	}
	small, large, middle := hold(mb), hold(6*mb), hold(4*mb)
	shielded := n.dial()
	shielded.expect("client no-evict on", "+OK")
	shielded.expect("multi", "+OK")
	shielded.expect("set k "+strings.Repeat("x", 8*mb), "+QUEUED")
	held := func() int64 { return n.srv.clientMemory.Load() }
	eventually(t, "the clock has seen them", func() bool { return held() > 19*mb })

	c.expect(fmt.Sprint("config set maxmemory-clients ", 16*mb), "+OK")
	large.closed()
	eventually(t, "the largest is gone", func() bool { return held() < 16*mb })
	c.expect("config set maxmemory 1gb maxmemory-clients 1%", "+OK")
	middle.closed()
	eventually(t, "the next is gone", func() bool { return held() < 12*mb })
	small.expect("exec", "[+OK]")
	if got := c.info("stats")["evicted_clients"]; got != "2" {
		t.Errorf("evicted_clients:%s", got)
	}
	c.expect("config set maxmemory-clients 1", "+OK")
	small.closed()
	eventually(t, "nobody is left but those that are protected", func() bool { return n.srv.sessions.count() == 2 })
	shielded.expect("exec", "[+OK]")
	c.expect("config resetstat", "+OK")
	if got := c.info("stats")["evicted_clients"]; got != "0" {
		t.Errorf("evicted_clients:%s after CONFIG RESETSTAT", got)
	}
}
