package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// faultCluster is a cluster whose processes, network, clocks and disks a nemesis has in its hands.
// Only the test's goroutine uses it; clients know the nodes' addresses alone.
//
// Each node has two addresses of 127.0.0.0/8: it listens at one, and announces the other, where its
// proxy listens. So whatever one node says to another passes through the network.
type faultCluster struct {
	t       *testing.T
	network *network
	nodes   []*faultNode
}

// faultNode is one process of it.
type faultNode struct {
	*process
	id     string
	raft   string // where it listens for other nodes
	behind string // the address of its proxy
	clock  string // the file with its clock's offset
	up     bool   // it runs, as far as the nemesis had a hand in it
	frozen bool   // it is stopped by SIGSTOP
}

// newFaultCluster starts nodes that form a cluster, each of them through its proxy. Each has a disk of its
// own if disk says which, in the words of mount for a tmpfs.
func newFaultCluster(t *testing.T, rnd *rand.Rand, bin string, size int, disk string, args ...string) *faultCluster {
	t.Helper()
	c := &faultCluster{t: t}
	c.network = newNetwork(func(to string) string { return c.node(to).raft })
	t.Cleanup(c.network.close)
	net24 := fmt.Sprintf("127.%d.%d.", 1+rnd.IntN(254), rnd.IntN(256))
	ports := freePorts(t, 2)
	root := t.TempDir()
	for i := range size {
		id := "n" + strconv.Itoa(i+1)
		host, proxy := net24+strconv.Itoa(i+1), net24+strconv.Itoa(i+101)
		dir := filepath.Join(root, id)
		n := &faultNode{id: id, clock: filepath.Join(root, id+".clock"),
			raft: net.JoinHostPort(host, strconv.Itoa(ports[1])), behind: net.JoinHostPort(proxy, strconv.Itoa(ports[1]))}
		n.process = &process{t: t, name: id, bin: bin, addr: net.JoinHostPort(host, strconv.Itoa(ports[0])), log: dir + ".log",
			env: []string{clockVariable + "=" + n.clock}}
		n.args = append([]string{"--port", strconv.Itoa(ports[0]), "--raft-port", strconv.Itoa(ports[1]), "--bind", host,
			"--announce-host", proxy, "--node-id", id, "--dir", dir}, args...)
		if disk != "" {
			mountDisk(t, dir, disk)
		}
		c.nodes = append(c.nodes, n)
	}
	for i, n := range c.nodes {
		c.network.proxy(t, n.behind, n.id)
		if i > 0 {
			n.args = append(n.args, "--join", c.others(n))
		}
		n.start()
		n.up = true
	}
	first := c.nodes[0]
	first.args = append(first.args, "--join", c.others(first)) // from its next start on
	for _, n := range c.nodes {
		n.ready()
	}
	awaitVoters(t, first.process, size)
	return c
}

// node is the node with an id.
func (c *faultCluster) node(id string) *faultNode {
	for _, n := range c.nodes {
		if n.id == id {
			return n
		}
	}
	c.t.Errorf("a node calls itself %q", id)
	return c.nodes[0]
}

// others are the addresses for clients of all nodes but one.
func (c *faultCluster) others(n *faultNode) string {
	var list []string
	for _, other := range c.nodes {
		if other != n {
			list = append(list, other.addr)
		}
	}
	return strings.Join(list, ",")
}

// awake are the nodes that would answer a question.
func (c *faultCluster) awake() []*faultNode {
	var list []*faultNode
	for _, n := range c.nodes {
		if n.up && !n.frozen && !n.ended() {
			list = append(list, n)
		}
	}
	return list
}

// leader is the node that leads as far as those say that answer; nil if none knows of one.
func (c *faultCluster) leader() *faultNode {
	var leads *faultNode
	newest := int64(-1)
	for _, n := range c.awake() {
		answer, err := n.askWithin(time.Second, "RAFT", "STATUS")
		if err != nil {
			continue
		}
		id, _ := field(answer, "leader_id").(string)
		text, _ := field(answer, "term").(string)
		term, err := strconv.ParseInt(text, 10, 64)
		if err == nil && id != "" && term > newest {
			newest, leads = term, c.node(id)
		}
	}
	return leads
}

