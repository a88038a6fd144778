package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDirectoryLock(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	o := testOptions(t)
	o.Dir = c.nodes[0].options.Dir
	_, err := openTestNode(t, nil, o)
	if !errors.Is(err, errDirInUse) || !strings.Contains(err.Error(), "is used by another process") {
		t.Fatal(err)
	}
}

func TestDirectoryRefusals(t *testing.T) {
	good := identity{Format: 1, NodeID: "n1", ClusterID: "c1", LogStore: logWAL}
	for name, c := range map[string]struct {
		change  func(*identity)
		options Options
		want    error
	}{
		"newer":         {func(id *identity) { id.Format = 2 }, Options{}, errDirNewer},
		"another node":  {func(*identity) {}, Options{NodeID: "n2"}, errDirNode},
		"another store": {func(*identity) {}, Options{LogStore: logBolt}, errDirStore},
	} {
		o := testOptions(t)
		o.NodeID, o.LogStore = c.options.NodeID, c.options.LogStore
		id := good
		c.change(&id)
		raw, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(o.Dir, identityFile), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openTestNode(t, nil, o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestDirectoryOfAnotherCluster(t *testing.T) {
	one, two := newTestCluster(t, 1, nil), newTestCluster(t, 1, nil)
	n := one.nodes[0]
	n.kill()
	o := n.options
	o.Machine = nil
	o.Join = func(context.Context) (string, error) { return two.nodes[0].Addr(), nil }
	_, err := openTestNode(t, nil, o)
	if !errors.Is(err, errDirCluster) {
		t.Fatal(err)
	}
}

func TestDirectoryWithoutLog(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	n := c.nodes[0]
	n.kill()
	if err := os.RemoveAll(filepath.Join(n.options.Dir, "group-0")); err != nil {
		t.Fatal(err)
	}
	o := n.options
	o.Machine = nil
	if _, err := openTestNode(t, nil, o); err == nil || !strings.Contains(err.Error(), "its log is gone") {
		t.Fatal(err)
	}
}

func TestJoinRefusals(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	join := func(change func(*Options)) error {
		o := testOptions(t)
		o.Join = c.joinAddr
		change(&o)
		n, err := openTestNode(t, nil, o)
		if err == nil {
			n.kill()
		}
		return err
	}
	if err := join(func(o *Options) { o.Secret = []byte("other") }); !errors.Is(err, errLinkSecret) {
		t.Errorf("wrong secret: %v", err)
	}
	if err := join(func(o *Options) { o.NodeID = "twin" }); err != nil {
		t.Fatal(err)
	}
	if err := join(func(o *Options) { o.NodeID = "twin" }); err == nil || !strings.Contains(err.Error(), errMemberID.Error()) {
		t.Errorf("an id in use: %v", err)
	}
	leads := c.nodes[0].ID()
	if err := join(func(o *Options) { o.NodeID = leads }); err == nil || !strings.Contains(err.Error(), "node id "+leads+" is in use") {
		t.Errorf("the leader's id: %v", err)
	}
}

// A member that is sent to itself by an address that is out of date goes on with what it has.
func TestRestartMayMeetItself(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	n := c.nodes[0]
	n.kill()
	c.restart(n, func(o *Options) { o.Join = func(context.Context) (string, error) { return o.Listen, nil } })
	c.leader().put("a=1")
}

func TestJoinWaitsForTheCluster(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	tries := 0
	o := testOptions(t)
	o.Join = func(ctx context.Context) (string, error) {
		if tries++; tries < 3 {
			return "", errors.New("nobody there yet")
		}
		return c.joinAddr(ctx)
	}
	n, err := openTestNode(t, c.net, o)
	if err != nil {
		t.Fatal(err)
	}
	c.nodes = append(c.nodes, n)
	eventually(t, "a vote", func() bool { return n.Status(0).Voter })
	eventually(t, "an end of joining", func() bool { return !n.dir.identity().Joining })
}

func TestMisfit(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	n := c.leader()
	g := n.groups()[0]
	for name, change := range map[string]func(*memberAsk){
		"architecture": func(a *memberAsk) { a.Arch = "s390x" },
		"version":      func(a *memberAsk) { a.Version++ },
		"cluster":      func(a *memberAsk) { a.ClusterID = "other" },
	} {
		ask := n.memberAsk(memberJoin, 0)
		change(ask)
		if reply := g.admit(testContext(t), ask); reply.Refused == "" || !reply.Final {
			t.Errorf("%s: %+v", name, reply)
		}
	}
	ask := n.memberAsk(memberJoin, 0)
	ask.ID, ask.Addr = "far", "192.0.2.1:7000"
	if reply := g.admit(testContext(t), ask); !strings.Contains(reply.Refused, "loopback") || reply.Final {
		t.Errorf("a leader on loopback: %+v", reply)
	}
}

func TestWriteFileAtomically(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, content := range []string{"one", "two, longer", ""} {
		if err := writeFileAtomically(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("%q, %v, want %q", got, err, content)
		}
	}
	if err := writeFileAtomically(filepath.Join(path, "impossible"), nil); err == nil {
		t.Error("wrote below a file")
	}
}

func TestJoinEndsWithItsContext(t *testing.T) {
	o := testOptions(t)
	o.Machine = newTestMachine()
	o.Join = func(context.Context) (string, error) { return "", errors.New("nobody there") }
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}
