package identity

import (
	"crypto/tls"
	"encoding/binary"
	"time"
)

// limitTickets makes the tickets of a configuration worthless after a time. crypto/tls has a limit of a
// week; the time of issue travels inside the ticket, encrypted with the rest.
func limitTickets(c *tls.Config, life time.Duration) {
	c.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix())))
		return c.EncryptTicket(state, session)
	}
	c.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := c.DecryptTicket(ticket, state)
		if err != nil || session == nil || len(session.Extra) == 0 {
			return nil, err
		}
		issued := session.Extra[len(session.Extra)-1]
		if len(issued) != 8 || time.Since(time.Unix(int64(binary.BigEndian.Uint64(issued)), 0)) > life {
			return nil, nil // a full handshake
		}
		return session, nil
	}
}
