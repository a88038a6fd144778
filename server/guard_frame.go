package server

import (
	"bytes"
	"math"
)

const (
	maxHeaderLine    = 64 << 10 // longest line, its end left out, that may be a header or an inline command
	openArgs         = 10       // most arguments before the client has authenticated
	openBulk         = 16 << 10 // longest argument in bytes before the client has authenticated
	maxMultibulk     = math.MaxInt32
	maxAddressable   = math.MaxInt / 2 // keeps sums of a position and a length in range
	longestLength    = 20              // digits and sign of the longest number that a header may hold
	protocolPrefix   = "Protocol error: "
	faultInline      = protocolPrefix + "too big inline request"
	faultQuotes      = protocolPrefix + "unbalanced quotes in request"
	faultCountLine   = protocolPrefix + "too big mbulk count string"
	faultCount       = protocolPrefix + "invalid multibulk length"
	faultOpenCount   = protocolPrefix + "unauthenticated multibulk length"
	faultBulkLine    = protocolPrefix + "too big bulk count string"
	faultBulk        = protocolPrefix + "invalid bulk length"
	faultOpenBulk    = protocolPrefix + "unauthenticated bulk length"
	faultNoBulkStart = protocolPrefix + "expected '$', got '"
)

// frameEvent is what a framer found.
type frameEvent int

const (
	frameMore    frameEvent = iota // nothing whole: more bytes are needed
	frameCommand                   // a whole command, in RESP
	frameLine                      // a whole line that is an inline command
	frameEmpty                     // a whole command of no arguments, to be ignored
	frameLocked                    // a limit for clients that have not authenticated; asking again is right after they may have
	frameFault                     // the stream is broken for good; fault says how
)

// framer follows the requests in one client's byte stream. It is handed the received bytes as they
// grow and remembers where it stopped: a header is looked at once, a payload is stepped over by its
// length. It does no I/O and keeps no bytes, only places in the buffer, which are the owner's to
// shift when the bytes move.
//
// Redis does not check what it skips: the byte after a header's CR and the two after an argument may
// be anything. The framer accepts the same and writes the canonical CR LF in their place, so that a
// stricter parser behind it agrees. A NUL hides the rest of a line from Redis, which then waits for
// the end of the line until the line is too long; so does the framer.
type framer struct {
	from  int // where the last whole command or line began; it ends at start
	start int // where the command in progress begins
	line  int // where the header in progress begins; unspecified within an argument
	pos   int // first byte not yet looked at; unspecified within an argument
	end   int // where the argument in progress ends, its line end included; 0 while its header is awaited
	args  int // arguments still to come, the one in progress included; 0 between commands

	name, nameEnd int  // the first argument of the command in progress, once its header has come
	first         bool // that header is awaited

	blind  bool   // the line in progress holds a NUL
	fault  string // the reply to a broken or locked stream
	ruined bool   // broken: there is no going on
}

// next looks at the bytes of b that it has not seen and returns the first thing that happens. After
// frameCommand and frameLine the bytes are b[f.from:f.start].
func (f *framer) next(b []byte, limits *guardLimits, authenticated bool) frameEvent {
	if f.ruined {
		return frameFault
	}
	if f.args == 0 {
		if f.start == len(b) {
			return frameMore
		}
		if b[f.start] != '*' {
			return f.inline(b)
		}
		if event := f.count(b, limits, authenticated); event != frameCommand {
			return event
		}
	}
	for f.args > 0 {
		if f.end == 0 {
			if event := f.bulk(b, limits, authenticated); event != frameCommand {
				return event
			}
		}
		if f.end > len(b) {
			return frameMore
		}
		b[f.end-2], b[f.end-1] = '\r', '\n'
		f.pos, f.line, f.end = f.end, f.end, 0
		f.args--
	}
	f.from, f.start = f.start, f.pos
	return frameCommand
}

