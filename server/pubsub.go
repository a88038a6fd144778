package server

import (
	"cmp"
	"container/list"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/glob"
)

// topicKind is one of the three things that a session can subscribe to, which do not know each other.
type topicKind byte

const (
	channelTopic topicKind = iota
	patternTopic           // of channels
	shardTopic             // a shard channel
	topicKinds
)

// A hub knows who of this node has subscribed to what, and hands messages on. It is called with the machine's lock
// held, so nothing that waits for the machine may hold its mutex.
type hub struct {
	size atomic.Int64 // subscriptions; where there are none nobody takes the mutex

	mu       sync.Mutex
	topics   [topicKinds]map[string]*topic
	patterns list.List // of *topic, first subscribed to, first served
}

// A topic is what somebody has subscribed to.
type topic struct {
	name    string
	members []*subscription
	place   *list.Element // among the patterns
}

// A subscription is one session's to one topic.
type subscription struct {
	of    *session
	to    *topic
	at    int    // its place among the topic's members
	since uint64 // which of the session's it is, in the order in which they were made
}

// subscriptions are what one session has subscribed to. The maps are the hub's, and under its mutex; what others
// see of them is atomic.
type subscriptions struct {
	by    [topicKinds]map[string]*subscription
	made  uint64
	count [topicKinds]atomic.Int32
	mode  atomic.Bool // the session is a subscriber, to which RESP2 allows little else
}

// counted is the number that a confirmation has: shard channels are counted apart from the rest.
func (l *subscriptions) counted(kind topicKind) int64 {
	if kind == shardTopic {
		return int64(l.count[shardTopic].Load())
	}
	return int64(l.count[channelTopic].Load()) + int64(l.count[patternTopic].Load())
}

// shown is the number of a session's topics of a kind, as CLIENT LIST shows it.
func (l *subscriptions) shown(kind topicKind) string { return strconv.Itoa(int(l.count[kind].Load())) }

// subscribe makes a session a subscriber, if it is not one already, and calls confirm before anybody can send it a
// message.
func (h *hub) subscribe(s *session, kind topicKind, name string, confirm func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer confirm()
	mine := &s.subscriptions
	if mine.by[kind][name] != nil {
		return
	}
	t := h.topics[kind][name]
	if t == nil {
		t = &topic{name: name}
		if h.topics[kind] == nil {
			h.topics[kind] = map[string]*topic{}
		}
		h.topics[kind][name] = t
		if kind == patternTopic {
			t.place = h.patterns.PushBack(t)
		}
	}
	sub := &subscription{of: s, to: t, at: len(t.members), since: mine.made}
	t.members = append(t.members, sub)
	if mine.by[kind] == nil {
		mine.by[kind] = map[string]*subscription{}
	}
	mine.by[kind][name] = sub
	mine.made++
	mine.count[kind].Add(1)
	h.size.Add(1)
}

// unsubscribe ends a session's subscription, if there is one, and calls confirm when nobody sends it messages of
// the topic any more.
func (h *hub) unsubscribe(s *session, kind topicKind, name string, confirm func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if sub := s.subscriptions.by[kind][name]; sub != nil {
		h.end(sub, kind)
	}
	confirm()
}

// end takes a subscription out. The hub is locked.
func (h *hub) end(sub *subscription, kind topicKind) {
	t, mine := sub.to, &sub.of.subscriptions
	last := len(t.members) - 1
	t.members[sub.at] = t.members[last]
	t.members[sub.at].at = sub.at
	t.members[last] = nil
	if t.members = t.members[:last]; last == 0 {
		delete(h.topics[kind], t.name)
		if t.place != nil {
			h.patterns.Remove(t.place)
		}
	}
	delete(mine.by[kind], t.name)
	mine.count[kind].Add(-1)
	h.size.Add(-1)
}

// subscribed lists the names of a session's topics of a kind, in the order in which it subscribed to them.
func (h *hub) subscribed(s *session, kind topicKind) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var subs []*subscription
	for _, sub := range s.subscriptions.by[kind] {
		subs = append(subs, sub)
	}
	slices.SortFunc(subs, func(a, b *subscription) int { return cmp.Compare(a.since, b.since) })
	names := make([]string, len(subs))
	for i, sub := range subs {
		names[i] = sub.to.name
	}
	return names
}

// leave ends all of a session's subscriptions.
func (h *hub) leave(s *session) {
	if h.size.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for kind := range topicKinds {
		for _, sub := range s.subscriptions.by[kind] {
			h.end(sub, kind)
		}
	}
	s.subscriptions.mode.Store(false)
}

// publish hands a message to everybody who has subscribed to its channel, and returns how many they are; a session
// counts once for each way in which it has. It is called under the machine's lock.
func (h *hub) publish(p fsm.Publication) (receivers int) {
	if h.size.Load() == 0 {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	kind, word := channelTopic, "message"
	if p.Shard {
		kind, word = shardTopic, "smessage"
	}
	receivers = h.topics[kind][string(p.Channel)].send(word, p.Channel, p.Message)
	if p.Shard {
		return receivers
	}
	for at := h.patterns.Front(); at != nil; at = at.Next() {
		if t := at.Value.(*topic); glob.Match([]byte(t.name), p.Channel) {
			receivers += t.send("pmessage", []byte(t.name), p.Channel, p.Message)
		}
	}
	return receivers
}

// send pushes a message to the members of a topic, of which there may be none, and returns how many they are.
func (t *topic) send(word string, parts ...[]byte) int {
	if t == nil {
		return 0
	}
	m := newMessage(word, parts...)
	for _, sub := range t.members {
		sub.of.pushMessage(m)
	}
	return len(t.members)
}

// disconnect cuts all subscribers off: there are messages that this node cannot give them. It is called under the
// machine's lock.
func (h *hub) disconnect() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for kind := range topicKinds {
		for _, t := range h.topics[kind] {
			for _, sub := range t.members {
				go sub.of.kill() // which may take longer than whoever holds the lock can wait
			}
		}
	}
}

// names lists the topics of a kind that somebody has subscribed to and a pattern matches, nil for all, in the order
// of their names.
func (h *hub) names(kind topicKind, pattern []byte) []string {
	h.mu.Lock()
	all := make([]string, 0, len(h.topics[kind]))
	for name := range h.topics[kind] {
		all = append(all, name)
	}
	h.mu.Unlock()
	if pattern != nil {
		all = slices.DeleteFunc(all, func(name string) bool { return !glob.Match(pattern, []byte(name)) })
	}
	slices.Sort(all)
	return all
}

// members is how many sessions have subscribed to a topic.
func (h *hub) members(kind topicKind, name []byte) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[kind][string(name)]; t != nil {
		return len(t.members)
	}
	return 0
}

// count is how many topics of a kind somebody has subscribed to.
func (h *hub) count(kind topicKind) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.topics[kind])
}
