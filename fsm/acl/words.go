package acl

import (
	"encoding/binary"
	"errors"
)

// Words are the rules that make the user of a blank one, without loss: what it is kept as.
func (u *User) Words() []string {
	words := u.Flags()
	for _, p := range u.passwords {
		words = append(words, "#"+p)
	}
	words = append(words, u.selectors[0].words()...)
	for i := range u.selectors[1:] {
		words = append(append(append(words, "("), u.selectors[i+1].words()...), ")")
	}
	return words
}

func (s *selector) words() []string {
	var words []string
	if s.allKeys {
		words = append(words, "allkeys")
	}
	words = append(words, s.keyWords(pattern.word)...)
	if s.allChannels {
		words = append(words, "allchannels")
	} else {
		words = append(append(words, "resetchannels"), s.channelWords()...)
	}
	for _, r := range s.commands {
		words = append(words, sign(r.allow)+r.name)
	}
	return words
}

// A user's words one after the other, each under its length as a varint, are its bytes in items and
// in snapshots.

var errForm = errors.New("a user is not in the form that this version writes")

// AppendWords appends the bytes of words.
func AppendWords(dst []byte, words []string) []byte {
	for _, w := range words {
		dst = binary.AppendUvarint(dst, uint64(len(w)))
		dst = append(dst, w...)
	}
	return dst
}

// ReadWords takes words from their bytes.
func ReadWords(b []byte) (words []string, err error) {
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return nil, errForm
		}
		words = append(words, string(b[size:size+int(n)]))
		b = b[size+int(n):]
	}
	return words, nil
}

// ReadUser makes a user of the bytes of its words.
func ReadUser(name string, born uint64, b []byte) (*User, error) {
	words, err := ReadWords(b)
	if err != nil {
		return nil, err
	}
	if !ValidName(name) {
		return nil, errForm
	}
	return Blank(name, born, false).Change(words, false)
}
