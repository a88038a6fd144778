package server

// A message is what is pushed to several sessions, encoded once for each protocol that one of them speaks. It
// belongs to one goroutine at a time.
type message struct {
	encode func(w *respWriter)
	forms  [2][]byte // RESP2, RESP3
}

// newMessage makes a push of a word and strings, which it refers to until the last session has it.
func newMessage(word string, parts ...[]byte) *message {
	return &message{encode: func(w *respWriter) {
		w.Push(1 + len(parts))
		w.Text(word)
		for _, part := range parts {
			w.Bulk(part)
		}
	}}
}

// in is the message in a protocol.
func (m *message) in(resp3 bool) []byte {
	form := &m.forms[0]
	if resp3 {
		form = &m.forms[1]
	}
	if *form == nil {
		w := respWriter{resp3: resp3}
		m.encode(&w)
		*form = w.take()
	}
	return *form
}
