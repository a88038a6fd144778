package server

import "time"

const tickEvery = 100 * time.Millisecond

// tick is the server's one goroutine of its own: it keeps the coarse clock, takes samples for
// INFO, disconnects clients that are idle or do not read, takes snapshots when a save point
// says so, looks after those who wait, and tells the cluster of another port.
func (s *Server) tick() {
	defer s.done.Done()
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	var quiet silence
	for n := 0; ; n++ {
		select {
		case <-s.ctx.Done():
			return
		case now := <-ticker.C:
			s.now.Store(now.UnixMilli())
			if s.cronPaused.Load() {
				continue
			}
			s.stats.rates.sample(now, s.stats.commands.Load(), s.stats.netIn.Load(), s.stats.netOut.Load())
			s.refreshLimits()
			s.disconnect(now)
			s.tracking.trimSoon()
			s.eviction.look(now)
			s.tidy(now)
			if n%10 == 0 {
				s.samplePeak()
				s.saveIfDue(now)
				s.lookAfterWaiting(&quiet)
				s.announce()
			}
		}
	}
}

// tidy frees what was deleted and not freed with the entries since, for a part of the clock's time.
func (s *Server) tidy(now time.Time) {
	for s.machine.Tidy(tidyAtOnce) && time.Since(now) < tickEvery/4 {
	}
}

// disconnect ends the sessions of clients that have been idle too long, keep too much waiting or take too much memory,
// and notes how large their buffers are, and what all of them take.
func (s *Server) disconnect(now time.Time) {
	idle := s.config.Int("timeout") * 1000
	var largest bufferSizes
	all, limit := int64(0), s.clientMemoryLimit()
	var sizes []clientSize
	for _, ss := range s.sessions.all() {
		ss.trimReplies(now)
		f := ss.figures()
		largest.raise(f.queued+f.spare, f.room+f.waiting)
		switch {
		case ss.overdue(now):
			ss.cutOff()
		case idle > 0 && !ss.turn.busy() && !ss.quiet() && now.UnixMilli()-ss.active.Load() > idle:
			ss.kill()
		}
		if ss.killed.Load() {
			continue // it is on its way out
		}
		all += f.total()
		if limit > 0 {
			sizes = append(sizes, clientSize{ss, f.total()})
		}
	}
	if limit > 0 && all > limit {
		all -= s.evictClients(sizes, all-limit)
	}
	s.clientMemory.Store(all)
	s.stats.buffers.sample(now, largest)
}
