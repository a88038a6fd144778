package identity

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// Protocols is a range of versions of TLS.
type Protocols struct{ min, max uint16 }

// ParseProtocols reads a list of versions, as tls-protocols has it: TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3,
// separated by spaces, in any order. Nothing is 1.2 and 1.3. crypto/tls knows no list with a gap.
func ParseProtocols(list string) (Protocols, error) {
	known := []struct {
		name    string
		version uint16
	}{{"tlsv1", tls.VersionTLS10}, {"tlsv1.1", tls.VersionTLS11}, {"tlsv1.2", tls.VersionTLS12}, {"tlsv1.3", tls.VersionTLS13}}
	words := strings.Fields(strings.ToLower(list))
	if len(words) == 0 {
		return Protocols{tls.VersionTLS12, tls.VersionTLS13}, nil
	}
	var p Protocols
	for _, k := range known {
		wanted := slices.Contains(words, k.name)
		words = slices.DeleteFunc(words, func(w string) bool { return w == k.name })
		switch {
		case !wanted:
		case p.min == 0:
			p = Protocols{k.version, k.version}
		case p.max+1 != k.version:
			return p, fmt.Errorf("versions of TLS without one in between cannot be had: %s", list)
		default:
			p.max = k.version
		}
	}
	if len(words) > 0 {
		return p, fmt.Errorf("%q is no version of TLS: TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3 are", words[0])
	}
	return p, nil
}

// ParseCiphers reads a list of cipher suites of TLS 1.2 and older, as tls-ciphers has it, but for what
// of OpenSSL's language has no meaning here: names, OpenSSL's or the standard's, and DEFAULT for those that
// are in use unless something else is said, separated by colons, commas or spaces; one with - or ! in
// front is taken off the list. Nothing, and DEFAULT alone, give nil.
func ParseCiphers(list string) ([]uint16, error) {
	words := strings.FieldsFunc(list, func(r rune) bool { return r == ':' || r == ',' || r == ' ' })
	if len(words) == 0 || len(words) == 1 && words[0] == "DEFAULT" {
		return nil, nil
	}
	known, usual := suites()
	var ids, never []uint16
	for _, w := range words {
		name := strings.TrimLeft(w, "-!")
		chosen := usual
		if name != "DEFAULT" {
			id, ok := known[name]
			if !ok {
				return nil, fmt.Errorf("%q is no cipher suite of TLS 1.2 or older that there is here", name)
			}
			chosen = []uint16{id}
		}
		switch {
		case name == w:
			ids = append(ids, chosen...)
		default:
			ids = slices.DeleteFunc(ids, func(id uint16) bool { return slices.Contains(chosen, id) })
			if w[0] == '!' {
				never = append(never, chosen...)
			}
		}
	}
	ids = slices.DeleteFunc(ids, func(id uint16) bool { return slices.Contains(never, id) })
	if len(ids) == 0 {
		return nil, fmt.Errorf("no cipher suite is left of %q", list)
	}
	return ids, nil
}

// suites are the suites of TLS 1.2 and older by both of their names, and those that are in use unless
// something else is said.
func suites() (known map[string]uint16, usual []uint16) {
	known = map[string]uint16{}
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if slices.Contains(s.SupportedVersions, tls.VersionTLS12) {
			known[s.Name], known[opensslName(s.Name)] = s.ID, s.ID
			if !s.Insecure {
				usual = append(usual, s.ID)
			}
		}
	}
	return known, usual
}

// opensslName is what OpenSSL calls a suite.
func opensslName(standard string) string {
	return strings.NewReplacer("TLS_RSA_WITH_", "", "TLS_", "", "_WITH_", "-", "3DES_EDE_CBC", "DES-CBC3",
		"AES_128", "AES128", "AES_256", "AES256", "_CBC", "", "RC4_128", "RC4",
		"CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305", "_", "-").Replace(standard)
}
