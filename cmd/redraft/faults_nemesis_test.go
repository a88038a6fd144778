package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// nemesis disturbs a cluster, one disturbance after the other, and writes down what it does. What
// it does and how long follows from rnd; whom it meets depends on who leads.
type nemesis struct {
	*faultCluster
	rnd   *rand.Rand
	began time.Time
	until time.Time
	diary strings.Builder
	count int // of disturbances
}

// faultKind is a kind of run: what is done to the cluster, again and again.
type faultKind struct {
	name    string
	disturb func(m *nemesis)
	disk    bool // nodes have disks of their own
	clocks  bool // clocks are set, so keys may expire at any time
}

// faultKinds are the kinds of runs, in the order in which they take turns.
func faultKinds() []faultKind {
	return []faultKind{
		{name: "kill", disturb: (*nemesis).killSome},
		{name: "pause", disturb: (*nemesis).pauseSome},
		{name: "isolate", disturb: (*nemesis).isolate},
		{name: "one-way", disturb: (*nemesis).oneWay},
		{name: "flap", disturb: (*nemesis).flap},
		{name: "kill-all", disturb: (*nemesis).killAll},
		{name: "members", disturb: (*nemesis).changeMembers},
		{name: "clocks", disturb: (*nemesis).setClocks, clocks: true},
		{name: "late", disturb: (*nemesis).answerLate},
		{name: "disk", disturb: (*nemesis).fillSome, disk: true},
		{name: "mixed", disturb: (*nemesis).mix, clocks: true},
	}
}

// run disturbs until the time is over, or tells what a node did that nothing excuses.
func (m *nemesis) run(kind faultKind) error {
	for {
		m.wait(m.between(300*time.Millisecond, 2*time.Second))
		for _, n := range m.nodes {
			if n.up && n.ended() && !kind.disk {
				return fmt.Errorf("%s ended by itself: %v", n.id, n.err)
			}
		}
		if !time.Now().Before(m.until) {
			return nil
		}
		kind.disturb(m)
		m.count++
	}
}

// note writes down what is done.
func (m *nemesis) note(format string, args ...any) {
	fmt.Fprintf(&m.diary, "%8.3fs %s\n", time.Since(m.began).Seconds(), fmt.Sprintf(format, args...))
}

// wait lets time pass, but not beyond the end.
func (m *nemesis) wait(d time.Duration) { time.Sleep(min(d, time.Until(m.until))) }

func (m *nemesis) between(least, most time.Duration) time.Duration {
	return least + time.Duration(m.rnd.Int64N(int64(most-least)))
}

// chance is true p times of a hundred.
func (m *nemesis) chance(p int) bool { return m.rnd.IntN(100) < p }

// long is how long a pause or a cut lasts: 0.2 to 10 s, mostly a few.
func (m *nemesis) long() time.Duration {
	if m.chance(80) {
		return m.between(200*time.Millisecond, 3*time.Second)
	}
	return m.between(3*time.Second, 10*time.Second)
}

// victims are nodes to be disturbed: mostly the leader, with or without followers; always few
// enough for the others to be a majority, so that one of them may lead.
func (m *nemesis) victims() []*faultNode {
	order := m.rnd.Perm(len(m.nodes))
	count := 1 + m.rnd.IntN((len(m.nodes)-1)/2)
	leads, wanted := m.leader(), m.chance(65)
	var list []*faultNode
	if leads != nil && wanted {
		list = append(list, leads)
	}
	for _, i := range order {
		if n := m.nodes[i]; len(list) < count && (n != leads || !wanted) {
			list = append(list, n)
		}
	}
	return list
}

// rest are the ids of all other nodes.
func (m *nemesis) rest(some []*faultNode) []string {
	var list []string
	for _, n := range m.nodes {
		in := false
		for _, v := range some {
			in = in || n == v
		}
		if !in {
			list = append(list, n.id)
		}
	}
	return list
}

func ids(nodes []*faultNode) []string {
	var list []string
	for _, n := range nodes {
		list = append(list, n.id)
	}
	return list
}

// touches picks the connections of some nodes.
func touches(some []*faultNode) func(*relay) bool {
	return func(r *relay) bool {
		for _, n := range some {
			if r.from == n.id || r.to == n.id {
				return true
			}
		}
		return false
	}
}

// killSome kills nodes and starts them again.
func (m *nemesis) killSome() {
	v := m.victims()
	m.note("kill %v", ids(v))
	for _, n := range v {
		n.crash()
	}
	m.wait(m.between(10*time.Millisecond, 4*time.Second))
	m.note("start %v", ids(v))
	for _, n := range v {
		n.restart()
	}
}

// killAll kills all nodes at once and starts them again, not quite at once.
func (m *nemesis) killAll() {
	m.note("kill all")
	for _, n := range m.nodes {
		n.crash()
	}
	m.note("start all")
	for _, i := range m.rnd.Perm(len(m.nodes)) {
		m.wait(m.between(0, 400*time.Millisecond))
		m.nodes[i].restart()
	}
	m.wait(m.between(time.Second, 5*time.Second))
}

// pauseSome stops nodes and lets them go on. In half of the cases the network is slow as well, so
// what was on its way to them is older than they think.
func (m *nemesis) pauseSome() {
	everybody := m.rest(nil)
	delay := time.Duration(0)
	if m.chance(50) {
		delay = m.between(time.Millisecond, 12*time.Millisecond)
		m.network.set(everybody, everybody, way{delay: delay})
		m.wait(m.between(300*time.Millisecond, time.Second))
	}
	v := m.victims()
	m.note("pause %v, delay %v", ids(v), delay)
	for _, n := range v {
		n.freeze()
	}
	m.wait(m.long())
	m.note("go on %v", ids(v))
	for _, n := range v {
		n.thaw()
	}
	if delay > 0 {
		m.wait(m.between(0, time.Second))
	}
	m.network.heal()
}

