package server

import (
	"time"

	"github.com/tidwall/redcon"
)

const (
	runCommands = 256       // commands of a run of writes or reads
	runBytes    = 128 << 10 // bytes of items of a run of more than one write
	flushBytes  = 1 << 20   // replies above which they go out before the batch is done
	batchArgs   = 4 << 10   // arguments of a batch that room is kept for
)

// run serves the connection until it ends.
func (s *session) run() {
	defer s.srv.farewell(s)
	if !s.arrive() {
		return
	}
	for !s.closing {
		batch, err := s.conn.next()
		if err != nil {
			return
		}
		s.serve(batch)
	}
}

// serve executes a batch: commands that arrived together, whole and in RESP. Neighbouring writes are
// proposed together, neighbouring reads executed under one lock; the answers are those of one command
// after the other, and go out together. The commands' arguments are parts of the batch: whoever needs
// one for longer copies it.
func (s *session) serve(batch []byte) {
	s.active.Store(s.srv.now.Load())
	s.turn.begin()
	s.conn.queued.Store(int64(len(batch)))
	s.hold()
	s.executed, s.published = 0, false
	for len(batch) > 0 && !s.closing && !s.ended.Load() {
		var args [][]byte
		if args, batch = s.parse(batch); batch != nil {
			s.execute(args)
		}
	}
	s.settle()
	s.srv.stats.reads.Add(1)
	s.srv.stats.commands.Add(uint64(s.executed))
	s.collect()
	if s.closing { // who has the last answer is no subscriber any more
		s.srv.hub.leave(s)
	}
	s.flush()
	s.release()
	s.room.clear()
	s.fitReplies()
	s.turn.end()
}

// parse takes the first command off a batch. One that redcon does not understand, which the guard
// would have let through against its purpose, ends the connection.
func (s *session) parse(batch []byte) (args [][]byte, rest []byte) {
	whole, args, _, rest, err := redcon.ReadNextCommand(batch, s.room.free())
	if err != nil || !whole {
		s.closing = true
		return nil, nil
	}
	return s.room.take(args), rest
}

// argRoom is what the arguments of a batch's commands are listed in, so that none needs a list of
// its own.
type argRoom struct{ list [][]byte }

// free is the room that is left, as an empty slice.
func (r *argRoom) free() [][]byte { return r.list[len(r.list):] }

// take marks a list as taken that was appended to free, or has outgrown it.
func (r *argRoom) take(args [][]byte) [][]byte {
	if len(args) <= cap(r.list)-len(r.list) {
		r.list = r.list[:len(r.list)+len(args)]
	} else {
		r.list = make([][]byte, 0, max(64, min(2*cap(r.list), batchArgs))) // the old one is its commands'
	}
	return args[:len(args):len(args)]
}

// clear makes the room free for the next batch.
func (r *argRoom) clear() {
	clear(r.list)
	r.list = r.list[:0]
}

// execute takes in one command: it joins a run, or is executed once the runs before it are.
func (s *session) execute(args [][]byte) {
	if len(args) == 0 {
		return
	}
	e, text := s.admit(args)
	if s.caching {
		defer s.endCaching(e)
	}
	if text != "" {
		s.settle()
		s.refuse(e, text)
		return
	}
	if s.heldBack(e, args) {
		if !s.closing {
			s.execute(args)
		}
		return
	}
	switch where := s.routeOf(e, args); {
	case s.multi.open && !e.now:
		s.enqueue(e, args)
	case s.skip > 0:
		s.settle()
		s.executeSilently(e, args)
	case where == asWrite:
		s.addWrite(e, args)
	case where == asScript && s.writesAlong(e, args):
		s.addScript(e, args)
	case where == asRead || where == asTail && !wantsToWait(args):
		s.addRead(e, args)
	default:
		s.settle()
		s.executeHere(e, args, false)
	}
}

