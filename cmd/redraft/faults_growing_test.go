package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// growing is a value that only ever grew: a string that tokens were appended to, or a counter. How
// large it is tells which state a reader saw, so every level of reading can be held to its word.
type growing struct {
	key    string
	events []*event // in order of calls
	final  string   // what all nodes have in the end, empty for no key

	faults []string
}

func (g *growing) fault(format string, args ...any) {
	g.faults = append(g.faults, g.key+": "+fmt.Sprintf(format, args...))
}

// check holds what clients saw against the end, and tells what was wrong:
//
//   - what was acknowledged is there, once, at the place that its answer names; what was refused is
//     not there; what is open is there once at most;
//   - what anybody read is a state that there was;
//   - an answer to a write, and a linearizable read, is of a state no older than the newest that
//     anybody had been told of when it was asked for; bounded:MS is that with MS to spare;
//   - a read at session, or above, is of a state no older than what its connection had been told.
func (g *growing) check() []string {
	if strings.HasPrefix(g.key, "log:") {
		g.checkTokens()
	} else {
		g.checkCount()
	}
	g.checkOrder()
	g.checkSessions()
	return g.faults
}

// checkTokens is about strings.
func (g *growing) checkTokens() {
	count := map[string]int{}
	end := map[string]int{}
	at := 0
	for _, token := range strings.SplitAfter(g.final, ";") {
		at += len(token)
		count[token]++
		end[token] = at
	}
	for _, e := range g.events {
		if e.reads() {
			if e.Outcome == acknowledged && e.Answer != "nil" && !strings.HasPrefix(g.final, e.Answer) {
				g.fault("a read at %s saw what never was: %v", e.Level, e)
			}
			continue
		}
		token := e.Words[2]
		n := count[token]
		count[token] = 0
		switch {
		case e.Outcome == acknowledged && n != 1, e.Outcome == unknown && n > 1, e.Outcome == notApplied && n > 0:
			g.fault("%d times there: %v (%s)", n, e, e.Answer)
		case e.Outcome == acknowledged && e.Answer != strconv.Itoa(end[token]):
			g.fault("it ends at %d: %v", end[token], e)
		}
	}
	for token, n := range count {
		if n > 0 && token != "" {
			g.fault("nobody wrote %q", token)
		}
	}
}

// checkCount is about counters.
func (g *growing) checkCount() {
	sure, open := 0, 0
	seen := map[string]bool{}
	for _, e := range g.events {
		switch {
		case e.reads():
		case e.Outcome == unknown:
			open++
		case e.Outcome == acknowledged:
			sure++
			if seen[e.Answer] {
				g.fault("two increments were answered %v", e)
			}
			seen[e.Answer] = true
		}
	}
	final, _ := strconv.Atoi(g.final)
	if final < sure || final > sure+open {
		g.fault("it is %d in the end, after %d increments acknowledged and %d open", final, sure, open)
	}
	for _, e := range g.events {
		if size, ok := g.size(e); e.Outcome == acknowledged && (!ok || size > final) {
			g.fault("it is %d in the end, and a client was told %v", final, e)
		}
	}
}

// size is the size of the state that an answered event is about.
func (g *growing) size(e *event) (int, bool) {
	switch {
	case e.Outcome != acknowledged:
		return 0, false
	case e.Answer == "nil":
		return 0, true
	case e.reads() && strings.HasPrefix(g.key, "log:"):
		return len(e.Answer), true
	}
	n, err := strconv.Atoi(e.Answer)
	return n, err == nil
}

// lag is by how much a read at a level may be late.
func lag(level string) (time.Duration, bool) {
	if ms, ok := strings.CutPrefix(level, "bounded:"); ok {
		n, err := strconv.Atoi(ms)
		return time.Duration(n) * time.Millisecond, err == nil
	}
	return 0, strings.HasPrefix(level, "linearizable")
}

// checkOrder is about what events owe to earlier ones of all clients.
func (g *growing) checkOrder() {
	type demand struct {
		by   time.Duration // what was told until then has to be seen
		e    *event
		size int
	}
	var told, demands []demand
	for _, e := range g.events {
		size, ok := g.size(e)
		if !ok {
			continue
		}
		told = append(told, demand{e.Returned, e, size})
		late, owes := lag(e.Level)
		if !e.reads() {
			late, owes = 0, true
			size-- // what was told before is smaller
		}
		if owes {
			demands = append(demands, demand{e.Called - late, e, size})
		}
	}
	byTime := func(a, b demand) int { return cmp.Compare(a.by, b.by) }
	slices.SortFunc(told, byTime)
	slices.SortFunc(demands, byTime)
	var newest demand
	for _, d := range demands {
		for len(told) > 0 && told[0].by < d.by {
			if told[0].size > newest.size {
				newest = told[0]
			}
			told = told[1:]
		}
		if d.size < newest.size {
			g.fault("client %d was told at %v %.60v, and client %d, at %s, who asked at %v: %.60v",
				newest.e.Client, newest.e.Returned, newest.e, d.e.Client, d.e.Level, d.e.Called, d.e)
		}
	}
}

// checkSessions is about what events owe to earlier ones of the same connection.
func (g *growing) checkSessions() {
	last := map[int]int{}
	for _, e := range g.events {
		size, ok := g.size(e)
		if !ok {
			continue
		}
		_, aged := lag(e.Level)
		if e.reads() && (e.Level == "session" || aged && !strings.HasPrefix(e.Level, "bounded")) && size < last[e.Conn] {
			g.fault("its own connection had seen %d before %v", last[e.Conn], e)
		}
		last[e.Conn] = max(last[e.Conn], size)
	}
}
