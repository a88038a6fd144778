package server

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redraftdb/redraft/server/identity"
	"github.com/redraftdb/redraft/server/identity/authority"
)

// tlsNode is a server with a door for TLS beside the one without.
type tlsNode struct {
	*node
	ca     *authority.Authority
	secure string // the door's address
}

// startTLS starts a server whose certificate, on an RSA key, is of an authority of its own.
func startTLS(t testing.TB, settings ...string) *tlsNode {
	t.Helper()
	ca := authority.New(t)
	cert, key := ca.Issue(authority.Leaf{Name: "server", RSA: true})
	settings = append([]string{"tls-port", "1", "tls-cert-file", cert, "tls-key-file", key, "tls-ca-cert-file", ca.File}, settings...)
	n := &tlsNode{node: start(t, settings...), ca: ca}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.secure = l.Addr().String()
	n.srv.ServeTLS(l)
	return n
}

// onBoth runs a test on a server of ours and on redis-server, which proves what it expects.
func onBoth(t *testing.T, test func(t *testing.T, n *tlsNode), settings ...string) {
	t.Run("redraft", func(t *testing.T) { test(t, startTLS(t, settings...)) })
	t.Run("redis-server", func(t *testing.T) {
		ca := authority.New(t)
		cert, key := ca.Issue(authority.Leaf{Name: "server", RSA: true})
		var args []string
		for i := 0; i < len(settings); i += 2 {
			args = append(args, "--"+settings[i], settings[i+1])
		}
		args = append(args, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca.File)
		plain, secure := redisTLS(t, args)
		test(t, &tlsNode{node: &node{t: t, addr: plain}, ca: ca, secure: secure})
	})
}

// redisTLS starts a redis-server with a port of each kind, and returns where it answers.
func redisTLS(t *testing.T, args []string) (plain, secure string) {
	t.Helper()
	path := needRedis(t)
	for range 5 { // somebody else may take a port first
		secure = quietAddr(t)
		_, port, _ := net.SplitHostPort(secure)
		if plain = tryRedis(t, path, append(args, "--tls-port", port)); plain != "" {
			eventually(t, "the port for TLS", func() bool {
				c, err := net.Dial("tcp", secure)
				if err == nil {
					_ = c.Close()
				}
				return err == nil
			})
			return plain, secure
		}
	}
	t.Fatal("redis-server does not answer")
	return "", ""
}

