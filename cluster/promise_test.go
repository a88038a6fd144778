package cluster

import (
	"testing"
	"time"
)

// TestPromises: each clause of a promise, with a clock of the test's own.
func TestPromises(t *testing.T) {
	const d = leaseDefault
	now := time.Hour
	term := uint64(7)
	current := func() uint64 { return term }
	fresh := func() *promises {
		p := newPromises(func() time.Duration { return now }, leaseDefault, leaseDefault, testLog())
		now += d
		term = 7
		return p
	}
	ask := func(number uint64) pledge { return pledge{to: "a", term: 7, number: number, lasts: d} }
	other := pledge{to: "b", term: 7, number: 1, lasts: d}
	for name, c := range map[string]struct {
		before func(*promises)
		ask    pledge
		want   bool
	}{
		"first":               {nil, ask(1), true},
		"another term":        {func(*promises) { term = 8 }, ask(1), false},
		"vote in raft":        {func(p *promises) { p.admit("c") }, ask(1), false},
		"vote answered":       {func(p *promises) { p.admit("c"); p.answered() }, ask(1), true},
		"renewal":             {func(p *promises) { p.promise(ask(1), current) }, ask(2), true},
		"live to another":     {func(p *promises) { p.promise(other, current); now += d - 1 }, ask(1), false},
		"ended to another":    {func(p *promises) { p.promise(other, current); now += d }, ask(1), true},
		"another released":    {func(p *promises) { p.promise(other, current); other := other; other.number++; p.release(other) }, ask(1), true},
		"overtaken":           {func(p *promises) { p.promise(ask(3), current) }, ask(2), false},
		"late after release":  {func(p *promises) { p.promise(ask(1), current); p.release(ask(3)) }, ask(2), false},
		"again after release": {func(p *promises) { p.promise(ask(1), current); p.release(ask(2)) }, ask(3), true},
		"too long":            {nil, pledge{to: "a", term: 7, number: 1, lasts: d + 1}, false},
		"from nobody":         {nil, pledge{term: 7, number: 1, lasts: d}, false},
	} {
		p := fresh()
		if c.before != nil {
			c.before(p)
		}
		if got := p.promise(c.ask, current); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestBoundNode: what a promise keeps from raft, and what it does not.
func TestBoundNode(t *testing.T) {
	now := time.Hour
	p := newPromises(func() time.Duration { return now }, leaseDefault, leaseDefault, testLog())
	current := func() uint64 { return 7 }
	ask := pledge{to: "a", term: 7, number: 1, lasts: leaseDefault}
	if now += leaseDefault - 1; p.admit("a") || p.promise(ask, current) || p.bound("me") != 1 {
		t.Error("not silent after the start")
	}
	if now++; p.bound("me") != 0 || !p.promise(ask, current) {
		t.Error("silent for too long")
	}
	if p.admit("b") || p.admit("") || p.bound("me") != leaseDefault || p.bound("a") != 0 {
		t.Error("not bound")
	}
	if !p.admit("a") {
		t.Error("the promisee cannot be voted for")
	}
	p.answered()
	p.release(ask) // as old as the promise
	p.release(pledge{to: "b", term: 7, number: 9})
	p.release(pledge{to: "a", term: 6, number: 9})
	if now += leaseDefault - 1; p.admit("b") {
		t.Error("released by a message that was overtaken, or by another node")
	}
	if now++; !p.admit("b") || p.bound("me") != 0 {
		t.Error("bound for too long")
	}
	p.answered()
	ask.number = 10
	if !p.promise(ask, current) {
		t.Error("no second promise")
	}
	ask.number = 11
	if p.release(ask); !p.admit("b") || p.bound("me") != 0 {
		t.Error("not released")
	}
	// A shorter promise does not cut a longer one off.
	p.answered()
	ask.number = 12
	p.promise(ask, current)
	ask.number, ask.lasts = 13, 1
	if p.promise(ask, current); p.bound("me") != leaseDefault {
		t.Error("cut off")
	}
}

func TestPledgeBytes(t *testing.T) {
	want := pledge{term: 1 << 40, number: 3, lasts: leaseDefault}
	op, got, err := decodePledge(want.encode(leaseRelease))
	if err != nil || op != leaseRelease || got != want {
		t.Errorf("%d %+v %v", op, got, err)
	}
	for _, b := range [][]byte{nil, {0}, make([]byte, pledgeSize+1), append([]byte{2}, make([]byte, pledgeSize-1)...)} {
		if _, _, err := decodePledge(b); err == nil {
			t.Errorf("%v was read", b)
		}
	}
}
