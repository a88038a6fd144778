package server

import (
	"net"
	"strconv"

	"github.com/redraftdb/redraft/fsm"
)

// announcedPort is the port for clients that other nodes and their clients are told.
func (s *Server) announcedPort() int64 { return AnnouncedPort(s.config) }

// AnnouncedPort is the port for clients that other nodes and their clients are told: as in Redis' replication,
// the one for TLS if nodes talk to each other's in it, or if it is the only one.
func AnnouncedPort(c *Config) int64 {
	if c.Int("port") == 0 || c.Bool("tls-replication") && c.Int("tls-port") != 0 {
		return c.Int("tls-port")
	}
	return c.Int("port")
}

// announcement is the item that corrects what the cluster knows of this node's port for clients, nil if nothing
// is wrong with it. The cluster package has told the address that the node was started with.
func (s *Server) announcement() []byte {
	known := s.clientAddr(s.nodeID)
	host, port, err := net.SplitHostPort(known)
	wanted := strconv.FormatInt(s.announcedPort(), 10)
	if err != nil || port == wanted {
		return nil
	}
	return fsm.SetNode(s.nodeID, net.JoinHostPort(host, wanted))
}

// announce tells the cluster when the port for clients is another than it was told: after a CONFIG SET, or a start
// after one. The tick repeats it until that has worked.
func (s *Server) announce() {
	if !s.ready.Load() || !s.front.listens() || !s.announcing.CompareAndSwap(false, true) {
		return
	}
	item := s.announcement()
	if item == nil {
		s.announcing.Store(false)
		return
	}
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		defer s.announcing.Store(false)
		s.tryItem(item)
	}()
}
