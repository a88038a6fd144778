package server

import (
	"math/rand/v2"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
)

// run is a row of writes that are proposed together. While a proposal's fate is unknown buf,
// items and local belong to its entry.
type run struct {
	entries []*entry
	args    [][][]byte
	buf     []byte   // the items, one after the other
	ends    []int    // where they end
	items   [][]byte // the same, cut up
	local   []any    // the sink of each
}

// add takes a write in, whose item has been appended to buf.
func (r *run) add(e *entry, args [][]byte) {
	r.ends = append(r.ends, len(r.buf))
	r.entries = append(r.entries, e)
	r.args = append(r.args, args)
}

// cut makes the items, and has them all answer to out; nil discards the answers.
func (r *run) cut(out any) {
	start := 0
	for _, end := range r.ends {
		r.items = append(r.items, r.buf[start:end:end])
		r.local = append(r.local, out)
		start = end
	}
}

// clear makes room for the next run.
func (r *run) clear() {
	clear(r.args)
	if cap(r.buf) > 2*runBytes {
		r.buf = nil
	}
	r.entries, r.args, r.buf = r.entries[:0], r.args[:0], r.buf[:0]
	r.ends, r.items, r.local = r.ends[:0], r.items[:0], r.local[:0]
}

// addWrite puts a write into the run that is being collected.
func (s *session) addWrite(e *entry, args [][]byte) {
	s.beginWrite(e, args)
	s.wrote.buf = s.appendItem(s.wrote.buf, e, s.remembers(), s.db, args)
	s.wrote.add(e, args)
}

// addScript is addWrite for a command that runs a script.
func (s *session) addScript(e *entry, args [][]byte) {
	s.beginWrite(e, args)
	s.wrote.buf = append(s.wrote.buf, s.scriptItem(e, args)...)
	s.wrote.add(e, args)
}

// beginWrite makes room for a write in the run.
func (s *session) beginWrite(e *entry, args [][]byte) {
	if len(s.asked.calls) > 0 {
		s.settle()
	}
	if n := len(s.wrote.entries); n == runCommands || n > 0 && len(s.wrote.buf)+fsm.ItemSize(args) > runBytes {
		s.settle()
	}
	s.monitored(e, s.db, args)
}

// settleWrites proposes the run and answers it.
func (s *session) settleWrites() {
	r := &s.wrote
	s.collect()
	s.command.Store(r.entries[len(r.entries)-1])
	mark := len(s.out.buf)
	s.out.errors = 0
	if text := s.proposeRun(r); text != "" {
		s.failRun(r, text)
	}
	s.took = s.took.padded(len(r.entries))
	s.noteRow(r.entries, func(i int) [][]byte { return r.args[i] }, s.took)
	s.noteFailures(mark, r.entries)
	if s.silent {
		s.out.buf = s.out.buf[:min(mark, len(s.out.buf))]
	}
	r.clear()
}

// failRun answers every write of a run with the same error, or where to go with it.
func (s *session) failRun(r *run, text string) {
	for i, e := range r.entries {
		if text == movedElsewhere {
			s.out.Error(s.srv.moved(e.spec, r.args[i]))
		} else {
			s.out.Error(text)
		}
	}
}

// reads is a row of reads that are executed under one lock.
type reads struct {
	entries []*entry
	calls   []fsm.Call
}

func (r *reads) clear() {
	clear(r.calls)
	r.entries, r.calls = r.entries[:0], r.calls[:0]
}

// addRead puts a read into the run that is being collected.
func (s *session) addRead(e *entry, args [][]byte) {
	if len(s.wrote.entries) > 0 || len(s.asked.calls) == runCommands {
		s.settle()
	}
	s.monitored(e, s.db, args)
	s.asked.entries = append(s.asked.entries, e)
	s.asked.calls = append(s.asked.calls, s.read(e, s.db, args, s.out, s.then(s.remembers())))
	if e.spec.Is(command.MayReplicate) {
		s.settle() // what it leaves to an entry is to be there for the next command
	}
}

// settleReads executes the run once what it sees is what its level promises: a part of it under
// each lock, so many that their answers do not grow too large before they are sent.
func (s *session) settleReads() {
	r := &s.asked
	s.command.Store(r.entries[len(r.entries)-1])
	started := s.srv.latencies.start()
	text := s.awaitLevel()
	s.srv.latencies.since(eventReadIndex, started)
	s.collect()
	for from := 0; from < len(r.calls); {
		to := min(len(r.calls), from+s.readAtOnce)
		s.readPart(r.entries[from:to], r.calls[from:to], text)
		from = to
	}
	r.clear()
}

// readPart executes a part of a run, or answers all of it with an error if text is one.
func (s *session) readPart(entries []*entry, calls []fsm.Call, text string) {
	started := time.Now()
	s.mark, s.out.errors, s.overtaken = len(s.out.buf), 0, false
	if text != "" {
		for range calls {
			s.out.Error(text)
		}
	} else {
		s.srv.machine.Read(s.srv.cluster().Elapsed(group), rand.Uint64(), calls)
	}
	s.took = s.took[:0].reads(calls, time.Since(started))
	s.noteRow(entries, func(i int) [][]byte { return calls[i].Args }, s.took)
	s.noteFailures(s.mark, entries)
	if text == "" {
		s.finish(calls)
	}
	switch size := len(s.out.buf) - s.mark; {
	case size > flushBytes:
		s.readAtOnce = max(1, s.readAtOnce/4)
	case size < flushBytes/16:
		s.readAtOnce = min(runCommands, 2*s.readAtOnce)
	}
	if s.silent {
		s.out.buf = s.out.buf[:s.mark]
	}
	s.flushLarge()
}

// finish has what reads left to an entry (fsm.Call.Unfinished) done, wherever the leader is. The replies are right
// without it, so it is no matter if that fails, and who reads at the level stale does not wait for it.
func (s *session) finish(calls []fsm.Call) {
	for i := range calls {
		c := &calls[i]
		if !c.Unfinished || !s.finishes() {
			continue
		}
		_, _ = s.proposeItem(fsm.AppendItemOf(nil, s.author(false), false, c.DB, c.Args))
	}
}

// finishes reports whether this node has what reads left undone done by the leader.
func (s *session) finishes() bool {
	leads := s.srv.cluster().Leads(group)
	return leads || s.srv.replicaWrites.Load() == writesForward && s.readLevel(leads).kind != stale
}

// moved is the answer that names the leader as the place for a write.
func (s *Server) moved(spec *command.Spec, args [][]byte) string {
	addr := s.leaderAddr()
	if addr == "" {
		return errNoLeader
	}
	keys, err := spec.AppendKeys(nil, args)
	if err != nil || len(keys) == 0 {
		return errMoved(0, addr)
	}
	return errMoved(command.Slot(keys[0]), addr)
}
