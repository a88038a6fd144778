package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestWithoutQuorum: a node that is started alone tells how it stands, counts as alive, serves what
// its disk held to whom stale reads are enough, and refuses the rest until the other one is back.
func TestWithoutQuorum(t *testing.T) {
	nodes := startCluster(t, 2)
	nodes[leader(t, nodes)].must("SET", "key", "value")
	p := nodes[1]
	p.expect([]string{"key"}, []string{"value"})
	p.must("SAVE")
	saved := p.must("LASTSAVE")
	for _, n := range nodes {
		n.stop()
	}
	p.start()
	eventually(t, "a node without a quorum", func() error {
		_, err := p.ask("PING")
		return err
	})
	if out, errs, status := execute(t, nil, program, "ping", "--port", p.port()); status != 0 {
		t.Errorf("ping: status %d\n%s%s", status, out, errs)
	}
	info := fmt.Sprint(p.must("INFO"))
	for _, line := range []string{"loading:0", "role:slave", "master_link_status:down", "raft_joined:0", "redraft_version:test",
		fmt.Sprintf("rdb_last_save_time:%v", saved), "rdb_saves:0", "rdb_last_bgsave_time_sec:-1"} {
		if !strings.Contains(info, "\r\n"+line+"\r\n") {
			t.Errorf("INFO has no %s", line)
		}
	}
	c, err := connect(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, words := range [][]string{{"GET", "key"}, {"SET", "key", "other"}, {"CONFIG", "SET", "requirepass", "x"}} {
		var refusal replyError
		if answer, err := c.do(words...); !errors.As(err, &refusal) || !strings.HasPrefix(err.Error(), "CLUSTERDOWN") {
			t.Errorf("%q: %v, %v", words, answer, err)
		}
	}
	if _, err := c.do("RAFT", "CONSISTENCY", "stale"); err != nil {
		t.Fatal(err)
	}
	if got, err := c.do("GET", "key"); err != nil || got != "value" {
		t.Errorf("a stale read: %v, %v", got, err)
	}
	nodes[0].start().ready()
	p.ready()
	agree(t, nodes)
	if got := p.must("GET", "key"); got != "value" {
		t.Errorf("GET: %v", got)
	}
}