// isolate cuts nodes off from the others. The connections there are break at once, or late, or not
// at all; then what they held arrives when the cut is healed.
func (m *nemesis) isolate() {
	v := m.victims()
	breaks := m.rnd.IntN(3)
	m.note("cut off %v", ids(v))
	m.network.set(ids(v), m.rest(v), way{cut: true})
	m.network.set(m.rest(v), ids(v), way{cut: true})
	if breaks == 0 {
		m.network.reset(touches(v))
	}
	m.wait(m.long())
	if breaks == 1 {
		m.network.reset(touches(v))
	}
	m.note("healed %v", ids(v))
	m.network.heal()
}

// oneWay keeps nodes from being heard, or from hearing, or leaves them with connections that the
// other end has closed.
func (m *nemesis) oneWay() {
	v := m.victims()
	switch m.rnd.IntN(3) {
	case 0:
		m.note("%v are not heard", ids(v))
		m.network.set(ids(v), m.rest(v), way{cut: true})
	case 1:
		m.note("%v hear nothing", ids(v))
		m.network.set(m.rest(v), ids(v), way{cut: true})
	default:
		m.note("half-open connections of %v", ids(v))
		m.network.halve(touches(v))
	}
	m.wait(m.long())
	m.note("healed %v", ids(v))
	m.network.heal()
}

// answerLate makes the answers to a node slow, mostly to the leader, and then stops it, keeps it from
// being heard, or has another lead. What still comes in makes it believe in a majority that has
// elected another by then.
func (m *nemesis) answerLate() {
	n := m.victims()[:1]
	delay := m.between(120*time.Millisecond, 220*time.Millisecond)
	m.note("answers to %v take %v", ids(n), delay)
	m.network.set(m.rest(n), ids(n), way{delay: delay})
	m.wait(m.between(400*time.Millisecond, time.Second))
	switch m.rnd.IntN(3) {
	case 0:
		m.note("%v is stopped", ids(n))
		n[0].freeze()
		m.wait(m.between(time.Second, 3*time.Second))
		n[0].thaw()
		m.wait(m.between(0, 200*time.Millisecond))
	case 1:
		m.note("%v is not heard", ids(n))
		m.network.set(ids(n), m.rest(n), way{cut: true})
		m.wait(m.between(time.Second, 3*time.Second))
	default:
		m.transfer()
		m.wait(m.between(200*time.Millisecond, time.Second))
	}
	m.note("healed %v", ids(n))
	m.network.heal()
}

// flap cuts nodes off and heals the cut, many times.
func (m *nemesis) flap() {
	v := m.victims()
	till := time.Now().Add(m.long())
	m.note("flapping %v", ids(v))
	for time.Now().Before(till) && time.Now().Before(m.until) {
		m.network.set(ids(v), m.rest(v), way{cut: true})
		if m.chance(70) {
			m.network.set(m.rest(v), ids(v), way{cut: true})
		}
		m.wait(m.between(20*time.Millisecond, 600*time.Millisecond))
		if m.chance(30) {
			m.network.reset(touches(v))
		}
		m.network.heal()
		m.wait(m.between(20*time.Millisecond, 600*time.Millisecond))
	}
	m.note("healed %v", ids(v))
}

// setClocks sets clocks by an hour or by seconds, forward or back, and makes another node lead: its
// first stamp is taken from its clock.
func (m *nemesis) setClocks() {
	offsets := []time.Duration{-time.Hour, -3 * time.Second, 0, 0, 3 * time.Second, time.Hour}
	for _, n := range m.nodes {
		if m.chance(60) {
			d := offsets[m.rnd.IntN(len(offsets))]
			m.note("the clock of %s is off by %v", n.id, d)
			n.setClock(d)
		}
	}
	m.wait(m.between(0, time.Second))
	if m.chance(50) {
		m.killSome()
	} else {
		m.transfer()
	}
}

// fillSome fills the disks of nodes. One that cannot write its log ends by itself; it is started
// again, in vain or not, and the space is given back in the end.
func (m *nemesis) fillSome() {
	v := m.victims()
	m.note("fill the disks of %v", ids(v))
	for _, n := range v {
		n.fillDisk()
	}
	till := time.Now().Add(m.between(time.Second, 6*time.Second))
	for time.Now().Before(till) && time.Now().Before(m.until) {
		m.wait(200 * time.Millisecond)
		for _, n := range v {
			if n.ended() && m.chance(20) {
				m.note("%s has ended; start it on a full disk", n.id)
				n.restart()
			}
		}
	}
	for _, n := range v {
		n.freeDisk()
		if n.ended() {
			m.note("%s has ended; start it with room again", n.id)
			n.restart()
		}
	}
	m.note("room again for %v", ids(v))
}

// mix does one of what the other kinds do.
func (m *nemesis) mix() {
	all := []func(*nemesis){(*nemesis).killSome, (*nemesis).pauseSome, (*nemesis).isolate, (*nemesis).oneWay,
		(*nemesis).answerLate, (*nemesis).flap, (*nemesis).changeMembers, (*nemesis).setClocks}
	all[m.rnd.IntN(len(all))](m)
}