// count reads the header that says how many arguments there are; frameCommand means go on.
func (f *framer) count(b []byte, limits *guardLimits, authenticated bool) frameEvent {
	at, event := f.header(b, faultCountLine)
	if event != frameCommand {
		return event
	}
	n, ok := parseLength(b[f.line+1 : at])
	switch {
	case !ok || n > min(int64(limits.args), maxMultibulk):
		return f.broken(faultCount)
	case n > openArgs && !authenticated:
		return f.locked(faultOpenCount)
	}
	b[at+1] = '\n'
	f.pos, f.line = at+2, at+2
	if n <= 0 {
		f.start = f.pos
		return frameEmpty
	}
	f.args, f.first = int(n), true
	return frameCommand
}

// bulk reads the header that says how long the next argument is; frameCommand means go on.
func (f *framer) bulk(b []byte, limits *guardLimits, authenticated bool) frameEvent {
	at, event := f.header(b, faultBulkLine)
	if event != frameCommand {
		return event
	}
	if c := b[f.line]; c != '$' {
		return f.broken(faultNoBulkStart + string([]byte{c}) + "'")
	}
	n, ok := parseLength(b[f.line+1 : at])
	switch {
	case !ok || n < 0 || n > limits.bulk || n > maxAddressable:
		return f.broken(faultBulk)
	case n > openBulk && !authenticated:
		return f.locked(faultOpenBulk)
	}
	b[at+1] = '\n'
	f.pos = at + 2
	f.end = f.pos + int(n) + 2
	if f.first {
		f.name, f.nameEnd, f.first = f.pos, f.pos+int(n), false
	}
	return frameCommand
}

// header looks for the end of the header in progress and returns the place of its CR; frameCommand
// means that it and the byte after it are there.
func (f *framer) header(b []byte, tooLong string) (at int, event frameEvent) {
	for i := f.pos; i < len(b) && !f.blind; i++ {
		switch b[i] {
		case '\r':
			f.pos = i
			if i-f.line > maxHeaderLine {
				return 0, f.broken(tooLong)
			}
			if i+1 == len(b) {
				return 0, frameMore
			}
			return i, frameCommand
		case 0:
			f.blind = true
		}
	}
	f.pos = len(b)
	if len(b)-f.line > maxHeaderLine {
		return 0, f.broken(tooLong)
	}
	return 0, frameMore
}

// inline looks for the end of a line that is no RESP.
func (f *framer) inline(b []byte) frameEvent {
	found := -1
	if !f.blind {
		seen := b[f.pos:]
		if found = bytes.IndexByte(seen, '\n'); found >= 0 {
			seen = seen[:found]
		}
		if bytes.IndexByte(seen, 0) >= 0 {
			f.blind, found = true, -1
		}
	}
	at := len(b)
	if found >= 0 {
		at = f.pos + found
	}
	f.pos = at
	if at-f.line > maxHeaderLine {
		return f.broken(faultInline)
	}
	if found < 0 {
		return frameMore
	}
	f.from = f.start
	f.start, f.line, f.pos = at+1, at+1, at+1
	return frameLine
}

// broken gives the stream up with the reply text.
func (f *framer) broken(text string) frameEvent {
	f.fault, f.ruined = text, true
	return frameFault
}

// undo makes the last whole command or line the one in progress again.
func (f *framer) undo() { f.start, f.line = f.from, f.from }

// locked reports a limit that authentication lifts. Nothing moves, so the header is judged anew by
// the next call.
func (f *framer) locked(text string) frameEvent {
	f.fault = text
	return frameLocked
}

// shift tells the framer that everything from f.start on has moved to the buffer's beginning.
func (f *framer) shift() {
	by := f.start
	f.from, f.start = 0, 0
	f.line -= by
	f.pos -= by
	f.name -= by
	f.nameEnd -= by
	if f.end > 0 {
		f.end -= by
	}
}

// parseLength reads a number in the one way that Redis accepts: decimal digits without a leading
// zero or plus sign, in the range of int64.
func parseLength(b []byte) (n int64, ok bool) {
	if len(b) == 1 && b[0]-'0' < 10 {
		return int64(b[0] - '0'), true
	}
	negative := len(b) > 0 && b[0] == '-'
	digits := b
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(b) > longestLength || digits[0] == '0' {
		return 0, false
	}
	var u uint64
	for _, c := range digits {
		if c -= '0'; c > 9 || u > (math.MaxUint64-uint64(c))/10 {
			return 0, false
		}
		u = u*10 + uint64(c)
	}
	if negative {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u <= math.MaxInt64
}
