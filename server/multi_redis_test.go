package server

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestMultiRandom has a few connections of redraft and of redis-server send the same random commands in the
// same order, most of them about transactions, and compares what they are answered.
func TestMultiRandom(t *testing.T) {
	theirs := guardRedis(t)
	for name, follows := range map[string]bool{"leader": false, "follower": true} {
		t.Run(name, func(t *testing.T) {
			n := start(t)
			if follows {
				n = n.follower()
			}
			compareMulti(t, n, theirs)
		})
	}
}

// follower starts a node that follows n, applies what n applies, and forwards to it.
func (n *node) follower() *node {
	f := startLoading(n.t)
	f.cluster.follows.Store(true)
	f.cluster.set(func(c *fakeCluster) { c.status.NodeID = "n2" })
	f.srv.Attach(f.cluster)
	f.srv.Ready()
	f.cluster.set(func(c *fakeCluster) { c.peer = n.srv })
	n.cluster.set(func(c *fakeCluster) { c.others = append(c.others, f.cluster.m) })
	return f
}

func compareMulti(t *testing.T, n *node, theirs string) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	const connections = 3
	var us, them [connections]*client
	for i := range us {
		us[i] = n.dial()
		them[i] = dialAddr(t, theirs)
	}
	them[0].do("FLUSHALL")
	rounds := 4000
	if testing.Short() {
		rounds = 1000
	}
	var history []string
	for range rounds {
		i := rnd.IntN(connections)
		line := multiLine(rnd)
		a, b := us[i].do(line), them[i].do(line)
		history = append(history, fmt.Sprintf("%d> %s\n     %s", i, line, b))
		if a != b {
			t.Fatalf("after\n%s\nredraft answers\n     %s", strings.Join(history[max(0, len(history)-60):], "\n"), a)
		}
	}
}

// multiLine makes up a command.
func multiLine(rnd *rand.Rand) string {
	key := func() string { return fmt.Sprintf("k%d", rnd.IntN(3)) }
	lines := []func() string{
		func() string { return "MULTI" },
		func() string { return "MULTI" },
		func() string { return "EXEC" },
		func() string { return "EXEC" },
		func() string { return "EXEC" },
		func() string { return "DISCARD" },
		func() string { return "WATCH " + key() },
		func() string { return "WATCH " + key() },
		func() string { return "WATCH " + key() + " " + key() },
		func() string { return "UNWATCH" },
		func() string { return "SET " + key() + " " + fmt.Sprint(rnd.IntN(10)) },
		func() string { return "SET " + key() + " x" },
		func() string { return "SET " + key() + " x XX" },
		func() string { return "INCR " + key() },
		func() string { return "GET " + key() },
		func() string { return "MGET k0 k1 k2 k3" },
		func() string { return "DEL " + key() },
		func() string { return "EXISTS " + key() },
		func() string { return "HSET " + key() + " f v" },
		func() string { return "HGETALL " + key() },
		func() string { return "RENAME " + key() + " " + key() },
		func() string { return "COPY " + key() + " " + key() + " DB 1" },
		func() string { return "MOVE " + key() + " 1" },
		func() string { return "EXPIREAT " + key() + " 1" },
		func() string { return "EXPIRE " + key() + " 10000" },
		func() string { return "PERSIST " + key() },
		func() string { return fmt.Sprintf("SELECT %d", rnd.IntN(2)) },
		func() string { return "SELECT 99" },
		func() string { return "SWAPDB 0 1" },
		func() string { return "FLUSHDB" },
		func() string { return "FLUSHALL" },
		func() string { return "DBSIZE" },
		func() string { return "PING" },
		func() string { return "ECHO hello" },
		func() string { return "WAIT 0 0" },
		func() string { return "CLIENT SETNAME me" },
		func() string { return "CLIENT GETNAME" },
		func() string { return "RESET" },
	}
	if rnd.IntN(10) == 0 {
		return []string{"GET", "FOO", "EXEC x", "MULTI x", "WATCH", "DISCARD x", "SHUTDOWN x y z w", "CONFIG FOO", "UNWATCH x"}[rnd.IntN(9)]
	}
	return lines[rnd.IntN(len(lines))]()
}
