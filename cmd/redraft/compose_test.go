package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestCompose is TestCluster's heart in containers: three nodes of docker-compose.yml, the leader's
// container killed under writers, and every acknowledged write there.
func TestCompose(t *testing.T) {
	if os.Getenv("REDRAFT_COMPOSE") != "1" {
		t.Skip("left out: REDRAFT_COMPOSE is not 1; make test-compose sets it, and needs a Docker engine")
	}
	for _, name := range []string{"docker", "docker-compose"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("left out: %s is missing", name)
		}
	}
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		t.Skipf("left out: no Docker engine answers: %s", out)
	}
	c := newComposition(t)
	began := c.nodes[0]
	for _, p := range c.nodes {
		p.ready()
	}
	awaitVoters(t, began, 3)
	c.nodes[2].must("SET", "key", "value")
	for _, p := range c.nodes {
		p.expect([]string{"key"}, []string{"value"})
	}
	c.healthy()

	w := startWriters(c.nodes, 3)
	w.await(t, 500)
	lead := c.leader()
	c.docker("kill", c.container(lead))
	w.await(t, w.count()+500)
	w.stop(t)
	t.Logf("%d writes acknowledged, %d unknown", w.count(), w.unknown.Load())
	for i, p := range c.nodes {
		if i != lead {
			w.verify(t, p)
		}
	}
	c.docker("start", c.container(lead))
	c.nodes[lead].ready()
	w.verify(t, c.nodes[lead])
	c.healthy()
}

// composition is docker-compose.yml under a name and on ports of its own.
type composition struct {
	t       *testing.T
	project string
	env     []string
	nodes   []*process // reached, but not run, by the test
}

func newComposition(t *testing.T) *composition {
	t.Helper()
	c := &composition{t: t, project: "redrafttest" + strconv.Itoa(os.Getpid())}
	image := c.project + ":test"
	c.env = append(os.Environ(), "REDRAFT_IMAGE="+image, "REDRAFT_CLUSTER_SECRET=of the test")
	for i, port := range freePorts(t, 3) {
		c.env = append(c.env, fmt.Sprintf("REDRAFT_PORT%d=%d", i+1, port))
		c.nodes = append(c.nodes, &process{t: t, name: "node" + strconv.Itoa(i+1), addr: "127.0.0.1:" + strconv.Itoa(port),
			done: make(chan struct{})})
	}
	c.run("make", "image", "IMAGE="+image)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.try("docker-compose", "-p", c.project, "logs", "--tail", "30"))
		}
		_, _ = c.try("docker-compose", "-p", c.project, "down", "-v", "--timeout", "5")
		_, _ = c.try("docker", "rmi", image)
	})
	c.run("docker-compose", "-p", c.project, "up", "-d")
	return c
}

// try runs a program at the top of the repository.
func (c *composition) try(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = repository, c.env
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (c *composition) run(name string, args ...string) string {
	c.t.Helper()
	out, err := c.try(name, args...)
	if err != nil {
		c.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

func (c *composition) docker(args ...string) string { return c.run("docker", args...) }

func (c *composition) container(i int) string {
	return c.run("docker-compose", "-p", c.project, "ps", "-a", "-q", c.nodes[i].name)
}

// leader is the place of the node that leads.
func (c *composition) leader() int {
	at := -1
	eventually(c.t, "no leader", func() error {
		for i, p := range c.nodes {
			if state, err := p.status("state"); err == nil && state == "leader" {
				at = i
				return nil
			}
		}
		return errors.New("nobody says that it leads")
	})
	return at
}

// healthy waits until Docker takes all nodes for alive.
func (c *composition) healthy() {
	for i := range c.nodes {
		id := c.container(i)
		eventually(c.t, c.nodes[i].name+" is not healthy", func() error {
			if state := c.docker("inspect", "--format", "{{.State.Health.Status}}", id); state != "healthy" {
				return errors.New(state)
			}
			return nil
		})
	}
}
