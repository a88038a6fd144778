package value

import "bytes"

// An Interval is a part of the order of a sorted set, by scores or, where all scores are equal, by members.
type Interval interface {
	// Above reports whether the interval lies above a member with its score, behind it in the order.
	Above(member []byte, score float64) bool
	// Below reports whether the interval lies below a member with its score, in front of it in the order.
	Below(member []byte, score float64) bool
	// ByScore reports whether the score alone decides: the member may be left out.
	ByScore() bool
}

// ScoreInterval is the scores from Min to Max, either of which may be exclusive.
type ScoreInterval struct {
	Min, Max         float64
	MinOpen, MaxOpen bool
}

// ParseScoreInterval reads the bounds as ZRANGEBYSCORE has them: a number as C's strtod takes it, and a
// parenthesis in front of one that is exclusive.
func ParseScoreInterval(low, high []byte) (in ScoreInterval, ok bool) {
	in.Min, in.MinOpen, ok = parseScoreBound(low)
	if !ok {
		return in, false
	}
	in.Max, in.MaxOpen, ok = parseScoreBound(high)
	return in, ok
}

func parseScoreBound(b []byte) (f float64, open, ok bool) {
	if len(b) > 0 && b[0] == '(' {
		open, b = true, b[1:]
	}
	f, ok = parseStrtod(b)
	return f, open, ok
}

// Above reports whether a score is less than those of the interval.
func (in ScoreInterval) Above(_ []byte, score float64) bool {
	return score < in.Min || in.MinOpen && score == in.Min
}

// Below reports whether a score is greater than those of the interval.
func (in ScoreInterval) Below(_ []byte, score float64) bool {
	return score > in.Max || in.MaxOpen && score == in.Max
}

// ByScore is true.
func (in ScoreInterval) ByScore() bool { return true }

// LexInterval is the members from one to another, in the order of their bytes.
type LexInterval struct{ min, max lexBound }

// lexBound is a string, in front of all (-1), or behind all (1).
type lexBound struct {
	text     []byte
	open     bool
	infinite int
}

// ParseLexInterval reads the bounds as ZRANGEBYLEX has them: - and + for the ends of the order, or a string
// behind a bracket, or behind a parenthesis if it is exclusive.
func ParseLexInterval(low, high []byte) (in LexInterval, ok bool) {
	if in.min, ok = parseLexBound(low); !ok {
		return in, false
	}
	in.max, ok = parseLexBound(high)
	return in, ok
}

func parseLexBound(b []byte) (bound lexBound, ok bool) {
	if len(b) == 0 {
		return bound, false
	}
	switch b[0] {
	case '[':
		return lexBound{text: b[1:]}, true
	case '(':
		return lexBound{text: b[1:], open: true}, true
	case '-':
		bound.infinite = -1
	case '+':
		bound.infinite = 1
	}
	return bound, bound.infinite != 0 && (len(b) == 1 || b[1] == 0) // a string of C ends at a zero byte
}

// compare is the order of a member and a bound.
func (b *lexBound) compare(member []byte) int {
	if b.infinite != 0 {
		return -b.infinite
	}
	return bytes.Compare(member, b.text)
}

// Above reports whether a member stands in front of those of the interval.
func (in LexInterval) Above(member []byte, _ float64) bool {
	c := in.min.compare(member)
	return c < 0 || in.min.open && c == 0
}

// Below reports whether a member stands behind those of the interval.
func (in LexInterval) Below(member []byte, _ float64) bool {
	c := in.max.compare(member)
	return c > 0 || in.max.open && c == 0
}

// ByScore is false.
func (in LexInterval) ByScore() bool { return false }
