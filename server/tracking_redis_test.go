package server

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTrackingRandom has a few connections of redraft and of redis-server send the same random commands in the same
// order, most of them about client-side caching, and compares all that each connection receives, pushes included.
func TestTrackingRandom(t *testing.T) {
	theirs := guardRedis(t)
	for name, follows := range map[string]bool{"leader": false, "follower": true} {
		t.Run(name, func(t *testing.T) {
			n := start(t)
			if follows {
				n = n.follower()
			}
			compareTracking(t, n, theirs)
		})
	}
}

// trackingPeers are connections to one server.
type trackingPeers struct {
	t       *testing.T
	addr    string
	control *client
	conns   [trackingConns]*client
	multi   [trackingConns]bool
	quiet   [trackingConns]bool // a PING would disturb what the connection is about to do
	got     [trackingConns][]string
}

const trackingConns = 4

func (p *trackingPeers) dial() *client { return dialAddr(p.t, p.addr) }

// id is the id of a connection, which is its last.
func (p *trackingPeers) id(c *client) int {
	n, err := strconv.Atoi(strings.TrimPrefix(c.do("client id"), ":"))
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// renew makes a connection, in the place of one if there is any, which the server has seen go by then.
func (p *trackingPeers) renew(i, id int) int {
	if c := p.conns[i]; c != nil {
		c.conn.Close()
		eventually(p.t, "the connection is gone", func() bool {
			return p.control.do(fmt.Sprintf("client list id %d", id)) == ""
		})
	}
	p.conns[i], p.quiet[i], p.multi[i], p.got[i] = p.dial(), false, false, nil
	return p.id(p.conns[i])
}

// do sends a line on a connection and collects what all of them receive.
func (p *trackingPeers) do(i, round int, line string) {
	p.conns[i].send(line)
	reply := p.until(i, func(got string) bool { return !isInvalidation(got) })
	word, _, _ := strings.Cut(line, " ")
	p.multi[i] = word == "MULTI" || reply == "+QUEUED" || p.multi[i] && reply[:1] == "-" && word != "EXEC"
	switch {
	case p.multi[i] || strings.HasPrefix(line, "CLIENT CACHING"):
		p.quiet[i] = true
	default:
		p.quiet[i] = false
	}
	marker := fmt.Sprint("round", round)
	for j := range p.conns {
		if !p.quiet[j] {
			p.conns[j].send("PING " + marker)
			p.until(j, func(got string) bool { return got == marker || got == "[pong "+marker+"]" })
		}
	}
}

func isInvalidation(got string) bool {
	kind, _, _ := strings.Cut(strings.TrimLeft(got, ">["), " ")
	return strings.HasPrefix(got, ">") && (kind == "invalidate" || kind == "tracking-redir-broken") || strings.HasPrefix(got, "[message")
}

func (p *trackingPeers) until(i int, done func(got string) bool) string {
	for {
		got := p.conns[i].read()
		p.got[i] = append(p.got[i], strings.Replace(got, "role replica", "role master", 1))
		if done(got) {
			return got
		}
	}
}

func compareTracking(t *testing.T, n *node, theirs string) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	us, them := &trackingPeers{t: t, addr: n.addr}, &trackingPeers{t: t, addr: theirs}
	us.control, them.control = us.dial(), them.dial()
	them.control.do("FLUSHALL")
	for _, p := range []*trackingPeers{us, them} {
		p.control.do("CLIENT TRACKING ON") // redraft forgets everything when nobody tracks any more
	}
	ids := make([]int, trackingConns)
	for i := range ids {
		ids[i] = us.renew(i, 0)
		for id := them.renew(i, 0); id != ids[i]; {
			if id < ids[i] {
				id = them.renew(i, id)
			} else {
				ids[i] = us.renew(i, ids[i])
			}
		}
	}
	rounds := 4000
	if testing.Short() {
		rounds = 1000
	}
	var history []string
	defer func() {
		if t.Failed() {
			t.Log(strings.Join(history[max(0, len(history)-80):], "\n"))
		}
	}()
	for round := range rounds {
		i, line := rnd.IntN(trackingConns), trackingLine(rnd, ids)
		if rnd.IntN(100) == 0 {
			history = append(history, fmt.Sprintf("%d> (a new connection)", i))
			was := ids[i]
			ids[i] = us.renew(i, was)
			if id := them.renew(i, was); id != ids[i] {
				t.Fatalf("ids %d and %d", ids[i], id)
			}
		}
		last := i == trackingConns-1
		if last && !receives(line) || !last && strings.HasPrefix(line, "SUBSCRIBE") || us.multi[i] && !inTransaction(line) {
			continue
		}
		history = append(history, fmt.Sprintf("%d> %s", i, line))
		us.do(i, round, line)
		them.do(i, round, line)
		for _, p := range []*trackingPeers{us, them} { // what clients hear that redirect there comes in any order
			slices.Sort(p.got[trackingConns-1])
		}
		for j := range us.got {
			a, b := strings.Join(us.got[j], "\n    "), strings.Join(them.got[j], "\n    ")
			if j == i || len(them.got[j]) > 1 {
				history = append(history, fmt.Sprintf("    %d: %s", j, strings.Join(them.got[j], "  ")))
			}
			us.got[j], them.got[j] = nil, nil
			if a != b {
				t.Fatalf("connection %d of redraft receives\n    %s\nof redis-server\n    %s", j, a, b)
			}
		}
	}
}

