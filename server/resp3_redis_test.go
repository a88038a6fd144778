package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/fsm/command"
)

// A rawReply is a reply as it is on the wire, cut into its parts: the line of each, with a string's bytes.
type rawReply []string

func readRaw(in *bufio.Reader) (rawReply, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	r := rawReply{line}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil || n < 0 {
		return r, nil
	}
	switch line[0] {
	case '$', '=', '!':
		b := make([]byte, n+2)
		_, err := io.ReadFull(in, b)
		r[0] += string(b)
		return r, err
	case '%', '|':
		n *= 2
	case '*', '~', '>':
	default:
		return r, nil
	}
	for range n {
		part, err := readRaw(in)
		if err != nil {
			return r, err
		}
		r = append(r, part...)
	}
	return r, nil
}

// types are the kinds of a reply's parts, each once where the same come again and again.
func (r rawReply) types() string {
	var kinds []byte
	for _, part := range r {
		kinds = append(kinds, part[0])
	}
	return string(slices.Compact(kinds))
}

// rawPair is a connection to redraft and one to redis-server that are sent the same.
type rawPair struct {
	t        *testing.T
	us, them *client
}

func dialPair(t *testing.T, n *node, theirs string, protocol int) *rawPair {
	p := &rawPair{t, n.dial(), dialAddr(t, theirs)}
	p.ask(words(fmt.Sprint("hello ", protocol))...)
	return p
}

func (p *rawPair) ask(line ...string) (ours, theirs rawReply) {
	p.t.Helper()
	var replies [2]rawReply
	for i, c := range []*client{p.us, p.them} {
		if _, err := io.WriteString(c.conn, request(line...)); err != nil {
			p.t.Fatal(err)
		}
		r, err := readRaw(c.in)
		if err != nil {
			p.t.Fatalf("%q: %v", line, err)
		}
		replies[i] = r
	}
	return replies[0], replies[1]
}

// TestRawReplies compares the bytes of replies with redis-server's, in both protocols: random commands on the data,
// well formed and, one in four, spoilt.
func TestRawReplies(t *testing.T) {
	theirs := guardRedis(t)
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP", protocol), func(t *testing.T) {
			n := start(t)
			p := dialPair(t, n, theirs, protocol)
			p.ask("FLUSHALL")
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rnd := rand.New(rand.NewPCG(seed, 0))
			var specs []*command.Spec
			for _, s := range n.srv.commands.table.All() {
				specs = append(specs, rawSpecs(s)...)
			}
			rounds := 8000
			if testing.Short() {
				rounds = 2000
			}
			var history []string
			for range rounds {
				line := rawLine(rnd, specs[rnd.IntN(len(specs))])
				a, b := p.ask(line...)
				history = append(history, fmt.Sprintf("%.100q", line))
				if !sameRaw(strings.ToLower(line[0]), a, b) {
					t.Fatalf("after\n%s\n%.300q\nof redis-server\n%.300q", strings.Join(history[max(0, len(history)-200):], "\n"), a, b)
				}
			}
		})
	}
}

// rawSpecs are the commands on the data that redis-server 7.0.15 has too, of a command or its subcommands.
func rawSpecs(s *command.Spec) (list []*command.Spec) {
	if s.Container() {
		for _, sub := range s.Sub {
			list = append(list, rawSpecs(sub)...)
		}
		return list
	}
	if !s.IsRead() && !s.IsWrite() || s.Is(command.Blocking) || s.Name == "help" || s.Name == "spop" || s.Name == "flushall" || strings.HasPrefix(s.Since, "7.4") || s.Since[0] > '7' {
		return nil
	}
	if s.Group == "server" || s.Group == "scripting" {
		return nil // of which there are lines in testdata/session.txt, and transcripts
	}
	if s.Name == "migrate" {
		return nil // it would look for servers that were made up
	}
	if strings.HasSuffix(s.Name, "scan") || s.Name == "sort" || s.Name == "sort_ro" || s.Name == "swapdb" || s.Name == "move" || s.Name == "restore" || s.Name == "xautoclaim" {
		return nil
	}
	return []*command.Spec{s}
}

