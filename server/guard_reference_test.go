package server

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/redcon"

	"github.com/redraftdb/redraft/fsm/command"
)

// guardScript is a connection whose client has already sent everything it will ever send, in the
// pieces given.
type guardScript struct {
	pieces [][]byte
	answer bytes.Buffer
}

func (c *guardScript) Read(p []byte) (int, error) {
	for len(c.pieces) > 0 && len(c.pieces[0]) == 0 {
		c.pieces = c.pieces[1:]
	}
	if len(c.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.pieces[0])
	c.pieces[0] = c.pieces[0][n:]
	return n, nil
}

func (c *guardScript) Write(p []byte) (int, error)      { return c.answer.Write(p) }
func (c *guardScript) Close() error                     { return nil }
func (c *guardScript) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *guardScript) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *guardScript) SetDeadline(time.Time) error      { return nil }
func (c *guardScript) SetReadDeadline(time.Time) error  { return nil }
func (c *guardScript) SetWriteDeadline(time.Time) error { return nil }

func guardTestOptions(change func(l *guardLimits)) *guardOptions {
	l := defaultGuardLimits()
	if change != nil {
		change(&l)
	}
	o := &guardOptions{limits: new(atomic.Pointer[guardLimits])}
	o.limits.Store(&l)
	return o
}

// scriptedGuard returns a guard over pieces of input.
func scriptedGuard(authenticated bool, pieces ...[]byte) (*guard, *guardScript) {
	c := &guardScript{pieces: pieces}
	g := newGuard(c, guardTestOptions(nil))
	g.setAuthenticated(authenticated)
	return g, c
}

// guardCutBytes cuts in into pieces of one byte.
func guardCutBytes(in []byte) [][]byte {
	var pieces [][]byte
	for i := range in {
		pieces = append(pieces, in[i:i+1])
	}
	return pieces
}

// guardCutRandom cuts in at random places.
func guardCutRandom(r *rand.Rand, in []byte) [][]byte {
	var pieces [][]byte
	for len(in) > 0 {
		n := min(1+r.IntN(1<<r.IntN(15)), len(in))
		pieces = append(pieces, in[:n])
		in = in[n:]
	}
	return pieces
}

// parsedBehind returns the commands that redcon's parser finds in what the guard hands on.
func parsedBehind(t testing.TB, g *guard) (commands [][][]byte) {
	t.Helper()
	for {
		batch, err := g.next()
		for len(batch) > 0 {
			whole, args, _, rest, fault := redcon.ReadNextCommand(bytes.Clone(batch), nil)
			if !whole || fault != nil {
				t.Fatalf("behind the guard, redcon met %.100q: %v", batch, fault)
			}
			commands, batch = append(commands, args), rest
		}
		if err == nil {
			continue
		}
		var refusal *guardRefusal
		if err != io.EOF && !errors.As(err, &refusal) {
			t.Fatalf("the guard ended with %v", err)
		}
		if more, again := g.next(); len(more) != 0 || again != err {
			t.Fatalf("after its end with %v the guard returned %q, %v", err, more, again)
		}
		return commands
	}
}

// handedOn returns the same in one piece, and what the guard answered by itself.
func handedOn(t testing.TB, g *guard, c *guardScript) (stream, answer string) {
	t.Helper()
	var b []byte
	for _, command := range parsedBehind(t, g) {
		b = appendRequest(b, command)
	}
	return string(b), c.answer.String()
}

var referenceNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// referenceRequests says plainly what is in a stream: the commands and the fault that ends it, if
// any. It looks at everything at once and cares for nothing else.
func referenceRequests(in []byte, limits guardLimits, authenticated bool) (commands [][][]byte, fault string) {
	for len(in) > 0 {
		if in[0] != '*' {
			line, rest, fault := referenceLine(in, '\n', 1, faultInline)
			if rest == nil {
				return commands, fault
			}
			words, ok := command.SplitLine(line[:len(line)-1])
			if !ok {
				return commands, faultQuotes
			}
			if len(words) > 0 {
				commands = append(commands, words)
			}
			in = rest
			continue
		}
		command, rest, fault := referenceCommand(in, limits, authenticated)
		if rest == nil {
			return commands, fault
		}
		if len(command) > 0 {
			commands = append(commands, command)
		}
		in = rest
	}
	return commands, ""
}

