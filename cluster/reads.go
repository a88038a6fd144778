package cluster

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// reads answers how far this node has to be for a read to be what the reader asked for.
//
// The read index of a leader is its commit index, from any moment after the read arrived, once
//
//   - a command of its own term has been applied here, so that the commit index covers what
//     earlier leaders acknowledged and stands for something the Machine sees (a no-op does not);
//   - no newer leader had been elected at that arrival, so nothing was acknowledged that this
//     leader does not know. Either it holds a lease, see leases, or a majority of the voters, asked
//     after the read arrived, is in no newer term: terms are on disk before they are used. A strict
//     read trusts no clock and always asks.
type reads struct {
	group   *group
	proofs  rounds // the leader's questions to the voters
	queries rounds // a follower's questions to the leader
	strict  rounds // those that trust no clock

	mu    sync.Mutex
	known []freshness           // newest last
	late  map[raft.ServerID]int // voters; 1: has not answered the last question of proofs
}

// freshness says that a state with index applied is at least as new as the moment asked.
type freshness struct {
	asked time.Time
	index uint64
}

// freshnessKept bounds the remembered answers: enough for a follower that lags behind several.
const freshnessKept = 16

func newReads(g *group) *reads {
	r := &reads{group: g, late: map[raft.ServerID]int{}}
	r.proofs = rounds{group: g, ask: r.askVoters}
	r.queries = rounds{group: g, ask: func(ctx context.Context) (uint64, error) { return r.askLeader(ctx, nil) }}
	r.strict = rounds{group: g, ask: func(ctx context.Context) (uint64, error) { return r.askLeader(ctx, readStrict) }}
	return r
}

// linearizable returns when this node's state covers everything that was acknowledged anywhere
// before the call. strict asks for a proof that relies on no clock.
func (r *reads) linearizable(ctx context.Context, strict bool) error {
	index, err := r.index(ctx, strict)
	if err != nil {
		return err
	}
	return r.group.progress.wait(ctx, index)
}

// index is the read index, on the leader or on a follower.
func (r *reads) index(ctx context.Context, strict bool) (uint64, error) {
	if r.group.office.Load() != nil {
		return r.prove(ctx, strict)
	}
	questions := &r.queries
	if strict {
		questions = &r.strict
	}
	answer, err := questions.join(ctx)
	if err != nil {
		return 0, err
	}
	r.remember(answer)
	return answer.index, nil
}

