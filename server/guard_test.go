package server

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestGuardHandsOnTheSameHoweverItArrives(t *testing.T) {
	r := guardSeed(t)
	for range 150 {
		in := guardRequests(r, r.IntN(30))
		if r.IntN(2) == 0 {
			in = guardSpoil(r, in)
		}
		authenticated := r.IntN(4) > 0
		g, c := scriptedGuard(authenticated, bytes.Clone(in))
		stream, answer := handedOn(t, g, c)
		for name, pieces := range map[string][][]byte{"bytes": guardCutBytes(bytes.Clone(in)), "random": guardCutRandom(r, bytes.Clone(in))} {
			g, c := scriptedGuard(authenticated, pieces...)
			if s, a := handedOn(t, g, c); s != stream || a != answer {
				t.Fatalf("input %q\nwhole:  %q %q\n%s: %q %q", in, stream, answer, name, s, a)
			}
		}
	}
}

func TestGuardAgreesWithReference(t *testing.T) {
	r := guardSeed(t)
	for range 300 {
		in := guardRequests(r, 1+r.IntN(20))
		if r.IntN(3) > 0 {
			in = guardSpoil(r, in)
		}
		checkAgainstReference(t, in, r.IntN(3) > 0, guardCutRandom(r, bytes.Clone(in)))
	}
}

func TestGuardLongLines(t *testing.T) {
	ping := "*1\r\n$4\r\nPING\r\n"
	ones := func(n int) string { return strings.Repeat("1", n) }
	for _, c := range []struct{ name, in, answer string }{
		{"inline at the limit", "PING " + ones(65531) + "\n", ""},
		{"inline over the limit", "PING " + ones(65532) + "\n", faultInline},
		{"inline without end", "PING " + ones(65531), ""},
		{"inline over without end", "PING " + ones(65532), faultInline},
		{"hidden by a NUL", "PI\x00NG\r\n" + ones(65529), ""},
		{"hidden over the limit", "PI\x00NG\r\n" + ones(65530), faultInline},
		{"count at the limit", "*" + ones(65535), ""},
		{"count over the limit", "*" + ones(65536), faultCountLine},
		{"count at the limit, ended", "*" + ones(65535) + "\r\n", faultCount},
		{"length at the limit", "*1\r\n$" + ones(65535), ""},
		{"length over the limit", "*1\r\n$" + ones(65536), faultBulkLine},
	} {
		for _, before := range []string{"", ping} {
			for cut, pieces := range map[string][][]byte{"whole": {[]byte(before + c.in)}, "bytes": guardCutBytes([]byte(before + c.in))} {
				g, script := scriptedGuard(true, pieces...)
				_, answer := handedOn(t, g, script)
				want := ""
				if c.answer != "" {
					want = "-ERR " + c.answer + "\r\n"
				}
				if answer != want {
					t.Errorf("%s after %q, %s: answered %q, want %q", c.name, before, cut, answer, want)
				}
			}
		}
	}
}

func TestGuardLimitsChangeAtRunTime(t *testing.T) {
	o := guardTestOptions(func(l *guardLimits) { l.bulk = 4 })
	request := []byte("*1\r\n$4\r\nPING\r\n")
	c := &guardScript{pieces: [][]byte{request}}
	g := newGuard(c, o)
	if batch, err := g.next(); err != nil || len(batch) != len(request) {
		t.Fatalf("read %q, %v", batch, err)
	}
	o.limits.Store(&guardLimits{bulk: 3, args: 10, query: 1 << 20})
	c.pieces = [][]byte{request}
	if _, err := g.next(); err == nil || err.Error() != faultBulk {
		t.Fatalf("over the new limit: %v", err)
	}
}

func TestGuardJudgesAfterAuthentication(t *testing.T) {
	long := appendRequest(nil, bytes.Fields([]byte("PING 1 2 3 4 5 6 7 8 9 10 11")))
	for _, known := range []bool{true, false} {
		g, c := scriptedGuard(false, append([]byte("AUTH secret\r\n*1\r\n$4\r\nPING\r\n"), long...))
		for _, want := range []string{"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n", guardPing} {
			if batch, err := g.next(); err != nil || string(batch) != want {
				t.Fatalf("handed on %q, %v", batch, err)
			}
		}
		if c.answer.Len() > 0 {
			t.Fatalf("answered %q before AUTH was executed", c.answer.String())
		}
		g.setAuthenticated(known)
		batch, err := g.next()
		if known && string(batch) != string(long) {
			t.Fatalf("after AUTH: %q, %v", batch, err)
		}
		if !known && c.answer.String() != "-ERR "+faultOpenCount+"\r\n" {
			t.Fatalf("after a wrong AUTH: %q, %v; answered %q", batch, err, c.answer.String())
		}
	}
}