// config is that of a client without a certificate, which believes the server's authority.
func (n *tlsNode) config() *tls.Config {
	n.t.Helper()
	b, err := os.ReadFile(n.ca.File)
	if err != nil {
		n.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(b)
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

// with is config with a certificate of an authority.
func (n *tlsNode) with(a *authority.Authority, l authority.Leaf) *tls.Config {
	n.t.Helper()
	c := n.config()
	pair, err := tls.LoadX509KeyPair(a.Issue(l))
	if err != nil {
		n.t.Fatal(err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c
}

// shake connects with TLS and waits for an answer to a PING.
func (n *tlsNode) shake(config *tls.Config) (*client, error) {
	n.t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}, "tcp", n.secure, config)
	if err != nil {
		return nil, err
	}
	n.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	c := &client{t: n.t, conn: conn, in: bufio.NewReader(conn)}
	if _, err := io.WriteString(conn, request("ping")); err != nil {
		return nil, err
	}
	answer, err := readReply(c.in)
	if err == nil && answer != "+PONG" {
		err = fmt.Errorf("answered %q", answer)
	}
	return c, err
}

// dialTLS is shake with a client that has to get in.
func (n *tlsNode) dialTLS(config *tls.Config) *client {
	n.t.Helper()
	c, err := n.shake(config)
	if err != nil {
		n.t.Fatal(err)
	}
	return c
}

// TestTLSAndPlain: whoever speaks the other language is turned away at either door.
func TestTLSAndPlain(t *testing.T) { onBoth(t, tlsAndPlain, "tls-auth-clients", "no") }

func tlsAndPlain(t *testing.T, n *tlsNode) {
	plain := &node{t: t, addr: n.secure}
	c := plain.dial()
	c.send("ping")
	c.closed()
	inline := plain.dial()
	_, _ = io.WriteString(inline.conn, "GET / HTTP/1.1\r\n\r\n")
	inline.closed()
	// There the beginning of a handshake is that of a line, which never comes to its end.
	if _, err := tls.DialWithDialer(&net.Dialer{Timeout: 100 * time.Millisecond}, "tcp", n.addr, n.config()); err == nil {
		t.Error("TLS on the port without")
	}
	secure := n.dialTLS(n.config())
	secure.expect("set key value", "+OK")
	n.dial().expect("get key", "value")
	secure.expect("get key", "value")
	if n.srv != nil {
		eventually(t, "two clients", func() bool { return n.srv.sessions.count() == 2 })
	}
}

// TestTLSAuthClients: three ways to treat clients' certificates, changed while it runs.
func TestTLSAuthClients(t *testing.T) { onBoth(t, tlsAuthClients) }

func tlsAuthClients(t *testing.T, n *tlsNode) {
	other := authority.New(t)
	good, foreign := n.with(n.ca, authority.Leaf{Name: "good"}), n.with(other, authority.Leaf{Name: "foreign"})
	late := n.with(n.ca, authority.Leaf{Name: "late", Until: time.Now().Add(-time.Minute)})
	admin := n.dialTLS(good)
	for _, c := range []struct {
		way                                   string
		nothing, goodOne, foreignOne, lateOne bool
	}{
		{"yes", false, true, false, false},
		{"no", true, true, true, true},
		{"optional", true, true, false, false},
		{"yes", false, true, false, false},
	} {
		admin.expect("config set tls-auth-clients "+c.way, "+OK")
		for i, config := range []*tls.Config{n.config(), good, foreign, late} {
			_, err := n.shake(config)
			if want := []bool{c.nothing, c.goodOne, c.foreignOne, c.lateOne}[i]; (err == nil) != want {
				t.Errorf("tls-auth-clients %s, client %d: %v", c.way, i, err)
			}
		}
	}
	// The client believes only who shows a certificate of its authority.
	if _, err := (&tlsNode{node: n.node, ca: other, secure: n.secure}).shake((&tlsNode{node: n.node, ca: other}).config()); err == nil {
		t.Error("a server of another authority was believed")
	}
}

func TestTLSProtocols(t *testing.T) { onBoth(t, tlsProtocols, "tls-auth-clients", "no") }

func tlsProtocols(t *testing.T, n *tlsNode) {
	only := func(version uint16) *tls.Config {
		c := n.config()
		c.MinVersion, c.MaxVersion = version, version
		return c
	}
	c := n.dial()
	for _, step := range []struct {
		list               string
		v11, v12, v13, bad bool
		own                bool // redis-server takes lists with gaps, and OpenSSL no TLS 1.1
	}{
		{list: "", v12: true, v13: true},
		{list: "TLSv1.2", v12: true},
		{list: "TLSv1.3", v13: true},
		{list: "TLSv1.2 nonsense", bad: true, v13: true},
		{list: "TLSv1.1 TLSv1.2", v11: true, v12: true, own: true},
		{list: "TLSv1.1 TLSv1.3", bad: true, v11: true, v12: true, own: true},
	} {
		if step.own && n.srv == nil {
			continue
		}
		if got := c.do("config set tls-protocols '" + step.list + "'"); (got != "+OK") != step.bad {
			t.Errorf("%q: %s", step.list, got)
		}
		for version, want := range map[uint16]bool{tls.VersionTLS11: step.v11, tls.VersionTLS12: step.v12, tls.VersionTLS13: step.v13} {
			if _, err := n.shake(only(version)); (err == nil) != want {
				t.Errorf("%q: %s: %v", step.list, tls.VersionName(version), err)
			}
		}
	}
}

func TestTLSCiphers(t *testing.T) {
	onBoth(t, tlsCiphers, "tls-auth-clients", "no", "tls-protocols", "TLSv1.2")
}

func tlsCiphers(t *testing.T, n *tlsNode) {
	with := func(suites ...uint16) *tls.Config {
		c := n.config()
		c.CipherSuites = suites
		return c
	}
	const small, large = tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
	c := n.dial()
	for _, step := range []struct {
		list         string
		small, large bool
	}{
		{"DEFAULT", true, true},
		{"DEFAULT:-ECDHE-RSA-AES128-GCM-SHA256", false, true},
		{"ECDHE-RSA-AES128-GCM-SHA256", true, false},
		{"", true, true},
	} {
		c.expect("config set tls-ciphers '"+step.list+"'", "+OK")
		for suite, want := range map[uint16]bool{small: step.small, large: step.large} {
			if _, err := n.shake(with(suite)); (err == nil) != want {
				t.Errorf("%q: %s: %v", step.list, tls.CipherSuiteName(suite), err)
			}
		}
	}
	if got := c.do("config set tls-ciphers nosuch"); !strings.HasPrefix(got, "-ERR CONFIG SET failed (possibly related to argument 'tls-ciphers')") {
		t.Error(got)
	}
	if n.srv == nil {
		return
	}
	// tls-prefer-server-ciphers has one value: it is the server that chooses.
	for _, order := range [][]uint16{{small, large}, {large, small}} {
		got := n.dialTLS(with(order...)).conn.(*tls.Conn).ConnectionState().CipherSuite
		if got != small {
			t.Errorf("of %x it chose %x", order, got)
		}
	}
	c.expect("config set tls-prefer-server-ciphers no", "-ERR CONFIG SET failed (possibly related to argument 'tls-prefer-server-ciphers') - "+
		"only 'yes' is true of this server: the server chooses among the suites that both sides have")
}

// TestTLSReload: CONFIG SET reads the files again, for those who connect from then on; what cannot be used changes
// nothing.
func TestTLSReload(t *testing.T) { onBoth(t, tlsReload, "tls-auth-clients", "no") }

func tlsReload(t *testing.T, n *tlsNode) {
	serial := func(c *client) string {
		return c.conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	admin := n.dialTLS(n.config())
	first := serial(admin)
	cert, key := n.ca.Issue(authority.Leaf{Name: "server", RSA: true}) // the same files
	if got := serial(n.dialTLS(n.config())); got != first {
		t.Error("the new files are in force before anybody asked for it")
	}
	admin.expect("config set tls-cert-file "+cert, "+OK")
	second := serial(n.dialTLS(n.config()))
	if second == first {
		t.Error("the new certificate is not in force")
	}
	cert3, key3 := n.ca.Issue(authority.Leaf{Name: "third", RSA: true})
	for _, bad := range []string{
		"config set tls-cert-file /no/such",
		"config set tls-cert-file " + cert3, // without its key
		"config set tls-key-file " + key3,
		"config set tls-ca-cert-file " + key3,
		"config set tls-cert-file ''",
		"config set tls-auth-clients yes tls-ca-cert-file ''",
		"config set maxclients 77 tls-key-file /no/such",
	} {
		if got := admin.do(bad); !strings.HasPrefix(got, "-ERR CONFIG SET failed (possibly related to argument 'tls-") ||
			!strings.Contains(got, "Unable to update TLS configuration") {
			t.Errorf("%s: %s", bad, got)
		}
	}
	for name, want := range map[string]string{"tls-cert-file": cert, "tls-key-file": key, "maxclients": "10000", "tls-auth-clients": "no"} {
		admin.expect("config get "+name, "["+name+" "+want+"]")
	}
	if got := serial(n.dialTLS(n.config())); got != second {
		t.Error("something of what was refused is in force")
	}
	admin.expect(fmt.Sprintf("config set tls-cert-file %s tls-key-file %s", cert3, key3), "+OK")
	if got := serial(n.dialTLS(n.config())); got == second {
		t.Error("the third certificate is not in force")
	}
	admin.expect("ping", "+PONG")
}

func TestTLSEncryptedKey(t *testing.T) { onBoth(t, tlsEncryptedKey, "tls-auth-clients", "no") }

func tlsEncryptedKey(t *testing.T, n *tlsNode) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("REDRAFT_CI") == "1" {
			t.Fatal("openssl is missing, and CI must not leave this test out")
		}
		t.Skip("left out: openssl is missing")
	}
	c := n.dial()
	sealed := filepath.Join(t.TempDir(), "sealed.key")
	_, plain, _ := strings.Cut(strings.Trim(c.do("config get tls-key-file"), "[]"), " ")
	if out, err := exec.Command(openssl, "rsa", "-in", plain, "-out", sealed, "-aes256", "-passout", "pass:1234").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := c.do("config set tls-key-file " + sealed); !strings.Contains(got, "Unable to update TLS") {
		t.Error(got)
	}
	c.expect("config set tls-key-file-pass 1234", "+OK")
	c.expect("config set tls-key-file "+sealed, "+OK")
	n.dialTLS(n.config()).expect("ping", "+PONG")
}

// TestTLSSwitchPorts: a port can change its language while the server runs.
func TestTLSSwitchPorts(t *testing.T) {
	ca := authority.New(t)
	cert, key := ca.Issue(authority.Leaf{Name: "server"})
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	n := start(t, "port", port, "bind", "127.0.0.1 -203.0.113.9", "tls-auth-clients", "no", "tls-cert-file", cert, "tls-key-file", key)
	at := &tlsNode{node: &node{t: t, addr: free.Addr().String()}, ca: ca, secure: free.Addr().String()}
	if err := n.srv.Listen(); err == nil {
		t.Fatal("it listens where somebody else does")
	}
	_ = free.Close()
	n = start(t, "port", port, "bind", "127.0.0.1 -203.0.113.9", "tls-auth-clients", "no", "tls-cert-file", cert, "tls-key-file", key)
	if err := n.srv.Listen(); err != nil {
		t.Fatal(err)
	}
	plain := at.dial()
	plain.expect("config set port 0", "+OK")
	plain.expect("config set tls-port "+port, "+OK")
	secure := at.dialTLS(at.config())
	eventually(t, "tcp_port", func() bool { return strings.Contains(secure.do("info server"), "tcp_port:") })
	if _, err := at.shake(at.config()); err != nil {
		t.Fatal(err)
	}
	secure.expect("config set tls-port 0 port "+port, "+OK")
	at.dial().expect("ping", "+PONG")
	plain.expect("ping", "+PONG")                      // its port was closed twice meanwhile
	plain.expect("config set tls-cert-file ''", "+OK") // nothing speaks TLS now
	if got := plain.do("config set tls-port " + port + " port 0"); !strings.Contains(got, "'tls-port') - Unable to update TLS configuration") {
		t.Error(got)
	}
	at.dial().expect("ping", "+PONG")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, other, _ := net.SplitHostPort(taken.Addr().String())
	if got := plain.do("config set port " + other); !strings.Contains(got, "'port') - Unable to listen on this port") {
		t.Error(got)
	}
	plain.expect("config get port", "[port "+port+"]")
	at.dial().expect("ping", "+PONG")
}

// TestTLSHandshakeTakesTooLong: who does not get on with the handshake is disconnected, and holds nobody up.
func TestTLSHandshakeTakesTooLong(t *testing.T) {
	n := startTLS(t, "tls-auth-clients", "no")
	n.srv.handshake.Store(int64(100 * time.Millisecond))
	slow := (&node{t: t, addr: n.secure}).dial()
	if _, err := slow.conn.Write([]byte{0x16, 3, 1, 0x3f}); err != nil {
		t.Fatal(err)
	}
	n.dial().expect("ping", "+PONG")
	slow.closed()
	eventually(t, "one client", func() bool { return n.srv.sessions.count() == 1 })
}

// TestTLSLimits: maxclients leaves no time for a word, protected mode does.
func TestTLSLimits(t *testing.T) {
	n := startTLS(t, "tls-auth-clients", "no", "maxclients", "1")
	a := n.dial()
	a.expect("ping", "+PONG")
	if _, err := n.shake(n.config()); err == nil {
		t.Error("one client too many")
	}
	if got := a.info("stats")["rejected_connections"]; got != "1" {
		t.Errorf("rejected_connections:%s", got)
	}
	a.expect("config set maxclients 10", "+OK")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.srv.ServeTLS(foreign{l})
	far := &tlsNode{node: n.node, ca: n.ca, secure: l.Addr().String()}
	if _, err := far.shake(n.config()); err == nil || !strings.Contains(err.Error(), errDenied) {
		t.Errorf("a client from elsewhere: %v", err)
	}
}

// TestTLSSessions: what a session does with its connection works over TLS as well: waiting, being pushed to,
// large pipelines, being killed, hanging up.
func TestTLSSessions(t *testing.T) {
	n := startTLS(t, "tls-auth-clients", "no")
	n.tick()
	c, plain := n.dialTLS(n.config()), n.dial()
	c.expect("blpop nothing 0.01", "(nil)")
	c.send("blpop list 0", "echo behind")
	n.parked(1)
	plain.expect("rpush list a", ":1")
	for _, want := range []string{"[list a]", "behind"} {
		if got := c.read(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	big := strings.Repeat("x", 5<<20)
	c.expect("set big "+big, "+OK")
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(c.conn, strings.Repeat(request("get", "big"), 10)+strings.Repeat(request("ping"), 20000))
	}()
	for range 10 {
		if got := c.read(); got != big {
			t.Fatalf("%d bytes", len(got))
		}
	}
	for range 20000 {
		if got := c.read(); got != "+PONG" {
			t.Fatal(got)
		}
	}
	<-sent
	c.send("blpop nothing 0")
	n.parked(1)
	_ = c.conn.Close()
	n.parked(0)
	killed := n.dialTLS(n.config())
	id := killed.do("client id")
	plain.expect("client kill id "+id[1:], ":1")
	killed.closed()
}

// TestTLSClientThatDoesNotRead is cut off, at once when it is to be.
func TestTLSClientThatDoesNotRead(t *testing.T) {
	n := startTLS(t, "tls-auth-clients", "no", "client-output-buffer-limit", "normal 0 200kb 1")
	c := n.dial()
	c.expect("set k "+strings.Repeat("x", 1<<20), "+OK")
	mute := n.dialTLS(n.config())
	for range 64 {
		mute.send("get k")
	}
	c.expect("strlen k", ":1048576")
	eventually(t, "the end of the mute client", func() bool { return n.srv.sessions.count() == 1 })
}

// TestTLSSettings: what contradicts itself is refused at the start.
func TestTLSSettings(t *testing.T) {
	ca := authority.New(t)
	cert, key := ca.Issue(authority.Leaf{Name: "server"})
	for _, c := range []struct {
		settings string
		want     string // empty: fine
	}{
		{"tls-port 1", errNoCertificate.Error()},
		{"tls-port 1 tls-cert-file CERT", errNoCertificate.Error()},
		{"tls-port 1 tls-cert-file CERT tls-key-file KEY", errNoAuthority.Error()},
		{"tls-port 1 tls-cert-file CERT tls-key-file KEY tls-auth-clients optional", errNoAuthority.Error()},
		{"tls-port 1 tls-cert-file CERT tls-key-file KEY tls-auth-clients no", ""},
		{"tls-cluster yes tls-cert-file CERT tls-key-file KEY tls-auth-clients no", errNoAuthority.Error()},
		{"tls-cluster yes tls-cert-file CERT tls-key-file KEY tls-ca-cert-file CA", ""},
		{"tls-replication yes tls-cert-file CERT tls-key-file KEY tls-ca-cert-file CA", errReplicaTLS.Error()},
		{"tls-cluster yes tls-cert-file CERT tls-key-file KEY tls-ca-cert-file CA tls-client-cert-file CERT", identity.ErrPair.Error()},
		{"tls-cert-file /no/such", ""}, // as in Redis, nothing is read as long as nothing is to speak TLS
	} {
		config := NewConfig()
		words := strings.Fields(strings.NewReplacer("CERT", cert, "KEY", key, "CA", ca.File).Replace(c.settings))
		for i := 0; i < len(words); i += 2 {
			if err := config.Set(words[i], words[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		err := CheckTLS(config)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.settings, err)
		}
	}
}

// TestTLSGuard: over TLS too the guard gives up who does not read, at its own limit, and closing then takes no time.
func TestTLSGuard(t *testing.T) {
	n := startTLS(t, "tls-auth-clients", "no")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			accepted <- newSecureConn(conn, n.srv.secured.Load().clients)
		}
	}()
	go func() {
		if c, err := tls.Dial("tcp", l.Addr().String(), n.config()); err == nil {
			t.Cleanup(func() { _ = c.Close() })
		}
	}()
	g := newGuard(<-accepted, guardTestOptions(func(l *guardLimits) { l.stall = 100 * time.Millisecond }))
	defer g.Close()
	if g.socket != nil {
		t.Error("writes that do not wait would go past TLS")
	}
	began := time.Now()
	_, err = g.Write(make([]byte, 64<<20))
	var refusal *guardRefusal
	if !errors.As(err, &refusal) || refusal.cause != guardStalled {
		t.Errorf("writing to who does not read: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestTLSCloseTakesNoTime: the last alert of a connection waits for nobody who does not read.
func TestTLSCloseTakesNoTime(t *testing.T) {
	n := startTLS(t, "tls-auth-clients", "no")
	ours, theirs := net.Pipe() // nothing is buffered in between
	defer theirs.Close()
	secure := newSecureConn(ours, n.srv.secured.Load().clients)
	client := tls.Client(theirs, n.config())
	shaken := make(chan error, 1)
	go func() { shaken <- client.Handshake() }()
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_ = secure.Close() // the alert cannot be sent
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("closing took %v", took)
	}
}
