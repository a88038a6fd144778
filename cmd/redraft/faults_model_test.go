package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// keyState is a key of the model: a string, or a hash as its fields and values, sorted. No text is
// no key.
type keyState struct {
	text string
	// from is when the key may be gone by itself at the earliest, as time since the run began; 0:
	// it has no deadline.
	from time.Duration
}

// keyModel checks the events of one key. What it assumes about deadlines, and what it leaves open:
//
//   - A key with a time to live d, given by a command that was called at t, is there until t + soon(d)
//     at least, where soon allows for the leader's stamps to run ahead. In a run that sets clocks, soon
//     is 0: stamps may jump forward with a new leader.
//   - From then on it may go at any moment, once, and for all readers: whoever sees that it is gone
//     is right, and who sees it afterwards is wrong.
//   - It may stay for as long as there is no leader whose clock goes on. So only an event that was
//     called long after the last deadline, when nothing was disturbed any more, has to find it gone:
//     a settled one.
type keyModel struct {
	soon func(d time.Duration) time.Duration
}

// steady is keyModel.soon for clocks that nobody sets. Stamps lean by a tenth at most; a command may
// have to wait before it is stamped, never after; the rest is for rounding.
func steady(d time.Duration) time.Duration { return max(0, d-d/10-20*time.Millisecond) }

// unsteady is keyModel.soon for clocks that are set.
func unsteady(time.Duration) time.Duration { return 0 }

// model is keyModel in Porcupine's terms.
func (m keyModel) model() porcupine.Model {
	n := porcupine.NondeterministicModel{
		Init:              func() []any { return []any{keyState{}} },
		Step:              func(state, input, _ any) []any { return m.step(state.(keyState), input.(*event)) },
		DescribeOperation: func(input, _ any) string { return input.(*event).String() },
		DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
	}
	return n.ToModel()
}

// String is the event for a picture of the history.
func (e *event) String() string {
	answer := e.Answer
	if e.Outcome == unknown {
		answer = "?"
	}
	return strings.Join(e.Words, " ") + " -> " + answer
}

// step are the states a key may have after an event, none if the event cannot have been answered
// as it was.
func (m keyModel) step(s keyState, e *event) []any {
	var states []any
	gone := s.from != 0 && (e.Outcome == unknown || e.Returned >= s.from)
	if gone {
		states = m.answered(states, keyState{}, e)
	}
	if !gone || !e.Settled {
		states = m.answered(states, s, e)
	}
	return states
}

// answered adds the state behind an event in state s, if its answer fits.
func (m keyModel) answered(states []any, s keyState, e *event) []any {
	answer, next := m.apply(s, e)
	if e.Outcome != unknown && e.Answer != answer {
		return states
	}
	if next.text == "" {
		next.from = 0
	}
	return append(states, next)
}

// apply is what the command of an event answers in state s, and the state after it.
func (m keyModel) apply(s keyState, e *event) (string, keyState) {
	switch e.verb() {
	case "DEL":
		return oneIf(s.text != ""), keyState{}
	case "PEXPIRE":
		if s.text == "" {
			return "0", s
		}
		return "1", m.deadline(s, e, e.Words[2])
	case "PERSIST":
		return oneIf(s.from != 0), keyState{text: s.text}
	case "PTTL":
		return s.ttl(), s
	}
	if strings.HasPrefix(e.key(), "hash:") {
		return applyHash(s, e.Words)
	}
	return m.applyText(s, e)
}

// deadline is s with a time to live, in ms.
func (m keyModel) deadline(s keyState, e *event, ms string) keyState {
	n, _ := strconv.Atoi(ms)
	s.from = max(1, e.Called+m.soon(time.Duration(n)*time.Millisecond))
	return s
}

func (s keyState) ttl() string {
	switch {
	case s.text == "":
		return ttlText(-2)
	case s.from == 0:
		return ttlText(-1)
	}
	return ttlText(0)
}

// orNil is a text as an answer.
func orNil(text string) string {
	if text == "" {
		return "nil"
	}
	return text
}

func oneIf(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func (m keyModel) applyText(s keyState, e *event) (string, keyState) {
	w := e.Words
	switch w[0] {
	case "GET":
		return orNil(s.text), s
	case "SET":
		next := keyState{text: w[2]}
		switch {
		case len(w) > 4:
			next = m.deadline(next, e, w[4])
		case len(w) > 3: // KEEPTTL
			next.from = s.from
		}
		return "OK", next
	case "APPEND":
		s.text += w[2]
		return strconv.Itoa(len(s.text)), s
	case "GETEX":
		next := s
		switch {
		case s.text == "":
		case len(w) > 3:
			next = m.deadline(s, e, w[3])
		default: // PERSIST
			next.from = 0
		}
		return orNil(s.text), next
	case "INCR":
		n, ok := integer(s.text)
		if !ok {
			return "ERR value is not an integer or out of range", s
		}
		s.text = strconv.FormatInt(n+1, 10)
		return s.text, s
	}
	panic("no model of " + w[0])
}

// integer reads a number as Redis does; no text is 0. What the clients write never overflows: they
// increment what one SET has written, and what they append is no number.
func integer(text string) (int64, bool) {
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n != math.MaxInt64 && strconv.FormatInt(n, 10) == text
}

func applyHash(s keyState, w []string) (string, keyState) {
	fields := map[string]string{}
	for _, pair := range strings.Fields(s.text) {
		name, value, _ := strings.Cut(pair, "=")
		fields[name] = value
	}
	had := false
	if len(w) > 2 {
		_, had = fields[w[2]]
	}
	var answer string
	switch w[0] {
	case "HGET":
		return orNil(fields[w[2]]), s
	case "HGETALL":
		return s.text, s
	case "HLEN":
		return strconv.Itoa(len(fields)), s
	case "HSET":
		answer = oneIf(!had)
		fields[w[2]] = w[3]
	case "HDEL":
		answer = oneIf(had)
		delete(fields, w[2])
	case "HINCRBY":
		n, ok := integer(fields[w[2]])
		if !ok {
			return "ERR hash value is not an integer", s
		}
		answer = strconv.FormatInt(n+1, 10)
		fields[w[2]] = answer
	default:
		panic("no model of " + w[0])
	}
	var pairs []string
	for name, value := range fields {
		pairs = append(pairs, name+"="+value)
	}
	slices.Sort(pairs)
	s.text = strings.Join(pairs, " ")
	return answer, s
}

// operations are the events of a key as Porcupine wants them: those that have a place in the one
// order, without reads that nobody knows the answer of and what surely was not done.
func operations(events []*event) []porcupine.Operation {
	var ops []porcupine.Operation
	for _, e := range events {
		end := int64(e.Returned)
		switch {
		case !e.linear() || e.Outcome == notApplied || e.Outcome == unknown && e.reads():
			continue
		case e.Outcome == unknown:
			end = math.MaxInt64 // it may yet be done
		}
		ops = append(ops, porcupine.Operation{ClientId: e.Client, Input: e, Call: int64(e.Called), Return: end})
	}
	return ops
}
