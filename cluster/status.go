package cluster

import (
	"time"

	"github.com/hashicorp/raft"
)

// Status is how a group stands, as one node sees it.
type Status struct {
	// NodeID, ClusterID and Addr name this node and its cluster.
	NodeID, ClusterID, Addr string
	// Role is "leader", "follower", "candidate" or "shutdown".
	Role string
	// Voter says whether this node has a vote, Removed that it is no longer a member.
	Voter, Removed bool
	// Term is this node's current term.
	Term uint64
	// Ready says that this node leads and that a command of its term has been applied.
	Ready bool
	// LeaderID and LeaderAddr are the leader and its cluster address, empty if none is known.
	// LeaderClient is its address for clients, empty if this node has not heard of it.
	LeaderID, LeaderAddr, LeaderClient string
	// Last is the last index of the log, Commit the last known to be committed, Applied how far
	// the Machine is.
	Last, Commit, Applied uint64
	// First is the first index of the log: everything before it is only in the snapshot.
	First uint64
	// Snapshot is the index of the newest snapshot on disk, 0 for none, SnapshotBytes its size and
	// SnapshotAt when it was complete. It was made here, or sent by a leader.
	Snapshot      uint64
	SnapshotBytes int64
	SnapshotAt    time.Time
	// SnapshotBegan is the start of the attempt at a snapshot that is under way; zero: none is.
	SnapshotBegan time.Time
	// SnapshotFailed says whether the last attempt failed, and SnapshotTook how long it took, -1
	// if there was none since the start.
	SnapshotFailed bool
	SnapshotTook   time.Duration
	// Snapshots is how many were made here since the start, on demand or not.
	Snapshots uint64
	// SinceEntries and SinceBytes are what was applied since the last snapshot.
	SinceEntries uint64
	SinceBytes   int64
	// QueueBytes is what waits to be proposed.
	QueueBytes int
	// Contact is how long ago the leader was heard from; 0 on the leader, -1 for never.
	Contact time.Duration
	// Peers are the other members, in the membership's order.
	Peers []Peer
}

// Peer is another member, as far as this node has heard. The leader asks every second.
type Peer struct {
	Member
	// Client is its address for clients.
	Client string
	// Known says whether anything was heard at all, and Age how long ago that was asked for.
	Known bool
	Age   time.Duration
	// Last and Applied are the last index of its log and how far its Machine was.
	Last, Applied uint64
}

// Status says how a group stands. The fields are read one after the other and need not fit
// together exactly.
func (n *Node) Status(number int) Status {
	g, err := n.group(number)
	if err != nil {
		return Status{NodeID: n.id, ClusterID: n.ClusterID(), Addr: n.addr, Contact: -1}
	}
	s := Status{
		NodeID:       n.id,
		ClusterID:    n.ClusterID(),
		Addr:         n.addr,
		Role:         roleName(g.raft.State()),
		Removed:      g.removed.Load(),
		Term:         g.raft.CurrentTerm(),
		Last:         g.raft.LastIndex(),
		Commit:       g.raft.CommitIndex(),
		Applied:      g.progress.index(),
		SinceEntries: g.applier.since.entries.Load(),
		SinceBytes:   g.applier.since.bytes.Load(),
		QueueBytes:   g.proposer.waiting(),
	}
	s.LeaderAddr, s.LeaderID = g.leader()
	s.First, _ = g.logs.FirstIndex()
	g.statusSnapshots(&s)
	if o := g.office.Load(); o != nil {
		s.Ready = o.term.Load() == s.Term && g.raft.State() == raft.Leader
	}
	s.Contact = g.contact()
	g.statusPeers(&s)
	return s
}

// statusSnapshots fills in what concerns snapshots.
func (g *group) statusSnapshots(s *Status) {
	last := g.snapshots.last()
	s.Snapshot, s.SnapshotBytes, s.SnapshotAt = last.index, last.size, last.at
	s.SnapshotTook = -1
	g.snapshotter.note(func(h *snapshotHistory) {
		if h.running > 0 {
			s.SnapshotBegan = h.began
		}
		if h.tried {
			s.SnapshotFailed, s.SnapshotTook = h.failed, h.took
		}
		s.Snapshots = h.count
	})
}

// LogBytes is what a group's log occupies on disk, in bytes: the sizes of its files. A store that
// makes its files in advance occupies more than it holds.
func (n *Node) LogBytes(number int) int64 {
	g, err := n.group(number)
	if err != nil {
		return 0
	}
	return g.logs.size()
}

// statusPeers fills in what concerns the members.
func (g *group) statusPeers(s *Status) {
	if s.LeaderID == s.NodeID {
		s.LeaderClient = g.node.options.ClientAddr
	}
	for _, server := range g.servers() {
		voter := server.Suffrage == raft.Voter
		if string(server.ID) == s.NodeID {
			s.Voter = voter
			continue
		}
		p := Peer{Member: Member{ID: string(server.ID), Addr: string(server.Address), Voter: voter}}
		if news, ok := g.peers.last(p.ID); ok {
			p.Known, p.Age = true, time.Since(news.at)
			p.Client, p.Last, p.Applied = news.client, news.last, news.applied
			if p.ID == s.LeaderID {
				s.LeaderClient = p.Client
			}
		}
		s.Peers = append(s.Peers, p)
	}
}

// contact is how long ago the leader was heard from.
func (g *group) contact() time.Duration {
	if g.raft.State() == raft.Leader {
		return 0
	}
	last := g.raft.LastContact()
	if last.IsZero() {
		return -1
	}
	return time.Since(last)
}

func roleName(s raft.RaftState) string {
	switch s {
	case raft.Leader:
		return "leader"
	case raft.Candidate:
		return "candidate"
	case raft.Follower:
		return "follower"
	default:
		return "shutdown"
	}
}
