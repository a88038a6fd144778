package server

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// What the slow log keeps of commands, and of whose.
func TestSlowlogLikeRedis(t *testing.T) {
	many := strings.TrimSpace(strings.Repeat("x ", 40))
	d := &dialogue{hidden: `\[\[?:\d+ :\d+ :\d+|127.0.0.1:\d+|id :\d+`, lines: []string{
		"a> CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 50", "a> SLOWLOG RESET", "a> CLIENT SETNAME me", "a> SET key value", "a> GET key", "a> SADD set " + many,
		"a> SET key " + strings.Repeat("y", 129), "a> SET key " + strings.Repeat("y", 128), "b> PING", "a> MULTI", "a> SET key 1", "a> PING", "a> EXEC", "a> NOSUCH", "a> GET", "a> INCRBYFLOAT key 1.5",
		"a> AUTH x", "a> AUTH x y", "a> HELLO 3 AUTH default x SETNAME you", "a> CONFIG SET masterauth x", "a> CONFIG SET masterauth ''", "a> CONFIG SET requirepass '' maxclients 1000",
		"a> BLPOP list 0.01 x", "a> RPUSH list 1", "a> BLPOP list 0", "a> LPUSH key x", "a> SLOWLOG GET -1", "a> SLOWLOG LEN", "a> SLOWLOG GET 2",
		"a> SLOWLOG GET", "a> SLOWLOG GET 0", "a> SLOWLOG GET -2", "a> SLOWLOG GET x", "a> SLOWLOG GET 1 2", "a> SLOWLOG x", "a> SLOWLOG LEN x", "a> CONFIG SET slowlog-max-len 3", "a> SLOWLOG LEN", "a> SLOWLOG GET 10",
		"a> CONFIG SET slowlog-log-slower-than -1", "a> SLOWLOG RESET", "a> PING", "a> SLOWLOG LEN", "a> SLOWLOG GET", "a> CONFIG SET slowlog-log-slower-than -2", "a> CONFIG SET slowlog-max-len -1",
		"a> CONFIG SET slowlog-log-slower-than 1000000", "a> PING", "a> SLOWLOG LEN",
	}}
	d.compare(t, start(t), guardRedis(t))
}

// LATENCY's answers; the events themselves are this server's own.
func TestLatencyLikeRedis(t *testing.T) {
	d := &dialogue{hidden: `(?m)(histogram_usec )\{[^}]*\}|\[:\d{9,} :\d+|:\d{9,} :\d+ :\d+|high \d+ ms, low \d+ ms|high \d+ ms|p50=\d+\.\d{3},p99=\d+\.\d{3},p99.9=\d+\.\d{3}|p0.5=\d+\.\d{3}|id :\d+|^:\d$| +$`, lines: []string{
		"a> LATENCY LATEST", "a> LATENCY HISTORY command", "a> LATENCY RESET", "a> LATENCY GRAPH command", "a> LATENCY HISTORY", "a> LATENCY x", "a> LATENCY LATEST x", "a> LATENCY",
		"a> CONFIG SET latency-monitor-threshold 30", "a> DEBUG SLEEP 0.05", "a> LATENCY LATEST", "a> LATENCY HISTORY command", "a> LATENCY HISTORY COMMAND", "a> LATENCY GRAPH command",
		"a> LATENCY RESET nosuch", "a> LATENCY RESET COMMAND nosuch", "a> LATENCY LATEST", "a> HELLO 3", "a> CONFIG RESETSTAT", "a> SET key value", "a> SET key value", "a> GET key", "a> CLIENT ID",
		"a> LATENCY HISTOGRAM set", "a> LATENCY HISTOGRAM nosuch get SET", "a> LATENCY HISTOGRAM client", "a> LATENCY HISTOGRAM client|id", "a> LATENCY HISTOGRAM zadd",
		"a> CONFIG SET latency-tracking-info-percentiles '0.5'", "a> CONFIG RESETSTAT", "a> INFO latencystats", "a> CONFIG SET latency-tracking-info-percentiles '50.10000 x'", "a> CONFIG SET latency-tracking-info-percentiles '101'", "a> CONFIG SET latency-tracking-info-percentiles ''",
		"a> CONFIG GET latency-tracking-info-percentiles", "a> CONFIG SET latency-tracking no", "a> INFO latencystats", "a> CONFIG RESETSTAT", "a> LATENCY HISTOGRAM",
	}}
	d.compare(t, start(t, "enable-debug-command", "yes"), guardRedis(t, "--enable-debug-command", "yes"))
}

// A command's time is its own: neither what it waited for nor what its neighbours took.
func TestOwnTime(t *testing.T) {
	n := start(t, "slowlog-log-slower-than", "20000")
	c, other := n.dial(), n.dial()
	c.send("blpop list 0")
	eventually(t, "waiting", func() bool { return other.info("clients")["blocked_clients"] == "1" })
	time.Sleep(30 * time.Millisecond)
	other.expect("rpush list x", ":1")
	c.read()
	c.send("client pause 40 write", "set key value")
	c.read()
	c.read()
	c.expect("slowlog len", ":0")
	n.slow(30 * time.Millisecond)
	c.expect("set key value", "+OK")
	c.expect("multi", "+OK")
	c.expect("set key value", "+QUEUED")
	c.expect("exec", "[+OK]")
	c.expect("slowlog len", ":0")
	if usec := regexp.MustCompile(`usec=(\d+)`).FindStringSubmatch(c.info("commandstats")["cmdstat_blpop"]); usec == nil || len(usec[1]) > 4 {
		t.Errorf("BLPOP is said to have run for %v µs", usec)
	}
	c.expect("config set latency-monitor-threshold 20", "+OK")
	c.expect("set key value", "+OK")
	if got := c.do("latency latest"); !strings.HasPrefix(got, "[[log-commit ") {
		t.Errorf("LATENCY LATEST: %s", got)
	}
}