func rawLine(rnd *rand.Rand, s *command.Spec) []string {
	group := s.Group
	args := s.Random(rnd.IntN, func(a *command.Argument) []byte {
		switch {
		case a.Type == command.Key:
			return fmt.Appendf(nil, "%s:%d", []string{group, group, group, "string"}[rnd.IntN(4)], rnd.IntN(3))
		case a.Type == command.UnixTime || strings.HasSuffix(a.Name, "seconds"):
			return []byte("4000000000000")
		case a.Type == command.Integer:
			return strconv.AppendInt(nil, int64(rnd.IntN(12)-3), 10)
		case a.Type == command.Double:
			return []byte([]string{"1", "2.5", "-0.1", "1e30", "inf", "3.0000000000000001", "123456789012345680"}[rnd.IntN(7)])
		case a.Name == "id" || a.Name == "start" && group == "stream" || a.Name == "end" && group == "stream":
			return []byte([]string{"0", "1-1", "2-2", "-", "+", "9-9"}[rnd.IntN(6)])
		case a.Name == "group" || a.Name == "consumer":
			return []byte("g")
		}
		return []byte([]string{"a", "b", "1", "2.5", "", "x y"}[rnd.IntN(6)])
	})
	line := make([]string, len(args))
	for i, a := range args {
		line[i] = string(a)
	}
	if len(line) > 2 && rnd.IntN(4) == 0 {
		line[1+rnd.IntN(len(line)-1)] = []string{"", "0", "-1", "nan", "1e400", "x"}[rnd.IntN(6)]
	}
	return line
}

// digits are what may differ in a reply that is the same otherwise.
var digits = regexp.MustCompile(`[0-9]+`)

func sameRaw(name string, a, b rawReply) bool {
	if slices.Equal(a, b) {
		return true
	}
	switch name {
	case "keys", "smembers", "sunion", "sinter", "sdiff", "hgetall", "hkeys", "hvals", "srandmember", "hrandfield",
		"zrandmember", "randomkey", "xinfo", "xpending", "xclaim", "object", "memory", "dump", "xadd", "xread", "xrange", "xrevrange", "xreadgroup":
		return a.types() == b.types()
	case "ttl", "pttl", "expiretime", "pexpiretime":
		return digits.ReplaceAllString(a[0], "1") == digits.ReplaceAllString(b[0], "1")
	}
	return a[0][0] == '-' && b[0][0] == '-' && strings.HasPrefix(a[0], strings.TrimRight(b[0], "\r\n"))
}

// TestRawSessionReplies compares replies to commands of the session's own with redis-server's, in both protocols: the
// bytes, or, of the lines of testdata/session.txt behind a ~, the kinds of the parts: their bytes are a server's own
// affair.
func TestRawSessionReplies(t *testing.T) {
	text, err := os.ReadFile("testdata/session.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	theirs := guardRedis(t, "--enable-debug-command", "yes")
	n := start(t, "enable-debug-command", "yes")
	done, ended := make(chan struct{}), make(chan struct{})
	go func() { // time passes
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				_, _ = n.cluster.Propose(context.Background(), group, nil, nil)
			}
		}
	}()
	defer func() { close(done); <-ended }()
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP", protocol), func(t *testing.T) {
			p := dialPair(t, n, theirs, protocol)
			for _, line := range lines {
				exact := !strings.HasPrefix(line, "~")
				a, b := p.ask(words(strings.TrimPrefix(line, "~"))...)
				if exact && !slices.Equal(a, b) || a.types() != b.types() {
					t.Errorf("%s\n%.400q\nof redis-server\n%.400q", line, a, b)
				}
			}
		})
	}
}
