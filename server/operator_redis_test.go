package server

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// dialogue is a conversation that several connections have with a server, line by line: "a> PING" is what the
// connection a sends, and its answer is waited for; "a>> PING" only sends, and "a<" reads. What
// hidden matches is left out of both servers' answers before they are compared.
type dialogue struct {
	lines  []string
	hidden string
}

// speak holds the conversation with the server at addr and returns it with the answers.
func (d *dialogue) speak(t *testing.T, addr string, settle func()) []string {
	t.Helper()
	clients := map[string]*client{}
	var said []string
	for _, line := range d.lines {
		end := strings.IndexAny(line, "><")
		name, text := line[:end], strings.TrimSpace(strings.TrimLeft(line[end:], "><"))
		c := clients[name]
		if c == nil {
			c = dialAddr(t, addr)
			clients[name] = c
		}
		answer := ""
		settle()
		switch {
		case strings.HasPrefix(line[end:], ">>"):
			c.send(text)
		case line[end] == '<':
			answer = c.read()
		default:
			answer = c.do(text)
		}
		if d.hidden != "" {
			answer = regexp.MustCompile(d.hidden).ReplaceAllString(answer, "")
		}
		said = append(said, line+"\n   "+answer)
	}
	return said
}

// settle waits, for a while, until no session is at work any more: a client may have its answer before its session
// has put the request away.
func (n *node) settle() {
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
		if !slices.ContainsFunc(n.srv.sessions.all(), func(s *session) bool {
			f := s.figures()
			return s.blocked.Load() == nil && (s.turn.busy() || f.queued > 0 || f.waiting > 0)
		}) {
			return
		}
	}
}

// compare holds the conversation with this server and with redis-server.
func (d *dialogue) compare(t *testing.T, n *node, theirs string) {
	t.Helper()
	us, them := d.speak(t, n.addr, n.settle), d.speak(t, theirs, func() {})
	for i := range us {
		if us[i] != them[i] {
			t.Errorf("redraft:\n%s\nredis-server:\n%s", us[i], them[i])
		}
	}
}

func TestClientAnswersLikeRedis(t *testing.T) {
	d := &dialogue{hidden: `\b(id|addr|laddr|fd|age|idle|qbuf-free|rbs|rbp|tot-mem)=\S+| lib-name= lib-ver=|id :\d+`, lines: []string{
		"a> CLIENT SETNAME alice", "a> CLIENT GETNAME", "a> CLIENT INFO", "b> CLIENT GETNAME", "b> SELECT 7", "b> MULTI", "b> SET key value", "b> GET key",
		"a> CLIENT LIST", "a> CLIENT LIST TYPE normal", "a> CLIENT LIST TYPE pubsub", "a> CLIENT LIST TYPE replica", "a> CLIENT LIST TYPE master",
		"a> CLIENT LIST TYPE x", "a> CLIENT LIST TYPE", "a> CLIENT LIST ID", "a> CLIENT LIST ID x", "a> CLIENT LIST ID -1 99999", "a> CLIENT LIST ID 07",
		"a> CLIENT LIST x", "b> DISCARD", "b> CLIENT NO-EVICT ON", "a> CLIENT LIST", "b> CLIENT NO-EVICT x", "b> CLIENT NO-EVICT off", "b> CLIENT NO-EVICT",
		"a> CLIENT KILL", "a> CLIENT KILL ID 0 x", "a> CLIENT KILL ID x", "a> CLIENT KILL ID 99999", "a> CLIENT KILL 1.2.3.4:5", "a> CLIENT KILL ADDR 1.2.3.4:5",
		"a> CLIENT KILL LADDR 1.2.3.4:5 SKIPME no", "a> CLIENT KILL SKIPME x", "a> CLIENT KILL SKIPME", "a> CLIENT KILL TYPE x", "a> CLIENT KILL TYPE pubsub",
		"a> CLIENT KILL TYPE slave USER default", "a> CLIENT KILL USER x", "a> CLIENT KILL x y", "a> CLIENT KILL TYPE normal USER default", "a> CLIENT KILL TYPE normal SKIPME yes",
		"a> CLIENT UNBLOCK x", "a> CLIENT UNBLOCK 07", "a> CLIENT UNBLOCK 99999", "a> CLIENT UNBLOCK 99999 x", "a> CLIENT UNBLOCK 1 ERROR x", "a> CLIENT UNBLOCK 99999 TIMEOUT",
		"a> CLIENT PAUSE", "a> CLIENT PAUSE x", "a> CLIENT PAUSE -1", "a> CLIENT PAUSE 1 x", "a> CLIENT PAUSE 1 ALL x", "a> CLIENT PAUSE 0",
		"a> CLIENT UNPAUSE", "a> CLIENT UNPAUSE x", "a> CLIENT REPLY", "a> CLIENT REPLY x", "a> CLIENT SETNAME", "a> CLIENT SETNAME 'a b'", "a> CLIENT SETNAME ''", "a> CLIENT GETNAME",
		"a> CLIENT x", "a> CLIENT", "a> HELLO 3", "a> CLIENT LIST", "a> CLIENT GETNAME", "a> RESET",
	}}
	d.compare(t, start(t), guardRedis(t))
}

// What CLIENT REPLY leaves out.
func TestClientReplyLikeRedis(t *testing.T) {
	d := &dialogue{lines: []string{
		"a>> CLIENT REPLY SKIP", "a>> PING", "a> ECHO one", "a>> CLIENT REPLY SKIP", "a> CLIENT REPLY ON", "a> ECHO two", "a>> CLIENT REPLY OFF", "a>> SET key value", "a>> CLIENT REPLY SKIP",
		"a>> GET key", "a>> NOSUCH", "a> CLIENT REPLY ON", "a> ECHO three", "a>> CLIENT REPLY SKIP", "a>> CLIENT REPLY x", "a> ECHO four", "a>> CLIENT REPLY SKIP", "a>> SET key", "a> GET key",
		"a>> CLIENT REPLY SKIP", "a>> MULTI", "a> SET key other", "a> EXEC",
	}}
	d.compare(t, start(t), guardRedis(t))
}

