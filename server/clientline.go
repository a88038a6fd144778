package server

import (
	"cmp"
	"strconv"
	"time"
	"unsafe"
)

// clientFigures are sizes in bytes that CLIENT LIST and INFO tell of a session while it goes on.
type clientFigures struct {
	queued, spare int64 // of its query buffer: received and not executed, and free
	args          int64 // of the command that it executes, if it waits
	multi         int64 // of the transaction's commands
	room, peak    int64 // of its reply buffer, and the most of it that has been in use lately
	waiting       int64 // replies and pushed messages that have not gone out
	pieces        int64 // how many buffers those are in
}

// figures are the sizes as they are now. They are not all of the same moment.
func (s *session) figures() clientFigures {
	f := clientFigures{
		queued: s.conn.queued.Load(), spare: s.conn.spare.Load(), args: s.argBytes.Load(), multi: s.multiBytes.Load(),
		room: s.replyRoom.Load(), peak: s.replyPeak.Load(), waiting: s.conn.waiting.Load(),
	}
	if f.waiting > 0 {
		f.pieces++
	}
	if pushed := s.outbox.size.Load(); pushed > 0 {
		f.waiting += pushed
		f.pieces++
	}
	return f
}

// total is what all of it comes to, with what a session takes at least.
func (f *clientFigures) total() int64 {
	return int64(unsafe.Sizeof(session{})+unsafe.Sizeof(guard{})) + f.queued + f.spare + f.args + f.multi + f.room + f.waiting
}

// appendLine appends what CLIENT LIST says of the session.
func (s *session) appendLine(b []byte, now time.Time) []byte {
	p, f := s.profile(), s.figures()
	command := "NULL"
	if e := s.command.Load(); e != nil {
		command = e.name
	}
	events := "r"
	if f.waiting > 0 {
		events = "rw"
	}
	text := func(name, value string) {
		if len(b) > 0 && b[len(b)-1] != '\n' {
			b = append(b, ' ')
		}
		b = append(append(append(b, name...), '='), value...)
	}
	number := func(name string, n int64) { text(name, strconv.FormatInt(n, 10)) }
	number("id", int64(s.id))
	text("addr", s.conn.remote)
	text("laddr", s.conn.bound)
	number("fd", int64(s.conn.descriptor))
	text("name", p.name)
	number("age", int64(now.Sub(s.created).Seconds()))
	number("idle", max(0, now.UnixMilli()-s.active.Load())/1000)
	tracking, redirect := s.trackingShown()
	text("flags", s.flags(p, tracking))
	number("db", int64(p.db))
	text("sub", s.subscriptions.shown(channelTopic))
	text("psub", s.subscriptions.shown(patternTopic))
	text("ssub", s.subscriptions.shown(shardTopic))
	number("multi", int64(s.queued.Load()))
	number("qbuf", f.queued)
	number("qbuf-free", f.spare)
	number("argv-mem", f.args)
	number("multi-mem", f.multi)
	number("rbs", f.room)
	number("rbp", f.peak)
	number("obl", 0) // replies go out at the end of a batch; what does not is omem
	number("oll", f.pieces)
	number("omem", f.waiting)
	number("tot-mem", f.total())
	text("events", events)
	text("cmd", command)
	text("user", p.user)
	number("redir", redirect)
	number("resp", int64(p.resp))
	text("lib-name", p.libName)
	text("lib-ver", p.libVersion)
	return b
}

// flags are the letters of CLIENT LIST, of which tracking has those of CLIENT TRACKING.
func (s *session) flags(p *profile, tracking string) string {
	flags := tracking // t, R and B
	for _, f := range [...]struct {
		letter string
		set    bool
	}{
		{"O", p.monitor},
		{"P", s.class() == pubsubClass},
		{"x", s.queued.Load() >= 0},
		{"b", s.blocked.Load() != nil},
		{"d", s.srv.machine.Marked(&s.watch)},
		{"U", s.conn.unix()},
		{"e", p.noEvict},
		{"T", p.noTouch},
	} {
		if f.set {
			flags += f.letter
		}
	}
	return cmp.Or(flags, "N")
}

// argBytes is the length of all arguments together.
func argBytes(args [][]byte) int64 {
	n := 0
	for _, a := range args {
		n += len(a)
	}
	return int64(n)
}
