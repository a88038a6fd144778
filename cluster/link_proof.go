package cluster

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net"
	"time"
)

// The exchange that opens every connection:
//
//	dialer → listener   hello: purpose, group, cluster id, node id, nonce
//	listener → dialer   the same of its own, with its nonce        (or a refusal)
//	dialer → listener   proof of the dialer
//	listener → dialer   proof of the listener                      (or a refusal)
//
// A proof is an HMAC-SHA256, keyed by the cluster's secret, of a label that names the prover's
// role and of every byte of both introductions. So a proof is good for one connection, one
// purpose, one group, one pair of nodes and one direction: sent back to its maker, or on to
// another connection, it fails. The dialer proves itself first: whoever dials us gets no HMAC of
// our secret to try guesses on. A dialer breaks off when the listener bears its own node id, so
// its hello cannot be played back to itself through a third party.
const (
	linkDialerLabel   = "redraft link 1: proof of the dialer\x00"
	linkListenerLabel = "redraft link 1: proof of the listener\x00"
)

// linkProof computes the proof of the role that label names.
func linkProof(secret []byte, label string, hello, reply []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(label))
	mac.Write(hello)
	mac.Write(reply)
	return mac.Sum(nil)
}

// linkGuest is a peer that has proved itself.
type linkGuest struct {
	node    string
	purpose linkPurpose
	streams *linkStreams // where its stream goes, of purpose linkRaft
}

// admit is the listener's part. On an error the peer has been told why, if it deserved to know;
// the caller closes conn.
func (l *link) admit(conn net.Conn) (linkGuest, error) {
	guest, err := l.examine(conn)
	if code, tell := linkCodeOf(err); tell {
		linkRefuse(conn, code)
	}
	return guest, err
}

func (l *link) examine(conn net.Conn) (linkGuest, error) {
	hello, helloWire, err := readLinkHello(conn)
	if err != nil {
		return linkGuest{}, err
	}
	own := l.self(hello.purpose, hello.group)
	if linkStrange(own.cluster, hello.cluster) {
		return linkGuest{}, &linkRefusal{why: errLinkCluster}
	}
	rest := own.append(nil)
	reply := binary.BigEndian.AppendUint16([]byte{byte(linkGo)}, uint16(len(rest)))
	reply = append(reply, rest...)
	if _, err := conn.Write(reply); err != nil {
		return linkGuest{}, err
	}
	var proof [sha256.Size]byte
	if _, err := io.ReadFull(conn, proof[:]); err != nil {
		return linkGuest{}, err
	}
	secret := l.options.secret
	if !hmac.Equal(proof[:], linkProof(secret, linkDialerLabel, helloWire, reply)) {
		return linkGuest{}, &linkRefusal{why: errLinkSecret}
	}
	guest := linkGuest{node: hello.node, purpose: hello.purpose}
	if hello.purpose == linkRaft {
		if guest.streams = l.layer(int(hello.group)); guest.streams == nil {
			return linkGuest{}, &linkRefusal{why: errLinkGroup}
		}
	}
	last := append([]byte{byte(linkGo)}, linkProof(secret, linkListenerLabel, helloWire, reply)...)
	_, err = conn.Write(last)
	return guest, err
}

// introduce is the dialer's part. The caller closes conn on an error.
func (l *link) introduce(conn net.Conn, addr string, purpose linkPurpose, group int) error {
	own := l.self(purpose, uint16(group))
	helloWire := own.encode()
	if _, err := conn.Write(helloWire); err != nil {
		return err
	}
	if err := readLinkCode(conn); err != nil {
		return err
	}
	reply := []byte{byte(linkGo), 0, 0}
	if _, err := io.ReadFull(conn, reply[1:]); err != nil {
		return err
	}
	peer, reply, err := readLinkRest(conn, reply, int(binary.BigEndian.Uint16(reply[1:])))
	if err != nil {
		return err
	}
	if err := l.judge(own, peer, addr); err != nil {
		return err
	}
	secret := l.options.secret
	if _, err := conn.Write(linkProof(secret, linkDialerLabel, helloWire, reply)); err != nil {
		return err
	}
	if err := readLinkCode(conn); err != nil {
		return err
	}
	var proof [sha256.Size]byte
	if _, err := io.ReadFull(conn, proof[:]); err != nil {
		return err
	}
	if !hmac.Equal(proof[:], linkProof(secret, linkListenerLabel, helloWire, reply)) {
		return &linkRefusal{why: errLinkSecret, detail: "the peer could not prove that it knows it"}
	}
	return nil
}

// judge is what a dialer has to say against the introduction of the listener at addr.
func (l *link) judge(own, peer linkHello, addr string) error {
	switch expected := l.options.expect(addr); {
	case peer.purpose != own.purpose || peer.group != own.group:
		return errLinkHello
	case peer.node == own.node:
		return &linkRefusal{why: errLinkSelf}
	case linkStrange(own.cluster, peer.cluster):
		return &linkRefusal{why: errLinkCluster}
	case expected != "" && expected != peer.node:
		return &linkRefusal{why: errLinkNode, detail: "expected " + expected}
	}
	return nil
}

// linkStrange reports whether two cluster ids are known and differ.
func linkStrange(a, b string) bool { return a != "" && b != "" && a != b }

// self is this node's introduction, with a fresh nonce.
func (l *link) self(purpose linkPurpose, group uint16) linkHello {
	h := linkHello{purpose: purpose, group: group, cluster: l.options.clusterID(), node: l.options.nodeID}
	_, _ = rand.Read(h.nonce[:]) // never fails: the process ends first
	return h
}

// readLinkCode reads the byte that says whether to go on, and the rest of a refusal.
func readLinkCode(r io.Reader) error {
	var b [linkRefusalSize]byte
	if _, err := io.ReadFull(r, b[:1]); err != nil {
		return err
	}
	if linkCode(b[0]) == linkGo {
		return nil
	}
	if _, err := io.ReadFull(r, b[1:]); err != nil {
		return err
	}
	return linkRefused(linkCode(b[0]), b[1])
}

// linkRefuse tells the peer why. What it sent meanwhile is read and dropped, at most one hello
// and within a second: closing a socket with unread bytes would take the refusal back.
func linkRefuse(conn net.Conn, code linkCode) {
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := conn.Write([]byte{byte(code), linkVersion}); err != nil {
		return
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		_, _ = io.CopyN(io.Discard, conn, linkHelloMax)
	}
}