// heal ends whatever keeps nodes from working: cuts, stops, lies about the time, full disks. It
// starts what does not run, and waits until all have caught up and have their vote.
func (c *faultCluster) heal() {
	c.t.Helper()
	c.network.heal()
	for _, n := range c.nodes {
		n.thaw()
		n.setClock(0)
		n.freeDisk()
		if n.ended() {
			n.restart()
		}
	}
	c.readmit()
	for _, n := range c.nodes {
		eventually(c.t, n.id+" does not get ready", n.caughtUp)
	}
	for _, n := range c.nodes {
		c.promote(n)
	}
	awaitVoters(c.t, c.nodes[0].process, len(c.nodes))
}

// promote gives a node its vote, if it has been taken.
func (c *faultCluster) promote(n *faultNode) {
	c.t.Helper()
	eventually(c.t, "the vote of "+n.id, func() error {
		leads := c.leader()
		if leads == nil {
			return errors.New("nobody leads")
		}
		_, err := leads.ask("RAFT", "PROMOTE", n.id)
		return err
	})
}

// agree has the data compared: all nodes note their digest at the same entry.
func (c *faultCluster) agree() error {
	answer, err := c.nodes[0].askWithin(patience, "RAFT", "DIGEST")
	if err != nil {
		return err
	}
	pair, _ := answer.([]any)
	if len(pair) != 2 {
		return fmt.Errorf("RAFT DIGEST: %v", answer)
	}
	index, digest := fmt.Sprint(pair[0]), pair[1]
	for _, n := range c.nodes {
		eventually(c.t, n.id+" has not come to entry "+index, func() error {
			at, err := n.status("digest_index")
			if err == nil && at != index {
				err = errors.New("it is at " + at)
			}
			return err
		})
		if got, err := n.status("digest"); err != nil || got != digest {
			return fmt.Errorf("%s has digest %s at entry %s, and %s has %s (%v)", n.id, got, index, c.nodes[0].id, digest, err)
		}
	}
	return nil
}

// askWithin is ask, with another patience.
func (n *faultNode) askWithin(d time.Duration, words ...string) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	cl, err := dialClient(ctx, n.addr)
	if err != nil {
		return nil, err
	}
	defer cl.close()
	return cl.do(words...)
}

// caughtUp returns nil when the node serves clients. One that has ended is started again: it may have
// met with a full disk, and not have got around to its end until there was room again.
func (n *faultNode) caughtUp() error {
	if n.ended() {
		n.restart()
	}
	joined, err := n.status("joined")
	if err == nil && joined != "1" {
		err = errors.New("it has not caught up")
	}
	return err
}

// ended reports whether the process does not run, whoever ended it.
func (n *faultNode) ended() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

// crash ends the process as a power failure would.
func (n *faultNode) crash() {
	n.up, n.frozen = false, false
	n.kill()
}

// dump ends the process with its goroutines' stacks in its log.
func (n *faultNode) dump() {
	n.thaw()
	_ = n.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-n.done:
	case <-time.After(patience):
		n.t.Errorf("%s does not end", n.id)
	}
}

// restart starts a process that has ended.
func (n *faultNode) restart() {
	n.start()
	n.up = true
}

// freeze stops the process for a while, thaw lets it go on.
func (n *faultNode) freeze() { n.signal(syscall.SIGSTOP, true) }
func (n *faultNode) thaw()   { n.signal(syscall.SIGCONT, false) }

func (n *faultNode) signal(s syscall.Signal, frozen bool) {
	if n.frozen != frozen && !n.ended() {
		n.frozen = frozen
		_ = n.cmd.Process.Signal(s) // unless it has ended since
	}
}

// setClock sets the process's wall clock off.
func (n *faultNode) setClock(offset time.Duration) {
	n.t.Helper()
	if err := os.WriteFile(n.clock+".new", []byte(offset.String()), 0o600); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Rename(n.clock+".new", n.clock); err != nil {
		n.t.Fatal(err)
	}
}

// empty removes everything from the data directory of a process that has ended.
func (n *faultNode) empty() {
	n.t.Helper()
	files, err := os.ReadDir(n.dir())
	for _, f := range files {
		err = errors.Join(err, os.RemoveAll(filepath.Join(n.dir(), f.Name())))
	}
	if err != nil {
		n.t.Fatal(err)
	}
}
