package server

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm/reply"
)

// respGolden is what each part looks like on the wire.
var respGolden = []struct {
	name         string
	write        func(s reply.Sink)
	resp2, resp3 string
}{
	{"status", func(s reply.Sink) { s.Status("OK") }, "+OK\r\n", "+OK\r\n"},
	{"error", func(s reply.Sink) { s.Error("ERR no") }, "-ERR no\r\n", "-ERR no\r\n"},
	{"error of two lines", func(s reply.Sink) { s.Error("ERR a\r\n+b\n") }, "-ERR a  +b \r\n", "-ERR a  +b \r\n"},
	{"int", func(s reply.Sink) { s.Int(0); s.Int(9); s.Int(10); s.Int(-1) }, ":0\r\n:9\r\n:10\r\n:-1\r\n", ":0\r\n:9\r\n:10\r\n:-1\r\n"},
	{"extreme int", func(s reply.Sink) { s.Int(math.MinInt64); s.Int(math.MaxInt64) },
		":-9223372036854775808\r\n:9223372036854775807\r\n", ":-9223372036854775808\r\n:9223372036854775807\r\n"},
	{"bulk", func(s reply.Sink) { s.Bulk([]byte("a\r\nb\x00")) }, "$5\r\na\r\nb\x00\r\n", "$5\r\na\r\nb\x00\r\n"},
	{"empty bulk", func(s reply.Sink) { s.Bulk(nil) }, "$0\r\n\r\n", "$0\r\n\r\n"},
	{"text", func(s reply.Sink) { s.Text("0123456789") }, "$10\r\n0123456789\r\n", "$10\r\n0123456789\r\n"},
	{"double", func(s reply.Sink) { s.Double(3.141) }, "$5\r\n3.141\r\n", ",3.141\r\n"},
	{"double of 17 digits", func(s reply.Sink) { s.Double(0.1) }, "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"},
	{"whole double", func(s reply.Sink) { s.Double(-12) }, "$3\r\n-12\r\n", ",-12\r\n"},
	{"infinite double", func(s reply.Sink) { s.Double(math.Inf(1)); s.Double(math.Inf(-1)) },
		"$3\r\ninf\r\n$4\r\n-inf\r\n", ",inf\r\n,-inf\r\n"},
	{"no number", func(s reply.Sink) { s.Double(math.NaN()) }, "$3\r\nnan\r\n", ",nan\r\n"},
	{"big number", func(s reply.Sink) { s.BigNumber("1234567999999999999999999999999999999") },
		"$37\r\n1234567999999999999999999999999999999\r\n", "(1234567999999999999999999999999999999\r\n"},
	{"bool", func(s reply.Sink) { s.Bool(true); s.Bool(false) }, ":1\r\n:0\r\n", "#t\r\n#f\r\n"},
	{"verbatim", func(s reply.Sink) { s.Verbatim("txt", "Some string") }, "$11\r\nSome string\r\n", "=15\r\ntxt:Some string\r\n"},
	{"verbatim of an odd format", func(s reply.Sink) { s.Verbatim("m", "x"); s.Verbatim("text", "x") },
		"$1\r\nx\r\n$1\r\nx\r\n", "=5\r\nm  :x\r\n=5\r\ntex:x\r\n"},
	{"null", func(s reply.Sink) { s.Null() }, "$-1\r\n", "_\r\n"},
	{"null array", func(s reply.Sink) { s.NullArray() }, "*-1\r\n", "_\r\n"},
	{"array", func(s reply.Sink) { s.Array(0); s.Array(12) }, "*0\r\n*12\r\n", "*0\r\n*12\r\n"},
	{"map", func(s reply.Sink) { s.Map(0); s.Map(7) }, "*0\r\n*14\r\n", "%0\r\n%7\r\n"},
	{"set", func(s reply.Sink) { s.Set(3) }, "*3\r\n", "~3\r\n"},
	{"push", func(s reply.Sink) { s.Push(2) }, "*2\r\n", ">2\r\n"},
}

func TestRESPGolden(t *testing.T) {
	for _, g := range respGolden {
		for version, want := range map[int]string{2: g.resp2, 3: g.resp3} {
			var w respWriter
			w.setProtocol(version)
			if w.RESP3() != (version == 3) {
				t.Fatalf("RESP3() is %v in version %d", w.RESP3(), version)
			}
			g.write(&w)
			if got := string(w.bytes()); got != want || w.size() != len(want) {
				t.Errorf("%s in RESP%d: %q, want %q", g.name, version, got, want)
			}
		}
	}
}

