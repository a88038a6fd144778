package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// faultClients is how many clients work at a time; there are lateReaders on the nodes besides.
const (
	faultClients = 8
	lateReaders  = 12
)

// ttls are the times to live that clients give keys.
var ttls = []int{150, 400, 900, 2000} // ms

// ttlMost is the longest of them.
const ttlMost = 2 * time.Second

// faultClient does one thing after the other on a node. It has a connection to another node ready,
// and goes on there when something fails, or after a while: that node may be stopped, and when it goes
// on, finds a question that is newer than all it knows.
type faultClient struct {
	id    int
	rnd   *rand.Rand
	nodes []string // addresses
	h     *history
	end   *atomic.Bool

	late       bool // see readLate
	lasting    bool // it gives no key a time to live
	now, spare *faultConn
	left       int // commands until the two are exchanged
	seq        int
}

// faultConn is a connection whose reads are at a level that was drawn.
type faultConn struct {
	*client
	number int // of all connections of the run
	node   string
	level  string
}

// run works until the end.
func (c *faultClient) run() {
	for ; !c.end.Load(); c.seq++ {
		if c.left--; c.left <= 0 || c.now == nil {
			c.exchange()
		}
		if c.now == nil {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		took := c.do(c.draw())
		if took < 50*time.Millisecond { // or it has waited enough
			time.Sleep(time.Duration(c.rnd.IntN(3000)) * time.Microsecond)
		}
	}
	c.close(&c.now)
	c.close(&c.spare)
}

// exchange takes the spare connection into use, and sees to it that there is another one, sometimes
// with a new level.
func (c *faultClient) exchange() {
	c.now, c.spare = c.spare, c.now
	c.left = 20 + c.rnd.IntN(100)
	if c.rnd.IntN(3) == 0 {
		c.close(&c.spare)
	}
	for _, conn := range []**faultConn{&c.now, &c.spare} {
		if *conn == nil {
			*conn = c.connect(c.nodes[c.rnd.IntN(len(c.nodes))])
		}
	}
}

// readLate asks now and then, and waits long for the answer, on one node: when that is stopped, the
// question reaches it as it goes on, and is newer than all the node knows.
func (c *faultClient) readLate(node string) {
	for ; !c.end.Load(); c.seq++ {
		pause := 40 * time.Millisecond // mostly, to be there while two nodes believe that they lead
		if c.rnd.IntN(8) == 0 {
			pause = 2 * time.Second // to ask first while the node is stopped
		}
		time.Sleep(time.Duration(c.rnd.Int64N(int64(pause))))
		if c.now == nil {
			c.now = c.connect(node)
			continue
		}
		slot := c.rnd.IntN(4)
		one := [][]string{
			{"GET", c.key("log", slot)}, {"GET", c.key("count", slot)}, {"HGET", c.key("hcount", slot), "n"},
			{"GET", c.key("text", slot)}, {"HGETALL", c.key("hash", slot)},
		}
		c.do(one[c.rnd.IntN(len(one))])
	}
	c.close(&c.now)
}

// patience is how long this client waits for its next answer.
func (c *faultClient) patience() time.Duration {
	if c.late {
		return 6 * time.Second
	}
	return time.Duration(300+c.rnd.IntN(1500)) * time.Millisecond
}

// connect opens a connection, nil if that does not work.
func (c *faultClient) connect(node string) *faultConn {
	ctx, cancel := context.WithTimeout(context.Background(), c.patience())
	defer cancel()
	conn, err := dialClient(ctx, node)
	if err != nil {
		return nil
	}
	levels := []string{"linearizable", "linearizable", "linearizable-strict", "linearizable-strict", "session", "session",
		"bounded:150", "stale"}
	if c.late {
		levels = levels[:4]
	}
	level := levels[c.rnd.IntN(len(levels))]
	if _, err := conn.do("RAFT", "CONSISTENCY", level); err != nil {
		conn.close()
		return nil
	}
	return &faultConn{client: conn, number: c.h.connection(), node: node, level: level}
}

func (c *faultClient) close(conn **faultConn) {
	if *conn != nil {
		(*conn).close()
		*conn = nil
	}
}

// do sends a command, writes down what came of it, and returns how long that took.
func (c *faultClient) do(words []string) time.Duration {
	e := &event{Client: c.id, Conn: c.now.number, Node: c.now.node, Level: c.now.level, Words: words}
	_ = c.now.conn.SetDeadline(time.Now().Add(c.patience()))
	e.Called = time.Since(c.h.began)
	answer, err := c.now.do(words...)
	returned := time.Since(c.h.began)
	if e.Outcome = verdict(err); e.Outcome != unknown {
		e.Returned = returned
	}
	if e.Outcome == wrong {
		e.Outcome = acknowledged // the model knows which errors are right
	}
	e.Answer = answerText(e.verb(), answer, err)
	c.h.add(e)
	var refusal replyError
	if err != nil && !errors.As(err, &refusal) {
		c.close(&c.now)
	}
	if e.Outcome == notApplied {
		time.Sleep(time.Duration(1+c.rnd.IntN(20)) * time.Millisecond) // an election is on
		if c.rnd.IntN(4) == 0 {
			c.left = 0
		}
	}
	return returned - e.Called
}

// draw is the next command.
func (c *faultClient) draw() []string {
	slot := c.rnd.IntN(4)
	strong := c.now.level[0] == 'l'
	if c.rnd.IntN(100) < 30 || !strong && c.rnd.IntN(100) < 60 {
		return c.grow(slot)
	}
	for {
		words := c.text(c.key("text", slot))
		if c.rnd.IntN(3) == 0 {
			words = c.hash(c.key("hash", slot))
		}
		if !c.lasting || words[0] != "PEXPIRE" && !slices.Contains(words, "PX") {
			return words
		}
	}
}

// key is the key of a kind that a slot stands for at present. A key is in use for a few seconds,
// some for longer: what nobody knows the outcome of makes a history hard to check, and so the
// number of such events on one key has to stay small.
func (c *faultClient) key(kind string, slot int) string {
	life := time.Duration(2+4*slot) * time.Second
	return fmt.Sprintf("%s:%d:%d", kind, slot, time.Since(c.h.began)/life)
}

// token is a text that nobody has written before; it ends with a semicolon.
func (c *faultClient) token() string { return fmt.Sprintf("%d.%d;", c.id, c.seq) }

func (c *faultClient) ttl() string { return strconv.Itoa(ttls[c.rnd.IntN(len(ttls))]) }

// grow is a command on a value that only ever grows.
func (c *faultClient) grow(slot int) []string {
	one := [][]string{
		{"APPEND", c.key("log", slot), c.token()},
		{"APPEND", c.key("log", slot), c.token()},
		{"GET", c.key("log", slot)},
		{"GET", c.key("log", slot)},
		{"INCR", c.key("count", slot)},
		{"GET", c.key("count", slot)},
		{"HINCRBY", c.key("hcount", slot), "n", "1"},
		{"HGET", c.key("hcount", slot), "n"},
	}
	return one[c.rnd.IntN(len(one))]
}

// text is a command on a string.
func (c *faultClient) text(key string) []string {
	number := strconv.Itoa(c.id*1_000_000 + c.seq)
	one := [][]string{
		{"GET", key}, {"GET", key}, {"GET", key}, {"GET", key}, {"GET", key},
		{"SET", key, number}, {"SET", key, number},
		{"SET", key, c.token()},
		{"SET", key, number, "PX", c.ttl()}, {"SET", key, number, "PX", c.ttl()},
		{"SET", key, number, "KEEPTTL"},
		{"INCR", key}, {"INCR", key},
		{"APPEND", key, c.token()},
		{"DEL", key},
		{"GETEX", key, "PX", c.ttl()},
		{"GETEX", key, "PERSIST"},
		{"PEXPIRE", key, c.ttl()},
		{"PTTL", key},
	}
	return one[c.rnd.IntN(len(one))]
}

// hash is a command on a hash.
func (c *faultClient) hash(key string) []string {
	field := string(rune('a' + c.rnd.IntN(3)))
	number := strconv.Itoa(c.id*1_000_000 + c.seq)
	one := [][]string{
		{"HGET", key, field}, {"HGET", key, field},
		{"HGETALL", key}, {"HGETALL", key}, {"HLEN", key},
		{"HSET", key, field, number}, {"HSET", key, field, number}, {"HSET", key, field, c.token()},
		{"HDEL", key, field},
		{"HINCRBY", key, field, "1"},
		{"DEL", key},
		{"PEXPIRE", key, c.ttl()}, {"PEXPIRE", key, c.ttl()},
		{"PERSIST", key},
		{"PTTL", key},
	}
	return one[c.rnd.IntN(len(one))]
}