// inTransaction reports whether a line may stand between MULTI and EXEC. What CLIENT TRACKING and HELLO do there
// is different by design.
func inTransaction(line string) bool {
	return !strings.HasPrefix(line, "CLIENT TRACKING ") && !strings.HasPrefix(line, "HELLO") && !strings.Contains(line, "SUBSCRIBE")
}

// receives reports whether a line is one for the last connection, to which others redirect. It changes no keys: Redis
// sends what is redirected to the very connection that changes the key in front of the answer, redraft behind it.
func receives(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	return word == "SUBSCRIBE" || word == "UNSUBSCRIBE" || word == "HELLO" || word == "RESET" || strings.HasPrefix(line, "CLIENT TRACKING ")
}

// trackingLine makes up a command.
func trackingLine(rnd *rand.Rand, ids []int) string {
	key := func() string { return []string{"a:1", "a:2", "b:1", "b:2", "c"}[rnd.IntN(5)] }
	one := func(of ...string) string { return of[rnd.IntN(len(of))] }
	track := func() string {
		line := "CLIENT TRACKING " + one("ON", "ON", "ON", "on", "OFF")
		// No more than two prefixes: redis-server answers twice if of three the later two overlap.
		for strings.Count(line, "PREFIX") < 2 && rnd.IntN(2) == 0 {
			line += " " + one("BCAST", "OPTIN", "OPTOUT", "NOLOOP", "noloop", "PREFIX a:", "PREFIX a", "PREFIX b:", "PREFIX a:1",
				"BCAST PREFIX b", "REDIRECT "+fmt.Sprint(ids[trackingConns-1]), "REDIRECT "+fmt.Sprint(ids[trackingConns-1]),
				"REDIRECT 0", "REDIRECT 999999", "REDIRECT x", "PREFIX", "FOO")
		}
		return line
	}
	lines := []func() string{
		track, track, track, track,
		func() string { return "CLIENT TRACKING OFF" },
		func() string { return "CLIENT TRACKING ON REDIRECT " + fmt.Sprint(ids[trackingConns-1]) },
		func() string { return "CLIENT TRACKING ON BCAST REDIRECT " + fmt.Sprint(ids[trackingConns-1]) },
		func() string { return "CLIENT CACHING " + one("YES", "NO", "yes", "MAYBE") },
		func() string { return "CLIENT CACHING " + one("YES", "NO") },
		func() string { return "CLIENT TRACKINGINFO" },
		func() string { return "CLIENT GETREDIR" },
		func() string { return "HELLO " + one("2", "3", "3") },
		func() string { return "SUBSCRIBE __redis__:invalidate" },
		func() string { return "UNSUBSCRIBE __redis__:invalidate" },
		func() string { return "MULTI" },
		func() string { return "EXEC" },
		func() string { return "EXEC" },
		func() string { return "EXEC" },
		func() string { return "DISCARD" },
		func() string { return "RESET" },
		func() string { return "SELECT " + one("0", "1") },
		func() string { return one("FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC") },
		func() string { return "INFO nothing" },
	}
	reads := []func() string{
		func() string { return "GET " + key() },
		func() string { return "GET " + key() },
		func() string { return "MGET " + key() + " " + key() + " " + key() },
		func() string {
			return one("EXISTS ", "TYPE ", "TTL ", "STRLEN ", "LLEN ", "DUMP ", "OBJECT ENCODING ") + key()
		},
		func() string { return "GETRANGE " + key() + " 0 1" },
		func() string { return "RANDOMKEY x" },
	}
	writes := []func() string{
		func() string { return "SET " + key() + " 1" },
		func() string { return "SET " + key() + " x " + one("NX", "XX", "GET") },
		func() string { return "MSET " + key() + " 1 " + key() + " 2" },
		func() string { return "INCR " + key() },
		func() string { return "DEL " + key() + " " + key() },
		func() string { return "RPUSH " + key() + " x" },
		func() string { return "LPOP " + key() },
		func() string { return "RENAME " + key() + " " + key() },
		func() string { return "COPY " + key() + " " + key() + " DB 1 REPLACE" },
		func() string { return "MOVE " + key() + " 1" },
		func() string { return "GETEX " + key() + " PERSIST" },
		func() string { return "GETSET " + key() + " y" },
		func() string { return "EXPIRE " + key() + " 1000" },
		func() string { return "EXPIREAT " + key() + " 1" },
		func() string { return "PERSIST " + key() },
	}
	switch rnd.IntN(3) {
	case 0:
		return lines[rnd.IntN(len(lines))]()
	case 1:
		return writes[rnd.IntN(len(writes))]()
	}
	return reads[rnd.IntN(len(reads))]()
}