func TestRESPBuffer(t *testing.T) {
	var w respWriter
	w.Status("OK")
	w.raw([]byte(":1\r\n"))
	taken := w.take()
	w.Status("NO")
	if string(taken) != "+OK\r\n:1\r\n" || string(w.bytes()) != "+NO\r\n" {
		t.Errorf("taken %q, then %q", taken, w.bytes())
	}
	w.reset()
	if w.size() != 0 || cap(w.buf) == 0 {
		t.Errorf("after reset: %d bytes, capacity %d", w.size(), cap(w.buf))
	}
	w.Bulk(make([]byte, 2*respKeep))
	if w.reset(); cap(w.buf) != respKeep {
		t.Errorf("after a long answer a buffer of %d bytes stays", cap(w.buf))
	}
}

func TestRESPWriterDoesNotAllocate(t *testing.T) {
	for _, version := range []int{2, 3} {
		var w respWriter
		w.setProtocol(version)
		b := []byte("some value")
		all := func() {
			w.reset()
			w.Status("OK")
			w.Error("ERR no\n")
			w.Int(123456)
			w.Bulk(b)
			w.Text("text")
			w.Double(0.1)
			w.Double(12)
			w.BigNumber("123")
			w.Bool(true)
			w.Verbatim("txt", "text")
			w.Null()
			w.NullArray()
			w.Array(100)
			w.Map(100)
			w.Set(100)
			w.Push(2)
		}
		all()
		if n := testing.AllocsPerRun(100, all); n != 0 {
			t.Errorf("RESP%d: %v allocations", version, n)
		}
	}
}

// doubleSamples are numbers of all shapes.
func doubleSamples() []float64 {
	samples := []float64{0, 1, -1, 9, 10, 100, 0.5, 0.1, 1e15, 1e16, 1e17, 1e18, 123456789012345680, 999999999999999, 1e-4, 1e-5,
		5e-324, math.MaxFloat64, 1e300, 12345.678, 1.0 / 3, 2.0 / 3, 1 << 53, 1<<53 + 2, 3.0e-7, 1e21, 1e22, 1e23}
	for _, f := range samples[1:] {
		samples = append(samples, -f)
	}
	return samples
}

// TestRedisRESP has Redis write the same parts as the golden ones.
func TestRedisRESP(t *testing.T) {
	addr := guardRedis(t, "--enable-debug-command", "yes")
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	for _, version := range []int{2, 3} {
		fmt.Fprintf(c, "HELLO %d\r\nDEBUG PROTOCOL null\r\n", version)
		hello := ""
		for end := map[int]string{2: "$-1\r\n", 3: "_\r\n"}[version]; !strings.HasSuffix(hello, end); {
			hello += readSome(t, c, 1)
		}
		var w respWriter
		w.setProtocol(version)
		script := ""
		for _, part := range []struct {
			name  string
			write func()
		}{
			{"null", w.Null},
			{"double", func() { w.Double(3.141) }},
			{"true", func() { w.Bool(true) }},
			{"false", func() { w.Bool(false) }},
			{"verbatim", func() { w.Verbatim("txt", "This is a verbatim\nstring") }},
			{"bignum", func() { w.BigNumber("1234567999999999999999999999999999999") }},
			{"set", func() { w.Set(3); w.Int(0); w.Int(1); w.Int(2) }},
			{"map", func() {
				w.Map(3)
				for i := range 3 {
					w.Int(int64(i))
					w.Bool(i == 1)
				}
			}},
		} {
			script += "DEBUG PROTOCOL " + part.name + "\r\n"
			part.write()
		}
		script += "LRANGE none 0 1\r\nBLMPOP 0.01 1 none LEFT\r\n"
		w.Array(0)
		w.NullArray()
		for _, f := range doubleSamples() {
			script += "ZADD z " + strconv.FormatFloat(f, 'g', -1, 64) + " m\r\nZSCORE z m\r\nDEL z\r\n"
			w.Int(1)
			w.Double(f)
			w.Int(1)
		}
		fmt.Fprint(c, script)
		want := string(w.bytes())
		if got := readSome(t, c, len(want)); got != want {
			t.Errorf("RESP%d:\nRedis %q\nwe    %q", version, got, want)
		}
	}
}

func readSome(t *testing.T, c net.Conn, n int) string {
	t.Helper()
	p := make([]byte, n)
	if k, err := io.ReadFull(c, p); err != nil {
		t.Fatalf("read %q, %v", p[:k], err)
	}
	return string(p)
}

func BenchmarkRESP(b *testing.B) {
	value := bytes.Repeat([]byte("x"), 64)
	for name, write := range map[string]func(w *respWriter){
		"Status": func(w *respWriter) { w.Status("OK") },
		"Int":    func(w *respWriter) { w.Int(123456) },
		"Bulk":   func(w *respWriter) { w.Bulk(value) },
		"Array":  func(w *respWriter) { w.Array(100) },
		"Double": func(w *respWriter) { w.Double(0.1) },
		"Error":  func(w *respWriter) { w.Error("WRONGTYPE Operation against a key holding the wrong kind of value") },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var w respWriter
			for range b.N {
				if write(&w); w.size() > 32<<10 {
					w.reset()
				}
			}
		})
	}
}
