package cluster

import (
	"crypto/tls"
	"errors"
	"net"
)

// linkTLS is one side of a wire that is TLS. Closing it breaks it at once: everything on the wire has its length,
// so nobody needs the alert that says where it ends, and a peer that does not read could hold it up.
type linkTLS struct {
	*tls.Conn
	socket net.Conn
}

// Close implements net.Conn.
func (c *linkTLS) Close() error { return c.socket.Close() }

// guarded is the incoming connection conn with TLS around it, if the link has that. The handshake comes later.
func (l *link) guarded(conn net.Conn) net.Conn {
	if config, _ := l.options.secure(); config != nil {
		return &linkTLS{tls.Server(conn, config), conn}
	}
	return conn
}

// guardedOut is guarded for an outgoing connection.
func (l *link) guardedOut(conn net.Conn) net.Conn {
	if _, config := l.options.secure(); config != nil {
		return &linkTLS{tls.Client(conn, config), conn}
	}
	return conn
}

// linkHandshake goes through the handshake of a connection, if there is one, before anything else is read.
func linkHandshake(conn net.Conn) error {
	secure, ok := conn.(*linkTLS)
	if !ok {
		return nil
	}
	err := secure.Handshake()
	var strange tls.RecordHeaderError
	var network net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &strange) && string(strange.RecordHeader[:len(linkMagic)]) == linkMagic:
		return &linkRefusal{why: errLinkPlain}
	case errors.As(err, &strange), errors.As(err, &network) && network.Timeout():
		return err // no peer of ours
	}
	return &linkRefusal{why: errLinkTLS, detail: err.Error()}
}
