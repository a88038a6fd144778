package cluster

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// rpcPatience is the deadline of one message of the library; one that carries a snapshot has
	// as many times as long as it has quarters of a MiB.
	rpcPatience = 10 * time.Second
	// rpcPool is how many idle connections to a peer are kept.
	rpcPool = 3
	// rpcBytes bounds the entries of one message; a single larger entry goes alone.
	rpcBytes = 4 << 20
	// rpcEntries bounds their number.
	rpcEntries = 128
	// reachPause is how long a leader waits before it tries again to reach a node.
	reachPause = 50 * time.Millisecond
)

var (
	errSilenced      = errors.New("this node cannot go on, it sends nothing any more")
	errForeignHandOn = errors.New("leadership is handed on with its term, by another way")
	errHandOnLate    = errors.New("the term in which leadership was to be handed on is over")
	errTransportShut = errors.New("the transport is closed")
)

// transport stands between raft and the library's network transport, in both directions. For
// outgoing messages:
//
//   - The entries of a message are bounded in bytes, because every message has one deadline.
//   - A message never tells of a commit beyond the entries it speaks of. The library's receiver
//     takes min(commit, its last entry), which would commit whatever else its log ends with. Nor does
//     it tell of the commit of what is not on this node's disk, see ahead.
//   - A node that could not be reached is sent something as soon as it can be.
//   - TimeoutNow carries no term in the library, and one that comes late would depose a leader
//     who has nothing to do with it; it is sent as a call with its term.
//   - A node that cannot go on, because of its disk or anything else, goes silent, so that the
//     others elect another leader.
//   - A vote is asked for only when this node's promise to another leader has ended, and a
//     pre-vote again and again.
//
// For incoming messages:
//
//   - A heartbeat is answered at once, without raft's main loop, if it says nothing new: it is
//     from the leader this follower knows, in the current term. So a follower that is busy with
//     its disk or a snapshot does not make its leader step down. raft gets a copy. The library's
//     own short cut changes raft's state beside its main loop and is not used.
//   - A vote is kept from raft while this node has promised a leader not to vote; see promises.
//     If the leader has been silent for long, raft does not get to refuse for its sake.
//   - A snapshot is installed when no other is being made here: Restore would spoil the one, and
//     the library would take the older for the newest. raft knows its leader by then.
type transport struct {
	*raft.NetworkTransport
	id       raft.ServerID
	self     raft.ServerAddress
	handOn   func(target raft.ServerAddress, term uint64) error // sends TimeoutNow
	reach    func(target raft.ServerAddress) error              // asks whether a node is there
	fatal    func(error)
	snapshot *sync.Mutex // held while a snapshot is made or installed

	promises *promises
	patience time.Duration  // the heartbeat timeout
	durable  *atomic.Uint64 // the last index that is on this node's disk

	// In nanoseconds since began: when the leader was last heard without raft's main loop, and when
	// another node stood that has, or will have, this one's vote.
	began          time.Time
	heard, yielded atomic.Int64

	pipelines pipelines

	raft       atomic.Pointer[raft.Raft] // nil until raft runs
	silent     atomic.Bool
	installing atomic.Int32 // snapshots on their way to other nodes

	out     chan raft.RPC // what raft consumes
	beats   chan raft.RPC // copies of heartbeats, at most one waiting
	stop    chan struct{}
	stopped sync.Once
	running sync.WaitGroup

	// Of the last snapshot that was installed here; guarded by snapshot.
	installed uint64
}

var (
	_ raft.Transport   = (*transport)(nil)
	_ raft.WithPreVote = (*transport)(nil)
	_ raft.WithClose   = (*transport)(nil)
)

// newTransport starts a transport of a group that has its stores.
func newTransport(g *group, log *raftLog) *transport {
	t := &transport{
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream:  g.node.link.streams(g.number),
			MaxPool: rpcPool,
			Timeout: rpcPatience,
			Logger:  log.Named("transport"),
		}),
		id:       g.node.raftID(),
		self:     raft.ServerAddress(g.node.addr),
		handOn:   g.handOn,
		reach:    g.reach,
		fatal:    g.node.fatal,
		snapshot: &g.snapshotter.making,
		promises: newPromises(bootTime, g.node.options.LeaseTimeout, g.node.ownSilence(), g.log),
		patience: g.node.options.HeartbeatTimeout,
		durable:  &g.logs.durable,
		began:    time.Now(),
		out:      make(chan raft.RPC),
		beats:    make(chan raft.RPC, 1),
		stop:     make(chan struct{}),
	}
	t.NetworkTransport.SetHeartbeatHandler(t.heartbeat)
	t.running.Go(t.gate)
	return t
}

