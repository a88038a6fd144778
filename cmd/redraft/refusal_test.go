package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// refused runs a node that cannot start and expects one line on the standard error, with all the
// words in it, and exit status 1.
func refused(t *testing.T, cmd *exec.Cmd, words ...string) {
	t.Helper()
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait()
	line := said.String()
	if status := cmd.ProcessState.ExitCode(); status != 1 {
		t.Errorf("%q: exit status %d, want 1\n%s", cmd.Args[1:], status, line)
	}
	if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "redraft: ") {
		t.Errorf("%q: want one line that begins with redraft:, got\n%s", cmd.Args[1:], line)
	}
	for _, w := range words {
		if !strings.Contains(line, w) {
			t.Errorf("%q: want a line with %q, got\n%s", cmd.Args[1:], w, line)
		}
	}
	t.Log(strings.TrimSpace(line))
}

// nodeCommand is a node that shall not get far, on ports of its own.
func nodeCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command(program, append(newNode(t, "refused").args, args...)...)
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRefusedConfiguration: what is wrong is found before anything is touched, and --check-config finds
// the same.
func TestRefusedConfiguration(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--no-such-flag", "1"}, "redraft --help"},
		{[]string{"--port", "many"}, "--port"},
		{[]string{"--port", "65536"}, "between 0 and 65535"},
		{[]string{"--port", "60000"}, "--raft-port"},
		{[]string{"--port", "0"}, "--raft-port"},
		{[]string{"--appendfsync", "everysec"}, "always"},
		{[]string{"--appendonly", "no"}, "yes"},
		{[]string{"--tls-port", "7", "--tls-cert-file", "no-such"}, "tls-key-file"},
		{[]string{"--tls-port", "7", "--tls-cert-file", "/no/such", "--tls-key-file", "/no/such"}, "tls-ca-cert-file"},
		{[]string{"--tls-port", "7", "--tls-auth-clients", "no", "--tls-cert-file", "/no/such", "--tls-key-file", "k"}, "/no/such"},
		{[]string{"--tls-replication", "yes"}, "tls-cluster"},
		{[]string{"--tls-protocols", "TLSv9"}, "TLSv1.3"},
		{[]string{"--tls-ciphersuites", "TLS_AES_128_GCM_SHA256"}, "TLS 1.3"},
		{[]string{"--save", "60"}, "save"},
		{[]string{"--join", "nowhere"}, "host:port"},
		{[]string{"no-such-file"}, "redraft help"},
		{[]string{writeFile(t, "directive.conf", "port 7000\nno-such-directive 1\n")}, "directive.conf:2"},
		{[]string{writeFile(t, "value.conf", "# all is well\nmaxclients none\n")}, "value.conf:2"},
		{[]string{writeFile(t, "quotes.conf", "requirepass \"half\n")}, "quotes.conf:1"},
		{[]string{writeFile(t, "one.conf", ""), "another.conf"}, "another.conf"},
		{[]string{"--bind", "0.0.0.0"}, "--cluster-secret"},
		{[]string{"--bind", "*"}, "--cluster-secret"},
		{[]string{"--bind", "192.0.2.1", "127.0.0.1"}, "--cluster-secret"},
		{[]string{"--cluster-secret-file", "/no/such/file"}, "--cluster-secret-file"},
		{[]string{"--cluster-secret-file", writeFile(t, "empty", "\n")}, "empty"},
		{[]string{"--cluster-secret", "a", "--cluster-secret-file", "b"}, "one of them"},
	} {
		refused(t, exec.Command(program, c.args...), c.want)
		refused(t, exec.Command(program, append(c.args, "--check-config")...), c.want)
	}
}

