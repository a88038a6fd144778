package cluster

import "time"

// This file is the claims: how a flight that was sent gets its fate. Whoever takes it from
// pending under the proposer's mutex decides: the applier, whose entry has come out of the log;
// the proposer, with raft's verdict; the keeper, at a deadline. Everybody else finds nothing.

// claim hands a flight to the applier whose entry has come out of the log at index; nil if the
// entry is another node's or nobody waits for it any more. Flights that were lost and now surely
// are not in the log get their fate.
func (p *proposer) claim(head entryHead, index uint64) *flight {
	p.mu.Lock()
	defer p.mu.Unlock()
	var f *flight
	if head.origin == p.origin && head.incarnation == p.incarnation {
		if f = p.pending[head.sequence]; f != nil {
			p.removeLocked(f)
			f.state = flightTaken
		}
	}
	p.passedLocked(index)
	return f
}

// passed notes that the log holds something else than a flight of ours at index.
func (p *proposer) passed(index uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passedLocked(index)
}

func (p *proposer) passedLocked(index uint64) {
	p.passedTo = max(p.passedTo, index)
	if p.lost == 0 {
		return
	}
	for _, f := range p.pending {
		if f.state == flightLost && f.lostAt <= index {
			p.settleLocked(f, 0, p.group.notLeader())
		}
	}
}

// replaced notes that a snapshot took the place of the log up to index: what became of flights in
// there cannot be told any more.
func (p *proposer) replaced(index uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restored = max(p.restored, index)
	for _, f := range p.pending {
		if f.state == flightLost && f.lostAt <= index {
			p.settleLocked(f, 0, &unknown{errSnapshotCame})
		}
	}
}

// lose notes that leadership ended before f was committed at index.
func (p *proposer) lose(f *flight, index uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.state != flightSent {
		return
	}
	if index <= p.restored {
		p.settleLocked(f, 0, &unknown{errSnapshotCame})
		return
	}
	if bug == bugDefinite {
		p.settleLocked(f, 0, p.group.notLeader())
		return
	}
	f.state = flightLost
	f.lostAt = index
	f.lostTill = time.Now().Add(2 * p.group.node.options.ElectionTimeout)
	p.lost++
	p.passedLocked(p.passedTo) // the log may have gone on before raft's verdict came
}

// expire gives up whatever has waited too long.
func (p *proposer) expire(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.pending {
		if f.state == flightLost && now.After(f.lostTill) {
			p.settleLocked(f, 0, &unknown{errLostLeadership})
		} else if now.Sub(f.born) > proposalLimit {
			p.settleLocked(f, 0, &unknown{errTooLong})
		}
	}
	for len(p.queue) > 0 && now.Sub(p.queue[0].born) > proposalLimit {
		f := p.queue[0]
		p.queue = p.queue[1:]
		p.queued -= f.bytes
		p.settleLocked(f, 0, errLogBusy)
	}
}

// settle gives f its fate, if it has none yet.
func (p *proposer) settle(f *flight, index uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.state == flightTaken && err != nil {
		return // the applier's
	}
	p.settleLocked(f, index, err)
}

func (p *proposer) settleLocked(f *flight, index uint64, err error) {
	if f.state == flightSettled {
		return
	}
	p.removeLocked(f)
	f.state = flightSettled
	f.index, f.err = index, err
	f.local = nil
	close(f.done)
}

// applied gives a flight that the applier had claimed its fate.
func (p *proposer) applied(f *flight, index uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settleLocked(f, index, err)
}

func (p *proposer) removeLocked(f *flight) {
	if f.state == flightLost {
		p.lost--
	}
	delete(p.pending, f.sequence)
}
