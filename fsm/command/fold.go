package command

// IsWord reports whether an argument is the word, given in upper case, in any mix of cases.
func IsWord(arg []byte, word string) bool {
	if len(arg) != len(word) {
		return false
	}
	for i, c := range arg {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// lower puts b in lower case into buf, letters of ASCII only. !ok means that it does not fit.
func lower(buf *[maxName]byte, b []byte) (low []byte, ok bool) {
	if len(b) > len(buf) {
		return nil, false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(b)], true
}
