package server

import "strconv"

// appendRequest appends the words as a RESP array of bulk strings, the form of a client's command.
func appendRequest(dst []byte, words [][]byte) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(words)), 10)
	dst = append(dst, '\r', '\n')
	for _, word := range words {
		dst = append(dst, '$')
		dst = strconv.AppendInt(dst, int64(len(word)), 10)
		dst = append(dst, '\r', '\n')
		dst = append(dst, word...)
		dst = append(dst, '\r', '\n')
	}
	return dst
}
