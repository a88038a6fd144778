package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// Member is a node of a group as the membership has it.
type Member struct {
	// ID and Addr are the node's id and the address of its cluster port.
	ID, Addr string
	// Voter says whether it counts for elections and commits.
	Voter bool
}

// Members is the membership as this node knows it; the newest change in it may not be committed
// yet.
func (n *Node) Members(number int) []Member {
	g, err := n.group(number)
	if err != nil {
		return nil
	}
	var out []Member
	for _, s := range g.servers() {
		out = append(out, Member{ID: string(s.ID), Addr: string(s.Address), Voter: s.Suffrage == raft.Voter})
	}
	return out
}

// Add makes the node with an id at a cluster address a member without a vote. Promote gives it
// one. Only the leader can. Adding what is there already does nothing.
func (n *Node) Add(ctx context.Context, number int, id, addr string) error {
	g, err := n.group(number)
	if err != nil {
		return err
	}
	return g.add(ctx, id, addr)
}

// Remove takes a node out of the membership. Only the leader can; it may remove itself if there
// is another voter, and leads no longer then.
func (n *Node) Remove(ctx context.Context, number int, id string) error {
	g, err := n.group(number)
	if err != nil {
		return err
	}
	return g.remove(ctx, id)
}

// Promote gives a member a vote, at once; a member that is far behind then delays commits until
// it has caught up. Only the leader can.
func (n *Node) Promote(ctx context.Context, number int, id string) error {
	g, err := n.group(number)
	if err != nil {
		return err
	}
	g.membership.Lock()
	defer g.membership.Unlock()
	s, err := g.subject(id)
	if err != nil {
		return err
	}
	return g.reconfigure(ctx, func() raft.Future { return g.raft.AddVoter(s.ID, s.Address, 0, proposalLimit) })
}

// Demote takes a member's vote away. Only the leader can.
func (n *Node) Demote(ctx context.Context, number int, id string) error {
	g, err := n.group(number)
	if err != nil {
		return err
	}
	g.membership.Lock()
	defer g.membership.Unlock()
	s, err := g.subject(id)
	if err != nil {
		return err
	}
	if g.lastVoter(s) {
		return errMemberLast
	}
	return g.reconfigure(ctx, func() raft.Future { return g.raft.DemoteVoter(s.ID, 0, proposalLimit) })
}

// Transfer hands leadership to a voter, or, with an empty id, to the one that is most up to date.
// Only the leader can.
func (n *Node) Transfer(ctx context.Context, number int, id string) error {
	g, err := n.group(number)
	if err != nil {
		return err
	}
	return g.transfer(ctx, id)
}

// Snapshot makes a snapshot of this node's state now.
func (n *Node) Snapshot(ctx context.Context, number int) error {
	g, err := n.group(number)
	if err != nil {
		return err
	}
	return g.snapshotter.make(ctx)
}

// servers is the membership, as of the newest entry in the log.
func (g *group) servers() []raft.Server {
	return g.raft.GetConfiguration().Configuration().Servers
}

// server is the member with an id.
func (g *group) server(id string) (raft.Server, bool) {
	for _, s := range g.servers() {
		if string(s.ID) == id {
			return s, true
		}
	}
	return raft.Server{}, false
}

// subject is the member that a change is about, if this node leads; what another node knows of
// the membership may be out of date.
func (g *group) subject(id string) (raft.Server, error) {
	if g.office.Load() == nil {
		return raft.Server{}, g.notLeader()
	}
	s, ok := g.server(id)
	if !ok {
		return s, errMemberUnknown
	}
	return s, nil
}

// voters are the members with a vote.
func (g *group) voters() []raft.Server {
	servers := g.servers()
	voters := make([]raft.Server, 0, len(servers))
	for _, s := range servers {
		if s.Suffrage == raft.Voter {
			voters = append(voters, s)
		}
	}
	return voters
}

// lastVoter reports whether s is the only voter.
func (g *group) lastVoter(s raft.Server) bool {
	return s.Suffrage == raft.Voter && len(g.voters()) == 1
}

