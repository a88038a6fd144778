// Package cluster replicates opaque entries over the nodes of a cluster with hashicorp/raft and
// applies them, in one order, to each node's Machine.
//
// # The way of a write
//
// Propose puts items into the flight that is being filled: the next entry of the log. One
// goroutine, the proposer, takes the flight when the entry before it has been applied, stamps it
// with the leader's clock and a seed, and is the only caller of raft.Apply. When the entry is
// committed the applier decodes it, checks its checksum, finds the flight by the identity in the
// entry's head, hands items and sinks to the Machine and wakes everybody who waited on the
// flight, all at once. So under load one entry, one fsync and one wake-up serve many sessions.
//
// # What a caller may rely on
//
// A nil error of Propose means: applied, on this node, exactly once. An error with Unknown()
// means that nobody can tell; every other error means that nothing was and nothing will be
// applied. Whoever removes a flight from the claims under the proposer's mutex decides its fate,
// and the Machine never sees a sink after that.
//
// # Reads
//
// ReadIndex proves that no newer leader existed when the read arrived: by the lease that a majority
// of the voters has promised, or, without one and for strict reads, by asking a majority for their
// term after that moment; one such round serves all reads that wait for it.
// A follower puts one question to the leader for all its waiting reads. Then the read waits
// until the Machine has applied what was committed. The library's own notions of leadership
// (State, VerifyLeader, LastContact) are never proof enough.
//
// # What hashicorp/raft is not trusted with
//
// The library sits between wrappers that each close a hole of it: transport (heartbeats,
// leadership transfer, sizes of messages), logStore (limits, the leader's disk, failures that must stop the
// process), stableStore (a vote is written as one), snapshotStore (never goes back). Their
// comments give the reasons.
//
// docs/threads.md lists the goroutines, docs/formats/entry.md the bytes of an entry.
package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/hashicorp/raft-wal/types"
)

// Machine is the replicated state that entries are applied to. Apply, Skip, Snapshot and Restore
// are called from one goroutine at a time; the others may be called from any goroutine at any
// time.
type Machine interface {
	// Apply runs one committed entry: items in order, with the leader's stamp (ms since the epoch)
	// and a random seed. local[i] is the sink that Propose was handed for item i if this node
	// proposed the entry and its session still waits, and nil otherwise. items and local are only
	// valid during the call. A panic stops the node.
	Apply(index, term uint64, stamp int64, seed uint64, items [][]byte, local []any)
	// Skip moves the applied index over an entry that is none of the Machine's business.
	Skip(index, term uint64)
	// Applied is the index and term of the last entry applied or skipped.
	Applied() (index, term uint64)
	// Clock is the last stamp in ms, 0 if there has been none.
	Clock() int64
	// Due is the earliest moment, as a stamp in ms, at which the Machine wants an entry even if
	// nobody proposes one; 0 for none.
	Due() int64
	// Snapshot freezes the state. write may be called while Apply goes on, once; release is called
	// exactly once, whether or not write was.
	Snapshot() (write func(io.Writer) error, release func(), err error)
	// Restore replaces the state, index, term and clock included, by what write once wrote.
	Restore(io.Reader) error
}

// Options is what a node is told at its start.
type Options struct {
	// Dir is the data directory. It is created if need be, and used by one process at a time.
	Dir string
	// NodeID names this node in the cluster for all time. Empty: read from Dir, or drawn.
	NodeID string
	// Listen is the address the cluster port is bound to, and Advertise the one that other nodes
	// are told. Advertise may be empty: the bound address.
	Listen, Advertise string
	// ClientAddr is this node's address for clients, as told to others.
	ClientAddr string
	// Secret is the key with which nodes prove that they belong together.
	Secret []byte
	// TLS gives the configurations of the cluster port, of the side that listens and of the one that
	// dials, and is asked for them with each connection, so they may change. Both sides have to verify
	// the other's certificate. nil, or what gives nil: without TLS. The secret is proved in any case.
	TLS func() (listen, dial *tls.Config)
	// Socket is given each connection of the cluster port, TLS or not, before anything is sent, and gives
	// what is used in its place. nil: the connection itself.
	Socket func(net.Conn) net.Conn
	// LogStore is "wal" or "boltdb"; empty: what Dir holds, or wal.
	LogStore string
	// MaxItemBytes bounds the items of one proposal taken together. 0: 16 MiB; at most 48 MiB.
	MaxItemBytes int
	// QueueBytes bounds what waits to be proposed. 0: 64 MiB.
	QueueBytes int
	// InFlight is how many entries may be on their way at once. 0: one.
	InFlight int
	// SnapshotEntries and SnapshotBytes say how much may be applied since the last snapshot before
	// another one is made. 0: 500,000 and 256 MiB.
	SnapshotEntries uint64
	SnapshotBytes   int64
	// HeartbeatTimeout is how long a follower waits for its leader, ElectionTimeout how long a
	// candidate waits for votes. 0: 300 ms; ElectionTimeout is never less than HeartbeatTimeout.
	HeartbeatTimeout, ElectionTimeout time.Duration
	// LeaseTimeout is how long voters promise a leader not to vote for another. 0: 300 ms; never
	// more than HeartbeatTimeout. A leader whose LeaseTimeout is longer than a voter's gets no
	// promise of that one.
	LeaseTimeout time.Duration
	// CommitTimeout is how long after a commit an idle leader tells its followers. 0: 4 ms.
	CommitTimeout time.Duration
	// Join finds the cluster port of a member of the cluster to join. nil: an empty Dir becomes a
	// cluster of one. On a Dir that belongs to a cluster already it only serves to check that it
	// is the same one.
	Join func(ctx context.Context) (clusterAddr string, err error)
	// Replica makes a joining node a lasting non-voter.
	Replica bool
	// Machine is the state of group 0.
	Machine Machine
	// Handle answers a frame that another node has forwarded to this one, the leader.
	Handle func(ctx context.Context, group int, from string, frame []byte) []byte
	// NodeItem builds the item that records a node's address for clients, ForgetItem the one that
	// removes it, and First those that begin a new cluster's history. All may be nil.
	NodeItem   func(id, clientAddr string) []byte
	ForgetItem func(id string) []byte
	First      func() [][]byte
	// Fatal is called once, when this node can no longer be trusted to follow the log; the process
	// has to end. Nothing is applied after that. It must not call Close, which would wait for it. An
	// error with StartAgain() means that another start on the same Dir is all that is needed.
	Fatal func(error)
	// Stored is told how long each write of entries to the log on this node's disk took, sync included. nil: nobody.
	Stored func(time.Duration)
	// Wall reads the wall clock, which the stamps of a leader lean towards. nil: time.Now.
	Wall func() time.Time
	// Log takes what an operator should see. nil: nothing is logged.
	Log *slog.Logger

	// Only for tests: the way out instead of TCP, who is told the bound address, what stands between
	// the log store and its disk, the file system of the log, and another storeLimit.
	dial  func(ctx context.Context, addr string) (net.Conn, error)
	bound func(addr string)
	disk  func(closableLog) closableLog
	files func(types.VFS) types.VFS
	stuck time.Duration
}

