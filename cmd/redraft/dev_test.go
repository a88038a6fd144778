package main

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// consecutivePorts finds n free ports in a row whose cluster ports are free as well.
func consecutivePorts(t *testing.T, n int) int {
	t.Helper()
	for range 100 {
		first, free := freePorts(t, 1)[0], true
		for i := range n {
			for _, port := range []int{first + i, first + i + clusterPortOffset} {
				l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
				if free = free && err == nil; err == nil {
					_ = l.Close()
				}
			}
		}
		if free {
			return first
		}
	}
	t.Fatal("no free ports in a row")
	return 0
}

// newDev describes a redraft dev and its nodes, which are reached but not run by the test.
func newDev(t *testing.T, args ...string) (dev *process, nodes []*process) {
	t.Helper()
	first := consecutivePorts(t, 3)
	dir := t.TempDir()
	dev = &process{t: t, name: "dev", bin: program, log: filepath.Join(dir, "dev.log"),
		args: append([]string{"dev", "--nodes", "3", "--port", strconv.Itoa(first), "--dir", filepath.Join(dir, "nodes")}, args...)}
	for i := range 3 {
		name := "node" + strconv.Itoa(i+1)
		nodes = append(nodes, &process{t: t, name: name, addr: "127.0.0.1:" + strconv.Itoa(first+i),
			log: filepath.Join(dir, "nodes", name+".log")})
	}
	return dev, nodes
}

// TestDev: three nodes in the foreground, stopped by one signal, and again on the same directory; a node
// that is killed does not stop the others.
func TestDev(t *testing.T) {
	dev, nodes := newDev(t)
	dev.start()
	for _, p := range nodes {
		p.done = dev.done
		p.ready()
	}
	awaitVoters(t, nodes[0], 3)
	nodes[1].must("SET", "key", "value")
	dev.stop()
	for _, line := range []string{"node1 | ", "node3 | ", "dev   | redraft --port"} {
		if !strings.Contains(dev.said(), line) {
			t.Errorf("dev does not say %q:\n%s", line, dev.said())
		}
	}

	dev.start()
	for _, p := range nodes {
		p.done = dev.done
		p.ready()
		p.expect([]string{"key"}, []string{"value"})
	}
	lead := leader(t, nodes)
	killChild(t, dev, nodes[lead])
	rest := []*process{nodes[(lead+1)%3], nodes[(lead+2)%3]}
	leader(t, rest)
	rest[0].expect([]string{"key"}, []string{"value"})
	eventually(t, "dev tells that a node was killed", func() error {
		if !strings.Contains(dev.said(), "has ended") {
			return errAnswer
		}
		return nil
	})
	dev.stop()
}

// killChild kills a node that dev runs, by the process id that it tells.
func killChild(t *testing.T, dev, node *process) {
	t.Helper()
	for _, line := range strings.Split(node.must("INFO", "server").(string), "\r\n") {
		if text, ok := strings.CutPrefix(line, "process_id:"); ok {
			pid, err := strconv.Atoi(text)
			if err != nil || pid == dev.cmd.Process.Pid {
				t.Fatalf("process_id:%s", text)
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("INFO has no process_id")
}

// TestDevRefused: a node that cannot start ends dev, and all of its nodes.
func TestDevRefused(t *testing.T) {
	dev, nodes := newDev(t)
	l, err := net.Listen("tcp", nodes[2].addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dev.start()
	<-dev.done
	if said := dev.said(); dev.err == nil || !strings.Contains(said, "node3 | redraft: ") || !strings.Contains(said, "\nredraft: dev: node3") {
		t.Errorf("dev: %v\n%s", dev.err, said)
	}
	for _, p := range nodes[:2] {
		if c, err := connect(p.addr); err == nil {
			c.close()
			t.Errorf("%s still runs", p.name)
		}
	}
	for _, args := range [][]string{{"dev", "--nodes", "0"}, {"dev", "extra"}, {"dev", "--no-such"}} {
		_, errs, status := execute(t, nil, program, args...)
		if status != 1 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: status %d\n%s", args, status, errs)
		}
	}
}

// TestPing: only a node that serves is alive.
func TestPing(t *testing.T) {
	port := freePorts(t, 1)[0]
	_, errs, status := execute(t, nil, program, "ping", "--port", strconv.Itoa(port))
	if status != 1 || strings.Count(errs, "\n") != 1 {
		t.Errorf("nobody there: status %d\n%s", status, errs)
	}
	lonely := newNode(t, "lonely", "--join", "127.0.0.1:"+strconv.Itoa(port)).start()
	eventually(t, "a node that has not joined", func() error {
		_, err := lonely.ask("ECHO", "x")
		if err != nil && strings.HasPrefix(err.Error(), "LOADING") {
			return nil
		}
		return err
	})
	if _, errs, status = execute(t, nil, program, "ping", "--port", lonely.port()); status != 1 || !strings.Contains(errs, "LOADING") {
		t.Errorf("a node that has not joined: status %d\n%s", status, errs)
	}
	if role, err := lonely.ask("INFO", "replication"); err != nil || strings.Contains(role.(string), "role:master") ||
		strings.Contains(role.(string), "master_link_status:up") {
		t.Errorf("a node that has not joined says %v, %v", role, err)
	}
	lonely.stop() // while it tries to join
	p := newNode(t, "node", "--requirepass", "pass").start().ready()
	if out, errs, status := execute(t, nil, program, "ping", "--port", p.port()); status != 0 || out != "PONG\n" {
		t.Errorf("a node with a password: status %d\n%s", status, errs)
	}
}
