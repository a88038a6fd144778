package fsm

// A Publication is a message that an entry carries to the subscribers of a channel. Its bytes are valid during
// the call that hands it over.
type Publication struct {
	Channel, Message []byte
	Shard            bool // of SPUBLISH: its channels have subscribers of their own, and no patterns
}

// Deliver makes deliver the one that is handed each publication, under the machine's lock and in the order of the
// log; nil for none. It returns how many have received it on this node.
func (m *Machine) Deliver(deliver func(p Publication) (receivers int)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deliver = deliver
}

// TellAfter keeps what entries up to an index publish, and the events they cause, from this node's subscribers and
// observers: what the node's log held at its start happened before anybody could subscribe.
func (m *Machine) TellAfter(index uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.toldFrom = index
}

// Restored makes tell the one that is called, under the machine's lock, when a snapshot has replaced the state:
// the publications and changes between the old one and the new one are known to nobody here.
func (m *Machine) Restored(tell func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.replaced = tell
}

// told reports whether what the present entry does is for this node's sessions to hear.
func (m *Machine) told() bool { return m.state.index > m.toldFrom }

// announce hands a publication to this node's subscribers, and returns how many there are.
func (m *Machine) announce(p Publication) int {
	if m.deliver == nil || !m.told() {
		return 0
	}
	return m.deliver(p)
}
