package identity

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/server/identity/authority"
)

// meet has two configurations shake hands and the server's side answer a byte; it returns what the client's side
// fails with, and its state.
func meet(t *testing.T, listener, dialer *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		server := tls.Server(conn, listener)
		_ = server.SetDeadline(time.Now().Add(10 * time.Second))
		if err := server.Handshake(); err == nil {
			_, _ = server.Write([]byte("!"))
		} else {
			t.Logf("the listener: %v", err)
		}
		_ = server.Close()
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := tls.Client(conn, dialer)
	defer client.Close()
	_ = client.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = io.ReadFull(client, make([]byte, 1)) // Read may come with the end as well
	return client.ConnectionState(), err
}

func load(t *testing.T, o Options) *Identity {
	t.Helper()
	i, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestAuth: what a listener asks for, and what a dialer believes.
func TestAuth(t *testing.T) {
	ours, theirs := authority.New(t), authority.New(t)
	pair := func(a *authority.Authority, l authority.Leaf) Pair {
		cert, key := a.Issue(l)
		return Pair{Cert: cert, Key: key}
	}
	good, foreign := pair(ours, authority.Leaf{Name: "good"}), pair(theirs, authority.Leaf{Name: "foreign"})
	late := pair(ours, authority.Leaf{Name: "late", Until: time.Now().Add(-time.Hour)})
	for _, c := range []struct {
		name         string
		auth         Auth
		server, peer Pair
		believed     string
		fine         bool
	}{
		{"no certificate is needed", AuthNone, good, Pair{}, ours.File, true},
		{"one is, and is there", AuthRequired, good, good, ours.File, true},
		{"one is, and is not there", AuthRequired, good, Pair{}, ours.File, false},
		{"one is, and is another authority's", AuthRequired, good, foreign, ours.File, false},
		{"one is, and has expired", AuthRequired, good, late, ours.File, false},
		{"one may be there, and is not", AuthOptional, good, Pair{}, ours.File, true},
		{"one may be there, and is", AuthOptional, good, good, ours.File, true},
		{"one may be there, and is another authority's", AuthOptional, good, foreign, ours.File, false},
		{"the server's is another authority's", AuthNone, foreign, Pair{}, ours.File, false},
		{"the server's has expired", AuthNone, late, Pair{}, ours.File, false},
	} {
		server := load(t, Options{Own: c.server, CAFile: ours.File})
		client := load(t, Options{Own: c.peer, CAFile: c.believed})
		if _, err := meet(t, server.Listener(c.auth), client.Dialer("any")); (err == nil) != c.fine {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// Without an authority of one's own the name counts, and the system's authorities.
	if _, err := meet(t, load(t, Options{Own: good}).Listener(AuthNone), load(t, Options{}).Dialer("localhost")); err == nil {
		t.Error("an authority that nobody named was believed")
	}
	// Who connects may have a certificate for that alone.
	both := load(t, Options{Own: foreign, Client: good, CAFile: ours.File})
	if _, err := meet(t, load(t, Options{Own: good, CAFile: ours.File}).Listener(AuthRequired), both.Dialer("")); err != nil {
		t.Error(err)
	}
}

func TestProtocols(t *testing.T) {
	for _, c := range []struct {
		list     string
		min, max uint16
	}{
		{"", tls.VersionTLS12, tls.VersionTLS13},
		{"TLSv1.2", tls.VersionTLS12, tls.VersionTLS12},
		{"TLSv1.3", tls.VersionTLS13, tls.VersionTLS13},
		{"tlsv1.3  TLSV1.2", tls.VersionTLS12, tls.VersionTLS13},
		{"TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", tls.VersionTLS10, tls.VersionTLS13},
		{"TLSv1 TLSv1.2", 0, 0},
		{"TLSv1.4", 0, 0},
		{"SSLv3", 0, 0},
	} {
		p, err := ParseProtocols(c.list)
		if (err != nil) != (c.max == 0) || err == nil && (p != Protocols{c.min, c.max}) {
			t.Errorf("%q: %x, %v", c.list, p, err)
		}
	}
}

func TestCiphers(t *testing.T) {
	for _, c := range []struct {
		list string
		want []string // by the standard's names; nil for an error, empty for the defaults
	}{
		{"", []string{}},
		{"DEFAULT", []string{}},
		{"AES128-SHA256", []string{"TLS_RSA_WITH_AES_128_CBC_SHA256"}},
		{"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305", []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"}},
		{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,ECDHE-RSA-DES-CBC3-SHA", []string{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"}},
		{"AES128-SHA:AES256-SHA:-AES128-SHA", []string{"TLS_RSA_WITH_AES_256_CBC_SHA"}},
		{"!AES128-SHA:AES128-SHA:AES256-SHA", []string{"TLS_RSA_WITH_AES_256_CBC_SHA"}},
		{"HIGH", nil},
		{"AES128-SHA:-AES128-SHA", nil},
		{"TLS_AES_128_GCM_SHA256", nil},
	} {
		ids, err := ParseCiphers(c.list)
		var names []string
		for _, id := range ids {
			names = append(names, tls.CipherSuiteName(id))
		}
		if (err != nil) != (c.want == nil) || strings.Join(names, " ") != strings.Join(c.want, " ") {
			t.Errorf("%q: %q, %v", c.list, names, err)
		}
	}
	without, err := ParseCiphers("DEFAULT:-ECDHE-RSA-AES128-GCM-SHA256")
	if _, usual := suites(); err != nil || len(without) != len(usual)-1 {
		t.Errorf("all but one of %d: %d, %v", len(usual), len(without), err)
	}
}

// TestCipherNames: what a suite is called here is what OpenSSL calls it.
func TestCipherNames(t *testing.T) {
	openssl := need(t, "openssl")
	known, _ := suites()
	for name, id := range known {
		if strings.HasPrefix(name, "TLS_") {
			continue
		}
		out, err := exec.Command(openssl, "ciphers", "-stdname", name+":@SECLEVEL=0").CombinedOutput()
		if strings.Contains(name, "RC4") || strings.Contains(name, "DES") {
			continue // not every build has them
		}
		if err != nil || !strings.Contains(string(out), tls.CipherSuiteName(id)+" ") {
			t.Errorf("%s is %s here: %s %v", name, tls.CipherSuiteName(id), out, err)
		}
	}
}

// need finds a program, or leaves the test out, or fails it in CI.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("REDRAFT_CI") == "1" {
			t.Fatalf("%s is missing, and CI must not leave this test out", program)
		}
		t.Skipf("left out: %s is missing", program)
	}
	return path
}

