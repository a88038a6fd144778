package cluster

import (
	"bufio"
	"bytes"
	"io"
	"testing"
)

func FuzzLinkHello(f *testing.F) {
	f.Add((&linkHello{purpose: linkCalls, cluster: "c", node: "n"}).encode())
	f.Add((&linkHello{purpose: linkRaft, group: 9, node: "n"}).encode())
	f.Add([]byte(linkMagic + "\x01\x00\x00"))
	f.Add([]byte(linkMagic + "\x02\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		hello, wire, err := readLinkHello(r)
		if read := len(b) - r.Len(); read > linkHelloMax {
			t.Fatalf("%d bytes read", read)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(wire, b[:len(wire)]) || !bytes.Equal(hello.encode(), wire) {
			t.Fatalf("%q was read as %q and encodes as %q", b, wire, hello.encode())
		}
		if len(hello.cluster) > linkClusterMax || len(hello.node) > linkNameMax || hello.node == "" {
			t.Fatalf("accepted %+v", hello)
		}
	})
}

// linkTestGreed counts what a reader is asked for.
type linkTestGreed struct {
	r           io.Reader
	asked, have int
	tooMuch     bool
}

func (g *linkTestGreed) Read(p []byte) (int, error) {
	g.asked = max(g.asked, len(p))
	if len(p) > max(linkTrust, linkBuffer, 2*g.have) {
		g.tooMuch = true
	}
	n, err := g.r.Read(p)
	g.have += n
	return n, err
}

func FuzzLinkFrames(f *testing.F) {
	one := linkFrame{number: 1, kind: 2, group: 3, body: []byte("body")}
	f.Add(one.append((&linkFrame{}).append(nil)))
	f.Add([]byte{0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0x03, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		greed := &linkTestGreed{r: bytes.NewReader(b)}
		r := bufio.NewReaderSize(greed, linkBuffer)
		var again []byte
		for {
			frame, err := readLinkFrame(r, linkFrameMax)
			if err == io.EOF && len(again) != len(b) {
				t.Fatalf("a clean end after %d of %d bytes", len(again), len(b))
			}
			if err != nil {
				break
			}
			again = frame.append(again)
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatalf("%q was read as %q", b, again)
		}
		if greed.tooMuch {
			t.Fatalf("memory for %d bytes when %d had come", greed.asked, greed.have)
		}
	})
}
