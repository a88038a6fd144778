package server

import "bytes"

// output is a session's buffer of replies: a respWriter that counts the errors written to it.
//
// While a run of writes is being applied the output belongs to its entry. If the run's fate
// remains unknown the entry may write to it at any later time, so the session gives the output up
// and goes on with a new one.
type output struct {
	respWriter
	errors int
	laps   commandTimes // how long each item ran that answered here, in ns
}

func newOutput(protocol int, buf []byte) *output {
	o := &output{}
	o.buf = buf
	o.setProtocol(protocol)
	return o
}

func (o *output) protocol() int {
	if o.resp3 {
		return 3
	}
	return 2
}

// Took implements fsm.Timed.
func (o *output) Took(ns int64) { o.laps = append(o.laps, ns) }

// Error writes an error and counts it.
func (o *output) Error(text string) {
	o.errors++
	o.respWriter.Error(text)
}

// replyEnd is the length of the first reply in b, which holds whole replies as a respWriter
// makes them.
func replyEnd(b []byte) int {
	at := 0
	for open := 1; open > 0; open-- {
		line := bytes.IndexByte(b[at:], '\n')
		if line < 0 {
			return len(b)
		}
		kind, n := b[at], decimal(b[at+1:at+line])
		at += line + 1
		switch kind {
		case '$', '=', '!':
			if n >= 0 {
				at += n + 2
			}
		case '*', '~', '>':
			open += max(n, 0)
		case '%', '|':
			open += 2 * max(n, 0)
		}
	}
	return min(at, len(b))
}

// decimal is the number that a header line holds, -1 if it is negative or no number.
func decimal(line []byte) int {
	n := 0
	for _, c := range bytes.TrimSuffix(line, []byte{'\r'}) {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// errorsIn is the number of errors among the replies in b.
func errorsIn(b []byte) int {
	n := 0
	for len(b) > 0 {
		if b[0] == '-' {
			n++
		}
		b = b[replyEnd(b):]
	}
	return n
}
