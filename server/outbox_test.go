package server

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestPushesAndReplies has a client read a key over and over that another one changes, and listen to the changes: what
// it is told of a change must not come before a reply that was made before the change.
func TestPushesAndReplies(t *testing.T) {
	n := start(t, "notify-keyspace-events", "K$")
	changes := 2000
	if testing.Short() {
		changes = 300
	}
	writer, c := n.dial(), n.dial()
	writer.expect("set k 0", "+OK")
	c.do("hello 3")
	c.expect("subscribe __keyspace@0__:k", ">[subscribe __keyspace@0__:k :1]")
	var wait sync.WaitGroup
	wait.Add(1)
	go func() {
		defer wait.Done()
		for i := 1; i <= changes; i++ {
			if got := writer.do(fmt.Sprintf("set k %d", i)); got != "+OK" {
				t.Error(got)
			}
		}
	}()
	told, between := 0, 0
	var batch []string
	for range 50 { // reads under a lock each, since there is something else between them
		batch = append(batch, "get k", "echo x", "mget k", "ping")
	}
	for told < changes {
		c.send(batch...)
		for replies := 0; replies < len(batch); {
			line := c.read()
			if strings.HasPrefix(line, ">") {
				told++
				if replies > 0 {
					between++
				}
				continue
			}
			replies++
			if v, err := strconv.Atoi(strings.Trim(line, "[]")); err == nil && v < told {
				t.Fatalf("a reply with the value %d came behind the news of %d changes", v, told)
			}
		}
	}
	wait.Wait()
	t.Logf("%d of %d pushes came between the replies of a batch", between, changes)
}

// A subscriber that does not read is cut off at the limit of its class, and holds nobody up meanwhile.
func TestSubscriberThatDoesNotRead(t *testing.T) {
	for _, limit := range []string{"pubsub 500kb 0 0", "pubsub 0 300kb 1"} {
		t.Run(limit, func(t *testing.T) {
			n := start(t, "client-output-buffer-limit", limit+" normal 20kb 20kb 1")
			mute, reader, p := n.dial(), n.dial(), n.dial()
			for _, c := range []*client{mute, reader} {
				c.expect("subscribe c", "[subscribe c :1]")
			}
			message := strings.Repeat("x", 100<<10)
			for range 200 { // more than the system's buffers take
				p.do("publish c " + message)
				if got := reader.read(); got != "[message c "+message+"]" {
					t.Fatalf("the other subscriber gets %.80s…", got)
				}
				if p.do("pubsub numsub c") == "[c :1]" {
					break
				}
			}
			eventually(t, "the end of the mute subscriber", func() bool { return p.do("pubsub numsub c") == "[c :1]" })
			p.expect("publish c x", ":1")
			reader.expect("ping", "[message c x]")
		})
	}
}

// The limit of subscribers is not that of others, and the other way round.
func TestLimitsByClass(t *testing.T) {
	n := start(t, "client-output-buffer-limit", "normal 50kb 0 0 pubsub 1mb 0 0")
	c, p := n.dial(), n.dial()
	big := strings.Repeat("x", 60<<10)
	c.do("hello 3")
	c.do("subscribe c")
	p.expect("publish c "+big, ":1")
	if got := c.read(); got != ">[message c "+big+"]" {
		t.Errorf("the subscriber gets %.80s…", got)
	}
	p.expect("config set client-output-buffer-limit 'pubsub 50kb 0 0'", "+OK")
	p.expect("config get client-output-buffer-limit", "[client-output-buffer-limit normal 51200 0 0 slave 268435456 67108864 60 pubsub 51200 0 0]")
	p.expect("publish c "+big, ":1")
	c.closed()
	p.expect("config set client-output-buffer-limit 'replica 1 1 1'",
		"-ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - "+errLimitOther.Error())
	p.expect("config set client-output-buffer-limit ''", "+OK")
}

// What is pushed while a session waits in a blocking command goes out at once, replies wanted or not.
func TestPushToWhoWaits(t *testing.T) {
	n := start(t)
	for _, silent := range []bool{false, true} {
		c, p := n.dial(), n.dial()
		c.do("hello 3")
		c.do("subscribe c")
		if silent {
			c.send("client reply off")
		}
		c.send("blpop list 0")
		eventually(t, "somebody waits", func() bool { return n.srv.blocked.Load() == 1 })
		p.expect("publish c hello", ":1")
		if got := c.read(); got != ">[message c hello]" {
			t.Error(got)
		}
		p.expect("rpush list a", ":1")
		if !silent {
			if got := c.read(); got != "[list a]" {
				t.Error(got)
			}
		}
		eventually(t, "nobody waits", func() bool { return n.srv.blocked.Load() == 0 })
		p.expect("publish c bye", ":1")
		if got := c.read(); got != ">[message c bye]" {
			t.Error(got)
		}
		c.send("unsubscribe")
		if got := c.read(); got != ">[unsubscribe c :0]" {
			t.Error(got)
		}
	}
}

// A message encodes itself for a protocol when it is first needed in it, and once.
func TestMessageForms(t *testing.T) {
	encoded := 0
	m := &message{encode: func(w *respWriter) { encoded++; w.Push(1); w.Text("x") }}
	for range 3 {
		if a, b := string(m.in(false)), string(m.in(true)); a != "*1\r\n$1\r\nx\r\n" || b != ">1\r\n$1\r\nx\r\n" {
			t.Errorf("%q, %q", a, b)
		}
	}
	if encoded != 2 {
		t.Errorf("encoded %d times", encoded)
	}
}
