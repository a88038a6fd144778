package command

// SplitLine splits a line typed by hand, its end cut off, a line of a configuration file or the rules of
// an ACL selector into words as Redis does, so that sessions and files made for Redis mean the same here:
//
//   - white space separates words; vertical tab and form feed do so only before a word
//   - "…" holds \n, \r, \t, \b, \a and \xHH; a backslash before anything else is left out
//   - '…' is literal but for \'
//   - a quoted part may begin in the middle of a word, but always ends it: white space or the
//     line's end must follow
//
// ok is false when a quote is not closed or something follows it. The words share one allocation
// and do not refer to line.
func SplitLine(line []byte) (words [][]byte, ok bool) {
	text := make([]byte, 0, len(line)) // no escape is shorter than what it stands for
	for i := 0; ; {
		for i < len(line) && IsSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return words, true
		}
		from := len(text)
		text, i, ok = lineWord(text, line, i)
		if !ok {
			return nil, false
		}
		words = append(words, text[from:len(text):len(text)])
	}
}

// lineWord appends the word that begins at line[i] and returns where it ends.
func lineWord(text, line []byte, i int) (word []byte, end int, ok bool) {
	for i < len(line) {
		switch c := line[i]; c {
		case ' ', '\t', '\r', '\n':
			return text, i, true
		case '"', '\'':
			text, i, ok = lineQuoted(text, line, i+1, c)
			if !ok || i < len(line) && !IsSpace(line[i]) {
				return text, i, false
			}
			return text, i, true
		default:
			text = append(text, c)
			i++
		}
	}
	return text, i, true
}

// lineQuoted appends what stands from line[i] to the closing quote and returns the place after it.
func lineQuoted(text, line []byte, i int, quote byte) (quoted []byte, end int, ok bool) {
	for i < len(line) {
		c := line[i]
		switch {
		case c == quote:
			return text, i + 1, true
		case c == '\\' && quote == '"' && i+1 < len(line):
			c, i = lineEscape(line, i+1)
		case c == '\\' && quote == '\'' && i+1 < len(line) && line[i+1] == '\'':
			c, i = '\'', i+2
		default:
			i++
		}
		text = append(text, c)
	}
	return text, i, false
}

// lineEscape reads the escape whose backslash stands before line[i].
func lineEscape(line []byte, i int) (c byte, end int) {
	switch c = line[i]; c {
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'b':
		c = '\b'
	case 'a':
		c = '\a'
	case 'x':
		if i+2 < len(line) {
			high, low := lineHex(line[i+1]), lineHex(line[i+2])
			if high >= 0 && low >= 0 {
				return byte(high<<4 | low), i + 3
			}
		}
	}
	return c, i + 1
}

// lineHex returns the value of a hexadecimal digit, or -1.
func lineHex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// IsSpace reports whether c is what C's isspace calls white space.
func IsSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
