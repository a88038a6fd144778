package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// event is one thing that a client asked for, and what it was told: a line of a history.
type event struct {
	Client   int           `json:"client"`
	Conn     int           `json:"conn"` // of the client, counted over the run
	Node     string        `json:"node"` // its address
	Level    string        `json:"level"`
	Words    []string      `json:"words"`
	Called   time.Duration `json:"called"`   // since the run began
	Returned time.Duration `json:"returned"` // 0 for an outcome that is unknown
	Outcome  outcome       `json:"outcome"`
	Answer   string        `json:"answer"`            // as text; an error begins with its code
	Settled  bool          `json:"settled,omitempty"` // asked when every deadline had long passed
}

func (e *event) verb() string { return e.Words[0] }
func (e *event) key() string  { return e.Words[1] }

// reads reports whether the command changes nothing, by its name.
func (e *event) reads() bool {
	switch e.verb() {
	case "GET", "HGET", "HGETALL", "HLEN", "PTTL":
		return true
	}
	return false
}

// linear reports whether the event has a place in the one order that all clients agree on: every
// write, and the reads at a level that says so.
func (e *event) linear() bool { return !e.reads() || strings.HasPrefix(e.Level, "linearizable") }

// history is what all clients of a run did and saw.
type history struct {
	began time.Time

	mu     sync.Mutex
	events []*event
	conns  int
}

func (h *history) add(e *event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

// connection is a new connection's number.
func (h *history) connection() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns++
	return h.conns
}

// acknowledged is how many events of the clients at work had an answer that says what happened.
func (h *history) acknowledged() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, e := range h.events {
		if e.Outcome == acknowledged && e.Client < faultClients {
			n++
		}
	}
	return n
}

// keys are the keys of events that begin with prefix, with their events, in order of calls.
func (h *history) keys(prefix string) map[string][]*event {
	byKey := map[string][]*event{}
	for _, e := range h.events {
		if strings.HasPrefix(e.key(), prefix) {
			byKey[e.key()] = append(byKey[e.key()], e)
		}
	}
	for _, list := range byKey {
		slices.SortFunc(list, func(a, b *event) int { return int(a.Called - b.Called) })
	}
	return byKey
}

// save writes the history, a line of JSON for each event.
func (h *history) save(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for _, e := range h.events {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	return w.Flush()
}

// answerText is an answer as the models write it: null as "nil", the fields of a hash sorted.
func answerText(verb string, answer any, err error) string {
	list, isList := answer.([]any)
	switch {
	case err != nil:
		return err.Error()
	case answer == nil && !isList:
		return "nil"
	case verb == "HGETALL":
		var pairs []string
		for i := 0; i+1 < len(list); i += 2 {
			pairs = append(pairs, fmt.Sprintf("%v=%v", list[i], list[i+1]))
		}
		slices.Sort(pairs)
		return strings.Join(pairs, " ")
	case verb == "PTTL":
		return ttlText(answer.(int64))
	}
	return fmt.Sprint(answer)
}

// ttlText is what of a PTTL's answer does not depend on the moment.
func ttlText(ms int64) string {
	switch ms {
	case -2:
		return "no key"
	case -1:
		return "no deadline"
	}
	return "deadline"
}
