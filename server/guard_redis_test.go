package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// needRedis is the path of redis-server, without which the test is left out, or fails in CI.
func needRedis(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("REDRAFT_CI") != "" {
			t.Fatal("CI has to have redis-server, and it is not installed")
		}
		t.Skip("redis-server is not installed: nothing to compare with")
	}
	return path
}

// guardRedis starts a redis-server for the length of the test and returns its address.
func guardRedis(t *testing.T, args ...string) string {
	t.Helper()
	path := needRedis(t)
	for range 5 { // somebody else may take the port before redis-server does
		if addr := tryRedis(t, path, args); addr != "" {
			return addr
		}
	}
	t.Fatal("redis-server does not answer")
	return ""
}

// tryRedis starts a redis-server on a port that was free a moment ago, and returns where it answers, or nothing if it
// ended instead.
func tryRedis(t testing.TB, path string, args []string) string {
	addr := quietAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	for {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			select {
			case <-ended: // it is somebody else who answers
			default:
				return addr
			}
		}
		select {
		case <-ended:
			return ""
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// quietAddr is an address for a process that takes no port 0. Its port is free, and below those that the system
// gives to connections and to listeners without a port of their own, so that it stays free most likely.
func quietAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000)))
		if err == nil {
			defer ln.Close()
			return ln.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// guardCase is what a client sends, all of it at once, and what Redis 7.0 does.
type guardCase struct {
	in, out string
	closes  bool // the server ends the connection, without being asked to
}

const (
	guardPing = "*1\r\n$4\r\nPING\r\n"
	guardPong = "+PONG\r\n"
)

func guardFault(text string) string { return "-ERR Protocol error: " + text + "\r\n" }

// guardCases are for a client that has authenticated or need not.
func guardCases() []guardCase {
	return slices.Concat(guardHeaderCases(), guardInlineCases(), guardEndCases())
}

func guardHeaderCases() []guardCase {
	invalidCount, invalidBulk := guardFault("invalid multibulk length"), guardFault("invalid bulk length")
	dollar := func(got string) string { return guardFault("expected '$', got '" + got + "'") }
	return []guardCase{
		// the number of arguments
		{"*0\r\n" + guardPing, guardPong, false},
		{"*-1\r\n" + guardPing, guardPong, false},
		{"*-9223372036854775808\r\n" + guardPing, guardPong, false},
		{"*-9223372036854775809\r\n" + guardPing, invalidCount, true},
		{"*2147483648\r\n" + guardPing, invalidCount, true},
		{"*1048576\r\n", "", false},
		{"*\r\n" + guardPing, invalidCount, true},
		{"*+1\r\n$4\r\nPING\r\n", invalidCount, true},
		{"*01\r\n$4\r\nPING\r\n", invalidCount, true},
		{"*-0\r\n" + guardPing, invalidCount, true},
		{"* 1\r\n$4\r\nPING\r\n", invalidCount, true},
		{"*1x\r\n$4\r\nPING\r\n", invalidCount, true},
		{"*1\n$4\r\nPING\r\n", invalidCount, true},
		{"*1", "", false},
		{"*1\r", "", false},
		// the length of an argument
		{"*1\r\n+PING\r\n", dollar("+"), true},
		{"*1\r\n\r\n", dollar(" "), true},
		{"*1\r\n\n\r\n", dollar(" "), true},
		{"*1\r\n\xff\r\n", dollar("\xff"), true},
		{"*1\r\n+", "", false},
		{"*1\r\n\x00\r\n", "", false},
		{"*1\r\n$-1\r\n", invalidBulk, true},
		{"*1\r\n$\r\n", invalidBulk, true},
		{"*1\r\n$+4\r\nPING\r\n", invalidBulk, true},
		{"*1\r\n$04\r\nPING\r\n", invalidBulk, true},
		{"*1\r\n$-0\r\n\r\n", invalidBulk, true},
		{"*1\r\n$536870912\r\n", "", false},
		{"*1\r\n$536870913\r\n", invalidBulk, true},
		{"*1\r\n$99999999999999999999\r\n", invalidBulk, true},
		{"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", "$0\r\n\r\n", false},
		// what Redis does not look at
		{"*1\rX$4\r\nPING\r\n", guardPong, false},
		{"*1\r\r$4\r\nPING\r\n", guardPong, false},
		{"*1\r\n$4\rXPING\r\n", guardPong, false},
		{"*1\r\n$4\r\nPINGXX" + guardPing, guardPong + guardPong, false},
	}
}

func guardInlineCases() []guardCase {
	quotes := guardFault("unbalanced quotes in request")
	return []guardCase{
		{"\r\n\n  \r\n\t\n" + guardPing, guardPong, false},
		{"PING\n" + guardPing, guardPong + guardPong, false},
		{"PING\r\r\n", guardPong, false},
		{"\rPING\r\n", guardPong, false},
		{" PING x\r\n", "$1\r\nx\r\n", false},
		{"PING\tx\r\n", "$1\r\nx\r\n", false},
		{"PING \v\fa\r\n", "$1\r\na\r\n", false},
		{"PING a\vb\r\n", "$3\r\na\vb\r\n", false},
		{"PING \"\"\r\n", "$0\r\n\r\n", false},
		{"\"PING\" 'x'\r\n", "$1\r\nx\r\n", false},
		{`PING "\x41\n\r\t\b\a\q\x4\xZZ\"\\"` + "\r\n", "$14\r\nA\n\r\t\b\aqx4xZZ\"\\\r\n", false},
		{`PING 'a\nb\'c'` + "\r\n", "$6\r\na\\nb'c\r\n", false},
		{"PING \\n\r\n", "$2\r\n\\n\r\n", false},
		{"PING a\"b\"\r\n", "$2\r\nab\r\n", false},
		{"PING \xa0x\x85\r\n", "$3\r\n\xa0x\x85\r\n", false},
		{"PING \"a\r\n" + guardPing, quotes, true},
		{"PING 'a\r\n" + guardPing, quotes, true},
		{"PING \"a\\\r\n" + guardPing, quotes, true},
		{"PING \"a\"b\r\n", quotes, true},
		{"PING 'a'b\r\n", quotes, true},
		{"PI\x00NG\r\n" + guardPing, "", false},
		{"PING \"a\x00b\"\r\n" + guardPing, "", false},
		{"PING", "", false},
	}
}

func guardEndCases() []guardCase {
	invalidCount, quotes := guardFault("invalid multibulk length"), guardFault("unbalanced quotes in request")
	return []guardCase{
		// what came before a fault is answered first
		{guardPing + "PING x\r\n*x\r\n" + guardPing, guardPong + "$1\r\nx\r\n" + invalidCount, true},
		{guardPing + "PING 'x\r\n", guardPong + quotes, true},
		{guardPing + "*1\r\n$4\r\nPI", guardPong, false},
		// somebody else's protocol
		{"POST / HTTP/1.1\r\nHost: x\r\n\r\n" + guardPing, "", true},
		{"*1\r\n$4\r\nPoSt\r\n" + guardPing, "", true},
		{"host: x\r\n" + guardPing, "", true},
		{guardPing + "HOST:\r\n", "", true},
		// lines without end
		{"PING " + strings.Repeat("x", 65531), "", false},
		{"PING " + strings.Repeat("x", 65532), guardFault("too big inline request"), true},
		{"PI\x00NG " + strings.Repeat("x", 65531), guardFault("too big inline request"), true},
		{"*" + strings.Repeat("1", 65535), "", false},
		{"*" + strings.Repeat("1", 65536), guardFault("too big mbulk count string"), true},
		{"*1\r\n$" + strings.Repeat("1", 65535), "", false},
		{"*1\r\n$" + strings.Repeat("1", 65536), guardFault("too big bulk count string"), true},
		{"*1\r\n\x00" + strings.Repeat("\r", 65536), guardFault("too big bulk count string"), true},
	}
}

// guardLockedCases are for a client that has yet to give the password "secret".
func guardLockedCases() []guardCase {
	count, bulk := guardFault("unauthenticated multibulk length"), guardFault("unauthenticated bulk length")
	denied := "-NOAUTH Authentication required.\r\n"
	eleven := "*11\r\n" + strings.Repeat("$4\r\nPING\r\n", 11)
	echo := "*2\r\n$4\r\nECHO\r\n$16385\r\n" + strings.Repeat("x", 16385) + "\r\n"
	auth := "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"
	return []guardCase{
		{"*10\r\n", "", false},
		{"*11\r\n", count, true},
		{"*1\r\n$16384\r\n", "", false},
		{"*1\r\n$16385\r\n", bulk, true},
		{"*2147483648\r\n", guardFault("invalid multibulk length"), true},
		{"*1\r\n$536870913\r\n", guardFault("invalid bulk length"), true},
		{guardPing + "*11\r\n", denied + count, true},
		{"PING " + strings.Repeat("x", 20000) + "\r\n", denied, false},
		{auth + echo, "+OK\r\n$16385\r\n" + strings.Repeat("x", 16385) + "\r\n", false},
		{auth + eleven, "+OK\r\n-ERR wrong number of arguments for 'ping' command\r\n", false},
		{"AUTH secret\r\n" + guardPing, "+OK\r\n" + guardPong, false},
		{"POST /\r\n", "", true},
	}
}

// guardErrors are the errors of commands, which have nothing to do with the protocol and are taken
// for one.
var guardErrors = regexp.MustCompile(`(?m)^-ERR (unknown command|wrong number of arguments).*$`)

// exchange sends in and returns all that comes back. Unless the server is expected to close the
// connection by itself, it is told that there is no more.
func exchange(t *testing.T, addr, in string, closes bool) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, in); err != nil {
		t.Fatal(err)
	}
	if !closes {
		c.(*net.TCPConn).CloseWrite()
	}
	out, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) { // which is an end too: it did not read everything
		t.Fatalf("%.200q: %v", in, err)
	}
	return guardErrors.ReplaceAllString(string(out), "-ERR any")
}

