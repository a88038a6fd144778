package cluster

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// The kinds of calls between nodes. Their numbers are part of the protocol.
const (
	callAsk       byte = 1 // how far a node is; see answer
	callForward   byte = 2 // a frame for the leader
	callReadIndex byte = 3 // a follower's question for the read index
	callMember    byte = 4 // join, announce or promote; see memberAsk
	callHandOn    byte = 5 // stand for election in a term
	callNudge     byte = 6 // propose an empty entry
	callLease     byte = 7 // promise a leader not to vote, or be released from it; see pledge
)

// The first byte of an answer to callForward, callReadIndex and callLease.
const (
	answerYes       byte = 0 // what was asked for follows
	answerNotLeader byte = 1 // who leads follows, as JSON of leaderHint; to callLease: no
)

// leaderHint is who leads, as far as the answering node knows.
type leaderHint struct {
	ID   string `json:"id,omitempty"`
	Addr string `json:"addr,omitempty"`
}

// answer is what a node says about itself when it is asked.
type answer struct {
	term    uint64 // its current term
	last    uint64 // the last index of its log
	applied uint64 // how far its Machine is
	wall    int64  // its wall clock in ms
	leads   bool
	member  bool   // the asking node is a member, as far as this one knows
	leader  string // who it thinks leads
	client  string // its address for clients
}

// answerFixed is the size of an answer without its strings: version, flags, four numbers.
const answerFixed = 2 + 4*8

const (
	answerVersion = 1

	answerLeads  byte = 1 << 0
	answerMember byte = 1 << 1
)

// encode gives the bytes of a: fixed fields, then the strings with their lengths.
func (a *answer) encode() []byte {
	var flags byte
	if a.leads {
		flags |= answerLeads
	}
	if a.member {
		flags |= answerMember
	}
	b := append(make([]byte, 0, answerFixed+len(a.leader)+len(a.client)+4), answerVersion, flags)
	b = binary.BigEndian.AppendUint64(b, a.term)
	b = binary.BigEndian.AppendUint64(b, a.last)
	b = binary.BigEndian.AppendUint64(b, a.applied)
	b = binary.BigEndian.AppendUint64(b, uint64(a.wall))
	b = binary.AppendUvarint(b, uint64(len(a.leader)))
	b = append(b, a.leader...)
	b = binary.AppendUvarint(b, uint64(len(a.client)))
	return append(b, a.client...)
}

var errAnswer = errors.New("a message that cannot be read")

// decodeAnswer takes apart what encode gave. Bytes that a newer version adds are skipped.
func decodeAnswer(b []byte) (answer, error) {
	if len(b) < answerFixed || b[0] < answerVersion {
		return answer{}, errAnswer
	}
	a := answer{
		leads:   b[1]&answerLeads != 0,
		member:  b[1]&answerMember != 0,
		term:    binary.BigEndian.Uint64(b[2:]),
		last:    binary.BigEndian.Uint64(b[10:]),
		applied: binary.BigEndian.Uint64(b[18:]),
		wall:    int64(binary.BigEndian.Uint64(b[26:])),
	}
	rest := b[answerFixed:]
	for _, s := range []*string{&a.leader, &a.client} {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return answer{}, errAnswer
		}
		*s = string(rest[n : n+int(size)])
		rest = rest[n+int(size):]
	}
	return a, nil
}

// caller makes calls to other nodes; the link does.
type caller interface {
	call(ctx context.Context, addr string, kind byte, group int, body []byte) ([]byte, error)
}

// call makes a call to the same group of the node at addr.
func (g *group) call(ctx context.Context, addr string, kind byte, body []byte) ([]byte, error) {
	return g.node.calls.call(ctx, addr, kind, g.number, body)
}

// ask asks another member how far it is, and remembers the answer for status and promotion.
func (g *group) ask(ctx context.Context, peer raft.Server) (answer, error) {
	sent := time.Now()
	b, err := g.call(ctx, string(peer.Address), callAsk, nil)
	if err != nil {
		return answer{}, err
	}
	a, err := decodeAnswer(b)
	if err == nil {
		g.heard(string(peer.ID), peerNews{answer: a, at: sent})
	}
	return a, err
}

// answer is what this node says about itself to from.
func (g *group) answer(from string) *answer {
	_, leader := g.leader()
	_, member := g.server(from)
	return &answer{
		// The term first: what is said of the log may be newer than it, never older.
		term:    g.raft.CurrentTerm(),
		last:    g.raft.LastIndex(),
		applied: g.progress.index(),
		wall:    g.node.options.Wall().UnixMilli(),
		leads:   g.office.Load() != nil,
		member:  member,
		leader:  leader,
		client:  g.node.options.ClientAddr,
	}
}

// handle answers the calls of other nodes. It runs on a goroutine of its own.
func (n *Node) handle(ctx context.Context, from string, kind byte, number int, body []byte) ([]byte, error) {
	g, err := n.group(number)
	if err != nil {
		return nil, err
	}
	switch kind {
	case callAsk:
		return g.answer(from).encode(), nil
	case callForward:
		return g.serveForward(ctx, from, body), nil
	case callReadIndex:
		return g.reads.serveIndex(ctx, body), nil
	case callMember:
		return g.serveMember(ctx, from, body)
	case callHandOn:
		if len(body) != 8 {
			return nil, errAnswer
		}
		return nil, g.transport.takeHandOn(binary.BigEndian.Uint64(body))
	case callLease:
		return g.leases.serve(from, body)
	case callNudge:
		_, err := g.proposer.propose(ctx, nil, nil)
		return nil, err
	default:
		return nil, fmt.Errorf("unknown kind of call %d: the caller is of a newer version", kind)
	}
}

// redirect is the answer of a node that does not lead.
func (g *group) redirect() []byte {
	addr, id := g.leader()
	b, _ := json.Marshal(leaderHint{ID: id, Addr: addr}) // cannot fail
	return append([]byte{answerNotLeader}, b...)
}

// redirected is the error that such an answer stands for.
func redirected(b []byte) error {
	var hint leaderHint
	if len(b) > 1 && b[0] == answerNotLeader {
		_ = json.Unmarshal(b[1:], &hint) // an unreadable hint is none
	}
	return &notLeader{id: hint.ID, addr: hint.Addr}
}

// handOn asks the node at target to stand for election in a term.
func (g *group) handOn(target raft.ServerAddress, term uint64) error {
	ctx, cancel := context.WithTimeout(g.ctx, g.node.options.ElectionTimeout)
	defer cancel()
	_, err := g.call(ctx, string(target), callHandOn, binary.BigEndian.AppendUint64(nil, term))
	return err
}

// reach reports whether the node at target answers.
func (g *group) reach(target raft.ServerAddress) error {
	ctx, cancel := context.WithTimeout(g.ctx, g.node.options.ElectionTimeout)
	defer cancel()
	_, err := g.call(ctx, string(target), callAsk, nil)
	return err
}
