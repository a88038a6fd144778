package server

// invalidateChannel is where a subscriber of RESP2 hears of invalidations.
const invalidateChannel = "__redis__:invalidate"

// invalidation is the message that keys have changed; without keys, that any may have. The keys are referred to
// until the last session has it.
func invalidation(keys ...[]byte) *message {
	return &message{encode: func(w *respWriter) {
		if w.resp3 {
			w.Push(2)
			w.Text("invalidate")
		} else {
			w.Push(3)
			w.Text("message")
			w.Text(invalidateChannel)
		}
		if len(keys) == 0 {
			w.Null()
			return
		}
		w.Array(len(keys))
		for _, key := range keys {
			w.Bulk(key)
		}
	}}
}

// brokenRedirection is the message that the session to which another redirects is gone.
func brokenRedirection(id uint64) *message {
	return &message{encode: func(w *respWriter) {
		w.Push(2)
		w.Text("tracking-redir-broken")
		w.Int(int64(id))
	}}
}

// tell sends an invalidation to where a client wants to have it.
func (t *tracking) tell(c *tracker, m *message) {
	if c.redirect == 0 {
		c.of.pushInvalidation(m, false)
		return
	}
	to := t.srv.sessions.get(c.redirect)
	if to == nil {
		c.broken = true
		c.of.pushInvalidation(brokenRedirection(c.redirect), false)
		return
	}
	to.pushInvalidation(m, true)
}

// tellOf tells a client of keys that it may not keep.
func (t *tracking) tellOf(c *tracker, keys [][]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell(c, invalidation(keys...))
}

// pushInvalidation pushes a message to a client that can take it: of RESP3, or, if it comes from another, a
// subscriber.
func (s *session) pushInvalidation(m *message, redirected bool) {
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.resp3 || redirected && s.subscriptions.mode.Load() {
		s.pushLocked(m.in(o.resp3))
	}
}
