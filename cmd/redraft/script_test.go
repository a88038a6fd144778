package main

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"
)

// releaseScript deletes a lock if it is still its owner's.
const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end`

// TestLockScript has clients on all nodes take a lock by SET NX, count up without any other protection, and give the
// lock back by a script, while the leader is killed. No two of them hold the lock at a time.
func TestLockScript(t *testing.T) {
	nodes := startCluster(t, 3)
	clients, each := 12, 10
	if testing.Short() {
		clients, each = 6, 5
	}
	l := &lockCheck{t: t}
	var wait sync.WaitGroup
	for i := range clients {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for done := 0; done < each; done++ {
				l.hold(nodes, i, fmt.Sprintf("%d:%d", i, done))
			}
		}()
	}
	eventually(t, "a third is done", func() error { return atLeast(l.done.get(), int64(clients*each/3)) })
	lead := leader(t, nodes)
	nodes[lead].kill()
	nodes[lead].start()
	wait.Wait()
	nodes[lead].ready()
	agree(t, nodes)
	lead = leader(t, nodes)
	if got := fmt.Sprint(nodes[lead].must("GET", "guarded")); got != strconv.Itoa(clients*each) {
		t.Errorf("the counter is at %s after %d turns", got, clients*each)
	}
}

// lockCheck is what the holders of the lock know of each other.
type lockCheck struct {
	t      *testing.T
	mu     sync.Mutex
	holder string
	done   counter
}

// hold takes the lock, counts, and gives the lock back. What it does not know of it asks about.
func (l *lockCheck) hold(nodes []*process, at int, token string) {
	p := &persistent{nodes: nodes, at: at}
	defer p.close()
	for p.ask("SET", "lock", token, "NX") != "OK" {
		if p.ask("GET", "lock") == token {
			break // the answer to the SET was lost
		}
		time.Sleep(2 * time.Millisecond)
	}
	l.mu.Lock()
	if l.holder != "" {
		l.t.Errorf("%s has the lock while %s holds it", token, l.holder)
	}
	l.holder = token
	l.mu.Unlock()
	n, _ := strconv.Atoi(fmt.Sprint(p.ask("GET", "guarded")))
	p.ask("SET", "guarded", strconv.Itoa(n+1))
	l.mu.Lock()
	l.holder = ""
	l.mu.Unlock()
	if p.ask("EVAL", releaseScript, "1", "lock", token) == int64(0) && !p.lost {
		l.t.Errorf("the lock is not %s's, who holds it", token)
	}
	l.done.add()
}

// persistent asks the nodes in turn until one answers.
type persistent struct {
	nodes []*process
	at    int
	conn  *client
	lost  bool // an answer to the present question was, so it may have been asked twice
}

func (p *persistent) close() {
	if p.conn != nil {
		p.conn.close()
	}
}

// ask sends a command until it is answered. All that are sent here may be sent twice.
func (p *persistent) ask(words ...string) any {
	p.lost = false
	for {
		var err error
		if p.conn == nil {
			p.conn, err = connect(p.nodes[p.at%len(p.nodes)].addr)
		}
		if err == nil {
			_, err = p.conn.do("RAFT", "CONSISTENCY", "linearizable")
		}
		if err == nil {
			var answer any
			if answer, err = p.conn.do(words...); err == nil {
				return answer
			}
			p.lost = p.lost || !nothingDone(err)
		}
		if p.conn != nil {
			p.conn.close()
			p.conn = nil
		}
		p.at++
		time.Sleep(10 * time.Millisecond)
	}
}