func TestGuardQueryLimit(t *testing.T) {
	var told []*guardRefusal
	o := guardTestOptions(func(l *guardLimits) { l.query = 1 << 20 })
	o.refused = func(_ *guard, r *guardRefusal) { told = append(told, r) }
	c := &guardScript{pieces: [][]byte{[]byte("*2\r\n$4\r\nECHO\r\n$5000000\r\n"), make([]byte, 5000000)}}
	g := newGuard(c, o)
	g.setAuthenticated(true)
	_, err := g.next()
	if len(told) != 1 || error(told[0]) != err || told[0].cause != guardOverfull || c.answer.Len() > 0 {
		t.Fatalf("over the query buffer limit: %v, told %v, answered %q", err, told, c.answer.String())
	}
	if left := 5000000 - len(c.pieces[0]); left > 2<<20 || cap(g.buf) > 2<<20 {
		t.Fatalf("%d bytes were read under a limit of 1 MiB, into a buffer of %d", left, cap(g.buf))
	}
}

func TestGuardRefusalShowsTheOffender(t *testing.T) {
	ping := "*1\r\n$4\r\nPING\r\n"
	for _, c := range []struct {
		in, query string
		cause     guardCause
	}{
		{ping + "*x\r\n" + ping, "*x\r\n" + ping, guardProtocol},
		{ping + "*1\r\n$x\r\nrest", "$x\r\nrest", guardProtocol},
		{"PING 'a\nrest", "PING 'a\nrest", guardProtocol},
		{ping + "*11\r\n", "*11\r\n", guardProtocol},
		{ping + "POST / HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nHost: x\r\n", guardForeign},
		{"*1\r\n$5\r\nhOST:\r\n", "*1\r\n$5\r\nhOST:\r\n", guardForeign},
	} {
		g, script := scriptedGuard(false, []byte(c.in))
		var told *guardRefusal
		g.options.refused = func(_ *guard, r *guardRefusal) { told = r }
		handedOn(t, g, script)
		if told == nil || told.cause != c.cause || string(told.query) != c.query {
			t.Errorf("%q: refusal %+v", c.in, told)
		}
		if c.cause == guardForeign {
			if n, err := g.Write([]byte("+PONG\r\n")); n != 7 || err != nil || script.answer.Len() > 0 {
				t.Errorf("%q: answered %q (%d, %v)", c.in, script.answer.String(), n, err)
			}
		}
	}
}

// TestGuardForeignWhenItIsWhole has a command whose name alone shows that it is not for us; as in
// Redis nothing happens until all of it is there.
func TestGuardForeignWhenItIsWhole(t *testing.T) {
	for _, name := range []string{"POST", "Host:", "POSTS"} {
		long := appendRequest(nil, [][]byte{[]byte(name), make([]byte, 2*guardBurst)})
		for _, cut := range []int{0, 1} {
			g, c := scriptedGuard(true, append([]byte("PING\r\n"), long[:len(long)-cut]...))
			commands := parsedBehind(t, g)
			r, want := g.refusal.Load(), 1
			if cut == 0 && !isForeign([]byte(name)) {
				want = 2
			}
			if len(commands) != want || c.answer.Len() > 0 || (r != nil) != (cut == 0 && isForeign([]byte(name))) {
				t.Errorf("%s: %d commands, refusal %v, answered %q", name, len(commands), r, c.answer.String())
			}
		}
	}
}

// TestGuardBatches checks which commands are handed on together: those that lie one after the other.
func TestGuardBatches(t *testing.T) {
	one, two := guardPing, string(appendRequest(nil, [][]byte{[]byte("ECHO"), make([]byte, 1000)}))
	for _, c := range []struct {
		in   string
		want []string
	}{
		{one + two + one, []string{one + two + one}},
		{one + "*0\r\n" + two + one + two[:10], []string{one, two + one}},
		{"\r\n" + one + "\r\n*-1\r\n*0\r\n" + one, []string{one, one}},
		{one + "PING\r\n" + two + two, []string{one, guardPing, two + two}},
		{"PING\nPING\n", []string{guardPing, guardPing}},
		{one + "*x\r\n", []string{one}},
		{one + "PING 'x\r\n", []string{one}},
	} {
		g, _ := scriptedGuard(true, []byte(c.in))
		var got []string
		for {
			batch, err := g.next()
			if err != nil {
				break
			}
			got = append(got, string(batch))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%.100q\n got %.100q\nwant %.100q", c.in, got, c.want)
		}
	}
}

