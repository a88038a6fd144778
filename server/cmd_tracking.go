package server

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// trackingCommands are the subcommands of CLIENT about client-side caching.
func trackingCommands() []*command.Spec {
	const flags = command.NoScript | command.Loading | command.Stale
	return []*command.Spec{
		{Name: "caching", Usage: "mode=<YES | NO>", Summary: "Have the keys of the next command remembered, or not", Since: "6.0.0",
			Complexity: "O(1)", Flags: flags, Handler: handler(clientCaching)},
		{Name: "getredir", Summary: "Return the id of the client to which invalidations are redirected", Since: "6.0.0",
			Complexity: "O(1)", Flags: flags, Handler: handler(clientGetredir)},
		{Name: "tracking", Usage: "status=<ON | OFF> [REDIRECT client-id:integer] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
			Summary: "Tell the connection when keys change that it has read, or do not", Since: "6.0.0",
			Complexity: "O(1). Some options may introduce additional complexity.", Flags: flags, Handler: handler(clientTracking),
			Differs: "Keys are told by the node that the connection is at, as it applies their changes. SWAPDB tells of all keys, as FLUSHALL does."},
		{Name: "trackinginfo", Summary: "Return how keys are tracked for the connection", Since: "6.2.0",
			Complexity: "O(1)", Flags: flags, Handler: handler(clientTrackinginfo)},
	}
}

// trackingRequest is what a CLIENT TRACKING asks for.
type trackingRequest struct {
	trackingOptions
	on       bool
	prefixes []string
}

// parseTracking reads CLIENT TRACKING's arguments, or returns the error that they deserve.
func (s *session) parseTracking(args [][]byte) (r trackingRequest, text string) {
	for i := 1; i < len(args); i++ {
		more := len(args) > i+1
		switch option := strings.ToLower(string(args[i])); {
		case option == "redirect" && more:
			i++
			if text = r.redirectTo(s, args[i]); text != "" {
				return r, text
			}
		case option == "prefix" && more:
			i++
			r.prefixes = append(r.prefixes, string(args[i]))
		case option == "bcast":
			r.bcast = true
		case option == "optin":
			r.optin = true
		case option == "optout":
			r.optout = true
		case option == "noloop":
			r.noloop = true
		default:
			return r, errSyntax
		}
	}
	switch strings.ToLower(string(args[0])) {
	case "on":
		r.on = true
		return r, r.conflict(s.tracks)
	case "off":
		return r, ""
	}
	return r, errSyntax
}

func (r *trackingRequest) redirectTo(s *session, arg []byte) string {
	if r.redirect != 0 {
		return errRedirectTwice
	}
	id, err := strconv.ParseInt(string(arg), 10, 64)
	switch {
	case err != nil:
		return errNotInteger
	case id <= 0 || s.srv.sessions.get(uint64(id)) == nil:
		return errRedirectNobody
	}
	r.redirect = uint64(id)
	return ""
}

// conflict is the error of options that do not go together, or not with how the session tracks already.
func (r *trackingRequest) conflict(now *tracker) string {
	var old trackingOptions
	var prefixes []string
	if now != nil {
		old, prefixes = now.trackingOptions, now.prefixes
	}
	switch {
	case !r.bcast && len(r.prefixes) > 0:
		return errPrefixAlone
	case now != nil && old.bcast != r.bcast:
		return errSwitchBcast
	case r.bcast && (r.optin || r.optout):
		return errBcastOpt
	case r.optin && r.optout:
		return errOptBoth
	case r.optin && old.optout || r.optout && old.optin:
		return errSwitchOpt
	}
	return r.overlap(prefixes)
}

// overlap is the error of prefixes that have keys in common with each other or with those there are.
func (r *trackingRequest) overlap(old []string) string {
	common := func(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }
	for i, p := range r.prefixes {
		for _, other := range old {
			if common(p, other) {
				return errPrefixOverlap(p, "an existing", other)
			}
		}
		for _, other := range r.prefixes[i+1:] {
			if common(p, other) {
				return errPrefixOverlap(p, "another provided", other)
			}
		}
	}
	return ""
}

func clientTracking(s *session, args [][]byte, out reply.Sink) {
	r, text := s.parseTracking(args[2:])
	switch {
	case text != "":
		out.Error(text)
		return
	case r.on:
		s.listen()
		s.tracks = s.srv.tracking.enable(s, r.trackingOptions, r.prefixes)
	default:
		s.untrack()
	}
	out.Status("OK")
}

func clientCaching(s *session, args [][]byte, out reply.Sink) {
	t := s.tracks
	yes, no := command.IsWord(args[2], "YES"), command.IsWord(args[2], "NO")
	switch {
	case t == nil:
		out.Error(errCachingUntracked)
		return
	case yes && !t.optin:
		out.Error(errCachingYes)
		return
	case no && !t.optout:
		out.Error(errCachingNo)
		return
	case !yes && !no:
		out.Error(errSyntax)
		return
	}
	s.caching = true
	out.Status("OK")
}

func clientGetredir(s *session, _ [][]byte, out reply.Sink) {
	_, redirect := s.trackingShown()
	out.Int(redirect)
}

func clientTrackinginfo(s *session, _ [][]byte, out reply.Sink) {
	words := []string{"off"}
	var prefixes []string
	shown, redirect := s.trackingShown()
	if t := s.tracks; t != nil {
		prefixes = t.prefixes
		words[0] = "on"
		for _, w := range []struct {
			word string
			set  bool
		}{
			{"bcast", t.bcast}, {"optin", t.optin}, {"caching-yes", t.optin && s.caching}, {"optout", t.optout},
			{"caching-no", t.optout && s.caching}, {"noloop", t.noloop}, {"broken_redirect", strings.Contains(shown, "R")},
		} {
			if w.set {
				words = append(words, w.word)
			}
		}
	}
	out.Map(3)
	out.Text("flags")
	out.Set(len(words))
	for _, w := range words {
		out.Text(w)
	}
	out.Text("redirect")
	out.Int(redirect)
	out.Text("prefixes")
	out.Array(len(prefixes))
	for _, p := range prefixes {
		out.Text(p)
	}
}

// trackingShown is what CLIENT LIST shows of a session's tracking: letters, and to whom it redirects, -1 if it does
// not track. Any goroutine may ask.
func (s *session) trackingShown() (letters string, redirect int64) {
	t := &s.srv.tracking
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.clients[s.id]
	if c == nil {
		return "", -1
	}
	b := bytes.NewBufferString("t")
	if c.broken {
		b.WriteByte('R')
	}
	if c.bcast {
		b.WriteByte('B')
	}
	return b.String(), int64(c.redirect)
}