// TestEncryptedKeys reads keys in every encryption that openssl writes and that is known here.
func TestEncryptedKeys(t *testing.T) {
	openssl := need(t, "openssl")
	ca := authority.New(t)
	for _, kind := range []struct {
		rsa     bool
		convert []string
	}{
		{true, []string{"pkcs8", "-topk8", "-v2", "aes-256-cbc"}},
		{true, []string{"pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"}},
		{false, []string{"pkcs8", "-topk8", "-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA512"}},
		{false, []string{"pkcs8", "-topk8", "-v2", "des3", "-v2prf", "hmacWithSHA384"}},
		{true, []string{"rsa", "-aes256"}},
		{true, []string{"rsa", "-traditional", "-aes256"}},
		{true, []string{"rsa", "-traditional", "-aes128"}},
		{true, []string{"rsa", "-traditional", "-des3"}},
		{false, []string{"ec", "-aes192"}},
	} {
		cert, key := ca.Issue(authority.Leaf{Name: "node", RSA: kind.rsa})
		sealed := filepath.Join(t.TempDir(), "sealed.key")
		args := append(kind.convert, "-in", key, "-out", sealed, "-passout", "pass:1234")
		if out, err := exec.Command(openssl, args...).CombinedOutput(); err != nil {
			t.Fatalf("openssl %q: %v: %s", args, err, out)
		}
		if _, err := Load(Options{Own: Pair{cert, sealed, "1234"}}); err != nil {
			t.Errorf("openssl %q: %v", kind.convert, err)
		}
		for pass, want := range map[string]error{"": errNoPass, "12345": errPass} {
			if _, err := Load(Options{Own: Pair{cert, sealed, pass}}); !errors.Is(err, want) {
				t.Errorf("openssl %q with the password %q: %v", kind.convert, pass, err)
			}
		}
	}
	cert, key := ca.Issue(authority.Leaf{Name: "node"})
	sealed := filepath.Join(t.TempDir(), "sealed.key")
	if out, err := exec.Command(openssl, "pkcs8", "-topk8", "-scrypt", "-in", key, "-out", sealed, "-passout", "pass:1").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := Load(Options{Own: Pair{cert, sealed, "1"}}); !errors.Is(err, errAlgorithm) {
		t.Errorf("scrypt: %v", err)
	}
}

