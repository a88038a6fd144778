// Package reply is the way an answer takes from a command's handler to whoever asked.
//
// A handler does not build its answer as a value and does not know the connection: it writes
// it, part by part, to a Sink. Aggregates are announced by their length and followed by that
// many elements, as on the wire, so nothing has to be closed and nothing is held twice. What
// a Sink makes of the parts is its own affair: bytes of RESP2 or RESP3, values of a script,
// text in a test, or nothing at all on a replica that nobody asked.
package reply

// Sink takes one answer, part by part. A part's bytes are copied before the call returns, so a
// handler may pass views that die with the machine's lock. A Sink belongs to one goroutine at
// a time.
//
// The parts are those of RESP3. A Sink for RESP2 falls back as Redis does: a map becomes an
// array of twice its length, a double or a verbatim string a bulk string, a boolean the
// integer 1 or 0.
type Sink interface {
	// Status writes a simple string such as OK. It holds no CR or LF.
	Status(s string)
	// Error writes an error; text begins with its code ("ERR", "WRONGTYPE", …). A CR or LF in
	// it is written as a space.
	Error(text string)
	// Int writes an integer.
	Int(n int64)
	// Bulk writes a string of any bytes.
	Bulk(b []byte)
	// Text is Bulk of a string.
	Text(s string)
	// Double writes a floating-point number with as many of 17 digits as it takes (%.17g in C).
	Double(f float64)
	// Decimal is Double of a number that is given in its digits, with a point or without.
	Decimal(digits []byte)
	// BigNumber writes an integer of any size, given in decimal digits.
	BigNumber(digits string)
	// Bool writes a truth value.
	Bool(b bool)
	// Verbatim writes text with its three-letter format, "txt" or "mkd".
	Verbatim(format, text string)
	// Null writes the absence of a value.
	Null()
	// NullArray writes the absence of an array. RESP2 tells it from Null, RESP3 does not.
	NullArray()
	// Array announces n elements.
	Array(n int)
	// Map announces n pairs, so 2n parts.
	Map(n int)
	// Set announces n elements of a set.
	Set(n int)
	// Push announces n elements of a message that answers no request.
	Push(n int)
	// RESP3 reports whether the asker speaks RESP3. A few commands shape their answer by it,
	// beyond what the parts above express.
	RESP3() bool
}

// Discard is the Sink of an answer that nobody waits for.
var Discard Sink = discard{}

type discard struct{}

func (discard) Status(string)           {}
func (discard) Error(string)            {}
func (discard) Int(int64)               {}
func (discard) Bulk([]byte)             {}
func (discard) Text(string)             {}
func (discard) Double(float64)          {}
func (discard) Decimal([]byte)          {}
func (discard) BigNumber(string)        {}
func (discard) Bool(bool)               {}
func (discard) Verbatim(string, string) {}
func (discard) Null()                   {}
func (discard) NullArray()              {}
func (discard) Array(int)               {}
func (discard) Map(int)                 {}
func (discard) Set(int)                 {}
func (discard) Push(int)                {}
func (discard) RESP3() bool             { return false }
