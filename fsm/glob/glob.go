// Package glob matches byte strings against the glob patterns of KEYS, SCAN, PSUBSCRIBE,
// CONFIG GET and ACL rules.
//
// A pattern is a row of atoms, each of which takes exactly one byte of the subject, and of
// stars, each of which takes any number of them:
//
//	?        any one byte
//	[abc]    one of the bytes listed; [a-c] a range, its ends in either order; [^…] any byte but these
//	\x       the byte x, whatever it means otherwise, also inside a class
//	x        the byte itself
//	*        any bytes, none included
//
// There is no malformed pattern. What looks like one has the meaning that Redis 7.0 gives it
// by the way it reads on: a class that is not closed ends with the pattern, "[^" alone takes
// any byte, a lone "[" takes none, a backslash at the very end stands for itself, and a
// bracket after a dash is the end of a range, not of the class. The bounds of a range are
// compared as signed bytes, as Redis does where C's char is signed, so [\x01-\xff] is turned
// round and holds \xff, \x00 and \x01 only.
//
// The cost is bounded by the product of the two lengths, whatever the pattern: when a row of
// atoms fails, only the star before it has to be tried further on, never an earlier one,
// since all that an earlier star could offer is a later start for the same remainder. There is
// no recursion, so unlike Redis' matcher this one needs no limit on the number of stars
// (Debian's 7.0.15 gives up beyond a thousand and reports no match).
package glob

// Match reports whether pattern matches the whole of s.
//
// The empty string is matched by the empty pattern and by "*" and, as in Redis, by nothing
// else, so not by "**". (KEYS and SCAN take a lone "*" for everything; Redis' PUBLISH does not
// deliver a message for the channel "" to the pattern "*".)
func Match(pattern, s []byte) bool {
	return match(pattern, s, false)
}

// MatchFold is Match with the case of ASCII letters ignored, except for a letter that is
// escaped inside a class.
func MatchFold(pattern, s []byte) bool {
	return match(pattern, s, true)
}

func match(pattern, s []byte, fold bool) bool {
	if len(s) == 0 {
		return len(pattern) == 0 || len(pattern) == 1 && pattern[0] == '*'
	}
	p, i := 0, 0
	// The row of atoms behind the last star begins at pattern[row]; it is being tried at
	// s[start].
	row, start := -1, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			p = skipStars(pattern, p)
			if p == len(pattern) {
				return true
			}
			row, start = p, i
			continue
		}
		if p < len(pattern) {
			if next, ok := atom(pattern, p, s[i], fold); ok {
				p, i = next, i+1
				continue
			}
		}
		if row < 0 {
			return false
		}
		start++
		p, i = row, start
	}
	return skipStars(pattern, p) == len(pattern)
}

// skipStars returns the first position from p on that holds no star.
func skipStars(pattern []byte, p int) int {
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p
}

// atom matches the atom at pattern[p], which is no star, against c. It returns the position
// behind the atom; that is meaningless when the atom does not match.
func atom(pattern []byte, p int, c byte, fold bool) (next int, ok bool) {
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		return class(pattern, p+1, c, fold)
	case '\\':
		if p+1 < len(pattern) {
			p++
		}
	}
	return p + 1, same(pattern[p], c, fold)
}

// class matches the class whose inside begins at pattern[p] against c. It returns the
// position behind the class.
func class(pattern []byte, p int, c byte, fold bool) (next int, ok bool) {
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	found := false
	for p < len(pattern) && pattern[p] != ']' {
		switch left := len(pattern) - p; {
		case pattern[p] == '\\' && left >= 2:
			found = found || pattern[p+1] == c
			p += 2
		case left >= 3 && pattern[p+1] == '-':
			found = found || within(pattern[p], pattern[p+2], c, fold)
			p += 3
		default:
			found = found || same(pattern[p], c, fold)
			p++
		}
	}
	if p < len(pattern) {
		p++
	}
	return p, found != not
}

// within reports whether c lies between two bounds given in either order. The bounds are put
// in order first and folded afterwards, so folding may leave a range that holds nothing.
func within(a, b, c byte, fold bool) bool {
	low, high := int8(a), int8(b)
	if low > high {
		low, high = high, low
	}
	if fold {
		low, high, c = int8(lower(byte(low))), int8(lower(byte(high))), lower(c)
	}
	return low <= int8(c) && int8(c) <= high
}

func same(a, b byte, fold bool) bool {
	return a == b || fold && lower(a) == lower(b)
}

// lower folds ASCII letters only, whatever the locale.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
