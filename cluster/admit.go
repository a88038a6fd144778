package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"github.com/hashicorp/raft"
)

// memberClose is how many entries a node may be behind to get a vote.
const memberClose = 256

// serveMember answers what another node asks about its own membership.
func (g *group) serveMember(ctx context.Context, from string, body []byte) ([]byte, error) {
	var ask memberAsk
	if err := json.Unmarshal(body, &ask); err != nil {
		return nil, err
	}
	if ask.ID != from {
		return nil, errors.New("a node can only ask for itself")
	}
	return json.Marshal(g.admit(ctx, &ask))
}

// admit decides about a question and does what it asks for, if this node leads.
func (g *group) admit(ctx context.Context, ask *memberAsk) *memberReply {
	reply := &memberReply{ClusterID: g.node.ClusterID()}
	if why := g.misfit(ask); why != "" {
		reply.Refused, reply.Final = why, true
		return reply
	}
	if ask.What == memberCheck {
		return reply
	}
	if g.office.Load() == nil {
		addr, id := g.leader()
		if id == g.node.id {
			addr, id = "", ""
		}
		reply.Leader = &leaderHint{ID: id, Addr: addr}
		return reply
	}
	var err error
	switch ask.What {
	case memberJoin:
		err = g.admitJoin(ctx, ask)
	case memberAnnounce:
		if err = g.move(ctx, ask.ID, ask.Addr); err == nil {
			err = g.proposeItem(ctx, g.node.options.NodeItem(ask.ID, ask.Client))
		}
	case memberPromote:
		reply.Voter, err = g.admitVoter(ctx, ask)
	default:
		err = fmt.Errorf("unknown question %q", ask.What)
	}
	if err != nil {
		reply.Refused = err.Error()
		reply.Final = errors.Is(err, errMemberID) || errors.Is(err, errMemberAddr) || errors.Is(err, errMemberTimes)
	}
	return reply
}

// misfit says why a node does not belong here, or nothing.
func (g *group) misfit(ask *memberAsk) string {
	switch own := g.node.ClusterID(); {
	case ask.ClusterID != "" && ask.ClusterID != own:
		return fmt.Sprintf("node %s has the data of cluster %s, this is cluster %s: "+
			"start it with an empty directory to let it join here", ask.ID, ask.ClusterID, own)
	case ask.Version != memberVersion:
		return fmt.Sprintf("node %s speaks version %d of the cluster's protocol, this node %d",
			ask.ID, ask.Version, memberVersion)
	case ask.Arch != architecture:
		return fmt.Sprintf("node %s runs on %s, this cluster on %s: floating-point results could differ",
			ask.ID, ask.Arch, architecture)
	default:
		return ""
	}
}

// admitJoin takes a node in.
func (g *group) admitJoin(ctx context.Context, ask *memberAsk) error {
	if isLoopback(g.node.addr) && !isLoopback(ask.Addr) {
		return fmt.Errorf("the leader is known to the others by the loopback address %s: "+
			"start it with announce-host first", g.node.addr)
	}
	if isLoopback(ask.Addr) && !isLoopback(g.node.addr) {
		return fmt.Errorf("the joining node calls itself %s, where nobody else can reach it: "+
			"start it with announce-host", ask.Addr)
	}
	o := &g.node.options
	if h, l := o.HeartbeatTimeout.Milliseconds(), o.LeaseTimeout.Milliseconds(); ask.Heartbeat != h || ask.Lease != l {
		return fmt.Errorf("node %s: %w: heartbeat-timeout %d and lease-timeout %d, the leader's are %d and %d",
			ask.ID, errMemberTimes, ask.Heartbeat, ask.Lease, h, l)
	}
	if err := g.add(ctx, ask.ID, ask.Addr); errors.Is(err, errMemberID) {
		return fmt.Errorf("node id %s: %w: choose another --node-id", ask.ID, err)
	} else if err != nil {
		return err
	}
	g.log.Info("a node has joined", "id", ask.ID, "addr", ask.Addr)
	return g.proposeItem(ctx, g.node.options.NodeItem(ask.ID, ask.Client))
}

// admitVoter gives a node a vote if it is close enough behind; otherwise it has to ask again.
func (g *group) admitVoter(ctx context.Context, ask *memberAsk) (bool, error) {
	g.membership.Lock()
	defer g.membership.Unlock()
	s, ok := g.server(ask.ID)
	if !ok {
		return false, errMemberUnknown
	}
	if s.Suffrage == raft.Voter {
		return true, nil
	}
	if ask.Applied+memberClose < g.raft.CommitIndex() {
		return false, nil
	}
	if err := g.reconfigure(ctx, func() raft.Future { return g.raft.AddVoter(s.ID, s.Address, 0, proposalLimit) }); err != nil {
		return false, err
	}
	g.log.Info("a node has got a vote", "id", ask.ID)
	return true, nil
}

// isLoopback reports whether an address can only be reached from its own machine.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
