package cluster

import (
	"encoding/binary"
	"fmt"
	"io"
)

// The bytes of the exchange that opens a connection. Numbers are big-endian.
const (
	linkMagic   = "rdft"
	linkVersion = 1

	linkHelloMax   = 1024 // bytes of a hello, with its header
	linkClusterMax = 64   // bytes of a cluster id
	linkNameMax    = 255  // bytes of a node id
	linkGroupMax   = 1<<16 - 1
	linkNonceSize  = 32
	linkHeadSize   = len(linkMagic) + 1 + 2 // magic, version, length of the rest
)

// linkPurpose is what a connection is for.
type linkPurpose byte

const (
	linkRaft  linkPurpose = 1 // a byte stream for one group's Raft
	linkCalls linkPurpose = 2 // requests and answers for all groups
)

// linkHello is how one end introduces itself. The end that was dialed repeats the purpose and
// the group.
type linkHello struct {
	purpose linkPurpose
	group   uint16
	cluster string // empty: not known yet
	node    string
	nonce   [linkNonceSize]byte
}

// append encodes h without its header.
func (h *linkHello) append(dst []byte) []byte {
	dst = append(dst, byte(h.purpose))
	dst = binary.BigEndian.AppendUint16(dst, h.group)
	dst = append(dst, byte(len(h.cluster)))
	dst = append(dst, h.cluster...)
	dst = append(dst, byte(len(h.node)))
	dst = append(dst, h.node...)
	return append(dst, h.nonce[:]...)
}

// encode is the whole message of the dialing end.
func (h *linkHello) encode() []byte {
	rest := h.append(nil)
	out := append([]byte(linkMagic), linkVersion)
	out = binary.BigEndian.AppendUint16(out, uint16(len(rest)))
	return append(out, rest...)
}

// parseLinkHello decodes what append wrote; every byte must be accounted for.
func parseLinkHello(b []byte) (linkHello, error) {
	var h linkHello
	if len(b) < 3 {
		return h, errLinkHello
	}
	h.purpose = linkPurpose(b[0])
	h.group = binary.BigEndian.Uint16(b[1:])
	b = b[3:]
	var okCluster, okNode bool
	h.cluster, b, okCluster = cutLinkName(b, linkClusterMax)
	h.node, b, okNode = cutLinkName(b, linkNameMax)
	known := h.purpose == linkRaft || h.purpose == linkCalls
	if !okCluster || !okNode || !known || h.node == "" || len(b) != linkNonceSize {
		return h, errLinkHello
	}
	copy(h.nonce[:], b)
	return h, nil
}

// cutLinkName takes a name with its length in front off b.
func cutLinkName(b []byte, limit int) (name string, rest []byte, ok bool) {
	if len(b) == 0 || int(b[0]) > limit || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}

// readLinkHello reads a hello from r: never more than linkHelloMax bytes, and after a header that
// is not ours nothing more. wire is all that was read, for the proofs.
func readLinkHello(r io.Reader) (h linkHello, wire []byte, err error) {
	wire = make([]byte, linkHeadSize, linkHelloMax)
	if _, err := io.ReadFull(r, wire); err != nil {
		return h, nil, err
	}
	if string(wire[:len(linkMagic)]) != linkMagic {
		return h, nil, errLinkHello
	}
	if v := wire[len(linkMagic)]; v != linkVersion {
		return h, nil, linkVersionRefusal(v)
	}
	size := int(binary.BigEndian.Uint16(wire[len(linkMagic)+1:]))
	return readLinkRest(r, wire, size)
}

// readLinkRest reads the size bytes of an introduction behind what wire holds already.
func readLinkRest(r io.Reader, wire []byte, size int) (linkHello, []byte, error) {
	head := len(wire)
	if head+size > linkHelloMax {
		return linkHello{}, nil, errLinkHello
	}
	wire = append(wire, make([]byte, size)...)
	if _, err := io.ReadFull(r, wire[head:]); err != nil {
		return linkHello{}, nil, err
	}
	h, err := parseLinkHello(wire[head:])
	return h, wire, err
}

// linkCode is the first byte of whatever the dialed end says: go on, or why not.
type linkCode byte

const (
	linkGo          linkCode = 0
	linkBadVersion  linkCode = 1 // the second byte is the version spoken here
	linkBadCluster  linkCode = 2
	linkBadSecret   linkCode = 3
	linkBadGroup    linkCode = 4
	linkRefusalSize          = 2
)

// linkCodeOf is the code that tells the peer about err; false: the peer is told nothing.
func linkCodeOf(err error) (linkCode, bool) {
	refusal, ok := err.(*linkRefusal)
	if !ok {
		return 0, false
	}
	switch refusal.why {
	case errLinkVersion:
		return linkBadVersion, true
	case errLinkCluster:
		return linkBadCluster, true
	case errLinkSecret:
		return linkBadSecret, true
	case errLinkGroup:
		return linkBadGroup, true
	}
	return 0, false
}

// linkRefused is the error of an end that was sent a code and the byte behind it.
func linkRefused(code linkCode, detail byte) error {
	switch code {
	case linkBadVersion:
		return linkVersionRefusal(detail)
	case linkBadCluster:
		return &linkRefusal{why: errLinkCluster}
	case linkBadSecret:
		return &linkRefusal{why: errLinkSecret}
	case linkBadGroup:
		return &linkRefusal{why: errLinkGroup}
	}
	return &linkRefusal{why: errLinkHello, detail: fmt.Sprintf("it refused with code %d", code)}
}

// linkVersionRefusal says who speaks what.
func linkVersionRefusal(theirs byte) error {
	return &linkRefusal{
		why:    errLinkVersion,
		detail: fmt.Sprintf("it speaks protocol version %d, this node version %d", theirs, linkVersion),
	}
}
