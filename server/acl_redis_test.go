package server

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

const aclConversations = "testdata/acl.txt"

// A conversation is a heading of a file and what is said under it.
type conversation struct {
	heading string
	lines   []spoken
}

// spoken is one command and its answer.
type spoken struct {
	number    int // of the line
	who, line string
	answer    []string
}

// TestACLConversations holds conversations about users, whose answers are those of redis-server, with a node
// that leads and with one that follows.
func TestACLConversations(t *testing.T) {
	all, head := readConversations(t, aclConversations)
	converse := func(t *testing.T, addr string, keep bool) {
		for i := range all {
			all[i].hold(t, func() net.Conn { return dialTCP(t, addr) }, keep)
		}
	}
	t.Run("redis-server", func(t *testing.T) {
		converse(t, guardRedis(t), *rewrite)
		if *rewrite {
			writeConversations(t, aclConversations, head, all)
		}
	})
	t.Run("leader", func(t *testing.T) { converse(t, start(t).addr, false) })
	t.Run("follower", func(t *testing.T) { converse(t, start(t).follower().addr, false) })
}

func dialTCP(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	return conn
}

func readConversations(t *testing.T, path string) (all []conversation, head []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		c := &conversation{}
		if len(all) > 0 {
			c = &all[len(all)-1]
		}
		who, command, is := strings.Cut(line, "> ")
		switch {
		case strings.HasPrefix(line, "== "):
			all = append(all, conversation{heading: line[3:]})
		case len(all) == 0:
			head = append(head, line)
		case line == "":
		case is && len(who) == 1:
			c.lines = append(c.lines, spoken{number: i + 1, who: who, line: command})
		default:
			last := &c.lines[len(c.lines)-1]
			last.answer = append(last.answer, line)
		}
	}
	return all, head
}

func writeConversations(t *testing.T, path string, head []string, all []conversation) {
	var b strings.Builder
	for _, line := range head {
		fmt.Fprintln(&b, line)
	}
	for i, c := range all {
		if i > 0 {
			fmt.Fprintln(&b)
		}
		fmt.Fprintln(&b, "==", c.heading)
		for _, l := range c.lines {
			fmt.Fprintf(&b, "%s> %s\n", l.who, l.line)
			for _, a := range l.answer {
				fmt.Fprintln(&b, a)
			}
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// hold has a conversation with a server and compares what it answers, or keeps it.
func (c *conversation) hold(t *testing.T, dial func() net.Conn, keep bool) {
	t.Helper()
	clients := map[string]*client{}
	connect := func(who string) *client {
		if clients[who] == nil {
			conn := dial()
			clients[who] = &client{t: t, conn: conn, in: bufio.NewReader(conn)}
		}
		return clients[who]
	}
	defer func() {
		for _, c := range clients {
			_ = c.conn.Close()
		}
	}()
	admin := connect("the one who tidies up")
	for _, user := range strings.Fields("lena x X y r s t u d p root") {
		admin.do("acl deluser " + user)
	}
	admin.do(`acl deluser ""`)
	admin.do("flushall")
	defer func() {
		for _, line := range []string{"auth root x", "config set requirepass ''", "acl setuser default reset on nopass ~* &* +@all", "acl setuser default nopass"} {
			admin.do(line)
		}
	}()
	for i := range c.lines {
		l := &c.lines[i]
		got := strings.Split(said(connect(l.who), l.line), "\n")
		if keep {
			l.answer = got
		} else if strings.Join(got, "\n") != strings.Join(l.answer, "\n") {
			t.Errorf("%s:%d, %s\n%s> %s\n got %s\nwant %s", aclConversations, l.number, c.heading, l.who, l.line,
				strings.Join(got, "\n"), strings.Join(l.answer, "\n"))
		}
	}
}

// said is the answer to a command, in a form that two servers have in common, or that there is no connection any
// more.
func said(c *client, line string) string {
	_, err := c.conn.Write([]byte(request(words(line)...)))
	answer := "(closed)"
	if err == nil {
		if a, err := readReply(c.in); err == nil {
			answer = a
		}
	}
	answer = aclLogChanges.ReplaceAllString(answer, "${1}AGE client-info INFO$2")
	return helloChanges.ReplaceAllString(answer, "id :ID mode standalone role ROLE ")
}

// What differs from one server to another.
var (
	aclLogChanges = regexp.MustCompile(`(age-seconds )[,0-9.e-]+ client-info id=[^\n]*?\n?([\]}])`)
	helloChanges  = regexp.MustCompile(`id :\d+ mode standalone role \w+ `)
)