// Figures that no user needs to change.
const (
	// entrySoftLimit is the size in bytes beyond which nothing is added to an entry: larger ones
	// take so long to send that heartbeats suffer. A larger proposal goes alone.
	entrySoftLimit = 512 << 10
	// itemLimitDefault and itemLimitMax bound Options.MaxItemBytes.
	itemLimitDefault = 16 << 20
	itemLimitMax     = 48 << 20
	// storedLimit is the size in bytes beyond which the log store refuses an entry: raft-wal takes
	// one over 64 MiB without an error and can never read it again.
	storedLimit = 56 << 20
	// queueDefault bounds in bytes what waits to be proposed.
	queueDefault = 64 << 20
	// proposalLimit is how long a proposal may take before its fate is declared unknown.
	proposalLimit = 10 * time.Second
	// storeLimit is how long a write of the log, a term or a vote may hang before the node gives up.
	storeLimit = 10 * time.Second

	heartbeatLeast         = 20 * time.Millisecond
	heartbeatDefault       = 300 * time.Millisecond
	leaseDefault           = 300 * time.Millisecond
	commitDefault          = 4 * time.Millisecond
	snapshotEntriesDefault = 500_000
	snapshotBytesDefault   = 256 << 20
)

// settle checks the options and fills in the defaults.
func (o *Options) settle() error {
	if o.Dir == "" || o.Machine == nil || o.Listen == "" {
		return errors.New("cluster: Dir, Listen and Machine are required")
	}
	if o.LogStore != "" && o.LogStore != logWAL && o.LogStore != logBolt {
		return fmt.Errorf("log store %q: want %s or %s", o.LogStore, logWAL, logBolt)
	}
	if o.MaxItemBytes < 0 || o.MaxItemBytes > itemLimitMax {
		return fmt.Errorf("max-item-bytes is at most %d", itemLimitMax)
	}
	if o.HeartbeatTimeout != 0 && o.HeartbeatTimeout < heartbeatLeast {
		return fmt.Errorf("a heartbeat timeout of %v: at least %v", o.HeartbeatTimeout, heartbeatLeast)
	}
	fill(&o.MaxItemBytes, itemLimitDefault)
	fill(&o.QueueBytes, queueDefault)
	fill(&o.InFlight, 1)
	fill(&o.SnapshotEntries, snapshotEntriesDefault)
	fill(&o.SnapshotBytes, snapshotBytesDefault)
	fill(&o.HeartbeatTimeout, heartbeatDefault)
	fill(&o.ElectionTimeout, o.HeartbeatTimeout)
	o.ElectionTimeout = max(o.ElectionTimeout, o.HeartbeatTimeout)
	fill(&o.LeaseTimeout, leaseDefault)
	o.LeaseTimeout = min(o.LeaseTimeout, o.HeartbeatTimeout)
	fill(&o.CommitTimeout, commitDefault)
	fill(&o.stuck, storeLimit)
	o.silence()
	return nil
}

// silence gives what the node calls, and was not told, something that does nothing.
func (o *Options) silence() {
	if o.NodeItem == nil {
		o.NodeItem = func(string, string) []byte { return nil }
	}
	if o.ForgetItem == nil {
		o.ForgetItem = func(string) []byte { return nil }
	}
	if o.First == nil {
		o.First = func() [][]byte { return nil }
	}
	if o.Fatal == nil {
		o.Fatal = func(error) {}
	}
	if o.Stored == nil {
		o.Stored = func(time.Duration) {}
	}
	if o.Wall == nil {
		o.Wall = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// fill gives *v its default if it is not set.
func fill[T int | int64 | uint64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}
