package cluster

import "time"

// flightState says who may touch a flight's sinks. It only ever grows.
type flightState int

const (
	// flightFilling: proposals are still being added, or it waits in the queue.
	flightFilling flightState = iota
	// flightSent: it was handed to raft and is among the claims.
	flightSent
	// flightLost: leadership was lost before it was committed. It stays among the claims, because
	// another leader may still commit it.
	flightLost
	// flightTaken: it belongs to the applier, which is handing its sinks to the Machine.
	flightTaken
	// flightSettled: its fate is known, done is closed.
	flightSettled
)

// flight is an entry of the log from its first proposal to its fate, and what all sessions with a
// proposal in it wait on. The proposer's mutex guards it until done is closed.
type flight struct {
	items    [][]byte
	local    []any // the sink of each item; nil once its session has left
	bytes    int   // of the items
	writers  int   // proposals in it
	sequence uint64
	born     time.Time
	state    flightState
	opens    *office // the term that this is the first entry of; nil otherwise

	lostAt   uint64    // flightLost: the index it would be at
	lostTill time.Time // flightLost: when it is given up

	done  chan struct{} // closed when index and err are final
	index uint64
	err   error
}

func newFlight() *flight {
	return &flight{state: flightFilling, born: time.Now(), done: make(chan struct{})}
}

// fits reports whether a proposal of so many bytes may be added.
func (f *flight) fits(bytes int) bool {
	return f.bytes+bytes <= entrySoftLimit
}

// add puts a proposal in and returns the place of its first item.
func (f *flight) add(items [][]byte, local []any, bytes int) int {
	at := len(f.items)
	f.items = append(f.items, items...)
	f.local = append(f.local, local...)
	for len(f.local) < len(f.items) {
		f.local = append(f.local, nil)
	}
	f.bytes += bytes
	f.writers++
	return at
}
