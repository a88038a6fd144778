package fsm

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm/reply"
)

// TestBlockingRandom has clients wait and others push at random, on a machine and on redis-server: the same
// ones are served the same elements. No command among them replaces a value by one of another type at once, which
// wakes nobody in Redis 7.0.
func TestBlockingRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	socket := startRedis(t, t.TempDir())
	l, writer := newLog(t), dialRedis(t, socket)
	var ours [8]*waitingClient
	var theirs [8]*redisClient
	waits := [8]bool{}
	for i := range ours {
		ours[i], theirs[i] = l.client(uint64(i)), dialRedis(t, socket)
		theirs[i].ask("HELLO", "3")
	}
	var history []string
	collect := func(clients ...int) {
		t.Helper()
		for _, i := range clients {
			if !waits[i] || ours[i].woken == 0 {
				continue
			}
			waits[i] = false
			out := &reply.Recorder{Protocol3: true}
			_ = theirs[i].conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			theirs[i].receive(out)
			if a, b := ours[i].out.String(), out.String(); a != b {
				t.Fatalf("after\n%s\nclient %d is answered %sby redis-server %s", strings.Join(history, "\n"), i, a, b)
			}
		}
	}
	everybody := []int{0, 1, 2, 3, 4, 5, 6, 7}
	for range 3000 {
		i := rnd.IntN(len(ours))
		if words := blockingWords(rnd); !waits[i] {
			history = append(history, fmt.Sprintf("%d> %q", i, words))
			waits[i] = true
			blocked := countBlocked(writer)
			ours[i].ask(words...)
			theirs[i].queue(words...)
			theirs[i].send()
			if ours[i].woken == 0 {
				for countBlocked(writer) == blocked { // it has to stand in line before the next one does
				}
			}
			collect(everybody...)
			continue
		}
		var items [][]byte
		n := 1
		if rnd.IntN(3) == 0 {
			n = 2 + rnd.IntN(3)
			writer.ask("MULTI")
		}
		var a, b string
		for range n {
			words := pushWords(rnd)
			history = append(history, fmt.Sprintf("%q of %d", words, n))
			items = append(items, l.itemOf(words...))
			b = writer.ask(words...)
		}
		if n > 1 {
			b = writer.ask("EXEC")
			a = replies(l, [][]byte{Transaction(nil, items)})
		} else {
			a = replies(l, items)
		}
		if a != b {
			t.Fatalf("after\n%s\nanswered %sby redis-server %s", strings.Join(history, "\n"), a, b)
		}
		collect(everybody...)
		history = history[max(0, len(history)-60):]
	}
	l.check()
}

// countBlocked is how many clients of a redis-server wait.
func countBlocked(c *redisClient) string {
	_, after, _ := strings.Cut(c.ask("INFO", "clients"), "blocked_clients:")
	n, _, _ := strings.Cut(after, "\\r")
	return n
}

func blockingWords(rnd *rand.Rand) []string {
	key := func() string { return string(rune('a' + rnd.IntN(4))) }
	side := func() string { return []string{"LEFT", "RIGHT"}[rnd.IntN(2)] }
	switch rnd.IntN(9) {
	case 6:
		return []string{"BZPOPMIN", key(), key(), "0"}
	case 7:
		return []string{"BZPOPMAX", key(), "0"}
	case 8:
		return []string{"BZMPOP", "0", "2", key(), key(), "MAX", "COUNT", "2"}
	case 0:
		return []string{"BLPOP", key(), "0"}
	case 1:
		return []string{"BRPOP", key(), key(), "0"}
	case 2:
		return []string{"BLMOVE", key(), key(), side(), side(), "0"}
	case 3:
		return []string{"BRPOPLPUSH", key(), key(), "0"}
	case 4:
		return []string{"BLMPOP", "0", "2", key(), key(), side(), "COUNT", "2"}
	}
	return []string{"BLPOP", key(), key(), key(), "0"}
}

func pushWords(rnd *rand.Rand) []string {
	key := func() string { return string(rune('a' + rnd.IntN(4))) }
	n := fmt.Sprint(rnd.IntN(1000))
	switch rnd.IntN(12) {
	case 7:
		return []string{"ZADD", key(), n, "m" + n}
	case 8:
		return []string{"ZADD", key(), n, "m" + n, "1", "one"}
	case 9:
		return []string{"ZREM", key(), "one"}
	case 0:
		return []string{"RPUSH", key(), n, "x" + n}
	case 1:
		return []string{"DEL", key()}
	case 2:
		return []string{"RENAME", key(), key()}
	case 3:
		return []string{"COPY", key(), key()}
	case 4:
		return []string{"LMOVE", key(), key(), "LEFT", "RIGHT"}
	case 5:
		return []string{"SET", key(), n}
	case 6:
		return []string{"LPOP", key()}
	}
	return []string{"LPUSH", key(), n}
}
