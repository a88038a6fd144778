package identity

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"os"
	"strings"
)

var (
	errNoKey     = errors.New("there is no private key in it")
	errPass      = errors.New("the key is encrypted, and the password does not fit")
	errNoPass    = errors.New("the key is encrypted: a password is needed")
	errAlgorithm = errors.New("the key is encrypted in a way that is not known here: PBES2 with PBKDF2, and PEM's own, with AES or triple DES in CBC are")
)

// mostIterations bounds what a file can make of the derivation of a key: about a second's work.
const mostIterations = 2_000_000

// readKey reads a private key in PEM and gives it in PEM, decrypted.
func readKey(path, pass string) ([]byte, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.Unwrap(err) // the caller names the file
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errNoKey
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		dek := block.Headers["DEK-Info"]
		if block.Type != "ENCRYPTED PRIVATE KEY" && dek == "" {
			return pem.EncodeToMemory(block), nil
		}
		if pass == "" {
			return nil, errNoPass
		}
		plain := &pem.Block{Type: block.Type}
		if dek != "" {
			plain.Bytes, err = decryptPEM(block.Bytes, dek, pass)
		} else {
			plain.Type = "PRIVATE KEY"
			plain.Bytes, err = decryptPKCS8(block.Bytes, pass)
		}
		return pem.EncodeToMemory(plain), err
	}
}

// encryptedKey is an EncryptedPrivateKeyInfo (RFC 5958), and its parameters those of PBES2 and PBKDF2
// (RFC 8018).
type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2 struct{ Derivation, Scheme pkix.AlgorithmIdentifier }

type pbkdf2Parameters struct {
	Salt       []byte
	Iterations int
	Length     int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// decryptPKCS8 decrypts what `openssl pkcs8` and `openssl genpkey` write.
func decryptPKCS8(der []byte, pass string) ([]byte, error) {
	var key encryptedKey
	var both pbes2
	var derive pbkdf2Parameters
	var iv []byte
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return nil, errNoKey
	}
	if key.Algorithm.Algorithm.String() != "1.2.840.113549.1.5.13" { // PBES2
		return nil, errAlgorithm
	}
	if !parts(key.Algorithm, &both) || !parts(both.Derivation, &derive) || !parts(both.Scheme, &iv) {
		return nil, errAlgorithm
	}
	digest := prf(derive.PRF.Algorithm)
	scheme := schemeByOID(both.Scheme.Algorithm.String())
	if both.Derivation.Algorithm.String() != "1.2.840.113549.1.5.12" || digest == nil || scheme == nil || // PBKDF2
		derive.Iterations < 1 || derive.Iterations > mostIterations {
		return nil, errAlgorithm
	}
	secret, err := pbkdf2.Key(digest, pass, derive.Salt, derive.Iterations, scheme.key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAlgorithm, err)
	}
	return scheme.decrypt(secret, iv, key.Data)
}

// parts reads the parameters of an algorithm.
func parts(a pkix.AlgorithmIdentifier, into any) bool {
	_, err := asn1.Unmarshal(a.Parameters.FullBytes, into)
	return err == nil
}

// prf is the hash under the HMAC of a PBKDF2; none is named for SHA-1.
func prf(oid asn1.ObjectIdentifier) func() hash.Hash {
	switch oid.String() {
	case "", "1.2.840.113549.2.7":
		return sha1.New
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	}
	return nil
}

// scheme is a block cipher in CBC.
type scheme struct {
	name, oid string
	key       int // bytes
	block     func(key []byte) (cipher.Block, error)
}

func schemes() []*scheme {
	return []*scheme{
		{"AES-128-CBC", "2.16.840.1.101.3.4.1.2", 16, aes.NewCipher},
		{"AES-192-CBC", "2.16.840.1.101.3.4.1.22", 24, aes.NewCipher},
		{"AES-256-CBC", "2.16.840.1.101.3.4.1.42", 32, aes.NewCipher},
		{"DES-EDE3-CBC", "1.2.840.113549.3.7", 24, des.NewTripleDESCipher},
	}
}

func schemeByOID(oid string) *scheme {
	for _, s := range schemes() {
		if s.oid == oid {
			return s
		}
	}
	return nil
}

// decryptPEM decrypts what OpenSSL wrote before PKCS #8 (RFC 1421, with OpenSSL's derivation of the key):
// dek is the header with the cipher and the initialisation vector.
func decryptPEM(data []byte, dek, pass string) ([]byte, error) {
	name, text, _ := strings.Cut(dek, ",")
	iv, err := hex.DecodeString(text)
	for _, s := range schemes() {
		if s.name != name || err != nil || len(iv) < 8 {
			continue
		}
		var secret, last []byte
		for len(secret) < s.key {
			sum := md5.Sum(bytes.Join([][]byte{last, []byte(pass), iv[:8]}, nil))
			last = sum[:]
			secret = append(secret, last...)
		}
		return s.decrypt(secret[:s.key], iv, data)
	}
	return nil, errAlgorithm
}

// decrypt takes off the padding as well. That a password is wrong shows there, or later: then what
// comes out is no key.
func (s *scheme) decrypt(secret, iv, data []byte) ([]byte, error) {
	block, err := s.block(secret)
	if err != nil || len(iv) != block.BlockSize() || len(data) == 0 || len(data)%block.BlockSize() != 0 {
		return nil, errAlgorithm
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > block.BlockSize() || !bytes.Equal(plain[len(plain)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errPass
	}
	plain = plain[:len(plain)-pad]
	if _, err := asn1.Unmarshal(plain, new(asn1.RawValue)); err != nil {
		return nil, errPass
	}
	return plain, nil
}
