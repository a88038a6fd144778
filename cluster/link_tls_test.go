package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	secure "github.com/redraftdb/redraft/server/identity"
	"github.com/redraftdb/redraft/server/identity/authority"
)

// linkTestTLS are the configurations of a node with a certificate of one authority that believes another's.
func linkTestTLS(t *testing.T, of, believes *authority.Authority, leaf authority.Leaf) func() (listen, dial *tls.Config) {
	t.Helper()
	cert, key := of.Issue(leaf)
	i, err := secure.Load(secure.Options{Own: secure.Pair{Cert: cert, Key: key}, CAFile: believes.File})
	if err != nil {
		t.Fatal(err)
	}
	listen, dial := i.Listener(secure.AuthRequired), i.Dialer("")
	return func() (*tls.Config, *tls.Config) { return listen, dial }
}

// TestLinkTLS: with TLS it takes a certificate of the right authority, at both ends, and the secret as well.
func TestLinkTLS(t *testing.T) {
	linkTestLeaks(t)
	ours, theirs := authority.New(t), authority.New(t)
	good := linkTestTLS(t, ours, ours, authority.Leaf{Name: "good"})
	foreign := linkTestTLS(t, theirs, ours, authority.Leaf{Name: "foreign"})
	strict := linkTestTLS(t, ours, theirs, authority.Leaf{Name: "strict"})
	late := linkTestTLS(t, ours, ours, authority.Leaf{Name: "late", Until: time.Now().Add(-time.Hour)})
	anonymous := func() (*tls.Config, *tls.Config) {
		listen, dial := good()
		dial = dial.Clone()
		dial.Certificates = nil
		return listen, dial
	}
	type configs = func() (*tls.Config, *tls.Config)
	for _, c := range []struct {
		name           string
		dialer, server configs
		secret         string
		want           error // besides errNotSent; nil: it works
		logged         string
	}{
		{"certificates of one authority", good, good, "s", nil, ""},
		{"and another secret", good, good, "t", errLinkSecret, "wrong cluster secret"},
		{"only the dialer speaks TLS", good, nil, "s", errLinkTLS, ""},
		{"only the listener does", nil, good, "s", io.EOF, "does not speak TLS"},
		{"the dialer has the secret alone", anonymous, good, "s", errNotSent, "certificate"},
		{"the dialer's authority is unknown", foreign, good, "s", errNotSent, "unknown authority"},
		{"the dialer's certificate has expired", late, good, "s", errNotSent, "expired"},
		{"the listener's authority is unknown", good, foreign, "s", errLinkTLS, ""},
		{"the listener's certificate has expired", good, late, "s", errLinkTLS, ""},
		{"the dialer believes somebody else", strict, good, "s", errLinkTLS, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log linkTestLog
			client := linkTestOpen(t, "client", func(o *linkOptions) { o.secure, o.secret = c.dialer, []byte(c.secret) })
			server := linkTestOpen(t, "server", func(o *linkOptions) {
				o.secure, o.secret, o.log = c.server, []byte("s"), slog.New(slog.NewTextHandler(&log, nil))
			})
			body := bytes.Repeat([]byte("redraft "), 100_000)
			answer, err := client.call(linkTestContext(t), server.addr(), 0, 0, body)
			if c.want == nil {
				if err != nil || !bytes.Equal(answer, body) {
					t.Fatalf("%d bytes, %v", len(answer), err)
				}
				return
			}
			if err == nil || !errors.Is(err, errNotSent) || c.want != io.EOF && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			linkTestUntil(t, "a line that says "+c.logged, func() bool { return strings.Contains(log.String(), c.logged) })
		})
	}
}

