package fsm

import "github.com/redraftdb/redraft/fsm/command"

// A Tracker is told what becomes of keys, on behalf of clients of this node that keep what they have read. It is
// called under the machine's lock, which nobody else holds then, in the order of the log. What it is given is valid
// during the call.
//
// What reads outside of the log have read it hears by Call.Then, under the lock too: what is remembered there
// cannot change unnoticed, since a change would have to wait for the lock.
type Tracker interface {
	// Changed tells of a key, in whichever database, that has changed or gone, and who did that: nil if nobody
	// wanted to be known (AppendItemOf), and for what expires.
	Changed(author *Origin, key []byte)
	// Flushed tells that any key may have changed, and who did that, as Changed does.
	Flushed(author *Origin)
	// Read tells of a command of the log that has read data on behalf of its author, after it has been answered.
	Read(author *Origin, spec *command.Spec, args [][]byte)
	// Applied tells that an entry is done.
	Applied()
}

// Track makes a tracker the one that is told of what happens from now on; nil for none.
func (m *Machine) Track(t Tracker) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tracker = t
}