func referenceCommand(in []byte, limits guardLimits, authenticated bool) (args [][]byte, rest []byte, fault string) {
	line, in, fault := referenceLine(in, '\r', 2, faultCountLine)
	if in == nil {
		return nil, nil, fault
	}
	count, err := strconv.ParseInt(string(line[1:len(line)-1]), 10, 64)
	switch {
	case err != nil || !referenceNumber.Match(line[1:len(line)-1]) || count > int64(limits.args):
		return nil, nil, faultCount
	case count > 10 && !authenticated:
		return nil, nil, faultOpenCount
	}
	for ; count > 0; count-- {
		line, in, fault = referenceLine(in, '\r', 2, faultBulkLine)
		if in == nil {
			return nil, nil, fault
		}
		if line[0] != '$' {
			return nil, nil, faultNoBulkStart + string(line[:1]) + "'"
		}
		length, err := strconv.ParseInt(string(line[1:len(line)-1]), 10, 64)
		switch {
		case err != nil || !referenceNumber.Match(line[1:len(line)-1]) || length < 0 || length > limits.bulk:
			return nil, nil, faultBulk
		case length > 16384 && !authenticated:
			return nil, nil, faultOpenBulk
		case int64(len(in)) < length+2:
			return nil, nil, ""
		}
		args = append(args, in[:length:length])
		in = in[length+2:]
	}
	return args, in, ""
}

// referenceLine cuts off a line with the byte that ends it; skip counts that byte and what is thrown
// away after it. rest is nil if there is no whole line, with the fault if there cannot be one.
func referenceLine(in []byte, end byte, skip int, tooLong string) (line, rest []byte, fault string) {
	head := in[:min(len(in), maxHeaderLine+1)]
	if i := bytes.IndexAny(head, string([]byte{end, 0})); i >= 0 && head[i] == end {
		if i+skip > len(in) {
			return nil, nil, ""
		}
		return in[:i+1], in[i+skip:], ""
	}
	if len(in) > maxHeaderLine {
		return nil, nil, tooLong
	}
	return nil, nil, ""
}

// guardRequests draws a stream, mostly well formed.
func guardRequests(r *rand.Rand, commands int) []byte {
	var b []byte
	for range commands {
		switch r.IntN(12) {
		case 0:
			b = append(b, []string{"\r\n", "\n", "*0\r\n", "*-1\r\n", " \r\n"}[r.IntN(5)]...)
		case 1:
			b = append(b, []string{"PING\r\n", "PING a\n", "PING \"a b\\x41\\n\"\r\n", "ECHO 'a\\'b'\r\n", "ECHO a\"b\"\r\n"}[r.IntN(5)]...)
		case 2:
			b = appendRequest(b, [][]byte{[]byte("PING")})
		default:
			arg := make([]byte, r.IntN(1<<r.IntN(13)))
			for i := range arg {
				arg[i] = byte(r.Uint32())
			}
			b = appendRequest(b, [][]byte{[]byte("ECHO"), arg})
		}
	}
	return b
}

// guardSpoil breaks a stream in up to three places.
func guardSpoil(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range r.IntN(3) + 1 {
		if len(b) < 8 {
			break
		}
		i := r.IntN(len(b))
		if r.IntN(2) == 0 { // somewhere among the first bytes there are more headers
			i = r.IntN(min(len(b), 24))
		}
		switch r.IntN(4) {
		case 0:
			b = b[:i]
		case 1:
			b = append(b[:i], b[i+1:]...)
		default:
			b[i] = "*$\r\n0123456789-+ \"'\\x\x00\xffP"[r.IntN(24)]
		}
	}
	return b
}

func guardSeed(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// checkAgainstReference feeds the pieces of in to a guard with redcon's parser behind it.
func checkAgainstReference(t testing.TB, in []byte, authenticated bool, pieces [][]byte) {
	t.Helper()
	g, c := scriptedGuard(authenticated, pieces...)
	got := parsedBehind(t, g)
	want, fault := referenceRequests(in, defaultGuardLimits(), authenticated)
	foreign := false
	for i, command := range want {
		if foreign = isForeign(command[0]); foreign {
			want, fault = want[:i], ""
			break
		}
	}
	if len(got) != len(want) {
		t.Fatalf("input %.300q: %d commands, want %d", in, len(got), len(want))
	}
	for i := range want {
		if len(got[i]) != len(want[i]) {
			t.Fatalf("input %.300q: command %d has %d arguments, want %d", in, i, len(got[i]), len(want[i]))
		}
		for j := range want[i] {
			if !bytes.Equal(got[i][j], want[i][j]) {
				t.Fatalf("input %.300q: argument %d of command %d is %.80q, want %.80q", in, j, i, got[i][j], want[i][j])
			}
		}
	}
	answer := ""
	if fault != "" {
		answer = string(appendErrorLine(nil, "ERR "+fault))
	}
	if c.answer.String() != answer {
		t.Fatalf("input %.300q: answered %q, want %q", in, c.answer.String(), answer)
	}
	if cap(g.buf) > max(guardBurst, 2*len(in)) {
		t.Fatalf("input %.300q: a buffer of %d bytes", in, cap(g.buf))
	}
}
