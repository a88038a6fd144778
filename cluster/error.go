package cluster

import (
	"errors"
	"fmt"
)

// notLeader refuses something that only the leader does. Nothing was and nothing will be done.
type notLeader struct {
	id, addr string // the leader's node id and cluster address; empty: none is known
}

// Error says who leads.
func (e *notLeader) Error() string {
	if e.id == "" {
		return "this node is not the leader, and no leader is known"
	}
	return fmt.Sprintf("this node is not the leader, node %s at %s is", e.id, e.addr)
}

// NotLeader is the leader's cluster address, empty if no leader is known.
func (e *notLeader) NotLeader() (addr string) { return e.addr }

// LeaderID is the leader's node id, empty if no leader is known.
func (e *notLeader) LeaderID() string { return e.id }

// unknown is the outcome of something that may or may not have been done, now or later.
type unknown struct{ why error }

// Error gives the reason.
func (e *unknown) Error() string { return "the outcome is unknown: " + e.why.Error() }

// Unwrap is the reason.
func (e *unknown) Unwrap() error { return e.why }

// Unknown is always true.
func (e *unknown) Unknown() bool { return true }

// queueFull refuses a proposal for now. Nothing was and nothing will be done; the same may
// succeed in a moment.
type queueFull struct{ why string }

// Error gives the reason.
func (e *queueFull) Error() string { return e.why }

// QueueFull is always true.
func (e *queueFull) QueueFull() bool { return true }

// tooLarge refuses a proposal for good.
type tooLarge struct{ size, limit int }

// Error gives both figures.
func (e *tooLarge) Error() string {
	return fmt.Sprintf("%d bytes in one proposal: max-item-bytes is %d", e.size, e.limit)
}

// TooLarge is always true.
func (e *tooLarge) TooLarge() bool { return true }

// startAgain is the reason of an end that another start from the same directory mends.
type startAgain struct{ why error }

// Error gives the reason.
func (e *startAgain) Error() string { return e.why.Error() + ": this node has to be started again" }

// Unwrap is the reason.
func (e *startAgain) Unwrap() error { return e.why }

// StartAgain is always true.
func (e *startAgain) StartAgain() bool { return true }

// Reasons for an outcome to be unknown.
var (
	errLostLeadership = errors.New("leadership was lost while the entry was being committed")
	errTooLong        = errors.New("the cluster took too long")
	errSnapshotCame   = errors.New("a snapshot replaced the part of the log it would be in")
	errStopping       = errors.New("this node is stopping")
	errHandOnStuck    = errors.New("raft never finishes handing on the leadership")
)

// Refusals of a proposal that may be tried again at once.
var (
	errQueueFull    = &queueFull{"the queue of proposals is full"}
	errTransferring = &queueFull{"leadership is being transferred"}
	errLogBusy      = &queueFull{"the log does not take entries at the moment"}
)

// errNoGroup: the process does not host the group.
var errNoGroup = errors.New("no such group on this node")

// Refusals of a data directory.
var (
	errDirInUse   = errors.New("is used by another process: stop that one, or choose another --dir")
	errDirNewer   = errors.New("was written by a newer version of redraft: start it with that one, or choose another --dir")
	errDirCluster = errors.New("belongs to another cluster")
	errDirNode    = errors.New("belongs to another node: leave out --node-id, or choose another --dir")
	errDirStore   = errors.New("holds a log of another kind: leave out --log-store, or choose another --dir")
)

// Refusals of entries, by the decoder.
var (
	errEntryVersion = errors.New("unknown version of the entry format")
	errEntryFlags   = errors.New("unknown flags in the entry's head")
	errEntryShort   = errors.New("the entry is cut short")
	errEntryLong    = errors.New("the entry has bytes left over")
	errEntrySum     = errors.New("the entry's checksum is wrong: its bytes are not those that were proposed")
)

// Refusals of membership changes.
var (
	errMemberUnknown = errors.New("no node with this id in the cluster")
	errMemberID      = errors.New("this id is in use by a node at another address")
	errMemberAddr    = errors.New("this address is in use by a node with another id")
	errMemberLast    = errors.New("the last voter can be neither removed nor demoted")
	errMemberVoter   = errors.New("leadership can only go to a voter")
	errMemberSelf    = errors.New("this node leads already")
	errMemberTimes   = errors.New("all nodes have the same profile and time-outs")
	errMemberNobody  = errors.New("no other voter to hand leadership to")
)
