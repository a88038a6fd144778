package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is the path of the binary that the tests run, built once.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "redraft-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = os.Chmod(dir, 0o755) // one test runs it as another user
	program = filepath.Join(dir, "redraft")
	build := exec.Command("go", "build", "-o", program, "-ldflags", "-X main.version=test")
	if raceDetector {
		build.Args = append(build.Args, "-race")
	}
	build.Args = append(build.Args, ".")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	status := 1
	if err := build.Run(); err == nil {
		status = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "building redraft:", err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// patience is how long a condition may take to come true.
const patience = 30 * time.Second

// need leaves a test out where a program is missing, or fails it in CI.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("REDRAFT_CI") == "1" {
			t.Fatalf("%s is missing, and CI must not leave this test out", name)
		}
		t.Skipf("left out: %s is missing (Debian: redis-server, redis-tools)", name)
	}
}

// eventually waits until f returns nil.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// freePorts finds TCP ports that nobody uses. They lie below the range that the system takes for
// outgoing connections, which could otherwise grab one in between.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	var held []net.Listener
	for range 1000 {
		if len(ports) == n {
			break
		}
		port := 10000 + rand.IntN(20000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			held = append(held, l)
			ports = append(ports, port)
		}
	}
	for _, l := range held {
		_ = l.Close()
	}
	if len(ports) < n {
		t.Fatal("no free ports")
	}
	return ports
}

// process is a server that a test runs. Only the test's goroutine uses it.
type process struct {
	t    *testing.T
	name string
	bin  string
	args []string
	env  []string    // on top of the test's own
	addr string      // for clients
	tls  *tls.Config // how they connect; nil without TLS
	log  string      // file with all it said

	cmd  *exec.Cmd
	from int64         // where the log of this run begins
	done chan struct{} // closed when it has ended
	err  error         // how, then
}

// newNode describes a node of ours, with its own directory and free ports.
func newNode(t *testing.T, name string, args ...string) *process {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	ports := freePorts(t, 2)
	base := []string{"--port", strconv.Itoa(ports[0]), "--raft-port", strconv.Itoa(ports[1]), "--dir", dir}
	return &process{t: t, name: name, bin: program, args: append(base, args...),
		addr: "127.0.0.1:" + strconv.Itoa(ports[0]), log: dir + ".log"}
}

func (p *process) port() string { return p.addr[strings.LastIndex(p.addr, ":")+1:] }

// dir is the data directory.
func (p *process) dir() string { return strings.TrimSuffix(p.log, ".log") }

// start starts the process and returns at once. What is left of it ends with the test.
func (p *process) start() *process {
	p.t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	p.from, _ = log.Seek(0, io.SeekEnd)
	p.cmd = exec.Command(p.bin, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	if p.done == nil {
		p.t.Cleanup(p.review) // runs after what is left has been killed
	}
	cmd, done := p.cmd, make(chan struct{})
	p.done = done
	go func() {
		p.err = cmd.Wait()
		close(done)
	}()
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	return p
}

// review fails the test if the log shows what no log may, and shows its end if the test has failed.
func (p *process) review() {
	b, _ := os.ReadFile(p.log)
	for _, bad := range []string{"DATA RACE", "panic:", "fatal error:"} {
		if i := bytes.Index(b, []byte(bad)); i >= 0 {
			p.t.Errorf("%s: %s", p.name, b[i:min(len(b), i+4000)])
		}
	}
	if p.t.Failed() {
		p.t.Logf("the end of %s's log:\n%s", p.name, b[max(0, len(b)-3000):])
	}
}

// ready waits until the process serves clients.
func (p *process) ready() *process {
	p.t.Helper()
	eventually(p.t, p.name+" does not get ready", func() error {
		select {
		case <-p.done:
			p.t.Fatalf("%s has ended: %v\n%s", p.name, p.err, p.said())
		default:
		}
		c, err := p.connect()
		if err != nil {
			return err
		}
		defer c.close()
		info, err := c.do("INFO", "raft")
		if err != nil && strings.HasPrefix(err.Error(), "NOAUTH") && strings.Contains(p.said(), "ready for clients") {
			return nil
		}
		if err == nil && strings.Contains(fmt.Sprint(info), "raft_joined:0") {
			err = errors.New("it has not caught up")
		}
		return err
	})
	return p
}

// said is the log of the present run.
func (p *process) said() string {
	b, _ := os.ReadFile(p.log)
	return string(b[min(int64(len(b)), p.from):])
}

// kill ends the process as a power failure would.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.done
}