// add makes a node a member without a vote.
func (g *group) add(ctx context.Context, id, addr string) error {
	g.membership.Lock()
	defer g.membership.Unlock()
	if g.office.Load() == nil {
		return g.notLeader()
	}
	for _, s := range g.servers() {
		switch {
		case string(s.ID) == id && string(s.Address) == addr:
			return nil
		case string(s.ID) == id:
			return fmt.Errorf("%w: %s", errMemberID, s.Address)
		case string(s.Address) == addr:
			return fmt.Errorf("%w: %s", errMemberAddr, s.ID)
		}
	}
	return g.reconfigure(ctx, func() raft.Future {
		return g.raft.AddNonvoter(raft.ServerID(id), raft.ServerAddress(addr), 0, proposalLimit)
	})
}

// move gives a member another address.
func (g *group) move(ctx context.Context, id, addr string) error {
	g.membership.Lock()
	defer g.membership.Unlock()
	self, ok := g.server(id)
	if !ok {
		return errMemberUnknown
	}
	if string(self.Address) == addr {
		return nil
	}
	for _, s := range g.servers() {
		if string(s.Address) == addr {
			return fmt.Errorf("%w: %s", errMemberAddr, s.ID)
		}
	}
	if self.Suffrage == raft.Voter {
		return g.reconfigure(ctx, func() raft.Future { return g.raft.AddVoter(self.ID, raft.ServerAddress(addr), 0, proposalLimit) })
	}
	return g.reconfigure(ctx, func() raft.Future { return g.raft.AddNonvoter(self.ID, raft.ServerAddress(addr), 0, proposalLimit) })
}

// remove takes a node out, and its address for clients with it. A leader that removes itself can
// do the latter only before.
func (g *group) remove(ctx context.Context, id string) error {
	g.membership.Lock()
	defer g.membership.Unlock()
	s, err := g.subject(id)
	if err != nil {
		return err
	}
	if g.lastVoter(s) {
		return errMemberLast
	}
	self := id == g.node.id
	if self {
		if err := g.forget(ctx, id); err != nil {
			return err
		}
	}
	if err := g.reconfigure(ctx, func() raft.Future { return g.raft.RemoveServer(s.ID, 0, proposalLimit) }); err != nil || self {
		return err
	}
	return g.forget(ctx, id)
}

// forget proposes the item that removes a node's address for clients.
func (g *group) forget(ctx context.Context, id string) error {
	return g.proposeItem(ctx, g.node.options.ForgetItem(id))
}

// proposeItem proposes an item of the cluster's own, if there is any.
func (g *group) proposeItem(ctx context.Context, item []byte) error {
	if item == nil {
		return nil
	}
	_, err := g.proposer.propose(ctx, [][]byte{item}, nil)
	return err
}

// transfer hands leadership on.
func (g *group) transfer(ctx context.Context, id string) error {
	if g.office.Load() == nil {
		return g.notLeader()
	}
	if id == "" {
		if len(g.voters()) < 2 {
			return errMemberNobody
		}
		return g.handLeadership(ctx, g.raft.LeadershipTransfer)
	}
	s, ok := g.server(id)
	switch {
	case !ok:
		return errMemberUnknown
	case id == g.node.id:
		return errMemberSelf
	case s.Suffrage != raft.Voter:
		return errMemberVoter
	}
	return g.handLeadership(ctx, func() raft.Future { return g.raft.LeadershipTransferToServer(s.ID, s.Address) })
}

// reconfigure changes the membership. There is no lease until the library has settled the change,
// even if nobody waits for that any more.
func (g *group) reconfigure(ctx context.Context, start func() raft.Future) error {
	g.leases.pause()
	return g.change(ctx, start())
}

// handLeadership hands leadership on, without a lease and with voters that are free to vote.
func (g *group) handLeadership(ctx context.Context, start func() raft.Future) error {
	g.leases.pause()
	g.leases.release()
	return g.change(ctx, start())
}

// change waits for the library to have done something about the membership or the leadership, for
// which the lease was paused, and puts its error into our words.
func (g *group) change(ctx context.Context, future raft.Future) error {
	result := make(chan error, 1)
	settled := g.spawn(func() {
		err := future.Error()
		g.leases.resume()
		result <- err
	})
	if !settled {
		return g.notLeader() // for good, and without a lease
	}
	var err error
	select {
	case err = <-result:
	case <-ctx.Done():
		return &unknown{context.Cause(ctx)}
	case <-g.ctx.Done():
		return &unknown{errStopping}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrRaftShutdown):
		return g.notLeader()
	case errors.Is(err, raft.ErrLeadershipLost):
		return &unknown{errLostLeadership}
	case errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return errTransferring
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return errLogBusy
	default:
		return err
	}
}