func checkGuardCases(t *testing.T, addr string, cases []guardCase) {
	t.Helper()
	for _, c := range cases {
		want := guardErrors.ReplaceAllString(c.out, "-ERR any")
		if got := exchange(t, addr, c.in, c.closes); got != want {
			t.Errorf("%.200q: answered %.200q, want %.200q", c.in, got, want)
		}
	}
}

// TestGuardCases checks the cases here, TestRedisGuardCases that they are Redis'.
func TestGuardCases(t *testing.T) {
	checkGuardCases(t, startGuardNode(t, *guardTestOptions(nil), ""), guardCases())
	checkGuardCases(t, startGuardNode(t, *guardTestOptions(nil), "secret"), guardLockedCases())
}

func TestRedisGuardCases(t *testing.T) {
	checkGuardCases(t, guardRedis(t), guardCases())
	checkGuardCases(t, guardRedis(t, "--requirepass", "secret"), guardLockedCases())
}

// TestGuardLikeRedis sends the same random streams to both.
func TestGuardLikeRedis(t *testing.T) {
	redis := guardRedis(t)
	ours := startGuardNode(t, *guardTestOptions(nil), "")
	r := guardSeed(t)
	for range 400 {
		in := string(guardSpoil(r, guardRequests(r, 1+r.IntN(6))))
		if want, got := exchange(t, redis, in, false), exchange(t, ours, in, false); got != want {
			t.Fatalf("%q:\nRedis answered %q\nwe answered    %q", in, want, got)
		}
	}
}

// TestInlineLikeRedis has random lines split by both: a script returns its arguments.
func TestInlineLikeRedis(t *testing.T) {
	redis := guardRedis(t)
	ours := startGuardNode(t, *guardTestOptions(nil), "")
	r := guardSeed(t)
	for range 600 {
		var in bytes.Buffer
		for range 1 + r.IntN(3) {
			in.WriteString(`EVAL "return ARGV" 0 `)
			for range r.IntN(12) {
				in.WriteByte(" \t\v\f\r\"\"''\\\\nrtbaxX4fFab\x80"[r.IntN(24)])
			}
			in.WriteString([]string{"\n", "\r\n"}[r.IntN(2)])
		}
		if want, got := exchange(t, redis, in.String(), false), exchange(t, ours, in.String(), false); got != want {
			t.Fatalf("%q:\nRedis answered %q\nwe answered    %q", in.String(), want, got)
		}
	}
}
