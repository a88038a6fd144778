package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestEnds: SIGTERM, SIGINT and SHUTDOWN end a node with status 0, and its data are there afterwards.
func TestEnds(t *testing.T) {
	pidfile := filepath.Join(t.TempDir(), "pid")
	p := newNode(t, "node", "--pidfile", pidfile).start().ready()
	if b, err := os.ReadFile(pidfile); err != nil || strings.TrimSpace(string(b)) != strconv.Itoa(p.cmd.Process.Pid) {
		t.Errorf("pidfile: %q, %v", b, err)
	}
	ends := []func(){
		p.stop,
		func() { _ = p.cmd.Process.Signal(syscall.SIGINT) },
		func() { _, _ = p.ask("SHUTDOWN") },
		func() { _, _ = p.ask("SHUTDOWN", "SAVE") },
		func() { _, _ = p.ask("SHUTDOWN", "NOSAVE", "NOW") },
	}
	for i, end := range ends {
		p.must("SET", "key"+strconv.Itoa(i), "v")
		end()
		<-p.done
		if p.err != nil {
			t.Errorf("end %d: %v\n%s", i, p.err, p.said())
		}
		if _, err := os.Stat(pidfile); err == nil {
			t.Errorf("end %d left the pidfile", i)
		}
		p.start().ready()
	}
	if n := p.must("DBSIZE"); n != int64(len(ends)) {
		t.Errorf("%d keys, want %d", n, len(ends))
	}
	if files, _ := filepath.Glob(filepath.Join(p.dir(), "group-0", "snapshots", "*", "state.bin")); len(files) != 1 {
		t.Errorf("SHUTDOWN SAVE left %d snapshots", len(files))
	} else if out, errs, status := execute(t, nil, program, "check", files[0]); status != 0 {
		t.Errorf("check: %s%s", out, errs)
	}
}

// TestSecondSignal: the second one ends the process at once.
func TestSecondSignal(t *testing.T) {
	nodes := startCluster(t, 2)
	nodes[1].kill() // without a majority, an orderly end of the leader takes its time
	p := nodes[0]
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	<-p.done
	// If the orderly end was quicker than the second signal, that is as good.
	if status := p.cmd.ProcessState.ExitCode(); status != 0 && (status != 1 || !strings.Contains(p.said(), "a second signal")) {
		t.Errorf("status %d\n%s", status, p.said())
	}
}

// TestUnixSocket serves on a socket alone.
func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	p := newNode(t, "node", "--unixsocket", path, "--unixsocketperm", "700").start().ready()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("ECHO hello\r\n")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("$5\r\nhello\r\n"))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "$5\r\nhello\r\n" {
		t.Errorf("%q, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	p.stop()
}

// TestDaemonize: the command returns, and the node goes on and writes its log.
func TestDaemonize(t *testing.T) {
	dir := t.TempDir()
	p := newNode(t, "node")
	log := filepath.Join(dir, "log")
	p.args = append(p.args, "--daemonize", "--logfile", log, "--pidfile", filepath.Join(dir, "pid"))
	if out, errs, status := execute(t, nil, program, p.args...); status != 0 || out+errs != "" {
		t.Fatalf("status %d\n%s%s", status, out, errs)
	}
	p.done = make(chan struct{}) // it is not ours to wait for
	p.ready()
	b, err := os.ReadFile(filepath.Join(dir, "pid"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 1 {
		t.Fatalf("pidfile: %q, %v", b, err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the daemon has not ended", func() error {
		b, err := os.ReadFile(log)
		if err == nil && !strings.Contains(string(b), "msg=ended") {
			err = errAnswer
		}
		return err
	})
}

// TestMaxClients refuses one client too many.
func TestMaxClients(t *testing.T) {
	p := newNode(t, "node", "--maxclients", "3").start().ready()
	for range 3 {
		eventually(t, "a client that may come in", func() error {
			c, err := connect(p.addr)
			if err != nil {
				return err
			}
			t.Cleanup(c.close)
			_, err = c.do("PING")
			return err
		})
	}
	if _, err := p.ask("PING"); err == nil || !strings.Contains(err.Error(), "max number of clients") {
		t.Errorf("the fourth client is told %v", err)
	}
}

// TestPprof serves profiles where it was asked to.
func TestPprof(t *testing.T) {
	addr := "127.0.0.1:" + strconv.Itoa(freePorts(t, 1)[0])
	newNode(t, "node", "--pprof", addr).start().ready()
	resp, err := http.Get("http://" + addr + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(b), "goroutine profile") {
		t.Errorf("%.200s, %v", b, err)
	}
}

// TestMaxclientsFitsOpenFiles: maxclients is what the limit on open files leaves room for, and that many clients get in.
func TestMaxclientsFitsOpenFiles(t *testing.T) {
	p := newNode(t, "node")
	p.args = append([]string{"-c", `ulimit -n 160 && exec "$0" "$@"`, p.bin}, p.args...)
	p.bin = "/bin/sh"
	p.start().ready()
	if got := fmt.Sprint(p.must("CONFIG", "GET", "maxclients")); got != "[maxclients 64]" {
		t.Errorf("CONFIG GET: %s", got)
	}
	if !strings.Contains(p.said(), "maxclients was lowered") {
		t.Errorf("nobody was told:\n%s", p.said())
	}
	_, err := p.ask("CONFIG", "SET", "maxclients", "65")
	if want := "not able to handle the specified number of clients, try with 64"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("CONFIG SET: %v, want %s", err, want)
	}
	p.must("CONFIG", "SET", "maxclients", "60")
	var last error
	in := 0
	for last == nil && in <= 60 {
		c, err := p.connect()
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		if _, last = c.do("PING"); last == nil {
			in++
		}
	}
	// A connection that was closed just before may still be counted.
	if in > 60 || in < 58 || last == nil || last.Error() != "ERR max number of clients reached" {
		t.Errorf("%d clients got in, and the next was answered %v", in, last)
	}
}
