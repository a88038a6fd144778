package cluster

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// proposer turns proposals into entries: it fills flights, sends them one after the other, and
// sees to it that each gets a fate.
//
// Its goroutine, run, is the only caller of raft.Apply. Sessions add to the last flight of the
// queue; the applier claims flights whose entries come out of the log; the keeper gives up those
// that take too long. The mutex guards the queue, the claims and the flights in both.
type proposer struct {
	group       *group
	origin      uint64 // this node, as entries name it
	incarnation uint64 // drawn at each start: a claim from before it cannot be mistaken for one
	wake        chan struct{}
	slots       chan struct{} // one place for each entry on its way, if there may be several

	mu       sync.Mutex
	queue    []*flight          // not sent yet, in order
	queued   int                // bytes in queue
	pending  map[uint64]*flight // sent or lost, by sequence: the claims
	lost     int                // how many of pending are lost
	sequence uint64             // of the last flight that was sent
	passedTo uint64             // the last index that came out of the log
	restored uint64             // the last index that came with a snapshot instead
	idle     bool               // run sleeps until it is woken
	gather   gathering
	closed   bool
	handOn   handOnWatch
}

func newProposer(g *group) *proposer {
	return &proposer{
		group:       g,
		origin:      originOf(g.node.id),
		incarnation: rand.Uint64(),
		wake:        make(chan struct{}, 1),
		slots:       make(chan struct{}, g.node.options.InFlight),
		pending:     map[uint64]*flight{},
	}
}

// propose adds items to the log and returns when they have been applied on this node, with the
// index of their entry.
func (p *proposer) propose(ctx context.Context, items [][]byte, local []any) (uint64, error) {
	bytes := 0
	for _, item := range items {
		bytes += len(item)
	}
	if limit := p.group.node.options.MaxItemBytes; bytes > limit {
		return 0, &tooLarge{bytes, limit}
	}
	if p.group.office.Load() == nil {
		return 0, p.group.notLeader()
	}
	f, at, err := p.enqueue(items, local, bytes)
	if err != nil {
		return 0, err
	}
	select {
	case <-f.done:
		return f.index, f.err
	case <-ctx.Done():
		return p.abandon(ctx, f, at, len(items))
	}
}

// enqueue adds a proposal to the last flight in the queue, or to a new one, and returns the
// flight and the place in it.
func (p *proposer) enqueue(items [][]byte, local []any, bytes int) (*flight, int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, 0, p.group.notLeader()
	}
	if p.queued > 0 && p.queued+bytes > p.group.node.options.QueueBytes {
		return nil, 0, errQueueFull
	}
	n := len(p.queue)
	if n == 0 || !p.queue[n-1].fits(bytes) {
		p.queue = append(p.queue, newFlight())
		n++
	}
	f := p.queue[n-1]
	at := f.add(items, local, bytes)
	p.queued += bytes
	if !p.gather.pausing || p.gather.enough(p.writersLocked()) {
		p.rouseLocked()
	}
	return f, at, nil
}

// rouse wakes run to look at the state of things.
func (p *proposer) rouse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rouseLocked()
}

func (p *proposer) rouseLocked() {
	if !p.idle {
		return
	}
	p.idle, p.gather.pausing = false, false
	p.wake <- struct{}{} // has a place: only an idle run is roused, once
}

// abandon takes a session's sinks out of a flight because its context has ended. If the applier
// has the flight already, the outcome is a moment away and is waited for.
func (p *proposer) abandon(ctx context.Context, f *flight, at, n int) (uint64, error) {
	p.mu.Lock()
	if f.state >= flightTaken {
		p.mu.Unlock()
		<-f.done
		return f.index, f.err
	}
	clear(f.local[at : at+n])
	p.mu.Unlock()
	return 0, &unknown{context.Cause(ctx)}
}

// run sends flights until the proposer is closed.
func (p *proposer) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		f, o, sleep, ok := p.next()
		switch {
		case !ok:
			return
		case f != nil:
			started := time.Now()
			p.send(f, o)
			p.landed(f, started)
		default:
			timer.Reset(sleep)
			select {
			case <-p.wake:
			case <-timer.C:
				p.awake()
			}
		}
	}
}

// awake notes that run is up although nobody woke it.
func (p *proposer) awake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.idle {
		<-p.wake // somebody did after all
	}
	p.idle, p.gather.pausing = false, false
}

