package server

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/acl"
)

// A transaction is what MULTI has begun: commands that EXEC runs together. It belongs to its session; nobody
// else hears of it before EXEC. The zero transaction is none.
type transaction struct {
	open   bool
	broken bool // a command was refused: EXEC discards the rest
	db     int  // of the next command: SELECT among the commands counts for those behind it
	queue  []queued
	size   int // bytes of all arguments, about
}

// queued is a command that waits for EXEC.
type queued struct {
	*entry
	db   int
	args [][]byte

	verdict acl.Verdict // at EXEC
	refused string      // the error in its answer's place, if the user may not run it any more
}

// runsInMulti reports whether a command is executed between MULTI and EXEC instead of being queued.
func runsInMulti(name string) bool {
	switch name {
	case "exec", "discard", "multi", "watch", "quit", "reset":
		return true
	}
	return false
}

// beginMulti begins a transaction.
func (s *session) beginMulti() {
	s.multi = transaction{open: true, db: s.db}
	s.queued.Store(0)
}

// endMulti ends it, and with it the watching of keys, and returns it.
func (s *session) endMulti() transaction {
	t := s.multi
	s.multi = transaction{}
	s.queued.Store(-1)
	s.multiBytes.Store(0)
	return t
}

// unwatch forgets the watched keys.
func (s *session) unwatch() {
	if s.watching {
		s.srv.machine.Unwatch(&s.watch)
		s.watching = false
	}
}

// enqueue puts a command that was admitted into the transaction, or refuses it after all.
func (s *session) enqueue(e *entry, args [][]byte) {
	t := &s.multi
	size := fsm.ItemSize(args)
	text := ""
	switch {
	case t.size+size > s.srv.maxItem:
		text = errItemLength
	case e.writes():
		text = s.refusesWrite(e, args)
	}
	if text != "" {
		s.refuse(e, text)
		return
	}
	if !t.broken {
		t.size += size
		t.queue = append(t.queue, queued{entry: e, db: t.db, args: cloneArgs(args)})
		s.queued.Store(int32(len(t.queue)))
		s.multiBytes.Add(argBytes(args) + int64(len(args))*8) // and the places of the arguments
		s.command.Store(e)
		if n, ok := s.srv.databaseNumber(e, args); ok {
			t.db = n
		}
	}
	switch {
	case s.skip > 0:
		s.skip--
	case !s.silent:
		s.collect()
		s.out.Status("QUEUED")
	}
}

// refusesWrite is the error with which this node, as it follows, refuses writes.
func (s *session) refusesWrite(e *entry, args [][]byte) string {
	c := s.srv.cluster()
	if c == nil || c.Leads(group) {
		return ""
	}
	switch s.srv.replicaWrites.Load() {
	case writesReadOnly:
		return errReadOnly
	case writesMoved:
		return s.srv.moved(e.spec, args)
	}
	return ""
}

// databaseNumber is the database that a command selects, if it does.
func (s *Server) databaseNumber(e *entry, args [][]byte) (int, bool) {
	if e.name != "select" {
		return 0, false
	}
	n, text := s.parseDatabase(args[1])
	return n, text == ""
}

// cloneArgs copies arguments, which lie in a buffer that the next commands take.
func cloneArgs(args [][]byte) [][]byte {
	size := 0
	for _, a := range args {
		size += len(a)
	}
	room := make([]byte, 0, size)
	clone := make([][]byte, len(args))
	for i, a := range args {
		at := len(room)
		room = append(room, a...)
		clone[i] = room[at:len(room):len(room)]
	}
	return clone
}

// writes reports whether a command of the transaction goes through the log.
func (t *transaction) writes() bool {
	return slices.ContainsFunc(t.queue, func(q queued) bool { return q.entry.writes() && q.refused == "" })
}

// executeMulti runs a transaction and answers it. Its commands on the data are applied as one item, or, if
// they all read, executed under one lock; then the session's own run, and the answers are put in order.
func (s *session) executeMulti(t *transaction) {
	for i := range t.queue {
		s.judgeQueued(&t.queue[i])
	}
	replies, text := s.dataReplies(t)
	s.unwatch()
	switch {
	case text == errOOM || text == errNoReplicas:
		s.out.Error(errExecRefused(text))
	case text != "":
		s.out.Error(text)
	case len(replies) > 0 && replies[0] != '*' || bytes.HasPrefix(replies, []byte("*-")):
		s.out.raw(replies) // a key has changed
	default:
		s.answerMulti(t, replies[replyHead(replies):])
	}
}

