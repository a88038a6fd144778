// Package identity reads what a node proves itself with, whom it believes, and what its TLS connections
// may be like, and makes configurations of crypto/tls of that. It holds no connection and watches no
// file: whoever wants changed files in force loads them again.
package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Pair is a certificate, with the chain behind it, and its private key, both files in PEM.
type Pair struct {
	Cert, Key string
	// Pass decrypts the key; empty if it is not encrypted.
	Pass string
}

// Options is what Load reads. Names of files and lists are those of Redis' directives.
type Options struct {
	// Own is what a node shows to whoever connects, and to whom it connects unless Client is set.
	// Without one it shows nothing, which only whoever connects can do.
	Own, Client Pair
	// CAFile is a file, and CADir a directory of files, of certificates in PEM that are believed.
	// Both empty: the system's, and then the name of whom one connects to has to be right as well.
	CAFile, CADir string
	// Protocols and Ciphers restrict the versions of TLS and the cipher suites of TLS 1.2 and
	// older; empty for the defaults.
	Protocols, Ciphers string
	// Tickets lets a client go on with a session it had, for as long as TicketLife; 0 for as long
	// as crypto/tls lets it.
	Tickets    bool
	TicketLife time.Duration
}

// An Identity is what Load has read. It does not change.
type Identity struct {
	own, client *tls.Certificate
	authorities *x509.CertPool // nil: the system's
	protocols   Protocols
	ciphers     []uint16
	options     Options
}

// Load reads and checks everything that o names. The error says what is wrong with which file.
func Load(o Options) (*Identity, error) {
	i := &Identity{options: o}
	var err error
	if i.protocols, err = ParseProtocols(o.Protocols); err != nil {
		return nil, err
	}
	if i.ciphers, err = ParseCiphers(o.Ciphers); err != nil {
		return nil, err
	}
	if i.own, err = o.Own.load(); err != nil {
		return nil, err
	}
	i.client = i.own
	if o.Client != (Pair{}) {
		if i.client, err = o.Client.load(); err != nil {
			return nil, err
		}
	}
	i.authorities, err = loadAuthorities(o.CAFile, o.CADir)
	return i, err
}

// ErrPair says that of a certificate and its key only one is named.
var ErrPair = errors.New("a certificate and its key go together, and only one of the files is named")

// load reads the pair; nil if there is none.
func (p Pair) load() (*tls.Certificate, error) {
	switch {
	case p.Cert == "" && p.Key == "":
		return nil, nil
	case p.Cert == "" || p.Key == "":
		return nil, ErrPair
	}
	cert, err := os.ReadFile(p.Cert)
	if err != nil {
		return nil, err
	}
	key, err := readKey(p.Key, p.Pass)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Key, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", p.Cert, p.Key, err)
	}
	return &pair, nil
}

// loadAuthorities reads a file and every file of a directory; nil if neither is named.
func loadAuthorities(file, dir string) (*x509.CertPool, error) {
	if file == "" && dir == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("%s: there is no certificate in it", file)
		}
	}
	if dir != "" {
		if err := addDirectory(pool, dir); err != nil {
			return nil, err
		}
	}
	return pool, nil
}

// addDirectory takes in what certificates the files of a directory hold. Other files may lie there
// too, but one certificate has to.
func addDirectory(pool *x509.CertPool, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found = pool.AppendCertsFromPEM(b) || found
	}
	if !found {
		return fmt.Errorf("%s: no file in it holds a certificate", dir)
	}
	return nil
}

// Auth is what a listener asks of those who connect.
type Auth int

// What may be asked.
const (
	AuthNone     Auth = iota // nothing: a certificate is not looked at
	AuthOptional             // a certificate that is shown has to be good
	AuthRequired             // a good certificate
)

// Listener is the configuration of those who are connected to. The identity has a certificate of its
// own.
func (i *Identity) Listener(auth Auth) *tls.Config {
	c := i.config(i.own)
	c.ClientCAs = i.authorities
	switch auth {
	case AuthOptional:
		c.ClientAuth = tls.VerifyClientCertIfGiven
	case AuthRequired:
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	c.SessionTicketsDisabled = !i.options.Tickets
	if i.options.Tickets && i.options.TicketLife > 0 {
		limitTickets(c, i.options.TicketLife)
	}
	return c
}

// Dialer is the configuration of those who connect to the host of a name. As with Redis' own clients
// it is the authority that counts: whoever has a certificate of one that was named in Options is
// believed whatever its name. The system's authorities give certificates to everybody, so with them
// the name has to be right.
func (i *Identity) Dialer(host string) *tls.Config {
	c := i.config(i.client)
	c.ServerName = host
	if i.authorities != nil {
		c.InsecureSkipVerify = true // VerifyConnection does it, but for the name
		c.VerifyConnection = i.verify
	}
	return c
}

// verify is what a dialer asks of a peer's certificates.
func (i *Identity) verify(state tls.ConnectionState) error {
	among := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] { // the first is there: without one the handshake has failed
		among.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: i.authorities, Intermediates: among,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return err
}

// config is what both ends have in common.
func (i *Identity) config(certificate *tls.Certificate) *tls.Config {
	c := &tls.Config{MinVersion: i.protocols.min, MaxVersion: i.protocols.max, CipherSuites: i.ciphers}
	if certificate != nil {
		c.Certificates = []tls.Certificate{*certificate}
	}
	return c
}