// next decides what run does: send f in office o, or sleep unless roused, or, if not ok, end.
func (p *proposer) next() (f *flight, o *office, sleep time.Duration, ok bool) {
	o = p.group.office.Load()
	sleep = time.Hour
	tick := false
	if o != nil && o.opened.Load() {
		tick, sleep = o.tick(p.group.machine.Due())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, nil, 0, false
	case o == nil:
		p.refuseQueueLocked()
	case !o.opened.Load():
		o.opened.Store(true)
		f = newFlight()
		f.opens = o
	case len(p.queue) > 0:
		waiting := p.writersLocked()
		if pause := p.gather.pause(waiting, time.Now()); pause > 0 {
			p.idle = true
			return nil, nil, min(sleep, pause), true
		}
		p.gather.sent(waiting)
		f = p.queue[0]
		p.queue = p.queue[1:]
		p.queued -= f.bytes
	case tick && len(p.pending) == 0:
		f = newFlight()
	}
	if f == nil {
		p.idle = true
		return nil, nil, sleep, true
	}
	p.sequence++
	f.sequence = p.sequence
	f.state = flightSent
	p.pending[f.sequence] = f
	return f, o, 0, true
}

// landed notes that the entry of f, sent at started, has its fate.
func (p *proposer) landed(f *flight, started time.Time) {
	if cap(p.slots) > 1 {
		return // it has not, others go out meanwhile, and nobody gathers
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.gather.landed(f.writers, p.writersLocked(), now.Sub(started), now)
}

// writersLocked is the number of proposals in the queue.
func (p *proposer) writersLocked() int {
	n := 0
	for _, f := range p.queue {
		n += f.writers
	}
	return n
}

// refuseQueueLocked turns everybody in the queue away: this node does not lead.
func (p *proposer) refuseQueueLocked() {
	for _, f := range p.queue {
		p.settleLocked(f, 0, p.group.notLeader())
	}
	p.queue, p.queued = nil, 0
}

// send hands a flight to raft and sees to its fate.
func (p *proposer) send(f *flight, o *office) {
	if f.opens != nil && !p.open(f, o) {
		return
	}
	several := cap(p.slots) > 1
	if several {
		p.slots <- struct{}{}
	}
	head := entryHead{
		origin:      p.origin,
		incarnation: p.incarnation,
		sequence:    f.sequence,
		stamp:       o.stamp(),
		seed:        rand.Uint64(),
	}
	entry := appendEntry(make([]byte, 0, entrySize(f.items)), head, f.items)
	future := p.group.raft.Apply(entry, time.Second)
	if !several {
		p.await(f, future)
		return
	}
	p.group.running.Go(func() {
		p.await(f, future)
		<-p.slots
		p.rouse()
	})
}

// open makes f the first entry of a term. If the log holds no command at all, the entry begins
// the cluster's history.
func (p *proposer) open(f *flight, o *office) bool {
	begun, last, err := p.group.history()
	if err != nil {
		p.settle(f, 0, &unknown{err})
		p.group.node.fatal(err)
		return false
	}
	if !begun {
		f.add(p.group.node.firstItems(), nil, 0)
	}
	o.take(last, p.group.voterClocks(o))
	return true
}

// await waits for raft's verdict on a flight. The applier has settled it before, if it was
// applied.
func (p *proposer) await(f *flight, future raft.ApplyFuture) {
	err := future.Error()
	switch {
	case err == nil:
		// Either applied, or given up by an applier that has stopped.
		p.settle(f, 0, &unknown{errStopping})
	case future.Index() == 0 && surelyRefused(err):
		if f.opens != nil {
			f.opens.opened.Store(false) // again, if this node still leads
		}
		p.settle(f, 0, p.refusal(err))
		p.pause()
	case errors.Is(err, raft.ErrLeadershipLost) && future.Index() > 0:
		p.lose(f, future.Index())
	default:
		p.settle(f, 0, &unknown{err})
	}
}

// surelyRefused reports whether raft answered so before the entry got an index.
func surelyRefused(err error) bool {
	return errors.Is(err, raft.ErrNotLeader) ||
		errors.Is(err, raft.ErrEnqueueTimeout) ||
		errors.Is(err, raft.ErrLeadershipTransferInProgress) ||
		errors.Is(err, raft.ErrRaftShutdown)
}

// refusal is what the proposals of a flight are told that raft refused with err.
func (p *proposer) refusal(err error) error {
	switch {
	case errors.Is(err, raft.ErrLeadershipTransferInProgress):
		if p.handOn.refused(time.Now(), p.group.node.options.ElectionTimeout) {
			p.group.node.fatal(&startAgain{errHandOnStuck})
		}
		return errTransferring
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return errLogBusy
	default:
		return p.group.notLeader()
	}
}

// pause keeps run from asking a raft again at once that refuses everything, until the news of its
// new state has arrived.
func (p *proposer) pause() {
	select {
	case <-time.After(time.Millisecond):
	case <-p.group.ctx.Done():
	}
}

// close ends run and turns everybody away who is not on the way yet.
func (p *proposer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.refuseQueueLocked()
	p.rouseLocked()
}

// giveUp gives every flight that is still on its way the fate unknown.
func (p *proposer) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.pending {
		p.settleLocked(f, 0, &unknown{errStopping})
	}
}

// flying reports whether any flight is on its way.
func (p *proposer) flying() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pending) > 0
}

// waiting is the number of bytes in the queue.
func (p *proposer) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queued
}
