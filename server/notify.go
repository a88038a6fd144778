package server

import (
	"errors"
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/fsm"
)

// The letters of notify-keyspace-events: classes of events in the order of CONFIG GET, of which A means all but the
// last; and where events go, and the class of misses, which stand behind them.
const (
	eventLetters  = "g$lshzxetd" + "n"
	allEvents     = len(eventLetters) - 1
	targetLetters = "KEm"
)

var errEventLetter = errors.New("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")

// An eventFilter is the value of notify-keyspace-events.
type eventFilter struct {
	classes        string // letters, the classes of misses and new keys included
	byKey, byEvent bool   // K and E: to which channels events go
}

func parseEvents(value string) (f eventFilter, err error) {
	for _, c := range value {
		switch {
		case c == 'A':
			f.classes += eventLetters[:allEvents]
		case c == 'K':
			f.byKey = true
		case c == 'E':
			f.byEvent = true
		case strings.ContainsRune(eventLetters+targetLetters, c):
			f.classes += string(c)
		default:
			return f, errEventLetter
		}
	}
	return f, nil
}

func (f eventFilter) has(class fsm.EventClass) bool {
	return strings.IndexByte(f.classes, byte(class)) >= 0
}

// String is the value as CONFIG GET shows it. What comes with A stands at the end.
func (f eventFilter) String() string {
	text, rest := "", ""
	for _, c := range eventLetters {
		if strings.ContainsRune(f.classes, c) {
			text += string(c)
		}
	}
	if after, all := strings.CutPrefix(text, eventLetters[:allEvents]); all {
		text, rest = "A", after
	}
	if f.byKey {
		text += "K"
	}
	if f.byEvent {
		text += "E"
	}
	if f.has(fsm.EventMiss) {
		text += "m"
	}
	return text + rest
}

func checkEvents(value string) (string, error) {
	f, err := parseEvents(value)
	return f.String(), err
}

// applyEvents has the machine tell of events, or tell nobody if none would be published.
func (s *Server) applyEvents(value string) error {
	f, err := parseEvents(value)
	if f.classes == "" || !f.byKey && !f.byEvent {
		s.machine.Observe(nil)
	} else {
		s.machine.Observe(s.hub.eventPublisher(f))
	}
	return err
}

// eventPublisher is the observer that publishes the events of a filter, on this node alone: each node has its own.
func (h *hub) eventPublisher(f eventFilter) fsm.Observer {
	return func(class fsm.EventClass, event string, db int, key []byte) {
		if h.size.Load() == 0 || !f.has(class) {
			return
		}
		name := []byte(event)
		if f.byKey {
			h.publish(fsm.Publication{Channel: eventChannel("__keyspace@", db, key), Message: name})
		}
		if f.byEvent {
			h.publish(fsm.Publication{Channel: eventChannel("__keyevent@", db, name), Message: key})
		}
	}
}

func eventChannel(prefix string, db int, of []byte) []byte {
	channel := append(make([]byte, 0, len(prefix)+len(of)+8), prefix...)
	channel = strconv.AppendInt(channel, int64(db), 10)
	channel = append(channel, "__:"...)
	return append(channel, of...)
}
