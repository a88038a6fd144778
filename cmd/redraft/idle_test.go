package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redraftdb/redraft/server/identity"
	"github.com/redraftdb/redraft/server/identity/authority"
)

// idleMost is how many bytes of resident memory an idle connection may cost.
const idleMost = 40 << 10

// TestIdleConnections opens many connections that have each asked something and are idle since, and looks at what
// the server's process has grown by.
func TestIdleConnections(t *testing.T) {
	if raceDetector {
		t.Skip("left out under the race detector, which takes memory of its own")
	}
	many := map[string]int{"plain": 10000, "TLS": 5000} // few show the collector's own 32 MB more than themselves
	if os.Getenv("REDRAFT_NIGHTLY") == "1" {
		many["TLS"] = 10000
	}
	ca := authority.New(t)
	cert, key := ca.Issue(authority.Leaf{Name: "server"})
	who, err := identity.Load(identity.Options{CAFile: ca.File})
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range many {
		t.Run(name, func(t *testing.T) {
			tlsPort := freePorts(t, 1)[0]
			p := newNode(t, "node", "--maxclients", "20000", "--tls-port", strconv.Itoa(tlsPort),
				"--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no").start().ready()
			addr, config := p.addr, (*tls.Config)(nil)
			if name == "TLS" {
				addr, config = "127.0.0.1:"+strconv.Itoa(tlsPort), who.Dialer("localhost")
			}
			p.must("SET", "key", "value")
			before := residentKB(t, p)
			conns := openIdle(t, n, addr, config)
			if got := fmt.Sprint(p.must("INFO", "clients")); !strings.Contains(got, fmt.Sprintf("connected_clients:%d\r\n", n+1)) {
				t.Errorf("INFO: %s", got)
			}
			after := residentKB(t, p)
			each := (after - before) << 10 / n
			t.Logf("%d idle connections: resident memory %d KB before, %d KB with them, %d bytes each", n, before, after, each)
			if each > idleMost {
				t.Errorf("%d bytes for an idle connection", each)
			}
			for _, c := range conns {
				_ = c.Close()
			}
		})
	}
}

// openIdle opens connections from several addresses of this machine, and has each answered a GET.
func openIdle(t *testing.T, n int, addr string, config *tls.Config) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	failed := make(chan error, n)
	var running sync.WaitGroup
	for worker := range 8 {
		running.Go(func() {
			for i := worker; i < n; i += 8 {
				d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))}, Timeout: patience}
				conn, err := d.Dial("tcp", addr)
				if err == nil && config != nil {
					conn = tls.Client(conn, config)
				}
				if err == nil {
					conns[i] = conn
					_ = conn.SetDeadline(time.Now().Add(patience))
					_, err = io.WriteString(conn, "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n")
				}
				if err == nil {
					_, err = io.ReadFull(conn, make([]byte, len("$5\r\nvalue\r\n")))
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	running.Wait()
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
	return conns
}

// residentKB is the resident memory of a process.
func residentKB(t *testing.T, p *process) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb
}
