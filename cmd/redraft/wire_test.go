package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm/reply"
)

// wire is a connection whose replies are recorded as transcripts show them.
type wire struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	out  reply.Recorder
}

// dialWire connects to a server, in RESP2 or RESP3.
func dialWire(t *testing.T, addr string, protocol int) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	w := &wire{t: t, conn: conn, in: bufio.NewReader(conn)}
	if hello := w.do("HELLO", strconv.Itoa(protocol)); strings.HasPrefix(hello, "-") {
		t.Fatalf("HELLO %d: %s", protocol, hello)
	}
	return w
}

// do sends a command and returns its recorded reply.
func (w *wire) do(words ...string) string {
	w.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, s := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(s), s)
	}
	_ = w.conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(w.conn, b.String()); err != nil {
		w.t.Fatalf("%q: %v", words, err)
	}
	w.out.Reset()
	if err := w.read(); err != nil {
		w.t.Fatalf("%q: %v", words, err)
	}
	return w.out.String()
}

// read records one reply.
func (w *wire) read() error {
	line, err := w.in.ReadString('\n')
	if err != nil {
		return err
	}
	if len(line) < 3 || !strings.HasSuffix(line, "\r\n") {
		return fmt.Errorf("a line of a reply is %q", line)
	}
	kind, text := line[0], line[1:len(line)-2]
	switch kind {
	case '+':
		w.out.Status(text)
	case '-':
		w.out.Error(text)
	case '_':
		w.out.Null()
	case '#':
		w.out.Bool(text == "t")
	case '(':
		w.out.BigNumber(text)
	case ',':
		f, err := strconv.ParseFloat(text, 64)
		w.out.Double(f)
		return err
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("a line of a reply is %q", line)
		}
		return w.readLong(kind, n)
	}
	return nil
}

// readLong records a reply whose line holds a number.
func (w *wire) readLong(kind byte, n int64) error {
	parts := int(n)
	switch kind {
	case ':':
		w.out.Int(n)
		return nil
	case '$', '=':
		if n < 0 {
			w.out.Null()
			return nil
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(w.in, b); err != nil {
			return err
		}
		if b = b[:n]; kind == '=' {
			w.out.Verbatim(string(b[:3]), string(b[4:]))
		} else {
			w.out.Bulk(b)
		}
		return nil
	case '*':
		if n < 0 {
			w.out.NullArray()
			return nil
		}
		w.out.Array(parts)
	case '~':
		w.out.Set(parts)
	case '>':
		w.out.Push(parts)
	case '%':
		w.out.Map(parts)
		parts *= 2
	default:
		return fmt.Errorf("a reply begins with %q", kind)
	}
	for range parts {
		if err := w.read(); err != nil {
			return err
		}
	}
	return nil
}

// asProtocol puts a reply that a transcript expects into the shape that a protocol gives it.
func asProtocol(want string, protocol int) string {
	lines := strings.SplitAfter(want, "\n")
	for i, line := range lines {
		text := strings.TrimLeft(line, " ")
		if text == "" {
			continue
		}
		indent, rest := line[:len(line)-len(text)], strings.TrimSuffix(text[1:], "\n")
		switch kind := text[0]; {
		case protocol == 3 && strings.HasPrefix(text, "*_"):
			text = "_\n"
		case protocol == 3:
		case kind == '%':
			n, _ := strconv.Atoi(rest)
			text = fmt.Sprintf("*%d\n", 2*n)
		case kind == '~':
			text = "*" + rest + "\n"
		case kind == ',' || kind == '(':
			text = strconv.Quote(rest) + "\n"
		case text == "#t\n":
			text = ":1\n"
		case text == "#f\n":
			text = ":0\n"
		case kind == '=':
			_, quoted, _ := strings.Cut(rest, ":")
			text = quoted + "\n"
		}
		lines[i] = indent + text
	}
	return strings.Join(lines, "")
}

// flat is a reply without its aggregates: RESP3 nests what RESP2 strings together.
func flat(reply string) string {
	var b strings.Builder
	for _, line := range strings.Split(reply, "\n") {
		if text := strings.TrimLeft(line, " "); text != "" && !strings.ContainsRune("*%~>", rune(text[0])) {
			b.WriteString(text + "\n")
		}
	}
	return b.String()
}
