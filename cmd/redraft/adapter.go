package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redraftdb/redraft/cluster"
	"github.com/redraftdb/redraft/server"
)

// member is a cluster.Node as the server sees it: most methods fit as they are.
type member struct {
	*cluster.Node
	incarnation uint64
	caughtUp    atomic.Bool
}

var _ server.Cluster = (*member)(nil)

func newMember(n *cluster.Node) *member {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return &member{Node: n, incarnation: binary.BigEndian.Uint64(b[:])}
}

// randomHex is n random bytes in hexadecimal.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// How catchUp waits.
const (
	catchUpPause    = 10 * time.Millisecond
	catchUpPatience = 10 * time.Second // for one try, and between two lines in the log
)

// catchUp returns when this node has applied everything that the cluster had acknowledged when it
// was asked, or when ctx ends. It needs a leader, so it may wait for other nodes to start.
func (m *member) catchUp(ctx context.Context, log *slog.Logger) error {
	said := time.Now()
	for {
		try, cancel := context.WithTimeout(ctx, catchUpPatience)
		err := m.ReadIndex(try, 0, false)
		cancel()
		if err == nil {
			m.caughtUp.Store(true)
			return nil
		}
		if time.Since(said) >= catchUpPatience {
			said = time.Now()
			log.Warn("still catching up with the cluster; until then clients get stale reads and little else. "+
				"If this goes on, see that a majority of the voters runs and reaches this node", "error", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(catchUpPause):
		}
	}
}

// Status is the node's view of a group, in the server's words.
func (m *member) Status(group int) server.Status {
	s := m.Node.Status(group)
	return server.Status{
		NodeID:         s.NodeID,
		ClusterID:      s.ClusterID,
		Incarnate:      m.incarnation,
		Joined:         m.caughtUp.Load() && !s.Removed,
		Voter:          s.Voter,
		State:          s.Role,
		LeaderID:       s.LeaderID,
		Term:           s.Term,
		FirstIndex:     s.First,
		LastIndex:      s.Last,
		Commit:         s.Commit,
		Applied:        s.Applied,
		Contact:        s.Contact,
		SnapshotIndex:  s.Snapshot,
		SnapshotBytes:  s.SnapshotBytes,
		LastSnapshot:   s.SnapshotAt,
		SnapshotBegan:  s.SnapshotBegan,
		SnapshotFailed: s.SnapshotFailed,
		SnapshotTook:   s.SnapshotTook,
		Snapshots:      s.Snapshots,
		SinceEntries:   s.SinceEntries,
		SinceBytes:     s.SinceBytes,
	}
}

// Members are the nodes of a group, with what this node has heard of each.
func (m *member) Members(group int) []server.Member {
	s := m.Node.Status(group)
	heard := map[string]cluster.Peer{}
	for _, p := range s.Peers {
		heard[p.ID] = p
	}
	var list []server.Member
	for _, one := range m.Node.Members(group) {
		p := heard[one.ID]
		entry := server.Member{ID: one.ID, Addr: one.Addr, Voter: one.Voter, Leader: one.ID == s.LeaderID,
			Known: p.Known, Applied: p.Applied, Last: p.Last, Contact: p.Age}
		if one.ID == s.NodeID {
			entry.Known, entry.Applied, entry.Last = true, s.Applied, s.Last
		}
		list = append(list, entry)
	}
	return list
}
