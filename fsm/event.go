package fsm

// An EventClass is a class of keyspace events, as the letters of notify-keyspace-events name them.
type EventClass byte

// The classes of events.
const (
	EventGeneric EventClass = 'g' // of any type: del, expire, rename_from, …
	EventString  EventClass = '$'
	EventList    EventClass = 'l'
	EventSet     EventClass = 's'
	EventHash    EventClass = 'h'
	EventZSet    EventClass = 'z'
	EventStream  EventClass = 't'
	EventExpired EventClass = 'x' // a key was removed because it was due
	EventEvicted EventClass = 'e' // a key was removed for want of memory
	EventNew     EventClass = 'n' // a key was added
	EventMiss    EventClass = 'm' // a key was looked for in vain
)

// An Observer is told of each keyspace event as it happens, under the machine's lock: of what class it is,
// what happened, and to which key of which database. The key is valid during the call. Reads tell of keys that they
// miss, and so may several goroutines at the same time.
type Observer func(class EventClass, event string, db int, key []byte)

// Observe makes an observer the one that is told of what entries do from now on, and of what reads miss; nil for
// none.
func (m *Machine) Observe(o Observer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.observer = o
	m.added = nil
}

// event tells the observer, if there is one, of a keyspace event.
func (m *Machine) event(class EventClass, event string, db int, key []byte) {
	if m.observer != nil && m.told() {
		m.observer(class, event, db, key)
	}
}

// watchAdded has the databases tell of keys that are added to them. It is called with each item, and when a database
// gets another number; without an observer nobody is asked.
func (m *Machine) watchAdded() {
	if m.observer == nil {
		return
	}
	for i := len(m.added); i < len(m.state.databases); i++ {
		m.added = append(m.added, func(key []byte) { m.event(EventNew, "new", i, key) })
	}
	for i, db := range m.state.databases {
		db.added = m.added[i]
	}
}

// event tells the observer, if there is one, of a keyspace event of the command's database. Handlers call it
// behind touched, once for each event that Redis publishes, in its order.
func (r *run) event(class EventClass, event string, key []byte) {
	r.machine.event(class, event, r.number, key)
}

// eventIn is event for a key of any database.
func (r *run) eventIn(number int, class EventClass, event string, key []byte) {
	r.machine.event(class, event, number, key)
}
