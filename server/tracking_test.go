package server

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// tracker dials a connection of RESP3 that tracks.
func (n *node) tracker(options string) *client {
	n.t.Helper()
	c := n.dial()
	c.do("hello 3")
	c.expect("client tracking on "+options, "+OK")
	return c
}

// told checks the next pushes, and that there are no others.
func (c *client) told(pushes ...string) {
	c.t.Helper()
	c.send("ping marker")
	for _, want := range append(pushes, "marker") {
		if got := c.read(); got != want {
			c.t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Items say who they are from, so that a follower knows it too when it applies them.
func TestTrackingAuthor(t *testing.T) {
	leader := start(t)
	for name, n := range map[string]*node{"leader": leader, "follower": leader.follower()} {
		t.Run(name, func(t *testing.T) {
			other := leader.dial()
			for _, mode := range []string{"noloop", "noloop bcast", "noloop optin"} {
				c := n.tracker(mode)
				for _, write := range []string{"set k mine", "rpush list a b", "flushall"} {
					if strings.Contains(mode, "optin") {
						c.expect("client caching yes", "+OK")
					}
					c.do("mget k list")
					c.do(write)
				}
				c.told(">[invalidate (nil)]")
				if strings.Contains(mode, "optin") {
					c.expect("client caching yes", "+OK")
				}
				c.send("multi", "get k", "set mine 1", "exec")
				for _, want := range []string{"+OK", "+QUEUED", "+QUEUED", "[(nil) +OK]"} {
					if got := c.read(); got != want {
						t.Errorf("got %s, want %s", got, want)
					}
				}
				c.told()
				other.expect("set k other", "+OK")
				c.told(">[invalidate [k]]")
				c.conn.Close()
			}
		})
	}
}

// What a blocked client is given changes keys on its own behalf, and is in front of what it is told of that.
func TestTrackingBlocked(t *testing.T) {
	leader := start(t)
	for name, n := range map[string]*node{"leader": leader, "follower": leader.follower()} {
		t.Run(name, func(t *testing.T) {
			other := leader.dial()
			for mode, loops := range map[string]bool{"": true, "bcast prefix to": true, "noloop": false, "bcast noloop prefix to": false} {
				other.do("del to")
				c := n.tracker(mode)
				c.do("lrange to 0 -1")
				c.send("blmove from to left left 0")
				n.parked(1)
				other.expect("set unread 1", "+OK")
				other.expect("rpush from x", ":1")
				if got := c.read(); got != "x" {
					t.Errorf("%s: got %s", mode, got)
				}
				if loops {
					c.told(">[invalidate [to]]")
				} else {
					c.told()
				}
				// A change while it waits is in front of the answer, and goes out at once.
				c.do("get k")
				c.send("blpop from 0")
				n.parked(1)
				if other.expect("incr k", ":1"); !strings.Contains(mode, "bcast") {
					if got := c.read(); got != ">[invalidate [k]]" {
						t.Errorf("%s: got %s", mode, got)
					}
				}
				other.expect("rpush from x", ":1")
				if got := c.read(); got != "[from x]" {
					t.Errorf("%s: got %s", mode, got)
				}
				c.told()
				other.expect("del k", ":1")
				c.conn.Close()
			}
		})
	}
}

func TestTrackingXread(t *testing.T) {
	n := start(t)
	c, other := n.tracker(""), n.dial()
	other.expect("xadd s 1-1 f v", "1-1")
	c.send("xread block 0 streams s $")
	n.parked(1)
	other.expect("xadd s 2-1 f v", "2-1")
	for _, want := range []string{">[invalidate [s]]", "{s [[2-1 [f v]]]}"} {
		if got := c.read(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	c.expect("xread block 0 streams s 0", "{s [[1-1 [f v]] [2-1 [f v]]]}")
	other.do("xadd s 3-1 f v")
	c.told(">[invalidate [s]]")
}

// Everything may have changed: databases that change places, and another state.
func TestTrackingFlushed(t *testing.T) {
	n := start(t)
	c, b, other := n.tracker(""), n.tracker("bcast"), n.dial()
	c.do("get k")
	other.expect("swapdb 0 0", "+OK")
	c.told()
	other.expect("swapdb 0 1", "+OK")
	for _, c := range []*client{c, b} {
		c.told(">[invalidate (nil)]")
	}
	var snapshot bytes.Buffer
	write, release, err := n.cluster.m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := write(&snapshot); err != nil {
		t.Fatal(err)
	}
	release()
	if err := n.cluster.m.Restore(&snapshot); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*client{c, b} {
		c.told(">[invalidate (nil)]")
	}
}

// What a transaction causes is told in its order.
func TestTrackingFlushedBehindKey(t *testing.T) {
	leader := start(t)
	for name, n := range map[string]*node{"leader": leader, "follower": leader.follower()} {
		t.Run(name, func(t *testing.T) {
			c := n.tracker("")
			c.do("get k")
			c.send("multi", "get j", "set k v", "flushall", "exec")
			for range 4 {
				c.read()
			}
			if got := c.read(); got != "[(nil) +OK +OK]" {
				t.Errorf("got %s", got)
			}
			c.told(">[invalidate [k]]", ">[invalidate (nil)]")
		})
	}
}

func TestTrackingExpiry(t *testing.T) {
	n := start(t)
	c, b, other := n.tracker("noloop"), n.tracker("bcast"), n.dial()
	// readAlive has c read what is soon due, but has not been removed yet.
	readAlive := func(read string, make func(ms int)) {
		t.Helper()
		for ms := 1; ms < 1<<14; ms *= 2 {
			make(ms)
			if c.do(read) == "v" {
				return
			}
		}
		t.Fatal("never there to be read")
	}
	readAlive("get k", func(ms int) { c.expect(fmt.Sprint("set k v px ", ms), "+OK") })
	eventually(t, "it is due", func() bool { return other.do("set other x") == "+OK" && other.do("exists k") == ":0" })
	c.told(">[invalidate [k]]")
	b.send("ping marker")
	told := ""
	for got := b.read(); got != "marker"; got = b.read() {
		told += got
	}
	if n := strings.Count(told, "[k]") + strings.Count(told, "[k "); n < 2 {
		t.Errorf("the prefix's client was told %q", told)
	}
	readAlive("hget h f", func(ms int) {
		for c.send("client tracking off"); c.read() != "+OK"; {
		}
		other.do("hset h f v g v")
		other.expect(fmt.Sprintf("hpexpire h %d fields 1 f", ms), "[:1]")
		c.expect("client tracking on", "+OK")
	})
	eventually(t, "the field is due", func() bool { return other.do("set other x") == "+OK" && other.do("hlen h") == ":1" })
	c.told(">[invalidate [h]]")
}

// What a transaction reads behind a CLIENT TRACKING has been read before it tracks.
func TestTrackingInsideMulti(t *testing.T) {
	n := start(t)
	for _, mode := range []string{"", " bcast"} {
		c, other := n.dial(), n.dial()
		c.do("hello 3")
		c.send("multi", "get a", "client tracking on"+mode, "get k", "set own v", "exec")
		for range 5 {
			c.read()
		}
		if got := c.read(); got != "[(nil) +OK (nil) +OK]" {
			t.Errorf("got %s", got)
		}
		c.told(">[invalidate [k]]")
		other.expect("set b x", "+OK")
		if mode == "" {
			c.told()
		} else {
			c.told(">[invalidate [b]]")
		}
		other.do("del own")
	}
}

// CLIENT REPLY does not keep invalidations back.
func TestTrackingSilent(t *testing.T) {
	n := start(t)
	c, other := n.tracker(""), n.dial()
	c.do("get k")
	c.send("client reply off", "get j", "get l")
	c.send("blpop nothing 0.001", "hget h f")
	other.expect("mset k 1", "+OK")
	eventually(t, "all was read", func() bool { return other.do("set time passes") == "+OK" && n.srv.tracking.figures().keys == 3 })
	other.expect("hset h f v", ":1")
	c.send("client reply skip", "get k", "client reply on")
	for _, want := range []string{">[invalidate [k]]", ">[invalidate [h]]", "+OK"} {
		if got := c.read(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	other.expect("set k 2", "+OK")
	other.expect("del j l", ":0")
	c.told(">[invalidate [k]]")
}

func TestTrackingTableLimit(t *testing.T) {
	n := start(t)
	c, other := n.tracker(""), n.dial()
	for i := range 250 {
		c.do(fmt.Sprint("get k", i))
	}
	other.expect("config set tracking-table-max-keys 1", "+OK")
	seen := map[string]bool{}
	for range 249 {
		seen[c.read()] = true
	}
	if len(seen) != 249 {
		t.Errorf("%d different keys", len(seen))
	}
	c.told()
	c.send("get j")
	for range 2 {
		seen[c.read()] = true // the answer, and one of the two keys
	}
	if len(seen) != 251 || n.srv.tracking.figures().keys != 1 {
		t.Errorf("%d different answers, %+v", len(seen), n.srv.tracking.figures())
	}
	other.expect("config set tracking-table-max-keys 0", "+OK")
	c.do("mget 1 2 3")
	c.told()
}

// The machine is left alone when nobody tracks, and sessions that go leave nothing behind for long.
func TestTrackingForgets(t *testing.T) {
	n := start(t)
	other := n.dial()
	for i := range 100 {
		c := n.tracker("")
		c.do("get k")
		if i%2 == 0 {
			c.do("get own:" + fmt.Sprint(i))
		}
		c.conn.Close()
		eventually(t, "it is gone", func() bool { return n.srv.sessions.count() == 1 })
	}
	if f := n.srv.tracking.figures(); f != (trackingFigures{}) {
		t.Errorf("%+v", f)
	}
	stays := n.tracker("")
	for range 100 {
		c := n.tracker("bcast prefix a")
		c.expect("client tracking off", "+OK")
		c.expect("client tracking on", "+OK")
		c.do("get k")
		c.conn.Close()
		eventually(t, "it is gone", func() bool { return n.srv.sessions.count() == 2 })
	}
	if f := n.srv.tracking.figures(); f.items > 16 || f.prefixes != 0 || f.clients != 1 {
		t.Errorf("%+v", f)
	}
	if info := other.do("info clients"); !strings.Contains(info, "tracking_clients:1\r\n") {
		t.Error(info)
	}
	stays.expect("reset", "+RESET")
	if f := n.srv.tracking.figures(); f != (trackingFigures{}) {
		t.Errorf("%+v", f)
	}
}

func TestTrackingInClientList(t *testing.T) {
	n := start(t)
	c, gone, other := n.tracker("bcast prefix a prefix b"), n.dial(), n.dial()
	shows := func(want string) {
		t.Helper()
		if got := c.do("client info"); !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	shows(" flags=tB ")
	shows(" redir=0 ")
	c.expect("client tracking off", "+OK")
	shows(" redir=-1 ")
	id := strings.TrimPrefix(gone.do("client id"), ":")
	c.expect("client tracking on redirect "+id, "+OK")
	shows(" redir=" + id + " ")
	c.do("get k")
	gone.conn.Close()
	eventually(t, "it is gone", func() bool { return n.srv.sessions.count() == 2 })
	other.expect("set k 1", "+OK")
	c.told(">[tracking-redir-broken :" + id + "]")
	shows(" flags=tR ")
	c.expect("client trackinginfo", "{flags ~[on broken_redirect] redirect :"+id+" prefixes []}")
}

// BenchmarkTrackedRead and BenchmarkTrackedWrite say what it costs to track, and to be tracked.
func BenchmarkTracked(b *testing.B) {
	for _, mode := range []string{"off", "on", "on bcast", "on bcast prefix other:"} {
		b.Run(mode, func(b *testing.B) {
			n := start(b)
			c := n.dial()
			c.conn.SetDeadline(time.Now().Add(time.Hour))
			if mode != "off" {
				c.do("hello 3")
			}
			c.do("client tracking " + mode)
			w := n.dial()
			w.conn.SetDeadline(time.Now().Add(time.Hour))
			b.Run("read", func(b *testing.B) { pipeline(b, c, "get k") })
			b.Run("write", func(b *testing.B) { pipeline(b, w, "set j v") })
		})
	}
}

func pipeline(b *testing.B, c *client, line string) {
	const depth = 100
	lines := make([]string, depth)
	for i := range lines {
		lines[i] = line
	}
	for i := 0; i < b.N; i += depth {
		c.send(lines...)
		for range depth {
			c.read()
		}
	}
}

// Of a script's declared keys a client is told if the script has read anything.
func TestTrackingScripts(t *testing.T) {
	n := start(t)
	c, other := n.tracker(""), n.dial()
	for _, name := range []string{"eval", "eval_ro"} {
		c.expect(name+` "return redis.call('ping')" 1 k`, "+PONG")
		other.expect("set k 1", "+OK")
		c.told()
		c.expect(name+` "return redis.call('get','other')" 1 k`, "(nil)")
		other.expect("set k 2", "+OK")
		c.told(">[invalidate [k]]")
	}
}

// A client that tracks is told of what is evicted before it reads on.
func TestTrackingEviction(t *testing.T) {
	n := start(t)
	c, other := n.tracker(""), n.dial()
	other.expect("config set maxmemory-policy volatile-random", "+OK")
	other.expect("set volatile v ex 1000", "+OK")
	c.expect("get volatile", "v")
	other.expect("set k v", "+OK")
	other.expect("config set maxmemory 1", "+OK")
	if got := c.do("get k"); got != ">[invalidate [volatile]]" {
		t.Error(got)
	}
}