// linkTestLog keeps what is logged.
type linkTestLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *linkTestLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *linkTestLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestLinkTLSReload: connections are made with the configuration of the moment.
func TestLinkTLSReload(t *testing.T) {
	linkTestLeaks(t)
	former, next := authority.New(t), authority.New(t)
	var now atomic.Pointer[func() (*tls.Config, *tls.Config)]
	set := func(a *authority.Authority) {
		f := linkTestTLS(t, a, a, authority.Leaf{Name: "node"})
		now.Store(&f)
	}
	set(former)
	current := func(o *linkOptions) { o.secure = func() (*tls.Config, *tls.Config) { return (*now.Load())() } }
	server := linkTestOpen(t, "server", current)
	stays := linkTestOpen(t, "stays", current)
	if _, err := stays.call(linkTestContext(t), server.addr(), 0, 0, nil); err != nil {
		t.Fatal(err)
	}
	old := linkTestTLS(t, former, former, authority.Leaf{Name: "old"})
	set(next)
	if _, err := stays.call(linkTestContext(t), server.addr(), 0, 0, nil); err != nil {
		t.Errorf("the connection from before: %v", err)
	}
	if _, err := linkTestOpen(t, "new", current).call(linkTestContext(t), server.addr(), 0, 0, nil); err != nil {
		t.Errorf("a new one: %v", err)
	}
	late := linkTestOpen(t, "late", func(o *linkOptions) { o.secure = old })
	if _, err := late.call(linkTestContext(t), server.addr(), 0, 0, nil); err == nil {
		t.Error("a certificate of the authority that is believed no more was taken")
	}
}

// TestLinkTLSStrangers: what is no handshake gets no answer from us, one that dawdles gets its time and no
// more, and a crowd of them shuts no peer out.
func TestLinkTLSStrangers(t *testing.T) {
	linkTestLeaks(t)
	ca := authority.New(t)
	node := linkTestTLS(t, ca, ca, authority.Leaf{Name: "node"})
	times := linkTestTimes()
	times.hello = 200 * time.Millisecond
	l := linkTestOpen(t, "l", func(o *linkOptions) { o.secure, o.times = node, times })
	for name, b := range map[string][]byte{
		"http":  []byte("POST / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"hello": (&linkHello{purpose: linkCalls, node: "x"}).encode(),
		"redis": []byte("*1\r\n$4\r\nPING\r\n"),
	} {
		conn := linkTestRaw(t, l.addr())
		_, _ = conn.Write(b)
		if got, _ := io.ReadAll(conn); len(got) > 0 {
			t.Errorf("%s: answered %q", name, got)
		}
	}
	began := time.Now()
	slow := linkTestRaw(t, l.addr())
	_, _ = slow.Write([]byte{0x16, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb}) // a client hello of 16 KiB begins …
	for range 1000 {
		if _, err := slow.Write([]byte{0}); err != nil { // … and comes a byte every 10 ms
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a slow handshake was listened to for %v", took)
	}
	patient := linkTestOpen(t, "patient", func(o *linkOptions) { o.secure = node })
	for range linkStrangers + 10 {
		linkTestRaw(t, patient.addr())
	}
	linkTestUntil(t, "a full crowd", func() bool { return patient.strangers.size() == linkStrangers })
	client := linkTestOpen(t, "client", func(o *linkOptions) { o.secure = node })
	if _, err := client.call(linkTestContext(t), patient.addr(), 0, 0, nil); err != nil {
		t.Errorf("a peer was shut out: %v", err)
	}
	linkTestUntil(t, "an empty crowd", func() bool { return l.strangers.size() == 0 })
}

// TestClusterTLS: Raft's streams and everything else work over TLS, a change of leader included.
func TestClusterTLS(t *testing.T) {
	ca := authority.New(t)
	named := 0
	c := newTestCluster(t, 3, func(o *Options) {
		named++
		o.TLS = linkTestTLS(t, ca, ca, authority.Leaf{Name: fmt.Sprintf("node-%d", named)})
		o.Secret = nil
	})
	for range 2 {
		leader := c.leader()
		if err := leader.Transfer(context.Background(), 0, ""); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a proposal", func() bool {
			_, err := c.leader().Propose(context.Background(), 0, [][]byte{[]byte("x")}, []any{nil})
			return err == nil
		})
	}
}
