package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/tidwall/redcon"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/server/socket"
)

// guardLoop is a connection that sends the same again and again.
type guardLoop struct {
	guardScript
	data []byte
	at   int
}

func (c *guardLoop) Read(p []byte) (int, error) {
	n := copy(p, c.data[c.at:])
	if c.at += n; c.at == len(c.data) {
		c.at = 0
	}
	return n, nil
}

func benchmarkRequest(size int) []byte {
	return appendRequest(nil, [][]byte{[]byte("SET"), []byte("key:000000000001"), bytes.Repeat([]byte("x"), size)})
}

// BenchmarkGuard measures what a pipelined command costs in the guard alone, in redcon's parser
// alone, and in both.
func BenchmarkGuard(b *testing.B) {
	for _, size := range []int{3, 64, 1024, 16 << 10} {
		request := benchmarkRequest(size)
		stream := bytes.Repeat(request, max(1, 64<<10/len(request)))
		b.Run(fmt.Sprintf("guard/%d", size), func(b *testing.B) {
			g := newGuard(&guardLoop{data: stream}, guardTestOptions(nil))
			g.setAuthenticated(true)
			b.SetBytes(int64(len(request)))
			b.ReportAllocs()
			for left := b.N * len(request); left > 0; {
				batch, err := g.next()
				if err != nil {
					b.Fatal(err)
				}
				left -= len(batch)
			}
		})
		parse := func(b *testing.B, next func() ([]byte, error)) {
			b.SetBytes(int64(len(request)))
			b.ReportAllocs()
			var args [][]byte
			for left := b.N; left > 0; {
				batch, err := next()
				for ; err == nil && len(batch) > 0; left-- {
					_, args, _, batch, err = redcon.ReadNextCommand(batch, args)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(fmt.Sprintf("redcon/%d", size), func(b *testing.B) {
			parse(b, func() ([]byte, error) { return stream, nil })
		})
		b.Run(fmt.Sprintf("both/%d", size), func(b *testing.B) {
			g := newGuard(&guardLoop{data: stream}, guardTestOptions(nil))
			g.setAuthenticated(true)
			parse(b, g.next)
		})
	}
}

func BenchmarkInline(b *testing.B) {
	line := []byte(`SET key:000000000001 "some \x41 value"`)
	b.ReportAllocs()
	for range b.N {
		command.SplitLine(line)
	}
}

// BenchmarkGuardWrite measures a short reply over TCP to a client that reads it.
func BenchmarkGuardWrite(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	client := dialGuard(b, ln.Addr().String())
	go io.Copy(io.Discard, client)
	conn, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	for _, timed := range []bool{false, true} {
		g := newGuard(socket.Of(conn), guardTestOptions(nil))
		if timed {
			g.socket = nil
		}
		b.Run(fmt.Sprintf("timed=%v", timed), func(b *testing.B) {
			for b.Loop() {
				if _, err := g.Write([]byte("+OK\r\n")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