// LocalAddr is the address other nodes reach this one at.
func (t *transport) LocalAddr() raft.ServerAddress { return t.self }

// Consumer is where raft takes incoming messages from.
func (t *transport) Consumer() <-chan raft.RPC { return t.out }

// SetHeartbeatHandler ignores the library's own short cut.
func (t *transport) SetHeartbeatHandler(func(raft.RPC)) {}

// Close stops the transport and breaks its connections.
func (t *transport) Close() error {
	t.stopped.Do(func() { close(t.stop) })
	t.pipelines.breakAll()
	err := t.NetworkTransport.Close()
	t.CloseStreams()
	t.running.Wait()
	return err
}

// gate takes what the network brings and hands it to raft.
func (t *transport) gate() {
	for {
		select {
		case rpc := <-t.NetworkTransport.Consumer():
			switch command := rpc.Command.(type) {
			case *raft.TimeoutNowRequest:
				rpc.Respond(nil, errForeignHandOn)
			case *raft.InstallSnapshotRequest:
				t.running.Go(func() { t.install(rpc) })
			case *raft.RequestVoteRequest:
				t.vote(rpc, command.ID, refuseVote)
			case *raft.RequestPreVoteRequest:
				t.vote(rpc, command.ID, refusePreVote)
			default:
				t.deliver(rpc)
			}
		case rpc := <-t.beats:
			t.deliver(rpc)
		case <-t.stop:
			return
		}
	}
}

// deliver hands a message to raft's main loop. It reports false if the transport was closed.
func (t *transport) deliver(rpc raft.RPC) bool {
	select {
	case t.out <- rpc:
		return true
	case <-t.stop:
		return false
	}
}

// heartbeat runs on the goroutine of the connection that brought rpc.
func (t *transport) heartbeat(rpc raft.RPC) {
	beat, ok := rpc.Command.(*raft.AppendEntriesRequest)
	if !ok || !t.knows(beat) {
		if !t.deliver(rpc) {
			rpc.Respond(nil, errTransportShut)
		}
		return
	}
	t.hear()
	copied := *beat
	select {
	case t.beats <- raft.RPC{Command: &copied, RespChan: make(chan raft.RPCResponse, 1)}:
	default: // one is on its way already
	}
	rpc.Respond(&raft.AppendEntriesResponse{
		RPCHeader: t.header(),
		Term:      beat.Term,
		LastLog:   t.raft.Load().LastIndex(),
		Success:   true,
	}, nil)
}

// leadsOthers reports whether this node leads a cluster of several.
func (t *transport) leadsOthers() bool {
	r := t.raft.Load()
	return r != nil && r.State() == raft.Leader && len(r.GetConfiguration().Configuration().Servers) > 1
}

// knows reports whether a heartbeat says nothing new to this node.
func (t *transport) knows(beat *raft.AppendEntriesRequest) bool {
	r := t.raft.Load()
	if r == nil || r.CurrentTerm() != beat.Term || r.State() != raft.Follower {
		return false
	}
	addr, id := r.LeaderWithID()
	return id != "" && string(id) == string(beat.ID) && string(addr) == string(beat.Addr)
}

// install passes a snapshot on to raft once none is being made here, and waits for the outcome.
func (t *transport) install(rpc raft.RPC) {
	t.snapshot.Lock()
	defer t.snapshot.Unlock()
	request := rpc.Command.(*raft.InstallSnapshotRequest)
	answer := make(chan raft.RPCResponse, 1)
	if !t.follow(request) || !t.deliver(raft.RPC{Command: request, Reader: rpc.Reader, RespChan: answer}) {
		rpc.Respond(nil, errTransportShut)
		return
	}
	select {
	case a := <-answer:
		t.noteInstalled(request.LastLogIndex, a)
		rpc.Respond(a.Response, a.Error)
	case <-t.stop:
		rpc.Respond(nil, errTransportShut)
	}
}

// follow makes raft the follower of the leader that sends a snapshot, with a heartbeat in front of
// it. A candidate would stay one while it installs, and its heartbeats would not be answered then.
// It reports false if the transport was closed.
func (t *transport) follow(request *raft.InstallSnapshotRequest) bool {
	beat := &raft.AppendEntriesRequest{RPCHeader: request.RPCHeader, Term: request.Term, Leader: request.Leader}
	if t.knows(beat) {
		return true
	}
	answer := make(chan raft.RPCResponse, 1)
	if !t.deliver(raft.RPC{Command: beat, RespChan: answer}) {
		return false
	}
	select {
	case <-answer:
		return true
	case <-t.stop:
		return false
	}
}

