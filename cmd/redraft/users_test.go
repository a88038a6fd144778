package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUsers follows users through a cluster of three: set on one node they are in force on all, and stay when a
// node is sent a snapshot in the log's place, through a change of the leader, and a restart.
func TestUsers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(file, []byte("user default on nopass ~* &* +@all\nuser first on >one +@all ~f*\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	nodes := startCluster(t, 3, "--aclfile", file)
	lead := leader(t, nodes)
	for i, p := range nodes {
		as(t, p, "first", "one", "SET fkey 1", "OK")
		as(t, p, "first", "one", "SET key 1", "NOPERM this user has no permissions to access one of the keys used as arguments")
		p.must("ACL", "SETUSER", fmt.Sprintf("user%d", i), "on", fmt.Sprintf(">pass%d", i), "~k*", "+get", "+set", "+acl|whoami")
	}
	inForce(t, nodes...)

	late := nodes[(lead+1)%3]
	late.stop()
	nodes[(lead+2)%3].must("ACL", "DELUSER", "first")
	outgrowLog(t, nodes[lead], nodes[(lead+2)%3])
	late.start().ready()
	eventually(t, "a snapshot in the log's place", func() error {
		if !strings.Contains(strings.ToLower(late.said()), "installed remote snapshot") {
			return errors.New("none is installed")
		}
		return nil
	})
	inForce(t, nodes...)
	usersAre(t, "[default user0 user1 user2]", nodes...)

	nodes[lead].kill()
	inForce(t, nodes[(lead+1)%3], nodes[(lead+2)%3])
	nodes[lead].start().ready()
	for _, p := range nodes {
		p.stop()
	}
	for _, p := range nodes {
		p.start()
	}
	for _, p := range nodes {
		p.ready()
	}
	inForce(t, nodes...)
	loadAndSave(t, nodes, file)
	agree(t, nodes)
}

// inForce waits until what user0 to user2 may do and may not is so on some nodes.
func inForce(t *testing.T, nodes ...*process) {
	t.Helper()
	for _, p := range nodes {
		eventually(t, "users of "+p.name, func() error {
			for i := range 3 {
				name := fmt.Sprintf("user%d", i)
				if got := attempt(p, name, fmt.Sprintf("pass%d", i), "SET", "k", name); got != "OK" {
					return fmt.Errorf("%s: %s", name, got)
				}
				if got := attempt(p, name, fmt.Sprintf("pass%d", i), "DEL", "k"); got != "NOPERM this user has no permissions to run the 'del' command" {
					return fmt.Errorf("%s may delete: %s", name, got)
				}
			}
			return nil
		})
	}
}

// usersAre waits until the nodes have these users.
func usersAre(t *testing.T, want string, nodes ...*process) {
	t.Helper()
	for _, p := range nodes {
		eventually(t, "the users of "+p.name, func() error {
			if got := fmt.Sprint(p.must("ACL", "USERS")); got != want {
				return errors.New(got)
			}
			return nil
		})
	}
}

// outgrowLog writes so much that a snapshot leaves nothing in the log of what was there before, and takes one on each
// node.
func outgrowLog(t *testing.T, nodes ...*process) {
	t.Helper()
	c, err := connect(nodes[0].addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	value := strings.Repeat("x", 64<<10)
	for i := range 1100 {
		if _, err := c.do("SET", fmt.Sprint("k", i%10), value); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range nodes {
		p.must("RAFT", "SNAPSHOT")
	}
}

// loadAndSave reads the file once more, which so far has only said what the cluster began with, and writes it.
func loadAndSave(t *testing.T, nodes []*process, file string) {
	t.Helper()
	nodes[0].must("ACL", "LOAD")
	usersAre(t, "[default first]", nodes...)
	nodes[1].must("ACL", "SETUSER", "last", "on", "nopass", "+@all", "-@dangerous")
	nodes[1].must("ACL", "SAVE")
	b, err := os.ReadFile(file)
	if err != nil || !strings.HasSuffix(string(b), "\nuser last on nopass resetchannels +@all -@dangerous\n") {
		t.Errorf("the file is %q, %v", b, err)
	}
}

// as runs a command as a user and checks the answer.
func as(t *testing.T, p *process, user, password, line, want string) {
	t.Helper()
	if got := attempt(p, user, password, strings.Fields(line)...); got != want {
		t.Errorf("%s, %s: %s is answered %q, want %q", p.name, user, line, got, want)
	}
}

// attempt runs a command as a user and returns the answer, whatever it is.
func attempt(p *process, user, password string, words ...string) string {
	c, err := connect(p.addr)
	if err != nil {
		return err.Error()
	}
	defer c.close()
	if _, err := c.do("AUTH", user, password); err != nil {
		return err.Error()
	}
	answer, err := c.do(words...)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(answer)
}
