package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// waitingPair is a client and the guard at the other end, used as a session would.
type waitingPair struct {
	*testing.T
	client net.Conn
	*guard
	rest []byte // of the batch that the guard has lent
}

// newWaitingPair connects a pair over TCP, with TLS if secure is not nil.
func newWaitingPair(t *testing.T, secure *tls.Config) *waitingPair {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client := dialGuard(t, ln.Addr().String())
	if secure != nil {
		client = tls.Client(client, &tls.Config{InsecureSkipVerify: true})
		ln = tls.NewListener(ln, secure)
	}
	g, err := guardListener(ln, *guardTestOptions(nil)).accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	g.setAuthenticated(true)
	return &waitingPair{t, client, g, nil}
}

// send has the client send s while the guard's side does something else.
func (p *waitingPair) send(s string) (done <-chan struct{}) {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		io.WriteString(p.client, s)
	}()
	return sent
}

// expect reads what the guard hands on.
func (p *waitingPair) expect(want string) {
	p.Helper()
	for len(want) > 0 {
		if len(p.rest) == 0 {
			var err error
			if p.rest, err = p.next(); err != nil {
				p.Fatalf("read %v; want %.100q", err, want)
			}
		}
		n := min(len(want), len(p.rest))
		if string(p.rest[:n]) != want[:n] {
			p.Fatalf("read %.100q; want %.100q", p.rest, want)
		}
		want, p.rest = want[n:], p.rest[n:]
	}
}

// expectThere checks that the client was not taken for gone.
func (p *waitingPair) expectThere(gone <-chan struct{}) {
	p.Helper()
	select {
	case <-gone:
		p.Fatal("gone, but it is not")
	default:
	}
}

func TestGuardWaitingForNothing(t *testing.T) {
	p := newWaitingPair(t, nil)
	for range 3 {
		gone, stop := p.whileWaiting()
		stop()
		stop()
		p.expectThere(gone)
		sent := p.send(guardPing)
		p.expect(guardPing)
		<-sent
	}
}

func TestGuardWaitingAmidAPipeline(t *testing.T) {
	p := newWaitingPair(t, nil)
	<-p.send(guardPing + "*2\r\n$4\r\nECHO\r\n$5\r\nhe")
	p.expect(guardPing)
	gone, stop := p.whileWaiting()
	<-p.send("llo\r\n" + strings.Repeat(guardPing, 1000))
	stop() // whether or not any of it was read ahead
	p.expectThere(gone)
	p.expect("*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n" + strings.Repeat(guardPing, 1000))
}

func TestGuardWaitingKeepsWhatIsReady(t *testing.T) {
	p := newWaitingPair(t, nil)
	p.burst = guardBurst
	<-p.send(strings.Repeat(guardPing, 1000))
	p.expect(guardPing)
	for n := 1; n < 1500; n++ {
		_, stop := p.whileWaiting()
		if n <= 500 {
			<-p.send("PING\r\n")
		}
		stop()
		p.expect(guardPing)
	}
}

// TestGuardWaitingKeepsWhatIsLent reads far ahead while commands are in use.
func TestGuardWaitingKeepsWhatIsLent(t *testing.T) {
	p := newWaitingPair(t, nil)
	echo := func(c string, n int) string {
		return string(appendRequest(nil, [][]byte{[]byte("ECHO"), []byte(strings.Repeat(c, n))}))
	}
	first := echo("a", 1000) + echo("b", 1000)
	<-p.send(first + echo("c", 100))
	lent, err := p.next()
	if err != nil {
		t.Fatal(err)
	}
	before := string(lent)
	for _, c := range []string{"d", "e", "f"} {
		_, stop := p.whileWaiting()
		<-p.send(echo(c, 10000))
		stop()
		if string(lent) != before {
			t.Fatalf("while waiting %.100q became %.100q", before, lent)
		}
	}
	p.rest = lent
	p.expect(first + echo("c", 100) + echo("d", 10000) + echo("e", 10000) + echo("f", 10000))
}

func TestGuardWaitingForAClientThatHangsUp(t *testing.T) {
	p := newWaitingPair(t, nil)
	gone, stop := p.whileWaiting()
	<-p.send(guardPing + guardPing)
	p.client.Close()
	<-gone
	stop()
	p.expect(guardPing + guardPing)
	if batch, err := p.next(); len(batch) != 0 || err != io.EOF {
		t.Fatalf("after the end: %q, %v", batch, err)
	}
	gone, stop = p.whileWaiting()
	<-gone
	stop()
}

func TestGuardWaitingEndsWithClose(t *testing.T) {
	p := newWaitingPair(t, nil)
	gone, stop := p.whileWaiting()
	p.Close()
	<-gone
	stop()
}

func TestGuardWaitingReadsAheadALittle(t *testing.T) {
	p := newWaitingPair(t, nil)
	_, stop := p.whileWaiting()
	sent := p.send(strings.Repeat(guardPing, 16<<20/len(guardPing)))
	select {
	case <-sent: // the kernel took it all
	case <-time.After(200 * time.Millisecond): // or, as likely, it waits
	}
	stop()
	if len(p.buf) > 2*guardAhead {
		t.Errorf("%d bytes were read ahead", len(p.buf))
	}
	p.guard.Close()
	<-sent
}

// TestGuardWaitingTLS checks that interrupting a read leaves TLS in order.
func TestGuardWaitingTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	p := newWaitingPair(t, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}})
	long := string(appendRequest(nil, [][]byte{[]byte("ECHO"), bytes.Repeat([]byte("x"), 50000)}))
	for n := range 20 {
		gone := make(<-chan struct{})
		if n > 0 { // the handshake comes first
			var stop func()
			gone, stop = p.whileWaiting()
			stop()
		}
		sent := p.send(fmt.Sprintf("ECHO %d\r\n", n) + long)
		p.expect(fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%d\r\n", len(fmt.Sprint(n)), n) + long)
		<-sent
		p.expectThere(gone)
	}
	gone, stop := p.whileWaiting()
	p.client.Close()
	<-gone
	stop()
}
