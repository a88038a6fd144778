package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// Node is this process's part in a cluster: one directory, one port, and the groups it hosts.
// Its methods may be called from any goroutine until Close.
type Node struct {
	options Options
	id      string
	addr    string // of the cluster port, as others are told
	dir     *directory
	link    *link
	calls   caller
	log     *slog.Logger
	failed  sync.Once

	trailing atomic.Int64 // see KeepLog

	hosted atomic.Pointer[[]*group] // nil until they run
}

// Open starts a node on its directory: it resumes what the directory holds, joins a cluster, or
// begins one. Joining is tried until it works or ctx ends; an error means that it cannot work or
// that something here is wrong. The caller has to Close the node.
func Open(ctx context.Context, o Options) (*Node, error) {
	if err := o.settle(); err != nil {
		return nil, err
	}
	dir, err := openDirectory(&o)
	if err != nil {
		return nil, err
	}
	n := &Node{options: o, dir: dir, id: dir.identity().NodeID}
	n.trailing.Store(trailingBytes)
	n.log = o.Log.With("node", n.id[:min(8, len(n.id))])
	if err := n.start(ctx); err != nil {
		_ = n.stop() // the first error is the one to tell
		return nil, err
	}
	return n, nil
}

// start brings up the port, then the membership, then the group.
func (n *Node) start(ctx context.Context) error {
	if err := n.bind(); err != nil {
		return err
	}
	if err := n.belong(ctx); err != nil {
		return err
	}
	if err := n.recordLease(); err != nil {
		return err
	}
	g, err := openGroup(n, 0, n.options.Machine)
	if err != nil {
		return err
	}
	n.hosted.Store(&[]*group{g})
	g.start()
	return nil
}

// recordLease makes node.json say how long the promises of this node may last, before it gives one.
// A record of longer ones is left as it is: they are kept first, see group.settled.
func (n *Node) recordLease() error {
	own := n.options.LeaseTimeout.Milliseconds()
	if n.dir.identity().LeaseMS >= own {
		return nil
	}
	return n.dir.save(func(id *identity) { id.LeaseMS = own })
}

// ownSilence is for how long a promise of before the start may bind this node.
func (n *Node) ownSilence() time.Duration {
	return time.Duration(n.dir.identity().LeaseMS) * time.Millisecond
}

// bind opens the cluster port.
func (n *Node) bind() error {
	var err error
	n.link, err = listen(linkOptions{
		listen:    n.options.Listen,
		advertise: n.advertise(),
		nodeID:    n.id,
		clusterID: func() string { return n.dir.identity().ClusterID },
		secret:    n.options.Secret,
		secure:    n.options.TLS,
		socket:    n.options.Socket,
		handle:    n.handle,
		expect:    n.expect,
		express:   func(kind byte) bool { return kind != callForward && kind != callMember },
		log:       n.log,
		dial:      n.options.dial,
	})
	if err != nil {
		return err
	}
	n.calls = n.link
	n.addr = n.link.addr()
	if n.options.bound != nil {
		n.options.bound(n.addr)
	}
	return nil
}

// belong makes sure that the directory is that of a member of a cluster.
func (n *Node) belong(ctx context.Context) error {
	known := n.dir.identity().ClusterID != ""
	switch {
	case known && n.options.Join != nil:
		return n.checkJoin(ctx)
	case known:
		return nil
	case n.options.Join != nil:
		return n.join(ctx)
	default:
		return n.found()
	}
}

