package value

import (
	"bufio"
	"bytes"
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
)

// redis is a connection to a redis-server of the test's own.
type redis struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// startRedis starts the reference server, or skips the test where there is none.
func startRedis(t testing.TB) *redis {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("REDRAFT_CI") != "" {
			t.Fatal("CI has to have redis-server, and it is not installed")
		}
		t.Skip("redis-server is not installed: nothing to compare with")
	}
	if version, _ := exec.Command(program, "--version").Output(); !bytes.Contains(version, []byte("v=7.0.")) {
		t.Skipf("redis-server is not version 7.0: %s", bytes.TrimSpace(version))
	}
	dir, err := os.MkdirTemp("", "redis") // t.TempDir may be too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "socket")
	server := exec.Command(program, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir, "--rdbcompression", "no",
		"--enable-debug-command", "yes")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		_ = os.RemoveAll(dir)
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			return &redis{t, conn, bufio.NewReader(conn)}
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// do sends a command and returns its answer: a string, an error or an integer as text, an error
// with its leading "-".
func (r *redis) do(args ...string) string {
	r.send(args...)
	return r.receive()
}

func (r *redis) send(args ...string) {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := r.conn.Write(b); err != nil {
		r.t.Fatal(err)
	}
}

func (r *redis) receive() string {
	line, err := r.in.ReadString('\n')
	if err != nil {
		r.t.Fatal(err)
	}
	line = strings.TrimSuffix(line, "\r\n")
	switch line[0] {
	case '+', ':':
		return line[1:]
	case '-':
		return line
	case '$':
		n, _ := strconv.Atoi(line[1:])
		if n < 0 {
			return ""
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r.in, b); err != nil {
			r.t.Fatal(err)
		}
		return string(b[:n])
	}
	r.t.Fatalf("answer %q", line)
	return ""
}

// dump returns the body of a key's DUMP: without the type byte and the trailing version and
// checksum.
func (r *redis) dump(key string) (typ byte, body []byte) {
	b := []byte(r.do("DUMP", key))
	if len(b) < 11 {
		r.t.Fatalf("DUMP of %q is %q", key, b)
	}
	return b[0], b[1 : len(b)-10]
}

// splitString splits off the string that body begins with, as RDB writes it uncompressed.
func splitString(t testing.TB, body []byte) (s, rest []byte) {
	t.Helper()
	n, rest := 0, body
	switch body[0] >> 6 {
	case 0:
		n, rest = int(body[0]), body[1:]
	case 1:
		n, rest = int(body[0]&0x3F)<<8|int(body[1]), body[2:]
	case 2:
		n, rest = int(body[1])<<24|int(body[2])<<16|int(body[3])<<8|int(body[4]), body[5:]
	default:
		t.Fatalf("string begins with %x", body[0])
	}
	return rest[:n], rest[n:]
}

func TestListpackAgainstRedis(t *testing.T) {
	server := startRedis(t)
	server.do("CONFIG", "SET", "hash-max-listpack-value", "10000000", "hash-max-listpack-entries", "100000")
	for _, c := range goldenPacks()[1:] {
		server.do("DEL", "h")
		server.do(append([]string{"HSET", "h"}, c.elements...)...)
		_, body := server.dump("h")
		if got, _ := splitString(t, body); string(got) != c.want {
			t.Fatalf("%q: redis has %x, golden is %x", c.elements, got, c.want)
		}
	}
	r := newRand(t)
	for i := range 300 {
		server.do("DEL", "h")
		lp := New(nil)
		for range 1 + r.IntN(10) {
			f, v := anyText(r), anyText(r)
			if i%50 == 0 && r.IntN(3) == 0 {
				v = randomBytes(r, 1<<21-10+r.IntN(10))
			}
			server.do("HSET", "h", string(f), string(v))
			if e, ok := lp.Find(f, 1); ok {
				e, _ = lp.Next(e)
				lp = lp.Replace(nil, e.At, v)
			} else {
				lp = lp.Append(nil, f, v)
			}
			if e, _ := lp.First(); r.IntN(6) == 0 && lp.Count() > 2 {
				server.do("HDEL", "h", e.String())
				lp = lp.Delete(nil, e.At, 2)
			}
		}
		typ, body := server.dump("h")
		if want, _ := splitString(t, body); typ != 16 || !bytes.Equal(want, lp) {
			t.Fatalf("type %d, redis has %x, this has %x", typ, want, []byte(lp))
		}
	}
}

func TestFloatsAgainstRedis(t *testing.T) {
	server := startRedis(t)
	r := newRand(t)
	for range 4000 {
		s := anyNumeral(r)
		server.send("DEL", "z")
		server.send("ZADD", "z", "INCR", s, "m")
		server.receive()
		want := server.receive()
		got := "-ERR value is not a valid float"
		if f, ok := ParseFloat([]byte(s)); ok {
			got = string(AppendFloat(nil, f))
		}
		if got != want {
			t.Fatalf("%q: redis %q, this %q", s, want, got)
		}
	}
}

func TestLongDoublesAgainstRedis(t *testing.T) {
	server := startRedis(t)
	r := newRand(t)
	for range 6000 {
		a, b := anyNumeral(r), anyNumeral(r)
		server.send("SET", "k", a)
		server.send("INCRBYFLOAT", "k", b)
		server.receive()
		if got, want := incrByFloat(a, b), server.receive(); got != want {
			t.Fatalf("%q + %q: redis %q, this %q", a, b, want, got)
		}
	}
}

func incrByFloat(a, b string) string {
	x, ok := ParseLongDouble([]byte(a))
	y, ok2 := ParseLongDouble([]byte(b))
	if !ok || !ok2 {
		return "-ERR value is not a valid float"
	}
	sum, ok := x.Add(y)
	if !ok {
		return "-ERR increment would produce NaN or Infinity"
	}
	return string(sum.Append(nil))
}
