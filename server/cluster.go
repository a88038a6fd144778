package server

import (
	"context"
	"time"
)

// Cluster is what the server needs of the replicated log. Groups are numbered from 0. Its errors
// tell what became of a request by their behaviour:
//
//   - NotLeader() (addr string): this node does not lead the group and nothing was proposed; addr
//     is the leader's address for nodes, empty if no leader is known
//   - QueueFull() bool: nothing was proposed, for want of room or because leadership is moving
//   - TooLarge() bool: nothing was proposed, an item is longer than an entry may be
//   - Unknown() bool: it may have been applied or may yet be
//
// An error of Propose or Forward with none of these counts as unknown.
type Cluster interface {
	// Leads reports whether this node leads the group as far as it knows. It is called with every
	// batch of commands and must be cheap; a wrong answer costs a detour and nothing else.
	Leads(group int) bool
	// Propose has the items applied in order as part of one entry and returns when this node has
	// applied them. local[i], if not nil, is the reply.Sink for the answer of item i; local may be
	// shorter than items. Without items an entry is applied all the same, and with it the leader's
	// clock. On an unknown outcome items and local belong to the entry for good, else they are the
	// caller's again.
	Propose(ctx context.Context, group int, items [][]byte, local []any) (index uint64, err error)
	// ReadIndex returns when a read of the machine is linearizable; strict does so without trusting
	// clocks.
	ReadIndex(ctx context.Context, group int, strict bool) error
	// WaitApplied returns when this node has applied the entry at index.
	WaitApplied(ctx context.Context, group int, index uint64) error
	// Bounded returns when the state here is at most d old.
	Bounded(ctx context.Context, group int, d time.Duration) error
	// Forward hands a frame to HandleForward of the leader's server and returns its answer.
	Forward(ctx context.Context, group int, frame []byte) ([]byte, error)
	// Elapsed is how many ms have passed here since the machine's clock stood where it stands.
	Elapsed(group int) int64
	// KeepLog has about so many bytes of the log stay behind a snapshot, for nodes that come back.
	KeepLog(bytes int64)
	// LogBytes is what the group's log occupies on this node's disk.
	LogBytes(group int) int64
	// Status is what this node knows of itself and the group, Members who belongs to it.
	Status(group int) Status
	Members(group int) []Member
	// The administration of a group; only its leader can, apart from Snapshot.
	Add(ctx context.Context, group int, id, addr string) error
	Remove(ctx context.Context, group int, id string) error
	Promote(ctx context.Context, group int, id string) error
	Demote(ctx context.Context, group int, id string) error
	Transfer(ctx context.Context, group int, id string) error
	Snapshot(ctx context.Context, group int) error
}

// Status is a node's view of one group.
type Status struct {
	NodeID     string
	ClusterID  string
	Incarnate  uint64 // drawn at each start of the node
	Joined     bool   // it is a member, and has caught up since its start; see Server.Ready
	Voter      bool
	State      string // leader, follower, candidate, or shutdown
	LeaderID   string // empty if none is known
	Term       uint64
	FirstIndex uint64 // of the log
	LastIndex  uint64
	Commit     uint64
	Applied    uint64
	Contact    time.Duration // since the leader was last heard; negative if never

	// Of the newest snapshot on disk; zero if there is none.
	SnapshotIndex uint64
	SnapshotBytes int64
	LastSnapshot  time.Time

	// Of the snapshots that this node has taken since its start, asked for or not.
	SnapshotBegan  time.Time     // of the one under way; zero if none is
	SnapshotFailed bool          // the last attempt
	SnapshotTook   time.Duration // the last attempt; negative if there was none
	Snapshots      uint64

	// What was applied since the last snapshot; its bytes are those of the entries in the log.
	SinceEntries uint64
	SinceBytes   int64
}

// A Member is a node of a group's configuration.
type Member struct {
	ID      string
	Addr    string // for other nodes
	Voter   bool
	Leader  bool
	Known   bool          // the fields below are; they are the leader's knowledge
	Applied uint64        // last entry it said it applied
	Last    uint64        // last entry it said it has on disk
	Contact time.Duration // since it was last heard
}
