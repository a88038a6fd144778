package server

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// target is a server to move keys to, which answers as a test wants.
type target struct {
	t    *testing.T
	l    net.Listener
	each func(words []string) string // what a command is answered, "" for nothing

	mu   sync.Mutex
	seen []string
	done sync.WaitGroup
}

func newTarget(t *testing.T, each func(words []string) string) *target {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &target{t: t, l: l, each: each}
	s.done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.done.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.done.Wait()
	})
	return s
}

// serve answers a connection's commands. They have the form of a reply, so they are read as one.
func (s *target) serve(conn net.Conn) {
	defer conn.Close()
	for in := bufio.NewReader(conn); ; {
		text, err := readReply(in)
		if err != nil {
			return
		}
		words := strings.Split(strings.Trim(text, "[]"), " ")
		shown := words[0]
		if shown == "RESTORE" {
			shown += " " + words[1]
			if words[len(words)-1] == "REPLACE" {
				shown += " REPLACE"
			}
		} else {
			shown = strings.Join(words, " ")
		}
		s.mu.Lock()
		s.seen = append(s.seen, shown)
		s.mu.Unlock()
		if _, err := conn.Write([]byte(s.each(words))); err != nil {
			return
		}
	}
}

func (s *target) commands() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.seen, ", ")
}

// migrate is the beginning of a MIGRATE to an address.
func migrate(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	return "migrate " + host + " " + port + " "
}

// What MIGRATE answers is what redis-server answers.
func TestMigrateAnswers(t *testing.T) {
	there := guardRedis(t, "--user", "mover", "on", ">secret", "~*", "+@all")
	nobody := quietAddr(t)
	ask := func(t *testing.T, c *client) {
		other := dialAddr(t, there)
		other.expect("flushall", "+OK")
		c.expect("mset k v l w m x n y", "+OK")
		for _, step := range [][2]string{
			{"migrate h 1 k 0", "-ERR wrong number of arguments for 'migrate' command"},
			{"migrate h 1 k 0 0 foo", "-ERR syntax error"},
			{"migrate h 1 k 0 0 auth", "-ERR syntax error"},
			{"migrate h 1 k 0 0 auth2 a", "-ERR syntax error"},
			{"migrate h 1 k 0 0 keys a", "-ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"},
			{"migrate h 1 k x 0", "-ERR value is not an integer or out of range"},
			{"migrate h 1 k 0 x", "-ERR value is not an integer or out of range"},
			{"migrate h 1 nokey 99 -1", "+NOKEY"},
			{"migrate h 1 '' 0 0 keys nokey nor", "+NOKEY"},
			{migrate(nobody) + "k 0 20000", "-IOERR error or timeout writing to target instance"},
			{migrate(there) + "k 0 20000 copy auth2 mover secret", "+OK"},
			{"get k", "v"},
			{migrate(there) + "'' 0 20000 copy keys k l", "-ERR Target instance replied with error: BUSYKEY Target key name already exists."},
			{migrate(there) + "'' 0 20000 keys k m", "-ERR Target instance replied with error: BUSYKEY Target key name already exists."},
			{"mget k l m", "[v w (nil)]"},
			{"pexpire k 100000", ":1"},
			{migrate(there) + "'' 3 20000 replace keys k nokey l", "+OK"},
			{"mset d v e w", "+OK"},
			{migrate(there) + "'' 3 20000 replace keys d d", "+OK"},
			{migrate(there) + "'' 3 20000 keys e e", "-ERR Target instance replied with error: BUSYKEY Target key name already exists."},
			{"exists d e", ":0"},
			{"mget k l", "[(nil) (nil)]"},
		} {
			c.expect(step[0], step[1])
		}
		other.expect("mget k l m", "[v w x]")
		other.expect("ttl k", ":-1")
		other.expect("select 3", "+OK")
		other.expect("mget k l d e", "[v w v w]")
		if ttl := other.do("ttl k"); ttl != ":100" && !strings.HasPrefix(ttl, ":9") {
			t.Errorf("the key moved with a time to live of %s", ttl)
		}
		refused := "-ERR Target instance replied with error: "
		c.expect(migrate(there)+"n 99 20000", refused+"ERR DB index is out of range")
		c.expect(migrate(there)+"n 4 20000 replace auth2 mover wrong", refused+"WRONGPASS invalid username-password pair or user is disabled.")
		c.expect("get n", "y")
	}
	t.Run("redis-server", func(t *testing.T) { ask(t, dialAddr(t, guardRedis(t))) })
	t.Run("leader", func(t *testing.T) { ask(t, start(t).dial()) })
	t.Run("follower", func(t *testing.T) { ask(t, start(t).follower().dial()) })
}

// A key that changes while it is on its way arrives as it is in the end, or not at all if it is deleted, and is deleted
// here only then.
func TestMigrateChanges(t *testing.T) {
	n := start(t)
	other, c := n.dial(), n.dial()
	changes := []string{"append k 1", "set k 2", "del k"}
	s := newTarget(t, func(words []string) string {
		if words[0] == "RESTORE" && len(changes) > 0 {
			other.do(changes[0])
			changes = changes[1:]
		}
		if words[0] == "DEL" {
			return ":1\r\n"
		}
		return "+OK\r\n"
	})
	c.expect("mset k 0 l 0", "+OK")
	c.expect(migrate(s.l.Addr().String())+"'' 0 10000 keys k l", "+OK")
	c.expect("exists k l", ":0")
	if got, want := s.commands(), "SELECT 0, RESTORE k, RESTORE l, "+ // l changes nothing, but the second change comes with it
		"SELECT 0, RESTORE k REPLACE, SELECT 0, DEL k"; got != want {
		t.Errorf("the target was told\n %s, not\n %s", got, want)
	}

	changes = nil
	for i := range 2 * migrateAttempts {
		changes = append(changes, fmt.Sprint("set k ", i))
	}
	c.expect("set k x", "+OK")
	c.expect(migrate(s.l.Addr().String())+"k 0 10000", "-"+errMigrateChanges)
	c.expect("get k", fmt.Sprint(migrateAttempts-1))
	c.expect("multi", "+OK")
	c.expect(migrate(s.l.Addr().String())+"k 0 10000", "-ERR Command not allowed inside a transaction")
}

// A server that takes a part of the keys, or does not answer, costs the others nothing but time.
func TestMigrateInterrupted(t *testing.T) {
	n := start(t)
	c := n.dial()
	var silent atomic.Bool
	s := newTarget(t, func(words []string) string {
		if silent.Load() || words[1] == "l" {
			silent.Store(true)
			return ""
		}
		return "+OK\r\n"
	})
	c.expect("mset k 0 l 0 m 0", "+OK")
	c.expect(migrate(s.l.Addr().String())+"'' 0 2000 keys k l m", "-IOERR error or timeout reading to target instance")
	c.expect("mget k l m", "[(nil) 0 0]")

	silent.Store(false)
	c.send(migrate(s.l.Addr().String()) + "l 0 1000000")
	eventually(t, "the key is on its way", func() bool { return strings.HasSuffix(s.commands(), "RESTORE l") })
	began := time.Now()
	n.dial().expect("client kill type normal skipme yes", ":1")
	c.closed()
	eventually(t, "its session has ended", func() bool { return n.srv.sessions.count() == 1 })
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
}
