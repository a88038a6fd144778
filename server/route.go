package server

import (
	"context"
	"time"
)

// group is the one group there is so far.
const group = 0

// movedElsewhere stands for a text that differs from command to command.
const movedElsewhere = "MOVED"

// proposeRun has a run applied and its answers written to the session's output, or returns the
// error that all its writes are to be answered with.
func (s *session) proposeRun(r *run) string {
	s.took = s.took[:0]
	started := s.srv.latencies.start()
	defer s.srv.latencies.since(eventCommit, started)
	c := s.srv.cluster()
	if !c.Leads(group) {
		return s.proposeElsewhere(r)
	}
	if text := s.stillJudged(); text != "" {
		return text
	}
	replies := s.out.buf // what is in front of this run's; the entry appends behind it
	s.out.laps = s.out.laps[:0]
	r.cut(s.out)
	index, err := c.Propose(s.begin(), group, r.items, r.local)
	s.patience.end()
	switch o := outcomeOf(err); o {
	case applied:
		s.wroteAt = index
		s.took = append(s.took, s.out.laps...)
		return ""
	case uncertain:
		s.abandon(r, replies)
		return errUncertain
	case notApplied:
		r.items, r.local = r.items[:0], r.local[:0]
		return s.proposeElsewhere(r)
	default:
		return o.text()
	}
}

// abandon leaves the output and the run to an entry that may yet be applied, and goes on with new
// ones. replies are those of earlier commands, which an entry does not touch.
func (s *session) abandon(r *run, replies []byte) {
	s.out = newOutput(s.out.protocol(), append(make([]byte, 0, len(replies)+512), replies...))
	r.buf, r.items, r.local = nil, nil, nil
}

// proposeElsewhere does with a run what replica-writes says.
func (s *session) proposeElsewhere(r *run) string {
	switch s.srv.replicaWrites.Load() {
	case writesReadOnly:
		return errReadOnly
	case writesMoved:
		return movedElsewhere
	}
	if len(r.items) == 0 {
		r.cut(nil)
	}
	a, text := s.forward(r.items)
	if text != "" {
		return text
	}
	if !s.silent {
		s.out.raw(a.replies)
		s.out.errors += errorsIn(a.replies)
	}
	return ""
}

// forward sends items to the leader. Their bytes are copied before it returns.
func (s *session) forward(items [][]byte) (answer, string) {
	for {
		a, text := s.forwardOnce(items)
		if a.outcome != judgedEarly {
			return a, text
		}
		if text := s.judgeAgain(a.index); text != "" {
			return a, text
		}
	}
}

func (s *session) forwardOnce(items [][]byte) (answer, string) {
	s.request++
	f := frame{group: group, request: s.request, node: s.srv.nodeID, incarnate: s.srv.incarnation,
		client: s.id, user: s.user, judged: s.judged(), protocol: byte(s.out.protocol()), items: items}
	size := 128
	for _, it := range items {
		size += len(it) + 8
	}
	reply, err := s.srv.cluster().Forward(s.begin(), group, f.append(make([]byte, 0, size)))
	s.patience.end()
	if err != nil {
		return answer{}, outcomeOf(err).text()
	}
	var a answer
	if a.decode(reply) != nil || a.request != s.request {
		return answer{}, errUncertain
	}
	if a.outcome != applied {
		return a, a.outcome.text()
	}
	s.wroteAt, s.behind = a.index, a.index
	s.took = append(s.took[:0], a.laps...)
	return a, ""
}

// proposeItem has one item of a session command applied, wherever the leader is, and returns its
// reply as RESP of the session's protocol, or an error's text.
func (s *session) proposeItem(item []byte) ([]byte, string) { return s.proposeItems([][]byte{item}) }