// prove is the read index of the leader.
func (r *reads) prove(ctx context.Context, strict bool) (uint64, error) {
	o := r.group.office.Load()
	if o == nil {
		return 0, r.group.notLeader()
	}
	// The index first: the lease then says that nobody else had acknowledged anything. There is none
	// before the office is ready.
	if index := r.group.raft.CommitIndex(); !strict && r.group.leases.valid(o) {
		return index, nil
	}
	select {
	case <-o.ready:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	if voters := r.group.voters(); len(voters) == 1 && voters[0].ID == r.group.node.raftID() {
		index := r.group.raft.CommitIndex()
		if o.term.Load() == 0 || r.group.raft.State() != raft.Leader {
			return 0, r.group.notLeader()
		}
		return index, nil
	}
	answer, err := r.proofs.join(ctx)
	if err != nil {
		return 0, err
	}
	r.remember(answer)
	return answer.index, nil
}

// askVoters proves that no newer leader existed when it was called, and returns the commit index.
func (r *reads) askVoters(ctx context.Context) (uint64, error) {
	g := r.group
	o := g.office.Load()
	if o == nil {
		return 0, g.notLeader()
	}
	if bug == bugVerifyLeader {
		index := g.raft.CommitIndex()
		return index, g.raft.VerifyLeader().Error()
	}
	term := o.term.Load()
	voters := g.voters()
	index := g.raft.CommitIndex()
	need := len(voters)/2 + 1
	others := make([]raft.Server, 0, len(voters))
	for _, v := range voters {
		if v.ID != g.node.raftID() {
			others = append(others, v)
		} else if term != 0 && g.raft.CurrentTerm() == term && g.raft.State() == raft.Leader {
			need--
		}
	}
	if !r.poll(ctx, others, need, term) {
		return 0, g.notLeader()
	}
	return index, nil
}

// hedgeAfter is how long a question to as few voters as need be waits before the others are asked
// too.
const hedgeAfter = 10 * time.Millisecond

// poll asks voters until need of them have said that they know of no term after the one given. It
// begins with as many as are needed, those first that answered when they were asked last.
func (r *reads) poll(ctx context.Context, voters []raft.Server, need int, term uint64) bool {
	g := r.group
	ctx, cancel := context.WithTimeout(ctx, g.node.options.ElectionTimeout)
	defer cancel()
	r.promptFirst(voters)
	type vote struct {
		from raft.ServerID
		yes  bool
	}
	votes := make(chan vote, len(voters))
	hedge := time.NewTimer(hedgeAfter)
	defer hedge.Stop()
	everybody, open := false, 0
	for len(voters) > 0 || open > 0 || need <= 0 {
		if need <= 0 {
			return true
		}
		for ; len(voters) > 0 && (everybody || open < need); voters, open = voters[1:], open+1 {
			v := voters[0]
			r.asked(v.ID, 1)
			g.running.Go(func() {
				a, err := g.ask(ctx, v)
				votes <- vote{v.ID, err == nil && a.term <= term}
			})
		}
		select {
		case v := <-votes:
			open--
			if v.yes {
				need--
				r.asked(v.from, 0)
			}
		case <-hedge.C:
			everybody = true
		}
	}
	return false
}

// promptFirst sorts voters by whether they answered when they were asked last.
func (r *reads) promptFirst(voters []raft.Server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortStableFunc(voters, func(a, b raft.Server) int { return r.late[a.ID] - r.late[b.ID] })
}

// asked notes that a voter has a question to answer, 1, or has answered, 0.
func (r *reads) asked(id raft.ServerID, late int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late[id] = late
}

// readStrict is the body of callReadIndex for a proof that trusts no clock; else it is empty.
var readStrict = []byte{1}

// askLeader puts a follower's question.
func (r *reads) askLeader(ctx context.Context, body []byte) (uint64, error) {
	addr, id := r.group.leader()
	if addr == "" || id == r.group.node.id {
		return 0, r.group.notLeader()
	}
	ctx, cancel := context.WithTimeout(ctx, 2*r.group.node.options.ElectionTimeout)
	defer cancel()
	b, err := r.group.call(ctx, addr, callReadIndex, body)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", &notLeader{id: id, addr: addr}, err)
	}
	if len(b) != 9 || b[0] != answerYes {
		return 0, redirected(b)
	}
	return binary.BigEndian.Uint64(b[1:]), nil
}

// serveIndex answers a follower's question.
func (r *reads) serveIndex(ctx context.Context, body []byte) []byte {
	index, err := r.prove(ctx, bytes.Equal(body, readStrict))
	if err != nil {
		return r.group.redirect()
	}
	return binary.BigEndian.AppendUint64([]byte{answerYes}, index)
}

// bounded returns when this node's state is at most d old.
func (r *reads) bounded(ctx context.Context, d time.Duration) error {
	if r.fresh(time.Now().Add(-d)) {
		return nil
	}
	return r.linearizable(ctx, false)
}

// fresh reports whether the state here is known to be at least as new as the moment since.
func (r *reads) fresh(since time.Time) bool {
	applied := r.group.progress.index()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.known {
		if !k.asked.Before(since) && k.index <= applied {
			return true
		}
	}
	return false
}

// remember keeps an answer for bounded. Everybody who shared it does so; it is kept once.
func (r *reads) remember(answer *round) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.known); n > 0 && !r.known[n-1].asked.Before(answer.asked) {
		return
	}
	if len(r.known) == freshnessKept {
		r.known = append(r.known[:0], r.known[1:]...)
	}
	r.known = append(r.known, freshness{asked: answer.asked, index: answer.index})
}