// TestRefusedPlaces: ports and directories that cannot be used.
func TestRefusedPlaces(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken, _ := net.SplitHostPort(l.Addr().String())
	refused(t, nodeCommand(t, "--port", taken), "in use", "--port")
	refused(t, nodeCommand(t, "--raft-port", taken), "in use", "--raft-port")
	refused(t, nodeCommand(t, "--pprof", "127.0.0.1:"+taken), "in use", "--pprof")
	refused(t, nodeCommand(t, "--cluster-secret", "s", "--bind", "192.0.2.1"), "192.0.2.1", "--bind")
	refused(t, nodeCommand(t, "--dir", filepath.Join(writeFile(t, "file", ""), "below")), "--dir")
	refused(t, nodeCommand(t, "--logfile", "/no/such/directory/log"), "--logfile")
	refused(t, nodeCommand(t, "--unixsocket", "/no/such/directory/socket"), "--unixsocket")

	p := newNode(t, "used").start().ready()
	refused(t, nodeCommand(t, "--dir", p.dir()), "another process", p.dir(), "stop that one", "--dir")
	p.stop()
	id, err := os.ReadFile(filepath.Join(p.dir(), "node.json"))
	if err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(string(id), `"format": 1`, `"format": 99`, 1)
	if err := os.WriteFile(filepath.Join(p.dir(), "node.json"), []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, nodeCommand(t, "--dir", p.dir()), "newer", "99", "start it with", "--dir")
}

// TestRefusedPermission: a directory that belongs to somebody else.
func TestRefusedPermission(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "closed")
	cmd := nodeCommand(t, "--dir", dir)
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		// Root may do anything, so this is for nobody; the way to the directory has to be open.
		for at := filepath.Dir(dir); at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
			if err := os.Chmod(at, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	refused(t, cmd, dir, "permission", "--dir")
}

// TestRefusedJoin: clusters that do not take a node in.
func TestRefusedJoin(t *testing.T) {
	p := newNode(t, "member", "--cluster-secret", "right", "--node-id", "first").start().ready()
	refused(t, nodeCommand(t, "--join", p.addr, "--cluster-secret", "wrong"), "wrong cluster secret")
	refused(t, nodeCommand(t, "--join", p.addr), "wrong cluster secret")
	second := newNode(t, "second", "--cluster-secret", "right", "--join", p.addr, "--node-id", "second").start().ready()
	awaitVoters(t, p, 2)
	refused(t, nodeCommand(t, "--join", p.addr, "--cluster-secret", "right", "--node-id", "second"), "id", "use", "--node-id")
	refused(t, nodeCommand(t, "--join", p.addr, "--cluster-secret", "right", "--node-id", "first"), "node id first", "in use", "choose another --node-id")
	awaitVoters(t, second, 2)

	other := newNode(t, "other", "--cluster-secret", "right").start().ready()
	other.stop()
	refused(t, nodeCommand(t, "--dir", other.dir(), "--join", p.addr, "--cluster-secret", "right"), "another cluster")

	p.must("CONFIG", "SET", "requirepass", "pass")
	refused(t, nodeCommand(t, "--join", p.addr, "--cluster-secret", "right"), "--masterauth")
	refused(t, nodeCommand(t, "--join", p.addr, "--cluster-secret", "right", "--masterauth", "wrong"), "--masterauth")
	third := newNode(t, "third", "--cluster-secret", "right", "--masterauth", "pass", "--replicaof", "127.0.0.1", p.port())
	third.start().ready()
	third.args = append(third.args, "--masterauth", "stale") // it has joined, so it needs none any more
	third.stop()
	third.start().ready()
	if _, err := third.ask("PING"); err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
		t.Errorf("the cluster's password does not count on the new node: %v", err)
	}
}

// TestRefusedParameters: the cluster's values count, and a password that differs is an error.
func TestRefusedParameters(t *testing.T) {
	p := newNode(t, "node", "--requirepass", "first", "--hash-max-listpack-entries", "7").start().ready()
	c, err := connect(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, words := range [][]string{{"AUTH", "first"}, {"CONFIG", "SET", "requirepass", "second"}, {"AUTH", "second"}} {
		if _, err := c.do(words...); err != nil {
			t.Fatalf("%q: %v", words, err)
		}
	}
	if answer, err := c.do("CONFIG", "GET", "hash-max-*-entries"); err != nil || !strings.Contains(fmt.Sprint(answer), " 7") {
		t.Errorf("CONFIG GET: %v, %v", answer, err)
	}
	p.stop()
	refused(t, exec.Command(program, p.args...), "requirepass", "CONFIG SET")
	p.args = append(p.args, "--requirepass", "second", "--hash-max-listpack-entries", "8")
	p.start().ready().stop()
	if !strings.Contains(p.said(), "CONFIG SET hash-max-listpack-entries") {
		t.Errorf("no warning names CONFIG SET:\n%s", p.said())
	}
}
