package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// What a node asks of the leader about its own membership.
const (
	memberJoin     = "join"     // take me in, without a vote
	memberAnnounce = "announce" // these are my addresses now
	memberPromote  = "promote"  // give me a vote, if I am close enough
	memberCheck    = "check"    // do I belong to your cluster
)

const (
	// memberVersion is the version of everything that nodes have to have in common; nodes of
	// different ones do not join.
	memberVersion = 1
	// joinRedirects is how many hints about who leads a node follows before it starts over.
	joinRedirects = 3

	joinPatienceLeast = 100 * time.Millisecond
	joinPatienceMost  = 5 * time.Second
	// checkPatience is how long a node that has a cluster waits for the node given to join.
	checkPatience = time.Second
)

// memberAsk is the body of callMember, as JSON.
type memberAsk struct {
	What      string `json:"what"`
	ID        string `json:"id"`
	Addr      string `json:"addr"`
	Client    string `json:"client"`
	ClusterID string `json:"cluster_id,omitempty"` // empty: not known yet
	Version   int    `json:"version"`
	Arch      string `json:"arch"`
	Applied   uint64 `json:"applied,omitempty"`
	// Heartbeat and Lease are the asking node's time-outs in ms.
	Heartbeat int64 `json:"heartbeat,omitempty"`
	Lease     int64 `json:"lease,omitempty"`
}

// memberReply is the answer to it.
type memberReply struct {
	ClusterID string `json:"cluster_id"`
	// Leader says whom to ask instead.
	Leader *leaderHint `json:"leader,omitempty"`
	// Refused says why not; Final, that asking again is of no use.
	Refused string `json:"refused,omitempty"`
	Final   bool   `json:"final,omitempty"`
	// Voter says that the asking node has a vote.
	Voter bool `json:"voter,omitempty"`
}

// refusal is an error that cannot heal by itself.
type refusal struct{ text string }

// Error is what the refusing node said.
func (e *refusal) Error() string { return e.text }

// memberAsk is a question of this node.
func (n *Node) memberAsk(what string, applied uint64) *memberAsk {
	return &memberAsk{
		What:      what,
		ID:        n.id,
		Addr:      n.addr,
		Client:    n.options.ClientAddr,
		ClusterID: n.dir.identity().ClusterID,
		Version:   memberVersion,
		Arch:      architecture,
		Applied:   applied,
		Heartbeat: n.options.HeartbeatTimeout.Milliseconds(),
		Lease:     n.options.LeaseTimeout.Milliseconds(),
	}
}

// join makes this node, whose directory is empty, a member without a vote. It tries until it
// works, ctx ends, or somebody refuses for good.
func (n *Node) join(ctx context.Context) error {
	// The id is kept before anybody hears of it: a node that crashes now comes back as the same.
	err := n.dir.save(func(id *identity) { id.Joining = true })
	if err != nil {
		return err
	}
	for pause := joinPatienceLeast; ; pause = min(2*pause, joinPatienceMost) {
		reply, err := n.askToJoin(ctx)
		if err == nil {
			return n.dir.save(func(id *identity) {
				id.ClusterID = reply.ClusterID
				id.ClusterAddr = n.addr
				id.ClientAddr = n.options.ClientAddr
			})
		}
		if final := n.joinRefusal(err); final != nil {
			return fmt.Errorf("joining: %w", final)
		}
		n.log.Warn("joining the cluster does not work yet, trying again: check that the node given to join "+
			"runs, can be reached from here, and knows a leader", "error", err, "next", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("joining: %w (last: %w)", context.Cause(ctx), err)
		}
	}
}

// checkJoin refuses to go on with a directory that belongs to another cluster than the node that
// was given to join. If that node cannot be reached, nothing speaks against going on.
func (n *Node) checkJoin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	addr, err := n.options.Join(ctx)
	if err == nil {
		_, err = n.askMember(ctx, addr, n.memberAsk(memberCheck, 0))
	}
	if final := finalRefusal(err); final != nil {
		return fmt.Errorf("directory %s %w: %w", n.dir.path, errDirCluster, final)
	}
	if err != nil {
		n.log.Info("the node given to join cannot be reached, going on with what the directory holds", "error", err)
	}
	return nil
}

// joinRefusal is the part of err that ends the joining of a node with an empty directory, or nil.
// Only such a node cannot meet itself by way of an address that is out of date: whoever has its id
// is another.
func (n *Node) joinRefusal(err error) error {
	var link *linkError
	if errors.Is(err, errLinkSelf) && errors.As(err, &link) {
		return &refusal{fmt.Sprintf("node id %s is in use by the node at %s: choose another --node-id, "+
			"or another node to --join if that address is this node's own", n.id, link.addr)}
	}
	return finalRefusal(err)
}

// finalRefusal is the part of err that cannot heal, or nil.
func finalRefusal(err error) error {
	var r *refusal
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, errLinkSecret):
		return errLinkSecret
	case errors.Is(err, errLinkCluster):
		return errLinkCluster
	case errors.Is(err, errLinkVersion):
		return errLinkVersion
	default:
		return nil
	}
}

// askToJoin finds the leader, starting from the node to join, and asks it.
func (n *Node) askToJoin(ctx context.Context) (*memberReply, error) {
	addr, err := n.options.Join(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, proposalLimit)
	defer cancel()
	return n.askMember(ctx, addr, n.memberAsk(memberJoin, 0))
}

// askMember puts a question to the node at addr, and to whoever that says leads.
func (n *Node) askMember(ctx context.Context, addr string, ask *memberAsk) (*memberReply, error) {
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	for range joinRedirects {
		b, err := n.calls.call(ctx, addr, callMember, 0, body)
		if err != nil {
			return nil, err
		}
		var reply memberReply
		if err := json.Unmarshal(b, &reply); err != nil {
			return nil, fmt.Errorf("%w: %w", errAnswer, err)
		}
		switch {
		case reply.Refused != "" && reply.Final:
			return nil, &refusal{reply.Refused}
		case reply.Refused != "":
			return nil, errors.New(reply.Refused)
		case reply.Leader == nil:
			return &reply, nil
		case reply.Leader.Addr == "" || reply.Leader.Addr == addr:
			return nil, errors.New("the cluster has no leader at the moment")
		}
		addr = reply.Leader.Addr
	}
	return nil, errors.New("the nodes do not agree on who leads")
}