// noteInstalled ends the process when a snapshot of the same index was installed a second time in
// a row: the library has lost track of where its log ends and would go on like that; a start from
// the disk mends it.
func (t *transport) noteInstalled(index uint64, a raft.RPCResponse) {
	resp, ok := a.Response.(*raft.InstallSnapshotResponse)
	if !ok || !resp.Success || a.Error != nil {
		return
	}
	if t.installed == index {
		t.fatal(&startAgain{fmt.Errorf("the snapshot of index %d was installed twice in a row", index)})
	}
	t.installed = index
}

// takeHandOn stands for election because the leader of term asked this node to.
func (t *transport) takeHandOn(term uint64) error {
	r := t.raft.Load()
	if r == nil || r.CurrentTerm() != term {
		return errHandOnLate
	}
	answer := make(chan raft.RPCResponse, 1)
	ask := raft.RPC{Command: &raft.TimeoutNowRequest{RPCHeader: t.header()}, RespChan: answer}
	for sent := false; !sent; {
		// raft's main loop may be busy for long, and obeys whatever the term then is.
		if r.CurrentTerm() != term {
			return errHandOnLate
		}
		select {
		case t.out <- ask:
			sent = true
		case <-time.After(boundPoll):
		case <-t.stop:
			return errTransportShut
		}
	}
	select {
	case a := <-answer:
		return a.Error
	case <-t.stop:
		return errTransportShut
	}
}

// header is what every message of the library begins with.
func (t *transport) header() raft.RPCHeader {
	return raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(t.id), Addr: []byte(t.self)}
}

// TimeoutNow asks another node to stand for election.
func (t *transport) TimeoutNow(_ raft.ServerID, target raft.ServerAddress, _ *raft.TimeoutNowRequest,
	_ *raft.TimeoutNowResponse) error {
	r := t.raft.Load()
	term := r.CurrentTerm()
	// The term is this node's own if it led between two looks that saw the same term.
	if r.State() != raft.Leader || r.CurrentTerm() != term {
		return raft.ErrNotLeader
	}
	return t.handOn(target, term)
}

// AppendEntries sends entries or a heartbeat.
func (t *transport) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest,
	resp *raft.AppendEntriesResponse) error {
	if t.silent.Load() {
		return errSilenced
	}
	boundEntries(args, t.durable.Load())
	err := t.NetworkTransport.AppendEntries(id, target, args, resp)
	if err != nil && !isHeartbeat(args) {
		t.awaitPeer(id, target, args.Term)
	}
	return err
}

// isHeartbeat reports whether a message is one of those that raft sends beside its replication.
func isHeartbeat(args *raft.AppendEntriesRequest) bool {
	return args.PrevLogEntry == 0 && args.LeaderCommitIndex == 0 && len(args.Entries) == 0
}

// awaitPeer waits until a node to which something could not be sent can be reached, as long as
// this one leads and the membership has the other there. raft doubles its pause with each failure,
// up to ten seconds, in which a node that is back gets nothing; so each outage is one failure.
func (t *transport) awaitPeer(id raft.ServerID, target raft.ServerAddress, term uint64) {
	r := t.raft.Load()
	for r.State() == raft.Leader && r.CurrentTerm() == term && !t.silent.Load() {
		there := slices.ContainsFunc(r.GetConfiguration().Configuration().Servers, func(s raft.Server) bool {
			return s.ID == id && s.Address == target
		})
		if !there || t.reach(target) == nil {
			return
		}
		select {
		case <-time.After(reachPause):
		case <-t.stop:
			return
		}
	}
}

// InstallSnapshot sends a snapshot.
func (t *transport) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest,
	resp *raft.InstallSnapshotResponse, data io.Reader) error {
	err := func() error {
		t.installing.Add(1)
		defer t.installing.Add(-1)
		return t.NetworkTransport.InstallSnapshot(id, target, args, resp, data)
	}()
	if err != nil {
		t.awaitPeer(id, target, args.Term)
	}
	return err
}

// boundEntries cuts a message down to rpcBytes, at least one entry, and the commit that it tells of to
// its entries and what is durable here. The library looks at the message afterwards to see how far it
// went, and sends the rest next.
func boundEntries(args *raft.AppendEntriesRequest, durable uint64) {
	bytes := 0
	for i, e := range args.Entries {
		bytes += len(e.Data)
		if i > 0 && bytes > rpcBytes {
			clear(args.Entries[i:])
			args.Entries = args.Entries[:i]
			break
		}
	}
	if args.LeaderCommitIndex == 0 {
		return
	}
	last := args.PrevLogEntry
	if n := len(args.Entries); n > 0 {
		last = args.Entries[n-1].Index
	}
	args.LeaderCommitIndex = min(args.LeaderCommitIndex, last, durable)
}