// TestRefusals: what is wrong with the files is said with their names.
func TestRefusals(t *testing.T) {
	ca := authority.New(t)
	cert, key := ca.Issue(authority.Leaf{Name: "one"})
	_, other := ca.Issue(authority.Leaf{Name: "two"})
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Own: Pair{Cert: cert}}, ErrPair.Error()},
		{Options{Own: Pair{Cert: cert, Key: key}, Client: Pair{Key: key}}, ErrPair.Error()},
		{Options{Own: Pair{Cert: "/no/such", Key: key}}, "/no/such"},
		{Options{Own: Pair{Cert: cert, Key: "/no/such"}}, "/no/such"},
		{Options{Own: Pair{Cert: cert, Key: cert}}, errNoKey.Error()},
		{Options{Own: Pair{Cert: cert, Key: other}}, "private key does not match"},
		{Options{Own: Pair{Cert: key, Key: key}}, key},
		{Options{CAFile: "/no/such"}, "/no/such"},
		{Options{CAFile: empty}, "no certificate"},
		{Options{CADir: filepath.Dir(empty)}, "holds a certificate"},
		{Options{CADir: empty}, "not a directory"},
		{Options{Protocols: "x"}, "no version of TLS"},
		{Options{Ciphers: "x"}, "no cipher suite"},
	} {
		if _, err := Load(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
	if _, err := Load(Options{CADir: filepath.Dir(ca.File)}); err != nil {
		t.Errorf("a directory with a certificate: %v", err)
	}
}

// TestTickets: a client goes on with its session, not with one that is too old, and not where that is switched off.
func TestTickets(t *testing.T) {
	ca := authority.New(t)
	cert, key := ca.Issue(authority.Leaf{Name: "node"})
	for _, c := range []struct {
		tickets   bool
		life      time.Duration
		protocols string
		resumed   bool
	}{
		{true, time.Hour, "TLSv1.3", true},
		{true, time.Hour, "TLSv1.2", true},
		{true, 0, "TLSv1.3", true},
		{true, time.Nanosecond, "TLSv1.3", false},
		{true, time.Nanosecond, "TLSv1.2", false},
		{false, time.Hour, "TLSv1.3", false},
	} {
		listener := load(t, Options{Own: Pair{Cert: cert, Key: key}, Protocols: c.protocols, Tickets: c.tickets, TicketLife: c.life}).Listener(AuthNone)
		dialer := load(t, Options{CAFile: ca.File}).Dialer("node")
		dialer.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		for i := range 3 {
			state, err := meet(t, listener, dialer)
			if err != nil {
				t.Fatalf("%+v: connection %d: %v", c, i, err)
			}
			if state.DidResume != (c.resumed && i > 0) {
				t.Errorf("%+v: connection %d resumed: %v", c, i, state.DidResume)
			}
		}
	}
}

// FuzzKey: no file makes reading a key panic or take for ever.
func FuzzKey(f *testing.F) {
	f.Add([]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nMAAA\n-----END RSA PRIVATE KEY-----\n"))
	path := filepath.Join(f.TempDir(), "key")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = readKey(path, "password")
	})
}