// stop ends the process in order, and expects that it succeeds.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end", p.name)
	}
	if p.err != nil {
		p.t.Fatalf("%s: %v\n%s", p.name, p.err, p.said())
	}
}

// startCluster starts nodes that form a cluster, and waits until each of them has a vote.
func startCluster(t *testing.T, n int, args ...string) []*process {
	t.Helper()
	nodes := []*process{newNode(t, "node1", args...).start()}
	for i := 2; i <= n; i++ {
		more := append([]string{"--join", nodes[0].addr}, args...)
		nodes = append(nodes, newNode(t, "node"+strconv.Itoa(i), more...).start())
	}
	for _, p := range nodes {
		p.ready()
	}
	awaitVoters(t, nodes[0], n)
	return nodes
}

// awaitVoters waits until a node knows of so many voters.
func awaitVoters(t *testing.T, p *process, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d voters", n), func() error {
		members, err := p.ask("RAFT", "MEMBERS")
		if err != nil {
			return err
		}
		voters := 0
		for _, m := range members.([]any) {
			if field(m, "voter") == int64(1) {
				voters++
			}
		}
		if voters != n {
			return fmt.Errorf("%d voters", voters)
		}
		return nil
	})
}

// connect opens a connection to a server.
func connect(addr string) (*client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return dialClient(ctx, addr)
}

// connect opens a connection to the process.
func (p *process) connect() (*client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return dialSecure(ctx, p.addr, p.tls)
}

// ask puts one question to a process, on a connection of its own.
func (p *process) ask(words ...string) (any, error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.close()
	return c.do(words...)
}

// must is ask, with an answer that is no error.
func (p *process) must(words ...string) any {
	p.t.Helper()
	answer, err := p.ask(words...)
	if err != nil {
		p.t.Fatalf("%s: %q: %v", p.name, words, err)
	}
	return answer
}

// status is a field of RAFT STATUS.
func (p *process) status(name string) (string, error) {
	answer, err := p.ask("RAFT", "STATUS")
	if err != nil {
		return "", err
	}
	s, ok := field(answer, name).(string)
	if !ok {
		return "", fmt.Errorf("RAFT STATUS has no %s", name)
	}
	return s, nil
}

// leader waits until the nodes agree on one of them that leads and serves, and returns its place.
func leader(t *testing.T, nodes []*process) int {
	t.Helper()
	at := -1
	eventually(t, "no leader", func() error {
		addr := ""
		for _, p := range nodes {
			a, err := p.status("leader_addr")
			if err != nil {
				return err
			}
			if a == "" || addr != "" && a != addr {
				return fmt.Errorf("%q and %q lead", addr, a)
			}
			addr = a
		}
		for i, p := range nodes {
			if p.addr == addr {
				at = i
				_, err := p.ask("GET", "any")
				return err
			}
		}
		return errors.New("somebody else leads: " + addr)
	})
	return at
}

// agree has the data compared: all nodes note their digest at the same entry.
func agree(t *testing.T, nodes []*process) {
	t.Helper()
	lead := leader(t, nodes)
	answer, ok := nodes[lead].must("RAFT", "DIGEST").([]any)
	if !ok || len(answer) != 2 {
		t.Fatalf("RAFT DIGEST: %v", answer)
	}
	index, digest := fmt.Sprint(answer[0]), answer[1]
	for _, p := range nodes {
		eventually(t, p.name+" has not come to entry "+index, func() error {
			at, err := p.status("digest_index")
			if err == nil && at != index {
				err = errors.New("it is at " + at)
			}
			return err
		})
		if got, err := p.status("digest"); err != nil || got != digest {
			t.Errorf("%s has digest %s at entry %s, and %s has %s", p.name, got, index, nodes[lead].name, digest)
		}
	}
}

// execute runs a program to its end and returns what it wrote and its exit status.
func execute(t *testing.T, stdin []byte, name string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", name, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}
