package cluster

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// releaseWait bounds the wait for voters to confirm that they are free before leadership is handed
// on. One that is not told votes a little later.
const releaseWait = 50 * time.Millisecond

// The kinds of callLease.
const (
	leaseAsk     byte = 0
	leaseRelease byte = 1
)

// lease says that until end, on the clock bootTime, no other node can have been elected.
type lease struct {
	office     *office
	term       uint64
	end        time.Duration
	generation uint64
}

// leases is the leader's side of the promises: it asks the voters for them and knows how long a
// majority is bound. A tenth of the time is left for clocks that run at different speeds.
//
// There is none while the membership changes or leadership is handed on: majorities of memberships
// two changes apart need not meet, and a handover is meant to be voted for.
type leases struct {
	group  *group
	lasts  time.Duration        // of a promise
	now    func() time.Duration // bootTime, but for tests
	number atomic.Uint64        // of the newest ask or release

	current    atomic.Pointer[lease]
	generation atomic.Uint64 // grows with each pause and resumption

	mu     sync.Mutex // guards what follows, and changes of the above two
	paused int        // by so many that are under way
}

func newLeases(g *group) *leases {
	return &leases{group: g, lasts: g.node.options.LeaseTimeout, now: bootTime}
}

// run renews the lease as long as the group runs.
func (l *leases) run() {
	ticker := time.NewTicker(l.lasts / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.renew()
		case <-l.group.ctx.Done():
			return
		}
	}
}

// renew asks all voters for a promise and takes the lease if a majority has given it.
func (l *leases) renew() {
	g := l.group
	o := g.office.Load()
	if o == nil || o.term.Load() == 0 || g.transport.silent.Load() {
		return
	}
	generation, ok := l.asking()
	if !ok {
		return
	}
	voters := g.voters()
	ask := pledge{to: g.node.raftID(), term: o.term.Load(), number: l.number.Add(1), lasts: l.lasts}
	sent := l.now()
	need := len(voters)/2 + 1
	others := voters[:0]
	for _, v := range voters {
		if v.ID != ask.to {
			others = append(others, v)
		} else if g.transport.promise(ask) {
			need--
		}
	}
	if len(others) > 0 && l.poll(others, ask, need) {
		l.take(&lease{office: o, term: ask.term, end: sent + l.lasts/10*9, generation: generation})
	}
}

// poll asks voters at once and reports whether need of them have promised. The rest is not waited
// for, but asked all the same.
func (l *leases) poll(voters []raft.Server, ask pledge, need int) bool {
	votes := make(chan bool, len(voters))
	body := ask.encode(leaseAsk)
	for _, v := range voters {
		l.group.running.Go(func() {
			ctx, cancel := context.WithTimeout(l.group.ctx, l.lasts/2)
			defer cancel()
			b, err := l.group.call(ctx, string(v.Address), callLease, body)
			votes <- err == nil && len(b) == 1 && b[0] == answerYes
		})
	}
	for open := len(voters); open > 0 && need > 0; open-- {
		if <-votes {
			need--
		}
	}
	return need <= 0
}

// asking is the generation to ask under, unless there must be no lease at present.
func (l *leases) asking() (generation uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.generation.Load(), l.paused == 0
}

// take makes fresh the lease, if nothing has happened since it was asked for.
func (l *leases) take(fresh *lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paused > 0 || fresh.generation != l.generation.Load() {
		return
	}
	old := l.current.Load()
	if old == nil || old.office != fresh.office || old.term != fresh.term || fresh.end > old.end {
		l.current.Store(fresh)
	}
}

// valid reports whether no other node can have been elected up to now. What o has committed
// before the call is then all that was acknowledged anywhere before it.
func (l *leases) valid(o *office) bool {
	held, r := l.current.Load(), l.group.raft
	return held != nil && held.office == o && held.generation == l.generation.Load() &&
		!l.group.transport.silent.Load() && r.State() == raft.Leader && r.CurrentTerm() == held.term &&
		(l.now() < held.end || bug == bugLease)
}

// pause drops the lease, and takes none until resume; asks that are on their way do not count.
func (l *leases) pause() { l.shift(1) }

// resume ends a pause.
func (l *leases) resume() { l.shift(-1) }

func (l *leases) shift(by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused += by
	l.generation.Add(1)
	l.current.Store(nil)
}

// release frees the voters to vote for another. The caller has paused.
func (l *leases) release() {
	g := l.group
	o := g.office.Load()
	if o == nil || o.term.Load() == 0 {
		return
	}
	ask := pledge{to: g.node.raftID(), term: o.term.Load(), number: l.number.Add(1)}
	body := ask.encode(leaseRelease)
	ctx, cancel := context.WithTimeout(g.ctx, releaseWait)
	defer cancel()
	var told sync.WaitGroup
	for _, v := range g.voters() {
		if v.ID == ask.to {
			g.transport.promises.release(ask)
			continue
		}
		told.Go(func() { _, _ = g.call(ctx, string(v.Address), callLease, body) }) // who is not told is bound a little longer
	}
	told.Wait()
}

// serve answers a leader that asks for a promise or takes it back.
func (l *leases) serve(from string, body []byte) ([]byte, error) {
	op, ask, err := decodePledge(body)
	if err != nil {
		return nil, err
	}
	ask.to = raft.ServerID(from)
	switch {
	case op == leaseRelease:
		l.group.transport.promises.release(ask)
	case !l.group.transport.promise(ask):
		return []byte{answerNotLeader}, nil
	}
	return []byte{answerYes}, nil
}

// pledgeSize is the size of a body of callLease: its kind, term, number, and nanoseconds.
const pledgeSize = 1 + 3*8

func (p *pledge) encode(op byte) []byte {
	b := append(make([]byte, 0, pledgeSize), op)
	b = binary.BigEndian.AppendUint64(b, p.term)
	b = binary.BigEndian.AppendUint64(b, p.number)
	return binary.BigEndian.AppendUint64(b, uint64(p.lasts))
}

func decodePledge(b []byte) (op byte, p pledge, err error) {
	if len(b) != pledgeSize || b[0] > leaseRelease {
		return 0, p, errAnswer
	}
	p.term = binary.BigEndian.Uint64(b[1:])
	p.number = binary.BigEndian.Uint64(b[9:])
	p.lasts = time.Duration(binary.BigEndian.Uint64(b[17:]))
	return b[0], p, nil
}