// routeOf says where a command runs: a write that is not sound (command.Spec.Check) is kept out of the log, and
// runs as a read, which finds its error.
func (s *session) routeOf(e *entry, args [][]byte) route {
	if e.spec.Check != nil && s.srv.machine.Check(e.spec, args) != "" {
		return asRead
	}
	return e.route
}

// executeHere runs a command of the session's own. Its reply is left out if the command is to be silent, or the
// session is once it has run.
func (s *session) executeHere(e *entry, args [][]byte, silently bool) {
	s.collect()
	s.command.Store(e)
	if e.route != onSession {
		s.monitored(e, s.db, args)
	}
	started := time.Now()
	s.mark, s.out.errors, s.away, s.speaks = len(s.out.buf), 0, 0, false
	e.run(s, args, s.out)
	if e.route == onSession {
		s.monitored(e, s.db, args)
	}
	s.note(e, args, int64(time.Since(started)-s.away))
	s.noteFailures(s.mark, []*entry{e})
	if s.silent || silently && !s.speaks {
		s.out.buf = s.out.buf[:s.mark]
	}
	s.flushLarge()
}

// executeSilently runs the command whose reply CLIENT REPLY SKIP suppresses.
func (s *session) executeSilently(e *entry, args [][]byte) {
	s.skip--
	before := s.silent
	s.silent = true
	switch s.routeOf(e, args) {
	case asWrite:
		s.addWrite(e, args)
		s.settle()
	case asRead:
		s.addRead(e, args)
		s.settle()
	default:
		s.silent = before // the command may change it
		s.executeHere(e, args, true)
		return
	}
	s.silent = before
}

// refuse answers a command that did not get as far as running.
func (s *session) refuse(e *entry, text string) {
	if e != nil {
		e.stats.rejected.Add(1)
	}
	switch {
	case e != nil && e.name == "exec":
		s.endMulti()
		s.unwatch()
		text = errExecRefused(text)
	case s.multi.open:
		s.multi.broken, s.multi.queue = true, nil
	}
	s.srv.stats.errors.add(text)
	if s.skip > 0 {
		s.skip--
		return
	}
	if !s.silent {
		s.collect()
		s.out.Error(text)
	}
}

// settle executes the run that is being collected, if there is one. Only one of the two can be.
func (s *session) settle() {
	if len(s.wrote.entries) > 0 {
		s.settleWrites()
		s.flushLarge()
	}
	if len(s.asked.calls) > 0 {
		s.settleReads()
	}
}

// noteFailures counts the errors among the replies from mark on, if any were written: they are the commands', one
// after the other.
func (s *session) noteFailures(mark int, entries []*entry) {
	if s.out.errors == 0 {
		return
	}
	for i := 0; mark < len(s.out.buf); i++ {
		b := s.out.buf[mark:]
		n := replyEnd(b)
		if b[0] == '-' {
			entries[min(i, len(entries)-1)].stats.failed.Add(1)
			s.srv.stats.errors.add(string(b[1 : n-2]))
		}
		mark += n
	}
	s.out.errors = 0
}

// flush sends the replies. Not to be able to ends the connection.
func (s *session) flush() {
	if len(s.out.buf) == 0 {
		return
	}
	if n := int64(len(s.out.buf)); n > s.replyPeak.Load() {
		s.replyPeak.Store(n)
	}
	if s.overLimit(int64(len(s.out.buf)) + s.waiting()) {
		s.closing = true
		s.cutOff()
	} else {
		s.outbox.writing.Lock()
		if _, err := s.conn.Write(s.out.buf); err != nil {
			s.closing = true
		}
		s.outbox.writing.Unlock()
		s.srv.stats.writes.Add(1)
	}
	s.out.reset()
	s.mark = 0
}

// flushLarge sends the replies at once if there are many.
func (s *session) flushLarge() {
	if len(s.out.buf) >= flushBytes {
		s.flush()
	}
}