// TestGuardMemoryFollowsWhatArrives announces much and sends little.
func TestGuardMemoryFollowsWhatArrives(t *testing.T) {
	g, _ := scriptedGuard(true, []byte("*1048576\r\n$536870912\r\nx"))
	handedOn(t, g, &guardScript{})
	if cap(g.buf) > guardSmall {
		t.Errorf("a buffer of %d bytes for a header", cap(g.buf))
	}
}

// TestGuardLongCommands has commands of very different shape come in pieces.
func TestGuardLongCommands(t *testing.T) {
	r := guardSeed(t)
	many := [][]byte{[]byte("ECHO")}
	for i := range 20000 {
		many = append(many, []byte(strconv.Itoa(i)))
	}
	mixed := [][]byte{[]byte("ECHO")}
	for range 50 {
		mixed = append(mixed, make([]byte, r.IntN(1<<r.IntN(19))))
	}
	for name, command := range map[string][][]byte{
		"one long argument": {[]byte("ECHO"), make([]byte, 1<<20)},
		"many short ones":   many,
		"many of any size":  mixed,
		"a long name":       {make([]byte, 100000)},
	} {
		long := appendRequest(nil, command)
		in := bytes.Join([][]byte{[]byte("*1\r\n$4\r\nPING\r\n"), long, []byte("PING\r\n"), long, long[:len(long)-1]}, nil)
		for _, pieces := range [][][]byte{{bytes.Clone(in)}, guardCutRandom(r, bytes.Clone(in))} {
			checkAgainstReference(t, in, true, pieces)
		}
		g, _ := scriptedGuard(true, guardCutRandom(r, long)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		batch, err := g.next()
		runtime.ReadMemStats(&after)
		if err != nil || string(batch) != string(long) {
			t.Fatalf("%s: read %d bytes, %v", name, len(batch), err)
		}
		if total := int(after.TotalAlloc - before.TotalAlloc); total > 5*len(long) {
			t.Errorf("%s: the guard allocated %d bytes in all", name, total)
		}
	}
}

func TestGuardIdleConnectionIsSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		g := newGuard(server, guardTestOptions(nil))
		g.setAuthenticated(true)
		ping := []byte("*1\r\n$4\r\nPING\r\n")
		go func() {
			defer client.Close()
			for range 100 {
				client.Write(bytes.Repeat(ping, 1000))
			}
			time.Sleep(time.Hour)
			client.Write(ping)
		}()
		largest, total := 0, 0
		for {
			batch, err := g.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			total += len(batch)
			largest = max(largest, cap(g.buf))
		}
		if total != 100001*len(ping) {
			t.Errorf("read %d bytes", total)
		}
		if largest <= guardSmall || largest > guardBurst {
			t.Errorf("the buffer of a busy connection had %d bytes", largest)
		}
		if cap(g.buf) > guardSmall {
			t.Errorf("the buffer of an idle connection has %d bytes", cap(g.buf))
		}
	})
}

// TestGuardKeepsTheDeadlineAskedFor asks for one further away than the guard's own.
func TestGuardKeepsTheDeadlineAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer client.Close()
		g := newGuard(server, guardTestOptions(nil))
		g.burst = guardBurst
		start := time.Now()
		g.SetReadDeadline(start.Add(5 * time.Second))
		_, err := g.next()
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		g.SetReadDeadline(time.Time{})
		go client.Write([]byte("PING\r\n"))
		if batch, err := g.next(); err != nil {
			t.Errorf("afterwards: %q, %v", batch, err)
		}
	})
}

func TestGuardStalledReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		var told *guardRefusal
		o := guardTestOptions(func(l *guardLimits) { l.stall = 10 * time.Second })
		o.sent = new(atomic.Int64)
		o.refused = func(_ *guard, r *guardRefusal) { told = r }
		g := newGuard(server, o)
		go func() { // slow, but it reads
			p := make([]byte, 64<<10)
			for range 12 {
				time.Sleep(2 * time.Second)
				io.ReadFull(client, p)
			}
		}()
		if n, err := g.Write(make([]byte, 12*64<<10)); err != nil {
			t.Fatalf("to a slow reader: %d, %v", n, err)
		}
		start := time.Now()
		n, err := g.Write([]byte("+OK\r\n"))
		if n != 0 || told == nil || err != error(told) || told.cause != guardStalled || time.Since(start) != 10*time.Second {
			t.Errorf("to a stalled reader: %d, %v after %v", n, err, time.Since(start))
		}
		if _, err := g.Write([]byte("+OK\r\n")); err == nil {
			t.Error("a write after giving up succeeded")
		}
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the connection is not closed: %v", err)
		}
		if o.sent.Load() != 12*64<<10 {
			t.Errorf("counted %d bytes sent", o.sent.Load())
		}
	})
}
