package fsm

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm/reply"
	"github.com/redraftdb/redraft/fsm/value"
)

// redisTool is the path of one of Redis' programs of the version that the machine answers like.
// Without it the test is skipped, or fails where REDRAFT_CI says that it has to be there.
func redisTool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		var out []byte
		if out, err = exec.Command(path, "--version").CombinedOutput(); err == nil && name == "redis-server" &&
			!strings.Contains(string(out), "v="+redisVersion+" ") {
			err = fmt.Errorf("%s is not %s: %s", path, redisVersion, out)
		}
	}
	switch {
	case err == nil:
		return path
	case os.Getenv("REDRAFT_CI") == "1":
		t.Fatalf("%s %s is needed: %v", name, redisVersion, err)
	default:
		t.Skipf("skipped: %s %s is not there to compare with: %v", name, redisVersion, err)
	}
	return ""
}

// startRedis runs a redis-server on a directory until the test ends and returns its socket.
func startRedis(t testing.TB, dir string) string {
	t.Helper()
	path := redisTool(t, "redis-server")
	short, err := os.MkdirTemp("", "fsm") // the name of a socket must not be long
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(short, "s")
	server := exec.Command(path, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir,
		"--enable-debug-command", "yes", "--loglevel", "warning", "--rdbchecksum", "yes")
	var log strings.Builder
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { server.Wait(); close(ended) }()
	t.Cleanup(func() {
		server.Process.Kill()
		<-ended
		os.RemoveAll(short)
	})
	for deadline := time.Now().Add(time.Minute); ; {
		if c, err := net.Dial("unix", socket); err == nil {
			r := &redisClient{t: t, conn: c, in: bufio.NewReader(c)}
			pong := r.ask("PING")
			c.Close()
			if pong == "+PONG\n" {
				return socket
			}
		}
		select {
		case <-ended:
			t.Fatalf("redis-server ended:\n%s", log.String())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
	}
}

// redisClient is a connection to a redis-server.
type redisClient struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
	out  []byte // requests not sent yet
	db   int
}

func dialRedis(t testing.TB, socket string) *redisClient {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &redisClient{t: t, conn: c, in: bufio.NewReader(c)}
}

// queue puts a request behind those that wait to be sent.
func (r *redisClient) queue(words ...string) {
	r.out = fmt.Appendf(r.out, "*%d\r\n", len(words))
	for _, w := range words {
		r.out = fmt.Appendf(r.out, "$%d\r\n%s\r\n", len(w), w)
	}
}

// send sends what is queued. A goroutine does, for a server that is not read from stops reading.
func (r *redisClient) send() {
	b := r.out
	r.out = nil
	go r.conn.Write(b)
}

// receive reads one answer.
func (r *redisClient) receive(out reply.Sink) {
	r.t.Helper()
	if err := readReply(r.in, out); err != nil {
		r.t.Fatalf("reading from redis-server: %v", err)
	}
}

// ask sends one request and returns the answer as text.
func (r *redisClient) ask(words ...string) string {
	r.t.Helper()
	r.queue(words...)
	r.send()
	var out reply.Recorder
	r.receive(&out)
	return out.String()
}

// selectDB makes n the database of the requests to come.
func (r *redisClient) selectDB(n int) {
	r.t.Helper()
	if n == r.db {
		return
	}
	if got := r.ask("SELECT", strconv.Itoa(n)); got != "+OK\n" {
		r.t.Fatalf("SELECT %d: %s", n, got)
	}
	r.db = n
}

// readReply hands one answer in RESP2 or RESP3 to a sink.
func readReply(in *bufio.Reader, out reply.Sink) error {
	line, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	kind, text := line[0], strings.TrimSuffix(line[1:], "\r\n")
	n, _ := strconv.Atoi(text)
	switch kind {
	case '+':
		out.Status(text)
	case '-':
		out.Error(text)
	case ':':
		i, err := strconv.ParseInt(text, 10, 64)
		out.Int(i)
		return err
	case '_':
		out.Null()
	case '#':
		out.Bool(text == "t")
	case ',':
		f, err := strconv.ParseFloat(text, 64)
		out.Double(f)
		return err
	case '(':
		out.BigNumber(text)
	case '$', '=':
		return readBulk(in, kind, n, out)
	case '*', '%', '~', '>':
		return readAggregate(in, kind, n, out)
	default:
		return fmt.Errorf("no answer begins with %q", line)
	}
	return nil
}

func readBulk(in *bufio.Reader, kind byte, n int, out reply.Sink) error {
	if n < 0 {
		out.Null()
		return nil
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(in, b); err != nil {
		return err
	}
	if kind == '=' {
		out.Verbatim(string(b[:3]), string(b[4:n]))
	} else {
		out.Bulk(b[:n])
	}
	return nil
}

func readAggregate(in *bufio.Reader, kind byte, n int, out reply.Sink) error {
	switch {
	case n < 0:
		out.NullArray()
	case kind == '*':
		out.Array(n)
	case kind == '%':
		out.Map(n)
		n *= 2
	case kind == '~':
		out.Set(n)
	default:
		out.Push(n)
	}
	for range n {
		if err := readReply(in, out); err != nil {
			return err
		}
	}
	return nil
}

// resp3 records what the answer is in RESP3, which has one null.
type resp3 struct{ reply.Recorder }

func (r *resp3) NullArray() { r.Null() }

// resp2 records what the answer is in RESP2, which has fewer forms.
type resp2 struct{ reply.Recorder }

func (r *resp2) Map(n int)               { r.Array(2 * n) }
func (r *resp2) Set(n int)               { r.Array(n) }
func (r *resp2) Push(n int)              { r.Array(n) }
func (r *resp2) Double(f float64)        { r.Bulk(value.AppendFloat(nil, f)) }
func (r *resp2) Decimal(digits []byte)   { r.Bulk(digits) }
func (r *resp2) BigNumber(digits string) { r.Text(digits) }
func (r *resp2) Verbatim(_, text string) { r.Text(text) }
func (r *resp2) Bool(b bool) {
	if b {
		r.Int(1)
	} else {
		r.Int(0)
	}
}
