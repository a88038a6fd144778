package server

import "github.com/redraftdb/redraft/server/identity"

// tlsParameters are Redis' directives of TLS. A CONFIG SET of any of them reads the files again, so one that
// names the same file puts a renewed certificate into force, for connections that come after it.
func tlsParameters(secure *joint) []*Parameter {
	list := []*Parameter{
		{Name: "tls-cert-file", Usage: "path", Help: "certificate that clients and nodes are shown, with the chain behind it, in PEM"},
		{Name: "tls-key-file", Usage: "path", Help: "private key of tls-cert-file, in PEM"},
		{Name: "tls-key-file-pass", Sensitive: true, Usage: "password", Help: "password of tls-key-file; empty if it is not encrypted"},
		{Name: "tls-client-cert-file", Usage: "path", Help: "certificate that this node shows to nodes it connects to; empty for tls-cert-file"},
		{Name: "tls-client-key-file", Usage: "path", Help: "private key of tls-client-cert-file, in PEM"},
		{Name: "tls-client-key-file-pass", Sensitive: true, Usage: "password", Help: "password of tls-client-key-file; empty if it is not encrypted"},
		{Name: "tls-ca-cert-file", Usage: "path", Help: "certificates, in PEM, of the authorities that are believed"},
		{Name: "tls-ca-cert-dir", Usage: "path", Help: "directory with files like tls-ca-cert-file"},
		{Name: "tls-auth-clients", Kind: Enum, Default: "yes", Values: []string{"no", "yes", "optional"},
			Help: "whether clients need a certificate; with optional, one that is shown has to be good"},
		{Name: "tls-cluster", Kind: Bool, Default: "no", Immutable: true,
			Help: "TLS on the cluster port, with certificates of both sides; the same on all nodes"},
		{Name: "tls-replication", Kind: Bool, Default: "no", Immutable: true,
			Help: "the node that join names is asked over TLS, at its tls-port, and others are told this node's; needs tls-cluster"},
		{Name: "tls-protocols", Usage: "version…", check: checked(identity.ParseProtocols),
			Help: "versions of TLS that are spoken, without a gap: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3; empty for the last two"},
		{Name: "tls-ciphers", Usage: "suite:…", check: checked(identity.ParseCiphers),
			Help: "cipher suites for TLS 1.2 and older by their names, DEFAULT among them, and - or ! in front of one to leave out; empty for DEFAULT"},
		{Name: "tls-session-caching", Kind: Bool, Default: "yes", Help: "whether clients may go on with a TLS session they had"},
		{Name: "tls-session-cache-timeout", Kind: Int, Default: "300", Max: 604800, Usage: "seconds",
			Help: "how long they may; 0 for a week"},
	}
	for _, p := range list {
		p.joint = secure
	}
	return list
}

// settledTLS are those that crypto/tls leaves no choice in.
func settledTLS() []*Parameter {
	return []*Parameter{
		settled("tls-session-cache-size", Int, "0", "sessions are kept by the clients, in tickets"),
		settled("tls-ciphersuites", String, "", "TLS 1.3 is spoken with all of its three usual suites"),
		settled("tls-prefer-server-ciphers", Bool, "yes", "the server chooses among the suites that both sides have"),
		settled("tls-dh-params-file", String, "", "key exchanges are on elliptic curves"),
	}
}

// checked is the check of a parameter that is a list some function reads.
func checked[T any](parse func(string) (T, error)) func(string) (string, error) {
	return func(value string) (string, error) {
		_, err := parse(value)
		return value, err
	}
}