// Pauses hold what they should, in the order of Redis' checks.
func TestPauseLikeRedis(t *testing.T) {
	d := &dialogue{hidden: `id=.*flags=`, lines: []string{
		"a> SET key value", "a> PFADD hll x", "a> CLIENT PAUSE 60000 WRITE", "b> GET key", "b> PING", "b> SET key", "b> MULTI", "b> GET key", "b> PING", "b> EXEC",
		"b>> SET key other", "c> GET key", "c>> PFCOUNT hll", "d> MULTI", "d>> SET x 1", "a> CLIENT PAUSE 50", "b<", "c<", "d<", "d> EXEC", "a> GET key",
		"a> MULTI", "a> SET one 1", "a> CLIENT PAUSE 60000 WRITE", "a> SET two 2", "a> EXEC", "b>> SET three 3", "c> MGET one two three", "a> CLIENT UNPAUSE", "b<",
		"a> CLIENT UNPAUSE",
	}}
	d.lines = append(d.lines[:15:15], append([]string{"a> CLIENT UNPAUSE"}, d.lines[16:]...)...) // the longer and the stricter would count
	d.compare(t, start(t), guardRedis(t))
}

// What MONITOR shows, and to whom.
func TestMonitorLikeRedis(t *testing.T) {
	lines := []string{"m> MONITOR", "m>> MONITOR", "a> SELECT 5", "m<", `a> SET key "a\x00b\xff\"q\\\r\n\t\a\b"`, "m<", "a> GET key", "m<", "a> MULTI", "m<", "a> SET key 12345", "a> PING", "a> SELECT 6",
		"a> GET key", "a> EXEC", "m<", "m<", "m<", "m<", "m<", "a> WATCH key", "m<", "a> AUTH x", "m<", "a> AUTH x y", "m<",
		"a> HELLO 3 AUTH default x SETNAME y", "m<", "a> CONFIG GET port", "a> NOSUCH", "a> GET", "a> CLIENT ID", "m<", "a> CLIENT PAUSE 1 WRITE", "a> MULTI", "m<", "a> NOSUCH", "a> EXEC", "m<",
		"m> GET key", "m> SET key x", "m> PFCOUNT key", "m> PING", "m<", "a> RPUSH list x", "m<", "a> BLPOP list 0", "m<", "a> XREAD BLOCK 10 STREAMS s $", "m<", "a> RESET", "m<",
		"m> RESET", "a> GET key", "m> PING", "a> MULTI", "a> MONITOR", "a> EXEC", "a> CLIENT LIST"}
	d := &dialogue{hidden: `^\+\d+\.\d{6} |127.0.0.1:\d+|^:\d+$|id=.*cmd| lib-name= lib-ver=|id :\d+|port \d+`, lines: lines}
	d.compare(t, start(t), guardRedis(t))
}

// A client's reply buffer grows with its answers, and is given back when the client is idle.
func TestReplyBuffer(t *testing.T) {
	n := start(t, "enable-debug-command", "yes")
	a, b := n.dial(), n.dial()
	room := func() string { return field(b.do("client list id 1"), "rbs") }
	a.expect("debug replybuffer peak-reset-time never", "+OK")
	eventually(t, "a small buffer", func() bool { return room() == "1024" })
	a.expect("set key "+strings.Repeat("x", 40000), "+OK")
	a.do("get key")
	eventually(t, "a large one", func() bool { return room() == "16384" })
	b.expect("debug replybuffer peak-reset-time 1", "+OK")
	eventually(t, "a small one again", func() bool { return room() == "1024" })
	if f := b.info("stats"); f["reply_buffer_shrinks"] == "0" || f["reply_buffer_expands"] == "0" {
		t.Errorf("INFO: %s, %s", f["reply_buffer_shrinks"], f["reply_buffer_expands"])
	}
	b.expect("debug replybuffer peak-reset-time x", "-"+errNotInteger)
	b.expect("debug replybuffer peak-reset-time reset", "+OK")
	b.expect("debug replybuffer resizing 0", "+OK")
	if got := n.srv.replyIdle.Load(); got >= 0 {
		t.Errorf("buffers are given back after %d ms", got)
	}
}

// field is the value of a field of CLIENT LIST's line.
func field(line, name string) string {
	for _, f := range strings.Fields(line) {
		if value, ok := strings.CutPrefix(f, name+"="); ok {
			return value
		}
	}
	return ""
}

func TestLolwut(t *testing.T) {
	c := start(t).dial()
	for _, line := range []string{"lolwut", "lolwut version 5", "lolwut version -1 1 1", "lolwut version 6 3 2", "lolwut version 7 100000 600", "lolwut 10"} {
		got := c.do(line)
		if !strings.HasSuffix(got, "\nredraft ver. 1.2.3, Redis ver. 7.0.15\n") || !strings.ContainsAny(got, "~(") {
			t.Errorf("%s:\n%s", line, got)
		}
	}
	c.expect("lolwut version x", "-"+errNotInteger)
	if a, b := drawSea(64, 10, 3, 7, 0.5), drawSea(64, 10, 3, 5, 0.5); a == b || !strings.Contains(a, "(=)(=)(=)") {
		t.Errorf("\n%s\n%s", a, b)
	}
}
