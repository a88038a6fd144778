package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// group is one replicated log with its Machine on this node.
//
// docs/threads.md lists its goroutines. They are started with spawn, end with ctx, and stop waits
// for them.
type group struct {
	node    *Node
	number  int
	machine Machine
	log     *slog.Logger

	logs      *logStore
	stable    *stableStore
	snapshots *snapshotStore
	transport *transport
	raft      *raft.Raft

	applier     *applier
	proposer    *proposer
	progress    *progress
	reads       *reads
	leases      *leases
	snapshotter *snapshotter
	peers       peers

	office     atomic.Pointer[office] // nil while another node leads, or none
	notices    chan bool              // raft's notices of leadership
	membership sync.Mutex             // one change of the membership at a time
	settings   sync.Mutex             // one change of raft's settings at a time
	member     atomic.Bool            // the applied membership has had this node in it
	removed    atomic.Bool            // and has it no longer

	ctx     context.Context
	cancel  context.CancelFunc
	mu      sync.Mutex // guards stopped
	stopped bool
	running sync.WaitGroup
}

// openGroup opens the stores of a group and starts raft on them.
func openGroup(n *Node, number int, machine Machine) (*group, error) {
	g := &group{
		node:     n,
		number:   number,
		machine:  machine,
		log:      n.log.With("group", number),
		progress: newProgress(),
		notices:  make(chan bool, 16),
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.proposer = newProposer(g)
	g.reads = newReads(g)
	g.leases = newLeases(g)
	g.snapshotter = newSnapshotter(g)
	g.applier = &applier{group: g, machine: machine}
	if err := g.open(); err != nil {
		g.cancel()
		_ = g.closeStores()
		return nil, err
	}
	return g, nil
}

func (g *group) open() error {
	dir := g.node.dir.group(g.number)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	lines := newRaftLog(g.log, "raft")
	var err error
	if g.stable, err = openStableStore(filepath.Join(dir, "stable.db"), newDisk(g.node.fatal)); err != nil {
		return err
	}
	id := g.node.dir.identity()
	disk := newDisk(g.node.fatal)
	if g.node.options.files != nil {
		disk.files = g.node.options.files(disk.files)
	}
	if g.logs, err = openLogStore(id.LogStore, filepath.Join(dir, "log"), lines, disk); err != nil {
		return err
	}
	g.logs.stored = g.node.options.Stored
	if g.node.options.disk != nil {
		g.logs.closableLog = g.node.options.disk(g.logs.closableLog)
	}
	if g.snapshots, err = openSnapshotStore(dir, lines); err != nil {
		return err
	}
	config := g.config(lines)
	if err := g.checkState(config, id); err != nil {
		return err
	}
	g.transport = newTransport(g, lines)
	g.logs.leads = g.transport.leadsOthers
	g.raft, err = raft.NewRaft(config, g.applier, g.logs, g.stable, g.snapshots, g.transport)
	if err != nil {
		_ = g.transport.Close()
		return fmt.Errorf("starting raft: %w", err)
	}
	g.transport.raft.Store(g.raft)
	g.applier.started.Store(true)
	if voters := g.voters(); len(voters) == 1 && voters[0].ID == g.node.raftID() {
		return g.hasten() // no leader can be there to wait for
	}
	return nil
}

// config is the library's configuration. Snapshots are made when the snapshotter says so, never
// by the library itself.
func (g *group) config(lines *raftLog) *raft.Config {
	o := &g.node.options
	c := raft.DefaultConfig()
	c.LocalID = g.node.raftID()
	c.HeartbeatTimeout = o.HeartbeatTimeout
	c.ElectionTimeout = o.ElectionTimeout
	c.LeaderLeaseTimeout = o.HeartbeatTimeout - time.Millisecond
	c.CommitTimeout = o.CommitTimeout
	c.MaxAppendEntries = rpcEntries
	c.ShutdownOnRemove = false
	c.SnapshotInterval = 24 * time.Hour
	c.SnapshotThreshold = math.MaxUint64
	c.TrailingLogs = trailingLeast
	c.NotifyCh = g.notices
	c.Logger = lines
	c.NoLegacyTelemetry = true
	return c
}

// checkState compares what the stores hold with what node.json says, and writes the first entry
// of a new cluster.
func (g *group) checkState(config *raft.Config, id identity) error {
	some, err := raft.HasExistingState(g.logs, g.stable, g.snapshots)
	if err != nil {
		return err
	}
	switch {
	case id.Founding:
		if !some {
			self := raft.Server{ID: g.node.raftID(), Address: raft.ServerAddress(g.node.addr)}
			err = raft.BootstrapCluster(config, g.logs, g.stable, g.snapshots, &transport{},
				raft.Configuration{Servers: []raft.Server{self}})
			if err != nil {
				return fmt.Errorf("beginning a cluster: %w", err)
			}
		}
		return g.node.dir.save(func(id *identity) { id.Founding = false })
	case !some && !id.Joining:
		return fmt.Errorf("directory %s is of node %s of cluster %s, but its log is gone; "+
			"to let the node join anew, remove the directory and this id from the cluster",
			g.node.dir.path, id.NodeID, id.ClusterID)
	default:
		return nil
	}
}

// start runs the group's own goroutines.
func (g *group) start() {
	if _, ok := g.server(g.node.id); ok {
		g.member.Store(true)
	} else if len(g.servers()) > 0 && !g.node.dir.identity().Joining {
		g.noteRemoved()
	}
	g.spawn(g.watchLeadership)
	g.spawn(g.proposer.run)
	g.spawn(g.snapshotter.run)
	g.spawn(g.keep)
	g.spawn(g.leases.run)
	g.spawn(g.watchLeader)
	g.spawn(g.settleIn)
}

// spawn runs f on a goroutine that stop waits for. It reports false once the group is stopping.
func (g *group) spawn(f func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return false
	}
	g.running.Go(f)
	return true
}

