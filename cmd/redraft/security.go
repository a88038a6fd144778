package main

import (
	"crypto/tls"
	"errors"

	"github.com/spf13/pflag"

	"github.com/redraftdb/redraft/server/identity"
)

// security is what the flags of a subcommand that connects as a client say of TLS. They are called as
// redis-cli's are.
type security struct {
	on, insecure     bool
	cert, key        string
	authority, among string
	serverName       string
}

func securityFlags(flags *pflag.FlagSet) *security {
	s := &security{}
	flags.BoolVar(&s.on, "tls", false, "speak TLS; the port is the node's tls-port then")
	flags.StringVar(&s.authority, "cacert", "", "`file` of the authorities that are believed; without it and --cacertdir, the system's")
	flags.StringVar(&s.among, "cacertdir", "", "`directory` of such files")
	flags.StringVar(&s.cert, "cert", "", "`file` of the certificate to show")
	flags.StringVar(&s.key, "key", "", "`file` of its private key")
	flags.StringVar(&s.serverName, "sni", "", "`name` of the host, if it is another than the one to connect to")
	flags.BoolVar(&s.insecure, "insecure", false, "believe any certificate")
	return s
}

var errWithoutTLS = errors.New("--cacert, --cacertdir, --cert, --key, --sni and --insecure go with --tls")

// config is how to connect to a host; nil without TLS.
func (s *security) config(host string) (*tls.Config, error) {
	if !s.on {
		if *s != (security{}) {
			return nil, errWithoutTLS
		}
		return nil, nil
	}
	who, err := identity.Load(identity.Options{Own: identity.Pair{Cert: s.cert, Key: s.key}, CAFile: s.authority, CADir: s.among})
	if err != nil {
		return nil, err
	}
	if s.serverName != "" {
		host = s.serverName
	}
	c := who.Dialer(host)
	if s.insecure {
		c.InsecureSkipVerify, c.VerifyConnection = true, nil
	}
	return c, nil
}
