package cluster

import (
	"errors"
	"fmt"
)

// What became of a call that has no answer. errors.Is tells them apart; a linkError carries the
// details.
var (
	// errNotSent: the peer surely has not seen the request, nor will it.
	errNotSent = errors.New("not sent")
	// errBroken: the request was handed to the network; whether the peer acted on it is unknown.
	errBroken = errors.New("outcome unknown")
	// errRemote: the peer's handler answered with an error, whose text follows.
	errRemote = errors.New("refused by the peer")
)

// Reasons for a call or a dial to fail.
var (
	errLinkClosed   = errors.New("this node's cluster link is closed")
	errLinkLost     = errors.New("the connection broke")
	errLinkSilent   = errors.New("the peer does not answer any more")
	errLinkTooLarge = errors.New("the message is larger than the cluster link allows")
	errLinkPause    = errors.New("not tried again so soon after")
)

// Reasons for a peer to be refused, by either end.
var (
	errLinkSecret = errors.New("wrong cluster secret: " +
		"this node and the peer need the same cluster-secret")
	errLinkCluster = errors.New("the peer belongs to another cluster: " +
		"this node's directory holds the data of one cluster, the address given is of another")
	errLinkVersion = errors.New("the peer speaks another version of the cluster protocol: " +
		"the node with the older release needs an upgrade")
	errLinkGroup = errors.New("the peer does not serve this group (yet)")
	errLinkSelf  = errors.New("the address leads back to this node, " +
		"or to a copy of it with the same node id: every node needs an address and an id of its own")
	errLinkNode    = errors.New("another node answers at this address")
	errLinkCrowded = errors.New("too many connections that have proved nothing")
	errLinkPlain   = errors.New("the peer does not speak TLS: all nodes of a cluster have tls-cluster, or none")
	errLinkTLS     = errors.New("TLS handshake: the nodes need certificates of authorities that the others believe")
	errLinkHello   = errors.New("the peer does not speak the cluster protocol")
)

// Mistakes in the options.
var (
	errLinkNodeID    = fmt.Errorf("a node id has 1 to %d bytes", linkNameMax)
	errLinkClusterID = fmt.Errorf("a cluster id has at most %d bytes", linkClusterMax)
	errLinkGroupID   = fmt.Errorf("a group's number is 0 to %d", linkGroupMax)
)

// linkError is the failure of one call: what is known of the request's fate (errNotSent,
// errBroken or errRemote), and why. Both can be asked for with errors.Is.
type linkError struct {
	fate error
	addr string
	why  error
}

func (e *linkError) Error() string {
	if e.fate == errRemote {
		return e.why.Error()
	}
	return fmt.Sprintf("cluster node %s: %v: %v", e.addr, e.fate, e.why)
}

// Unwrap gives the fate and the reason.
func (e *linkError) Unwrap() []error { return []error{e.fate, e.why} }

// Unknown reports whether the peer may have acted on the request.
func (e *linkError) Unknown() bool { return e.fate == errBroken }

// linkLost is what a call is told about a connection that broke because of err.
func linkLost(err error) error {
	if err == errLinkClosed {
		return err
	}
	return fmt.Errorf("%w: %w", errLinkLost, err)
}

// linkRefusal is a connection that one end refused: the reason as a sentinel, and what is to be
// said besides.
type linkRefusal struct {
	why    error
	detail string
}

func (e *linkRefusal) Error() string {
	if e.detail == "" {
		return e.why.Error()
	}
	return e.why.Error() + ": " + e.detail
}

func (e *linkRefusal) Unwrap() error { return e.why }