// dataReplies runs the commands on the data. It returns an array of their answers, in RESP, or a null, or
// the error that stands for all of them.
func (s *session) dataReplies(t *transaction) (replies []byte, text string) {
	m := s.srv.machine
	if t.writes() {
		watched, same := m.Vouch(&s.watch)
		if same {
			return s.proposeMulti(t, watched)
		}
	} else if replies, text, same := s.readMulti(t); same {
		return replies, text
	}
	null := newOutput(s.out.protocol(), nil)
	null.NullArray()
	return null.buf, ""
}

// proposeMulti has the commands on the data applied.
func (s *session) proposeMulti(t *transaction, watched []byte) (replies []byte, text string) {
	marks, reads := s.remembered(t), false
	var items [][]byte
	var first *queued
	for i := range t.queue {
		q := &t.queue[i]
		if q.route == onSession || q.refused != "" {
			continue
		}
		if first == nil && q.writes() {
			first = q
		}
		read := marks[i] && q.mayRead()
		reads = reads || read
		item := fsm.AppendItemOf(make([]byte, 0, fsm.ItemSize(q.args)), nil, read, q.db, q.args)
		if q.route == asScript {
			item = fsm.ForScript(s.user, item)
		}
		items = append(items, item)
	}
	item := fsm.TransactionOf(s.author(reads), watched, items)
	if len(item) > s.srv.maxItem {
		return nil, errItemLength
	}
	if text := s.refusesWrite(first.entry, first.args); text != "" {
		return nil, text
	}
	return s.proposeItem(item)
}

// readMulti executes the commands on the data, which all read, at the session's level. With same false a
// watched key has changed, and nothing was executed.
func (s *session) readMulti(t *transaction) (replies []byte, text string, same bool) {
	out := newOutput(s.out.protocol(), nil)
	var calls []fsm.Call
	marks := s.remembered(t)
	for i, q := range t.queue {
		if q.reads() && q.refused == "" {
			calls = append(calls, s.read(q.entry, q.db, q.args, out, s.then(marks[i])))
		}
	}
	elapsed := int64(0)
	if len(calls) > 0 {
		if text := s.apart(s.awaitLevel); text != "" {
			return nil, text, true
		}
		elapsed = s.srv.cluster().Elapsed(group)
	}
	out.Array(len(calls))
	scripts := s.srv.scripts.begin(false, false, nil)
	defer s.srv.scripts.end(scripts)
	for i := range calls {
		calls[i].Interrupted = s.srv.interrupted(scripts)
	}
	started := time.Now()
	s.overtaken = false
	same = s.srv.machine.Consistent(&s.watch, elapsed, rand.Uint64(), calls)
	s.took = s.took[:0].reads(calls, time.Since(started))
	for _, c := range calls {
		if c.Spec.Name == "eval_ro" {
			s.keepScript(c)
		}
	}
	return out.buf, "", same
}

// answerMulti answers a transaction: replies are those of the commands on the data, one after the other, which
// took what took says; the others run now.
func (s *session) answerMulti(t *transaction, replies []byte) {
	s.out.Array(len(t.queue))
	inMulti, took := s.inMulti, slices.Clone(s.took)
	s.inMulti = true
	for i := range t.queue {
		q := &t.queue[i]
		mark := len(s.out.buf)
		if q.route == onSession {
			s.judgeQueued(q) // those before it may have changed the user
		}
		switch {
		case q.refused != "":
			s.refuseQueued(q)
		case q.route == onSession:
			s.runQueued(q)
		default:
			n := replyEnd(replies)
			s.out.raw(replies[:n])
			replies = replies[n:]
			took = took.padded(max(1, len(took)))
			s.monitored(q.entry, q.db, q.args)
			s.note(q.entry, q.args, took[0])
			took = took[1:]
		}
		if b := s.out.buf[mark:]; len(b) > 0 && b[0] == '-' {
			q.stats.failed.Add(1)
			s.srv.stats.errors.add(string(b[1 : replyEnd(b)-2]))
		}
	}
	s.inMulti = inMulti
	s.out.errors = 0
	s.disown(t)
}

// runQueued runs a command of the session's own.
func (s *session) runQueued(q *queued) {
	s.command.Store(q.entry)
	started, before := time.Now(), s.away
	q.run(s, q.args, s.out)
	s.monitored(q.entry, s.db, q.args)
	s.note(q.entry, q.args, int64(time.Since(started)-(s.away-before)))
}

// refuseQueued answers a command that its user may not run any more.
func (s *session) refuseQueued(q *queued) {
	if q.verdict.Reason != acl.Allowed {
		s.deniedCommand(q.entry, q.args, q.verdict, "multi")
	}
	s.out.Error(q.refused)
}

// replyHead is the length of the first line in b.
func replyHead(b []byte) int { return bytes.IndexByte(b, '\n') + 1 }
