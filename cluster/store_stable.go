package cluster

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// The names under which the library keeps a vote, and the one under which we do.
const (
	stableVoteTerm = "LastVoteTerm"
	stableVoteFor  = "LastVoteCand"
	stableVote     = "redraft-vote" // 8 bytes of term, big-endian, then the candidate
)

// stableStore keeps a group's term and vote in a bolt file.
//
// The library writes a vote as two settings, the term and then the candidate. A crash in between
// would leave the old candidate under the new term, a vote that was never cast. So the first is
// held back until the second comes, and both are written as one value. Until then both read as
// they were. A failure to write is fatal, see disk.
type stableStore struct {
	bolt *raftboltdb.BoltStore
	disk *disk

	mu   sync.Mutex
	held []byte // the term of a vote whose candidate has not come yet; nil: none
}

var _ raft.StableStore = (*stableStore)(nil)

func openStableStore(path string, disk *disk) (*stableStore, error) {
	bolt, err := openBolt(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return &stableStore{bolt: bolt, disk: disk}, nil
}

// Set writes a setting.
func (s *stableStore) Set(key, value []byte) error {
	if string(key) != stableVoteFor {
		return s.write(key, value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		return s.disk.fail(fmt.Errorf("a vote for %q without a term", value))
	}
	vote := append(s.held, value...)
	s.held = nil
	return s.write([]byte(stableVote), vote)
}

// SetUint64 writes a number, or holds it back if it is the first half of a vote.
func (s *stableStore) SetUint64(key []byte, value uint64) error {
	b := binary.BigEndian.AppendUint64(nil, value)
	if string(key) != stableVoteTerm {
		return s.write(key, b)
	}
	s.mu.Lock()
	s.held = b
	s.mu.Unlock()
	return nil
}

func (s *stableStore) write(key, value []byte) error {
	if err := s.disk.write(func() error { return s.bolt.Set(key, value) }); err != nil {
		return s.disk.fail(fmt.Errorf("writing %s: %w", key, err))
	}
	return nil
}

// Get reads a setting; the error for one that is not there is the library's.
func (s *stableStore) Get(key []byte) ([]byte, error) {
	if string(key) != stableVoteFor {
		return s.bolt.Get(key)
	}
	_, candidate, err := s.vote()
	return candidate, err
}

// GetUint64 reads a number.
func (s *stableStore) GetUint64(key []byte) (uint64, error) {
	if string(key) != stableVoteTerm {
		return s.bolt.GetUint64(key)
	}
	term, _, err := s.vote()
	return term, err
}

// vote is the last vote that was written.
func (s *stableStore) vote() (term uint64, candidate []byte, err error) {
	b, err := s.bolt.Get([]byte(stableVote))
	if err != nil {
		return 0, nil, err
	}
	if len(b) < 8 {
		return 0, nil, fmt.Errorf("damaged vote %x", b)
	}
	return binary.BigEndian.Uint64(b), b[8:], nil
}

func (s *stableStore) close() error { return s.bolt.Close() }
