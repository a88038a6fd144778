package cluster

import (
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// pledge is what a leader asks of a voter: no vote for anybody else for a time.
type pledge struct {
	to     raft.ServerID
	term   uint64
	number uint64 // grows with each ask and release of a leader in a term
	lasts  time.Duration
}

// promises keeps this node's word not to vote against a leader. raft knows nothing of it: the
// transport asks here before raft sees a vote, in either direction.
//
// While a promise lasts, no vote of another node is in raft, and none gets there; one that was
// granted before has changed the term, which the promise was made for. So for as long as a
// majority of voters is bound, nobody but the promisee can be elected.
//
// A node does not remember what it has promised before its start, so it begins bound, for as long
// as the longest promise it may have given then: node.json has that, see Node.ownSilence. For the
// same reason it gives none that is longer than its own option allows.
type promises struct {
	now     func() time.Duration // bootTime, but for tests
	longest time.Duration        // that is given
	log     *slog.Logger
	asked   sync.Once // for a longer one

	mu     sync.Mutex
	silent time.Duration // until then bound to a leader of before the start, whoever that was
	last   pledge        // the newest ask or release that was followed
	until  time.Duration // last binds until then
	votes  int           // of others, that raft has and has not answered
}

func newPromises(now func() time.Duration, longest, silence time.Duration, log *slog.Logger) *promises {
	return &promises{now: now, longest: longest, log: log, silent: now() + silence}
}

// promise binds this node if it may, and reports whether it did. currentTerm is called under the
// mutex: a term that changes later belongs to a vote that meets the promise.
func (p *promises) promise(ask pledge, currentTerm func() uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	switch {
	case ask.to == "" || ask.lasts <= 0:
		return false
	case ask.lasts > p.longest:
		p.asked.Do(func() {
			p.log.Warn("the leader asks for longer promises than this node may give, and has to read without a lease: "+
				"start all nodes with the same profile and lease-timeout", "leader", ask.to, "asked", ask.lasts, "given", p.longest)
		})
		return false
	case now < p.silent || p.votes > 0:
		return false
	case ask.to != p.last.to && now < p.until:
		return false
	case !p.newer(ask): // overtaken, maybe by a release
		return false
	case currentTerm() != ask.term:
		return false
	}
	p.last = ask
	p.until = max(p.until, now+ask.lasts)
	return true
}

// newer reports whether ask is not one that the same leader has put or taken back before last. The
// caller holds mu.
func (p *promises) newer(ask pledge) bool {
	return ask.to != p.last.to || ask.term > p.last.term || (ask.term == p.last.term && ask.number > p.last.number)
}

// release ends the promise to a leader. A release that was overtaken by a newer ask does nothing:
// a lease may rest on that.
func (p *promises) release(ask pledge) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ask.to == p.last.to && p.newer(ask) {
		p.last, p.until = ask, 0
	}
}

// admit reports whether raft may see a vote that another node asks for. If so, the caller calls
// answered once raft has answered it.
func (p *promises) admit(from raft.ServerID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now < p.silent || (now < p.until && (from == "" || from != p.last.to)) {
		return false
	}
	p.votes++
	return true
}

// answered notes that raft has answered a vote, or will never see it.
func (p *promises) answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.votes--
}

// speaks reports whether the silence after the start is over.
func (p *promises) speaks() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now() >= p.silent
}

// bound is for how long self may not ask for votes, because of a promise to another.
func (p *promises) bound(self raft.ServerID) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := p.silent
	if p.last.to != self {
		until = max(until, p.until)
	}
	return max(0, until-p.now())
}
