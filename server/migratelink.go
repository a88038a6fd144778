package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"syscall"
	"time"
)

const (
	migrateChunk = 64 << 10 // bytes that may take as long as MIGRATE's timeout
	migrateLine  = 4 << 10  // bytes of an answer's line
)

// sendMigrants sends keys to the other server. It returns those that it has taken, and what went wrong with the others.
func (s *session) sendMigrants(m *migration, keys []*migrant) (arrived []*migrant, problem string) {
	_, secure := s.srv.ClusterTLS()
	ctx := s.patience.begin(m.patience)
	conn, err := dialMigration(ctx, m.addr, secure)
	s.patience.end()
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, errMigrateWriting
	case err != nil:
		return nil, errMigrateConnecting
	}
	defer func() { _ = conn.Close() }()
	ctx = s.patience.begin(24 * time.Hour) // each step has a deadline; this one ends with the session
	defer s.patience.end()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	l := migrationLink{conn, bufio.NewReaderSize(conn, migrateLine), m.patience}
	greeting := [][][]byte{{[]byte("SELECT"), m.db}}
	if m.auth != nil {
		greeting = [][][]byte{m.auth, greeting[0]}
	}
	for _, words := range greeting {
		if refused, fault := l.ask(appendRequest(nil, words)); refused != "" || fault != "" {
			return nil, refused + fault
		}
	}
	var request []byte
	for _, k := range keys {
		request = k.request(request, m.replace)
	}
	if fault := l.send(request); fault != "" {
		return nil, fault
	}
	for _, k := range keys {
		switch refused, fault := l.answer(); {
		case fault != "":
			return arrived, fault
		case refused == "":
			k.sent = true
			arrived = append(arrived, k)
		case problem == "":
			problem = refused
		}
	}
	return arrived, problem
}

// A migrationLink is a connection to the other server, each step on which may take as long as MIGRATE's timeout.
type migrationLink struct {
	conn     net.Conn
	in       *bufio.Reader
	patience time.Duration
}

func (l *migrationLink) ask(request []byte) (refused, fault string) {
	if fault := l.send(request); fault != "" {
		return "", fault
	}
	return l.answer()
}

func (l *migrationLink) send(request []byte) (fault string) {
	for len(request) > 0 {
		_ = l.conn.SetDeadline(time.Now().Add(l.patience))
		n, err := l.conn.Write(request[:min(len(request), migrateChunk)])
		if err != nil {
			return errMigrateWriting
		}
		request = request[n:]
	}
	return ""
}

// answer reads the answer to one request, which is a line: OK or a number, or an error.
func (l *migrationLink) answer() (refused, fault string) {
	_ = l.conn.SetDeadline(time.Now().Add(l.patience))
	switch line, err := l.in.ReadSlice('\n'); {
	case err != nil:
		return "", errMigrateReading
	case line[0] == '-':
		return errMigrateRefused + strings.TrimRight(string(line[1:]), "\r\n"), ""
	}
	return "", ""
}

func dialMigration(ctx context.Context, addr string, secure *tls.Config) (net.Conn, error) {
	if secure != nil {
		return (&tls.Dialer{Config: secure}).DialContext(ctx, "tcp", addr)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
}
