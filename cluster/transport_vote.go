package cluster

import (
	"time"

	"github.com/hashicorp/raft"
)

const (
	// boundPoll is how often what waits for a term or for the end of a promise looks again.
	boundPoll = 5 * time.Millisecond
	// preVotePause is how long a candidate waits before it repeats a question that was refused, and
	// twice as long the next time, up to preVotePauseMost.
	preVotePause     = 10 * time.Millisecond
	preVotePauseMost = 80 * time.Millisecond
)

// vote answers a question for a vote by itself while this node is bound to another leader,
// whatever flag the question carries, and passes it on to raft otherwise.
func (t *transport) vote(rpc raft.RPC, from []byte, refusal func(raft.RPCHeader, uint64) any) {
	if t.promises.admit(raft.ServerID(from)) {
		t.overlook(rpc.Command)
		t.running.Go(func() { t.passVote(rpc) })
		return
	}
	if _, pre := rpc.Command.(*raft.RequestPreVoteRequest); pre {
		t.yield() // it asks again, and the promise may be over a moment before this node stands
	}
	rpc.Respond(refusal(t.header(), t.currentTerm()), nil)
}

// yield notes that another node stands, so that this one need not.
func (t *transport) yield() { t.yielded.Store(int64(time.Since(t.began))) }

// overlook changes a question for a vote so that raft does not refuse it for the sake of a leader
// that this node has not heard for most of the heartbeat timeout. raft itself would refuse
// everybody until it looks at its own timer, which takes up to three of these time-outs.
//
// A vote gets the flag of a transfer, and a pre-vote, which has none, the leader's address: of
// both raft uses these for nothing but the question whether it has another leader. Terms, logs and
// members it compares as ever.
func (t *transport) overlook(question any) {
	r := t.raft.Load()
	if r == nil || r.State() != raft.Follower || t.quiet() < t.patience/4*3 {
		return
	}
	switch q := question.(type) {
	case *raft.RequestVoteRequest:
		q.LeadershipTransfer = true
	case *raft.RequestPreVoteRequest:
		if leader, _ := r.LeaderWithID(); leader != "" {
			q.RPCHeader.Addr = []byte(leader)
		}
	}
}

// quiet is for how long this node has not heard its leader. It counts a vote as well, and its own
// start: both are the beginning of something that a leader may come of.
func (t *transport) quiet() time.Duration {
	heard := time.Duration(t.heard.Load())
	if r := t.raft.Load(); r != nil {
		if last := r.LastContact(); !last.IsZero() {
			heard = max(heard, last.Sub(t.began))
		}
	}
	return time.Since(t.began) - heard
}

// hear notes that the leader has been heard.
func (t *transport) hear() { t.heard.Store(int64(time.Since(t.began))) }

func refuseVote(h raft.RPCHeader, term uint64) any {
	return &raft.RequestVoteResponse{RPCHeader: h, Term: term}
}

func refusePreVote(h raft.RPCHeader, term uint64) any {
	return &raft.RequestPreVoteResponse{RPCHeader: h, Term: term}
}

// passVote lets raft answer. If the transport is closed before it has, the vote stays counted:
// raft may still grant it, so no promise may be made any more.
func (t *transport) passVote(rpc raft.RPC) {
	answer := make(chan raft.RPCResponse, 1)
	if !t.deliver(raft.RPC{Command: rpc.Command, RespChan: answer}) {
		t.promises.answered()
		rpc.Respond(nil, errTransportShut)
		return
	}
	select {
	case a := <-answer:
		t.promises.answered()
		if pre, ok := a.Response.(*raft.RequestPreVoteResponse); ok && pre.Granted {
			t.yield()
		}
		rpc.Respond(a.Response, a.Error)
	case <-t.stop:
		rpc.Respond(nil, errTransportShut)
	}
}

// RequestVote asks for a vote, once this node is not bound to another leader any more. raft has
// changed its term before, so no new promise of the old term comes in between.
func (t *transport) RequestVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestVoteRequest,
	resp *raft.RequestVoteResponse) error {
	for {
		wait := t.promises.bound(t.id)
		if wait == 0 {
			return t.NetworkTransport.RequestVote(id, target, args, resp)
		}
		timer := time.NewTimer(min(wait, boundPoll))
		select {
		case <-timer.C:
		case <-t.stop:
			timer.Stop()
			return errTransportShut
		}
	}
}

// RequestPreVote asks whether a vote would be given. A refusal is not final: the other node may be
// bound a little longer, or have heard the leader a little later than this one. So the question is
// repeated as long as it stands, but not beyond the shortest time raft waits for the answer.
func (t *transport) RequestPreVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest,
	resp *raft.RequestPreVoteResponse) error {
	end := time.Now().Add(t.patience)
	for pause := preVotePause; ; pause = min(2*pause, preVotePauseMost) {
		*resp = raft.RequestPreVoteResponse{}
		err := t.NetworkTransport.RequestPreVote(id, target, args, resp)
		r := t.raft.Load()
		if err != nil || resp.Granted || resp.Term > args.Term || time.Now().After(end) ||
			r == nil || r.State() != raft.Candidate || r.CurrentTerm()+1 != args.Term {
			return err
		}
		select {
		case <-time.After(pause):
		case <-t.stop:
			return errTransportShut
		}
	}
}

// currentTerm is raft's, or 0 before it runs.
func (t *transport) currentTerm() uint64 {
	if r := t.raft.Load(); r != nil {
		return r.CurrentTerm()
	}
	return 0
}

// promise binds this node to a leader, if it may.
func (t *transport) promise(ask pledge) bool {
	if t.raft.Load() == nil || !t.promises.promise(ask, t.currentTerm) {
		return false
	}
	t.hear()
	return true
}