// proposeItems is proposeItem for several items, and returns their replies one after the other. How long they ran
// is in took, and counts as the session's command's; the way through the log does not.
func (s *session) proposeItems(items [][]byte) ([]byte, string) {
	s.took = s.took[:0]
	started := time.Now()
	replies, text := s.proposeApart(items)
	d := time.Since(started)
	s.away += d - s.took.sum()
	s.srv.latencies.add(eventCommit, d)
	return replies, text
}

func (s *session) proposeApart(items [][]byte) ([]byte, string) {
	c := s.srv.cluster()
	if c == nil {
		return nil, errNotJoined
	}
	if text := s.awaitStart(); text != "" {
		return nil, text
	}
	if s.early && !s.admitted() {
		return nil, errNoAuth
	}
	if text := s.stillJudged(); text != "" {
		return nil, text
	}
	if c.Leads(group) {
		items, refused := s.srv.ration(s.begin(), items)
		s.patience.end()
		if refused != nil {
			return nil, errOOM
		}
		out := newOutput(s.out.protocol(), nil)
		local := make([]any, len(items))
		for i := range local {
			local[i] = out
		}
		index, err := c.Propose(s.begin(), group, items, local)
		s.patience.end()
		switch o := outcomeOf(err); o {
		case applied:
			s.wroteAt = index
			s.took = append(s.took, out.laps...)
			return out.buf, ""
		case notApplied:
		default:
			return nil, o.text()
		}
	}
	a, text := s.forward(items)
	return a.replies, text
}

// begin starts the time that a request to the cluster may take.
func (s *session) begin() context.Context {
	return s.patience.begin(time.Duration(s.srv.requestTimeout.Load()) * time.Millisecond)
}

// awaitStart waits until the node has caught up with its cluster, or returns the error that says it
// will not soon. Without a leader that could take long, so nobody waits for one.
func (s *session) awaitStart() string {
	if s.srv.ready.Load() {
		return ""
	}
	if s.srv.cluster().Status(group).LeaderID == "" {
		return errNoLeader
	}
	ctx := s.begin()
	defer s.patience.end()
	select {
	case <-s.srv.caughtUp:
		return ""
	case <-ctx.Done():
		return errCatchingUp
	}
}

// readLevel is the level of the session's reads: its own choice, or the default of a node that
// leads or does not.
func (s *session) readLevel(leads bool) level {
	if s.level.kind != unset {
		return s.level
	}
	return s.srv.defaultLevel(leads)
}

// awaitLevel waits until the machine here is as recent as the session's level of reading asks, or
// returns the error that says it will not be.
func (s *session) awaitLevel() string { return s.awaitLevelOf(false) }

// awaitLevelOf is awaitLevel, for a read that stands for a write if first is set: that is linearizable at least.
func (s *session) awaitLevelOf(first bool) string {
	c := s.srv.cluster()
	leads := c.Leads(group)
	l := s.readLevel(leads)
	if first && l.kind != linearizableStrict {
		l = level{kind: linearizable}
	}
	var err error
	switch l.kind {
	case bounded:
		err = c.Bounded(s.begin(), group, l.age)
	case sessionLevel:
		if s.behind == 0 {
			return ""
		}
		if err = c.WaitApplied(s.begin(), group, s.behind); err == nil {
			s.behind = 0
		}
	case linearizable, linearizableStrict:
		err = c.ReadIndex(s.begin(), group, l.kind == linearizableStrict)
		if err == nil && leads {
			err = s.awaitDue(c)
		}
	default:
		return ""
	}
	s.patience.end()
	if err == nil {
		return ""
	}
	if outcomeOf(err) == notApplied {
		return errNoLeader
	}
	return errReadWait
}

// awaitDue lets a linearizable read see keys expire when they are due rather than when the next
// entry comes by: if a deadline has passed by the leader's clock, it waits for an entry that says
// so.
func (s *session) awaitDue(c Cluster) error {
	m := s.srv.machine
	due := m.Due()
	if due == 0 || due > m.Clock()+c.Elapsed(group) {
		return nil
	}
	_, err := c.Propose(s.patience, group, nil, nil)
	return err
}
