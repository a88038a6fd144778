package server

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

// TestPubsubRandom has connections of redraft and of redis-server subscribe and unsubscribe at random, and compares
// what they are answered, how many receive a message, and which messages each of them gets.
func TestPubsubRandom(t *testing.T) {
	theirs := guardRedis(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	n := start(t)
	const connections = 4
	var us, them [connections]*client
	for i := range us {
		us[i], them[i] = n.dial(), dialAddr(t, theirs)
		us[i].do("hello 3")
		them[i].do("hello 3")
	}
	rounds := 3000
	if testing.Short() {
		rounds = 500
	}
	var history []string
	for range rounds {
		i, line := rnd.IntN(connections), pubsubLine(rnd)
		history = append(history, fmt.Sprintf("%d> %s", i, line))
		us[i].send(line)
		them[i].send(line)
		for k := range us { // first the one whose command it is: then it is done
			j := (i + k) % connections
			if a, b := us[j].upTo("mark"), them[j].upTo("mark"); a != b {
				t.Fatalf("after\n%s\nconnection %d of redraft gets\n%s, of redis-server\n%s",
					strings.Join(history[max(0, len(history)-40):], "\n"), j, a, b)
			}
		}
	}
}

// pubsubLine makes up a command.
func pubsubLine(rnd *rand.Rand) string {
	name := func() string { return []string{"a", "b", "ab"}[rnd.IntN(3)] }
	pattern := func() string { return []string{"a", "a*", "?b", "*"}[rnd.IntN(4)] }
	return []func() string{
		func() string { return "SUBSCRIBE " + name() },
		func() string { return "SUBSCRIBE " + name() + " " + name() },
		func() string { return "PSUBSCRIBE " + pattern() },
		func() string { return "PSUBSCRIBE " + pattern() + " " + pattern() },
		func() string { return "SSUBSCRIBE " + name() },
		func() string { return "UNSUBSCRIBE " + name() },
		func() string { return "PUNSUBSCRIBE " + pattern() + " " + pattern() },
		func() string { return "SUNSUBSCRIBE " + name() },
		func() string { return "PUBLISH " + name() + " x" },
		func() string { return "PUBLISH " + name() + " y" },
		func() string { return "SPUBLISH " + name() + " z" },
		func() string { return "PUBSUB NUMSUB a b ab" },
		func() string { return "PUBSUB SHARDNUMSUB a b ab" },
		func() string { return "PUBSUB NUMPAT" },
		func() string { return "PING x" },
	}[rnd.IntN(15)]()
}

// upTo sends a mark and reads what comes before it, messages in the order of their texts: which of several patterns
// comes first, and whether before one's own reply, is for each server to say.
func (c *client) upTo(mark string) string {
	c.t.Helper()
	c.send("echo " + mark)
	var lines []string
	for line := c.read(); line != mark; line = c.read() {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Messages to oneself come behind the reply, and behind those of a transaction.
func TestPublishToOneself(t *testing.T) {
	c := start(t).dial()
	c.do("hello 3")
	c.do("subscribe c")
	c.expect("publish c 1", ":1")
	c.expect("multi", ">[message c 1]")
	if got := c.read(); got != "+OK" {
		t.Error(got)
	}
	c.expect("publish c 2", "+QUEUED")
	c.expect("publish c 3", "+QUEUED")
	c.expect("exec", "[:1 :1]")
	for _, want := range []string{">[message c 2]", ">[message c 3]"} {
		if got := c.read(); got != want {
			t.Error(got)
		}
	}
}

// A follower's subscribers get what the leader applies, once the follower applies it, and subscribing waits for what
// was published before.
func TestSubscribeOnFollower(t *testing.T) {
	n := start(t)
	f := n.follower()
	c, p := f.dial(), n.dial()
	f.cluster.set(func(f *fakeCluster) { f.readIndex = &fakeError{} })
	c.send("subscribe c")
	time.Sleep(50 * time.Millisecond)
	if f.srv.hub.count(channelTopic) != 0 {
		t.Error("it has subscribed before it knows what was published")
	}
	f.cluster.set(func(f *fakeCluster) { f.readIndex = nil })
	if got := c.read(); got != "[subscribe c :1]" {
		t.Error(got)
	}
	p.expect("publish c hello", ":0") // none at the leader's
	if got := c.read(); got != "[message c hello]" {
		t.Error(got)
	}
	f.cluster.set(func(f *fakeCluster) { f.readIndex = &fakeError{} })
	began := time.Now()
	c.expect("subscribe d", "[subscribe d :2]")
	if took := time.Since(began); took < publishedPatience*9/10 || took > 10*publishedPatience {
		t.Errorf("without a leader it waits %v", took)
	}
	// Publishing on a follower goes to the leader, whose subscribers it counts.
	leading, sends := n.dial(), f.dial()
	leading.do("subscribe c")
	f.cluster.set(func(f *fakeCluster) { f.readIndex = nil })
	sends.expect("publish c again", ":1")
	for _, subscriber := range []*client{c, leading} {
		if got := subscriber.read(); got != "[message c again]" {
			t.Error(got)
		}
	}
	sends.expect("config set replica-writes readonly", "+OK")
	sends.expect("publish c x", "-"+errReadOnly)
}

// What the node's log held at its start is not delivered, neither messages nor events; while it loads nobody can
// subscribe.
func TestNothingFromBefore(t *testing.T) {
	n := startLoading(t, "notify-keyspace-events", "KEA")
	c := n.dial()
	c.expect("subscribe c", "-"+errLoading)
	c.expect("publish c x", "-"+errLoading)
	n.cluster.status.LastIndex = 5
	n.srv.Attach(n.cluster)
	n.srv.Ready()
	c.expect("psubscribe *", "[psubscribe * :1]")
	p := n.dial()
	for i := range 7 { // entries 1 to 7
		p.do(fmt.Sprintf("publish c %d", i+1))
	}
	p.expect("set k v", "+OK")
	for _, want := range []string{"[pmessage * c 6]", "[pmessage * c 7]", "[pmessage * __keyspace@0__:k set]", "[pmessage * __keyevent@0__:set k]"} {
		if got := c.read(); got != want {
			t.Error(got)
		}
	}
}

// A node that installs a snapshot knows nothing of the messages in between, so its subscribers have to come again.
func TestSnapshotDisconnects(t *testing.T) {
	n := start(t)
	subscribers := []*client{n.dial(), n.dial(), n.dial()}
	subscribers[0].do("subscribe c")
	subscribers[1].do("psubscribe c")
	subscribers[2].do("ssubscribe c")
	c := n.dial()
	c.expect("set k v", "+OK")
	write, release, err := n.cluster.m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := write(&file); err != nil {
		t.Fatal(err)
	}
	release()
	if err := n.cluster.m.Restore(&file); err != nil {
		t.Fatal(err)
	}
	for _, s := range subscribers {
		s.closed()
	}
	c.expect("get k", "v")
	eventually(t, "no subscriptions", func() bool { return n.srv.hub.size.Load() == 0 })
	c.expect("publish c x", ":0")
}

// Who has hung up is no subscriber, and an idle one is not disconnected.
func TestSubscribersComeAndGo(t *testing.T) {
	n := start(t, "timeout", "1")
	stays, goes, p := n.dial(), n.dial(), n.dial()
	for _, c := range []*client{stays, goes} {
		c.do("subscribe c d")
		c.read()
		c.do("psubscribe *")
		c.do("ssubscribe c")
	}
	p.expect("pubsub numsub c d", "[c :2 d :2]")
	info := p.do("info stats")
	for _, field := range []string{"pubsub_channels:2", "pubsub_patterns:1", "pubsubshard_channels:1"} {
		if !strings.Contains(info, field+"\r\n") {
			t.Errorf("INFO has no %s", field)
		}
	}
	_ = goes.conn.Close()
	eventually(t, "one of them", func() bool { return p.do("pubsub numsub c") == "[c :1]" })
	p.closed()
	stays.expect("ping", "[pong ]")
}

// Names are whatever a client makes of them, and a subscription is a copy.
func TestChannelNames(t *testing.T) {
	n := start(t)
	c, p := n.dial(), n.dial()
	long := strings.Repeat("n", 1<<16)
	c.expect(`subscribe "" "\x00\r\n" `+long, "[subscribe  :1]")
	c.read()
	c.read()
	c.do("ping " + strings.Repeat("z", 1<<17))
	p.expect(`publish "\x00\r\n" "\r\n"`, ":1")
	if got := c.read(); got != "[message \x00\r\n \r\n]" {
		t.Errorf("%q", got)
	}
	p.expect("publish "+long+" x", ":1")
	p.expect(`publish "" x`, ":1")
	p.expect("pubsub channels n*", "["+long+"]")
}

func TestEventFilter(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"", ""}, {"KEA", "AKE"}, {"gKE", "gKE"}, {"$lshzxeKE", "$lshzxeKE"}, {"mEKdtexzhsl$g", "AKEm"}, {"An", "An"}, {"KEAnm", "AKEmn"}, {"nnK", "nK"},
		{"AKEmn", "AKEmn"},
	} {
		if got, err := checkEvents(c.value); err != nil || got != c.want {
			t.Errorf("%q: %q, %v; want %q", c.value, got, err, c.want)
		}
	}
	for _, bad := range []string{"k", "KEAx y", "\xff"} {
		if _, err := checkEvents(bad); err != errEventLetter {
			t.Errorf("%q: %v", bad, err)
		}
	}
	f, _ := parseEvents("An")
	for class, want := range map[fsm.EventClass]bool{fsm.EventNew: true, fsm.EventMiss: false, fsm.EventExpired: true, fsm.EventEvicted: true} {
		if f.has(class) != want {
			t.Errorf("class %c: %v", class, !want)
		}
	}
}
