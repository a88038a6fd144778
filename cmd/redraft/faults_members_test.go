package main

import (
	"errors"
	"slices"
	"time"
)

// administerPatience is how long the nemesis tries to have the membership changed.
const administerPatience = 5 * time.Second

// changeMembers changes who belongs to the cluster while clients are at work: the leadership is
// handed on, a vote taken and given, or a node removed, emptied, and taken in again.
func (m *nemesis) changeMembers() {
	switch m.rnd.IntN(3) {
	case 0:
		m.transfer()
	case 1:
		m.demoteOne()
	default:
		m.replaceOne()
	}
}

// transfer hands the leadership to the fittest, or to a node drawn.
func (m *nemesis) transfer() {
	words := []string{"RAFT", "TRANSFER"}
	if m.chance(50) {
		words = append(words, m.nodes[m.rnd.IntN(len(m.nodes))].id)
	}
	if n := m.leader(); n != nil {
		_, err := n.askWithin(administerPatience, words...)
		m.note("%v at %s: %v", words, n.id, err)
	}
}

// demoteOne takes a node's vote away for a while.
func (m *nemesis) demoteOne() {
	n := m.nodes[m.rnd.IntN(len(m.nodes))]
	m.administer("DEMOTE", n)
	m.wait(m.between(100*time.Millisecond, 2*time.Second))
	m.administer("PROMOTE", n)
}

// replaceOne removes a node, and takes it in again with an empty directory. It is emptied only if
// the removal was acknowledged: as long as its vote could count, it must not forget it.
func (m *nemesis) replaceOne() {
	n := m.nodes[m.rnd.IntN(len(m.nodes))]
	if !m.administer("REMOVE", n) {
		return
	}
	m.wait(m.between(0, time.Second))
	m.note("start %s with an empty directory", n.id)
	n.renew()
}

// administer asks the leader for a change until it is acknowledged, or time is over.
func (m *nemesis) administer(verb string, n *faultNode) bool {
	err := errors.New("nobody leads")
	for till := time.Now().Add(administerPatience); time.Now().Before(till); time.Sleep(50 * time.Millisecond) {
		leads := m.leader()
		if leads == nil {
			continue
		}
		if _, err = leads.askWithin(time.Until(till), "RAFT", verb, n.id); err == nil {
			m.note("%s %s at %s", verb, n.id, leads.id)
			return true
		}
	}
	m.note("%s %s in vain: %v", verb, n.id, err)
	return false
}

// renew kills the process and starts it with an empty directory.
func (n *faultNode) renew() {
	if !n.ended() {
		n.crash()
	}
	n.empty()
	n.restart()
}

// readmit takes in again whom the members do not count as one of them: a removal may have been
// made though its acknowledgement was lost. Nothing else disturbs the cluster, and a write behind
// the removal shows that it stands.
func (c *faultCluster) readmit() {
	c.t.Helper()
	var missing []*faultNode
	eventually(c.t, "the membership", func() error {
		leads := c.leader()
		if leads == nil {
			return errors.New("nobody leads")
		}
		missing = missing[:0]
		answer, err := leads.ask("RAFT", "MEMBERS")
		if err != nil {
			return err
		}
		members, _ := answer.([]any)
		for _, n := range c.nodes {
			in := func(m any) bool { return field(m, "id") == n.id }
			if !slices.ContainsFunc(members, in) {
				missing = append(missing, n)
			}
		}
		_, err = leads.ask("RAFT", "DIGEST")
		return err
	})
	for _, n := range missing {
		n.renew()
	}
}