// advertise is the address others are told, or empty for the one that is bound. A node that
// listens everywhere and was told nothing better calls itself by the loopback address until it
// is started with another.
func (n *Node) advertise() string {
	if n.options.Advertise != "" {
		return n.options.Advertise
	}
	host, port, err := net.SplitHostPort(n.options.Listen)
	if err != nil || port == "0" {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return ""
}

// expect is the id of the node that the membership has at addr, or empty.
func (n *Node) expect(addr string) string {
	for _, g := range n.groups() {
		for _, s := range g.servers() {
			if string(s.Address) == addr {
				return string(s.ID)
			}
		}
	}
	return ""
}

// found makes the empty directory that of a new cluster. The group's store is filled when it is
// opened; until that is done the directory says so, and a crash in between does no harm.
func (n *Node) found() error {
	return n.dir.save(func(id *identity) {
		id.ClusterID = randomID()
		id.Founding = true
		id.ClusterAddr = n.addr
		id.ClientAddr = n.options.ClientAddr
	})
}

// firstItems are the items that begin a cluster's history.
func (n *Node) firstItems() [][]byte {
	items := n.options.First()
	if item := n.options.NodeItem(n.id, n.options.ClientAddr); item != nil {
		items = append(items, item)
	}
	return items
}

func (n *Node) groups() []*group {
	if p := n.hosted.Load(); p != nil {
		return *p
	}
	return nil
}

// group is the group with a number, if this process hosts it.
func (n *Node) group(number int) (*group, error) {
	groups := n.groups()
	if number < 0 || number >= len(groups) {
		return nil, errNoGroup
	}
	return groups[number], nil
}

func (n *Node) raftID() raft.ServerID { return raft.ServerID(n.id) }

// fatal ends this node's part for good, once. It leads no longer from now on, even if the process
// takes a while to end: nothing is sent to followers any more, and no lease is valid.
func (n *Node) fatal(err error) {
	for _, g := range n.groups() {
		g.transport.silent.Store(true)
	}
	n.failed.Do(func() {
		n.log.Error("this node cannot go on", "error", err)
		n.options.Fatal(err)
	})
}

// ID is this node's id.
func (n *Node) ID() string { return n.id }

// ClusterID is the id of the cluster this node is a member of.
func (n *Node) ClusterID() string { return n.dir.identity().ClusterID }

// Addr is the address of the cluster port, as other nodes are told.
func (n *Node) Addr() string { return n.addr }

// Propose puts items into the log of a group as part of one entry and returns the entry's index
// when it has been applied on this node. local[i] is the sink of item i; it may be shorter than
// items, or nil.
//
// items and the sinks belong to the entry until Propose returns; if it returns an error with
// Unknown(), items still do, for good, but no sink is touched any more. Every other error means
// that nothing was and nothing will be applied.
func (n *Node) Propose(ctx context.Context, number int, items [][]byte, local []any) (uint64, error) {
	g, err := n.group(number)
	if err != nil {
		return 0, err
	}
	return g.proposer.propose(ctx, items, local)
}

// ReadIndex returns when this node's state covers everything that was acknowledged anywhere in
// the cluster before the call. strict asks for a proof that relies on no clock. Any node may ask.
func (n *Node) ReadIndex(ctx context.Context, number int, strict bool) error {
	g, err := n.group(number)
	if err != nil {
		return err
	}
	return g.reads.linearizable(ctx, strict)
}

// WaitApplied returns when the entry at index has been applied on this node.
func (n *Node) WaitApplied(ctx context.Context, number int, index uint64) error {
	g, err := n.group(number)
	if err != nil {
		return err
	}
	return g.progress.wait(ctx, index)
}

// Bounded returns when this node's state is at most d old.
func (n *Node) Bounded(ctx context.Context, number int, d time.Duration) error {
	g, err := n.group(number)
	if err != nil {
		return err
	}
	return g.reads.bounded(ctx, d)
}

// Leads reports whether this node leads the group and has applied a command of its term, as far as
// it knows. It costs next to nothing, and proves nothing to a reader.
func (n *Node) Leads(number int) bool {
	g, err := n.group(number)
	if err != nil {
		return false
	}
	o := g.office.Load()
	return o != nil && o.term.Load() != 0
}

// Elapsed is by how many ms the present is ahead of the Machine's clock: on the leader by its own
// stamps, elsewhere by the time since the last stamp was applied.
func (n *Node) Elapsed(number int) int64 {
	g, err := n.group(number)
	if err != nil {
		return 0
	}
	return g.elapsed()
}

// Close hands leadership on, if this node leads, and stops. ctx bounds only the former.
func (n *Node) Close(ctx context.Context) error {
	for _, g := range n.groups() {
		g.handOver(ctx)
	}
	return n.stop()
}

// stop ends everything that start began, in the opposite order.
func (n *Node) stop() error {
	var first error
	for _, g := range n.groups() {
		if err := g.stop(); err != nil && first == nil {
			first = err
		}
	}
	if n.link != nil {
		n.link.close()
	}
	n.dir.close()
	if first != nil {
		return fmt.Errorf("stopping: %w", first)
	}
	return nil
}

// architecture is what all nodes of a cluster have in common, or floating-point results could
// differ between them.
const architecture = runtime.GOARCH