// watchLeadership drains raft's notices; raft waits for it, so it never waits for raft.
func (g *group) watchLeadership() {
	for {
		select {
		case leads := <-g.notices:
			if old := g.office.Swap(nil); old != nil {
				old.end()
			}
			if leads {
				g.office.Store(newOffice(g.node.options.Wall))
			}
			g.proposer.rouse()
		case <-g.ctx.Done():
			if old := g.office.Swap(nil); old != nil {
				old.end()
			}
			return
		}
	}
}

// history reports whether any command was ever put in the log, and the newest stamp known.
func (g *group) history() (begun bool, stamp int64, err error) {
	stamp = g.machine.Clock()
	l, ok, err := g.logs.lastCommand()
	if err != nil {
		return false, 0, fmt.Errorf("reading the log: %w", err)
	}
	if ok {
		if head, _, err := decodeEntry(l.Data, nil); err == nil {
			stamp = max(stamp, head.stamp)
		}
	}
	return ok || stamp != 0, stamp, nil
}

// leader is the cluster address and id of the leader; empty if none is known.
func (g *group) leader() (addr, id string) {
	if g.raft == nil {
		return "", ""
	}
	a, i := g.raft.LeaderWithID()
	return string(a), string(i)
}

// notLeader is the error of something that only the leader does.
func (g *group) notLeader() error {
	addr, id := g.leader()
	if id == g.node.id {
		return &notLeader{} // about to lead, or just deposed
	}
	return &notLeader{id: id, addr: addr}
}

// elapsed is by how many ms the present is ahead of the Machine's clock.
func (g *group) elapsed() int64 {
	if o := g.office.Load(); o != nil {
		if now := o.now(); now != 0 {
			return max(0, now-g.machine.Clock())
		}
	}
	if last := g.applier.clockAt.Load(); last != nil {
		return time.Since(last.at).Milliseconds()
	}
	return 0
}

// handOver hands leadership to another voter, if there is one, before this node stops.
func (g *group) handOver(ctx context.Context) {
	if g.raft.State() != raft.Leader || len(g.voters()) < 2 || ctx.Err() != nil {
		return
	}
	if err := g.transfer(ctx, ""); err != nil {
		g.log.Warn("leadership could not be handed on before stopping", "error", err)
	}
}

// stop ends the group's goroutines and closes its stores.
func (g *group) stop() error {
	g.proposer.close()
	g.drain(time.Second)
	g.mu.Lock()
	g.stopped = true
	g.mu.Unlock()
	g.cancel()
	down := g.raft.Shutdown()
	_ = g.transport.Close() // or raft would wait for answers that do not come
	err := down.Error()
	g.proposer.giveUp()
	g.await(time.Second)
	return errors.Join(err, g.closeStores())
}

// drain waits until no entry is on its way, at most d.
func (g *group) drain(d time.Duration) {
	deadline := time.Now().Add(d)
	for g.proposer.flying() && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
}

// await waits for the group's goroutines, at most d: raft may never answer for an entry that it
// was applying when it stopped, and the proposer would wait for that.
func (g *group) await(d time.Duration) {
	ended := make(chan struct{})
	go func() {
		g.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(d):
	}
}

// closeStores closes whatever stores were opened.
func (g *group) closeStores() error {
	var err error
	if g.logs != nil {
		err = g.logs.Close()
	}
	if g.stable != nil {
		err = errors.Join(err, g.stable.close())
	}
	return err
}
