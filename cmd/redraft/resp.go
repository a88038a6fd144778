package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// client asks a node questions in RESP2, one at a time. An answer is a string, an int64, nil, or
// a slice of answers; an error reply is a replyError.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

// replyError is the text of an error reply.
type replyError string

func (e replyError) Error() string { return string(e) }

// answerMost bounds the length of a string and the number of elements that a client takes.
const answerMost = 1 << 20

var errAnswer = errors.New("what answers does not speak Redis' protocol")

// dialClient connects to a node. ctx's deadline counts for the connection's whole life.
func dialClient(ctx context.Context, addr string) (*client, error) { return dialSecure(ctx, addr, nil) }

// dialSecure is dialClient with TLS, if secure is not nil.
func dialSecure(ctx context.Context, addr string, secure *tls.Config) (*client, error) {
	dial := (&net.Dialer{}).DialContext
	if secure != nil {
		dial = (&tls.Dialer{Config: secure}).DialContext
	}
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	} else {
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
	}
	return &client{conn, bufio.NewReader(conn)}, nil
}

func (c *client) close() { _ = c.conn.Close() }

// do sends a command and returns its answer.
func (c *client) do(words ...string) (any, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(c.conn, b.String()); err != nil {
		return nil, err
	}
	return c.read(0)
}

// read reads an answer that stands inside depth others.
func (c *client) read(depth int) (any, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(line), "\r\n")
	if text == "" || depth > 8 {
		return nil, errAnswer
	}
	kind, text := text[0], text[1:]
	switch kind {
	case '+':
		return text, nil
	case '-':
		return nil, replyError(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return nil, errAnswer
	case kind == ':':
		return n, nil
	case (kind == '$' || kind == '*') && n == -1:
		return nil, nil
	case n < 0 || n > answerMost:
		return nil, errAnswer
	case kind == '$':
		b := make([]byte, n+2)
		_, err := io.ReadFull(c.in, b)
		return string(b[:n]), err
	case kind == '*':
		var list []any
		for range n {
			part, err := c.read(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, part)
		}
		return list, nil
	}
	return nil, errAnswer
}
